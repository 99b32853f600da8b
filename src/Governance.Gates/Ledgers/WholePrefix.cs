using System.Collections.Immutable;
using System.Globalization;

namespace Governance.Gates.Ledgers;

/// <summary>How much of a damaged log is whole, from its first entry on.</summary>
/// <remarks>
/// An entry is whole when a checkpoint that the log's key signed stands for it: the tiles lead from its hash to the last checkpoint's root, or the root over it and all before it is that of a checkpoint.
/// What follows on all that the last checkpoint covers is whole by the chain alone, as in a log that is not damaged. What was rewritten is not whole, however well it belongs together.
/// </remarks>
public sealed class WholePrefix
{
    private readonly ImmutableArray<Checkpoint> checkpoints;
    private readonly Checkpoint last;
    private readonly TileSource source;
    private readonly Func<long, ReadOnlyMemory<byte>?> journal;
    private string? stopped;

    private WholePrefix(ImmutableArray<Checkpoint> checkpoints, TileSource source, Func<long, ReadOnlyMemory<byte>?> journal)
    {
        (this.checkpoints, this.source, this.journal) = (checkpoints, source, journal);
        last = checkpoints[^1];
        Head = new(0, TreeHash.OfEmptyTree);
    }

    /// <summary>What is whole.</summary>
    public TreeHead Head { get; private set; }

    /// <summary>Why the entry after that is not, such as <c>entry 41 is missing</c>.</summary>
    public string Why { get; private set; } = "";

    /// <summary>The first entry that is there, whole or not; null where there is none.</summary>
    public ReadOnlyMemory<byte>? First { get; private set; }

    /// <summary>The highest holder of the log that the last whole entry, or what can follow on it, names; 0 where there is no entry.</summary>
    public long Epoch { get; private set; }

    /// <summary>The last whole entry that tells which policy came into force, as it is stored; empty where there is none.</summary>
    public ReadOnlyMemory<byte> LastPolicy { get; private set; }

    // As every entry of this type spells it; the same bytes within a text would have escaped quotes.
    private static ReadOnlySpan<byte> PolicyLoaded => "\"event_type\":\"policy.loaded\""u8;

    /// <summary>Finds it.</summary>
    /// <param name="checkpoints">Checkpoints that the log's key signed, at least one.</param>
    /// <param name="source">Where its tiles and bundles are; a bundle may hold fewer entries than asked for.</param>
    /// <param name="journal">An entry that is not in a bundle, by its sequence; null where there is none.</param>
    /// <param name="progress">Is told how many entries were looked at.</param>
    /// <param name="cancellation">Ends it.</param>
    public static WholePrefix Find(IReadOnlyCollection<Checkpoint> checkpoints, TileSource source, Func<long, ReadOnlyMemory<byte>?> journal, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(checkpoints.Count);
        var prefix = new WholePrefix([.. checkpoints.OrderBy(checkpoint => checkpoint.Size)], source, journal);
        prefix.Look(progress, cancellation);
        return prefix;
    }

    /// <summary>The whole entries, as they are stored.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Entries()
    {
        var left = Head.Size;
        foreach (var (stored, _) in Walk())
        {
            if (left-- == 0)
            {
                yield break;
            }

            yield return stored;
        }
    }

    private void Look(IProgress<long>? progress, CancellationToken cancellation)
    {
        var tree = new GrowingTree();
        var (proven, matched, policy) = (Head, Head, default(ReadOnlyMemory<byte>));
        var (isProven, reached) = (Matches(tree, ref matched) is not false, last.Size == 0);
        foreach (var (stored, led) in Walk())
        {
            // The root is wanted where the proven part ends, and is not asked for after each of its entries.
            var goesOn = led || reached;
            proven = isProven && !goesOn ? new(tree.Size, tree.Root) : proven;
            tree.Append(TreeHash.OfLeaf(stored.Span));
            First ??= stored;
            Epoch = EntryReader.EpochOf(stored.Span) ?? Epoch;
            policy = stored.Span.IndexOf(PolicyLoaded) >= 0 ? stored : policy;
            var match = Matches(tree, ref matched);
            if (match == false)
            {
                // Two signed views: nothing beyond what all of them say is whole, whatever leads to one of them.
                (Head, Why) = (matched, string.Create(CultureInfo.InvariantCulture, $"entries before entry {tree.Size} are not those of a checkpoint of {tree.Size} entries"));
                LastPolicy = PolicyBefore(matched.Size);
                return;
            }

            isProven = goesOn || match == true;
            reached |= match == true && tree.Size == last.Size;
            if (isProven)
            {
                LastPolicy = policy;
            }

            if (tree.Size % TileAddress.FullWidth == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(tree.Size);
            }
        }

        Head = isProven ? new(tree.Size, tree.Root) : proven;
        Why = Head.Size == tree.Size ? stopped! : string.Create(CultureInfo.InvariantCulture, $"entries from entry {Head.Size} on lead to no checkpoint; {stopped}");
    }

