using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger export</c>: entries for others, once the log is verified.</summary>
internal static class LedgerExportCommand
{
    private const int MostPacked = 100_000;
    private const string Package = "audit-package";

    public static Command Create(Terminal terminal)
    {
        var log = new LedgerArguments();
        var from = Sequence("--from", "The first entry; 0 unless given.");
        var to = Sequence("--to", "The last entry; the last of the checkpoint unless given.");
        var format = new Option<string>("--format") { Description = $"ndjson: the stored bytes, one entry a line. {Package}: a folder with entries, proofs, evidence, and how to check them with tools of others; up to {MostPacked} entries.", DefaultValueFactory = _ => "ndjson" }.OneOf("ndjson", Package);
        var target = new Option<string>("--out") { Description = "The file or folder to make; nothing is written over.", HelpName = "PATH", Required = true };
        var against = new Option<string[]>("--against") { Description = $"A checkpoint of this log that was kept elsewhere: the log must go on from it, and an {Package} holds the proof. May be given again.", HelpName = "CHECKPOINT" };
        var deadline = LedgerVerifyCommand.Deadline();
        var form = Report.OutputOption();
        var command = new Command("export", $"Hands out entries of a log once all of it is verified; otherwise it answers as verify does and writes nothing. Example: gates ledger export /var/lib/gates/ledger --from 100 --to 199 --format {Package} --out audit-2026-03")
        {
            log.Folder, log.Vkey, from, to, format, target, against, deadline, form,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var key = log.ReadKey(parsed);
            var folder = new LedgerFolder(parsed.GetRequiredValue(log.Folder));
            ImmutableArray<(string File, Checkpoint Checkpoint)> kept = [.. (parsed.GetValue(against) ?? []).Select(file => (file, LedgerReadings.ReadCheckpoint(file, key)))];
            var findings = await LedgerCheck.RunAsync(folder, key, null, kept, LedgerVerifyCommand.GetDeadline(parsed, deadline), terminal, cancellation);
            if (findings is not { Fault: null, Unknown: null, Checkpoint: { } checkpoint })
            {
                return await LedgerVerifyCommand.ToReport(parsed.GetRequiredValue(log.Folder), key, null, kept, findings).WriteAsync(terminal, parsed.GetRequiredValue(form));
            }

            var opened = new OpenLog(folder, key, checkpoint);
            var (first, last) = (parsed.GetValue(from) ?? 0, parsed.GetValue(to) ?? (checkpoint.Size - 1));
            if (first > last || last >= checkpoint.Size)
            {
                throw new GateException(string.Create(CultureInfo.InvariantCulture, $"{checkpoint} has no entries from {first} to {last}"), "name entries that it has");
            }

            var isPackage = parsed.GetRequiredValue(format) == Package;
            if (isPackage && last - first >= MostPacked)
            {
                throw new GateException(string.Create(CultureInfo.InvariantCulture, $"{last - first + 1} entries are more than the {MostPacked} of an {Package}"), "export fewer with --from and --to, or choose --format ndjson");
            }

            var path = parsed.GetRequiredValue(target);
            var progress = new LedgerProgress(terminal, "exporting", last - first + 1);
            var evidence = await Task.Run(
                () => isPackage ? Pack(path, opened, first, last + 1, [.. kept.Select(one => one.Checkpoint)], terminal.Clock.GetUtcNow(), progress, cancellation) : WriteLines(path, opened, first, last + 1, progress, cancellation),
                CancellationToken.None);
            return await ToReport(parsed.GetRequiredValue(log.Folder), opened, parsed.GetRequiredValue(format), path, first, last, evidence).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static PackedEvidence Pack(string path, OpenLog log, long first, long end, ImmutableArray<Checkpoint> kept, DateTimeOffset now, LedgerProgress progress, CancellationToken cancellation)
    {
        OutputFile.CreateFolder(path);
        return OrNothing(path, () => AuditPackage.Write(path, log, first, end, kept, now, progress, cancellation), () => Directory.Delete(path, recursive: true));
    }

    private static PackedEvidence WriteLines(string path, OpenLog log, long first, long end, LedgerProgress progress, CancellationToken cancellation)
    {
        using var file = OutputFile.Create(path);
        return OrNothing(
            path,
            () =>
            {
                foreach (var bundle in log.Bundles(first, end))
                {
                    cancellation.ThrowIfCancellationRequested();
                    foreach (var stored in bundle.Entries.Required())
                    {
                        file.Write(stored.Span);
                        file.WriteByte((byte)'\n');
                    }

                    progress.Report(bundle.First + bundle.Count - first);
                }

                file.Flush(flushToDisk: true);
                return new PackedEvidence(0, [], []);
            },
            () => File.Delete(path));
    }

    // Half an export looks like a whole one.
    private static PackedEvidence OrNothing(string path, Func<PackedEvidence> write, Action remove)
    {
        try
        {
            return write();
        }
        catch (Exception exception)
        {
            try
            {
                remove();
            }
            catch (Exception again) when (OutputFile.IsOfDisk(again))
            {
                // The first failure is the one to tell.
            }

            if (OutputFile.IsOfDisk(exception))
            {
                throw OutputFile.Failed(path, exception);
            }

            throw;
        }
    }

    private static Option<long?> Sequence(string name, string description)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "SEQ" };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
            {
                result.AddError($"{name} '{token.Value}' is no sequence, a whole number from 0");
            }
        });
        return option;
    }

    private static Report ToReport(string folder, OpenLog log, string format, string path, long first, long last, PackedEvidence evidence) => new(
        "ledger-export.schema.json",
        evidence.Damaged.IsEmpty ? ExitCode.Allowed : ExitCode.Unknown,
        string.Create(CultureInfo.InvariantCulture, $"exported: entries {first} to {last} of {log.Checkpoint}"),
        [
            new("out", path),
            .. format == Package ? (Fact[])[new("evidence", string.Create(CultureInfo.InvariantCulture, $"{evidence.Copied} copied, {evidence.Missing.Length} not kept beside the log")), new("check it", $"as {Path.Combine(path, "README.md")} says")] : [],
            .. evidence.Damaged.Select(digest => new Fact("damaged", $"the evidence {digest} cannot be read, or is not what its name says; restore it from a copy")),
        ],
        json =>
        {
            json.WriteLog(folder, log.Key, log.Checkpoint);
            json.WriteString("format", format);
            json.WriteString("out", path);
            json.WriteNumber("from", first);
            json.WriteNumber("to", last);
            json.WriteNumber("evidence", evidence.Copied);
            Write(json, "missing", evidence.Missing);
            Write(json, "damaged", evidence.Damaged);
        });

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<Digest> digests)
    {
        json.WriteStartArray(name);
        foreach (var digest in digests)
        {
            json.WriteStringValue(digest.ToString());
        }

        json.WriteEndArray();
    }
}
