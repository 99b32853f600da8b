using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Entries that wait for their order, and whether any more are taken: none once the ledger is closed, or once something failed.</summary>
/// <remarks>Safe for concurrent use.</remarks>
internal sealed class EntryQueue
{
    private const int Most = 16_384;
    private const long MostBytes = 64 * 1024 * 1024;

    // Guards all below; whoever gives order waits on it, and only while nothing waits for them.
    private readonly object gate = new();
    private List<PendingEntry> waiting = [];
    private long bytes;
    private Reason? closed;
    private Reason? fault;

    /// <summary>What ended the ledger; null where nothing did.</summary>
    public Reason? Fault
    {
        get
        {
            lock (gate)
            {
                return fault;
            }
        }
    }

    /// <summary>Adds an entry.</summary>
    /// <returns>Why it is not taken; null where it is.</returns>
    public Reason? Add(PendingEntry pending)
    {
        lock (gate)
        {
            if ((fault ?? closed) is { } ended)
            {
                return ended;
            }

            var share = pending.Precedence == Precedence.Vital ? 2 : 1;
            if (waiting.Count >= share * Most || bytes >= share * MostBytes)
            {
                return new("ledger", $"{waiting.Count} entries wait for the disk", "try again");
            }

            waiting.Add(pending);
            bytes += pending.Draft.Length;
            if (waiting.Count == 1)
            {
                Monitor.Pulse(gate);
            }

            return null;
        }
    }

    /// <summary>Takes all that wait, and waits for them where there are none, for as long as nothing else is due.</summary>
    /// <param name="taken">What was taken before; what is taken now.</param>
    /// <param name="longest">How long it waits.</param>
    /// <returns>Whether there may be more: false once it is closed and empty, or something failed.</returns>
    public bool Take(ref List<PendingEntry> taken, TimeSpan longest)
    {
        taken.Clear();
        lock (gate)
        {
            if (waiting.Count == 0 && closed is null && fault is null)
            {
                Monitor.Wait(gate, longest);
            }

            if (fault is not null || (waiting.Count == 0 && closed is not null))
            {
                return false;
            }

            (taken, waiting, bytes) = (waiting, taken, 0);
            return true;
        }
    }

    /// <summary>Takes no more; what waits is still to be taken.</summary>
    /// <param name="why">What is told from now on.</param>
    public void Close(Reason why)
    {
        lock (gate)
        {
            closed ??= why;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Takes no more after a failure: nobody may believe what is written behind it.</summary>
    /// <returns>What failed first.</returns>
    public Reason Fail(Reason why)
    {
        lock (gate)
        {
            fault ??= why;
            Monitor.PulseAll(gate);
            return fault;
        }
    }

    /// <summary>Answers these and all that still wait with what failed.</summary>
    public void Refuse(IEnumerable<PendingEntry> taken)
    {
        List<PendingEntry> all;
        Reason why;
        lock (gate)
        {
            why = fault!;
            all = [.. taken, .. waiting];
            waiting.Clear();
        }

        foreach (var pending in all)
        {
            pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(why));
        }
    }
}
