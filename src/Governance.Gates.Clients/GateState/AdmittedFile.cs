using System.Buffers;
using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.GateState;

/// <summary>Admitted records in a file that only grows, a line for each, and is written anew when most of it has ended.</summary>
/// <remarks>A crash between two steps loses nothing that was answered: a line counts once it is durable, and a file is replaced whole.</remarks>
internal sealed class AdmittedFile : IAdmittedRecords, IDisposable
{
    public const string Name = "admitted.jsonl";

    private const string RecordKind = "record";
    private const string UsedKind = "used";
    private const int MostLineBytes = AdmittedRecord.MostBytes + 64;
    private const int WriteBytes = 1 << 20;

    private readonly StateDisk disk;
    private readonly TimeProvider clock;
    private readonly GateStateLimits limits;
    private readonly string path;
    private readonly AdmittedIndex index;

    // Where each record's JSON stands in the file: it is copied as it was written, with fields that only a later version knows.
    private readonly List<Entry> entries = [];
    // Uses of records that are no longer kept.
    private readonly Dictionary<string, int> spent = new(StringComparer.Ordinal);
    private SafeFileHandle file;
    private long end;
    private int lines;
    private string lastSum = SealedLine.NoSum;

    private AdmittedFile(StateDisk disk, TimeProvider clock, GateStateLimits limits)
    {
        (this.disk, this.clock, this.limits) = (disk, clock, limits);
        path = disk.PathOf(Name);
        index = new(limits);
        file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        StateDisk.SyncFolder(disk.Folder);
    }

    /// <summary>Why the end of the file was cut; null where it was whole.</summary>
    public Reason? Torn { get; private set; }

