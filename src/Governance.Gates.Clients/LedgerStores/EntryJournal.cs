using System.Diagnostics;
using System.Globalization;
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
/// A file is named after its first entry, and is as long as all others. Behind the last batch stand zeros as long as a header.
/// A batch whose sum does not hold and after which no sound one follows is a write that was not finished, and never answered. One that a sound one follows was changed later.
/// A file whose entries are all in the tiles is used again as it is: behind the zeros, and where nothing was written yet, batches of entries may stand that come before the one it is named after. They count for nothing.
/// Not safe for concurrent use, but for <see cref="MakeSpare"/> and <see cref="Forget"/>, which another thread may call.
/// </remarks>
internal sealed class EntryJournal : IDisposable
{
    public const int FileBytes = 8 * 1024 * 1024;

    internal const string SpareName = "spare";
    private const int MostOfCut = 4_096;
    private const string CutName = "cut";
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    private readonly string folder;
    private readonly JournalDisk disk;
    private readonly int fileBytes;
    private readonly WholeBlocks blocks = new();

    // Guards the spare files, which are made beside the appends.
    private readonly Lock making = new();

    // Guards the list of files, which the publisher shortens.
    private readonly Lock files = new();
    private readonly List<long> firsts = [];
    private readonly Queue<string> spares = new();
    private volatile bool hasSpare;
    private int begun;
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

    /// <summary>Gives a batch of this many bytes the next place in the file.</summary>
    public int Claim(int bytes)
    {
        var place = position;
        position += bytes;
        return place;
    }

    /// <summary>Writes a batch, and returns once it is durable.</summary>
    /// <param name="batch">Room for the header, and the entries behind it, each behind its length.</param>
    /// <param name="place">Its place.</param>
    /// <param name="first">The sequence of its first entry.</param>
    /// <param name="count">How many entries.</param>
    public void Write(Span<byte> batch, int place, long first, int count)
    {
        BatchFormat.Finish(batch, first, count);
        var at = WholeBlocks.Floor(place);
        var written = blocks.With(batch, place);
        disk.Write(file!, written[..Math.Min(written.Length, fileBytes - at)], at);
        disk.Sync(file!);
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
                AddSpare(SparePath);
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

    /// <summary>Takes the files all of whose entries are in the tiles of a log of this size for what comes, as many as were begun since the last time, and deletes the others.</summary>
    public void Forget(long size)
    {
        var left = Math.Max(1, Interlocked.Exchange(ref begun, 0));
        lock (making)
        {
            while (spares.Count > left)
            {
                TryDelete(spares.Dequeue());
            }
        }

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
            }

            // One that stays keeps those after it: a start that finds a gap among them does not go on.
            if (!Reuse(first, left))
            {
                return;
            }

            lock (files)
            {
                firsts.RemoveAt(0);
            }
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
            foreach (var used in spares.Where(spare => spare != SparePath))
            {
                TryDelete(used);
            }
        }
    }

    private bool CanTake(int bytes, Precedence precedence) =>
        hasSpare || (HasRoom(bytes) && (precedence == Precedence.Vital || HasRoom(bytes + (fileBytes / 2))));

    private void Begin(long first)
    {
        file?.Dispose();
        lock (making)
        {
            File.Move(spares.Peek(), PathOf(first));
            StateDisk.SyncFolder(folder);
            spares.Dequeue();
            hasSpare = spares.Count > 0;
        }

        lock (files)
        {
            firsts.Add(first);
        }

        position = 0;
        Interlocked.Increment(ref begun);
        file = disk.Open(PathOf(first));
        _ = Task.Factory.StartNew(MakeSpare, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // Written before, it is as good as zeros, and costs no writes. Its new name need not be durable: under the old one it is as harmless.
    private bool Reuse(long first, int most)
    {
        lock (making)
        {
            if (spares.Count < most && !isClosed)
            {
                try
                {
                    var spare = $"{SparePath}-{NameOf(first)}";
                    File.Move(PathOf(first), spare);
                    AddSpare(spare);
                    return true;
                }
                catch (Exception exception) when (StateDisk.IsOfDisk(exception))
                {
                    // It may still be deleted.
                }
            }
        }

        return TryDelete(PathOf(first));
    }

    private void AddSpare(string path)
    {
        spares.Enqueue(path);
        hasSpare = true;
    }

    private static bool TryDelete(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            // Whoever needs the space or the name will say that it is not there.
            return false;
        }
    }

    private void Load(long published, Action<long, ReadOnlyMemory<byte>> take)
    {
        // Who wrote what is in those is not known any more.
        foreach (var used in Directory.EnumerateFiles(folder, $"{SpareName}-*").ToList())
        {
            File.Delete(used);
        }

        if (IsSpare())
        {
            AddSpare(SparePath);
        }

        Cut = StateDisk.Read(CutPath, 4 * MostOfCut) is { } told ? Encoding.UTF8.GetString(told) : null;
        firsts.AddRange(Firsts(folder));
        for (var i = 0; i < firsts.Count; i++)
        {
            var path = PathOf(firsts[i]);
            var bytes = ReadFile(path);
            var next = i == firsts.Count - 1 ? long.MaxValue : firsts[i + 1];
            var (end, last, unpublished) = (0, firsts[i], -1);
            while (BatchFormat.Batch(bytes, end, firsts[i]) is { } length)
            {
                var (first, after) = BatchFormat.Take(bytes.AsMemory(end, length), take);
                if (first != last || after > next)
                {
                    throw new FormatException($"{path}: entries {first} to {after - 1} stand in it, and not where its name and the next say");
                }

                if (unpublished < 0 && after > published)
                {
                    unpublished = end;
                }

                (end, last) = (end + length, after);
            }

            var left = BatchFormat.MostSummed;
            var torn = BatchFormat.Torn(bytes, end, firsts[i]);
            if ((next != long.MaxValue && torn > 0) || BatchFormat.NextSound(bytes, end + 1, firsts[i], ref left) is not null || left < 0)
            {
                throw new FormatException($"{path}: the batch at byte {end} is not as it was written, and others follow it");
            }

            if (next != long.MaxValue && last != next)
            {
                throw new FormatException($"{path}: entry {last} stands in none of the files, or not where its name and the next say");
            }

            if (next == long.MaxValue)
            {
                position = end;
                using var mended = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
                if (torn > 0)
                {
                    // Told before it is done: if this process ends now, the next one still records it.
                    var cut = $"{Path.GetFileName(path)}: {torn} bytes from byte {end} on, of SHA-256 {Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(end, torn)))}, were of a write that was not finished";
                    Cut = Cut is null ? cut : $"{cut}; {Cut}";
                    Cut = Cut[..Math.Min(Cut.Length, MostOfCut)];
                    StateDisk.Replace(CutPath, Encoding.UTF8.GetBytes(Cut));
                    bytes.AsSpan(end, torn).Clear();
                    disk.Write(mended, bytes.AsSpan(end, torn), end);
                }

                // What a process wrote and did not flush is answered from now on: it must be durable first. It is written again because after a flush that failed
                // the kernel may show here what the disk does not have, and think that there is nothing to flush (fsync(2), EIO).
                if (unpublished >= 0)
                {
                    disk.Write(mended, bytes.AsSpan(unpublished, end - unpublished), unpublished);
                }

                disk.Sync(mended);
                blocks.Begin(bytes, position);
            }
        }

        file = firsts is [.., var newest] ? disk.Open(PathOf(newest)) : null;
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

    private string PathOf(long first) => Path.Combine(folder, NameOf(first));

    internal static string NameOf(long first) => first.ToString("D20", CultureInfo.InvariantCulture);
}
