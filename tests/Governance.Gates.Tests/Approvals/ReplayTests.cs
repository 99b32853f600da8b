using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using static Governance.Gates.Tests.Approvals.Firm;

namespace Governance.Gates.Tests.Approvals;

/// <summary>An approval is for one request, one thing, one place and one time; whoever carries it elsewhere is refused.</summary>
[Trait("attack", "approvals")]
public sealed class ReplayTests
{
    private static readonly SignedStatement Question = Asked();
    private static readonly SignedStatement[] Approved = [Question, Yes(Question, "ben"), Yes(Question, "cem")];

    public static TheoryData<string, string> Elsewhere => new()
    {
        { "environment", "it is for production, not for staging" },
        { "cluster", "it is for another cluster" },
        { "no cluster", "it is for another cluster" },
        { "namespace", "it is for namespace pay" },
        { "workload", "it is for Deployment/shop" },
        { "digest", "it does not cover the artifact" },
        { "kind", "it does not cover the object" },
    };

    [Theory, MemberData(nameof(Elsewhere))]
    public void What_was_approved_is_not_used_elsewhere(string what, string message)
    {
        var request = Asked(Request() with { Scope = new(["production"], [Primary], ["pay"], ["Deployment/shop"]) });
        SignedStatement[] approved = [request, Yes(request, "ben"), Yes(request, "cem")];
        AssertAllowed(Decide(approved));
        AssertDenied(Decide(approved, what switch
        {
            "environment" => Need() with { Environment = "staging" },
            "cluster" => Need() with { Cluster = Standby },
            "no cluster" => Need() with { Cluster = null },
            "namespace" => Need() with { Namespace = "other" },
            "workload" => Need() with { Workload = "Deployment/other" },
            "digest" => Need() with { Covers = [new(CoveredKind.Artifact, null, Digest.Of("other"u8), default)] },
            "kind" => Need() with { Covers = [new(CoveredKind.Object, null, Image, default)] },
            _ => throw new InvalidOperationException(what),
        }), message);
    }

    [Fact]
    public void An_approval_for_staging_is_not_used_in_production()
    {
        var request = Asked(Request() with { Scope = new(["staging"], [], [], []) });
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")]), "it is for staging, not for production");
    }

    [Fact]
    public void A_request_for_one_action_allows_no_other()
    {
        AssertDenied(Decide(Approved, Need("rotate")), "has no request for rotate");
        var standing = Quorum.Stand(Need("rotate"), Question, Approved, Policy, RevocationList.Empty, new Dictionary<string, long>(), Now);
        Assert.Null(standing.Grant);
        Assert.Contains("it asks for deploy", standing.Faults);
    }

    public static TheoryData<string, Func<Approval, Approval>, string> Carried => new()
    {
        { "request digest", approval => approval with { RequestDigest = Digest.Of("another"u8) }, "cem, who approved another request of the same id" },
        { "action", approval => approval with { Action = "rotate" }, "cem, who approved another action" },
        { "environment", approval => approval with { Scope = new(["staging"], [], [], []) }, "cem, who approved another action, scope" },
        { "wider environment", approval => approval with { Scope = new(["production", "staging"], [], [], []) }, "cem, who approved another action, scope" },
        { "cluster", approval => approval with { Scope = new(["production"], [Standby], [], []) }, "cem, who approved another action, scope" },
        { "no scope", approval => approval with { Scope = new([], [], [], []) }, "cem, who approved another action, scope" },
        { "digest", approval => approval with { Covers = [new(CoveredKind.Artifact, "shop", Digest.Of("other"u8), default)] }, "cem, who approved another action, scope, content" },
        { "less", approval => approval with { Covers = [approval.Covers[0]] }, "cem, who approved another action, scope, content" },
        { "change", approval => approval with { ChangeId = "change-2" }, "cem, who approved another action" },
        { "requester", approval => approval with { Requester = new(Id("dan"), Key("dan")) }, "cem, who approved another action, scope, content or requester" },
        { "contributors", approval => approval with { Contributors = [Id("dan")] }, "cem, who approved another action, scope, content or requester" },
    };

