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
    private EntryPolicy? loaded;
    private EntryPolicy? decided;
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

    /// <summary>The highest holder of the log that a proven entry, or what can follow on the last whole one, names; 0 where there is no entry.</summary>
    public long Epoch { get; private set; }

    /// <summary>The policies that the log proves to have been in force last: that of the last entry which tells that one came into force, or that the log was recovered under it, and that of the last decision. Empty where no entry tells any.</summary>
    /// <remarks>Of entries behind the whole ones those are proven whose hash leads to the root of one of the checkpoints, whatever is missing before them.</remarks>
    public ImmutableArray<EntryPolicy> LastPolicies => [.. new[] { loaded, decided }.OfType<EntryPolicy>().Distinct()];

    // As every entry of these types spells it; the same bytes within a text would have escaped quotes.
    private static ReadOnlySpan<byte> PolicyLoaded => "\"event_type\":\"policy.loaded\""u8;

    private static ReadOnlySpan<byte> Recovered => "\"event_type\":\"recovered\""u8;

    private static ReadOnlySpan<byte> Decision => "\"event_type\":\"decision\""u8;

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
        prefix.TellPolicies(cancellation);
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
        var (proven, matched) = (Head, Head);
        var (isProven, reached) = (Matches(tree, ref matched) is not false, last.Size == 0);
        foreach (var (stored, led) in Walk())
        {
            // The root is wanted where the proven part ends, and is not asked for after each of its entries.
            var goesOn = led || reached;
            proven = isProven && !goesOn ? new(tree.Size, tree.Root) : proven;
            tree.Append(TreeHash.OfLeaf(stored.Span));
            First ??= stored;
            Epoch = EntryReader.EpochOf(stored.Span) ?? Epoch;
            var match = Matches(tree, ref matched);
            if (match == false)
            {
                // Two signed views: nothing beyond what all of them say is whole, whatever leads to one of them.
                (Head, Why) = (matched, string.Create(CultureInfo.InvariantCulture, $"entries before entry {tree.Size} are not those of a checkpoint of {tree.Size} entries"));
                return;
            }

            isProven = goesOn || match == true;
            reached |= match == true && tree.Size == last.Size;
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

    private void TellPolicies(CancellationToken cancellation)
    {
        foreach (var stored in Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            TellPolicy(stored);
        }

        // Behind a hole, too: who makes one may not choose an older policy by it.
        for (var index = Head.Size / TileAddress.FullWidth; index <= LastBundle(last); index = NextProvable(index))
        {
            cancellation.ThrowIfCancellationRequested();
            var (bundle, hashes) = (Bundle(index), checkpoints.Select(checkpoint => Leading(index, checkpoint)).OfType<TreeHash[]>().ToList());
            for (var place = 0; hashes.Count > 0 && place < TileAddress.FullWidth; place++)
            {
                var sequence = (index * TileAddress.FullWidth) + place;
                foreach (var stored in sequence < Head.Size ? [] : Candidates(bundle, place, sequence))
                {
                    var hash = TreeHash.OfLeaf(stored.Span);
                    if (hashes.Any(tile => place < tile.Length && tile[place] == hash))
                    {
                        TellPolicy(stored);
                        Epoch = Math.Max(Epoch, EntryReader.EpochOf(stored.Span) ?? 0);
                    }
                }
            }
        }
    }

    private static long LastBundle(Checkpoint checkpoint) => (checkpoint.Size - 1) >> TileAddress.Bits;

    // The next bundle that may be proven. Where a tile above is missing nothing under it leads to a root: a checkpoint may be of more entries than anybody could walk.
    private long NextProvable(long index)
    {
        var next = index + 1;
        for (var level = 1; checkpoints.All(checkpoint => index > LastBundle(checkpoint) || IsMissing(TileAddress.Of(level, index >> (TileAddress.Bits * level), checkpoint.Size))); level++)
        {
            next = ((index >> (TileAddress.Bits * level)) + 1) << (TileAddress.Bits * level);
        }

        return next;
    }

    // The way from under a tile of one hash needs nothing of that tile.
    private bool IsMissing(TileAddress? tile) => tile is { Width: > 1 } address && !source(address).Try(out _, out _);

    private void TellPolicy(ReadOnlyMemory<byte> stored)
    {
        // Read whole: in a document that the entry holds the same bytes may stand.
        var bytes = stored.Span;
        if ((bytes.IndexOf(PolicyLoaded) >= 0 || bytes.IndexOf(Decision) >= 0 || bytes.IndexOf(Recovered) >= 0) && LedgerEntry.Read(stored).Try(out var entry, out _) && entry.Policy is { } policy)
        {
            loaded = entry.EventType is LedgerEvents.PolicyLoaded or LedgerEvents.Recovered ? policy : loaded;
            decided = entry.EventType == LedgerEvents.Decision ? policy : decided;
        }
    }

    // Every entry that can follow the one before, from bundle or journal, and whether its hash leads to the last checkpoint: then so do all before it, whose hashes the chain holds.
    private IEnumerable<(ReadOnlyMemory<byte> Stored, bool Leads)> Walk()
    {
        var chain = new EntryChain();
        for (var index = 0L; ; index++)
        {
            var (bundle, hashes) = (Bundle(index), Leading(index, last));
            for (var place = 0; place < TileAddress.FullWidth; place++)
            {
                var (sequence, expected) = (chain.Next, hashes is not null && place < hashes.Length ? hashes[place] : default(TreeHash?));
                ReadOnlyMemory<byte>? found = null;
                stopped = string.Create(CultureInfo.InvariantCulture, $"entry {sequence} is missing");

                foreach (var stored in Candidates(bundle, place, sequence))
                {
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

    // Asked for in full also at the edge: there may be more than the last checkpoint covers.
    private ImmutableArray<ReadOnlyMemory<byte>> Bundle(long index) => source(TileAddress.OfEntries(index, (index + 1) * TileAddress.FullWidth)!.Value).Try(out var bytes, out _) ? EntryBundle.ReadAsFarAs(bytes) : [];

    // What may be an entry, from bundle and journal.
    private IEnumerable<ReadOnlyMemory<byte>> Candidates(ImmutableArray<ReadOnlyMemory<byte>> bundle, int place, long sequence)
    {
        if (place < bundle.Length)
        {
            yield return bundle[place];
        }

        if (journal(sequence) is { } stored)
        {
            yield return stored;
        }
    }

    // The hashes of a tile, where they lead to the root of a checkpoint. The proof of one of them is made of all the others.
    private TreeHash[]? Leading(long index, Checkpoint checkpoint)
    {
        if (TileAddress.Of(0, index, checkpoint.Size) is not { } address || !HashTile.Read(address, source).Try(out var tile, out _))
        {
            return null;
        }

        var first = index * TileAddress.FullWidth;
        return MerkleProofs.Inclusion(first, checkpoint.Size, source).Try(out var proof, out _) && MerkleProofs.VerifyInclusion(tile[0], first, checkpoint.Size, checkpoint.Root, proof.AsSpan())
            ? [.. Enumerable.Range(0, address.Width).Select(place => tile[place])]
            : null;
    }
}
