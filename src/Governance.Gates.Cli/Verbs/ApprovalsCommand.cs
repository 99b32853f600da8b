using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates approvals</c>: who said what about it, and who still must.</summary>
internal sealed class ApprovalsCommand
{
    private readonly StatementArguments about = new();
    private readonly Option<string?> action = new("--action") { Description = "Only requests for this action of the policy.", HelpName = "ACTION" };
    private readonly Option<string?> environment = new("--environment") { Description = "Where it is to be used. Needed for an image.", HelpName = "NAME" };
    private readonly Option<string?> @namespace = new("--namespace") { Description = "The namespace; that which a request names unless given.", HelpName = "NAME" };
    private readonly Option<string?> template = new("--template") { Description = "Manifests of what is to run: whether exactly their pod templates are covered.", HelpName = "MANIFEST" };
    private readonly Option<string?> cluster = new("--cluster-uid") { Description = "UID of the cluster's kube-system namespace; that which a request names unless given.", HelpName = "UID" };

    private ApprovalsCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ApprovalsCommand();
        var command = new Command("approvals", "Tells who asked, who answered, who counts and who is still needed. Exit code 0 where a quorum stands, 1 where none does. Example: gates approvals registry.example.com/app@sha256:… --policy governance.yaml --environment production");
        verb.about.AddTo(command, verb.environment, verb.@namespace, verb.cluster, verb.template, verb.action);
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        about.Validate(result);
        if (!about.IsOutsideOfEnvironments(result) && !result.IsGiven(environment))
        {
            result.AddError("say where the image is to be used: --environment NAME");
        }

        if (about.IsOutsideOfEnvironments(result) && result.IsGiven(template))
        {
            result.AddError("--template goes with an image");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var file = parsed.GetRequiredValue(about.Policy);
        var policy = PolicyFile.Load(file).Policy;
        var wanted = parsed.GetValue(action);
        if (wanted is not null)
        {
            policy.RuleOf(wanted);
        }

        if (parsed.GetValue(environment) is { } place && !policy.Environments.ContainsKey(place))
        {
            throw new GateException($"'{place}' is no environment of the policy {policy.Name}", $"use one of {string.Join(", ", policy.Environments.Keys.Order(StringComparer.Ordinal))}");
        }

        var (target, connections) = await about.OpenAsync(parsed, policy, terminal, cancellation);
        using var open = connections;
        var claims = await target.ReadAsync(new TrustedSigners(policy), terminal, cancellation);
        var now = terminal.Clock.GetUtcNow();
        var list = await about.RevocationsAsync(parsed, file, policy, terminal, cancellation);
        if (!list.Try(out var revocations, out var unread))
        {
            claims = claims with { Unread = claims.Unread.Add(unread) };
        }

        ImmutableArray<Covered> templates = parsed.GetValue(template) is { } manifest ? await CoveredTemplates.ReadAsync(manifest, policy, terminal, cancellation) : [];
        ImmutableArray<RequestStanding> standings =
        [
            .. claims.Approvals
                .Where(signed => signed.Statement is ApprovalRequest && policy.FindRule(signed.Statement.Action) is not null && (wanted is null || signed.Statement.Action == wanted))
                .DistinctBy(signed => signed.Digest)
                .OrderBy(signed => ((ApprovalRequest)signed.Statement).CreatedAt).ThenBy(signed => signed.Digest.Hex, StringComparer.Ordinal)
                .Select(signed => StatementWords.Stand(
                    StatementWords.Need(policy.FindRule(signed.Statement)!, target, (ApprovalRequest)signed.Statement, policy, parsed.GetValue(environment), parsed.GetValue(cluster), parsed.GetValue(@namespace), templates),
                    signed, claims.Approvals, policy, revocations ?? RevocationList.Empty, now)),
        ];
        return await ToReport(target, claims, standings, (file, policy)).WriteAsync(terminal, parsed.GetRequiredValue(about.Form));
    }