    [Theory, MemberData(nameof(Carried))]
    public void An_approval_that_says_something_else_than_its_request_does_not_count(string what, Func<Approval, Approval> change, string message)
    {
        Assert.NotEmpty(what);
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(change(Approval(Question, "cem")), "cem")]), message);
    }

    [Fact]
    public void An_approval_that_names_another_request_does_not_count()
    {
        var other = Asked(Request() with { Id = "other" });
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(other, "cem")]), "still needed: 1 operator; counted: ben");
    }

    [Fact]
    public void A_request_that_was_changed_after_it_was_approved_starts_again()
    {
        var changed = Asked(Request() with { NotAfter = Now.AddDays(90) });
        AssertDenied(Decide([changed, .. Approved[1..]]), "still needed: 2 operator");
    }

    [Fact]
    public void A_backdated_approval_by_a_revoked_key_does_not_count()
    {
        var backdated = Sign(Approval(Question, "cem") with { IssuedAt = Now.AddDays(-2) }, "cem");
        AssertDenied(Decide([Question, Yes(Question, "ben"), backdated], revocations: RevocationList.Empty with { Keys = Set(Key("cem").Spki) }), "cem, who was revoked, or whose key or approval was");
    }

    [Fact]
    public void Revoked_people_approvals_requests_and_artifacts_allow_nothing()
    {
        AssertDenied(Decide(Approved, revocations: RevocationList.Empty with { People = Set(Id("cem")) }), "cem, who was revoked");
        AssertDenied(Decide(Approved, revocations: RevocationList.Empty with { Approvals = Set("cem as operator") }), "cem, who was revoked");
        AssertDenied(Decide(Approved, revocations: RevocationList.Empty with { Approvals = Set("request-deploy") }), "it was revoked");
        AssertDenied(Decide(Approved, revocations: RevocationList.Empty with { Artifacts = Set(Image) }), "shop was revoked");
    }

    [Fact]
    public void What_a_revoked_key_says_binds_nobody()
    {
        var revoked = RevocationList.Empty with { Keys = Set(Key("dan").Spki) };
        AssertAllowed(Decide([.. Approved, No(Question, "dan")], revocations: revoked));
        AssertAllowed(Decide([.. Approved, Withdrawal(Question, "ben", "ben as operator", "ben-2")], revocations: RevocationList.Empty with { Keys = Set(Key("ben-2").Spki) }));
    }

    [Fact]
    public void An_approval_whose_use_has_ended_begins_nothing()
    {
        AssertAllowed(Decide(Approved, now: Now.AddDays(3)));
        AssertDenied(Decide(Approved, now: Now.AddDays(3).AddSeconds(1)), "ben, who approved it to be used by 2026-06-18T12:00Z");
    }

    [Fact]
    public void An_approval_whose_run_has_ended_begins_nothing()
    {
        var ended = Sign(Approval(Question, "cem") with { RunUntil = Now.AddSeconds(-1) }, "cem");
        AssertDenied(Decide([Question, Yes(Question, "ben"), ended]), "cem, who approved it to run until 2026-06-15T11:59Z");
    }

    [Fact]
    public void An_approver_cannot_give_more_time_than_the_policy()
    {
        SignedStatement Long(string by, TimeSpan ago) => Sign(Approval(Question, by) with { IssuedAt = Now - ago, UseBy = DateTimeOffset.MaxValue, RunUntil = DateTimeOffset.MaxValue }, by);
        var grant = AssertAllowed(Decide([Question, Long("ben", TimeSpan.Zero), Long("cem", TimeSpan.Zero)]));
        Assert.Equal((Now.AddDays(7), Now.AddDays(26 * 7)), (grant.UseBy, grant.RunUntil));
        AssertDenied(Decide([Question, Long("ben", TimeSpan.Zero), Long("cem", TimeSpan.FromDays(7.1))]), "cem, who approved it to be used by");
    }

    [Fact]
    public void An_approver_cannot_claim_to_have_signed_later_than_now()
    {
        SignedStatement Later(TimeSpan by) => Sign(Approval(Question, "cem") with { IssuedAt = Now + by, UseBy = Now.AddYears(1) }, "cem");
        AssertDenied(Decide([Question, Yes(Question, "ben"), Later(TimeSpan.FromSeconds(61))]), "cem, who approved it in the future");
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Later(TimeSpan.FromSeconds(60))]));
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(Approval(Question, "cem") with { IssuedAt = DateTimeOffset.MaxValue, UseBy = DateTimeOffset.MaxValue }, "cem")]), "cem, who approved it in the future");
        var request = Asked(Request() with { CreatedAt = Now.AddSeconds(61) });
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")]), "it was made in the future");
    }

    [Fact]
    public void A_request_by_somebody_else_with_the_same_id_takes_nothing_over()
    {
        var twin = Sign(Request("dan") with { Requester = new(Id("dan"), Key("dan")), Covers = [new(CoveredKind.Artifact, null, Digest.Of("evil"u8), default)] }, "dan");
        AssertDenied(Decide([twin, .. Approved], Need() with { Covers = [new(CoveredKind.Artifact, null, Digest.Of("evil"u8), default)] }), "still needed: 2 operator");
        AssertAllowed(Decide([twin, .. Approved, Withdrawal(twin, "dan", "request-deploy")]));
    }
}
