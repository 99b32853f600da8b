using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A log in a local folder: one thread gives entries their order, many writers share one fdatasync, and tiles and checkpoint follow within a second.</summary>
/// <remarks>
/// An entry that was acknowledged is durable. One process at a time. After a write or flush that failed nothing is acknowledged any more until the folder was opened again: nobody knows then what the disk holds (fsync(2)).
/// </remarks>
public sealed class LocalLedger : IAsyncDisposable
{
    private const int MostBytes = sizeof(ushort) + LedgerEntry.MostBytes;
    private const int MostQueued = 16_384;
    private const long MostQueuedBytes = 64 * 1024 * 1024;
    private const int MostInBatch = 4_096;
    internal const int MostUnpublishedFiles = 32;
    internal const string JournalName = "journal";

    private readonly LedgerFolder folder;
    private readonly FileStream held;
    private readonly LedgerWriter writer;
    private readonly EntryJournal journal;
    private readonly LedgerPublisher publisher;
    private readonly Thread sequencer;

    // Guards the queue and what is told of the ledger; the sequencer waits on it, and only while the queue is empty.
    private readonly object gate = new();
    private List<PendingEntry> queue = [];
    private long queuedBytes;
    private Task? closing;
    private long durable;
    private Reason? fault;

    // Only the sequencer touches these.
    private readonly byte[] batch = new byte[EntryJournal.MostBatchBytes];
    private int batchLength;
    private readonly List<(PendingEntry Waiting, AppendedEntry Entry)> written = [];
    private readonly RecentEvents recent;
    private long appendedBytes;

    private LocalLedger(LedgerFolder folder, FileStream held, LedgerWriter writer, RecentEvents recent, EntryJournal journal, LedgerPublisher publisher)
    {
        (this.folder, this.held, this.writer, this.recent, this.journal, this.publisher) = (folder, held, writer, recent, journal, publisher);
        durable = writer.Size;
        sequencer = new(Run) { IsBackground = true, Name = "ledger" };
    }

    /// <summary>The log.</summary>
    public string Origin => writer.Origin;

    /// <summary>How it stands now.</summary>
    public LedgerState State
    {
        get
        {
            // Asked first: what is published is durable already.
            var published = publisher.Published;
            lock (gate)
            {
                return new(durable, published, fault, publisher.Warning);
            }
        }
    }

    /// <summary>What was cut at opening; null where all was whole. It is in the log too.</summary>
    public string? Recovered { get; private init; }

    /// <summary>Opens a log or begins it, and keeps every other process out.</summary>
    /// <param name="path">The folder, on a disk of this machine or a volume that one machine mounts.</param>
    /// <param name="signer">The log's key.</param>
    /// <param name="component">What writes, for the entry that tells of a recovery.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellation">Ends the wait for the first checkpoint's signature.</param>
    /// <exception cref="GateException">Another process has it, it cannot be written, or it is not as it was written: then it says which entry, and nothing is mended.</exception>
    public static Task<LocalLedger> OpenAsync(string path, NoteSigner signer, EntryComponent component, TimeProvider clock, CancellationToken cancellation) =>
        OpenAsync(path, signer, component, clock, new JournalDisk(), EntryJournal.FileBytes, cancellation);

    /// <summary>The same on another disk, with files of another size, or for another holder than the one who wrote last.</summary>
    internal static async Task<LocalLedger> OpenAsync(string path, NoteSigner signer, EntryComponent component, TimeProvider clock, JournalDisk disk, int fileBytes, CancellationToken cancellation, long? epoch = null)
    {
        var folder = new LedgerFolder(path);
        FileStream? held = null;
        EntryJournal? journal = null;
        LocalLedger ledger;
        try
        {
            Directory.CreateDirectory(folder.Path);
            held = folder.Hold();
            var recent = new RecentEvents();
            var writer = await ResumeAsync(folder, signer, recent, cancellation);
            var published = writer.Size;
            var replayed = 0L;
            journal = EntryJournal.Open(folder.PathOf(JournalName), disk, published, (sequence, bytes) => replayed += Replay(writer, recent, sequence, bytes), fileBytes);
            StateDisk.SyncFolder(folder.Path);
            if (writer.IsClosed)
            {
                throw new GateException($"the ledger {path} was closed by its entry {writer.Size - 1}, and takes no more", "begin a new log in another folder with gates ledger init");
            }

            if (epoch is { } next)
            {
                writer.TakeOver(next);
            }

            // With a nearly full disk it starts for what must be recorded, and with a full one not at all.
            var full = journal.MakeSpare();
            if (full is not null && !journal.HasRoom(EntryJournal.HeaderBytes + MostBytes))
            {
                throw new GateException(full.Message, full.Remedy!);
            }

            var publisher = new LedgerPublisher(folder, signer, journal, clock, published, full, (long)MostUnpublishedFiles * fileBytes);
            ledger = new(folder, held, writer, recent, journal, publisher) { Recovered = journal.Cut, appendedBytes = replayed };
        }
        catch (Exception exception)
        {
            journal?.Dispose();
            held?.Dispose();
            throw exception switch
            {
                FormatException => new GateException($"the ledger {path} is not as it was written: {exception.Message}", "keep it as it is, and compare it with copies and checkpoints kept elsewhere; gates ledger recover tells what is whole, and how the log may go on", exception),
                CryptographicException => new GateException($"the ledger {path} cannot be signed: {exception.Message}", "name the key of the log", exception),
                _ when StateDisk.IsOfDisk(exception) => new GateException($"the ledger {path} cannot be used: {exception.Message}", "name a folder that this user may write and no other process has, on a disk with space", exception),
                _ => exception,
            };
        }

        ledger.sequencer.Start();
        try
        {
            await ledger.RecordCutAsync(component, clock.GetUtcNow(), cancellation);
            return ledger;
        }
        catch
        {
            await ledger.DisposeAsync();
            throw;
        }
    }

