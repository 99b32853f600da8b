using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>What a search of a log found.</summary>
internal sealed class LedgerScan
{
    // What is shown is held in memory until it is written.
    private const long MostBytes = 64 * 1024 * 1024;
    private const int MostTold = 20;

    // A checkpoint may be of any size, and the folder empty: nobody waits for that.
    private const int MostUnreadBundles = 1_000;

    private readonly OpenLog log;
    private readonly EntryFilter filter;
    private readonly int limit;
    private readonly List<ShownEntry> found = [];
    private readonly List<Reason> unread = [];
    private long bytes;
    private int unreadBundles;

    private LedgerScan(OpenLog log, EntryFilter filter, int limit) => (this.log, this.filter, this.limit) = (log, filter, limit);

    /// <summary>The entries, in order; each is proven under the checkpoint.</summary>
    public IReadOnlyList<ShownEntry> Found => found;

    /// <summary>Whether there may be more after them.</summary>
    public bool HasMore { get; private set; }

    /// <summary>How many entries, or bundles of them, could not be told of.</summary>
    public long UnreadCount { get; private set; }

    /// <summary>The first of those, and why.</summary>
    public IReadOnlyList<Reason> Unread => unread;

    /// <summary>Searches a log, one bundle in memory at a time.</summary>
    /// <param name="log">The log.</param>
    /// <param name="first">The first entry that is looked at.</param>
    /// <param name="filter">Which are looked for.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Ends it.</param>
    public static LedgerScan Run(OpenLog log, long first, EntryFilter filter, int limit, IProgress<long>? progress, CancellationToken cancellation)
    {
        var scan = new LedgerScan(log, filter, limit);
        scan.TakeFrom(first, progress, cancellation);
        return scan;
    }

    /// <summary>The same from the beginning, where an index tells which entries may be wanted; what it does not cover is read.</summary>
    /// <exception cref="InvalidDataException">The index is damaged.</exception>
    /// <exception cref="IOException">The index cannot be read.</exception>
    public static LedgerScan Run(OpenLog log, LedgerIndex index, EntryFilter filter, int limit, IProgress<long>? progress, CancellationToken cancellation)
    {
        var scan = new LedgerScan(log, filter, limit);
        if (scan.TakeAll(index.Find(filter.Terms, filter.Since, filter.Until), progress, cancellation))
        {
            scan.TakeFrom(index.Covered, progress, cancellation);
        }

        return scan;
    }

    private void TakeFrom(long first, IProgress<long>? progress, CancellationToken cancellation)
    {
        foreach (var bundle in log.Bundles(first, log.Checkpoint.Size))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!bundle.Entries.Try(out var entries, out var why))
            {
                if (!Miss(bundle, why))
                {
                    return;
                }

                continue;
            }

            for (var place = 0; place < entries.Length; place++)
            {
                if (!Take(bundle.First + place, entries[place]))
                {
                    return;
                }
            }

            progress?.Report(bundle.First + bundle.Count);
        }
    }

    // False once there is no room for more.
    private bool TakeAll(IEnumerable<long> candidates, IProgress<long>? progress, CancellationToken cancellation)
    {
        var (bundle, isMissed) = (default(BundleReading), false);
        foreach (var sequence in candidates)
        {
            cancellation.ThrowIfCancellationRequested();
            if (sequence >= bundle.First + bundle.Count)
            {
                bundle = log.Bundles(sequence / TileAddress.FullWidth * TileAddress.FullWidth, log.Checkpoint.Size).First();
                isMissed = false;
                progress?.Report(bundle.First);
            }

            if (bundle.Entries.Try(out var entries, out var why))
            {
                if (!Take(sequence, entries[(int)(sequence - bundle.First)]))
                {
                    return false;
                }
            }
            else if (!isMissed)
            {
                isMissed = true;
                if (!Miss(bundle, why))
                {
                    return false;
                }
            }
        }

        return true;
    }

    // False once that are too many.
    private bool Miss(BundleReading bundle, Reason why)
    {
        Tell($"entries {bundle.First} to {bundle.First + bundle.Count - 1}", why);
        HasMore |= ++unreadBundles == MostUnreadBundles;
        return unreadBundles < MostUnreadBundles;
    }

    // False once there is no room for more.
    private bool Take(long sequence, ReadOnlyMemory<byte> stored)
    {
        if (!LedgerEntry.Read(stored).Try(out var entry, out var why))
        {
            Tell($"entry {sequence}", why);
            return true;
        }

        var match = filter.Of(entry);
        if (match == EntryMatch.Unsure)
        {
            Tell($"entry {sequence}", new("ledger", "it may be one: what would tell is encrypted, or kept beside the log", "look at it with its keys and its evidence"));
        }

        if (match != EntryMatch.Yes)
        {
            return true;
        }

        if (found.Count == limit || bytes + stored.Length > MostBytes)
        {
            HasMore = true;
            return false;
        }

        if (!log.Prove(sequence, stored.Span).Try(out _, out why))
        {
            Tell($"entry {sequence}", why);
            return true;
        }

        found.Add(new(sequence, stored, entry));
        bytes += stored.Length;
        return true;
    }

    private void Tell(string what, Reason why)
    {
        UnreadCount++;
        if (unread.Count < MostTold)
        {
            unread.Add(why with { Message = $"{what}: {why.Message}" });
        }
    }
}
