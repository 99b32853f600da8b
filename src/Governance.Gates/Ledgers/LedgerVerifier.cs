using System.Globalization;

namespace Governance.Gates.Ledgers;

/// <summary>Where a log is not what its checkpoint says, and why.</summary>
/// <param name="Entry">The first entry that is wrong or missing; null where it cannot be told.</param>
/// <param name="Tile">The tile or bundle; null where it is none.</param>
/// <param name="Reason">What was found and what to do.</param>
public sealed record LedgerFault(long? Entry, TileAddress? Tile, Reason Reason)
{
    /// <summary>All of it on one line.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Entry is { } entry ? $"entry {entry}" : "the log")}{(Tile is { } tile ? $" ({tile})" : "")}: {Reason}");
}

/// <summary>Verifies a whole log, bundle after bundle, in constant memory.</summary>
public sealed class LedgerVerifier
{
    private const string Remedy = "keep this copy as it is, and compare it with copies and checkpoints kept elsewhere";

    private readonly Checkpoint checkpoint;
    private readonly TileSource source;
    private readonly GrowingTree tree;
    private readonly EntryChain chain;

    private LedgerVerifier(Checkpoint checkpoint, TileSource source, GrowingTree tree, EntryChain chain)
    {
        this.checkpoint = checkpoint;
        this.source = source;
        this.tree = tree;
        this.chain = chain;
    }

    /// <summary>Verifies that the entries, their chain and all tiles are those of a checkpoint.</summary>
    /// <param name="checkpoint">What the log must be.</param>
    /// <param name="source">Where its tiles and bundles are.</param>
    /// <param name="since">A checkpoint up to which it was verified before: what lies before it is not read again, and must lead to it.</param>
    /// <param name="progress">Is told how many entries are verified, after each bundle.</param>
    /// <param name="cancellation">Ends it, as after a deadline.</param>
    /// <returns>The first fault; null where there is none.</returns>
    /// <exception cref="OperationCanceledException">It was ended before it could tell.</exception>
    public static LedgerFault? Verify(Checkpoint checkpoint, TileSource source, Checkpoint? since = null, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        var fault = Begin(checkpoint, source, since, out var verifier);
        for (; fault is null && verifier!.tree.Size < checkpoint.Size; progress?.Report(verifier.tree.Size))
        {
            cancellation.ThrowIfCancellationRequested();
            fault = verifier.Bundle(verifier.tree.Size / TileAddress.FullWidth);
        }

        return fault ?? verifier!.End();
    }

    private static LedgerFault? Begin(Checkpoint checkpoint, TileSource source, Checkpoint? since, out LedgerVerifier? verifier)
    {
        verifier = null;
        if (since is null || since.Size == 0)
        {
            verifier = new(checkpoint, source, new(), new());
            return null;
        }

        if (since.Origin != checkpoint.Origin || since.Size > checkpoint.Size)
        {
            var mistake = $"the checkpoint of {since} is not of the past of {checkpoint}: entries were removed, or it is another log";
            return new(checkpoint.Size, null, new("ledger", mistake, Remedy));
        }

        var last = since.Size - 1;
        var (address, bundle) = (TileAddress.Of(0, last / TileAddress.FullWidth, checkpoint.Size)!.Value, TileAddress.OfEntries(last / TileAddress.FullWidth, checkpoint.Size)!.Value);
        if (!GrowingTree.Restore(since.Size, checkpoint.Size, source).Try(out var tree, out var why)
            || !HashTile.Read(address, source).Try(out var leaves, out why)
            || !MerkleProofs.Inclusion(last, since.Size, tile => source(tile.InTreeOf(checkpoint.Size) ?? tile)).Try(out var proof, out why)
            || !source(bundle).Try(out var bytes, out why))
        {
            return new(null, null, why);
        }

        var leaf = leaves[(int)(last % TileAddress.FullWidth)];
        if (tree.Root != since.Root || !MerkleProofs.VerifyInclusion(leaf, last, since.Size, since.Root, proof.AsSpan()))
        {
            var mistake = $"the tiles do not lead to the checkpoint of {since}: something before entry {since.Size} was changed since it was verified";
            return new(null, address, new("ledger", mistake, "verify the whole log to learn what; " + Remedy));
        }

        // Only the entry that was verified as the last one says whether others may follow it.
        var entries = EntryBundle.ReadAsFarAs(bytes);
        var place = (int)(last % TileAddress.FullWidth);
        if (entries.Length <= place || TreeHash.OfLeaf(entries[place].Span) != leaf)
        {
            return Fault(last, bundle, "is missing, or not the one that the tile has the hash of");
        }

        verifier = new(checkpoint, source, tree, new(since.Size, leaf, EntryReader.Closes(entries[place].Span)));
        return null;
    }

