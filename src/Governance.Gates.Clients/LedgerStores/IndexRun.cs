using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Ledgers;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>That an entry has a term.</summary>
internal readonly record struct Posting(ulong Term, long Sequence) : IComparable<Posting>
{
    public int CompareTo(Posting other) => Term != other.Term ? Term.CompareTo(other.Term) : Sequence.CompareTo(other.Sequence);
}

/// <summary>The postings of a stretch of a log, sorted, in a file that is never changed.</summary>
/// <remarks>
/// Blocks of 4 KiB, each with a sum of its own, so that a look-up reads and checks some ten of them and not the file. The first says which log and which stretch, with the roots before and after it:
/// <c>sum | "GATESIX1" | SHA-256 of the origin | u64 first | u64 end | root before first | root at end | u64 blocks</c>. Each other is
/// <c>sum | u64 name of the run | u64 number | u64 term and u64 sequence of its last posting | u16 count | postings</c>, a posting being two numbers in LEB128: the term's difference to the one before, and the sequence's, which
/// is to <c>first</c> where the term is another. All fixed numbers are big-endian. A sum is the first 8 bytes of SHA-256 over what follows it; the name of a run is that of what says which stretch it is of.
/// </remarks>
internal sealed class IndexRun : IDisposable
{
    public const int BlockBytes = 4096;
    private const int SumBytes = 8;
    private const int NameAt = 8;
    private const int NumberAt = 16;
    private const int LastAt = 24;
    private const int CountAt = 40;
    private const int PostingsAt = 42;
    private const int MostPostingBytes = 20;
    private const int LeastPostingBytes = 2;

    private const int OriginAt = 16;
    private const int FirstAt = 48;
    private const int EndAt = 56;
    private const int RootBeforeAt = 64;
    private const int RootAfterAt = 96;
    private const int BlocksAt = 128;
    private const int HeaderBytes = 136;

    private readonly SafeFileHandle file;
    private readonly ulong name;

    private IndexRun(SafeFileHandle file, string path, ulong name, LedgerPosition before, LedgerPosition after, long blocks)
    {
        (this.file, Path, this.name, Before, After, Blocks) = (file, path, name, before, after, blocks);
    }

    private static ReadOnlySpan<byte> Magic => "GATESIX1"u8;

    public string Path { get; }

    /// <summary>Where the stretch begins.</summary>
    public LedgerPosition Before { get; }

    /// <summary>Where it ends.</summary>
    public LedgerPosition After { get; }

    /// <summary>How many blocks of postings there are.</summary>
    public long Blocks { get; }

    public void Dispose() => file.Dispose();

    /// <summary>Opens a run; null where it is none, or none of this log.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IndexRun? Open(string path, string origin)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.RandomAccess);
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (RandomAccess.Read(file, header, 0) == HeaderBytes && header[SumBytes..].StartsWith(Magic) && HasSum(header) && header[OriginAt..FirstAt].SequenceEqual(SHA256.HashData(Encoding.UTF8.GetBytes(origin))))
        {
            var (first, end, blocks) = (BinaryPrimitives.ReadInt64BigEndian(header[FirstAt..]), BinaryPrimitives.ReadInt64BigEndian(header[EndAt..]), BinaryPrimitives.ReadInt64BigEndian(header[BlocksAt..]));
            if (first >= 0 && end > first && blocks is >= 0 and < (long.MaxValue / BlockBytes) - 1 && RandomAccess.GetLength(file) == (blocks + 1) * BlockBytes)
            {
                return new(file, path, NameOf(header), new(origin, first, TreeHash.Read(header[RootBeforeAt..])), new(origin, end, TreeHash.Read(header[RootAfterAt..])), blocks);
            }
        }

