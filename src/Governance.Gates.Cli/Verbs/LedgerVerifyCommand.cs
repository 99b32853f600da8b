using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger verify</c>: is this log what its checkpoint says, and what was kept of it elsewhere?</summary>
internal static class LedgerVerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var log = new LedgerArguments();
        var since = new Option<string?>("--since") { Description = "A checkpoint up to which the log was verified before: only what came after it is read.", HelpName = "CHECKPOINT" };
        var against = new Option<string[]>("--against") { Description = "A checkpoint of this log that was kept elsewhere: the log must have been so once. May be given again.", HelpName = "CHECKPOINT" };
        var deadline = Deadline();
        var form = Report.OutputOption();
        var command = new Command("verify", "Verifies every entry, every tile and the checkpoint of a log; names the first that is wrong and then exits with 1. Example: gates ledger verify /var/lib/gates/ledger --vkey ledger.vkey --against checkpoint.yesterday")
        {
            log.Folder, log.Vkey, since, against, deadline, form,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var key = log.ReadKey(parsed);
            var name = parsed.GetRequiredValue(log.Folder);
            var before = parsed.GetValue(since) is { } file ? LedgerReadings.ReadCheckpoint(file, key) : null;
            ImmutableArray<(string File, Checkpoint Checkpoint)> kept = [.. (parsed.GetValue(against) ?? []).Select(file => (file, LedgerReadings.ReadCheckpoint(file, key)))];
            var findings = await LedgerCheck.RunAsync(new LedgerFolder(name), key, before, kept, GetDeadline(parsed, deadline), terminal, cancellation);
            return await ToReport(name, key, before, kept, findings).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    /// <summary><c>--deadline</c>: after it the answer is "could not tell".</summary>
    public static Option<string> Deadline()
    {
        var option = new Option<string>("--deadline") { Description = "How long verifying may take, such as 90s or 2h; then it could not be told.", HelpName = "DURATION", DefaultValueFactory = _ => "10m" };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => StatementWords.ReadSpan(token.Value) is not { } span || span > TimeSpan.FromDays(7)))
            {
                result.AddError($"--deadline '{token.Value}' is no duration such as 90s, 10m or 2h, of at most 7d");
            }
        });
        return option;
    }

    public static TimeSpan GetDeadline(ParseResult parsed, Option<string> deadline) => StatementWords.ReadSpan(parsed.GetRequiredValue(deadline))!.Value;

    /// <summary>What was found, for people and machines.</summary>
    public static Report ToReport(string folder, NoteKey key, Checkpoint? since, ImmutableArray<(string File, Checkpoint Checkpoint)> kept, LedgerFindings findings)
    {
        var (word, title) = findings switch
        {
            { Fault: { } fault } => ("refused", $"refused: {key.Name}: {fault}"),
            { Unknown: { } why } => ("unknown", $"could not tell: {key.Name}: {why}"),
            { Checkpoint: { } checkpoint } => ("verified", string.Create(CultureInfo.InvariantCulture, $"verified: {checkpoint.Origin}, {checkpoint.Size} {(checkpoint.Size == 1 ? "entry" : "entries")}")),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        List<Fact> facts = [];
        if (findings.Checkpoint is { } read)
        {
            facts.Add(new("checkpoint", string.Create(CultureInfo.InvariantCulture, $"{read.Size} entries, root {read.Root.ToBase64()}")));
        }

        facts.Add(new("vkey", key.ToString()));
        if (word == "verified")
        {
            facts.AddRange(since is null ? [] : [new Fact("since", string.Create(CultureInfo.InvariantCulture, $"entry {since.Size}: what lies before was verified earlier"))]);
            facts.AddRange(kept.Select(one => new Fact("was once", string.Create(CultureInfo.InvariantCulture, $"as {one.File} says: {one.Checkpoint.Size} entries"))));
            facts.AddRange(kept.IsEmpty ? [new Fact("note", "whoever has the log's key can rewrite it whole: hold it --against a checkpoint kept elsewhere")] : []);
        }

        return new("ledger-verification.schema.json", findings.ExitCode, title, [.. facts], json =>
        {
            json.WriteString("verdict", word);
            json.WriteLog(folder, key, findings.Checkpoint);
            json.WriteNumber("since", since?.Size ?? 0);
            json.WriteStartArray("against");
            foreach (var (file, checkpoint) in kept)
            {
                json.WriteStartObject();
                json.WriteString("file", file);
                json.WriteNumber("size", checkpoint.Size);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            WriteFault(json, findings.Fault);
            json.WriteReasons("unread", findings.Unknown is { } why ? [why] : []);
        });
    }

    private static void WriteFault(Utf8JsonWriter json, LedgerFault? fault)
    {
        json.WritePropertyName("fault");
        if (fault is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WritePropertyName("entry");
        if (fault.Entry is { } entry)
        {
            json.WriteNumberValue(entry);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteString("tile", fault.Tile?.Path);
        json.WriteString("message", fault.Reason.Message);
        json.WriteString("remedy", fault.Reason.Remedy);
        json.WriteEndObject();
    }
}
