using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A log in a local folder: many writers share one fdatasync, and tiles and checkpoint follow within a second.</summary>
/// <remarks>
/// Two threads take turns: while one writes its batch and waits for the disk, the other gives order to the next. So batches are written in their order, one at a time.
/// An entry that was acknowledged is durable. One process at a time. After a write or flush that failed nothing is acknowledged any more until the folder was opened again: nobody knows then what the disk holds (fsync(2)).
/// </remarks>
public sealed class LocalLedger : IAsyncDisposable
{
    private const int MostBytes = sizeof(ushort) + LedgerEntry.MostBytes;
    internal const int MostUnpublishedFiles = 32;
    internal const string JournalName = "journal";

    private readonly LedgerFolder folder;
    private readonly FileStream held;
    private readonly LedgerWriter writer;
    private readonly EntryJournal journal;
    private readonly LedgerPublisher publisher;
    private readonly Thread[] threads;

    private readonly EntryQueue queue = new();
    private readonly Lazy<Task> closing;
    private long durable;

    // Held while entries are given their order: guards the writer, the recent events, the publisher, and the places in the journal.
    private readonly Lock ordering = new();
    private readonly RecentEvents recent;
    private long appendedBytes;

    // Held while a batch is written. Taken before the other is left, so that batches are written in their order: who holds both knows that all is durable.
    private readonly Lock disk = new();

    private LocalLedger(LedgerFolder folder, FileStream held, LedgerWriter writer, RecentEvents recent, EntryJournal journal, LedgerPublisher publisher)
    {
        (this.folder, this.held, this.writer, this.recent, this.journal, this.publisher) = (folder, held, writer, recent, journal, publisher);
        durable = writer.Size;
        closing = new(() => Task.Run(CloseAsync));
        threads = [new(Run) { IsBackground = true, Name = "ledger" }, new(Run) { IsBackground = true, Name = "ledger" }];
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
            return new(Volatile.Read(ref durable), published, queue.Fault, publisher.Warning);
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
            var writer = await LedgerResumption.ResumeAsync(folder, signer, recent, cancellation);
            var published = writer.Size;
            var replayed = 0L;
            journal = EntryJournal.Open(folder.PathOf(JournalName), disk, published, (sequence, bytes) => replayed += LedgerResumption.Replay(writer, recent, sequence, bytes), fileBytes);
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
            if (full is not null && !journal.HasRoom(BatchFormat.HeaderBytes + MostBytes))
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
            throw LedgerResumption.Explain(path, exception);
        }

        Array.ForEach(ledger.threads, static thread => thread.Start());
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
    /// <returns>The entry without its bytes, once it is durable; or why it is not in the log.</returns>
    public async ValueTask<Reading<AppendedEntry>> AppendAsync(LedgerEntry entry, Precedence precedence, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();

        // Here and not where they get their order: many do this at once, and what an entry throws ends nobody else's.
        if (!writer.Prepare(entry).Try(out var draft, out var why))
        {
            return new Reading<AppendedEntry>.Unread(why);
        }

        var pending = new PendingEntry(RecentEvents.KeyOf(entry.EventId), draft, precedence);
        if (queue.Add(pending) is { } refused)
        {
            return new Reading<AppendedEntry>.Unread(refused);
        }

        return await pending.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits for what was asked before, publishes it, and gives the folder back. The folder stays held until the process ends where a signer or a disk hangs.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Close(new("ledger", $"the ledger {folder.Path} is closed", "send the request again once the gate has started"));
        await closing.Value.ConfigureAwait(false);
    }

    private async Task CloseAsync()
    {
        Array.ForEach(threads, static thread => thread.Join());
        var isQuiet = await publisher.CloseAsync(queue.Fault is null ? writer : null, appendedBytes).ConfigureAwait(false);
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

    private void Run()
    {
        var batch = new JournalBatch();
        List<PendingEntry> taken = [];
        try
        {
            while (true)
            {
                lock (ordering)
                {
                    try
                    {
                        PublishIfDue();
                        if (!queue.Take(ref taken, LedgerPublisher.Every))
                        {
                            return;
                        }

                        Order(taken, batch);
                        if (batch.IsEmpty)
                        {
                            continue;
                        }

                        Claim(batch);
                    }
                    catch (Exception exception)
                    {
                        queue.Fail(CouldNot(exception));
                        throw;
                    }
                }

                Write(batch);
            }
        }
#pragma warning disable CA1031 // Whatever ended it, nothing may be acknowledged after it, and nobody may wait for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            queue.Fail(CouldNot(exception));
            queue.Refuse(taken);
        }
    }

    private void PublishIfDue()
    {
        if (publisher.IsDue(writer.Size))
        {
            lock (disk)
            {
                ThrowIfFailed();
                publisher.Publish(writer, appendedBytes);
            }
        }
    }

    private void Order(List<PendingEntry> taken, JournalBatch batch)
    {
        foreach (var pending in taken)
        {
            if (recent.Find(pending.Event) is { } before)
            {
                // It may be in a batch that is not durable yet.
                batch.Await(pending, before);
                continue;
            }

            // Room first, and for the largest: what the writer took it cannot give back.
            if (!batch.HasRoom(MostBytes) || !journal.HasRoom(batch.LengthWith(MostBytes)))
            {
                Claim(batch);
                Write(batch);
            }

            if ((publisher.WhyNot(appendedBytes, pending.Precedence) ?? Reserve(batch.LengthWith(MostBytes), pending.Precedence)) is { } refused)
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(refused));
                continue;
            }

            if (!writer.AppendPrepared(pending.Draft).Try(out var appended, out var why))
            {
                pending.Answer.TrySetResult(new Reading<AppendedEntry>.Unread(why));
                continue;
            }

            batch.Add(pending, appended);
            appendedBytes += appended.Bytes.Length;
            recent.Add(pending.Event, appended.Sequence, appended.Hash);
        }
    }

    private Reason? Reserve(int bytes, Precedence precedence)
    {
        if (journal.HasRoom(bytes))
        {
            return journal.Reserve(bytes, writer.Size, precedence);
        }

        // Another file is begun, and nobody may still write the one before.
        lock (disk)
        {
            return journal.Reserve(bytes, writer.Size, precedence);
        }
    }

    // The batch's turn to be written: Write has to follow, on this thread.
    private void Claim(JournalBatch batch)
    {
        disk.Enter();
        batch.Place = journal.Claim(batch.Length);
    }

    private void Write(JournalBatch batch)
    {
        try
        {
            ThrowIfFailed();
            if (batch.Length > 0)
            {
                journal.Write(batch.Bytes, batch.Place, batch.First, batch.Count);
                Volatile.Write(ref durable, batch.First + batch.Count);
            }
        }
        catch (Exception exception)
        {
            // Before the other may write: the kernel tells of a flush that failed once, and the next one would be believed.
            queue.Fail(CouldNot(exception));
            throw;
        }
        finally
        {
            disk.Exit();
        }

        batch.Answer();
    }

    private void ThrowIfFailed()
    {
        if (queue.Fault is { } why)
        {
            throw new IOException(why.Message);
        }
    }

    private Reason CouldNot(Exception exception) => new("ledger", $"the ledger could not be written; {folder.Path}: {exception.Message}", "see to its disk, and start the gate again");
}
