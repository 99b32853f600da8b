using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Approvals;

/// <summary>What must be approved before something begins.</summary>
/// <param name="Rule">Who must agree.</param>
/// <param name="Path">The rule that asks, as the policy names it.</param>
/// <param name="What">What is to begin, for people.</param>
/// <param name="Covers">What a request must cover, all of it.</param>
/// <param name="Environment">Where it is to begin; null for what is not in an environment, such as the policy itself: then no scope is asked.</param>
/// <param name="Cluster">UID of the cluster; null where there is none, such as for an act outside of clusters.</param>
/// <param name="Namespace">The namespace; null where there is none.</param>
/// <param name="Workload"><c>Kind/name</c>; null where there is none.</param>
public sealed record ApprovalNeed(
    ApprovalRule Rule,
    string Path,
    string What,
    ImmutableArray<Covered> Covers,
    string? Environment,
    string? Cluster = null,
    string? Namespace = null,
    string? Workload = null)
{
    /// <summary>Persons who do not count besides requester and contributors: whom a change of the policy favours. By id.</summary>
    public ImmutableHashSet<string> Favoured { get; init; } = [];

    /// <summary>Persons who do not count because they contributed to the source, as its review tells, whatever a request says of it. By id.</summary>
    public ImmutableHashSet<string> Wrote { get; init; } = [];

    /// <summary>Tells how a document that was approved differs from the one that is to begin; null where nobody can tell.</summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, IEnumerable<string>>? Difference { get; init; }
}

/// <summary>A person whose approval counted.</summary>
/// <param name="Person">Their name in the policy.</param>
/// <param name="Role">The slot that they fill.</param>
/// <param name="Approval">Id of the approval.</param>
public sealed record CountedApproval(string Person, string Role, string Approval);

/// <summary>A quorum that stands: the right to begin.</summary>
/// <param name="Action">The action.</param>
/// <param name="RequestId">Id of the request.</param>
/// <param name="RequestDigest">SHA-256 of its signed payload.</param>
/// <param name="Counted">Who counted.</param>
/// <param name="UseBy">The end of the right to begin.</param>
/// <param name="RunUntil">The end of the right to go on starting; null is none.</param>
/// <param name="MaxUses">How often the request may be used; null is any number of times.</param>
public sealed record Grant(string Action, string RequestId, Digest RequestDigest, ImmutableArray<CountedApproval> Counted, DateTimeOffset UseBy, DateTimeOffset? RunUntil, long? MaxUses)
{
    /// <summary>The requester and those who counted, and the keys with which they signed.</summary>
    public ImmutableArray<RecordedSigner> Signers { get; init; } = [];
}

/// <summary>How one request stands.</summary>
/// <param name="Request">The request.</param>
/// <param name="Grant">The right that it gives; null where it gives none.</param>
/// <param name="Counted">Who counted, whether or not it suffices.</param>
/// <param name="Excluded">Whose statement did not count, and why.</param>
/// <param name="Missing">Slots that nobody fills.</param>
/// <param name="Faults">What is wrong with the request itself, whoever approves it.</param>
public sealed record RequestStanding(SignedStatement Request, Grant? Grant, ImmutableArray<CountedApproval> Counted, ImmutableArray<string> Excluded, ImmutableArray<RoleCount> Missing, ImmutableArray<string> Faults);

/// <summary>The answer of a quorum.</summary>
/// <param name="Decision">Allow where one request stands; else Deny with who counted, who did not and why.</param>
/// <param name="Grant">What may begin; null where nothing may.</param>
/// <param name="Requests">How each request of the action stands.</param>
public sealed record QuorumOutcome(Decision Decision, Grant? Grant, ImmutableArray<RequestStanding> Requests);

