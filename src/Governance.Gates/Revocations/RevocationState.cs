namespace Governance.Gates.Revocations;

/// <summary>What a gate knows of its list of revocations: the last that it accepted, and the highest number that it ever saw. It only goes forward.</summary>
public sealed record RevocationState
{
    /// <summary>How far two clocks may differ.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(60);

    private const string Rule = "trust.revocations";

    private RevocationState(RevocationList? last, long highestSeen)
    {
        Last = last;
        HighestSeen = highestSeen;
    }

    /// <summary>The last list that was accepted; null where there is none yet.</summary>
    public RevocationList? Last { get; }

    /// <summary>The highest number that was ever accepted; 0 where none was.</summary>
    public long HighestSeen { get; }

    /// <summary>A gate that begins, knowing the highest number that it saw before; null where it never saw one.</summary>
    public static RevocationState Start(long? highestSeen) => new(null, Math.Max(highestSeen ?? 0, 0));

    /// <summary>The state after a verified list; unread where its number goes backwards, or is that of another list.</summary>
    public Reading<RevocationState> Advance(RevocationList list)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (list.Number < HighestSeen)
        {
            return new Reading<RevocationState>.Unread(new(
                Rule,
                $"the list of revocations has number {list.Number}, and {HighestSeen} was seen before",
                $"put the latest list back, or issue one above {HighestSeen} with gates revoke --number"));
        }

        if (list.Number == Last?.Number && !RevocationStatement.Predicate(list).AsSpan().SequenceEqual(RevocationStatement.Predicate(Last)))
        {
            return new Reading<RevocationState>.Unread(new(
                Rule,
                $"there are two lists of revocations with number {list.Number}, which say different things",
                "find out who signed the second, and issue one with a higher number with gates revoke"));
        }

        return new Reading<RevocationState>.Found(new(list, list.Number));
    }

    /// <summary>The same without a list, which no longer counts; the highest number stays.</summary>
    public RevocationState Forget() => new(null, HighestSeen);

    /// <summary>The list that counts at a time; unread where there is none, or it is older than <paramref name="maxAge"/>.</summary>
    public Reading<RevocationList> At(DateTimeOffset now, TimeSpan maxAge)
    {
        if (Last is not { } list)
        {
            return Unread("no list of revocations has been accepted", "publish one with gates revoke");
        }

        if (list.IssuedAt > now + Tolerance)
        {
            return Unread($"list {list.Number} of revocations is from {list.IssuedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}, which is still to come", "set the clock right");
        }

        // A policy may allow centuries; no sum of times may leave what a time can be.
        return now - list.IssuedAt > maxAge && now - list.IssuedAt - maxAge > Tolerance
            ? Unread($"list {list.Number} of revocations is from {list.IssuedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}, older than the policy allows ({maxAge})", "renew it: gates revoke without anything to add")
            : new Reading<RevocationList>.Found(list);
    }

    private static Reading<RevocationList>.Unread Unread(string message, string remedy) => new(new(Rule, message, remedy));
}
