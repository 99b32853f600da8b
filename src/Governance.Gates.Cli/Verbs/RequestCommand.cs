using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates request</c>: asks for approval of exactly this, in exactly this place.</summary>
internal sealed class RequestCommand
{
    private readonly StatementArguments about = new();
    private readonly StatementSigning signing = new();
    private readonly Option<string?> act = new("--act") { Description = "Something to be done that has no artifact, such as key-rotation, instead of an image or file.", HelpName = "NAME" };
    private readonly DeclaredArguments declared = new();
    private readonly Option<string?> action = new("--action") { Description = "The action of the policy's approvals; with --act its name unless given, with --session that of the session.", HelpName = "ACTION" };
    private readonly Option<string[]> environments = new("--environment") { Description = "Where it may be used. Needed but for files and acts. May be given again.", HelpName = "NAME" };
    private readonly Option<string[]> namespaces = new("--namespace") { Description = "Only in this namespace. May be given again.", HelpName = "NAME" };
    private readonly Option<string[]> clusters = new("--cluster") { Description = "Only in the cluster whose kube-system namespace has this UID. May be given again.", HelpName = "UID" };
    private readonly Option<string[]> workloads = new("--workload") { Description = "Only for this workload. May be given again.", HelpName = "KIND/NAME" };
    private readonly Option<string?> template = new("--template") { Description = "Manifests whose pod templates are covered too: what runs and what it can reach.", HelpName = "MANIFEST" };
    private readonly Option<string> category = new Option<string>("--category") { Description = "The kind of change.", DefaultValueFactory = _ => "normal" }.OneOf("standard", "normal", "emergency", "break-glass");
    private readonly Option<string[]> contributors = new("--contributor") { Description = "A person who made what is asked for, and so does not count. May be given again.", HelpName = "NAME|ID" };
    private readonly Option<string?> change = new("--change-id") { Description = "The chain from pull request to pod.", HelpName = "ID" };
    private readonly Option<string[]> tickets = new("--ticket") { Description = "A change ticket. May be given again.", HelpName = "SYSTEM=ID" };
    private readonly Option<string?> impact = new("--impact") { Description = "The impact assessment, named by digest.", HelpName = "FILE" };
    private readonly Option<string?> risk = new("--risk") { Description = "The risk assessment, named by digest.", HelpName = "FILE" };
    private readonly Option<string?> rollback = new("--rollback") { Description = "The rollback plan, named by digest.", HelpName = "FILE" };
    private readonly Option<string?> notBefore = StatementWords.Time("--not-before", "Nothing may begin before.");
    private readonly Option<string?> notAfter = StatementWords.Time("--not-after", "Nothing may begin after.");
    private readonly Option<string?> parameters = new("--parameters") { Description = "What is changed, such as old and new value: a JSON object.", HelpName = "FILE" };
    private readonly Option<string?> id = StatementWords.Id();

    private RequestCommand()
    {
    }

    /// <summary>What the statement says; none of it goes with a signature that was made already.</summary>
    private ImmutableArray<Option> Content => [action, environments, namespaces, clusters, workloads, template, contributors, change, tickets, impact, risk, rollback, notBefore, notAfter, id];