/// <summary>Counts persons. A quorum is over one request: enough distinct persons in the right roles said yes to exactly what it names.</summary>
/// <remarks>Pure, and the same for every order of the statements and however often one is repeated.</remarks>
public static class Quorum
{
    private const int MostStatements = 4_096;
    private const int MostShown = 16;
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    /// <summary>Decides whether something may begin.</summary>
    /// <param name="need">What must be approved.</param>
    /// <param name="statements">Every verified request and approval that is known about it.</param>
    /// <param name="policy">The policy in force.</param>
    /// <param name="revocations">What no longer counts.</param>
    /// <param name="uses">How often each request, by id, was used already; one that is missing was not.</param>
    /// <param name="now">The time of the decision.</param>
    public static QuorumOutcome Decide(ApprovalNeed need, IReadOnlyCollection<SignedStatement> statements, Policy policy, RevocationList revocations, IReadOnlyDictionary<string, long> uses, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(need);
        ArgumentNullException.ThrowIfNull(statements);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(revocations);
        ArgumentNullException.ThrowIfNull(uses);
        if (statements.Count > MostStatements)
        {
            return new(Decision.Unknown(new Reason(need.Path, $"{need.What} carries {statements.Count} requests and approvals, more than {MostStatements}", "remove old ones from the registry")), null, []);
        }

        var distinct = Distinct(statements);
        var standings = distinct
            .Where(signed => signed.Statement is ApprovalRequest && signed.Statement.Action == need.Rule.Action)
            .Select(request => new RequestCount(need, request, distinct, policy, revocations, uses, now).Stand())
            .ToImmutableArray();
        if (standings.FirstOrDefault(standing => standing.Grant is not null) is { Grant: { } grant } granted)
        {
            return new(Decision.AllowBecause(new Reason(need.Path, $"{need.What} is approved by {string.Join(" and ", grant.Counted.Select(counted => $"{counted.Person} ({counted.Role})"))} in request {grant.RequestId}")), grant, standings);
        }

        return standings.IsEmpty
            ? new(Decision.Deny(new Reason(need.Path, $"{need.What} has no request for {need.Rule.Action}, which {string.Join(" and ", need.Rule.Require)} must approve", $"ask for it: gates request --action {need.Rule.Action}")), null, [])
            : new(Decision.Deny([.. standings.Select(standing => Explain(need, standing))]), null, standings);
    }

    /// <summary>How one request stands: what <c>gates approvals</c> shows.</summary>
    /// <exception cref="ArgumentException"><paramref name="request"/> is no request.</exception>
    public static RequestStanding Stand(ApprovalNeed need, SignedStatement request, IReadOnlyCollection<SignedStatement> statements, Policy policy, RevocationList revocations, IReadOnlyDictionary<string, long> uses, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(need);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(statements);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(revocations);
        ArgumentNullException.ThrowIfNull(uses);
        return request.Statement is ApprovalRequest
            ? new RequestCount(need, request, Distinct(statements), policy, revocations, uses, now).Stand()
            : throw new ArgumentException("it is an answer, not a request", nameof(request));
    }

    // One payload is one statement, by whomever and however often it was signed: neither the order nor the number of its envelopes matters.
    private static List<SignedStatement> Distinct(IEnumerable<SignedStatement> statements) =>
    [
        .. statements
            .GroupBy(signed => signed.Digest)
            .OrderBy(same => same.Key.Hex, StringComparer.Ordinal)
            .Select(same => same.MinBy(signed => signed.Where, StringComparer.Ordinal)! with { Signers = [.. same.SelectMany(signed => signed.Signers).Distinct().OrderBy(signer => signer.ToString(), StringComparer.Ordinal)] }),
    ];

