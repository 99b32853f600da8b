using System.Collections.Immutable;

namespace Governance.Gates.Ledgers;

/// <summary>Where somebody stands in a log: all that lies before was taken.</summary>
/// <param name="Origin">Which log.</param>
/// <param name="Size">How many entries were taken.</param>
/// <param name="Root">The root of the Merkle tree over them: what lies before can be told from anything else.</param>
public sealed record LedgerPosition(string Origin, long Size, TreeHash Root)
{
    /// <summary>Before the first entry.</summary>
    public static LedgerPosition AtBeginning(string origin) => new(origin, 0, TreeHash.OfEmptyTree);

    /// <summary>Behind the last entry of a checkpoint.</summary>
    public static LedgerPosition Of(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return new(checkpoint.Origin, checkpoint.Size, checkpoint.Root);
    }
}

/// <summary>Entries that follow each other, in the log of the checkpoint that they were read under.</summary>
/// <param name="First">The sequence of the first.</param>
/// <param name="Entries">They as they are stored, up to 256.</param>
/// <param name="After">Where whoever took them stands.</param>
public sealed record EntryBatch(long First, ImmutableArray<ReadOnlyMemory<byte>> Entries, LedgerPosition After);

/// <summary>The way from a position in a log to a checkpoint of it: what lies between is read in order, and verified before it is given.</summary>
public sealed class LedgerAdvance
{
    private const string Remedy = "verify the log, and compare it with copies and checkpoints kept elsewhere";

    private readonly TileSource source;

    private LedgerAdvance(LedgerPosition from, Checkpoint to, TileSource source)
    {
        From = from;
        To = to;
        this.source = source;
    }

    /// <summary>Where it begins.</summary>
    public LedgerPosition From { get; }

    /// <summary>Where it ends.</summary>
    public Checkpoint To { get; }

    /// <summary>The way between the two; or why there is none: the position is of another log, of more entries than there are, or of other entries.</summary>
    /// <param name="from">Where to begin.</param>
    /// <param name="to">The checkpoint.</param>
    /// <param name="source">Where tiles and bundles are; nothing that it answers is trusted.</param>
    public static Reading<LedgerAdvance> Between(LedgerPosition from, Checkpoint to, TileSource source)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        return from.Origin != to.Origin ? Unread<LedgerAdvance>($"the position is of the log {from.Origin}, and this one is {to.Origin}")
            : from.Size > to.Size ? Unread<LedgerAdvance>($"entry {to.Size} is missing: {from.Size} entries of {to.Origin} were taken, and its checkpoint is of {to.Size}: entries were removed, or this is an older copy")
            : WhyNotBefore(from, to, source) is { } why ? new Reading<LedgerAdvance>.Unread(why)
            : new Reading<LedgerAdvance>.Found(new(from, to, source));
    }

    /// <summary>The entries, bundle after bundle. The last is unread where the log does not go on as its checkpoint says, and nothing after it is given.</summary>
    public IEnumerable<Reading<EntryBatch>> Batches()
    {
        if (!GrowingTree.Restore(From.Size, To.Size, source).Try(out var tree, out var why))
        {
            yield return new Reading<EntryBatch>.Unread(why);
            yield break;
        }

        while (tree.Size < To.Size)
        {
            var batch = Next(tree);
            yield return batch;
            if (batch is Reading<EntryBatch>.Unread)
            {
                yield break;
            }
        }
    }

    private Reading<EntryBatch> Next(GrowingTree tree)
    {
        var first = tree.Size;
        var address = TileAddress.OfEntries(first / TileAddress.FullWidth, To.Size)!.Value;
        if (!source(address).Try(out var bytes, out var why) || !EntryBundle.Read(bytes).Try(out var all, out why))
        {
            return new Reading<EntryBatch>.Unread(why);
        }

        if (all.Length < address.Width)
        {
            return Unread<EntryBatch>($"{address} holds {all.Length} entries");
        }

        // What stands there beyond the checkpoint came after it.
        ImmutableArray<ReadOnlyMemory<byte>> entries = [.. all[(int)(first % TileAddress.FullWidth)..address.Width]];
        foreach (var entry in entries)
        {
            tree.Append(TreeHash.OfLeaf(entry.Span));
            tree.TakeFull();
        }

        var after = new LedgerPosition(To.Origin, tree.Size, tree.Root);
        return WhyNotBefore(after, To, source) is { } fault ? new Reading<EntryBatch>.Unread(fault) : new Reading<EntryBatch>.Found(new(first, entries, after));
    }

    private static Reason? WhyNotBefore(LedgerPosition position, Checkpoint to, TileSource source) =>
        !to.GoesOnFrom(position, source).Try(out var goesOn, out var why) ? why
        : goesOn ? null
        : new("ledger", $"{to} does not begin with the {position.Size} entries that were read: entries were changed, or it is another log", Remedy);

    private static Reading<T>.Unread Unread<T>(string message) => new(new("ledger", message, Remedy));
}
