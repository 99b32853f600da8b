using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger replay</c>: makes a recorded decision again from its entry and what was kept beside the log, with nothing else at hand.</summary>
internal static class LedgerReplayCommand
{
    private const int MostProofBytes = 64 * 1024;

    public static Command Create(Terminal terminal)
    {
        var sequence = LedgerArguments.Sequence();
        var log = new LedgerArguments();
        var form = Report.OutputOption();
        var command = new Command("replay", "Makes a recorded decision again from its entry, once that is proven, and from the policy, keys and statements that were kept. Nothing else is asked: no registry, no cluster. DIR is a log or an audit package. Example: gates ledger replay 41 /var/lib/gates/ledger")
        {
            sequence, log.Folder, log.Vkey, form,
        };
        command.SetAction((parsed, _) =>
        {
            var (folder, index) = (parsed.GetRequiredValue(log.Folder), parsed.GetRequiredValue(sequence));
            var (stored, checkpoint, key) = IsPackage(folder) ? Packed(folder, index, parsed.GetValue(log.Vkey)) : Logged(log.Open(parsed), index);
            var entry = LedgerEntry.Read(stored).Required();
            return ToReport(folder, key, checkpoint, entry, PushReplay.OfAny(entry, new EvidenceStore(folder).Read)).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static bool IsPackage(string folder) => Directory.Exists(Path.Combine(folder, "entries"));

    private static (ReadOnlyMemory<byte> Entry, Checkpoint Checkpoint, NoteKey Key) Logged(OpenLog log, long index)
    {
        var entry = log.Required(index);
        log.Prove(index, entry.Span).Required().Verify(TreeHash.OfLeaf(entry.Span), log.Key).Required();
        return (entry, log.Checkpoint, log.Key);
    }

    private static (ReadOnlyMemory<byte> Entry, Checkpoint Checkpoint, NoteKey Key) Packed(string folder, long index, string? vkey)
    {
        var key = LedgerKeyFiles.ReadVerifierKey(vkey ?? Path.Combine(folder, "log.vkey"));
        var entry = InputFile.Read(Path.Combine(folder, "entries", string.Create(CultureInfo.InvariantCulture, $"{index}.json")), "entry", LedgerEntry.MostBytes);
        var proof = LedgerProof.Read(InputFile.Read(Path.Combine(folder, "proofs", string.Create(CultureInfo.InvariantCulture, $"{index}.tlog-proof")), "proof", MostProofBytes)).Required();
        return (entry, proof.Verify(TreeHash.OfLeaf(entry), key).Required(), key);
    }

    private static Report ToReport(string folder, NoteKey key, Checkpoint checkpoint, LedgerEntry entry, Reading<ReplayedDecision> reading)
    {
        var recorded = Said(entry);
        var (exitCode, title, facts) = reading switch
        {
            Reading<ReplayedDecision>.Found({ Differences.IsEmpty: true } same) => (
                ExitCode.Allowed,
                $"the same: decided again, entry {entry.Sequence} of {checkpoint.Origin} is {recorded}, byte for byte",
                (Fact[])[.. Answers(same)]),
            Reading<ReplayedDecision>.Found(var other) => (
                ExitCode.Denied,
                $"not the same: entry {entry.Sequence} of {checkpoint.Origin} says {recorded}, and decided again it is {Said(other.Again)}",
                [new("different", string.Join(", ", other.Differences)), .. Answers(other)]),
            Reading<ReplayedDecision>.Unread(var why) => (ExitCode.Unknown, $"entry {entry.Sequence} of {checkpoint.Origin} cannot be decided again", [new("why", why.ToString())]),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return new("ledger-replay.schema.json", exitCode, title, [.. facts], json =>
        {
            json.WriteString("verdict", exitCode switch { ExitCode.Allowed => "same", ExitCode.Denied => "different", _ => "unknown" });
            json.WriteLog(folder, key, checkpoint);
            json.WriteNumber("sequence", entry.Sequence);
            Write(json, "recorded", entry);
            if (reading is Reading<ReplayedDecision>.Found(var again))
            {
                Write(json, "again", again.Again);
                json.WriteStartArray("differences");
                foreach (var name in again.Differences)
                {
                    json.WriteStringValue(name);
                }

                json.WriteEndArray();
            }

            json.WriteReasons("reasons", reading is Reading<ReplayedDecision>.Unread(var why) ? [why] : []);
        });
    }

    private static IEnumerable<Fact> Answers(ReplayedDecision replayed)
    {
        yield return new("decided again", string.Create(CultureInfo.InvariantCulture, $"{replayed.Decided} {(replayed.Decided == 1 ? "answer" : "answers")}, from policy and evidence"));
        if (replayed.Taken > 0)
        {
            yield return new("taken as recorded", string.Create(CultureInfo.InvariantCulture, $"{replayed.Taken} {(replayed.Taken == 1 ? "answer" : "answers")}, which rested on {(PushReplay.IsOfPush(replayed.Again) ? "what the forge told of the merge" : "the object")} alone: it is not kept"));
        }
    }

    private static string Said(LedgerEntry entry) => $"{(entry.Verdict is { } verdict ? AdmissionAnswer.Name(verdict) : "no decision")}{(entry.Outcome is { } outcome ? ", " + outcome : "")}";

    private static void Write(Utf8JsonWriter json, string name, LedgerEntry entry)
    {
        json.WriteStartObject(name);
        json.WriteString("verdict", entry.Verdict is { } verdict ? AdmissionAnswer.Name(verdict) : null);
        json.WriteString("outcome", entry.Outcome);
        json.WriteEndObject();
    }
}