    private static Report ToReport(StatementTarget target, Claims claims, ImmutableArray<RequestStanding> standings, (string File, Policy Policy) by)
    {
        var policy = by.Policy;

        // What could not be read may be a "no", so that a quorum does not stand while anything is unread.
        var verdict = !claims.Unread.IsEmpty ? Verdict.Unknown : standings.Any(standing => Stands(standing, target, policy)) ? Verdict.Allow : Verdict.Deny;
        var title = verdict switch
        {
            Verdict.Unknown => "not everything could be read",
            Verdict.Allow => "approved",
            _ when standings.IsEmpty => "nobody asked",
            _ => "not approved",
        };
        return new(
            "approvals.schema.json",
            new Decision(verdict, [], []).ExitCode,
            $"{title}: {target.Name}",
            [
                new("policy", $"{by.File}, {policy.Shown()}"),
                .. claims.Unread.Select(unread => new Fact("unread", unread.ToString())),
                .. standings.SelectMany(standing => Facts(standing, target, claims, policy)),
                .. claims.Refused.Select(refused => new Fact("refused", $"{refused.Where}: {refused.Code}: {refused.Detail}")),
            ],
            json =>
            {
                json.WriteString("verdict", AdmissionAnswer.Name(verdict));
                json.WriteString("about", target.Name);
                json.WriteString("subject", target.SubjectDigest?.ToString());
                json.WritePolicy(by.File, policy);
                json.WriteStartArray("requests");
                foreach (var standing in standings)
                {
                    Write(json, standing, target, claims, policy);
                }

                json.WriteEndArray();
                json.WriteReasons("unread", claims.Unread);
                json.WriteStartArray("refused");
                foreach (var refused in claims.Refused)
                {
                    json.WriteStartObject();
                    json.WriteString("where", refused.Where);
                    json.WriteString("code", refused.Code.ToString());
                    json.WriteString("detail", refused.Detail);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
    }

    private static IEnumerable<Fact> Facts(RequestStanding standing, StatementTarget target, Claims claims, Policy policy)
    {
        var request = (ApprovalRequest)standing.Request.Statement;
        return
        [
            new("request", $"{request.Id}: {request.Action} in {request.Scope.Shown()}, asked by {policy.PersonName(request.Requester.Person)} on {StatementWords.Shown(request.CreatedAt)}"),
            .. StatementWords.CoveredFacts(request),
            .. StatementWords.NotCovered(request, target, policy),
            .. Answers(standing, claims).Select(answer => new Fact("said", $"{StatementWords.Shown(answer.IssuedAt)} {policy.PersonName(answer.Approver.Person)}: {Word(answer)} as {answer.Approver.Role} ({answer.Id})")),
            .. standing.Counted.Select(counted => new Fact("counted", $"{counted.Person} as {counted.Role} ({counted.Approval})")),
            .. standing.Excluded.Select(excluded => new Fact("not counted", excluded)),
            .. standing.Faults.Select(fault => new Fact("in the way", fault)),
            .. standing.Missing.Select(missing => new Fact("still needed", $"{missing}: {string.Join(", ", Candidates(missing.Role, standing, policy))}")),
            .. standing.Grant is { } grant ? [new Fact("stands", $"to begin by {StatementWords.Shown(grant.UseBy)}, to run until {StatementWords.Shown(grant.RunUntil) ?? "any time"}{(grant.MaxUses is { } most ? $", {most} times at most, which the gate counts" : "")}")] : (Fact[])[],
        ];
    }

    // Enough people may have agreed to less than the policy asks for.
    private static bool Stands(RequestStanding standing, StatementTarget target, Policy policy) => standing.Grant is not null && !StatementWords.NotCovered(standing.Request.Statement, target, policy).Any();

    // Whom one could ask; the quorum itself decides about each of them.
    private static IEnumerable<string> Candidates(string role, RequestStanding standing, Policy policy)
    {
        var request = (ApprovalRequest)standing.Request.Statement;
        return policy.Roles[role].People.Where(name => policy.People[name].Id is var id && id != request.Requester.Person && !request.Contributors.Contains(id) && standing.Counted.All(counted => counted.Person != name)).Order(StringComparer.Ordinal).DefaultIfEmpty("nobody else is in this role");
    }

    private static IEnumerable<Approval> Answers(RequestStanding standing, Claims claims) =>
        claims.Approvals.Where(signed => signed.Statement is Approval).DistinctBy(signed => signed.Digest).Select(signed => (Approval)signed.Statement).Where(answer => answer.RequestId == standing.Request.Statement.Id).OrderBy(answer => answer.IssuedAt).ThenBy(answer => answer.Id, StringComparer.Ordinal);

    private static string Word(Approval answer) => answer.Decision switch
    {
        ApprovalDecision.Approve => "yes",
        ApprovalDecision.Reject => "no",
        ApprovalDecision.Withdraw => $"no longer {answer.Withdraws}",
        _ => "seen",
    };

    private static void Write(Utf8JsonWriter json, RequestStanding standing, StatementTarget target, Claims claims, Policy policy)
    {
        var request = (ApprovalRequest)standing.Request.Statement;
        json.WriteStartObject();
        json.WriteString("id", request.Id);
        json.WriteString("digest", standing.Request.Digest.ToString());
        json.WriteString("action", request.Action);
        json.WriteString("category", request.Category);
        WriteTexts(json, "environments", request.Scope.Environments);
        WriteTexts(json, "clusters", request.Scope.Clusters);
        WriteTexts(json, "namespaces", request.Scope.Namespaces);
        WriteTexts(json, "workloads", request.Scope.Workloads);
        json.WriteStartArray("covers");
        foreach (var covered in request.Covers)
        {
            json.WriteStartObject();
            json.WriteString("kind", covered.Kind.ToString().ToLowerInvariant());
            json.WriteString("name", covered.Name);
            json.WriteString("digest", covered.Digest.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("requester", request.Requester.Person);
        json.WriteString("createdAt", StatementWords.Shown(request.CreatedAt));
        json.WriteString("policySeen", request.Policy?.Digest.ToString());
        json.WriteBoolean("stands", Stands(standing, target, policy));
        json.WriteString("useBy", StatementWords.Shown(standing.Grant?.UseBy));
        json.WriteString("runUntil", StatementWords.Shown(standing.Grant?.RunUntil));
        json.WriteStartArray("answers");
        foreach (var answer in Answers(standing, claims))
        {
            json.WriteStartObject();
            json.WriteString("id", answer.Id);
            json.WriteString("decision", answer.Decision.ToString().ToLowerInvariant());
            json.WriteString("person", answer.Approver.Person);
            json.WriteString("name", policy.People.Values.FirstOrDefault(person => person.Id == answer.Approver.Person)?.Name);
            json.WriteString("role", answer.Approver.Role);
            json.WriteString("issuedAt", StatementWords.Shown(answer.IssuedAt));
            json.WriteString("withdraws", answer.Withdraws);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("counted");
        foreach (var counted in standing.Counted)
        {
            json.WriteStartObject();
            json.WriteString("name", counted.Person);
            json.WriteString("role", counted.Role);
            json.WriteString("approval", counted.Approval);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTexts(json, "notCounted", standing.Excluded);
        WriteTexts(json, "inTheWay", [.. standing.Faults, .. StatementWords.NotCovered(request, target, policy).Select(fact => fact.Text)]);
        json.WriteStartArray("stillNeeded");
        foreach (var missing in standing.Missing)
        {
            json.WriteStartObject();
            json.WriteString("role", missing.Role);
            json.WriteNumber("count", missing.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