    /// <summary>Opens the file, or begins it.</summary>
    /// <exception cref="GateException">A line is not as it was written, or there are more than are held.</exception>
    public static AdmittedFile Open(StateDisk disk, TimeProvider clock, GateStateLimits limits)
    {
        var opened = new AdmittedFile(disk, clock, limits);
        try
        {
            opened.Load();
            opened.CompactIfDue();
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public ValueTask<ImmutableArray<AdmittedRecord>> FindAsync(AdmittedPlace place, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(place);
        return ValueTask.FromResult(index.Find(place));
    }

    public ValueTask<int> UsesAsync(string requestId, CancellationToken cancellation) => ValueTask.FromResult(index.Uses(requestId));

    public async ValueTask<Reading<AdmittedRecord>> AppendAsync(AdmittedRecord record, int? mostUses, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(record);
        await disk.Writing.WaitAsync(cancellation);
        try
        {
            if (disk.Failure is { } failure)
            {
                return new Reading<AdmittedRecord>.Unread(failure);
            }

            CompactIfDue();
            if (index.Judge(record, mostUses) is { } answer)
            {
                return answer;
            }

            var json = record.ToJson();
            var line = SealedLine.Write(lastSum, RecordKind, json, out var sum);
            RandomAccess.Write(file, line, end);
            RandomAccess.FlushToDisk(file);
            Take(record, end + line.Length - 2 - json.Length, json.Length);
            (end, lastSum, lines) = (end + line.Length, sum, lines + 1);
            return new Reading<AdmittedRecord>.Found(record);
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return new Reading<AdmittedRecord>.Unread(disk.Fail(exception));
        }
        finally
        {
            disk.Writing.Release();
        }
    }

    public void Dispose() => file.Dispose();

    private void Take(AdmittedRecord record, long offset, int length)
    {
        index.Add(record);
        entries.Add(new(record, offset, length));
    }

    private void Load()
    {
        var length = RandomAccess.GetLength(file);
        if (length > limits.MostFileBytes)
        {
            throw new GateException($"{path} has {length} bytes, more than {limits.MostFileBytes}", "begin a new state folder once no approval in use limits its uses");
        }

        var buffer = new byte[MostLineBytes + 1];
        var have = 0;
        while (end + have < length)
        {
            var read = RandomAccess.Read(file, buffer.AsSpan(have), end + have);
            have += read;
            var start = 0;
            while (buffer.AsSpan(start, have - start).IndexOf((byte)'\n') is >= 0 and var size)
            {
                if (!TakeLine(buffer.AsMemory(start, size), isLast: end + size + 1 == length))
                {
                    Cut(length);
                    return;
                }

                start += size + 1;
                end += size + 1;
            }

            buffer.AsSpan(start, have - start).CopyTo(buffer);
            have -= start;
            if (have == buffer.Length)
            {
                throw Corrupt("is longer than any line that is written");
            }

            if (read == 0)
            {
                break;
            }
        }

        if (have > 0)
        {
            Cut(length);
        }
    }

    // False where the line is what a write left that was not finished: never answered, so nothing is lost with it.
    private bool TakeLine(ReadOnlyMemory<byte> bytes, bool isLast)
    {
        if (SealedLine.TryRead(lastSum, bytes) is not { } line)
        {
            // The length of a file may reach the disk before its bytes do; they read as zeros, which no line holds.
            return isLast && bytes.Span.Contains((byte)0) ? false : throw Corrupt("is not as it was written");
        }

        switch (line.Kind)
        {
            case RecordKind when AdmittedRecord.Read(line.Value) is Reading<AdmittedRecord>.Found(var record):
                if (index.Judge(record, null) is { } refused)
                {
                    throw Corrupt(refused is Reading<AdmittedRecord>.Unread(var why) ? $"cannot be taken: {why.Message}" : "names a review that an earlier line names");
                }

                Take(record, end + bytes.Length - 1 - line.Value.Length, line.Value.Length);
                break;
            case UsedKind:
                TakeSpent(line.Value);
                break;
            default:
                throw Corrupt("cannot be read by this version of the gate", "use the version that wrote it, or a later one");
        }

        (lastSum, lines) = (line.Sum, lines + 1);
        return true;
    }

    private void TakeSpent(ReadOnlyMemory<byte> value)
    {
        try
        {
            var (request, count) = SealedLine.Read(value, fields => (fields.GetProperty("request").GetString()!, fields.GetProperty("count").GetInt32()));
            if (count < 1 || spent.Count >= limits.MostRequests || !spent.TryAdd(request, count))
            {
                throw Corrupt("counts nothing, counts a request twice, or is one more than are held");
            }

            index.Count(request, count);
        }
        catch (FormatException exception)
        {
            throw Corrupt($"cannot be read: {exception.Message}", "use the version of the gate that wrote it, or a later one");
        }
    }

    private void Cut(long length)
    {
        RandomAccess.SetLength(file, end);
        RandomAccess.FlushToDisk(file);
        Torn = new Reason("state", $"{path}: {length - end} bytes after line {lines} were of a write that was not finished, and were cut", "nothing is lost: no such write was ever answered");
    }

    private GateException Corrupt(string what, string remedy = "restore the folder from a backup; or begin a new one, knowing that used-up requests then count as unused and that running workloads need fresh approvals") =>
        new($"{path}: line {lines + 1} {what}", remedy);

    private void CompactIfDue()
    {
        if (lines < limits.CompactFrom && !index.IsFull)
        {
            return;
        }

        var now = clock.GetUtcNow();
        var ended = entries.Count(HasEnded);
        if (ended * 2 > lines || (ended > 0 && index.IsFull))
        {
            Compact(HasEnded);
        }

        bool HasEnded(Entry entry) => entry.Record.RunUntil is { } until && now - until > limits.KeptPastEnd;
    }

    // What was used stays used: the records go, and a line for each of their requests keeps the count.
    private void Compact(Func<Entry, bool> hasEnded)
    {
        var ended = entries.Where(hasEnded).ToList();
        var kept = entries.Where(entry => !hasEnded(entry)).ToList();
        foreach (var request in ended.SelectMany(entry => entry.Record.Requests))
        {
            spent[request] = spent.GetValueOrDefault(request) + 1;
        }

        var draft = path + ".new";
        var moved = new List<Entry>(kept.Count);
        var (sum, position) = (SealedLine.NoSum, 0L);
        var pending = new ArrayBufferWriter<byte>();
        var written = File.OpenHandle(draft, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            foreach (var (request, count) in spent.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                Append(UsedKind, SealedLine.Object(json =>
                {
                    json.WriteString("request"u8, request);
                    json.WriteNumber("count"u8, count);
                }));
            }

            foreach (var entry in kept)
            {
                var json = new byte[entry.Length];
                // What changed on the disk since it was read may not get a new sum.
                if (RandomAccess.Read(file, json, entry.Offset) != json.Length
                    || AdmittedRecord.Read(json) is not Reading<AdmittedRecord>.Found(var read) || !read.ToJson().AsSpan().SequenceEqual(entry.Record.ToJson()))
                {
                    throw new IOException($"{path} no longer holds what was written to it");
                }

                Append(RecordKind, json);
                moved.Add(entry with { Offset = position + pending.WrittenCount - 2 - json.Length });
            }

            Flush();
            RandomAccess.FlushToDisk(written);
            File.Move(draft, path, overwrite: true);
            StateDisk.SyncFolder(disk.Folder);
        }
        catch
        {
            written.Dispose();
            throw;
        }

        file.Dispose();
        (file, end, lines, lastSum) = (written, position, spent.Count + moved.Count, sum);
        entries.Clear();
        entries.AddRange(moved);
        ended.ForEach(entry => index.Forget(entry.Record));

        void Append(string kind, ReadOnlySpan<byte> json)
        {
            pending.Write(SealedLine.Write(sum, kind, json, out sum));
            if (pending.WrittenCount >= WriteBytes)
            {
                Flush();
            }
        }

        void Flush()
        {
            RandomAccess.Write(written, pending.WrittenSpan, position);
            position += pending.WrittenCount;
            pending.ResetWrittenCount();
        }
    }

    private sealed record Entry(AdmittedRecord Record, long Offset, int Length);
}
