using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Cli.Statements;

/// <summary>What the verbs about approvals share: times and ids of a command line, and a statement in words.</summary>
internal static class StatementWords
{
    private const int MostDocumentBytes = 64 * 1024 * 1024;
    private static readonly string[] Times = ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:sszzz"];

    /// <summary>An option whose value is a time, or how long from now.</summary>
    public static Option<string?> Time(string name, string description)
    {
        var option = new Option<string?>(name) { Description = $"{description} RFC 3339, such as 2026-01-31T10:00:00Z, or from now: 12h, 7d.", HelpName = "TIME" };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => ReadTime(token.Value, DateTimeOffset.UnixEpoch) is null))
            {
                result.AddError($"{name} '{token.Value}' is neither a time such as 2026-01-31T10:00:00Z nor a duration such as 7d");
            }
        });
        return option;
    }

    /// <summary>The time that an option says, to the second; null where it is not given.</summary>
    public static DateTimeOffset? GetTime(this ParseResult parsed, Option<string?> option, DateTimeOffset now) => parsed.GetValue(option) is { } text ? ReadTime(text, now) : null;

    /// <summary>An option that fixes the id of what is signed.</summary>
    public static Option<string?> Id()
    {
        var option = new Option<string?>("--id") { Description = "The statement's id; random unless given.", HelpName = "ID" };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.Length is 0 or > 64 || token.Value.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))))
            {
                result.AddError($"--id '{token.Value}' is not 1 to 64 letters, digits, '-', '_' and '.'");
            }
        });
        return option;
    }

    /// <summary>A new id that nobody can guess.</summary>
    public static string NewId(char kind) => $"{kind}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}";

    /// <summary>The current time as statements write it: to the second.</summary>
    public static DateTimeOffset NowToTheSecond(this Terminal terminal) => ToTheSecond(terminal.Clock.GetUtcNow());

    /// <summary>SHA-256 of a document that a statement names; null where the option is not given.</summary>
    public static Digest? GetDigest(this ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } file ? Digest.Of(InputFile.Read(file, $"document of {option.Name}", MostDocumentBytes)) : null;

    /// <summary>The id of a person whom the command line names by name or id.</summary>
    /// <exception cref="GateException">There is no such person: a typing mistake must not make somebody count.</exception>
    public static string PersonId(this Policy policy, string name) =>
        (policy.People.GetValueOrDefault(name) ?? policy.People.Values.FirstOrDefault(person => person.Id == name))?.Id
        ?? throw new GateException($"'{name}' is nobody in the policy {policy.Name} version {policy.Version}", $"name one of {string.Join(", ", policy.People.Keys.Order(StringComparer.Ordinal))}");

    /// <summary>A person's name, or the id where the policy does not know it.</summary>
    public static string PersonName(this Policy policy, string id) => policy.People.Values.FirstOrDefault(person => person.Id == id)?.Name ?? $"'{id}'";

    /// <summary>The rule of an action.</summary>
    /// <exception cref="GateException">The policy has none.</exception>
    public static ApprovalRule RuleOf(this Policy policy, string action) => policy.FindRule(action)
        ?? throw new GateException(
            $"'{action}' is no action of the policy {policy.Name} version {policy.Version}",
            policy.Approvals.Keys.Concat(SessionSettings.Actions.Where(session => policy.FindRule(session) is not null)).Order(StringComparer.Ordinal).ToArray() is [_, ..] actions ? $"use one of {string.Join(", ", actions)}" : "add it under spec.approvals");

    /// <summary>The rule of an action, or of a kind of session that must be approved; null where the policy has none.</summary>
    public static ApprovalRule? FindRule(this Policy policy, string action) => policy.Approvals.GetValueOrDefault(action) ?? (action switch
    {
        SessionSettings.ExecAction => policy.Admission.Sessions.Exec,
        SessionSettings.AttachAction => policy.Admission.Sessions.Attach,
        SessionSettings.PortForwardAction => policy.Admission.Sessions.PortForward,
        _ => null,
    } as SessionRule.Require)?.Approval;

    /// <summary>Who may have to agree to what was asked for; null where the policy does not have its action.</summary>
    /// <remarks>Of a declared object whose values are ruled nobody can tell here which of them move: what all of them ask for is counted in.</remarks>
    public static ApprovalRule? FindRule(this Policy policy, ApprovalStatement request) => policy.FindRule(request.Action) is { } rule
        ? request.Covers.Any(covered => covered.Kind is CoveredKind.Object or CoveredKind.Command) ? policy.WithValues(rule) : rule
        : null;

    /// <summary>Who must agree before a damaged ledger goes on.</summary>
    /// <exception cref="GateException">The policy lets nobody.</exception>
    public static ApprovalRule RecoveryRule(this Policy policy) => policy.LedgerRecovery
        ?? throw new GateException($"the policy {policy.Name} version {policy.Version} lets nobody recover a ledger", "have ledger.recover added to it, which names an action of its approvals; or keep the folder as it is, and begin another log");

    /// <summary>A policy in words.</summary>
    public static string Shown(this Policy policy) => $"{policy.Name} version {policy.Version}, {policy.Digest}";

    /// <summary>A scope in words.</summary>
    public static string Shown(this ApprovalScope scope)
    {
        var words = new StringBuilder(scope.Environments.IsEmpty ? "no environment" : string.Join(" and ", scope.Environments));
        foreach (var (what, names) in new[] { ("cluster", scope.Clusters), ("namespace", scope.Namespaces), ("workload", scope.Workloads) })
        {
            words.Append(names.IsEmpty ? "" : $", {what} {string.Join(" or ", names)}");
        }

        return words.ToString();
    }

    /// <summary>Each covered thing, by name and digest.</summary>
    public static IEnumerable<Fact> CoveredFacts(ApprovalStatement statement) =>
        statement.Covers.Select(covered => new Fact("covers", $"{covered.Kind.ToString().ToLowerInvariant()} {(covered.Name is { } name ? name + " " : "")}{covered.Digest}"));

    /// <summary>Refuses a request for something that nobody can look at: a template, an object or a command of which it brings the digest alone.</summary>
    /// <exception cref="GateException">It is one.</exception>
    public static void CheckShown(ApprovalRequest request)
    {
        if (request.Covers.FirstOrDefault(covered => covered.Kind != CoveredKind.Artifact && covered.Projection.IsEmpty) is { } unseen)
        {
            throw new GateException($"request {request.Id} names {unseen.Kind.ToString().ToLowerInvariant()} {unseen.Name} by its digest alone, so that nobody can see what would be approved", "have it asked for anew with gates request, which brings the document, or sign with --reject");
        }
    }

    /// <summary>What a rule of the policy asks to be covered and the statement does not name.</summary>
    public static IEnumerable<Fact> NotCovered(ApprovalStatement statement, StatementTarget target, Policy policy) =>
        target.Image is not { } image || statement.Covers.Any(covered => covered.Kind == CoveredKind.Template)
            ? []
            : policy.Images
                .Where(rule => rule.Match.Any(pattern => pattern.Matches(image.Subject.Repository)))
                .Where(rule => rule.Demand is ImageDemand.Require { Approved: { CoversTemplate: true } approved } && approved.Action == statement.Action && (approved.Environments.IsEmpty || approved.Environments.Intersect(statement.Scope.Environments).Any()))
                .Select(rule => new Fact("not covered", $"the pod template, which {rule.Path}.approved asks for: nothing will start by this alone; add --template MANIFEST to the request"));

    /// <summary>A request in words.</summary>
    public static IEnumerable<Fact> RequestFacts(ApprovalRequest request, StatementTarget target, Policy policy) =>
    [
        new("action", $"{request.Action} ({request.Category})"),
        new("asks", $"{policy.PersonName(request.Requester.Person)} ({request.Requester.Person})"),
        .. request.Contributors.IsEmpty ? (Fact[])[] : [new Fact("contributors", string.Join(", ", request.Contributors.Select(policy.PersonName)))],
        new("where", request.Scope.Shown()),
        .. CoveredFacts(request),
        .. target.Recovery is { } recovery ? [new Fact("gives up", $"{recovery.Lost}, of a ledger whose last known checkpoint is of {recovery.Checkpoint.Size}: {recovery.Damage}")] : (Fact[])[],
        .. NotCovered(request, target, policy),
        .. request.NotBefore is null && request.NotAfter is null ? (Fact[])[] : [new Fact("window", $"{Shown(request.NotBefore) ?? "now"} to {Shown(request.NotAfter) ?? "the end of the approvals"}")],
        .. ((string Label, Digest? Digest)[])[("impact", request.Impact), ("risk", request.Risk), ("rollback", request.Rollback)] is var documents ? documents.Where(document => document.Digest is not null).Select(document => new Fact(document.Label, document.Digest!.ToString())) : [],
        .. request.Checks.Select(check => new Fact("check", $"{check.Name}: {check.Result}{(check.Digest is { } digest ? $" ({digest})" : "")}")),
        .. request.Tickets.Select(ticket => new Fact("ticket", $"{ticket.System} {ticket.Id}")),
        .. request.ChangeId is { } change ? [new Fact("change", change)] : (Fact[])[],
        new("needs", policy.FindRule(request) is { } most && policy.FindRule(request.Action) is { } rule ? $"{string.Join(" and ", rule.Require)}{(most.Require.SequenceEqual(rule.Require) ? "" : $"; {string.Join(" and ", most.Require)} where all ruled values move")}" : "an action that the policy does not have"),
    ];

    /// <summary>What the quorum is asked about one request: that which it names itself, where the command line does not narrow it.</summary>
    /// <param name="templates">Pod templates that it must cover besides.</param>
    public static ApprovalNeed Need(ApprovalRule rule, StatementTarget target, ApprovalRequest request, Policy policy, string? environment, string? cluster, string? @namespace, ImmutableArray<Covered> templates = default) =>
        target.NextPolicy(request.Action) is { } next && PolicyChain.Need(policy, next) is { } change ? change : new(
        rule,
        $"approvals.{rule.Action}",
        target.Name,
        [.. target.Covers is { } covers ? [covers] : request.Covers, .. templates.IsDefault ? [] : templates],
        environment ?? request.Scope.Environments.FirstOrDefault(),
        cluster ?? request.Scope.Clusters.FirstOrDefault(),
        @namespace ?? request.Scope.Namespaces.FirstOrDefault(),
        templates is { IsDefault: false } and [{ Name: var workload }] ? workload : request.Scope.Workloads.FirstOrDefault())
        {
            Difference = (approved, actual) => TemplateProjection.Difference(approved, actual),
        };

    /// <summary>How a request stands.</summary>
    public static RequestStanding Stand(ApprovalNeed need, SignedStatement request, IReadOnlyCollection<SignedStatement> statements, Policy policy, RevocationList revocations, DateTimeOffset now) =>
        Quorum.Stand(need, request, statements, policy, revocations, new Dictionary<string, long>(), now);

    /// <summary>A time in words.</summary>
    public static string? Shown(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>The moment that a text says, to the second; null where it says none.</summary>
    public static DateTimeOffset? ReadMoment(string text) =>
        DateTimeOffset.TryParseExact(text, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? ToTheSecond(time) : null;

    /// <summary>The duration that a text such as <c>90s</c> or <c>7d</c> says, of at most a century; null where it says none.</summary>
    public static TimeSpan? ReadSpan(string text)
    {
        var unit = text.Length is > 1 and <= 6 ? text[^1] switch { 's' => 1L, 'm' => 60, 'h' => 3_600, 'd' => 86_400, 'w' => 604_800, _ => 0 } : 0;
        return unit > 0 && text[..^1].All(char.IsAsciiDigit) && int.Parse(text.AsSpan(0, text.Length - 1), CultureInfo.InvariantCulture) is > 0 and var count && TimeSpan.FromSeconds(count * unit) is var span && span < TimeSpan.FromDays(36_525)
            ? span
            : null;
    }

    private static DateTimeOffset? ReadTime(string text, DateTimeOffset now) => ReadMoment(text) ?? (ReadSpan(text) is { } span ? ToTheSecond(now + span) : null);

    private static DateTimeOffset ToTheSecond(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
}
