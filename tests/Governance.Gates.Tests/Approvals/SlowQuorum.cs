using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Approvals;

/// <summary>The rules of a quorum, said one by one and tried by brute force: slow, and obviously right.</summary>
internal sealed class SlowQuorum(QuorumWorld world)
{
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    // Whoever is one person with whom, by request: asked again in every assignment that is tried.
    private readonly Dictionary<(Digest Request, string Person), HashSet<string>> ones = [];

    public bool Allows() => Requests().Any(IsGranted);

    public IEnumerable<SignedStatement> Requests() => world.Statements.Where(signed => signed.Statement is ApprovalRequest && signed.Statement.Action == world.Need.Rule.Action).DistinctBy(signed => signed.Digest);

    public bool IsGranted(SignedStatement signed) => IsSound(signed) && MostFilled(signed) == Slots().Count;

    /// <summary>The most slots that distinct persons can fill, found by trying every assignment.</summary>
    public int MostFilled(SignedStatement request)
    {
        var counting = Answers(request).Where(answer => Counts(request, answer)).Select(answer => answer.Approval.Approver).Distinct().ToList();
        return Try([.. Slots()], []);

        int Try(List<string> open, List<string> seated)
        {
            if (open.Count == 0)
            {
                return 0;
            }

            var best = Try(open[1..], seated);
            foreach (var approver in counting.Where(approver => approver.Role == open[0] && !seated.Any(other => AreOne(request, other, approver.Person))))
            {
                best = Math.Max(best, 1 + Try(open[1..], [.. seated, approver.Person]));
            }

            return best;
        }
    }

    /// <summary>Whether an answer is a yes that fills a slot of one role.</summary>
    public bool Counts(SignedStatement signed, (SignedStatement Signed, Approval Approval) answer)
    {
        var request = (ApprovalRequest)signed.Statement;
        var approval = answer.Approval;
        var (id, role) = (approval.Approver.Person, approval.Approver.Role);
        return approval.Decision == ApprovalDecision.Approve
            && IsTheirWordNow(signed, answer)
            && SaysTheSame(request, approval)
            && (approval.Approver.OnBehalfOf is not { } principal || PersonOf(principal) is not null)
            && !request.Contributors.Append(request.Requester.Person).Concat(world.Need.Favoured).Any(partial => AreOne(signed, partial, id))
            && Slots().Contains(role)
            && IsIn(id, role)
            && !Spoken(signed).Any(said => said.Person == id && Conflict(said.Role, role))
            && !Withdrew(request, id, approval.Id)
            && !Replaced(request, id, approval.Id)
            && approval.IssuedAt <= world.Now + Skew
            && approval.UseBy >= world.Now
            && approval.IssuedAt + world.Need.Rule.UseBy >= world.Now
            && !(approval.RunUntil < world.Now)
            && !(approval.IssuedAt + world.Need.Rule.RunUntil < world.Now)
            && !(approval.MaxUses <= Used(request));
    }

    public IEnumerable<(SignedStatement Signed, Approval Approval)> Answers(SignedStatement request) =>
        world.Statements.Where(signed => signed.Statement is Approval approval && approval.RequestId == request.Statement.Id).Select(signed => (signed, (Approval)signed.Statement));

    // What must hold of a request, whoever answers it.
    private bool IsSound(SignedStatement signed)
    {
        var request = (ApprovalRequest)signed.Statement;
        var need = world.Need;
        return Signed(signed, request.Requester.Person, request.Requester.Identity)
            && IsInOffice(request.Requester.Person)
            && KeyHolds(request.Requester.Identity)
            && !world.Revocations.People.Contains(request.Requester.Person)
            && !world.Revocations.Approvals.Contains(request.Id)
            && !need.Covers.Any(covered => world.Revocations.Artifacts.Contains(covered.Digest))
            && request.CreatedAt <= world.Now + Skew
            && !(request.NotBefore > world.Now + Skew)
            && !(request.NotAfter < world.Now - Skew)
            && request.Scope.Environments.Contains(need.Environment!)
            && (request.Scope.Clusters.IsEmpty || request.Scope.Clusters.Contains(need.Cluster!))
            && (request.Scope.Namespaces.IsEmpty || request.Scope.Namespaces.Contains(need.Namespace!))
            && (request.Scope.Workloads.IsEmpty || request.Scope.Workloads.Contains(need.Workload!))
            && need.Covers.All(wanted => request.Covers.Any(covered => (covered.Kind, covered.Digest) == (wanted.Kind, wanted.Digest)))
            && !(need.Rule.MaxUses <= Used(request))
            && !Withdrew(request, request.Requester.Person, request.Id)
            && !Answers(signed).Any(answer =>
                answer.Approval.Decision == ApprovalDecision.Reject
                && answer.Approval.RequestDigest == signed.Digest
                && IsHeard(answer)
                && Slots().Any(role => IsIn(answer.Approval.Approver.Person, role))
                && !TookBack(signed, answer.Approval.Approver.Person, answer.Approval.Id));
    }

    private List<string> Slots() => [.. world.Need.Rule.Require.SelectMany(slot => Enumerable.Repeat(slot.Role, slot.Count))];

    private long Used(ApprovalRequest request) => world.Uses.GetValueOrDefault(request.Id);

    private Person? PersonOf(string id) => world.Policy.People.Values.SingleOrDefault(person => person.Id == id);

    private bool IsIn(string id, string role) => PersonOf(id) is { } person && world.Policy.Roles[role].People.Contains(person.Name);