    /// <summary>Appends an entry.</summary>
    /// <param name="entry">The entry; its place is set by the log. What was appended under the same event id a while ago is given back as it was then.</param>
    /// <param name="precedence">Whether space that is kept may be used.</param>
    /// <param name="cancellation">Ends the wait: the entry is written all the same, unless this came before the call.</param>
    /// <returns>The entry, once it is durable, without its bytes where it was appended before; or why it is not in the log.</returns>
    public async ValueTask<Reading<AppendedEntry>> AppendAsync(LedgerEntry entry, Precedence precedence, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();

        // Here and not in the sequencer: many do this at once, and what an entry throws ends nobody else's.
        if (!writer.Prepare(entry).Try(out var draft, out var why))
        {
            return new Reading<AppendedEntry>.Unread(why);
        }

        var pending = new PendingEntry(entry.EventId, draft, precedence);
        lock (gate)
        {
            if (closing is not null || fault is not null)
            {
                return new Reading<AppendedEntry>.Unread(fault ?? Closed);
            }

            var share = precedence == Precedence.Vital ? 2 : 1;
            if (queue.Count >= share * MostQueued || queuedBytes >= share * MostQueuedBytes)
            {
                return new Reading<AppendedEntry>.Unread(new("ledger", $"{queue.Count} entries wait for the disk", "try again"));
            }

            queue.Add(pending);
            queuedBytes += draft.Length;
            if (queue.Count == 1)
            {
                Monitor.Pulse(gate);
            }
        }

        return await pending.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for what was asked before, publishes it, and gives the folder back. The folder stays held until the process ends where a signer or a disk hangs.</summary>
    public async ValueTask DisposeAsync()
    {
        Task ended;
        lock (gate)
        {
            ended = closing ??= Task.Run(CloseAsync);
            Monitor.Pulse(gate);
        }

        await ended.ConfigureAwait(false);
    }

    private async Task CloseAsync()
    {
        sequencer.Join();
        var isQuiet = await publisher.CloseAsync(fault is null ? writer : null, appendedBytes).ConfigureAwait(false);
        journal.Dispose();
        if (isQuiet)
        {
            await held.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task RecordCutAsync(EntryComponent component, DateTimeOffset now, CancellationToken cancellation)
    {
        if (Recovered is not { } cut)
        {
            return;
        }

        var entry = new LedgerEntry
        {
            Timestamp = now,
            EventId = $"recovered-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cut)))}",
            EventType = LedgerEvents.Recovered,
            Component = component,
            Outcome = "cut",
            Rationale = new EntryPart<PersonalText>.Inline(PersonalText.Of(cut, LedgerText.LongestMessage)!),
        };
        if (!(await AppendAsync(entry, Precedence.Vital, cancellation).ConfigureAwait(false)).Try(out _, out var why))
        {
            throw new GateException($"the ledger {folder.Path} could not record that an unfinished write was cut: {why.Message}", why.Remedy ?? "try again");
        }

        journal.ForgetCut();
    }

    private Reason Closed => new("ledger", $"the ledger {folder.Path} is closed", "send the request again once the gate has started");

    private static async Task<LedgerWriter> ResumeAsync(LedgerFolder folder, NoteSigner signer, RecentEvents recent, CancellationToken cancellation)
    {
        // A log without a checkpoint is new, or lost it: then what was published before would be forgotten.
        if (!File.Exists(folder.PathOf(LedgerFolder.CheckpointName)))
        {
            foreach (var name in (string[])[LedgerFolder.TileName, JournalName])
            {
                if (Path.Exists(folder.PathOf(name)))
                {
                    throw new FormatException($"the checkpoint is missing, and {folder.PathOf(name)} is there");
                }
            }

            folder.Publish([], await Checkpoint.SignAsync(0, TreeHash.OfEmptyTree, [signer], cancellation));
        }

        if (!folder.ReadCheckpoint(signer.Key).Try(out var checkpoint, out var why) || !LedgerWriter.Resume(signer.Key.Name, checkpoint.Size, folder.Read).Try(out var writer, out why))
        {
            throw new FormatException(why.ToString());
        }

        if (writer.Root != checkpoint.Root)
        {
            throw new FormatException($"its tiles do not lead to the checkpoint of {checkpoint.Size} entries");
        }

        return recent.AddLast(checkpoint.Size, folder.Read) is { } missing ? throw new FormatException(missing.ToString()) : writer;
    }

    private static int Replay(LedgerWriter writer, RecentEvents recent, long sequence, ReadOnlyMemory<byte> bytes)
    {
        if (sequence > writer.Size)
        {
            throw new FormatException($"entry {writer.Size} is missing: the journal goes on with entry {sequence}");
        }

        if (sequence < writer.Size)
        {
            return 0;
        }

        if (writer.Replay(bytes.Span) is { } wrong)
        {
            throw new FormatException(wrong.Message);
        }

        recent.Add(sequence, bytes);
        return bytes.Length;
    }

    private void Run()
    {
        List<PendingEntry> taken = [];
        while (true)
        {
            lock (gate)
            {
                while (queue.Count == 0 && closing is null)
                {
                    if (!Monitor.Wait(gate, LedgerPublisher.Every))
                    {
                        break;
                    }
                }

                if (queue.Count == 0 && closing is not null)
                {
                    return;
                }

                (taken, queue, queuedBytes) = (queue, taken, 0);
            }

            try
            {
                Write(taken);
                publisher.PublishIfDue(writer, appendedBytes);
            }
#pragma warning disable CA1031 // Whatever ended the sequencer, nothing may be acknowledged after it, and nobody may wait for ever.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Fail(new("ledger", $"the ledger could not be written; {folder.Path}: {exception.Message}", "see to its disk, and start the gate again"), taken);
                return;
            }

            taken.Clear();
        }
    }

    private void Write(List<PendingEntry> taken)
    {
        foreach (var pending in taken)
        {
            if (recent.Find(pending.EventId) is { } before)
            {
                // It may be in the batch that is not durable yet.
                written.Add((pending, before));
                continue;
            }

            // Room first, and for the largest: what the writer took it cannot give back.
            if (batchLength + MostBytes > batch.Length || written.Count >= MostInBatch || !journal.HasRoom(batchLength + MostBytes))
            {
                Flush();
            }

            var room = Math.Max(batchLength, EntryJournal.HeaderBytes) + MostBytes;
            if ((publisher.WhyNot(appendedBytes, pending.Precedence) ?? journal.Reserve(room, writer.Size, pending.Precedence)) is { } refused)
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(refused));
                continue;
            }

            if (!writer.AppendPrepared(pending.Draft).Try(out var appended, out var why))
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(why));
                continue;
            }

