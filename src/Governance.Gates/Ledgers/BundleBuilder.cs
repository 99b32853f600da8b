using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Governance.Gates.Ledgers;

/// <summary>The bundle at the end of a log, entry by entry (C2SP tlog-tiles, "Log entries").</summary>
/// <remarks>Not safe for concurrent use. What was added never changes, and may be read beside what is added.</remarks>
internal sealed class BundleBuilder
{
    private const int Smallest = 4 * 1024;
    private const int Largest = 1024 * 1024;

    private readonly List<ReadOnlyMemory<byte>> pieces = [];
    private readonly List<EntryBlock> blocks = [];
    private EntryBlock block = new(Smallest);

    // Where this bundle begins in the block, and where the next entry goes.
    private int begin;
    private int end;

    /// <summary>What the bundle holds by now.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Pieces => end > begin ? [.. pieces, Last] : [.. pieces];

    private ReadOnlyMemory<byte> Last => block.Bytes.AsMemory(begin, end - begin);

    /// <summary>Where the next entry goes. It is in the bundle once it is added.</summary>
    /// <param name="size">How many bytes it has, at most <see cref="LedgerEntry.MostBytes"/>.</param>
    public Span<byte> Room(int size)
    {
        var needed = EntryBundle.LengthSize + size;
        if (block.Bytes.Length - end < needed)
        {
            Begin(needed);
        }

        BinaryPrimitives.WriteUInt16BigEndian(block.Bytes.AsSpan(end), checked((ushort)size));
        return block.Bytes.AsSpan(end + EntryBundle.LengthSize, size);
    }

    /// <summary>Adds the entry that was written into the room.</summary>
    /// <param name="size">How many bytes room was asked for.</param>
    /// <returns>The entry, until the bundle's tile is released.</returns>
    public ReadOnlyMemory<byte> Add(int size)
    {
        var entry = block.Bytes.AsMemory(end + EntryBundle.LengthSize, size);
        end += EntryBundle.LengthSize + size;
        return entry;
    }

    /// <summary>The bundle, which is full; the next one begins.</summary>
    public Tile Finish(TileAddress address)
    {
        if (end > begin)
        {
            block.Use();
            blocks.Add(block);
        }

        var tile = new Tile(address, Pieces) { Blocks = [.. blocks] };
        pieces.Clear();
        blocks.Clear();
        begin = end;
        return tile;
    }

    private void Begin(int needed)
    {
        if (end > begin)
        {
            pieces.Add(Last);
            blocks.Add(block);
        }
        else
        {
            block.Release();
        }

        block = new(Math.Max(needed, Math.Min(2 * block.Bytes.Length, Largest)));
        begin = end = 0;
    }
}