    /// <summary>Why what began under a request may not go on: it, or an approval that counted, was rejected, withdrawn or revoked; null where it may.</summary>
    /// <param name="use">The request as it was used.</param>
    /// <param name="statements">Every verified request and approval that is known about it.</param>
    /// <param name="rule">Who must agree.</param>
    /// <param name="policy">The policy in force.</param>
    /// <param name="revocations">What no longer counts.</param>
    /// <param name="now">The time of the decision.</param>
    public static string? TakenBack(ApprovedUse use, IReadOnlyCollection<SignedStatement> statements, ApprovalRule rule, Policy policy, RevocationList revocations, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(use);
        ArgumentNullException.ThrowIfNull(revocations);
        var (requestId, approvalIds) = (use.RequestId, use.Approvals);
        if ((!revocations.People.IsEmpty || !revocations.Keys.IsEmpty) && use.Signers.FirstOrDefault(signer => revocations.People.Contains(signer.Person) || (signer.Key is { } key && revocations.Keys.Contains(key))) is { } signer)
        {
            return $"the person {signer.Person}, who signed for it, or their key was revoked";
        }

        if (!revocations.Approvals.IsEmpty && approvalIds.Prepend(requestId).FirstOrDefault(revocations.Approvals.Contains) is { } revoked)
        {
            return $"{revoked} was revoked";
        }

        // Mostly nobody said no.
        if (!statements.Any(signed => signed.Statement is Approval { Decision: ApprovalDecision.Reject or ApprovalDecision.Withdraw } no && no.RequestDigest == use.RequestDigest))
        {
            return null;
        }

        // Only what is about this very request: anybody may write another of the same id. Who asked is the first of those who are recorded.
        var answers = statements.Where(signed => signed.Statement is Approval approval && approval.RequestDigest == use.RequestDigest).Select(signed => (Signed: signed, Approval: (Approval)signed.Statement)).ToList();
        var requester = use.Signers is [var first, ..] ? first.Person : statements.FirstOrDefault(signed => signed.Digest == use.RequestDigest)?.Statement.Requester.Person;
        var givers = answers.Where(answer => answer.Approval.Decision == ApprovalDecision.Approve).Select(answer => (answer.Approval.Id, answer.Approval.Approver.Person)).ToHashSet();
        foreach (var (signed, approval) in answers)
        {
            if (policy.People.Values.FirstOrDefault(person => person.Id == approval.Approver.Person) is not { } person || !IsOf(person, signed))
            {
                continue;
            }

            switch (approval.Decision)
            {
                case ApprovalDecision.Withdraw when approval.Withdraws == requestId && requester == person.Id:
                    return $"{person.Name} withdrew the request {requestId}";
                case ApprovalDecision.Withdraw when approvalIds.Contains(approval.Withdraws!) && givers.Contains((approval.Withdraws!, person.Id)):
                    return $"{person.Name} withdrew the approval {approval.Withdraws}";
                case ApprovalDecision.Reject when rule.Require.Any(slot => policy.Roles[slot.Role].People.Contains(person.Name)) && !answers.Any(later => later.Approval.Decision == ApprovalDecision.Withdraw && later.Approval.Withdraws == approval.Id && later.Approval.Approver.Person == person.Id && CountsNow(person, later.Signed, later.Approval)):
                    return $"{person.Name} rejected the request {requestId}";
            }
        }

        return null;

        // A "no" is heard with any key of the person but a revoked one; what undoes it must count now.
        bool IsOf(Person person, SignedStatement signed) => signed.Signers.Any(identity => person.Identities.Contains(identity) && !IsRevoked(identity, revocations));

        bool CountsNow(Person person, SignedStatement signed, Approval approval) =>
            approval.Approver.Identity is var identity && signed.Signers.Contains(identity) && person.Identities.Contains(identity)
            && !revocations.People.Contains(person.Id) && !IsRevoked(identity, revocations) && !revocations.Approvals.Contains(approval.Id) && policy.WhyNotNow(identity, now) is null;
    }

    // A subject of an issuer is revoked with its person.
    private static bool IsRevoked(Identity identity, RevocationList revocations) => identity is Identity.Key(var spki) && revocations.Keys.Contains(spki);

    private static Reason Explain(ApprovalNeed need, RequestStanding standing)
    {
        var request = standing.Request.Statement.Id;
        var parts = new List<string>(standing.Faults);
        if (!standing.Missing.IsEmpty)
        {
            parts.Add($"still needed: {string.Join(" and ", standing.Missing)}");
        }

        if (!standing.Counted.IsEmpty)
        {
            parts.Add($"counted: {Some(standing.Counted.Select(counted => $"{counted.Person} ({counted.Role})"))}");
        }

        if (!standing.Excluded.IsEmpty)
        {
            parts.Add($"not counted: {Some(standing.Excluded)}");
        }

        return new(
            need.Path,
            $"{need.What} is not approved by request {request}: {string.Join("; ", parts)}",
            standing.Faults.IsEmpty ? $"have it approved: gates approve --request {request}" : $"ask for exactly this: gates request --action {need.Rule.Action}");
    }

    // Whoever has a key can add statements: a refusal stays readable all the same.
    private static string Some(IEnumerable<string> all)
    {
        var texts = all.ToList();
        return $"{string.Join(", ", texts.Take(MostShown))}{(texts.Count > MostShown ? $" and {texts.Count - MostShown} more" : "")}";
    }