            Put(appended);
            recent.Add(pending.EventId, appended.Sequence, appended.Hash);
            written.Add((pending, appended));
        }

        Flush();
    }

    private void Put(AppendedEntry appended)
    {
        batchLength = Math.Max(batchLength, EntryJournal.HeaderBytes);
        BinaryPrimitives.WriteUInt16BigEndian(batch.AsSpan(batchLength), (ushort)appended.Bytes.Length);
        appended.Bytes.Span.CopyTo(batch.AsSpan(batchLength + sizeof(ushort)));
        batchLength += sizeof(ushort) + appended.Bytes.Length;
        appendedBytes += appended.Bytes.Length;
    }

    private void Flush()
    {
        if (batchLength > 0)
        {
            journal.Write(batch.AsSpan(0, batchLength), durable, (int)(writer.Size - durable));
            batchLength = 0;
            lock (gate)
            {
                durable = writer.Size;
            }
        }

        foreach (var (waiting, entry) in written)
        {
            waiting.Answer.TrySetResult(new Reading<AppendedEntry>.Found(entry));
        }

        written.Clear();
    }

    private void Fail(Reason why, List<PendingEntry> taken)
    {
        lock (gate)
        {
            fault = why;
            taken = [.. taken, .. queue];
            queue.Clear();
        }

        foreach (var pending in taken)
        {
            pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(why));
        }
    }
}