    // Whether the tree is that of every checkpoint of its size; null where there is none.
    private bool? Matches(GrowingTree tree, ref TreeHead matched)
    {
        bool? all = null;
        foreach (var checkpoint in checkpoints.Where(checkpoint => checkpoint.Size == tree.Size))
        {
            all = all != false && checkpoint.Root == tree.Root;
        }

        matched = all == true ? new(tree.Size, tree.Root) : matched;
        return all;
    }

    private ReadOnlyMemory<byte> PolicyBefore(long size) => Walk().Take((int)Math.Min(size, int.MaxValue)).Select(entry => entry.Stored).LastOrDefault(stored => stored.Span.IndexOf(PolicyLoaded) >= 0);

    // Every entry that can follow the one before, from bundle or journal, and whether its hash leads to the last checkpoint: then so do all before it, whose hashes the chain holds.
    private IEnumerable<(ReadOnlyMemory<byte> Stored, bool Leads)> Walk()
    {
        var chain = new EntryChain();
        for (var index = 0L; ; index++)
        {
            // Asked for in full also at the edge: there may be more than the last checkpoint covers.
            ImmutableArray<ReadOnlyMemory<byte>> bundle = source(TileAddress.OfEntries(index, (index + 1) * TileAddress.FullWidth)!.Value).Try(out var bytes, out _) ? EntryBundle.ReadAsFarAs(bytes) : [];
            var hashes = Leading(index);
            for (var place = 0; place < TileAddress.FullWidth; place++)
            {
                var (sequence, expected) = (chain.Next, hashes is not null && place < hashes.Length ? hashes[place] : default(TreeHash?));
                ReadOnlyMemory<byte>? found = null;
                stopped = string.Create(CultureInfo.InvariantCulture, $"entry {sequence} is missing");

                // A null array would be empty memory, and not nothing.
                foreach (var candidate in (ReadOnlyMemory<byte>?[])[place < bundle.Length ? bundle[place] : default(ReadOnlyMemory<byte>?), journal(sequence)])
                {
                    if (candidate is not { } stored)
                    {
                        continue;
                    }

                    if (expected is { } hash && TreeHash.OfLeaf(stored.Span) != hash)
                    {
                        stopped = string.Create(CultureInfo.InvariantCulture, $"entry {sequence} was changed: its hash is not the one that leads to the checkpoint");
                    }
                    else if (chain.Add(stored.Span) is { } fault)
                    {
                        stopped = string.Create(CultureInfo.InvariantCulture, $"entry {sequence} {fault}");
                    }
                    else
                    {
                        found = stored;
                        break;
                    }
                }

                if (found is not { } whole)
                {
                    yield break;
                }

                yield return (whole, expected is not null);
            }
        }
    }

    // The hashes of a tile, where they lead to the root of the last checkpoint. The proof of one of them is made of all the others.
    private TreeHash[]? Leading(long index)
    {
        if (TileAddress.Of(0, index, last.Size) is not { } address || !HashTile.Read(address, source).Try(out var tile, out _))
        {
            return null;
        }

        var first = index * TileAddress.FullWidth;
        return MerkleProofs.Inclusion(first, last.Size, source).Try(out var proof, out _) && MerkleProofs.VerifyInclusion(tile[0], first, last.Size, last.Root, proof.AsSpan())
            ? [.. Enumerable.Range(0, address.Width).Select(place => tile[place])]
            : null;
    }
}
