using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>How a ledger stands.</summary>
/// <param name="Size">How many entries are durable.</param>
/// <param name="Published">How many of them the checkpoint in the folder covers.</param>
/// <param name="Fault">Why nothing is appended any more; null while all is well.</param>
/// <param name="Warning">What could not be done for now and is tried again, such as publishing on a full disk; null where nothing.</param>
public sealed record LedgerState(long Size, long Published, Reason? Fault, Reason? Warning);

/// <summary>A log in a local folder: one thread gives entries their order, many writers share one fdatasync, and tiles and checkpoint follow within a second.</summary>
/// <remarks>
/// An entry that was acknowledged is durable. One process at a time. After a write or flush that failed nothing is acknowledged any more until the folder was opened again: nobody knows then what the disk holds (fsync(2)).
/// </remarks>
public sealed class LocalLedger : IAsyncDisposable
{
    private const int MostBytes = sizeof(ushort) + LedgerEntry.MostBytes;
    private const int MostQueued = 16_384;
    private const int MostInBatch = 4_096;
    private const int MostRemembered = 65_536;
    private const string LockName = "lock";
    private const string JournalName = "journal";
    private static readonly TimeSpan PublishEvery = TimeSpan.FromSeconds(1);

    private readonly LedgerFolder folder;
    private readonly NoteSigner signer;
    private readonly TimeProvider clock;
    private readonly FileStream held;
    private readonly LedgerWriter writer;
    private readonly EntryJournal journal;
    private readonly Thread sequencer;

    // Guards the queue and what is told of the ledger; the sequencer waits on it.
    private readonly object gate = new();
    private List<Pending> queue = [];
    private bool isClosing;
    private LedgerState state;

    // Only the sequencer touches these.
    private readonly byte[] batch = new byte[EntryJournal.MostBatchBytes];
    private int batchLength;
    private readonly List<(Pending Waiting, AppendedEntry Entry)> written = [];
    private readonly Dictionary<string, AppendedEntry> remembered = new(StringComparer.Ordinal);
    private readonly Queue<string> oldest = new();
    private ImmutableArray<Tile> unwritten = [];
    private Task<bool> publishing = Task.FromResult(true);
    private long lastPublish;

    private LocalLedger(LedgerFolder folder, NoteSigner signer, TimeProvider clock, FileStream held, LedgerWriter writer, EntryJournal journal, long published)
    {
        (this.folder, this.signer, this.clock, this.held, this.writer, this.journal) = (folder, signer, clock, held, writer, journal);
        state = new(writer.Size, published, null, null);
        sequencer = new(Run) { IsBackground = true, Name = "ledger" };
    }

    /// <summary>The log.</summary>
    public string Origin => writer.Origin;

    /// <summary>How it stands now.</summary>
    public LedgerState State
    {
        get
        {
            lock (gate)
            {
                return state;
            }
        }
    }

    /// <summary>What was cut at opening; null where all was whole. It is in the log too.</summary>
    public string? Recovered => journal.Cut;

    /// <summary>Opens a log or begins it, and keeps every other process out.</summary>
    /// <param name="path">The folder, on a disk of this machine or a volume that one machine mounts.</param>
    /// <param name="signer">The log's key.</param>
    /// <param name="component">What writes, for the entry that tells of a recovery.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellation">Ends the wait for the first checkpoint's signature.</param>
    /// <exception cref="GateException">Another process has it, it cannot be written, or it is not as it was written: then it says which entry, and nothing is mended.</exception>
    public static Task<LocalLedger> OpenAsync(string path, NoteSigner signer, EntryComponent component, TimeProvider clock, CancellationToken cancellation) =>
        OpenAsync(path, signer, component, clock, new JournalDisk(), EntryJournal.FileBytes, cancellation);

