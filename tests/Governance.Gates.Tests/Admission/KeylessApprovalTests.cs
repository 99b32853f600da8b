using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Tests.Sigstore;
using static Governance.Gates.Tests.Admission.KeylessWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>People who ask and approve without keys, as subjects of their OIDC issuer. Ann asks; two operators must agree.</summary>
public sealed class KeylessApprovalTests
{
    private static readonly ApprovalNeed Need = new(Standard.Approvals["deploy"], "artifacts.images[0].approved", "the image", [new(CoveredKind.Artifact, "shop", Image, default)], "production");

    private static readonly ApprovalRequest Request = new()
    {
        Id = "request-1",
        Action = "deploy",
        Category = "normal",
        Requester = new("p-1", Subject("ann")),
        Scope = new(["production"], [], [], []),
        Covers = [new(CoveredKind.Artifact, "shop", Image, default)],
        CreatedAt = TestPolicy.Now.AddHours(-3),
    };

    private static readonly SignedEntity.Bundle Asked = Sign(Request, "ann");

    [Fact]
    public void Two_persons_who_sign_as_their_subjects_are_a_quorum()
    {
        var outcome = Decide([Asked, Yes("ben"), Yes("dan")]);
        var grant = Firm.AssertAllowed(outcome);
        Assert.Equal(["ben", "dan"], grant.Counted.Select(counted => counted.Person));
        Assert.Equal([new RecordedSigner("p-1", null), new("p-2", null), new("p-4", null)], grant.Signers.OrderBy(signer => signer.Person, StringComparer.Ordinal));
    }

