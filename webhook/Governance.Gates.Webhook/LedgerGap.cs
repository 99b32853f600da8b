namespace Governance.Gates.Webhook;

/// <summary>What was let through and could not be recorded, until the ledger takes an entry that says so. Any number of threads may use it; each event is told once.</summary>
internal sealed class LedgerGap
{
    private readonly Lock events = new();
    private (long Count, DateTimeOffset First) untold;

    /// <summary>Adds events.</summary>
    public void Add(long count, DateTimeOffset first)
    {
        lock (events)
        {
            untold = (untold.Count + count, untold.Count == 0 || first < untold.First ? first : untold.First);
        }
    }

    /// <summary>Whether all are told.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (events)
            {
                return untold.Count == 0;
            }
        }
    }

    /// <summary>Takes all that are untold, so that nobody else tells them; null where there are none. Whoever cannot tell them adds them again.</summary>
    public (long Count, DateTimeOffset First)? Take()
    {
        lock (events)
        {
            var taken = untold;
            untold = default;
            return taken.Count > 0 ? taken : null;
        }
    }
}
