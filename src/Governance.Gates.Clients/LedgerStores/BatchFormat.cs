using System.Buffers.Binary;
using System.Numerics;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A batch of entries as a journal holds it: <c>u32 magic | u32 length | u64 first sequence | u32 count | u32 CRC-32C | (u16 length | entry)*</c>, all big-endian.</summary>
internal static class BatchFormat
{
    /// <summary>Where entries begin in a batch.</summary>
    public const int HeaderBytes = 24;

    /// <summary>The most bytes of a batch.</summary>
    public const int MostBatchBytes = 1024 * 1024;

    // What is summed of one file to find a sound batch behind one that is not. No text of an entry costs any of it: what follows a magic in one is no length.
    public const long MostSummed = 8L * EntryJournal.FileBytes;

    private const uint Magic = 0x47474A31;
    private const int FirstAt = 8;
    private const int SumAt = 20;

    /// <summary>Writes the header of a batch over its entries.</summary>
    /// <param name="batch">Room for the header, and the entries behind it, each behind its length.</param>
    /// <param name="first">The sequence of its first entry.</param>
    /// <param name="count">How many entries.</param>
    public static void Finish(Span<byte> batch, long first, int count)
    {
        BinaryPrimitives.WriteUInt32BigEndian(batch, Magic);
        BinaryPrimitives.WriteInt32BigEndian(batch[4..], batch.Length - HeaderBytes);
        BinaryPrimitives.WriteInt64BigEndian(batch[FirstAt..], first);
        BinaryPrimitives.WriteInt32BigEndian(batch[16..], count);
        BinaryPrimitives.WriteUInt32BigEndian(batch[SumAt..], Sum(batch));
    }

    /// <summary>Hands every entry of a sound batch to <paramref name="take"/>: its sequence and its stored bytes.</summary>
    /// <returns>The sequence of the first, and one after that of the last.</returns>
    /// <exception cref="FormatException">They do not end within it.</exception>
    public static (long First, long After) Take(ReadOnlyMemory<byte> batch, Action<long, ReadOnlyMemory<byte>> take)
    {
        var first = BinaryPrimitives.ReadInt64BigEndian(batch.Span[FirstAt..]);
        var sequence = first;
        for (var rest = batch[HeaderBytes..]; !rest.IsEmpty; sequence++)
        {
            var length = rest.Length < 2 ? rest.Length : BinaryPrimitives.ReadUInt16BigEndian(rest.Span);
            if (length > rest.Length - 2)
            {
                throw new FormatException($"entry {sequence} does not end within its batch, though the batch is as it was written");
            }

            take(sequence, rest.Slice(2, length));
            rest = rest[(2 + length)..];
        }

        return (first, sequence);
    }

    /// <summary>The length of the sound batch at this place; null where there is none of the entries after which the file is named.</summary>
    public static int? Batch(byte[] bytes, int at, long named) => Framed(bytes, at) is { } length && IsSound(bytes, at, length) && First(bytes, at) >= named ? length : null;

    /// <summary>How many bytes at this place, where no sound batch is, were of a write that was not finished.</summary>
    public static int Torn(byte[] bytes, int at, long named)
    {
        var header = bytes.AsSpan(at, Math.Min(HeaderBytes, bytes.Length - at));
        return !header.ContainsAnyExcept((byte)0) || (Framed(bytes, at) is not null && First(bytes, at) < named)
            ? 0
            : Framed(bytes, at) ?? bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1 - at;
    }

    private static long First(byte[] bytes, int at) => BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(at + FirstAt));

    // The length that a header at this place tells, where it can be that of a batch; null where there is none.
    private static int? Framed(byte[] bytes, int at)
    {
        if (bytes.Length - at < HeaderBytes || BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at)) != Magic)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 4));
        return length > 0 && length <= Math.Min(bytes.Length - at, MostBatchBytes) - HeaderBytes ? HeaderBytes + length : null;
    }

    private static bool IsSound(byte[] bytes, int at, int length) => Sum(bytes.AsSpan(at, length)) == BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + SumAt));

    /// <summary>Where the next sound batch is, from a place on; null where there is none, or none was found for what the search may cost.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="at">The place.</param>
    /// <param name="named">The entry after which the file is named: batches of those before it count for nothing.</param>
    /// <param name="left">How many bytes may be summed that turn out to be of no such batch; below 0 where it was given up.</param>
    public static (int At, int Length)? NextSound(byte[] bytes, int at, long named, ref long left)
    {
        ReadOnlySpan<byte> magic = [0x47, 0x47, 0x4A, 0x31];
        for (; left >= 0 && at < bytes.Length && bytes.AsSpan(at).IndexOf(magic) is >= 0 and var next; at++)
        {
            at += next;
            if (Framed(bytes, at) is not { } length)
            {
                continue;
            }

            if (First(bytes, at) >= named && IsSound(bytes, at, length))
            {
                return (at, length);
            }

            left -= length;
        }

        return null;
    }

    // Over the header up to the sum, and the entries. A sum tells a torn write; that nothing was changed is told by the hashes.
    private static uint Sum(ReadOnlySpan<byte> batch)
    {
        var sum = uint.MaxValue;
        Add(batch[..SumAt], ref sum);
        Add(batch[HeaderBytes..], ref sum);
        return ~sum;
    }

    private static void Add(ReadOnlySpan<byte> bytes, ref uint sum)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var one in bytes)
        {
            sum = BitOperations.Crc32C(sum, one);
        }
    }
}