        file.Dispose();
        return null;
    }

    /// <summary>Writes a run. What a machine that fails leaves of it has sums that do not hold.</summary>
    /// <param name="path">The file.</param>
    /// <param name="before">Where the stretch begins.</param>
    /// <param name="after">Where it ends.</param>
    /// <param name="postings">All of its postings, sorted.</param>
    public static void Write(string path, LedgerPosition before, LedgerPosition after, IEnumerable<Posting> postings)
    {
        var header = new byte[BlockBytes];
        Magic.CopyTo(header.AsSpan(SumBytes));
        SHA256.HashData(Encoding.UTF8.GetBytes(before.Origin), header.AsSpan(OriginAt));
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(FirstAt), before.Size);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(EndAt), after.Size);
        before.Root.CopyTo(header.AsSpan(RootBeforeAt));
        after.Root.CopyTo(header.AsSpan(RootAfterAt));
        var draft = path + ".new";
        using (var file = File.OpenHandle(draft, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(BlocksAt), WriteBlocks(file, NameOf(header), before.Size, postings));
            BinaryPrimitives.WriteUInt64BigEndian(header, Sum(header.AsSpan(SumBytes, HeaderBytes - SumBytes)));
            RandomAccess.Write(file, header, 0);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>All postings, in order.</summary>
    /// <exception cref="InvalidDataException">A block is not as it was written.</exception>
    public IEnumerable<Posting> All()
    {
        var reader = new IndexCursor(this);
        for (var number = 1L; number <= Blocks; number++)
        {
            foreach (var posting in reader.Load(number))
            {
                yield return posting;
            }
        }
    }

    /// <summary>Reads a block, and gives its last posting.</summary>
    /// <param name="number">Which, from 1.</param>
    /// <param name="block">Room for its bytes.</param>
    /// <exception cref="InvalidDataException">It is not as it was written.</exception>
    public Posting ReadBlock(long number, Span<byte> block)
    {
        if (RandomAccess.Read(file, block, number * BlockBytes) != BlockBytes || !HasSum(block) || BinaryPrimitives.ReadUInt64BigEndian(block[NameAt..]) != name || BinaryPrimitives.ReadInt64BigEndian(block[NumberAt..]) != number)
        {
            throw Damaged();
        }

        return new(BinaryPrimitives.ReadUInt64BigEndian(block[LastAt..]), BinaryPrimitives.ReadInt64BigEndian(block[(LastAt + sizeof(ulong))..]));
    }

    /// <summary>The postings of a block that was read.</summary>
    /// <param name="block">Its bytes.</param>
    /// <param name="postings">Room for them; more is made where there is too little.</param>
    /// <returns>How many there are.</returns>
    public int Decode(ReadOnlySpan<byte> block, ref Posting[] postings)
    {
        var count = BinaryPrimitives.ReadUInt16BigEndian(block[CountAt..]);
        if (count is 0 or > (BlockBytes - PostingsAt) / LeastPostingBytes)
        {
            throw Damaged();
        }

        if (postings.Length < count)
        {
            postings = new Posting[count];
        }

        var (at, last) = (PostingsAt, new Posting(0, 0));
        for (var i = 0; i < count; i++)
        {
            var term = Take(block, ref at);
            var sequence = Take(block, ref at);
            last = new(last.Term + term, (long)sequence + (i == 0 || term != 0 ? Before.Size : last.Sequence));
            postings[i] = last;
        }

        return count;
    }

    private static long WriteBlocks(SafeFileHandle file, ulong name, long first, IEnumerable<Posting> postings)
    {
        var block = new byte[BlockBytes];
        var (blocks, at, count, last) = (0L, PostingsAt, 0, new Posting(0, 0));
        void Flush()
        {
            BinaryPrimitives.WriteUInt64BigEndian(block.AsSpan(NameAt), name);
            BinaryPrimitives.WriteInt64BigEndian(block.AsSpan(NumberAt), ++blocks);
            BinaryPrimitives.WriteUInt64BigEndian(block.AsSpan(LastAt), last.Term);
            BinaryPrimitives.WriteInt64BigEndian(block.AsSpan(LastAt + sizeof(ulong)), last.Sequence);
            BinaryPrimitives.WriteUInt16BigEndian(block.AsSpan(CountAt), (ushort)count);
            block.AsSpan(at).Clear();
            BinaryPrimitives.WriteUInt64BigEndian(block, Sum(block.AsSpan(SumBytes)));
            RandomAccess.Write(file, block, blocks * BlockBytes);
            (at, count, last) = (PostingsAt, 0, new(0, 0));
        }

        foreach (var posting in postings)
        {
            if (at + MostPostingBytes > BlockBytes)
            {
                Flush();
            }

            // The first of a block is told by itself, so that a block is read alone.
            var before = count == 0 || posting.Term != last.Term ? first : last.Sequence;
            Put(block, ref at, posting.Term - last.Term);
            Put(block, ref at, (ulong)(posting.Sequence - before));
            (count, last) = (count + 1, posting);
        }

        if (count > 0)
        {
            Flush();
        }

        return blocks;
    }

    private static void Put(byte[] block, ref int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            block[at++] = (byte)(value | 0x80);
        }

        block[at++] = (byte)value;
    }

    private ulong Take(ReadOnlySpan<byte> block, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64 && at < block.Length; shift += 7)
        {
            var next = block[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    private InvalidDataException Damaged() => new($"{Path} is damaged");

    private static bool HasSum(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes) == Sum(bytes[SumBytes..]);

    private static ulong NameOf(ReadOnlySpan<byte> header) => Sum(header[SumBytes..BlocksAt]);

    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }
}

