using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A damaged log in a folder, held against every other process: what of it is whole, and how it goes on from there.</summary>
/// <remarks>
/// The next log is made whole in <see cref="Aside"/>, and then the two folders take each other's place in one step. A crash before leaves the damaged folder untouched and a draft that is made anew; a crash after it leaves
/// the next log in its place. The draft is known by a file in it that holds the document, which goes last. What was damaged stays in <see cref="Aside"/> for ever, and no document is used twice while it does.
/// </remarks>
public sealed class DamagedLedger : IDisposable
{
    internal const string DraftName = "recovering";
    private const string AsideMark = ".recovery-";
    private const string EvidenceName = "evidence";
    private const long EntriesAtOnce = 65_536;

    private readonly LedgerFolder folder;
    private readonly FileStream held;
    private readonly WholePrefix prefix;
    private readonly long epoch;

    private DamagedLedger(LedgerFolder folder, FileStream held, WholePrefix prefix, RecoveryDocument document, ImmutableArray<string> faults, long epoch) =>
        (this.folder, this.held, this.prefix, Document, Faults, this.epoch) = (folder, held, prefix, document, faults, epoch);

    /// <summary>What a recovery would keep and give up.</summary>
    public RecoveryDocument Document { get; }

    /// <summary>What is wrong, each on one line: the evidence for the document.</summary>
    public ImmutableArray<string> Faults { get; }

    /// <summary>The folder in which the damaged log is kept once it was recovered.</summary>
    public string Aside => AsideOf(folder, Document);

    /// <summary>The policies that the log proves to have been in force last, as <see cref="WholePrefix.LastPolicies"/> says.</summary>
    public ImmutableArray<EntryPolicy> LastPolicies => prefix.LastPolicies;

    /// <summary>Looks at a log, and keeps every other process out.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="key">The log's key.</param>
    /// <param name="kept">Checkpoints that the key signed and that were kept elsewhere.</param>
    /// <param name="policy">The policy that the document names where the log proves none; null for no name.</param>
    /// <param name="progress">Is told how many entries were looked at.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="GateException">There is no log, a process has it, it is whole, it cannot be read, or no checkpoint says what was in it.</exception>
    public static DamagedLedger Open(string path, NoteKey key, IReadOnlyCollection<Checkpoint> kept, Digest? policy, IProgress<long>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(kept);
        var folder = new LedgerFolder(path);
        if (!((string[])[LedgerFolder.CheckpointName, LedgerFolder.TileName, LocalLedger.JournalName]).Any(name => Path.Exists(folder.PathOf(name))))
        {
            throw new GateException($"{folder.Path} holds no log", "name the folder of a log, or restore it from a copy");
        }

        FileStream? held = null;
        try
        {
            held = Hold(folder);
            Finish(folder);
            return Look(folder, held, key, kept, policy, progress, cancellation);
        }
        catch (Exception exception)
        {
            held?.Dispose();
            throw StateDisk.IsOfDisk(exception) ? new GateException($"the ledger {folder.Path} cannot be read: {exception.Message}", "see to its disk, and make it readable", exception) : exception;
        }
    }

    /// <summary>Lets the log go on from what is whole, under another holder and with an entry that tells of it; what was there is kept in <see cref="Aside"/>.</summary>
    /// <param name="signer">The log's key.</param>
    /// <param name="entry">The first entry of the new holder.</param>
    /// <param name="evidence">What that entry rests on, to be kept beside the log.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="progress">Is told how many entries were taken over.</param>
    /// <param name="cancellation">Ends it while the damaged folder is untouched.</param>
    /// <returns>The entry as it stands in the log.</returns>
    /// <exception cref="GateException">It could not be done, and the damaged folder is as it was; or this document was used before.</exception>
    public async Task<LedgerEntry> RecoverAsync(NoteSigner signer, LedgerEntry entry, IReadOnlyCollection<ReadOnlyMemory<byte>> evidence, TimeProvider clock, IProgress<long>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(evidence);
        var draft = new LedgerFolder(Aside);
        try
        {
            BeginDraft(draft);
            await WritePrefixAsync(draft, signer, progress, cancellation);
            CopyEvidence(draft);
            var fitted = entry.Fit(out var parts);
            var store = new EvidenceStore(draft.Path);
            foreach (var bytes in evidence.Concat(parts))
            {
                if (store.Keep(Digest.Of(bytes.Span), bytes) is { } lost)
                {
                    throw new IOException(lost.Message);
                }
            }

            await AppendAsync(draft, signer, fitted, clock, cancellation);
            var written = Verified(draft, signer.Key, progress, cancellation);

            // Nobody begins to write the next log before it is known to be in its place.
            await using var next = draft.Hold();
            FolderExchange.Of(folder.Path, draft.Path);
            StateDisk.SyncFolder(Path.GetDirectoryName(draft.Path)!);
            Finish(folder);
            return written;
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            throw new GateException($"the ledger {folder.Path} could not be recovered: {exception.Message}", "free space beside it, on a disk of this machine, and give the command again: it begins anew, or finishes", exception);
        }
    }