    internal static async Task<LocalLedger> OpenAsync(string path, NoteSigner signer, EntryComponent component, TimeProvider clock, JournalDisk disk, int fileBytes, CancellationToken cancellation)
    {
        var folder = new LedgerFolder(path);
        FileStream? held = null;
        EntryJournal? journal = null;
        LocalLedger ledger;
        try
        {
            Directory.CreateDirectory(folder.Path);
            held = new FileStream(folder.PathOf(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var writer = await ResumeAsync(folder, signer, cancellation);
            var published = writer.Size;
            journal = EntryJournal.Open(folder.PathOf(JournalName), disk, (sequence, bytes) => Replay(writer, sequence, bytes), fileBytes);
            StateDisk.SyncFolder(folder.Path);
            if (journal.MakeSpare() is { } full)
            {
                throw new GateException(full.Message, full.Remedy!);
            }

            ledger = new(folder, signer, clock, held, writer, journal, published);
        }
        catch (Exception exception)
        {
            journal?.Dispose();
            held?.Dispose();
            throw exception switch
            {
                FormatException => new GateException($"the ledger {path} is not as it was written: {exception.Message}", "keep it as it is, and compare it with copies and checkpoints kept elsewhere; gates ledger recover goes on behind a gap", exception),
                _ when StateDisk.IsOfDisk(exception) => new GateException($"the ledger {path} cannot be used: {exception.Message}", "name a folder that this user may write and no other process has, on a disk with space", exception),
                _ => exception,
            };
        }

        ledger.sequencer.Start();
        if (journal.Cut is { } cut)
        {
            await ledger.AppendAsync(
                new()
                {
                    Timestamp = clock.GetUtcNow(),
                    EventId = $"recovered-{Guid.NewGuid():N}",
                    EventType = LedgerEvents.Recovered,
                    Component = component,
                    Outcome = "cut",
                    Rationale = new EntryPart<PersonalText>.Inline(PersonalText.Of(cut)!),
                },
                Precedence.Vital,
                cancellation);
        }

        return ledger;
    }

    /// <summary>Appends an entry.</summary>
    /// <param name="entry">The entry; its place is set by the log. What was appended under the same event id a while ago is given back as it was then.</param>
    /// <param name="precedence">Whether space that is kept may be used.</param>
    /// <param name="cancellation">Ends the wait; an entry that is being written is written.</param>
    /// <returns>The entry, once it is durable; or why it is not in the log.</returns>
    public async ValueTask<Reading<AppendedEntry>> AppendAsync(LedgerEntry entry, Precedence precedence, CancellationToken cancellation)
    {
        var pending = new Pending(entry, precedence);
        lock (gate)
        {
            if (isClosing || state.Fault is not null)
            {
                return new Reading<AppendedEntry>.Unread(state.Fault ?? Closed);
            }

            if (queue.Count >= MostQueued && precedence == Precedence.Usual)
            {
                return new Reading<AppendedEntry>.Unread(new("ledger", $"{queue.Count} entries wait for the disk", "try again"));
            }

            queue.Add(pending);
            Monitor.Pulse(gate);
        }

        return await pending.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for what was asked before, publishes it, and gives the folder back.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            isClosing = true;
            Monitor.Pulse(gate);
        }

        await Task.Run(sequencer.Join).ConfigureAwait(false);
        await publishing.ConfigureAwait(false);
        if (state.Fault is null && writer.Size > state.Published)
        {
            Publish();
            await publishing.ConfigureAwait(false);
        }

        journal.Dispose();
        await held.DisposeAsync().ConfigureAwait(false);
    }

    private Reason Closed => new("ledger", $"the ledger {folder.Path} is closed", "send the request again once the gate has started");

    private static async Task<LedgerWriter> ResumeAsync(LedgerFolder folder, NoteSigner signer, CancellationToken cancellation)
    {
        // A log without a checkpoint is new, or lost it: then what was published before would be forgotten.
        if (!File.Exists(folder.PathOf(LedgerFolder.CheckpointName)))
        {
            if (Directory.Exists(folder.PathOf(LedgerFolder.TileName)))
            {
                throw new FormatException("the checkpoint is missing, and tiles are there");
            }

            folder.Publish([], await Checkpoint.SignAsync(0, TreeHash.OfEmptyTree, [signer], cancellation));
        }

        if (!folder.ReadCheckpoint(signer.Key).Try(out var checkpoint, out var why) || !LedgerWriter.Resume(signer.Key.Name, 1, checkpoint.Size, folder.Read).Try(out var writer, out why))
        {
            throw new FormatException(why.ToString());
        }

        return writer.Root == checkpoint.Root ? writer : throw new FormatException($"its tiles do not lead to the checkpoint of {checkpoint.Size} entries");
    }

    private static void Replay(LedgerWriter writer, long sequence, ReadOnlyMemory<byte> bytes)
    {
        if (sequence > writer.Size)
        {
            throw new FormatException($"entry {writer.Size} is missing: the journal goes on with entry {sequence}");
        }

        if (sequence == writer.Size && writer.Replay(bytes.Span) is { } fault)
        {
            throw new FormatException(fault.Message);
        }
    }

    private void Run()
    {
        List<Pending> taken = [];
        while (true)
        {
            lock (gate)
            {
                while (queue.Count == 0 && !isClosing)
                {
                    if (!Monitor.Wait(gate, PublishEvery))
                    {
                        break;
                    }
                }

                if (queue.Count == 0 && isClosing)
                {
                    return;
                }

                (taken, queue) = (queue, taken);
            }

            try
            {
                Write(taken);
                PublishIfDue();
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

    private void Write(List<Pending> taken)
    {
        foreach (var pending in taken)
        {
            if (remembered.TryGetValue(pending.Entry.EventId, out var before))
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

            if (journal.Reserve(Math.Max(batchLength, EntryJournal.HeaderBytes) + MostBytes, writer.Size, pending.Precedence) is { } full)
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(full));
                continue;
            }

            if (!writer.Append(pending.Entry).Try(out var appended, out var why))
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(why));
                continue;
            }

            Put(appended);
            Remember(pending.Entry.EventId, appended);
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
    }

    private void Flush()
    {
        if (batchLength > 0)
        {
            var durable = State.Size;
            journal.Write(batch.AsSpan(0, batchLength), durable, (int)(writer.Size - durable));
            batchLength = 0;
            lock (gate)
            {
                state = state with { Size = writer.Size };
            }
        }

        foreach (var (waiting, entry) in written)
        {
            waiting.Answer.TrySetResult(new Reading<AppendedEntry>.Found(entry));
        }

        written.Clear();
    }

    private void Remember(string eventId, AppendedEntry appended)
    {
        remembered[eventId] = appended with { Bytes = default };
        oldest.Enqueue(eventId);
        if (oldest.Count > MostRemembered)
        {
            remembered.Remove(oldest.Dequeue());
        }
    }

    private void PublishIfDue()
    {
        if (publishing.IsCompleted && writer.Size > State.Published && clock.GetElapsedTime(lastPublish) >= PublishEvery)
        {
            Publish();
        }
    }

    // Beside the sequencer: appends never wait for tiles. Only one at a time, so that no size is signed twice.
    private void Publish()
    {
        lastPublish = clock.GetTimestamp();
        var (size, root) = (writer.Size, writer.Root);
        var tiles = unwritten = [.. publishing.Result ? [] : unwritten, .. writer.TakeTiles()];
        publishing = Task.Run(async () =>
        {
            try
            {
                folder.Publish(tiles, await Checkpoint.SignAsync(size, root, [signer], CancellationToken.None));
                journal.Forget(size);
                var warning = journal.MakeSpare();
                lock (gate)
                {
                    state = state with { Published = size, Warning = warning };
                }

                return true;
            }
            catch (Exception exception) when (StateDisk.IsOfDisk(exception) || exception is CryptographicException)
            {
                var reason = new Reason("ledger", $"tiles and checkpoint could not be published: {exception.Message}", "free space on the ledger's disk; entries are kept in its journal");
                lock (gate)
                {
                    state = state with { Warning = reason };
                }

                return false;
            }
        });
    }

    private void Fail(Reason fault, List<Pending> taken)
    {
        lock (gate)
        {
            state = state with { Fault = fault };
            taken = [.. taken, .. queue];
            queue.Clear();
        }

        foreach (var pending in taken)
        {
            pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(fault));
        }
    }

    private sealed record Pending(LedgerEntry Entry, Precedence Precedence)
    {
        public TaskCompletionSource<Reading<AppendedEntry>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