    /// <summary>The count over one request.</summary>
    private sealed class RequestCount
    {
        private readonly ApprovalNeed need;
        private readonly SignedStatement signed;
        private readonly ApprovalRequest request;
        private readonly byte[] binding;
        private readonly Policy policy;
        private readonly RevocationList revocations;
        private readonly long used;
        private readonly DateTimeOffset now;
        private readonly Dictionary<string, Person> people;
        private readonly ImmutableArray<(SignedStatement Signed, Approval Approval)> answers;

        // Who withdrew or replaced which statement of theirs. What says no is heard with any key of theirs, valid or not.
        private readonly HashSet<(string Person, string Statement)> withdrawn;
        private readonly HashSet<(string Person, string Statement)> replaced;

        // What they took back with what counts now: only this can undo a "no".
        private readonly HashSet<(string Person, string Statement)> takenBack;

        // What they said of this request and did not take back: in which roles, and for whom.
        private readonly ImmutableArray<Approver> spoken;
        private readonly Dictionary<string, string> groups;
        private readonly HashSet<string> groupsOut;

        public RequestCount(ApprovalNeed need, SignedStatement signed, IReadOnlyCollection<SignedStatement> all, Policy policy, RevocationList revocations, IReadOnlyDictionary<string, long> uses, DateTimeOffset now)
        {
            this.need = need;
            this.signed = signed;
            this.policy = policy;
            this.revocations = revocations;
            this.now = now;
            request = (ApprovalRequest)signed.Statement;
            binding = ApprovalStatements.Binding(request);
            used = uses.GetValueOrDefault(request.Id);
            people = policy.People.Values.ToDictionary(person => person.Id, StringComparer.Ordinal);
            answers = [.. all.Where(other => other.Statement is Approval approval && approval.RequestId == request.Id).Select(other => (other, (Approval)other.Statement))];
            withdrawn = [.. answers.Where(answer => answer.Approval.Withdraws is not null && Heard(answer) is not null).Select(answer => (answer.Approval.Approver.Person, answer.Approval.Withdraws!))];
            replaced = [.. answers.Where(answer => answer.Approval.Supersedes is { } old && old != answer.Approval.Id && Heard(answer) is not null).Select(answer => (answer.Approval.Approver.Person, answer.Approval.Supersedes!))];
            takenBack =
            [
                .. answers
                    .Where(answer => answer.Approval.Decision != ApprovalDecision.Acknowledge && Heard(answer) is { } person && WhyNotAuthentic(answer, person) is null)
                    .SelectMany(answer => ((string?[])[answer.Approval.Withdraws, answer.Approval.Supersedes]).OfType<string>().Where(old => old != answer.Approval.Id).Select(old => (answer.Approval.Approver.Person, old))),
            ];
            spoken =
            [
                .. answers
                    .Where(answer => answer.Approval.Decision == ApprovalDecision.Approve && answer.Approval.RequestDigest == signed.Digest && Heard(answer) is not null && !takenBack.Contains((answer.Approval.Approver.Person, answer.Approval.Id)))
                    .Select(answer => answer.Approval.Approver),
            ];
            groups = Groups();
            groupsOut = [.. request.Contributors.Append(request.Requester.Person).Concat(need.Favoured).Concat(need.Wrote).Select(person => groups.GetValueOrDefault(person, person))];
        }