/// <summary>Reads a run from where it was left; one thread.</summary>
internal sealed class IndexCursor(IndexRun run)
{
    private readonly byte[] block = new byte[IndexRun.BlockBytes];
    private Posting[] postings = [];
    private int count;
    private long loaded;

    /// <summary>The first entry from <paramref name="from"/> on that has a term; null where none has.</summary>
    /// <exception cref="InvalidDataException">A block is not as it was written.</exception>
    public long? Next(ulong term, long from)
    {
        var wanted = new Posting(term, from);
        if (!Seek(wanted))
        {
            return null;
        }

        var found = postings[At(wanted)];
        return found.Term == term ? found.Sequence : null;
    }

    /// <summary>The entries with a term from one to another, in order; null where there are more than <paramref name="most"/>.</summary>
    /// <exception cref="InvalidDataException">A block is not as it was written.</exception>
    public long[]? Between(ulong first, ulong last, int most)
    {
        var wanted = new Posting(first, 0);
        var found = new List<long>();
        if (Seek(wanted))
        {
            for (var at = At(wanted); postings[at].Term <= last;)
            {
                if (found.Count == most)
                {
                    return null;
                }

                found.Add(postings[at++].Sequence);
                if (at == count)
                {
                    if (loaded == run.Blocks)
                    {
                        break;
                    }

                    Load(loaded + 1);
                    at = 0;
                }
            }
        }

        found.Sort();
        return [.. found];
    }

    /// <summary>The postings of a block.</summary>
    public ArraySegment<Posting> Load(long number)
    {
        run.ReadBlock(number, block);
        Decode(number);
        return new(postings, 0, count);
    }

    // Where in the loaded block the first posting is that is not before the wanted one.
    private int At(Posting wanted)
    {
        var at = postings.AsSpan(0, count).BinarySearch(wanted);
        return at < 0 ? ~at : at;
    }

    // Makes the first block the loaded one whose last posting is not before the wanted one; false where there is none.
    private bool Seek(Posting wanted)
    {
        var (low, high) = (1L, run.Blocks);
        if (loaded > 0 && wanted.CompareTo(postings[0]) >= 0)
        {
            if (wanted.CompareTo(postings[count - 1]) <= 0)
            {
                return true;
            }

            // Most often it is the next one.
            low = loaded + 1;
            if (low <= high && wanted.CompareTo(run.ReadBlock(low, block)) <= 0)
            {
                Decode(low);
                return true;
            }
        }

        while (low <= high)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = wanted.CompareTo(run.ReadBlock(middle, block)) <= 0 ? (low, middle - 1) : (middle + 1, high);
        }

        if (low > run.Blocks)
        {
            return false;
        }

        Load(low);
        return wanted.CompareTo(postings[count - 1]) <= 0 ? true : throw new InvalidDataException($"{run.Path} is not sorted");
    }

    private void Decode(long number)
    {
        count = run.Decode(block, ref postings);
        loaded = number;
    }
}
