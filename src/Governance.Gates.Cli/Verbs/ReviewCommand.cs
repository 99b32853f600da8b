using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates review</c>: may this pull request merge?</summary>
internal static class ReviewCommand
{
    private const string Approve = "approve=";

    public static Command Create(Terminal terminal)
    {
        var snapshot = new Option<string>("--snapshot") { Description = "A saved pull request, judged without a network.", HelpName = "FILE", Required = true };
        var policy = new Option<string>("--policy") { Description = "The policy as it stands at the base commit.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
        var explain = new Option<bool>("--explain") { Description = "Tells of every review whether it counts, and of every rule how it stands." };
        var simulate = new Option<string[]>("--simulate") { Description = "Judges as if this account approved the head commit too. May be given again.", HelpName = "approve=LOGIN" };
        var form = Report.OutputOption();
        var command = new Command("review", "Judges a pull request by the policy: owners, approvals, values, evidence. Examples: gates review --snapshot pr.json; gates review --snapshot pr.json --policy p.yaml --explain --simulate approve=dave")
        {
            snapshot, policy, explain, simulate, form, ReviewAttestCommand.Create(terminal),
        };
        command.Validators.Add(result =>
        {
            foreach (var given in result.GetValue(simulate) ?? [])
            {
                if (!given.StartsWith(Approve, StringComparison.Ordinal) || given.Length == Approve.Length)
                {
                    result.AddError($"--simulate '{given}' is not approve=LOGIN");
                }
            }
        });
        command.SetAction((parsed, _) =>
        {
            var file = parsed.GetRequiredValue(policy);
            var (read, _) = PolicyFile.Load(file);
            var path = parsed.GetRequiredValue(snapshot);
            if (!PullRequestReader.Read(InputFile.Read(path, "snapshot", PullRequestReader.MostBytes)).Try(out var request, out var why))
            {
                throw new GateException($"{path}: {why.Message}", why.Remedy ?? "write it anew");
            }

            ImmutableArray<string> logins = [.. (parsed.GetValue(simulate) ?? []).Select(given => given[Approve.Length..])];
            foreach (var login in logins)
            {
                request = ReviewGate.WithApproval(request, login) ?? throw new GateException($"nobody of the login '{login}' is among the accounts of {path}", "name an account whose permission or team the snapshot tells");
            }

            var result = ReviewGate.Decide(request, read, terminal.Clock.GetUtcNow());
            return ReportOn(request, read, file, logins, result, parsed.GetValue(explain)).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ReportOn(PullRequest request, Policy policy, string file, ImmutableArray<string> simulated, ReviewResult result, bool explain)
    {
        var decision = result.Decision;
        return new(
            "review.schema.json",
            decision.ExitCode,
            $"{AdmissionAnswer.Name(decision.Verdict)}: {request.Repository}#{request.Number} at {request.HeadSha}",
            [
                new("policy", $"{file}, {policy.Name} version {policy.Version}, {policy.Digest}"),
                .. simulated.Select(login => new Fact("as if", $"{login} approved")),
                .. Fact.Of(decision),
                .. explain ? Explain(result) : [],
            ],
            json => Write(json, request, policy, file, simulated, result));
    }

    private static IEnumerable<Fact> Explain(ReviewResult result) =>
    [
        .. result.Approvals.Select(one => new Fact("review", $"{(one.Login.Length == 0 ? "nobody" : one.Login)}: {one.State}, {(one.WhyNot is null ? $"counts as {one.Person}" : $"does not count: {one.WhyNot}")}")),
        .. result.Needs.Select(need => new Fact("rule", $"{need.Rule}: {need.What}: {AdmissionAnswer.Name(need.Verdict)}{(need.By.IsEmpty ? "" : $", by {string.Join(", ", need.By)}")}")),
    ];

    private static void Write(Utf8JsonWriter json, PullRequest request, Policy policy, string file, ImmutableArray<string> simulated, ReviewResult result)
    {
        json.WriteDecision(result.Decision);
        json.WriteString("repository", request.Repository);
        json.WriteNumber("number", request.Number);
        json.WriteString("base", request.BaseSha);
        json.WriteString("head", request.HeadSha);
        json.WritePolicy(file, policy);
        WriteTexts(json, "simulated", simulated);
        json.WriteStartArray("reviews");
        foreach (var one in result.Approvals)
        {
            json.WriteStartObject();
            json.WriteString("login", one.Login.Length == 0 ? null : one.Login);
            json.WriteString("state", one.State);
            json.WriteString("person", one.Person);
            json.WriteString("whyNot", one.WhyNot);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("needs");
        foreach (var need in result.Needs)
        {
            json.WriteStartObject();
            json.WriteString("rule", need.Rule);
            json.WriteString("what", need.What);
            json.WriteString("verdict", AdmissionAnswer.Name(need.Verdict));
            WriteTexts(json, "by", need.By);
            WriteTexts(json, "missing", need.Missing);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, ImmutableArray<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
