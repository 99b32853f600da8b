using System.Collections.Immutable;
using System.Numerics;

namespace Governance.Gates.Ledgers;

/// <summary>Makes and checks the proofs of RFC 6962, sections 2.1.1 and 2.1.2: that a leaf is in a tree, and that one tree begins as another.</summary>
public static class MerkleProofs
{
    /// <summary>The hashes from the leaf's sibling up to the root's child that prove a leaf to be in a tree.</summary>
    /// <param name="index">The leaf's index, from 0.</param>
    /// <param name="size">The size of the tree.</param>
    /// <param name="source">Where its tiles are; they are not checked, so whoever hands the proof out verifies it first.</param>
    public static Reading<ImmutableArray<TreeHash>> Inclusion(long index, long size, TileSource source)
    {
        if (index < 0 || index >= size)
        {
            return Unread($"a tree of {size} entries has no entry {index}", $"ask for one from 0 to {size - 1}");
        }

        return Collect(size, source, nodes =>
        {
            var path = new Stack<TreeHash>();
            for (long first = 0, end = size; end - first > 1;)
            {
                var middle = first + Split(end - first);
                path.Push(index < middle ? nodes.Root(middle, end) : nodes.Root(first, middle));
                (first, end) = index < middle ? (first, middle) : (middle, end);
            }

            return [.. path];
        });
    }

    /// <summary>The hashes that prove a tree of <paramref name="size"/> leaves to begin with those of a tree of <paramref name="oldSize"/>.</summary>
    /// <param name="oldSize">The size of the earlier tree; from 0.</param>
    /// <param name="size">The size of the later tree.</param>
    /// <param name="source">Where its tiles are; they are not checked, so whoever hands the proof out verifies it first.</param>
    public static Reading<ImmutableArray<TreeHash>> Consistency(long oldSize, long size, TileSource source)
    {
        if (oldSize < 0 || oldSize > size)
        {
            return Unread($"a tree of {size} entries never had {oldSize}", $"ask for a size from 0 to {size}");
        }

        return Collect(size, source, nodes =>
        {
            // RFC 6962, section 2.1.2: SUBPROOF(m, D[n], b), from the root downwards. An empty tree and the same tree need no proof.
            var path = new Stack<TreeHash>();
            for (long first = 0, end = oldSize == 0 ? 0 : size; end > first;)
            {
                if (end == oldSize)
                {
                    if (first > 0)
                    {
                        path.Push(nodes.Root(first, end));
                    }

                    break;
                }

                var middle = first + Split(end - first);
                path.Push(oldSize <= middle ? nodes.Root(middle, end) : nodes.Root(first, middle));
                (first, end) = oldSize <= middle ? (first, middle) : (middle, end);
            }

            return [.. path];
        });
    }

    /// <summary>Whether a proof shows a leaf to be in a tree (RFC 9162, section 2.1.3.2). Never throws: whatever is malformed is false.</summary>
    public static bool VerifyInclusion(TreeHash leaf, long index, long size, TreeHash root, ReadOnlySpan<TreeHash> proof)
    {
        if (index < 0 || index >= size)
        {
            return false;
        }

        var (node, last) = (index, size - 1);
        var hash = leaf;
        foreach (var sibling in proof)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = TreeHash.OfNode(sibling, hash);
                Rise(ref node, ref last);
            }
            else
            {
                hash = TreeHash.OfNode(hash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && hash == root;
    }

    /// <summary>Whether a proof shows a tree to begin as an earlier one (RFC 9162, section 2.1.4.2). Never throws: whatever is malformed is false.</summary>
    public static bool VerifyConsistency(long oldSize, TreeHash oldRoot, long size, TreeHash root, ReadOnlySpan<TreeHash> proof)
    {
        if (oldSize < 0 || oldSize > size)
        {
            return false;
        }

        if (oldSize == size || oldSize == 0)
        {
            return proof.IsEmpty && (oldSize == size ? oldRoot == root : oldRoot == TreeHash.OfEmptyTree);
        }

        var (node, last) = (oldSize - 1, size - 1);
        var shared = BitOperations.TrailingZeroCount(~node);
        node >>= shared;
        last >>= shared;

        // A tree whose size is a power of two is itself the first node of the proof, and is left out of it.
        var rest = proof;
        var first = oldRoot;
        if (!BitOperations.IsPow2(oldSize))
        {
            if (proof.IsEmpty)
            {
                return false;
            }

            first = proof[0];
            rest = proof[1..];
        }

        var (oldHash, hash) = (first, first);
        foreach (var sibling in rest)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                oldHash = TreeHash.OfNode(sibling, oldHash);
                hash = TreeHash.OfNode(sibling, hash);
                Rise(ref node, ref last);
            }
            else
            {
                hash = TreeHash.OfNode(hash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && oldHash == oldRoot && hash == root;
    }

    // Levels at which a node at the right edge has no sibling are passed over.
    private static void Rise(ref long node, ref long last)
    {
        while ((node & 1) == 0 && node != 0)
        {
            node >>= 1;
            last >>= 1;
        }
    }

    // RFC 6962, section 2.1: the largest power of two smaller than n.
    private static long Split(long n) => 1L << BitOperations.Log2((ulong)n - 1);

    private static Reading<ImmutableArray<TreeHash>> Collect(long size, TileSource source, Func<TreeNodes, ImmutableArray<TreeHash>> collect)
    {
        var nodes = new TreeNodes(size, source);
        var proof = collect(nodes);
        return nodes.Fault is { } fault ? new Reading<ImmutableArray<TreeHash>>.Unread(fault) : new Reading<ImmutableArray<TreeHash>>.Found(proof);
    }

    private static Reading<ImmutableArray<TreeHash>>.Unread Unread(string message, string remedy) => new(new("ledger", message, remedy));

    /// <summary>Roots of parts of a tree, from its tiles. After the first tile that cannot be read there is a fault, and no root means anything.</summary>
    private sealed class TreeNodes(long size, TileSource source)
    {
        private readonly Dictionary<(int Level, long Index), HashTile> tiles = [];

        public Reason? Fault { get; private set; }

        /// <summary>The root over the leaves from <paramref name="first"/> to before <paramref name="end"/>, where first is a multiple of the power of two that holds them.</summary>
        public TreeHash Root(long first, long end)
        {
            var count = end - first;
            if (!BitOperations.IsPow2(count))
            {
                var middle = first + Split(count);
                return TreeHash.OfNode(Root(first, middle), Root(middle, end));
            }

            // A subtree of height h is a run of 2^(h mod 8) hashes in one tile of level h / 8.
            var height = BitOperations.Log2((ulong)count);
            var level = height / 8;
            var index = first >> (8 * level);
            return Tile(level, index / TileAddress.FullWidth) is { } tile ? tile.Root((int)(index % TileAddress.FullWidth), 1 << (height % 8)) : default;
        }

        private HashTile? Tile(int level, long index)
        {
            if (Fault is not null || tiles.TryGetValue((level, index), out var tile))
            {
                return Fault is null ? tiles[(level, index)] : null;
            }

            if (!HashTile.Read(TileAddress.Of(level, index, size)!.Value, source).Try(out tile, out var why))
            {
                Fault = why;
                return null;
            }

            return tiles[(level, index)] = tile;
        }
    }
}
