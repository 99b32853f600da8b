using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates approve</c>: answers a request: yes, no, no longer, or seen afterwards.</summary>
internal sealed class ApproveCommand
{
    private const int MostEvidence = 256;
    private readonly StatementArguments about = new();
    private readonly StatementSigning signing = new();
    private readonly Option<string?> requestId = new("--request") { Description = "The request, by its id or its statement's digest; not needed where exactly one is open.", HelpName = "ID" };
    private readonly Option<string?> role = new("--role") { Description = "The role in which you answer; not needed where exactly one role of the action is yours.", HelpName = "NAME" };
    private readonly Option<bool> reject = new("--reject") { Description = "Say no: the request is dead." };
    private readonly Option<string?> withdraw = new("--withdraw") { Description = "Take back an approval, a rejection or a request of yours.", HelpName = "ID" };
    private readonly Option<bool> acknowledge = new("--acknowledge") { Description = "Say that you reviewed it afterwards; it approves nothing." };
    private readonly Option<string?> onBehalfOf = new("--on-behalf-of") { Description = "The person for whom you stand in; the two of you count once.", HelpName = "NAME" };
    private readonly Option<string?> useBy = StatementWords.Time("--use-by", "The end of the right to begin; the policy's unless given.");
    private readonly Option<string?> runUntil = StatementWords.Time("--run-until", "The end of the right to go on starting; the policy's unless given.");
    private readonly Option<long?> maxUses = new("--max-uses") { Description = "How often the request may be used; the policy's number unless given.", HelpName = "N" };
    private readonly Option<string?> custody = new("--custody") { Description = "How your key is kept, such as hardware.", HelpName = "TEXT" };
    private readonly Option<string?> rationale = new("--rationale") { Description = "Your reasons, named by digest and kept elsewhere.", HelpName = "FILE" };
    private readonly Option<string?> id = StatementWords.Id();

    private ApproveCommand()
    {
    }

    private ImmutableArray<Option> Content => [requestId, role, reject, withdraw, acknowledge, onBehalfOf, useBy, runUntil, maxUses, custody, rationale, id];