        public RequestStanding Stand()
        {
            var faults = Faults().ToList();
            var excluded = new List<string>();
            var counting = new List<(Person Person, Approval Approval)>();
            foreach (var answer in answers.Where(answer => answer.Approval.Decision == ApprovalDecision.Approve))
            {
                var person = people.GetValueOrDefault(answer.Approval.Approver.Person);
                if (WhyNot(answer, person) is { } why)
                {
                    excluded.Add($"{person?.Name ?? $"'{answer.Approval.Approver.Person}'"}, who {why}");
                }
                else
                {
                    counting.Add((person!, answer.Approval));
                }
            }

            // A person and whoever stands in for them count once together, so slots are filled by such groups.
            var slots = need.Rule.Require.SelectMany(slot => Enumerable.Repeat(slot.Role, slot.Count)).ToImmutableArray();
            var candidates = slots.Select(role => counting.Where(entry => entry.Approval.Approver.Role == role).Select(entry => groups[entry.Person.Id]).Distinct().Order(StringComparer.Ordinal).ToImmutableArray()).ToImmutableArray();
            var filled = SlotMatching.Fill(candidates);
            var chosen = slots.Select((role, i) => filled[i] is { } group ? Best(counting.Where(entry => groups[entry.Person.Id] == group && entry.Approval.Approver.Role == role)) : default).Where(entry => entry.Approval is not null).ToList();
            excluded.AddRange(counting.Where(entry => !chosen.Contains(entry)).SelectMany(entry => chosen.Where(one => groups[one.Person.Id] == groups[entry.Person.Id]).Take(1).Select(one => $"{entry.Person.Name}, who counts once{(one.Person.Id == entry.Person.Id ? "" : $" together with {one.Person.Name}")} by {one.Approval.Id}")));
            var missing = slots.Where((_, i) => filled[i] is null).GroupBy(role => role).Select(role => new RoleCount(role.Key, role.Count())).ToImmutableArray();
            var counted = chosen.Select(entry => new CountedApproval(entry.Person.Name, entry.Approval.Approver.Role, entry.Approval.Id)).OrderBy(entry => entry.Person, StringComparer.Ordinal).ToImmutableArray();
            var grant = faults.Count == 0 && missing.IsEmpty
                ? new Grant(
                    need.Rule.Action,
                    request.Id,
                    signed.Digest,
                    counted,
                    Earlier(chosen.Min(entry => EndOfUse(entry.Approval)), request.NotAfter ?? DateTimeOffset.MaxValue),
                    chosen.Min(entry => EndOfRun(entry.Approval)),
                    chosen.Select(entry => entry.Approval.MaxUses).Append(need.Rule.MaxUses).Min())
                {
                    Signers = [.. chosen.Select(entry => Signer(entry.Person.Id, entry.Approval.Approver.Identity)).Prepend(Signer(request.Requester.Person, request.Requester.Identity)).Distinct()],
                }
                : null;
            return new(signed, grant, counted, [.. excluded.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], missing, [.. faults]);
        }

        // Only an identity that is named and signed counts.
        private static RecordedSigner Signer(string person, Identity identity) => new(person, (identity as Identity.Key)?.Spki);

        // What is wrong with the request, whoever answers it.
        private IEnumerable<string> Faults()
        {
            // A need that asks for nothing would be met by anything.
            if (need.Covers.IsEmpty || need.Rule.Require.IsEmpty)
            {
                yield return "nothing says what is to begin, or who must agree";
            }

            if (request.Action != need.Rule.Action)
            {
                yield return $"it asks for {request.Action}";
            }

            if (people.GetValueOrDefault(request.Requester.Person) is not { } requester || Named(signed, requester, request.Requester.Identity) is not { } identity)
            {
                yield return "it is not signed by the person whom it names as requester";
            }
            else if (policy.WhyNotNow(identity, now) is { } invalid)
            {
                yield return $"its requester {requester.Name} {invalid}";
            }
            else if (revocations.People.Contains(requester.Id) || IsRevoked(identity, revocations))
            {
                yield return $"its requester {requester.Name} or their key was revoked";
            }

            if (revocations.Approvals.Contains(request.Id))
            {
                yield return "it was revoked";
            }

            if (request.CreatedAt > now + Skew)
            {
                yield return "it was made in the future";
            }

            if (now + Skew < request.NotBefore || now - Skew > request.NotAfter)
            {
                yield return $"its window is {request.NotBefore?.UtcDateTime:yyyy-MM-ddTHH:mmZ} to {request.NotAfter?.UtcDateTime:yyyy-MM-ddTHH:mmZ}";
            }

            var scope = request.Scope;
            if (need.Environment is { } environment && !scope.Environments.Contains(environment))
            {
                yield return scope.Environments.IsEmpty ? "it names no environment" : $"it is for {string.Join(" and ", scope.Environments)}, not for {environment}";
            }

            if (Outside(scope.Clusters, need.Cluster, StringComparer.OrdinalIgnoreCase))
            {
                yield return "it is for another cluster";
            }

            if (Outside(scope.Namespaces, need.Namespace, StringComparer.Ordinal))
            {
                yield return $"it is for namespace {string.Join(" or ", scope.Namespaces)}";
            }

            if (Outside(scope.Workloads, need.Workload, StringComparer.Ordinal))
            {
                yield return $"it is for {string.Join(" or ", scope.Workloads)}";
            }

            foreach (var revoked in need.Covers.Where(wanted => revocations.Artifacts.Contains(wanted.Digest)))
            {
                yield return $"{revoked.Name ?? revoked.Digest.ToString()} was revoked";
            }

            foreach (var wanted in need.Covers.Where(wanted => !request.Covers.Any(covered => covered.Kind == wanted.Kind && covered.Digest == wanted.Digest)))
            {
                yield return NotCovered(wanted);
            }

            if (need.Rule.MaxUses is { } most && used >= most)
            {
                yield return $"it was used {used} times, and may be used {most} times";
            }

            if (withdrawn.Contains((request.Requester.Person, request.Id)))
            {
                yield return "its requester withdrew it";
            }

            foreach (var rejection in Rejections())
            {
                yield return rejection;
            }
        }

