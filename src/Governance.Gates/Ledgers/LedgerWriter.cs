using System.Collections.Immutable;

namespace Governance.Gates.Ledgers;

/// <summary>An entry as it was appended.</summary>
/// <param name="Sequence">Its index in the log.</param>
/// <param name="Hash">Its record hash: the hash of the leaf that it is.</param>
/// <param name="Bytes">What is stored, until the tile that holds it is released.</param>
public sealed record AppendedEntry(long Sequence, TreeHash Hash, ReadOnlyMemory<byte> Bytes);

/// <summary>The end of a log: chains entries, grows the tree, and says what a store has to write. Pure: durable is what the store makes durable.</summary>
/// <remarks>Not safe for concurrent use: entry n+1 holds the hash of entry n. Memory is that of one bundle of entries and the right edge of the tree.</remarks>
public sealed class LedgerWriter
{
    private const long FirstEpoch = 1;

    private readonly GrowingTree tree;
    private readonly EntryChain chain;
    private readonly List<Tile> full = [];
    private readonly BundleBuilder bundle = new();
    private bool hasGrown;

    private LedgerWriter(string origin, long epoch, GrowingTree tree, EntryChain chain)
    {
        Origin = origin;
        Epoch = epoch;
        this.tree = tree;
        this.chain = chain;
    }

    /// <summary>The log.</summary>
    public string Origin { get; }

    /// <summary>Which holder of the log writes, from 1.</summary>
    public long Epoch { get; private set; }

    /// <summary>How many entries it has.</summary>
    public long Size => tree.Size;

    /// <summary>The root over them, for the next checkpoint.</summary>
    public TreeHash Root => tree.Root;

    /// <summary>Whether the last entry closed it: nothing can be appended.</summary>
    public bool IsClosed => chain.IsClosed;

    /// <summary>The hash of the last entry; the default value where there is none.</summary>
    public TreeHash Last => chain.Last;

    /// <summary>A log without entries.</summary>
    /// <param name="origin">Its name: of the form <see cref="NoteKey"/> asks of names.</param>
    /// <param name="epoch">Which holder of the log writes, from 1.</param>
    public static LedgerWriter Begin(string origin, long epoch) => new(origin, epoch, new(), new());

    /// <summary>A log that goes on where it ended, under the holder who wrote last.</summary>
    /// <param name="origin">Its name.</param>
    /// <param name="size">How many entries it has.</param>
    /// <param name="source">Where its tiles and bundles of that size are. Who calls this has verified them.</param>
    public static Reading<LedgerWriter> Resume(string origin, long size, TileSource source)
    {
        if (!GrowingTree.Restore(size, size, source).Try(out var tree, out var why))
        {
            return new Reading<LedgerWriter>.Unread(why);
        }

        if (size == 0)
        {
            return new Reading<LedgerWriter>.Found(new(origin, FirstEpoch, tree, new()));
        }

        var (index, place) = ((size - 1) / TileAddress.FullWidth, (int)((size - 1) % TileAddress.FullWidth));
        var bundle = TileAddress.OfEntries(index, size)!.Value;
        if (!HashTile.Read(TileAddress.Of(0, index, size)!.Value, source).Try(out var leaves, out why) || !source(bundle).Try(out var bytes, out why) || !EntryBundle.Read(bytes).Try(out var entries, out why))
        {
            return new Reading<LedgerWriter>.Unread(why);
        }

        if (entries.Length <= place || EntryReader.EpochOf(entries[place].Span) is not { } epoch)
        {
            return new Reading<LedgerWriter>.Unread(new("ledger", $"{bundle} holds {entries.Length} entries, or the last of them names no holder", "recover the log"));
        }

        var writer = new LedgerWriter(origin, epoch, tree, new(size, leaves[place], EntryReader.Closes(entries[place].Span)));
        foreach (var entry in bundle.Width == TileAddress.FullWidth ? [] : entries.Take(bundle.Width))
        {
            entry.Span.CopyTo(writer.bundle.Room(entry.Length));
            writer.bundle.Add(entry.Length);
        }

        return new Reading<LedgerWriter>.Found(writer);
    }