    // The bundle in which the next entry is; entries of it that are verified already are passed over.
    private LedgerFault? Bundle(long index)
    {
        var bundle = TileAddress.OfEntries(index, checkpoint.Size)!.Value;
        var leaves = TileAddress.Of(0, index, checkpoint.Size)!.Value;
        if (!source(bundle).Try(out var bytes, out var why))
        {
            return new(chain.Next, bundle, why);
        }

        if (!HashTile.Read(leaves, source).Try(out var hashes, out why))
        {
            return new(chain.Next, leaves, why);
        }

        var rest = bytes.Span;
        for (var place = index * TileAddress.FullWidth; place < (index * TileAddress.FullWidth) + bundle.Width; place++)
        {
            if (!EntryBundle.TryTake(rest, out var entry))
            {
                return Fault(place, bundle, rest.IsEmpty ? "is missing" : "does not end within its bundle");
            }

            rest = rest[(EntryBundle.LengthSize + entry.Length)..];
            if (place >= chain.Next && Entry(entry, rest, hashes[(int)(place % TileAddress.FullWidth)], bundle, leaves) is { } fault)
            {
                return fault;
            }
        }

        // An edge may hold entries that came after the checkpoint; a full bundle may not.
        return bundle.Width == TileAddress.FullWidth && !rest.IsEmpty ? Fault(chain.Next - 1, bundle, "is not the last in its bundle") : Full();
    }

    private LedgerFault? Entry(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> rest, TreeHash expected, TileAddress bundle, TileAddress leaves)
    {
        var place = chain.Next;
        if (chain.Add(entry) is { } fault)
        {
            return Fault(place, bundle, fault);
        }

        if (chain.Last != expected)
        {
            if (!EntryBundle.TryTake(rest, out var next))
            {
                return Fault(place, bundle, $"or {leaves} was changed: its hash is not the one that the tile has");
            }

            // The entry after it tells which of the two was changed.
            return EntryChain.Links(next, chain.Last)
                ? Fault(place, leaves, "is not the one that the tile has the hash of, and the next entry follows it: the tile was changed")
                : Fault(place, bundle, "was changed: neither the tile nor the next entry has its hash");
        }

        tree.Append(chain.Last);
        return null;
    }

    // Tiles of leaves were compared hash by hash already; those above them are made of them.
    private LedgerFault? Full()
    {
        foreach (var tile in tree.TakeFull())
        {
            if (tile.Address.Level > 0 && Compare(tile) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private LedgerFault? End()
    {
        foreach (var tile in tree.Partial())
        {
            if (tile.Address.Level > 0 && Compare(tile) is { } fault)
            {
                return fault;
            }
        }

        return tree.Root == checkpoint.Root
            ? null
            : new(null, null, new("ledger", $"its entries and tiles belong together, and not to {checkpoint}: entries were rewritten, or the checkpoint is not of this copy", Remedy));
    }

    private LedgerFault? Compare(Tile tile)
    {
        if (!HashTile.Read(tile.Address.InTreeOf(checkpoint.Size) ?? tile.Address, source).Try(out var read, out var why))
        {
            return new(null, tile.Address, why);
        }

        return read.Bytes.Span[..tile.Bytes.Length].SequenceEqual(tile.Bytes.Span)
            ? null
            : new(null, tile.Address, new("ledger", "the tile is not made of the tiles below it: it was changed", Remedy));
    }

    private static LedgerFault Fault(long entry, TileAddress tile, string what) => new(entry, tile, new("ledger", $"it {what}", Remedy));
}
