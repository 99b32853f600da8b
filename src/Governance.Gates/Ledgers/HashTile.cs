using System.Numerics;

namespace Governance.Gates.Ledgers;

/// <summary>The hashes of one tile, as they came from a <see cref="TileSource"/>: as many as were asked for, and unproven.</summary>
internal sealed class HashTile(ReadOnlyMemory<byte> bytes)
{
    public ReadOnlyMemory<byte> Bytes => bytes;

    public TreeHash this[int index] => TreeHash.Read(bytes.Span[(index * TreeHash.Size)..]);

    /// <summary>Reads a tile, and cuts off what stands there beyond its width.</summary>
    public static Reading<HashTile> Read(TileAddress address, TileSource source)
    {
        if (!source(address).Try(out var bytes, out var why))
        {
            return new Reading<HashTile>.Unread(why);
        }

        var wanted = address.Width * TreeHash.Size;
        return bytes.Length < wanted || bytes.Length > TileAddress.FullWidth * TreeHash.Size || bytes.Length % TreeHash.Size != 0
            ? new Reading<HashTile>.Unread(new("ledger", $"{address} has {bytes.Length} bytes, and {wanted} are those of {address.Width} hashes", "restore it from a copy of the log"))
            : new Reading<HashTile>.Found(new(bytes[..wanted]));
    }

    /// <summary>The root over <paramref name="count"/> hashes from <paramref name="first"/> on; count is a power of two.</summary>
    public TreeHash Root(int first, int count)
    {
        Span<TreeHash> nodes = stackalloc TreeHash[BitOperations.Log2((uint)count) + 1];
        var depth = 0;
        for (var i = 0; i < count; i++)
        {
            var node = this[first + i];
            for (var rest = i; (rest & 1) == 1; rest >>= 1)
            {
                node = TreeHash.OfNode(nodes[--depth], node);
            }

            nodes[depth++] = node;
        }

        return nodes[0];
    }
}
