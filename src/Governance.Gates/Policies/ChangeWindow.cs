using System.Globalization;

namespace Governance.Gates.Policies;

/// <summary>A time of the week, UTC, in which changes may happen: the same hours on one day or several in a row, such as <c>Tue..Thu 10:00-16:00</c>.</summary>
public sealed record ChangeWindow
{
    private const int Week = 7;
    private static readonly string[] Names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    private readonly int first;
    private readonly int days;
    private readonly TimeSpan from;
    private readonly TimeSpan until;

    private ChangeWindow(string text, int first, int days, TimeSpan from, TimeSpan until) => (Text, this.first, this.days, this.from, this.until) = (text, first, days, from, until);

    /// <summary>The window as the policy spells it.</summary>
    public string Text { get; }

    /// <summary>Reads a window.</summary>
    /// <param name="text">One day, or the first and the last with <c>..</c> between them, and two times with <c>-</c> between them; the second may be 24:00.</param>
    /// <returns>null: it is none, or ends before it begins.</returns>
    public static ChangeWindow? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Split(' ') is not [var on, var at] || at.Split('-') is not [var begin, var end] || TimeOf(begin) is not { } from || TimeOf(end) is not { } until || from >= until)
        {
            return null;
        }

        var named = on.Split("..");
        var (first, last) = (Array.IndexOf(Names, named[0]), Array.IndexOf(Names, named[^1]));
        return named.Length <= 2 && first >= 0 && last >= 0 ? new(text, first, ((last - first + Week) % Week) + 1, from, until) : null;
    }

    /// <summary>Whether a moment lies in it; its end does not.</summary>
    public bool Contains(DateTimeOffset moment) =>
        moment.UtcDateTime is var utc && (((int)utc.DayOfWeek - first + Week) % Week) < days && utc.TimeOfDay >= from && utc.TimeOfDay < until;

    /// <summary>When it opens next after a moment, UTC; null where the calendar ends before.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset moment)
    {
        var midnight = moment.UtcDateTime.Date;
        for (var day = 0; day <= Week && midnight <= DateTime.MaxValue.Date.AddDays(-day); day++)
        {
            var opens = midnight.AddDays(day) + from;
            if (opens > moment.UtcDateTime && (((int)opens.DayOfWeek - first + Week) % Week) < days)
            {
                return new(opens, TimeSpan.Zero);
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    // 24:00 is a time here, and none to TimeOnly.
    private static TimeSpan? TimeOf(string text) =>
        text == "24:00" ? TimeSpan.FromDays(1) : TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;
}