    [Fact]
    public void One_person_is_one_however_often_and_from_wherever_they_sign()
    {
        Firm.AssertDenied(Decide([Asked, Yes("ben")]), "still needed: 1 operator");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Sign(Approval("ben") with { Id = "again" }, "ben")]), "still needed: 1 operator");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Yes("ann")]), "is the requester");
    }

    [Fact]
    public void The_same_name_at_another_issuer_is_nobody() =>
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Bundle(new() { Subject = "dan@example.com", Issuer = ThrowAwaySigstore.Issuer }, Payload(Approval("dan")))]), "still needed: 1 operator");

    [Fact]
    public void A_workflow_counts_for_no_quorum_whatever_its_statement_says()
    {
        var flow = new Identity.OidcSubject(ThrowAwaySigstore.Issuer, new Certified().Subject);
        var claimed = Approval("dan");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Bundle(new(), Payload(claimed))]), "did not sign it");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Bundle(new(), Payload(claimed with { Approver = claimed.Approver with { Identity = flow } }))]), "did not sign it");
    }

    [Fact]
    public void The_statement_must_name_the_subject_that_signed_it()
    {
        var approval = Approval("dan");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Sign(approval with { Approver = approval.Approver with { Identity = Subject("ben") } }, "dan")]), "signed with another key or subject than the approval names");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Sign(approval, "ben")]), "did not sign it");
        Firm.AssertDenied(Decide([Sign(Request, "ben"), Yes("ben"), Yes("dan")]), "it is not signed by the person whom it names as requester");
    }

    [Fact]
    public void Who_is_not_in_office_now_or_is_revoked_does_not_count_though_the_certificate_was_good()
    {
        Firm.AssertAllowed(Decide([Asked, Yes("ben"), Yes("cem")]));
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Yes("cem")], now: TestPolicy.Now.AddDays(6)), "is not in office now");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Yes("dan")], RevocationList.Empty with { People = ["p-4"] }), "was revoked");
        var policy = Standard with { People = Standard.People.SetItem("dan", Standard.People["dan"] with { Identities = [] }) };
        Firm.AssertDenied(Quorum.Decide(Need, Statements([Asked, Yes("ben"), Yes("dan")]), policy, RevocationList.Empty, ImmutableDictionary<string, long>.Empty, TestPolicy.Now), "did not sign it");
    }

    [Fact]
    public void A_no_by_a_subject_is_heard_and_stops_what_began()
    {
        var no = Sign(Approval("cem") with { Id = "no", Decision = ApprovalDecision.Reject }, "cem");
        Firm.AssertDenied(Decide([Asked, Yes("ben"), Yes("dan"), no]), "cem rejected it");
        var grant = Firm.AssertAllowed(Decide([Asked, Yes("ben"), Yes("dan")]));
        var use = new ApprovedUse("deploy", grant.RequestId, grant.RequestDigest, [.. grant.Counted.Select(counted => counted.Approval)]) { Signers = grant.Signers };
        Assert.Null(Quorum.TakenBack(use, [], Need.Rule, Standard, RevocationList.Empty, TestPolicy.Now));
        Assert.Contains("cem rejected", Quorum.TakenBack(use, Statements([no]), Need.Rule, Standard, RevocationList.Empty, TestPolicy.Now), StringComparison.Ordinal);
        Assert.Contains("p-4", Quorum.TakenBack(use, [], Need.Rule, Standard, RevocationList.Empty with { People = ["p-4"] }, TestPolicy.Now), StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_revocations_may_be_signed_by_a_subject_whom_the_policy_names_for_it()
    {
        var policy = With("", trust: "    revocations: { from: revocations.json, maxAge: 24h, by: [ann] }\n");
        var statement = RevocationStatement.Write(RevocationList.Empty with { Number = 1, IssuedAt = TestPolicy.Now, People = ["p-4"] }, "shop");
        ReadOnlyMemory<byte> Signed(string by) => Bundle(new() { Subject = $"{by}@example.com", Issuer = Accounts }, statement).Json;
        Assert.True(RevocationListReader.Read(Signed("ann"), policy, TestPolicy.Now).Try(out var list, out var why), why?.Message);
        Assert.Equal(["p-4"], list!.People);
        Assert.False(RevocationListReader.Read(Signed("ben"), policy, TestPolicy.Now).Try(out _, out why));
        Assert.Contains("whom the rule does not name", why!.Message, StringComparison.Ordinal);
        Assert.False(RevocationListReader.Read(Signed("ann"), policy, TestPolicy.Now, RevocationList.Empty with { People = ["p-1"] }).Try(out _, out why));
        Assert.Contains("who is revoked by list", why!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_of_signers_without_keys_is_written_and_read_again()
    {
        var record = Admitted.Record("review-1") with { Uses = [new("deploy", "request-1", Image, ["yes"]) { Signers = [new("p-1", null), new("p-2", Image)] }] };
        var read = Admitted.Found(AdmittedRecord.Read(record.ToJson()));
        Assert.Equal([new RecordedSigner("p-1", null), new("p-2", Image)], read.Uses[0].Signers);
        Assert.Equal(record.ToJson(), read.ToJson());
    }

    private static Identity.OidcSubject Subject(string name) => new(Accounts, $"{name}@example.com");

    private static Approval Approval(string by) => new()
    {
        Id = $"yes of {by}",
        RequestId = Request.Id,
        RequestDigest = Digest.Of(Payload(Request)),
        Decision = ApprovalDecision.Approve,
        Action = Request.Action,
        Scope = Request.Scope,
        Covers = Request.Covers,
        Approver = new(Standard.People[by].Id, "operator", Subject(by), null, null),
        Requester = Request.Requester,
        IssuedAt = TestPolicy.Now.AddHours(-2),
        UseBy = TestPolicy.Now.AddDays(7),
    };

    private static SignedEntity.Bundle Yes(string by) => Sign(Approval(by), by);

    private static byte[] Payload(ApprovalStatement statement) => ApprovalStatements.WriteStatement(statement, [("shop", Image)]);

    private static SignedEntity.Bundle Sign(ApprovalStatement statement, string by) => Bundle(new() { Subject = $"{by}@example.com", Issuer = Accounts }, Payload(statement));

    private static ImmutableArray<SignedStatement> Statements(SignedEntity[] entities) => TestPolicy.Verify(Image, Standard, entities).Approvals;

    private static QuorumOutcome Decide(SignedEntity[] entities, RevocationList? revocations = null, DateTimeOffset? now = null) =>
        Quorum.Decide(Need, Statements(entities), Standard, revocations ?? RevocationList.Empty, ImmutableDictionary<string, long>.Empty, now ?? TestPolicy.Now);
}