    public static Command Create(Terminal terminal)
    {
        var verb = new ApproveCommand();
        var command = new Command("approve", "Answers a request, after showing what it covers, what hangs on it and who has answered. Examples: gates approve registry.example.com/app@sha256:… --policy governance.yaml --key bob.pem; gates approve registry.example.com/app:v1 --request r-3f0c7a5200004000 --reject --policy governance.yaml --key bob.pem");
        verb.about.AddTo(command, [.. verb.Content, .. verb.signing.Options]);
        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        about.Validate(result);
        signing.Validate(result, terminal);
        (bool Wrong, string Why)[] rules =
        [
            (((Option[])[reject, withdraw, acknowledge]).Count(result.IsGiven) > 1, "--reject, --withdraw and --acknowledge are different answers; give one"),
            (result.GetResult(maxUses) is { Tokens: [var most] } && !(long.TryParse(most.Value, out var number) && number > 0), "--max-uses is a whole number from 1"),
            .. signing.Attaches(result) ? Content.Where(result.IsGiven).Select(option => (true, $"{option.Name} is part of what is signed, and --signature brings that")) : [],
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var file = parsed.GetRequiredValue(about.Policy);
        var policy = PolicyFile.Load(file).Policy;
        var made = signing.Attaches(parsed.CommandResult) ? signing.ReadSignature(parsed, policy) : null;
        var (signer, signatory) = made is null ? await signing.ReadSignerAsync(parsed, policy, terminal, cancellation) : (null, made.Signatory);
        using var held = signer;
        var (target, connections) = await about.OpenAsync(parsed, policy, terminal, cancellation);
        using var open = connections;
        var claims = await target.ReadAsync(new TrustedSigners(policy), terminal, cancellation);
        if (!(await about.RevocationsAsync(parsed, file, policy, terminal, cancellation)).Try(out var revocations, out var unread))
        {
            claims = claims with { Unread = claims.Unread.Add(unread) };
        }

        var known = new Known(target, claims, policy, revocations ?? RevocationList.Empty, terminal.NowToTheSecond());
        var signed = made is null ? null : SignedBefore(made, target, claims);
        var request = Choose(signed?.RequestDigest.ToString() ?? RequestNamed(parsed, claims, signatory.Person), known);
        var asked = (ApprovalRequest)request.Statement;
        var rule = policy.FindRule(asked) ?? policy.RuleOf(asked.Action);
        var approval = signed ?? Make(parsed, request, signatory, rule, known);
        Check(approval, request, rule, signatory, known);
        var subject = target.SubjectDigest is { } digest ? (target.SubjectName ?? asked.Covers[0].Name, digest) : ActOf(asked);
        var draft = new Draft(approval, target, subject, $"{Answer(approval)} by {signatory} as {approval.Approver.Role}, to request {asked.Id} about {target.Name}", [.. Facts(approval, request, rule, known)])
        {
            Answers = asked,
        };
        return await signing.FinishAsync(parsed, draft, signer, made, parsed.GetRequiredValue(about.Form), terminal, cancellation);
    }

    private static Approval SignedBefore(SignedElsewhere made, StatementTarget target, Claims claims)
    {
        // About an act, the signature is held against each act that was asked for.
        ImmutableArray<Digest?> subjects = target.SubjectDigest is { } digest ? [digest] : [.. claims.Approvals.Select(signed => signed.Statement.Covers[0].Digest).Distinct()];
        foreach (var subject in subjects.SkipLast(1))
        {
            try
            {
                return made.Read<Approval>(target, subject);
            }
            catch (GateException)
            {
                // It may be about one of the others; the last one tells.
            }
        }

        return made.Read<Approval>(target, subjects.LastOrDefault());
    }

    // Others may have used the same id: what somebody takes back is what they said themselves.
    private string? RequestNamed(ParseResult parsed, Claims claims, Person person)
    {
        if (parsed.GetValue(requestId) is { } named || parsed.GetValue(withdraw) is not { } taken)
        {
            return parsed.GetValue(requestId);
        }

        return claims.Approvals.Where(signed => IsOwn(signed, taken, person)).Select(signed => (signed.Statement as Approval)?.RequestDigest ?? signed.Digest).Distinct().ToArray() switch
        {
            [var only] => only.ToString(),
            [] => throw NotOwn(taken, person),
            var several => throw new GateException($"{person.Name} has said '{taken}' of {several.Length} requests", $"name one with --request: {string.Join(", ", several.AsEnumerable())}"),
        };
    }

    private static bool IsOwn(SignedStatement signed, string id, Person person) =>
        signed.Statement.Id == id && (signed.Statement is Approval approval ? approval.Approver.Person : signed.Statement.Requester.Person) == person.Id && signed.Signers.Any(signer => person.Identities.Contains(signer));

    private static GateException NotOwn(string id, Person person) =>
        new($"'{id}' is no statement of {person.Name} that was found here, and only their own can be taken back", "list them with gates approvals; a request of somebody else is refused with --reject");

    private static void CheckWithdrawal(Approval approval, Claims claims, Person person)
    {
        if (approval.Withdraws is { } taken && !claims.Approvals.Any(signed => IsOwn(signed, taken, person)))
        {
            throw NotOwn(taken, person);
        }
    }

    // What a file of statements about acts is about, its requests say themselves.
    private static (string? Name, Digest Digest) ActOf(ApprovalRequest request) => request.Covers.FirstOrDefault(covered => covered.Kind == CoveredKind.Command) is { } act
        ? (act.Name, act.Digest)
        : throw new GateException($"request {request.Id} names no act, so that an answer would be about nothing", "have it asked for anew with gates request --act");

    private static SignedStatement Choose(string? named, Known known)
    {
        var (target, claims, policy) = (known.Target, known.Claims, known.Policy);
        var requests = claims.Approvals.Where(signed => signed.Statement is ApprovalRequest).DistinctBy(signed => signed.Digest).ToList();
        var fitting = named is not null
            ? requests.Where(signed => signed.Statement.Id == named || signed.Digest.ToString() == named).ToList()
            : requests.Where(signed => policy.FindRule(signed.Statement) is { } rule && known.Standing(rule, signed) is { Faults.IsEmpty: true }).ToList();
        var unread = claims.Unread.IsEmpty ? "" : $"; not everything could be read: {string.Join("; ", claims.Unread)}";
        return fitting switch
        {
            [var only] => only,
            [] when named is not null => throw new GateException($"{target.Name} has no request {named}{unread}", requests.Count == 0 ? "ask for it with gates request" : $"name one of {string.Join(", ", requests.Select(signed => signed.Statement.Id))}"),
            [] => throw new GateException($"{target.Name} has no open request{string.Concat(requests.Select(Closed))}{unread}", requests.Count == 0 ? "ask for it with gates request" : "see gates approvals, and name one with --request"),
            _ => throw new GateException($"{target.Name} has {fitting.Count} {(named is null ? "open requests" : $"requests '{named}'")}", $"name one with --request: {string.Join(", ", fitting.Select(signed => named is null ? signed.Statement.Id : signed.Digest.ToString()))}"),
        };

        string Closed(SignedStatement signed) =>
            $": {signed.Statement.Id} {(policy.FindRule(signed.Statement) is { } rule ? string.Join(", ", known.Standing(rule, signed).Faults) : $"is for {signed.Statement.Action}, which the policy does not have")}";
    }

    private Approval Make(ParseResult parsed, SignedStatement request, Signatory signatory, ApprovalRule rule, Known known)
    {
        var (policy, now) = (known.Policy, known.Now);
        var asked = (ApprovalRequest)request.Statement;
        var decision = parsed.GetValue(reject) ? ApprovalDecision.Reject : parsed.GetValue(withdraw) is not null ? ApprovalDecision.Withdraw : parsed.GetValue(acknowledge) ? ApprovalDecision.Acknowledge : ApprovalDecision.Approve;
        return new()
        {
            Id = parsed.GetValue(id) ?? StatementWords.NewId('a'),
            RequestId = asked.Id,
            RequestDigest = request.Digest,
            ChangeId = asked.ChangeId,
            Decision = decision,
            Action = asked.Action,
            Scope = asked.Scope,
            Covers = asked.Covers,
            Approver = new(
                signatory.Person.Id,
                parsed.GetValue(role) ?? RoleOf(signatory.Person, rule, decision, policy),
                signatory.Identity,
                parsed.GetValue(onBehalfOf) is { } principal ? policy.PersonId(principal) : null,
                parsed.GetValue(custody)),
            Requester = asked.Requester,
            Contributors = asked.Contributors,
            EvidenceSeen = [.. Seen(known.Claims).Take(MostEvidence).Select(claim => new EvidenceSeen(TypeOf(claim), claim.Evidence))],
            Policy = new(policy.Name, policy.Version, policy.Digest),
            IssuedAt = now,
            UseBy = parsed.GetTime(useBy, now) ?? now + rule.UseBy,
            RunUntil = parsed.GetTime(runUntil, now),
            MaxUses = parsed.GetValue(maxUses),
            Withdraws = parsed.GetValue(withdraw),
            Tickets = asked.Tickets,
            Rationale = parsed.GetDigest(rationale),
            RevocationVersion = known.Revocations.Number > 0 ? known.Revocations.Number : null,
        };
    }

    // A "no" is told in whatever role its giver has; a yes has to say as what.
    private static string RoleOf(Person person, ApprovalRule rule, ApprovalDecision decision, Policy policy)
    {
        ImmutableArray<string> mine = [.. rule.Require.Select(slot => slot.Role).Where(role => policy.Roles[role].People.Contains(person.Name))];
        return mine switch
        {
            [var only] => only,
            [var first, ..] when decision != ApprovalDecision.Approve => first,
            [] when decision != ApprovalDecision.Approve => "none",
            [] => throw new GateException($"{person.Name} is in none of the roles that {rule.Action} needs ({string.Join(" and ", rule.Require)}), so that the approval would not count", "have it approved by a person in one of them"),
            _ => throw new GateException($"{person.Name} is in several roles that {rule.Action} needs", $"say in which you answer with --role: {string.Join(", ", mine)}"),
        };
    }

    // Who could never count is told so before anything is signed, in the words of the quorum itself.
    private static void Check(Approval approval, SignedStatement request, ApprovalRule rule, Signatory signatory, Known known)
    {
        var (claims, policy) = (known.Claims, known.Policy);
        if (approval.Approver.Person != signatory.Person.Id || approval.Approver.Identity != signatory.Identity)
        {
            throw new GateException($"the approval names {policy.PersonName(approval.Approver.Person)} as approver, and {signatory} signed it", "have it signed by the approver, with the key that it names");
        }

        CheckWithdrawal(approval, claims, signatory.Person);
        if (approval.Decision is not ApprovalDecision.Approve)
        {
            return;
        }

        StatementWords.CheckShown((ApprovalRequest)request.Statement);

        // Alone with what else could stop it: other approvals of the same person may lie in the way only where the roles conflict.
        var self = new SignedStatement(approval, [signatory.Identity], Digest.Of(ApprovalStatements.Write(approval)), "this approval");
        IReadOnlyCollection<SignedStatement> others = [.. claims.Approvals.Where(signed => !IsOwnApproval(signed) || Conflict(((Approval)signed.Statement).Approver.Role, approval.Approver.Role))];
        var standing = known.Standing(rule, request, [.. others, self]);
        if (!standing.Faults.IsEmpty)
        {
            throw new GateException($"request {request.Statement.Id} cannot be used, whoever approves it: {string.Join("; ", standing.Faults)}", "have it asked for anew with gates request, or sign with --reject");
        }

        // One of two who count once together may still say it for both.
        if (!standing.Counted.Any(counted => counted.Approval == approval.Id) && standing.Excluded.Where(excluded => excluded.StartsWith($"{signatory.Person.Name}, who ", StringComparison.Ordinal) && !excluded.StartsWith($"{signatory.Person.Name}, who counts once ", StringComparison.Ordinal)).ToArray() is [_, ..] why)
        {
            throw new GateException($"this approval would not count: {string.Join("; ", why)}", $"have it approved by somebody else: {string.Join(" and ", rule.Require)}");
        }

        bool IsOwnApproval(SignedStatement signed) => signed.Statement is Approval { Decision: ApprovalDecision.Approve } own && own.Approver.Person == approval.Approver.Person;
        bool Conflict(string one, string other) => policy.Roles.GetValueOrDefault(one)?.ConflictsWith.Contains(other) == true || policy.Roles.GetValueOrDefault(other)?.ConflictsWith.Contains(one) == true;
    }

    private static IEnumerable<Fact> Facts(Approval approval, SignedStatement request, ApprovalRule rule, Known known)
    {
        var (target, claims, policy, now) = (known.Target, known.Claims, known.Policy, known.Now);
        var asked = (ApprovalRequest)request.Statement;
        var standing = known.Standing(rule, request);
        var counts = approval.Decision == ApprovalDecision.Reject && !rule.Require.Any(slot => policy.Roles[slot.Role].People.Contains(policy.PersonName(approval.Approver.Person)));
        return
        [
            .. StatementWords.RequestFacts(asked, target, policy),
            new("request", $"{asked.Id}, {request.Digest}, of {StatementWords.Shown(asked.CreatedAt)} ({request.Where})"),
            .. Seen(claims).Select(claim => new Fact("evidence", $"{TypeOf(claim)} by {string.Join(" and ", claim.Signers.Select(signer => NameOf(signer, policy)))} ({claim.Where})")),
            .. target.Image is not null && !Seen(claims).Any() ? [new Fact("evidence", "none that the policy's keys or subjects signed")] : (Fact[])[],
            new("policy", policy.Shown()),
            .. asked.Policy is { } seen && seen.Digest != policy.Digest ? [new Fact("policy changed", $"the requester saw {seen.Name} version {seen.Version}, {seen.Digest}")] : (Fact[])[],
            .. standing.Faults.Select(fault => new Fact("in the way", fault)),
            .. claims.Approvals.Select(signed => signed.Statement).OfType<Approval>().Where(other => other.RequestId == asked.Id).OrderBy(other => other.IssuedAt).Select(other => new Fact("said", $"{StatementWords.Shown(other.IssuedAt)} {policy.PersonName(other.Approver.Person)}: {Answer(other)} as {other.Approver.Role} ({other.Id})")),
            .. standing.Excluded.Select(excluded => new Fact("not counted", excluded)),
            .. standing.Missing.Select(missing => new Fact("still needed", missing.ToString())),
            .. claims.Unread.Select(unread => new Fact("unread", unread.ToString())),
            .. counts ? [new Fact("remark", $"{policy.PersonName(approval.Approver.Person)} is in no role that {rule.Action} needs, so that this rejection stops nothing")] : (Fact[])[],
            .. approval.Decision == ApprovalDecision.Approve
                ? [
                    new Fact("use by", $"{StatementWords.Shown(approval.UseBy)}{(approval.UseBy > now + rule.UseBy ? $", which the policy ends at {StatementWords.Shown(now + rule.UseBy)}" : "")}"),
                    new Fact("run until", StatementWords.Shown(approval.RunUntil ?? now + rule.RunUntil) ?? "without end"),
                    .. (approval.MaxUses ?? rule.MaxUses) is { } most ? [new Fact("uses", $"at most {most}")] : (Fact[])[],
                ]
                : (Fact[])[],
        ];
    }

    private static string Answer(Approval approval) => approval.Decision switch
    {
        ApprovalDecision.Approve => "an approval",
        ApprovalDecision.Reject => "a rejection",
        ApprovalDecision.Withdraw => $"a withdrawal of {approval.Withdraws}",
        _ => "an acknowledgement",
    };

    private static IEnumerable<Claim> Seen(Claims claims) => claims.Proven.Where(claim => claim.Approval is null);

    private static string TypeOf(Claim claim) => claim.PredicateType is { Length: > 0 } type ? type : "signature";

    private static string NameOf(Identity signer, Policy policy) => policy.PersonOf(signer)?.Name ?? policy.RobotOf(signer)?.Name ?? signer.ToString()!;

    /// <summary>What is known when somebody answers.</summary>
    /// <param name="Revocations">What no longer counts; empty where the list could not be read, which the claims then tell.</param>
    private sealed record Known(StatementTarget Target, Claims Claims, Policy Policy, RevocationList Revocations, DateTimeOffset Now)
    {
        /// <summary>How a request stands. A window that is to come does not close it to approvals.</summary>
        public RequestStanding Standing(ApprovalRule rule, SignedStatement request, IReadOnlyCollection<SignedStatement>? statements = null)
        {
            var asked = (ApprovalRequest)request.Statement;
            return StatementWords.Stand(StatementWords.Need(rule, Target, asked, Policy, null, null, null), request with { Statement = asked.NotBefore > Now ? asked with { NotBefore = null } : asked }, statements ?? Claims.Approvals, Policy, Revocations, Now);
        }
    }
}
