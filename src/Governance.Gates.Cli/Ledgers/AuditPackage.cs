using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>What became of the evidence that the entries of a package name.</summary>
/// <param name="Copied">How much of it is in the package.</param>
/// <param name="Missing">What is not kept beside the log.</param>
/// <param name="Damaged">What is kept and cannot be read, or is not what its name says.</param>
internal sealed record PackedEvidence(int Copied, ImmutableArray<Digest> Missing, ImmutableArray<Digest> Damaged);

/// <summary>A folder with entries of a log and all that somebody needs to check them without us.</summary>
internal sealed class AuditPackage
{
    private readonly string folder;
    private readonly OpenLog log;
    private readonly EvidenceStore evidence;
    private readonly HashSet<Digest> seen = [];
    private readonly List<Digest> missing = [];
    private readonly List<Digest> damaged = [];
    private int copied;

    private AuditPackage(string folder, OpenLog log)
    {
        this.folder = folder;
        this.log = log;
        evidence = new(log.Folder.Path);
    }

    /// <summary>Writes the package; when it fails nothing of it is left.</summary>
    /// <param name="folder">A folder that was just made.</param>
    /// <param name="log">The log.</param>
    /// <param name="first">The first entry.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="kept">Checkpoints that were kept elsewhere, of which the log is known to go on.</param>
    /// <param name="now">When it is handed out.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Ends it.</param>
    public static PackedEvidence Write(string folder, OpenLog log, long first, long end, ImmutableArray<Checkpoint> kept, DateTimeOffset now, LedgerProgress progress, CancellationToken cancellation)
    {
        var package = new AuditPackage(folder, log);
        package.WriteEntries(first, end, progress, cancellation);
        package.Put("checkpoint", log.Checkpoint.Note.Span);
        package.Put("log.vkey", Encoding.UTF8.GetBytes($"{log.Key}\n"));
        // Of an empty log there is nothing to prove, and Go's verifier takes no such proof.
        ImmutableArray<Checkpoint> proven = [.. kept.Where(checkpoint => checkpoint.Size > 0).DistinctBy(checkpoint => checkpoint.Size)];
        foreach (var earlier in proven)
        {
            package.WriteConsistency(earlier);
        }

        using (var source = typeof(AuditPackage).Assembly.GetManifestResourceStream("check.go")!)
        using (var bytes = new MemoryStream())
        {
            source.CopyTo(bytes);
            package.Put("check/main.go", bytes.ToArray());
        }

        package.Put("README.md", Encoding.UTF8.GetBytes(package.Readme(first, end, !proven.IsEmpty, now)));
        return new(package.copied, [.. package.missing], [.. package.damaged]);
    }

    private void WriteEntries(long first, long end, LedgerProgress progress, CancellationToken cancellation)
    {
        using var lines = OutputFile.Create(Path.Combine(folder, "entries.ndjson"));
        foreach (var bundle in log.Bundles(first, end))
        {
            var entries = bundle.Entries.Required();
            for (var place = 0; place < entries.Length; place++)
            {
                cancellation.ThrowIfCancellationRequested();
                var (sequence, stored) = (bundle.First + place, entries[place]);
                lines.Write(stored.Span);
                lines.WriteByte((byte)'\n');
                Put(string.Create(CultureInfo.InvariantCulture, $"entries/{sequence}.json"), stored.Span);
                Put(string.Create(CultureInfo.InvariantCulture, $"proofs/{sequence}.tlog-proof"), log.Prove(sequence, stored.Span).Required().Write());
                CopyEvidence(LedgerEntry.Read(stored).Required());
            }

            progress.Report(bundle.First + bundle.Count - first);
        }
    }

