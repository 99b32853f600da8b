using Governance.Gates.Ledgers;

namespace Governance.Gates.Webhook;

/// <summary>Refusals of an actor who has had too many in a minute are summed up in one entry, so that nobody fills the ledger with what they may not do. What is admitted is always recorded.</summary>
internal sealed class RefusalFlood
{
    /// <summary>How many refusals of one actor a minute are recorded one by one.</summary>
    public const int MostInMinute = 300;

    // Whoever authenticates can be refused: beyond these all share one place.
    private const int MostActors = 10_000;
    private readonly Lock actors = new();
    private Dictionary<string, Minute> now = new(StringComparer.Ordinal);

    /// <summary>Whether a refusal is one too many, and then it is counted.</summary>
    public bool Takes(string actor, LedgerEntry entry)
    {
        lock (actors)
        {
            if (!now.TryGetValue(actor, out var minute))
            {
                actor = now.Count < MostActors ? actor : "";
                minute = now.TryGetValue(actor, out var shared) ? shared : now[actor] = new();
            }

            if (minute.Recorded < MostInMinute)
            {
                minute.Recorded++;
                return false;
            }

            minute.Suppressed.Add(entry);
            return true;
        }
    }

    /// <summary>Begins the next minute.</summary>
    /// <returns>Who had more than were recorded, and the sum; empty for those who share a place.</returns>
    public IReadOnlyList<(string Actor, EntrySuppressed Sum)> Turn()
    {
        Dictionary<string, Minute> past;
        lock (actors)
        {
            (past, now) = (now, new(StringComparer.Ordinal));
        }

        return [.. past.Where(one => one.Value.Suppressed.Count > 0).Select(one => (one.Key, one.Value.Suppressed.Sum!))];
    }

    private sealed class Minute
    {
        public int Recorded { get; set; }

        public SuppressedEvents Suppressed { get; } = new();
    }
}
