using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger recover</c>: what of a damaged log is whole; and, once enough persons agreed to exactly that, the log goes on from there.</summary>
internal sealed class LedgerRecoverCommand
{
    private const string Rule = "ledger.recover";
    private readonly LedgerArguments log = new();
    private readonly RegistryArguments registries = new();
    private readonly Option<string[]> against = new("--against") { Description = "A checkpoint of this log that was kept elsewhere: what it covers was there. May be given again.", HelpName = "CHECKPOINT" };
    private readonly Option<string?> document = new("--out") { Description = "Where the recovery document is written, which is asked for and approved.", HelpName = "FILE" };
    private readonly Option<string?> policyFile = new("--policy") { Description = "The policy whose ledger.recover says who must agree. Where the log proves no policy, the recovery document names this one.", HelpName = "FILE" };
    private readonly Option<string?> approved = new("--approved") { Description = "The recovery document that was approved: recover exactly so.", HelpName = "FILE" };
    private readonly Option<string?> statements = new("--statements") { Description = $"The file of requests and approvals; that of --approved and {StatementFile.Suffix} unless given.", HelpName = "FILE" };
    private readonly Option<string> form = Report.OutputOption();

    private LedgerRecoverCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new LedgerRecoverCommand();
        var command = new Command("recover", "Tells what of a damaged log is whole, and writes what has to be approved; with --approved lets the log go on from there and keeps what was there aside. Examples: gates ledger recover /var/lib/gates/ledger --out recovery.json; gates ledger recover /var/lib/gates/ledger --policy governance.yaml --approved recovery.json")
        {
            verb.log.Folder, verb.log.Vkey, verb.against, verb.document, verb.policyFile, verb.approved, verb.statements,
        };
        foreach (var option in verb.registries.ForWriting.Append(verb.form))
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            (bool Wrong, string Why)[] rules =
            [
                (result.IsGiven(verb.approved) && !result.IsGiven(verb.policyFile), "--approved needs the policy that says who must agree: --policy FILE"),
                (result.IsGiven(verb.approved) && result.IsGiven(verb.document), "--out writes what is to be approved, and --approved names what was; give one"),
                (result.IsGiven(verb.statements) && !result.IsGiven(verb.approved), "--statements goes with --approved"),
            ];
            foreach (var (_, why) in rules.Where(rule => rule.Wrong))
            {
                result.AddError(why);
            }
        });
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var (name, key) = (parsed.GetRequiredValue(log.Folder), log.ReadKey(parsed));
        var policy = parsed.GetValue(policyFile) is { } file ? PolicyFile.Load(file).Policy : null;
        policy?.RecoveryRule();
        ImmutableArray<Checkpoint> kept = [.. (parsed.GetValue(against) ?? []).Select(one => LedgerReadings.ReadCheckpoint(one, key))];
        using var damaged = DamagedLedger.Open(name, key, kept, policy?.Digest, Progress("looking at"), cancellation);
        return parsed.GetValue(approved) is { } agreed
            ? await RecoverAsync(parsed, damaged, key, policy!, agreed, Progress("recovering"), terminal, cancellation)
            : await LookAsync(parsed, damaged, key, policy, terminal);

        LedgerProgress Progress(string doing) => new(terminal, $"{doing} {key.Name}", new LedgerFolder(name).ReadCheckpoint(key).Try(out var last, out _) ? last.Size : kept.Select(one => one.Size).DefaultIfEmpty().Max());
    }

    private Task<int> LookAsync(ParseResult parsed, DamagedLedger damaged, NoteKey key, Policy? policy, Terminal terminal)
    {
        var to = parsed.GetValue(document);
        if (to is not null)
        {
            OutputFile.Write(to, damaged.Document.Json.Span);
        }

        var (name, by) = (to ?? "recovery.json", parsed.GetValue(policyFile) ?? "governance.yaml");
        var elsewhere = string.Concat((parsed.GetValue(against) ?? []).Select(one => $" --against {one}").Prepend(parsed.GetValue(log.Vkey) is { } vkey ? $" --vkey {vkey}" : ""));
        return Told(parsed, damaged, key, ExitCode.Denied, "damaged", Decision.Allow, null,
        [
            to is null ? new("document", $"{Encoding.UTF8.GetString(damaged.Document.Json.Span)}; write it with --out {name}") : new("document", to),
            PolicyThatCounts(damaged),
            .. damaged.Document.LastLost is null ? (Fact[])[] : [new("first", "look for a copy of the log: what is restored from one is not given up")],
            new("ask", $"gates request {name} --action {policy?.LedgerRecovery?.Action ?? "ACTION"} --policy {by} --key KEY.pem"),
            new("approve", $"gates approve {name} --policy {by} --key KEY.pem"),
            new("then", $"gates ledger recover {parsed.GetRequiredValue(log.Folder)} --policy {by} --approved {name}{elsewhere}"),
        ]).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<int> RecoverAsync(ParseResult parsed, DamagedLedger damaged, NoteKey key, Policy policy, string agreed, LedgerProgress progress, Terminal terminal, CancellationToken cancellation)
    {
        var signer = LedgerKeyFiles.Read(parsed.GetRequiredValue(log.Folder));
        if (!signer.Key.Equals(key))
        {
            throw new GateException($"{LedgerKeyFiles.KeyOf(parsed.GetRequiredValue(log.Folder))} is not the key of {key.Name}+{key.Id:x8}", "restore the key of this log");
        }

        var kept = parsed.GetValue(statements) ?? agreed + StatementFile.Suffix;
        var target = StatementTarget.OfRecovery(damaged.Document, kept);
        if (WhyNot(damaged, policy, agreed) is { } mismatch)
        {
            return await Told(parsed, damaged, key, ExitCode.Denied, "refused", Decision.Deny(mismatch), null, []).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        var claims = await target.ReadAsync(new TrustedSigners(policy), terminal, cancellation);
        var (by, now) = (parsed.GetValue(policyFile)!, terminal.Clock.GetUtcNow());
        if (!(await StatementArguments.RevocationsAsync(registries, parsed, by, policy, terminal, cancellation)).Try(out var revocations, out var unread))
        {
            return await Told(parsed, damaged, key, ExitCode.Unknown, "unknown", Decision.Unknown(unread), null, []).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        var outcome = Quorum.Decide(new(policy.RecoveryRule(), Rule, target.Name, [target.Covers!], null), claims.Approvals, policy, revocations, ImmutableDictionary<string, long>.Empty, now);
        if (outcome.Grant is not { } grant)
        {
            return await Told(parsed, damaged, key, outcome.Decision.ExitCode, outcome.Decision.Verdict == Verdict.Unknown ? "unknown" : "refused", outcome.Decision, null, []).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        var bytes = PolicyFile.Bytes(by, policy)?.Yaml ?? throw new GateException($"'{by}' was changed while it was read", "try again");
        var grounds = new RecoveryGrounds(damaged.Document, outcome.Requests.First(standing => standing.Grant == grant), claims, StatementFile.Read(kept), policy, bytes);
        var written = await damaged.RecoverAsync(signer, grounds.ToEntry(now), grounds.Evidence, terminal.Clock, progress, cancellation);
        return await Told(parsed, damaged, key, ExitCode.Allowed, "recovered", outcome.Decision, written, [new("kept aside", damaged.Aside), new("entry", string.Create(CultureInfo.InvariantCulture, $"{written.Sequence}, of holder {written.Epoch}"))]).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private static Fact PolicyThatCounts(DamagedLedger damaged) => new("policy", damaged.LastPolicies is [] ? damaged.Document.Policy is { } named ? $"the log proves none; {named}, as the document says" : "the log proves none; write the document with --policy FILE, which it then names"
        : $"{string.Join(" and ", damaged.LastPolicies.Select(last => string.Create(CultureInfo.InvariantCulture, $"{last.Name} version {last.Version}, {last.Digest}")))}, or a later one");

    // What was approved must be what is there now, under the policies that the log knows or a later one; where it knows none, under the one that was approved with it.
    private static Reason? WhyNot(DamagedLedger damaged, Policy policy, string agreed)
    {
        var read = RecoveryDocument.TryParse(InputFile.Read(agreed, "recovery document", RecoveryDocument.MaxBytes))
            ?? throw new GateException($"'{agreed}' is no recovery document", "name the file that gates ledger recover wrote with --out");
        if (read.Digest != damaged.Document.Digest)
        {
            if (read.Origin == damaged.Document.Origin && damaged.Document.Policy is { } named && read.Policy != named)
            {
                return new(Rule, $"this log proves no policy, and '{agreed}' names {read.Policy?.ToString() ?? "none"}, and not {policy.Shown()}, {named}", "name that policy; or write the document anew with --policy and --out, and have that one approved");
            }

            return new(Rule, $"'{agreed}' is about {(read.Origin == damaged.Document.Origin ? "another damage" : $"another log, {read.Origin}")}: it is {read.Digest}, and this log, as it is now, {damaged.Document.Digest}", "write the document anew with --out, and have that one approved");
        }

        return damaged.LastPolicies.FirstOrDefault(last => last.Name != policy.Name || last.Version > policy.Version || (last.Version == policy.Version && last.Digest != policy.Digest)) is { } last
            ? new(Rule, $"the policy {policy.Shown()} is not the one that this log knows: {last.Name} version {last.Version}, {last.Digest}, or a later one", "name the policy in force")
            : null;
    }

    private Report Told(ParseResult parsed, DamagedLedger damaged, NoteKey key, int exitCode, string word, Decision decision, LedgerEntry? written, ImmutableArray<Fact> more)
    {
        var document = damaged.Document;
        return new(
            "ledger-recovery.schema.json",
            exitCode,
            $"{word}: {document.Origin}: {document.Lost}",
            [
                .. damaged.Faults.Select(fault => new Fact("found", fault)),
                .. Fact.Of(decision),
                new("whole", string.Create(CultureInfo.InvariantCulture, $"{document.Whole.Size} entries, root {document.Whole.Root.ToBase64()}")),
                new("last checkpoint", string.Create(CultureInfo.InvariantCulture, $"{document.Checkpoint.Size} entries, root {document.Checkpoint.Root.ToBase64()}")),
                new("digest", document.Digest.ToString()),
                .. more,
            ],
            json =>
            {
                json.WriteString("verdict", word);
                json.WriteString("folder", parsed.GetRequiredValue(log.Folder));
                json.WriteString("vkey", key.ToString());
                json.WriteStartArray("found");
                foreach (var fault in damaged.Faults)
                {
                    json.WriteStringValue(fault);
                }

                json.WriteEndArray();
                json.WritePropertyName("document");
                json.WriteRawValue(document.Json.Span);
                json.WriteString("digest", document.Digest.ToString());
                json.WriteReasons("reasons", decision.Reasons);
                json.WriteString("aside", written is null ? null : damaged.Aside);
                json.WritePropertyName("entry");
                if (written is null)
                {
                    json.WriteNullValue();
                }
                else
                {
                    json.WriteNumberValue(written.Sequence);
                }

                json.WriteNumber("epoch", written?.Epoch ?? 0);
            });
    }
}