    private bool Conflict(string one, string other) => world.Policy.Roles[one].ConflictsWith.Contains(other) || world.Policy.Roles[other].ConflictsWith.Contains(one);

    // One payload that several signed in envelopes of their own is one statement of all of them.
    private IEnumerable<Identity> SignersOf(SignedStatement signed) => world.Statements.Where(same => same.Digest == signed.Digest).SelectMany(same => same.Signers);

    private bool Signed(SignedStatement signed, string id, Identity named) =>
        PersonOf(id) is { } person && person.Identities.Contains(named) && SignersOf(signed).Any(signer => signer == named);

    private bool IsInOffice(string id) => PersonOf(id) is { } person && IsWithin(person.From, person.Until);

    private bool KeyHolds(Identity named) =>
        named is Identity.Key(var spki) && !world.Revocations.Keys.Contains(spki) && world.Policy.Keys.Values.Any(key => key.Identity == named && IsWithin(key.ValidFrom, key.ValidUntil));

    private bool IsWithin(DateOnly? from, DateOnly? until)
    {
        var today = DateOnly.FromDateTime(world.Now.UtcDateTime);
        return (from is null || from <= today) && (until is null || today <= until);
    }

    // A "no" and a withdrawal are heard with any key of theirs that is not revoked.
    private bool IsHeard((SignedStatement Signed, Approval Approval) answer) =>
        PersonOf(answer.Approval.Approver.Person) is { } person && SignersOf(answer.Signed).Any(signer => person.Identities.Contains(signer) && !(signer is Identity.Key(var spki) && world.Revocations.Keys.Contains(spki)));

    // A "yes" needs a key that counts, of a person in office, for exactly this request.
    private bool IsTheirWordNow(SignedStatement request, (SignedStatement Signed, Approval Approval) answer) =>
        Signed(answer.Signed, answer.Approval.Approver.Person, answer.Approval.Approver.Identity)
        && IsInOffice(answer.Approval.Approver.Person)
        && KeyHolds(answer.Approval.Approver.Identity)
        && !world.Revocations.People.Contains(answer.Approval.Approver.Person)
        && !world.Revocations.Approvals.Contains(answer.Approval.Id)
        && answer.Approval.RequestDigest == request.Digest;

    private static bool SaysTheSame(ApprovalRequest request, Approval approval) =>
        (request.Action, request.ChangeId, request.Requester) == (approval.Action, approval.ChangeId, approval.Requester)
        && request.Contributors.SequenceEqual(approval.Contributors)
        && request.Scope.Environments.SequenceEqual(approval.Scope.Environments)
        && request.Scope.Clusters.SequenceEqual(approval.Scope.Clusters)
        && request.Scope.Namespaces.SequenceEqual(approval.Scope.Namespaces)
        && request.Scope.Workloads.SequenceEqual(approval.Scope.Workloads)
        && request.Covers.Select(covered => (covered.Kind, covered.Name, covered.Digest)).SequenceEqual(approval.Covers.Select(covered => (covered.Kind, covered.Name, covered.Digest)));

    private bool Withdrew(ApprovalRequest request, string id, string statement) =>
        Of(request, id).Any(answer => answer.Approval.Withdraws == statement && IsHeard(answer));

    private bool Replaced(ApprovalRequest request, string id, string statement) =>
        Of(request, id).Any(answer => answer.Approval.Supersedes == statement && answer.Approval.Id != statement && IsHeard(answer));

    // Only what counts now undoes a "no", or frees somebody of what they said in another role or for somebody else.
    private bool TookBack(SignedStatement request, string id, string statement) =>
        Of((ApprovalRequest)request.Statement, id).Any(answer =>
            (answer.Approval.Withdraws == statement || answer.Approval.Supersedes == statement)
            && answer.Approval.Id != statement
            && answer.Approval.Decision != ApprovalDecision.Acknowledge
            && IsTheirWordNow(request, answer));

    private IEnumerable<(SignedStatement Signed, Approval Approval)> Of(ApprovalRequest request, string id) =>
        world.Statements.Where(signed => signed.Statement is Approval approval && approval.RequestId == request.Id && approval.Approver.Person == id).Select(signed => (signed, (Approval)signed.Statement));

    private IEnumerable<Approver> Spoken(SignedStatement request) => Answers(request)
        .Where(answer => answer.Approval.Decision == ApprovalDecision.Approve && answer.Approval.RequestDigest == request.Digest && IsHeard(answer) && !TookBack(request, answer.Approval.Approver.Person, answer.Approval.Id))
        .Select(answer => answer.Approval.Approver);

    // A deputy and the principal are one, and so are two deputies of one principal. Only who is asked can say whose deputy they are.
    private bool AreOne(SignedStatement request, string one, string other) =>
        (ones.TryGetValue((request.Digest, one), out var known) ? known : ones[(request.Digest, one)] = OneWith(request, one)).Contains(other);

    private HashSet<string> OneWith(SignedStatement request, string one)
    {
        var pairs = Spoken(request)
            .Where(said => said.OnBehalfOf is { } principal && Slots().Any(role => IsIn(said.Person, role)) && (PersonOf(principal) is not null || principal == request.Statement.Requester.Person))
            .Select(said => (said.Person, Principal: said.OnBehalfOf!))
            .ToList();
        var reached = new HashSet<string>([one]);
        while (pairs.FirstOrDefault(pair => reached.Contains(pair.Person) != reached.Contains(pair.Principal)) is { Person: not null } next)
        {
            reached.UnionWith([next.Person, next.Principal]);
        }

        return reached;
    }
}