        private string NotCovered(Covered wanted)
        {
            var kind = wanted.Kind.ToString().ToLowerInvariant();
            var offered = request.Covers.FirstOrDefault(covered => covered.Kind == wanted.Kind && !covered.Projection.IsEmpty);
            var difference = offered is not null && !wanted.Projection.IsEmpty && need.Difference is { } differ ? string.Join(", ", differ(offered.Projection, wanted.Projection)) : "";
            return $"it does not cover the {(wanted.Kind == CoveredKind.Template ? "pod template" : $"{kind} {wanted.Name ?? wanted.Digest.ToString()}")}{(difference.Length > 0 ? $": {difference}" : "")}";
        }

        private static bool Outside(ImmutableArray<string> names, string? name, StringComparer comparer) => !names.IsEmpty && !(name is not null && names.Contains(name, comparer));

        // A "no" to exactly this request, by whoever could have said yes to it.
        private IEnumerable<string> Rejections() => answers
            .Where(answer => answer.Approval.Decision == ApprovalDecision.Reject && answer.Approval.RequestDigest == signed.Digest && !takenBack.Contains((answer.Approval.Approver.Person, answer.Approval.Id)))
            .Select(Heard)
            .OfType<Person>()
            .Where(IsAsked)
            .Select(person => $"{person.Name} rejected it")
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal);

        private bool IsAsked(Person person) => need.Rule.Require.Any(slot => IsIn(person, slot.Role));

        private bool IsIn(Person person, string role) => policy.Roles.TryGetValue(role, out var named) && named.People.Contains(person.Name);

        // Whose answer it is: signed with any of their keys but a revoked one.
        private Person? Heard((SignedStatement Signed, Approval Approval) answer) =>
            people.GetValueOrDefault(answer.Approval.Approver.Person) is { } person && answer.Signed.Signers.Any(signer => person.Identities.Contains(signer) && !IsRevoked(signer, revocations)) ? person : null;

        // Why an answer does not have the weight of the person's word now.
        private string? WhyNotAuthentic((SignedStatement Signed, Approval Approval) answer, Person person)
        {
            var approval = answer.Approval;
            if (!answer.Signed.Signers.Any(signer => person.Identities.Contains(signer)))
            {
                return "did not sign it";
            }

            if (Named(answer.Signed, person, approval.Approver.Identity) is not { } identity)
            {
                return "signed with another key or subject than the approval names";
            }

            if (approval.RequestDigest != signed.Digest)
            {
                return "approved another request of the same id";
            }

            if (revocations.People.Contains(person.Id) || IsRevoked(identity, revocations) || revocations.Approvals.Contains(approval.Id))
            {
                return "was revoked, or whose key or approval was";
            }

            return policy.WhyNotNow(identity, now);
        }

