using System.Numerics;

namespace Governance.Gates.Ledgers;

/// <summary>A Merkle tree that grows leaf by leaf and remembers its right edge only: the tiles that are not full, and the full subtrees to the left.</summary>
/// <remarks>Memory is constant: 8 KiB for each of at most eight levels. Not safe for concurrent use.</remarks>
internal sealed class GrowingTree
{
    private const int TileBytes = TileAddress.FullWidth * TreeHash.Size;

    // The roots of the full subtrees that the size's one bits stand for, the largest first.
    private readonly TreeHash[] subtrees = new TreeHash[64];
    private readonly byte[]?[] edge = new byte[]?[TileAddress.HighestLevel + 1];
    private readonly List<Tile> full = [];
    private int subtreeCount;

    /// <summary>How many leaves there are.</summary>
    public long Size { get; private set; }

    /// <summary>The root over all leaves.</summary>
    public TreeHash Root
    {
        get
        {
            if (subtreeCount == 0)
            {
                return TreeHash.OfEmptyTree;
            }

            var root = subtrees[subtreeCount - 1];
            for (var i = subtreeCount - 2; i >= 0; i--)
            {
                root = TreeHash.OfNode(subtrees[i], root);
            }

            return root;
        }
    }

    /// <summary>A tree as it was when it had <paramref name="size"/> leaves, from the tiles of a log that has <paramref name="sizeNow"/>.</summary>
    public static Reading<GrowingTree> Restore(long size, long sizeNow, TileSource source)
    {
        var tree = new GrowingTree { Size = size };
        for (var level = TileAddress.HighestLevel; level >= 0; level--)
        {
            var hashes = size >> (8 * level);
            var width = (int)(hashes % TileAddress.FullWidth);
            if (width == 0)
            {
                continue;
            }

            if (!HashTile.Read(TileAddress.Of(level, hashes / TileAddress.FullWidth, sizeNow)!.Value, source).Try(out var tile, out var why))
            {
                return new Reading<GrowingTree>.Unread(why);
            }

            tile.Bytes.Span[..(width * TreeHash.Size)].CopyTo(tree.edge[level] = new byte[TileBytes]);
            for (int bit = TileAddress.FullWidth / 2, at = 0; bit > 0; bit /= 2)
            {
                if ((width & bit) != 0)
                {
                    tree.subtrees[tree.subtreeCount++] = tile.Root(at, bit);
                    at += bit;
                }
            }
        }

        return new Reading<GrowingTree>.Found(tree);
    }

    /// <summary>Appends the hash of a leaf.</summary>
    public void Append(TreeHash leaf)
    {
        var node = leaf;
        Put(0, Size, node);
        // RFC 9162, section 2.1.2: as many merges as the size has one bits at its end.
        var merges = BitOperations.TrailingZeroCount(~Size);
        for (var height = 1; height <= merges; height++)
        {
            node = TreeHash.OfNode(subtrees[--subtreeCount], node);
            if (height % 8 == 0)
            {
                Put(height / 8, Size >> height, node);
            }
        }

        subtrees[subtreeCount++] = node;
        Size++;
    }

    /// <summary>The tiles that became full since this was asked last, in the order in which they did.</summary>
    public IReadOnlyList<Tile> TakeFull()
    {
        Tile[] taken = [.. full];
        full.Clear();
        return taken;
    }

    /// <summary>The tiles at the right edge, which are not full; a copy each.</summary>
    public IEnumerable<Tile> Partial()
    {
        for (var level = 0; level <= TileAddress.HighestLevel; level++)
        {
            var hashes = Size >> (8 * level);
            if (hashes % TileAddress.FullWidth is > 0 and var width)
            {
                yield return new(TileAddress.Of(level, hashes / TileAddress.FullWidth, Size)!.Value, edge[level].AsSpan(0, (int)width * TreeHash.Size).ToArray());
            }
        }
    }

    private void Put(int level, long index, TreeHash hash)
    {
        var tile = edge[level] ??= new byte[TileBytes];
        var at = (int)(index % TileAddress.FullWidth);
        hash.CopyTo(tile.AsSpan(at * TreeHash.Size));
        if (at == TileAddress.FullWidth - 1)
        {
            full.Add(new(TileAddress.Of(level, index / TileAddress.FullWidth, (index + 1) << (8 * level))!.Value, tile));
            edge[level] = null;
        }
    }
}
