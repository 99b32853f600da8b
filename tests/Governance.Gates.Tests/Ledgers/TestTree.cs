using System.Buffers.Binary;
using System.Collections.Immutable;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>A tree with all its tiles in memory, and beside it the recursive definitions of RFC 6962, section 2.1, word for word.</summary>
internal sealed class TestTree
{
    private readonly Dictionary<string, ReadOnlyMemory<byte>> tiles = [];
    private readonly Dictionary<(long, long), TreeHash> roots = [];

    public TestTree(int size)
    {
        var tree = new GrowingTree();
        for (var i = 0; i < size; i++)
        {
            var entry = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(entry, i);
            Leaves.Add(TreeHash.OfLeaf(entry));
            tree.Append(Leaves[i]);
            foreach (var tile in tree.TakeFull())
            {
                tiles.Add(tile.Address.Path, tile.Bytes);
            }
        }

        foreach (var tile in tree.Partial())
        {
            tiles.Add(tile.Address.Path, tile.Bytes);
        }

        Root = tree.Root;
    }

    public List<TreeHash> Leaves { get; } = [];

    public TreeHash Root { get; }

    public IReadOnlyCollection<string> Paths => tiles.Keys;

    public HashSet<string> Asked { get; } = [];

    public Reading<ReadOnlyMemory<byte>> Source(TileAddress address)
    {
        Asked.Add(address.Path);
        return tiles.TryGetValue(address.Path, out var bytes)
            ? new Reading<ReadOnlyMemory<byte>>.Found(bytes)
            : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"there is no {address}"));
    }

    // MTH(D[first:end])
    public TreeHash SlowRoot(long first, long end)
    {
        if (!roots.TryGetValue((first, end), out var root))
        {
            var k = first + LargestPowerBelow(end - first);
            root = end == first ? TreeHash.OfEmptyTree : end - first == 1 ? Leaves[(int)first] : TreeHash.OfNode(SlowRoot(first, k), SlowRoot(k, end));
            roots.Add((first, end), root);
        }

        return root;
    }

    // PATH(m, D[first:end])
    public ImmutableArray<TreeHash> SlowPath(long m, long first, long end)
    {
        if (end - first == 1)
        {
            return [];
        }

        var k = LargestPowerBelow(end - first);
        return m < k ? [.. SlowPath(m, first, first + k), SlowRoot(first + k, end)] : [.. SlowPath(m - k, first + k, end), SlowRoot(first, first + k)];
    }

    // SUBPROOF(m, D[first:end], b)
    public ImmutableArray<TreeHash> SlowSubproof(long m, long first, long end, bool b)
    {
        if (m == end - first)
        {
            return b ? [] : [SlowRoot(first, end)];
        }

        var k = LargestPowerBelow(end - first);
        return m <= k ? [.. SlowSubproof(m, first, first + k, b), SlowRoot(first + k, end)] : [.. SlowSubproof(m - k, first + k, end, false), SlowRoot(first, first + k)];
    }

    private static long LargestPowerBelow(long n)
    {
        var k = 1L;
        while (k * 2 < n)
        {
            k *= 2;
        }

        return k;
    }
}