        private string? WhyNot((SignedStatement Signed, Approval Approval) answer, Person? person)
        {
            var approval = answer.Approval;
            if (person is null)
            {
                return "is nobody in the policy";
            }

            if (WhyNotAuthentic(answer, person) is { } why)
            {
                return why;
            }

            if (!ApprovalStatements.Binding(approval).AsSpan().SequenceEqual(binding))
            {
                return "approved another action, scope, content or requester than the request names";
            }

            if (approval.Approver.OnBehalfOf is { } principal && !people.ContainsKey(principal))
            {
                return $"stands in for '{principal}', who is nobody in the policy";
            }

            if (groupsOut.Contains(groups[person.Id]))
            {
                return groups[person.Id] == groups.GetValueOrDefault(request.Requester.Person) ? "is the requester, or stands in for them"
                    : need.Favoured.Any(favoured => groups.GetValueOrDefault(favoured) == groups[person.Id]) ? "gains by the change, or stands in for somebody who does"
                    : "contributed to it, or stands in for somebody who did";
            }

            if (!need.Rule.Require.Any(slot => slot.Role == approval.Approver.Role))
            {
                return $"approved as {approval.Approver.Role}, which is not asked for";
            }

            if (!IsIn(person, approval.Approver.Role))
            {
                return $"is not in the role {approval.Approver.Role}";
            }

            var role = policy.Roles[approval.Approver.Role];
            if (ConflictingRole(person, role) is { } other)
            {
                return $"acts as {role.Name} and as {other}, which conflict";
            }

            if (withdrawn.Contains((person.Id, approval.Id)))
            {
                return "withdrew it";
            }

            if (replaced.Contains((person.Id, approval.Id)))
            {
                return "replaced it";
            }

            if (approval.IssuedAt > now + Skew)
            {
                return "approved it in the future";
            }

            if (EndOfUse(approval) < now)
            {
                return $"approved it to be used by {EndOfUse(approval).UtcDateTime:yyyy-MM-ddTHH:mmZ}";
            }

            if (approval.MaxUses is { } own && used >= own)
            {
                return $"approved it for {own} uses, and it was used {used} times";
            }

            return EndOfRun(approval) < now ? $"approved it to run until {EndOfRun(approval)!.Value.UtcDateTime:yyyy-MM-ddTHH:mmZ}" : null;
        }

        // Roles that one person may not use for the same change, whichever of the two names the other.
        private string? ConflictingRole(Person person, Role role) => spoken
            .Where(approver => approver.Person == person.Id && (role.ConflictsWith.Contains(approver.Role) || (policy.Roles.TryGetValue(approver.Role, out var named) && named.ConflictsWith.Contains(role.Name))))
            .Select(approver => approver.Role)
            .Min(StringComparer.Ordinal);

        // The person for whom each person counts: whoever stands in for another is one with them. Only those who are asked can say so: else anybody could make two approvers one.
        private Dictionary<string, string> Groups()
        {
            var groups = people.Keys.Append(request.Requester.Person).Distinct(StringComparer.Ordinal).ToDictionary(id => id, StringComparer.Ordinal);
            foreach (var approver in spoken.Where(approver => approver.OnBehalfOf is not null && IsAsked(people[approver.Person])))
            {
                if (groups.TryGetValue(approver.Person, out var one) && groups.TryGetValue(approver.OnBehalfOf!, out var other) && one != other)
                {
                    var (first, second) = string.CompareOrdinal(one, other) < 0 ? (one, other) : (other, one);
                    foreach (var member in groups.Where(entry => entry.Value == second).Select(entry => entry.Key).ToList())
                    {
                        groups[member] = first;
                    }
                }
            }

            return groups;
        }

        // Of several approvals of one person the one that lasts longest counts.
        private (Person Person, Approval Approval) Best(IEnumerable<(Person Person, Approval Approval)> entries) =>
            entries.OrderByDescending(entry => EndOfRun(entry.Approval) ?? DateTimeOffset.MaxValue).ThenByDescending(entry => EndOfUse(entry.Approval)).ThenBy(entry => entry.Approval.Id, StringComparer.Ordinal).First();

        private DateTimeOffset EndOfUse(Approval approval) => Earlier(approval.UseBy, After(approval.IssuedAt, need.Rule.UseBy));

        private DateTimeOffset? EndOfRun(Approval approval) => (approval.RunUntil, need.Rule.RunUntil) switch
        {
            ({ } said, { } most) => Earlier(said, After(approval.IssuedAt, most)),
            (null, { } most) => After(approval.IssuedAt, most),
            (var said, null) => said,
        };

        // Times come from signers: one near the end of the calendar must not overflow.
        private static DateTimeOffset After(DateTimeOffset time, TimeSpan span) => DateTimeOffset.MaxValue - time > span ? time + span : DateTimeOffset.MaxValue;

        private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;

        // The identity that a statement names, where it signed and is the person's: of several that signed, the named one decides.
        private static Identity? Named(SignedStatement statement, Person person, Identity named) =>
            statement.Signers.Contains(named) && person.Identities.Contains(named) ? named : null;
    }
}