    /// <summary>Gives the folder back.</summary>
    public void Dispose() => held.Dispose();

    private static string AsideOf(LedgerFolder folder, RecoveryDocument document) => $"{Path.TrimEndingDirectorySeparator(folder.Path)}{AsideMark}{document.Digest.Hex[..16]}";

    private static FileStream Hold(LedgerFolder folder)
    {
        try
        {
            return folder.Hold();
        }
        catch (IOException exception)
        {
            throw new GateException($"the ledger {folder.Path} is held by a process that writes it, or cannot be locked: {exception.Message}", "stop the gate first; what a running gate writes is not looked at", exception);
        }
    }

    // After the exchange the log only has to lose the mark of the draft that it was.
    private static void Finish(LedgerFolder folder)
    {
        File.Delete(folder.PathOf(DraftName));
        StateDisk.SyncFolder(folder.Path);
    }

    private static DamagedLedger Look(LedgerFolder folder, FileStream held, NoteKey key, IReadOnlyCollection<Checkpoint> kept, Digest? policy, IProgress<long>? progress, CancellationToken cancellation)
    {
        string? unreadable = null;
        Reading<ReadOnlyMemory<byte>> Source(TileAddress address)
        {
            // What is missing is damage; what cannot be read is none that anybody could judge.
            var found = folder.FindAsFarAs(address);
            unreadable ??= found is Reading<ReadOnlyMemory<byte>?>.Unread(var why) ? why.Message : null;
            return found.Try(out var bytes, out _) && bytes is { } there ? new Reading<ReadOnlyMemory<byte>>.Found(there) : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"{address} is not there", "restore it from a copy of the log"));
        }

        var journal = JournalSurvey.Read(folder.PathOf(LocalLedger.JournalName), cancellation);
        var faults = new List<string>();
        Checkpoint? own = null;
        if (!folder.FindCheckpoint().Try(out var note, out var unread))
        {
            throw new IOException(unread.Message);
        }

        if (note is not { } found)
        {
            faults.Add("the checkpoint is missing");
        }
        else if (Checkpoint.Open(found, key).Try(out own, out var mistake))
        {
            if (LedgerVerifier.Verify(own, Source, cancellation: cancellation) is { } fault)
            {
                faults.Add($"{(fault.Entry is { } entry ? string.Create(CultureInfo.InvariantCulture, $"entry {entry}: ") : "")}{fault.Reason.Message}");
            }
        }
        else
        {
            faults.Add(mistake.Message);
        }

        ImmutableArray<Checkpoint> signed = [.. own is null ? [] : (Checkpoint[])[own], .. kept];
        if (signed.MaxBy(checkpoint => checkpoint.Size) is not { } last)
        {
            throw new GateException($"the ledger {folder.Path} cannot be recovered: {string.Join("; ", faults)}, and nothing else says what was in it", "name the verifier key of this log, or a checkpoint of it that was kept elsewhere with --against");
        }

        if (own is not null && last.Size > own.Size)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"a checkpoint of {last.Size} entries was kept elsewhere, and that in the folder is of {own.Size}"));
        }

        faults.AddRange(journal.Fault is { } torn ? [torn] : []);
        var prefix = WholePrefix.Find(signed, Source, journal.Find, progress, cancellation);
        if (unreadable is not null)
        {
            throw new IOException(unreadable);
        }

        if (prefix.First is { } first && LedgerEntry.Read(first).Try(out var beginning, out _) && beginning.Origin != key.Name)
        {
            throw new GateException($"the ledger {folder.Path} is {beginning.Origin}, and the key is of {key.Name}", "name the key of this log");
        }

        var known = Math.Max(last.Size, journal.End);
        if (faults.Count == 0 && prefix.Head.Size >= known)
        {
            throw new GateException(string.Create(CultureInfo.InvariantCulture, $"the ledger {folder.Path} is whole: {prefix.Head.Size} entries, and none is given up"), "start the gate: there is nothing to recover");
        }

        faults.AddRange(prefix.Head.Size < known ? [prefix.Why] : []);
        var epoch = Math.Max(prefix.Epoch, journal.Last is { } latest && LedgerEntry.Read(latest).Try(out var read, out _) ? read.Epoch : 0);
        ImmutableArray<string> wrong = [.. faults.Distinct(StringComparer.Ordinal)];
        return new(folder, held, prefix, RecoveryDocument.Of(key, last, prefix.Head, known, string.Join("; ", wrong), prefix.LastPolicies.IsEmpty ? policy : null), wrong, Math.Max(epoch, 1) + 1);
    }

    private void BeginDraft(LedgerFolder draft)
    {
        if (Path.Exists(draft.Path) && !File.Exists(draft.PathOf(DraftName)))
        {
            throw new GateException($"{draft.Path} is there: a recovery with this document was done before, and its approval is used up", "leave that folder where it is, and compare it with the log; somebody may have put an old folder back");
        }

        // Drafts of this document or of one before it; what was put aside has lost the mark.
        foreach (var left in Directory.EnumerateDirectories(Path.GetDirectoryName(draft.Path)!, $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(folder.Path))}{AsideMark}*").Where(left => File.Exists(Path.Combine(left, DraftName))).ToList())
        {
            Directory.Delete(left, recursive: true);
        }

        Directory.CreateDirectory(draft.Path);
        StateDisk.Replace(draft.PathOf(DraftName), Document.Json);
        StateDisk.SyncFolder(Path.GetDirectoryName(draft.Path)!);
    }

    private async Task WritePrefixAsync(LedgerFolder draft, NoteSigner signer, IProgress<long>? progress, CancellationToken cancellation)
    {
        var writer = LedgerWriter.Begin(signer.Key.Name, 1);
        foreach (var stored in prefix.Entries())
        {
            if (writer.Replay(stored.Span) is { } wrong)
            {
                throw new IOException(wrong.Message);
            }

            if (writer.Size % EntriesAtOnce == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                draft.Write(writer.TakeTiles());
                progress?.Report(writer.Size);
            }
        }

        if (new TreeHead(writer.Size, writer.Root) != Document.Whole)
        {
            throw new IOException("the folder changed while it was read");
        }

        draft.Publish(writer.TakeTiles(), await Checkpoint.SignAsync(writer.Size, writer.Root, [signer], cancellation));
    }

    private void CopyEvidence(LedgerFolder draft)
    {
        var from = folder.PathOf(EvidenceName);
        if (!Directory.Exists(from))
        {
            return;
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(draft.PathOf(EvidenceName), Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            StateDisk.ReplaceForNow([new(target, [File.ReadAllBytes(file)])]);
        }

        foreach (var written in Directory.EnumerateDirectories(draft.PathOf(EvidenceName), "*", SearchOption.AllDirectories).Append(draft.PathOf(EvidenceName)))
        {
            StateDisk.SyncFolder(written);
        }
    }

    private async Task AppendAsync(LedgerFolder draft, NoteSigner signer, LedgerEntry entry, TimeProvider clock, CancellationToken cancellation)
    {
        await using var ledger = await LocalLedger.OpenAsync(draft.Path, signer, entry.Component, clock, new JournalDisk(), EntryJournal.FileBytes, cancellation, epoch);
        if (!(await ledger.AppendAsync(entry, Precedence.Vital, cancellation)).Try(out _, out var why))
        {
            throw new IOException(why.Message);
        }
    }

    // The next log, from its first entry on: nothing takes the place of a damaged one that is not whole itself.
    private LedgerEntry Verified(LedgerFolder draft, NoteKey key, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (!draft.ReadCheckpoint(key).Try(out var checkpoint, out var why))
        {
            throw new IOException(why.Message);
        }

        var fault = LedgerVerifier.Verify(checkpoint, draft.Read, null, progress, cancellation)?.ToString();
        if (fault is not null || checkpoint.Size != Document.Whole.Size + 1 || !draft.Read(TileAddress.OfEntries(Document.Whole.Size / TileAddress.FullWidth, checkpoint.Size)!.Value).Try(out var bundle, out _)
            || !EntryBundle.Read(bundle).Try(out var entries, out _) || !LedgerEntry.Read(entries[(int)(Document.Whole.Size % TileAddress.FullWidth)]).Try(out var written, out _))
        {
            throw new IOException($"the next log is not as it was written: {fault ?? checkpoint.ToString()}");
        }

        return written;
    }
}