    // The body of add-checkpoint, which every witness checks (C2SP tlog-witness).
    private void WriteConsistency(Checkpoint earlier)
    {
        var name = earlier.Size.ToString(CultureInfo.InvariantCulture);
        var text = new StringBuilder("old ").Append(name).Append('\n');
        foreach (var hash in MerkleProofs.Consistency(earlier.Size, log.Checkpoint.Size, log.Folder.Read).Required())
        {
            text.Append(hash.ToBase64()).Append('\n');
        }

        Put($"checkpoints/{name}", earlier.Note.Span);
        Put($"consistency/{name}", [.. Encoding.ASCII.GetBytes(text.Append('\n').ToString()), .. log.Checkpoint.Note.Span]);
    }

    private void CopyEvidence(LedgerEntry entry)
    {
        // What an entry says is kept: its evidence, its policy, the parts that were too large for it.
        foreach (var one in EntryDigests.Of(entry).Where(one => one.Of is DigestOf.Evidence or DigestOf.Policy or DigestOf.Part))
        {
            Copy(one.Digest);
        }

        if (entry.EventType == LedgerEvents.Decision)
        {
            // What deciding again asks for is what somebody needs who decides again.
            PushReplay.OfAny(entry, digest =>
            {
                Copy(digest);
                return evidence.Read(digest);
            });
        }
    }

    private void Copy(Digest digest)
    {
        if (!seen.Add(digest))
        {
            return;
        }

        switch (evidence.Find(digest))
        {
            case Reading<ReadOnlyMemory<byte>?>.Found({ } bytes):
                Put($"evidence/sha256/{digest.Hex}", bytes.Span);
                copied++;
                break;
            case Reading<ReadOnlyMemory<byte>?>.Found:
                missing.Add(digest);
                break;
            default:
                damaged.Add(digest);
                break;
        }
    }

    private void Put(string name, ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = OutputFile.Create(path);
        file.Write(bytes);
    }

    private string Readme(long first, long end, bool hasEarlier, DateTimeOffset now)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $$"""
            # Audit package

            Entries {{first}} to {{end - 1}} of the log `{{log.Checkpoint.Origin}}`, as of its checkpoint of {{log.Checkpoint.Size}} entries, handed out at {{now.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}}.

            | here | is |
            |---|---|
            | `entries/N.json`, `entries.ndjson` | the stored bytes of entry N; all of them, one a line |
            | `proofs/N.tlog-proof` | the proof that entry N is in the log (C2SP tlog-proof) |
            | `checkpoint`, `log.vkey` | what the log signed (C2SP tlog-checkpoint), and its verifier key (C2SP signed-note) |
            | `checkpoints/SIZE` | checkpoints of the log that were kept elsewhere |
            | `consistency/SIZE` | the proof that the log begins as that checkpoint says (body of add-checkpoint, C2SP tlog-witness) |
            | `evidence/sha256/HEX` | what decided, under its SHA-256; `evidence/missing` names what the log's keeper does not have |
            | `check/main.go` | calls Go's verifier of transparency logs, golang.org/x/mod/sumdb: short enough to read first |

            ## Check it

            First compare `log.vkey` with the key that the log's owner published elsewhere. Then, with Go:

                (cd check && go mod init check && go get golang.org/x/mod/sumdb/tlog golang.org/x/mod/sumdb/note && go build -o check .)
                for n in $(seq {{first}} {{end - 1}}); do check/check proof proofs/$n.tlog-proof log.vkey entries/$n.json || echo "REFUSED $n"; done

            """));
        if (hasEarlier)
        {
            text.Append("    for n in $(ls checkpoints); do check/check consistency consistency/$n log.vkey checkpoints/$n || echo \"REFUSED $n\"; done\n");
        }

        if (copied > 0)
        {
            text.Append("    (cd evidence/sha256 && for f in *; do echo \"$f  $f\"; done | sha256sum --check --quiet)\n");
        }

        text.Append("\nEach line must say `entry N of SIZE`, or `consistent with SIZE`, and none `REFUSED`.\n");
        if (missing.Count + damaged.Count > 0)
        {
            Put("evidence/missing", Encoding.ASCII.GetBytes(string.Concat(missing.Select(digest => $"{digest}\n").Concat(damaged.Select(digest => $"{digest} damaged\n")))));
        }

        return text.ToString();
    }
}
