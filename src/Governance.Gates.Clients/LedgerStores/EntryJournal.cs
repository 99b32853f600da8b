using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.GateState;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>How urgently an entry needs its place when the disk is nearly full.</summary>
public enum Precedence
{
    /// <summary>What can be refused instead.</summary>
    Usual,

    /// <summary>What happened anyway or must be possible: failures, allows, rollbacks, freezes. Space is kept for these.</summary>
    Vital,
}

/// <summary>Entries from the answer until the tiles hold them: batches in files that were written with zeros before, so that one write and one fdatasync make a batch durable.</summary>
/// <remarks>
/// A file is named after its first entry, and is as long as all others. A batch is <c>u32 magic | u32 length | u64 first sequence | u32 count | u32 CRC-32C | (u16 length | entry)*</c>, all big-endian. A batch whose sum does not hold
/// and after which no sound one follows is a write that was not finished, and never answered. One that a sound one follows was changed later.
/// Not safe for concurrent use, but for <see cref="MakeSpare"/> and <see cref="Forget"/>, which another thread may call.
/// </remarks>
internal sealed class EntryJournal : IDisposable
{
    public const int FileBytes = 8 * 1024 * 1024;

    /// <summary>Where entries begin in a batch.</summary>
    public const int HeaderBytes = 24;

    /// <summary>The most bytes of a batch.</summary>
    public const int MostBatchBytes = 1024 * 1024;

    // What is summed of one file to find a sound batch behind one that is not. No text of an entry costs any of it: what follows a magic in one is no length.
    internal const long MostSummed = 8L * FileBytes;

    private const uint Magic = 0x47474A31;
    private const int SumAt = 20;
    internal const string SpareName = "spare";
    private const int MostOfCut = 4_096;
    private const string CutName = "cut";
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    private readonly string folder;
    private readonly JournalDisk disk;
    private readonly int fileBytes;

    // Guards the spare file, which is made beside the appends.
    private readonly Lock making = new();

    // Guards the list of files, which the publisher shortens.
    private readonly Lock files = new();
    private readonly List<long> firsts = [];
    private volatile bool hasSpare;
    private bool isClosed;
    private long full;
    private SafeFileHandle? file;
    private int position;

    private EntryJournal(string folder, JournalDisk disk, int fileBytes) => (this.folder, this.disk, this.fileBytes) = (folder, disk, fileBytes);

    /// <summary>What was cut and nobody has recorded yet, for people; null where all was whole.</summary>
    public string? Cut { get; private set; }

    private string CutPath => Path.Combine(folder, CutName);

    private string SparePath => Path.Combine(folder, SpareName);

    /// <summary>Opens the journal, and hands every entry in it to <paramref name="take"/> in order.</summary>
    /// <param name="folder">Its folder; made where it is missing.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="published">How many entries the tiles hold.</param>
    /// <param name="take">Takes a sequence and the stored bytes; may throw.</param>
    /// <param name="fileBytes">The size of a file.</param>
    /// <exception cref="FormatException">A batch was changed, and it says which.</exception>
    public static EntryJournal Open(string folder, JournalDisk disk, long published, Action<long, ReadOnlyMemory<byte>> take, int fileBytes = FileBytes)
    {
        Directory.CreateDirectory(folder);
        var journal = new EntryJournal(folder, disk, fileBytes);
        try
        {
            journal.Load(published, take);
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file that is written has room for a batch of this many bytes.</summary>
    public bool HasRoom(int bytes) => file is not null && fileBytes - position >= bytes;

    /// <summary>Makes sure that a batch of this many bytes can be written; null where it can.</summary>
    /// <param name="bytes">With its header.</param>
    /// <param name="first">The sequence of its first entry.</param>
    /// <param name="precedence">Whether the space that is kept may be used.</param>
    public Reason? Reserve(int bytes, long first, Precedence precedence)
    {
        if (!CanTake(bytes, precedence))
        {
            // Usually the next file was made beside the appends; a disk that was full a moment ago is not asked for each entry.
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref full)) < AskAgain || MakeSpare() is not null)
            {
                return file is null || !HasRoom(bytes)
                    ? new("ledger", "the disk of the ledger is full", "free space on it")
                    : new("ledger", "the disk of the ledger is nearly full, and what is left is kept for what must be recorded", "free space on it");
            }
        }