    /// <summary>Writes as much of an entry as needs no place yet. Safe for concurrent use: many prepare beside the one that appends.</summary>
    /// <param name="entry">The entry; its log and holder are set here.</param>
    /// <returns>What <see cref="AppendPrepared"/> takes; or what of the entry cannot be written.</returns>
    public Reading<EntryDraft> Prepare(LedgerEntry entry) => EntryWriter.Draft(entry with { Origin = Origin, Epoch = Epoch });

    /// <summary>Appends an entry: its log, holder, place and link are set here.</summary>
    /// <returns>What to store; or why it cannot be, and then the log is as it was.</returns>
    public Reading<AppendedEntry> Append(LedgerEntry entry) => Prepare(entry).Try(out var draft, out var why) ? AppendPrepared(draft) : new Reading<AppendedEntry>.Unread(why);

    /// <summary>Appends an entry that <see cref="Prepare"/> of this log wrote: its place and link are set here.</summary>
    /// <returns>What to store; or why it cannot be, and then the log is as it was.</returns>
    public Reading<AppendedEntry> AppendPrepared(EntryDraft draft)
    {
        var sequence = chain.Next;
        if (!draft.SizeAt(sequence).Try(out var size, out var why))
        {
            return new Reading<AppendedEntry>.Unread(why);
        }

        draft.Place(chain.Last, sequence, bundle.Room(size));
        return Add(size).Try(out var stored, out why) ? new Reading<AppendedEntry>.Found(new(sequence, chain.Last, stored)) : new Reading<AppendedEntry>.Unread(why);
    }

    /// <summary>Appends an entry as it was stored before, as a store does that finds more entries than tiles.</summary>
    /// <returns>Why it cannot follow, and then the log is as it was; null where it does.</returns>
    public Reason? Replay(ReadOnlySpan<byte> stored)
    {
        if (EntryReader.EpochOf(stored) is not { } epoch)
        {
            return new("ledger", $"entry {chain.Next} names no holder", "compare the log with copies and checkpoints kept elsewhere");
        }

        stored.CopyTo(bundle.Room(stored.Length));
        if (!Add(stored.Length).Try(out _, out var why))
        {
            return why;
        }

        Epoch = epoch;
        return null;
    }

    /// <summary>Another holder writes from here on, as after entries were lost: nobody takes what follows for what would have followed.</summary>
    /// <param name="epoch">Which holder: more than any before.</param>
    /// <remarks>Before anything is prepared.</remarks>
    public void TakeOver(long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(epoch, Epoch);
        Epoch = epoch;
    }

    /// <summary>What a checkpoint of the present size needs and was not given out before: bundles and tiles that became full, and those at the right edge.</summary>
    public ImmutableArray<Tile> TakeTiles()
    {
        IEnumerable<Tile> edge = hasGrown ? tree.Partial() : [];
        if (hasGrown && TileAddress.OfEntries(tree.Size / TileAddress.FullWidth, tree.Size) is { } partial)
        {
            edge = edge.Prepend(new(partial, bundle.Pieces));
        }

        ImmutableArray<Tile> taken = [.. full, .. edge];
        full.Clear();
        hasGrown = false;
        return taken;
    }

    // The entry that was written into the bundle's room.
    private Reading<ReadOnlyMemory<byte>> Add(int size)
    {
        if (chain.Add(bundle.Room(size)) is { } fault)
        {
            return new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"entry {chain.Next} {fault}", "compare the log with copies and checkpoints kept elsewhere"));
        }

        var stored = bundle.Add(size);
        tree.Append(chain.Last);
        hasGrown = true;
        if (tree.Size % TileAddress.FullWidth == 0)
        {
            full.Add(bundle.Finish(TileAddress.OfEntries((tree.Size / TileAddress.FullWidth) - 1, tree.Size)!.Value));
        }

        full.AddRange(tree.TakeFull());
        return new Reading<ReadOnlyMemory<byte>>.Found(stored);
    }
}
