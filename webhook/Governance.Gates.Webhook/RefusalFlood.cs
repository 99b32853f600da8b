using Governance.Gates.Ledgers;

namespace Governance.Gates.Webhook;

/// <summary>Refusals of an actor who has had too many in a minute are summed up in one entry, so that nobody fills the ledger with what they may not do. What is admitted is always recorded.</summary>
internal sealed class RefusalFlood
{
    /// <summary>How many refusals of one actor a minute are recorded one by one.</summary>
    public const int MostInMinute = 300;

    /// <summary>How many bytes of templates and objects are kept for the refusals of one actor a minute; further ones are named by their digests alone.</summary>
    public const long MostBytesInMinute = 8 << 20;

    // Whoever authenticates can be refused: beyond these all share one place.
    private const int MostActors = 10_000;
    private readonly Lock actors = new();
    private Dictionary<string, Minute> now = new(StringComparer.Ordinal);

    /// <summary>Whether a refusal is one too many, and then it is counted.</summary>
    public bool Takes(string actor, LedgerEntry entry)
    {
        lock (actors)
        {
            var minute = Of(actor);
            if (minute.Recorded < MostInMinute)
            {
                minute.Recorded++;
                return false;
            }

            minute.Suppressed.Add(entry);
            return true;
        }
    }

    /// <summary>Whether bytes may be kept for a refusal, and then they are counted.</summary>
    public bool MayKeep(string actor, long bytes)
    {
        lock (actors)
        {
            var minute = Of(actor);
            if (minute.Kept + bytes > MostBytesInMinute)
            {
                return false;
            }

            minute.Kept += bytes;
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

    private Minute Of(string actor)
    {
        if (now.TryGetValue(actor, out var minute))
        {
            return minute;
        }

        actor = now.Count < MostActors ? actor : "";
        return now.TryGetValue(actor, out var shared) ? shared : now[actor] = new();
    }

    private sealed class Minute
    {
        public long Kept { get; set; }

        public int Recorded { get; set; }

        public SuppressedEvents Suppressed { get; } = new();
    }
}