        if (!HasRoom(bytes))
        {
            Begin(first);
        }

        return null;
    }

    /// <summary>Writes a batch, and returns once it is durable.</summary>
    /// <param name="batch">Room for the header, and the entries behind it, each behind its length.</param>
    /// <param name="first">The sequence of its first entry.</param>
    /// <param name="count">How many entries.</param>
    public void Write(Span<byte> batch, long first, int count)
    {
        BinaryPrimitives.WriteUInt32BigEndian(batch, Magic);
        BinaryPrimitives.WriteInt32BigEndian(batch[4..], batch.Length - HeaderBytes);
        BinaryPrimitives.WriteInt64BigEndian(batch[8..], first);
        BinaryPrimitives.WriteInt32BigEndian(batch[16..], count);
        BinaryPrimitives.WriteUInt32BigEndian(batch[SumAt..], Sum(batch));
        disk.Write(file!, batch, position);
        disk.Sync(file!);
        position += batch.Length;
    }

    /// <summary>Makes the next file ahead of its time; null where it is there.</summary>
    public Reason? MakeSpare()
    {
        lock (making)
        {
            if (hasSpare || isClosed)
            {
                return null;
            }

            try
            {
                disk.Allocate(SparePath, fileBytes);
                StateDisk.SyncFolder(folder);
                hasSpare = true;
                return null;
            }
            catch (Exception exception) when (StateDisk.IsOfDisk(exception))
            {
                Volatile.Write(ref full, Stopwatch.GetTimestamp());

                // What of it was made is given back: tiles need space too.
                TryDelete(SparePath);
                return new("ledger", $"no more space for the ledger could be kept: {exception.Message}", "free space on its disk");
            }
        }
    }

    /// <summary>Deletes the files all of whose entries are in the tiles of a log of this size.</summary>
    public void Forget(long size)
    {
        while (true)
        {
            long first;
            lock (files)
            {
                if (firsts.Count < 2 || firsts[1] > size)
                {
                    return;
                }

                first = firsts[0];
                firsts.RemoveAt(0);
            }

            // One that stays is found again at the next start.
            TryDelete(PathOf(first));
        }
    }

    /// <summary>What was cut is recorded: the next start need not say so again.</summary>
    public void ForgetCut() => File.Delete(CutPath);

    /// <summary>Closes the file; nothing is made in the folder afterwards.</summary>
    public void Dispose()
    {
        lock (making)
        {
            isClosed = true;
            file?.Dispose();
        }
    }

    private bool CanTake(int bytes, Precedence precedence) =>
        hasSpare || (HasRoom(bytes) && (precedence == Precedence.Vital || HasRoom(bytes + (fileBytes / 2))));

    private void Begin(long first)
    {
        file?.Dispose();
        lock (making)
        {
            File.Move(SparePath, PathOf(first));
            StateDisk.SyncFolder(folder);
            hasSpare = false;
        }

        lock (files)
        {
            firsts.Add(first);
        }

        position = 0;
        file = File.OpenHandle(PathOf(first), FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        _ = Task.Factory.StartNew(MakeSpare, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            // Whoever needs the space or the name will say that it is not there.
        }
    }

    private void Load(long published, Action<long, ReadOnlyMemory<byte>> take)
    {
        hasSpare = IsSpare();
        Cut = StateDisk.Read(CutPath, 4 * MostOfCut) is { } told ? Encoding.UTF8.GetString(told) : null;
        firsts.AddRange(Firsts(folder));
        for (var i = 0; i < firsts.Count; i++)
        {
            var path = PathOf(firsts[i]);
            var bytes = ReadFile(path);
            var next = i == firsts.Count - 1 ? long.MaxValue : firsts[i + 1];
            var (end, unpublished) = (0, -1);
            while (Batch(bytes, end) is { } length)
            {
                var (first, after) = Take(bytes.AsMemory(end, length), take);
                if (first < firsts[i] || after > next)
                {
                    throw new FormatException($"{path}: entries {first} to {after - 1} stand in it, and not where its name and the next say");
                }

                if (unpublished < 0 && after > published)
                {
                    unpublished = end;
                }

                end += length;
            }

            var used = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
            var left = MostSummed;
            if (used > end && (next != long.MaxValue || NextSound(bytes, end + 1, ref left) is not null || left < 0))
            {
                throw new FormatException($"{path}: the batch at byte {end} is not as it was written, and others follow it");
            }

            if (next == long.MaxValue)
            {
                (file, position) = (File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read), end);
                if (used > end)
                {
                    // Told before it is done: if this process ends now, the next one still records it.
                    var cut = $"{Path.GetFileName(path)}: {used - end} bytes from byte {end} on, of SHA-256 {Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(end, used - end)))}, were of a write that was not finished";
                    Cut = Cut is null ? cut : $"{cut}; {Cut}";
                    Cut = Cut[..Math.Min(Cut.Length, MostOfCut)];
                    StateDisk.Replace(CutPath, Encoding.UTF8.GetBytes(Cut));
                    bytes.AsSpan(end).Clear();
                    disk.Write(file, bytes.AsSpan(end, used - end), end);
                }

                // What a process wrote and did not flush is answered from now on: it must be durable first. It is written again because after a flush that failed
                // the kernel may show here what the disk does not have, and think that there is nothing to flush (fsync(2), EIO).
                if (unpublished >= 0)
                {
                    disk.Write(file, bytes.AsSpan(unpublished, end - unpublished), unpublished);
                }

                disk.Sync(file);
            }
        }
    }

    /// <summary>The first entries after which the files of a journal are named, in order.</summary>
    internal static IEnumerable<long> Firsts(string folder) =>
        Directory.EnumerateFiles(folder).Select(Path.GetFileName).Where(name => name is { Length: 20 }).Select(name => long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var first) ? first : -1).Where(first => first >= 0).Order();

    // One that was not finished has another length, and one with anything in it was not made here.
    private bool IsSpare() => new FileInfo(SparePath) is { Exists: true } spare && spare.Length == fileBytes && !File.ReadAllBytes(SparePath).AsSpan().ContainsAnyExcept((byte)0);

    private byte[] ReadFile(string path)
    {
        var length = new FileInfo(path).Length;
        return length == fileBytes ? File.ReadAllBytes(path) : throw new FormatException($"{path} has {length} bytes, and was made with {fileBytes}");
    }

    internal static (long First, long After) Take(ReadOnlyMemory<byte> batch, Action<long, ReadOnlyMemory<byte>> take)
    {
        var first = BinaryPrimitives.ReadInt64BigEndian(batch.Span[8..]);
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

    // The length of the sound batch at this place; null where there is none.
    private static int? Batch(byte[] bytes, int at) => Framed(bytes, at) is { } length && IsSound(bytes, at, length) ? length : null;

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
    /// <param name="left">How many bytes may be summed that turn out to be of no sound batch; below 0 where it was given up.</param>
    internal static (int At, int Length)? NextSound(byte[] bytes, int at, ref long left)
    {
        ReadOnlySpan<byte> magic = [0x47, 0x47, 0x4A, 0x31];
        for (; left >= 0 && at < bytes.Length && bytes.AsSpan(at).IndexOf(magic) is >= 0 and var next; at++)
        {
            at += next;
            if (Framed(bytes, at) is not { } length)
            {
                continue;
            }

            if (IsSound(bytes, at, length))
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

    private string PathOf(long first) => Path.Combine(folder, NameOf(first));

    internal static string NameOf(long first) => first.ToString("D20", CultureInfo.InvariantCulture);
}