    public static Command Create(Terminal terminal)
    {
        var verb = new RequestCommand();
        var command = new Command("request", "Asks for approval: signs a request that names exactly what it covers and where. Examples: gates request registry.example.com/app@sha256:… --action production-deployment --environment production --policy governance.yaml --key alice.pem; gates request governance.yaml --action policy-change --policy in-force.yaml --key alice.pem");
        verb.about.AddTo(command, [verb.act, .. verb.declared.Options, .. verb.Content, verb.category, verb.parameters, .. verb.signing.Options]);
        command.Add(verb.declared.Words);
        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        var isDeclared = declared.IsGiven(result);
        declared.Validate(result, about.Target, namespaces);
        if (!isDeclared)
        {
            about.Validate(result, result.IsGiven(act) ? null : ", or --act NAME, --object FILE or --session KIND");
        }

        signing.Validate(result, terminal);
        var attaches = signing.Attaches(result);
        (bool Wrong, string Why)[] rules =
        [
            (isDeclared && result.IsGiven(act), "--act is one thing and --object and --session others; name one of them"),
            (!attaches && !result.IsGiven(action) && !result.IsGiven(act) && !declared.IsSession(result), "say what is to be done: --action ACTION"),
            (result.IsGiven(action) && declared.IsSession(result), "a session has an action of its own; leave out --action"),
            (!attaches && !result.IsGiven(environments) && (isDeclared || !about.IsOutsideOfEnvironments(result)), $"say where {(isDeclared ? "it" : "the image")} is to be used: --environment NAME"),
            (Words(result, tickets).Any(ticket => ticket.IndexOf('=', StringComparison.Ordinal) is var at && (at < 1 || at == ticket.Length - 1)), "--ticket is SYSTEM=ID"),
            (Words(result, workloads).Any(workload => workload.Split('/') is not [{ Length: > 0 }, { Length: > 0 }]), "--workload is KIND/NAME, such as Deployment/app"),
            (result.GetResult(act) is { Tokens: [var named] } && !IsActName(named.Value), "--act is a word of lower-case letters, digits and '-', such as key-rotation"),
            (result.IsGiven(template) && (isDeclared || about.IsOutsideOfEnvironments(result)), "--template goes with an image"),
            .. attaches ? Content.Where(option => result.IsGiven(option) && !(isDeclared && option == namespaces)).Select(option => (true, $"{option.Name} is part of what is signed, and --signature brings that")) : [],
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var policy = PolicyFile.Load(parsed.GetRequiredValue(about.Policy)).Policy;
        var made = signing.Attaches(parsed.CommandResult) ? signing.ReadSignature(parsed, policy) : null;
        var (signer, signatory) = made is null ? await signing.ReadSignerAsync(parsed, policy, terminal, cancellation) : (null, made.Signatory);
        using var held = signer;
        var given = parsed.GetValue(parameters) is { } file ? CanonicalJson.ReadFile(file) : default;
        var (target, connections) = parsed.GetValue(act) is { } name ? (StatementTarget.OfAct(name, given, parsed.GetValue(about.Kept)), null)
            : await declared.ReadAsync(parsed, about.Target, Words(parsed, namespaces), parsed.GetValue(action), policy, terminal, cancellation) is { } document ? about.OpenDocument(parsed, policy, document.Digest, document, terminal)
            : await about.OpenAsync(parsed, policy, terminal, cancellation);
        using var open = connections;
        if (target.Covers is not { } covers)
        {
            throw new GateException($"'{parsed.GetValue(about.Target)}' names statements, and nothing to ask for", "name what they are about, or say it with --act, --object or --session");
        }

        var request = made?.Read<ApprovalRequest>(target, null) ?? await MakeAsync(parsed, target, covers, signatory, given, policy, terminal, cancellation);
        Check(request, signatory, policy, terminal.Clock.GetUtcNow());
        CheckChange(request, target, policy);
        CheckRecovery(request, target, policy);
        var draft = new Draft(request, target, (target.SubjectName, covers.Digest), $"a request by {signatory}, about {target.Name}", [.. StatementWords.RequestFacts(request, target, policy), new("policy", policy.Shown()), new("request", request.Id)]);
        return await signing.FinishAsync(parsed, draft, signer, made, parsed.GetRequiredValue(about.Form), terminal, cancellation);
    }

    private async Task<ApprovalRequest> MakeAsync(ParseResult parsed, StatementTarget target, Covered covers, Signatory signatory, ReadOnlyMemory<byte> given, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var now = terminal.NowToTheSecond();
        return new()
        {
            Id = parsed.GetValue(id) ?? StatementWords.NewId('r'),
            ChangeId = parsed.GetValue(change),
            Action = parsed.GetValue(action) ?? parsed.GetValue(act) ?? declared.ActionOf(parsed),
            Category = parsed.GetRequiredValue(category),
            Requester = new(signatory.Person.Id, signatory.Identity),
            Contributors = [.. (parsed.GetValue(contributors) ?? []).Select(policy.PersonId).Distinct()],
            Scope = new(Words(parsed, environments), Words(parsed, clusters), Words(parsed, namespaces), Words(parsed, workloads)),
            Covers = [covers, .. parsed.GetValue(template) is { } manifest ? await CoveredTemplates.ReadAsync(manifest, policy, terminal, cancellation) : []],
            Parameters = parsed.GetValue(act) is null ? given : default,
            NotBefore = parsed.GetTime(notBefore, now),
            NotAfter = parsed.GetTime(notAfter, now),
            Impact = parsed.GetDigest(impact),
            Risk = parsed.GetDigest(risk),
            Rollback = parsed.GetDigest(rollback),
            Tickets = [.. (parsed.GetValue(tickets) ?? []).Select(ticket => ticket.Split('=', 2)).Select(ticket => new Ticket(ticket[0], ticket[1], null))],
            Policy = new(policy.Name, policy.Version, policy.Digest),
            CreatedAt = now,
        };
    }

    // What could never be approved or used is refused before anybody spends time on it.
    private static void Check(ApprovalRequest request, Signatory signatory, Policy policy, DateTimeOffset now)
    {
        policy.RuleOf(request.Action);
        StatementWords.CheckShown(request);
        if (request.Requester != new Party(signatory.Person.Id, signatory.Identity))
        {
            throw new GateException($"the request names {policy.PersonName(request.Requester.Person)} as requester, and {signatory} signed it", "have it signed by the requester, with the key that it names");
        }

        if (policy.WhyNotNow(signatory.Identity, now) is { } invalid)
        {
            throw new GateException($"{signatory.Person.Name} {invalid}", "sign with a key that counts now");
        }

        if (request.NotAfter <= request.NotBefore || request.NotAfter < now)
        {
            throw new GateException($"the window from {StatementWords.Shown(request.NotBefore) ?? "now"} to {StatementWords.Shown(request.NotAfter)} is empty", "give --not-before and --not-after in this order, and an end that is to come");
        }

        var named = request.Scope.Environments.Select(name => policy.Environments.GetValueOrDefault(name)
            ?? throw new GateException($"'{name}' is no environment of the policy {policy.Name}", $"use one of {string.Join(", ", policy.Environments.Keys.Order(StringComparer.Ordinal))}")).ToList();
        if (named.Count > 0 && request.Scope.Namespaces.FirstOrDefault(name => !named.Any(environment => environment.Namespaces.Contains(name) || environment.Namespaces.Contains("*"))) is { } lost)
        {
            throw new GateException($"the namespace '{lost}' is in none of the environments {string.Join(", ", request.Scope.Environments)}, so that nothing could be used there", "name a namespace of the environment");
        }

        if (named.Count > 0 && request.Scope.Clusters.FirstOrDefault(uid => !named.Any(environment => environment.Clusters.Contains(uid, StringComparer.OrdinalIgnoreCase))) is { } cluster)
        {
            throw new GateException($"the cluster '{cluster}' is in none of the environments {string.Join(", ", request.Scope.Environments)}, so that nothing could be used there", "name a cluster of the environment by its UID");
        }
    }

    // Under the wrong action a change of the policy would find its approvals, and no gate would take it.
    private static void CheckChange(ApprovalRequest request, StatementTarget target, Policy policy)
    {
        if (target.NextPolicy(request.Action) is not { } next)
        {
            return;
        }

        if (PolicyChain.WhyNotNext(policy, next) is { } why)
        {
            throw new GateException(why.Message, why.Remedy!);
        }

        if (PolicyChain.Need(policy, next)?.Rule.Action is { } needed && needed != request.Action)
        {
            throw new GateException($"version {next.Version} is {(needed == ApprovalRule.PolicyWeakening ? "weaker" : "not weaker")} than the policy in force, which {needed} must approve", $"ask with --action {needed}; gates policy diff tells why");
        }
    }

    private static void CheckRecovery(ApprovalRequest request, StatementTarget target, Policy policy)
    {
        if (target.Recovery is not null && policy.RecoveryRule().Action is var needed && needed != request.Action)
        {
            throw new GateException($"the policy {policy.Name} version {policy.Version} has the recovery of a ledger approved as {needed}", $"ask with --action {needed}");
        }
    }

    private static bool IsActName(string name) => name.Length is > 0 and <= 64 && char.IsAsciiLetterLower(name[0]) && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static IEnumerable<string> Words(CommandResult result, Option<string[]> option) => result.GetResult(option)?.Tokens.Select(token => token.Value) ?? [];

    private static ImmutableArray<string> Words(ParseResult parsed, Option<string[]> option) => [.. (parsed.GetValue(option) ?? []).Distinct(StringComparer.Ordinal)];
}
