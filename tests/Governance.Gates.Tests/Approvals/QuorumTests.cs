using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using static Governance.Gates.Tests.Approvals.Firm;

namespace Governance.Gates.Tests.Approvals;

/// <summary>Who counts, for what, and for how long.</summary>
public sealed class QuorumTests
{
    private static readonly SignedStatement Question = Asked();

    [Fact]
    public void Two_operators_who_said_yes_to_exactly_this_allow_it_and_are_named()
    {
        var outcome = Decide([Question, Yes(Question, "ben"), Yes(Question, "cem")]);
        var grant = AssertAllowed(outcome);
        Assert.Equal(["ben", "cem"], grant.Counted.Select(counted => counted.Person).Order());
        Assert.All(grant.Counted, counted => Assert.Equal($"{counted.Person} as operator", counted.Approval));
        Assert.Equal(("deploy", "request-deploy", Question.Digest), (grant.Action, grant.RequestId, grant.RequestDigest));
        Assert.Contains("approved by ben (operator) and cem (operator) in request request-deploy", Assert.Single(outcome.Decision.Notes).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_says_who_counted_who_did_not_and_why_and_who_is_still_needed()
    {
        var outcome = Decide([Question, Yes(Question, "ben"), Yes(Question, "ann"), Yes(Question, "gus")]);
        var message = Assert.Single(outcome.Decision.Reasons).Message;
        Assert.Contains("still needed: 1 operator; counted: ben (operator); not counted: ann, who is the requester, or stands in for them, gus, who is not in the role operator", message, StringComparison.Ordinal);
        Assert.Equal(new Governance.Gates.Policies.RoleCount("operator", 1), Assert.Single(Assert.Single(outcome.Requests).Missing));
    }

    [Fact]
    public void Without_a_request_nothing_is_approved()
    {
        AssertDenied(Decide([]), "has no request for deploy");
        AssertDenied(Decide([Yes(Question, "ben"), Yes(Question, "cem")]), "has no request for deploy");
    }

    [Fact]
    public void An_identity_that_maps_to_no_person_counts_for_nobody()
    {
        var stranger = Approval(Question, "cem") with { Approver = new("p-99", "operator", Key("stranger"), null, null) };
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(stranger, "stranger")]), "'p-99', who is nobody in the policy");
    }

    [Fact]
    public void People_are_named_by_their_id_and_a_name_counts_for_nobody() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(Approval(Question, "cem") with { Approver = new("cem", "operator", Key("cem"), null, null) }, "cem")]), "'cem', who is nobody in the policy");

    [Fact]
    public void An_id_that_passed_to_somebody_else_takes_no_approval_along()
    {
        SignedStatement[] statements = [Question, Yes(Question, "ben"), Yes(Question, "eve")];
        AssertAllowed(Decide(statements));
        var successor = PolicyWith("eve: { id: p-5, until: 2026-06-20, keys: [eve] }", "eve: { id: p-8, keys: [eve] }\n    hal: { id: p-5 }");
        AssertDenied(Decide(statements, policy: successor), "hal, who did not sign it");
    }

    [Fact]
    public void At_admission_no_team_is_asked_and_the_people_of_the_role_count() =>
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem")], policy: PolicyWith("operator: { people: [ann, ben, cem, dan, eve, fay] }", "operator: { people: [ann, ben, cem, dan, eve, fay], githubTeams: [firm/operators] }")));

    [Fact]
    public void What_approvers_saw_is_information_and_no_condition()
    {
        var seen = Sign(Approval(Question, "cem") with { Policy = new("firm", 7, Digest.Of("another version"u8)), EvidenceSeen = [new("https://slsa.dev/provenance/v1", Digest.Of("provenance"u8))], RevocationVersion = 3 }, "cem");
        AssertAllowed(Decide([Question, Yes(Question, "ben"), seen]));
    }

    [Fact]
    public void A_signature_of_a_stranger_under_a_persons_id_counts_for_nobody() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(Approval(Question, "cem"), "stranger")]), "cem, who did not sign it");

    [Fact]
    public void An_identity_that_no_key_proves_counts_for_nobody()
    {
        var account = Approval(Question, "cem") with { Approver = new(Id("cem"), "operator", new Identity.GitHubAccount(7), null, null) };
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(account, "cem")]), "cem, who signed with another key or subject than the approval names");
    }

    [Fact]
    public void The_same_person_twice_is_one()
    {
        var again = Sign(Approval(Question, "ben") with { Id = "ben once more" }, "ben");
        AssertDenied(Decide([Question, Yes(Question, "ben"), again]), "still needed: 1 operator; counted: ben (operator)");
    }

    [Fact]
    public void Two_keys_of_one_person_are_one_person()
    {
        var other = Approval(Question, "ben") with { Id = "ben by the other key", Approver = new(Id("ben"), "operator", Key("ben-2"), null, null) };
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(other, "ben-2")]), "still needed: 1 operator");
        AssertAllowed(Decide([Question, Yes(Question, "cem"), Sign(other, "ben-2")]));
    }

    [Fact]
    public void The_requester_does_not_count_with_either_key()
    {
        var other = Approval(Question, "ann") with { Approver = new(Id("ann"), "operator", Key("ann-2"), null, null) };
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "ann")]), "ann, who is the requester");
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(other, "ann-2")]), "ann, who is the requester");
    }

    [Fact]
    public void Contributors_do_not_count()
    {
        var request = Asked(Request() with { Contributors = [Id("ben")] });
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")]), "ben, who contributed to it");
        AssertAllowed(Decide([request, Yes(request, "dan"), Yes(request, "cem")]));
    }

    [Fact]
    public void Whom_a_change_of_the_policy_favours_does_not_count() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem")], Need() with { Favoured = [Id("cem")] }), "cem, who gains by the change");

    [Fact]
    public void A_robot_never_counts_for_a_quorum()
    {
        var byName = Approval(Question, "cem") with { Approver = new("builder", "operator", Key("robot"), null, null) };
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(byName, "robot")]), "'builder', who is nobody in the policy");
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(Approval(Question, "cem") with { Approver = new(Id("cem"), "operator", Key("robot"), null, null) }, "robot")]), "cem, who did not sign it");
    }

    [Fact]
    public void A_deputy_and_the_principal_count_once_together()
    {
        var deputy = Sign(Approval(Question, "ben") with { Approver = new(Id("ben"), "operator", Key("ben"), Id("cem"), null) }, "ben");
        AssertDenied(Decide([Question, deputy, Yes(Question, "cem")]), "still needed: 1 operator");
        AssertAllowed(Decide([Question, deputy, Yes(Question, "dan")]));
    }

    [Fact]
    public void Two_deputies_of_one_principal_count_once_together()
    {
        SignedStatement For(string by) => Sign(Approval(Question, by) with { Approver = new(Id(by), "operator", Key(by), Id("dan"), null) }, by);
        AssertDenied(Decide([Question, For("ben"), For("cem")]), "still needed: 1 operator");
    }

    [Fact]
    public void A_deputy_of_the_requester_does_not_count_for_themselves_either()
    {
        var deputy = Sign(Approval(Question, "ben") with { Id = "for ann", Approver = new(Id("ben"), "operator", Key("ben"), Id("ann"), null) }, "ben");
        AssertDenied(Decide([Question, deputy, Yes(Question, "cem")]), "ben, who is the requester, or stands in for them");
        AssertDenied(Decide([Question, deputy, Yes(Question, "ben"), Yes(Question, "cem")]), "ben, who is the requester, or stands in for them");
    }

    [Fact]
    public void A_deputy_of_nobody_does_not_count() =>
        AssertDenied(Decide([Question, Yes(Question, "cem"), Sign(Approval(Question, "ben") with { Approver = new(Id("ben"), "operator", Key("ben"), "p-99", null) }, "ben")]), "ben, who stands in for 'p-99', who is nobody");

    [Fact]
    public void Who_is_not_asked_cannot_make_two_approvers_one()
    {
        SignedStatement[] claims = [.. ((string[])["ben", "cem"]).Select(principal => Sign(Approval(Question, "gus") with { Id = $"gus for {principal}", Approver = new(Id("gus"), "operator", Key("gus"), Id(principal), null) }, "gus"))];
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), .. claims]));
    }

    [Fact]
    public void Who_acts_in_two_roles_that_conflict_counts_in_neither()
    {
        var request = Asked(Request(action: "watched"));
        var need = Need("watched");
        AssertAllowed(Decide([request, Yes(request, "ben", "risk"), Yes(request, "fay", "auditor")], need));
        AssertDenied(Decide([request, Yes(request, "ben", "risk"), Yes(request, "ben", "auditor"), Yes(request, "fay", "auditor")], need), "ben, who acts as risk and as auditor, which conflict");
    }

    [Fact]
    public void What_was_taken_back_does_not_conflict()
    {
        var request = Asked(Request(action: "watched"));
        AssertAllowed(Decide([request, Yes(request, "ben", "risk"), Yes(request, "ben", "auditor"), Yes(request, "fay", "auditor"), Withdrawal(request, "ben", "ben as auditor")], Need("watched")));
    }

    [Theory]
    [InlineData("2026-06-09T23:58:59Z", false), InlineData("2026-06-10T00:00:00Z", true), InlineData("2026-06-20T23:59:59Z", true), InlineData("2026-06-21T00:01:00Z", false)]
    public void A_key_counts_to_the_end_of_its_last_day_whatever_time_the_signer_claims(string at, bool counts)
    {
        var now = DateTimeOffset.Parse(at, null);
        var request = Asked(Request() with { CreatedAt = now.AddHours(-1) });
        SignedStatement Fresh(string by) => Sign(Approval(request, by) with { IssuedAt = new(2026, 6, 9, 0, 0, 0, TimeSpan.Zero), UseBy = now.AddHours(1) }, by);
        SignedStatement Backdated(string by) => Sign(Approval(request, by) with { IssuedAt = new(2026, 6, 15, 0, 0, 0, TimeSpan.Zero), UseBy = now.AddHours(1) }, by);
        var rule = Policy.Approvals["deploy"] with { UseBy = TimeSpan.FromDays(20) };
        var outcome = Decide([request, Fresh("ben"), at.StartsWith("2026-06-2", StringComparison.Ordinal) ? Backdated("fay") : Fresh("fay")], Need() with { Rule = rule }, now: now);
        if (counts)
        {
            AssertAllowed(outcome);
        }
        else
        {
            AssertDenied(outcome, "fay, who signs with the key fay, which counts from 2026-06-10 until 2026-06-20");
        }
    }

    [Fact]
    public void Of_two_keys_that_signed_the_one_that_the_approval_names_decides()
    {
        var policy = PolicyWith("file: ben }", "file: ben, validUntil: 2026-06-01 }");
        var byGoodKey = Approval(Question, "ben") with { Approver = new(Id("ben"), "operator", Key("ben-2"), null, null) };
        AssertAllowed(Decide([Question, Yes(Question, "cem"), Sign(byGoodKey, "ben", "ben-2")], policy: policy));
        AssertAllowed(Decide([Question, Yes(Question, "cem"), Sign(byGoodKey, "ben-2", "ben")], policy: policy));
        AssertDenied(Decide([Question, Yes(Question, "cem"), Sign(Approval(Question, "ben"), "ben-2", "ben")], policy: policy), "ben, who signs with the key ben, which counts from");
        AssertDenied(Decide([Question, Yes(Question, "cem"), Sign(byGoodKey, "ben")], policy: policy), "ben, who signed with another key or subject than the approval names");
    }

    [Fact]
    public void A_leavers_unused_approval_counts_for_nobody()
    {
        SignedStatement[] statements = [Question, Yes(Question, "ben"), Sign(Approval(Question, "eve") with { UseBy = Now.AddDays(30) }, "eve")];
        AssertAllowed(Decide(statements));
        AssertDenied(Decide(statements, now: new(2026, 6, 21, 0, 0, 0, TimeSpan.Zero)), "eve, who is not in office now");
    }

    [Fact]
    public void Membership_is_judged_when_an_approval_is_used()
    {
        SignedStatement[] statements = [Question, Yes(Question, "ben"), Yes(Question, "cem")];
        AssertDenied(Decide(statements, policy: PolicyWith("[ann, ben, cem, dan, eve, fay]", "[ann, ben, dan, eve, fay]")), "cem, who is not in the role operator");
    }

    [Fact]
    public void Slots_are_filled_by_a_maximum_matching()
    {
        var request = Asked(Request(action: "mixed"));
        // ben could take either slot: only as operator does he leave risk to cem, who said yes to nothing else.
        AssertAllowed(Decide([request, Yes(request, "ben"), Yes(request, "ben", "risk"), Yes(request, "cem", "risk")], Need("mixed")));
        AssertAllowed(Decide([request, Yes(request, "cem"), Yes(request, "cem", "risk"), Yes(request, "ben", "risk")], Need("mixed")));
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "ben", "risk")], Need("mixed")), "still needed: 1");
    }

    [Fact]
    public void An_approval_in_a_role_that_nobody_asks_for_does_not_count() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem", "risk")]), "cem, who approved as risk, which is not asked for");

    [Fact]
    public void The_signer_of_a_request_must_be_its_requester()
    {
        var forged = Sign(Request(), "dan");
        AssertDenied(Decide([forged, Yes(forged, "ben"), Yes(forged, "cem")]), "not signed by the person whom it names as requester");
        var otherKey = Sign(Request(), "ann-2");
        AssertDenied(Decide([otherKey, Yes(otherKey, "ben"), Yes(otherKey, "cem")]), "not signed by the person whom it names as requester");
    }

    [Fact]
    public void A_requester_whose_key_or_office_has_ended_asks_for_nothing()
    {
        var request = Sign(Request("eve"), "eve");
        SignedStatement[] statements = [request, Yes(request, "ben"), Yes(request, "cem")];
        AssertAllowed(Decide(statements));
        AssertDenied(Decide(statements, now: new(2026, 6, 21, 0, 0, 0, TimeSpan.Zero)), "its requester eve is not in office now");
        AssertDenied(Decide(statements, revocations: RevocationList.Empty with { Keys = Set(Key("eve").Spki) }), "its requester eve or their key was revoked");
        AssertDenied(Decide(statements, revocations: RevocationList.Empty with { People = Set(Id("eve")) }), "its requester eve or their key was revoked");
    }

    [Fact]
    public void One_quorum_is_over_one_request()
    {
        var other = Asked(Request() with { Id = "another" });
        var outcome = Decide([Question, other, Yes(Question, "ben"), Yes(other, "cem")]);
        AssertDenied(outcome, "still needed: 1 operator; counted: ben");
        Assert.Equal(2, outcome.Decision.Reasons.Length);
    }

    [Fact]
    public void An_empty_scope_is_nowhere()
    {
        var request = Asked(Request() with { Scope = new([], [], [], []) });
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")]), "it names no environment");
    }

    [Fact]
    public void A_need_that_names_nothing_is_never_met() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem")], Need() with { Covers = [] }), "nothing says what is to begin");

    [Fact]
    public void A_refusal_says_what_was_not_covered_and_how_it_differs()
    {
        var approved = "{\"command\":[\"serve\"]}"u8.ToArray();
        var wanted = "{\"command\":[\"sh\"]}"u8.ToArray();
        var request = Asked(Request() with { Covers = [new(CoveredKind.Artifact, null, Image, default), new(CoveredKind.Template, null, Digest.Of(approved), approved)] });
        var need = Need() with
        {
            Covers = [new(CoveredKind.Artifact, null, Image, default), new(CoveredKind.Template, "Deployment/shop", Digest.Of(wanted), wanted)],
            Difference = (was, now) => was.Span.SequenceEqual(approved) && now.Span.SequenceEqual(wanted) ? ["command: serve is sh"] : ["the wrong documents"],
        };
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")], need), "it does not cover the pod template: command: serve is sh");
    }

    [Fact]
    public void An_artifact_without_its_template_is_not_enough_where_both_are_needed()
    {
        var request = Asked(Request() with { Covers = [new(CoveredKind.Artifact, null, Image, default)] });
        AssertDenied(Decide([request, Yes(request, "ben"), Yes(request, "cem")]), $"it does not cover the pod template");
    }

    [Theory]
    [InlineData(1, 2, "its window is 2026-06-15T13:00Z"), InlineData(-2, -1, "to 2026-06-15T11:00Z"), InlineData(-1, 1, null)]
    public void Nothing_begins_outside_of_the_window(int from, int to, string? refused)
    {
        var request = Asked(Request() with { NotBefore = Now.AddHours(from), NotAfter = Now.AddHours(to) });
        var outcome = Decide([request, Yes(request, "ben"), Yes(request, "cem")]);
        if (refused is null)
        {
            Assert.Equal(Now.AddHours(to), AssertAllowed(outcome).UseBy);
        }
        else
        {
            AssertDenied(outcome, refused);
        }
    }

    [Fact]
    public void The_right_to_begin_and_to_run_end_with_the_first_of_what_policy_and_approvals_say()
    {
        var grant = AssertAllowed(Decide([Question, Sign(Approval(Question, "ben") with { UseBy = Now.AddHours(5), RunUntil = Now.AddDays(9) }, "ben"), Yes(Question, "cem")]));
        Assert.Equal((Now.AddHours(5), Now.AddDays(9)), (grant.UseBy, grant.RunUntil));
        Assert.Equal(Now.AddHours(-2).AddDays(26 * 7), AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem")])).RunUntil);
        var request = Asked(Request(action: "rotate"));
        Assert.Null(AssertAllowed(Decide([request, Yes(request, "ben"), Yes(request, "cem")], Need("rotate"))).RunUntil);
    }

    [Fact]
    public void A_request_may_be_used_as_often_as_the_policy_says()
    {
        SignedStatement[] statements = [Question, Yes(Question, "ben"), Yes(Question, "cem")];
        Assert.Equal(3, AssertAllowed(Decide(statements, used: 2)).MaxUses);
        AssertDenied(Decide(statements, used: 3), "it was used 3 times, and may be used 3 times");
    }

    [Fact]
    public void An_approval_may_allow_fewer_uses()
    {
        var once = Sign(Approval(Question, "ben") with { Id = "once", MaxUses = 1, UseBy = Now.AddDays(5) }, "ben");
        Assert.Equal(1, AssertAllowed(Decide([Question, once, Yes(Question, "cem")])).MaxUses);
        AssertDenied(Decide([Question, once, Yes(Question, "cem")], used: 1), "ben, who approved it for 1 uses, and it was used 1 times");
        AssertAllowed(Decide([Question, once, Yes(Question, "ben"), Yes(Question, "cem")], used: 1));
    }

    [Fact]
    public void A_rejection_by_whoever_could_approve_ends_a_request() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), No(Question, "dan")]), "dan rejected it");

    [Fact]
    public void A_rejection_by_somebody_who_is_not_asked_does_nothing() =>
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), No(Question, "gus"), Sign(Approval(Question, "dan") with { Decision = ApprovalDecision.Reject }, "stranger")]));

    [Fact]
    public void A_rejection_ends_exactly_the_request_that_it_names()
    {
        var sameId = Asked(Request() with { CreatedAt = Now.AddHours(-1) });
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), sameId, No(sameId, "dan")]));
    }

    [Fact]
    public void A_rejection_is_heard_after_its_key_or_office_has_ended()
    {
        var now = new DateTimeOffset(2026, 6, 21, 12, 0, 0, TimeSpan.Zero);
        SignedStatement Late(string by) => Sign(Approval(Question, by) with { IssuedAt = now.AddDays(-1), UseBy = now.AddDays(1) }, by);
        AssertDenied(Decide([Question, Late("ben"), Late("cem"), No(Question, "fay")], now: now), "fay rejected it");
        AssertDenied(Decide([Question, Late("ben"), Late("cem"), No(Question, "eve")], now: now), "eve rejected it");
    }

    [Fact]
    public void Who_rejected_may_withdraw_the_rejection_and_nobody_else_may()
    {
        SignedStatement[] rejected = [Question, Yes(Question, "ben"), Yes(Question, "cem"), No(Question, "dan")];
        AssertAllowed(Decide([.. rejected, Withdrawal(Question, "dan", "no of dan")]));
        AssertDenied(Decide([.. rejected, Withdrawal(Question, "ann", "no of dan")]), "dan rejected it");
        AssertDenied(Decide([.. rejected, Sign(Withdrawal(Question, "dan", "no of dan").Statement, "ann")]), "dan rejected it");
    }

    [Fact]
    public void A_rejection_is_not_withdrawn_with_a_key_that_no_longer_counts()
    {
        SignedStatement[] rejected = [Question, Yes(Question, "cem"), Yes(Question, "dan"), No(Question, "ben"), Withdrawal(Question, "ben", "no of ben", "ben-2")];
        AssertAllowed(Decide(rejected));
        AssertDenied(Decide(rejected, policy: PolicyWith("file: ben-2 }", "file: ben-2, validUntil: 2026-06-01 }")), "ben rejected it");
        AssertDenied(Decide(rejected, revocations: RevocationList.Empty with { Keys = Set(Key("ben-2").Spki) }), "ben rejected it");
    }

    [Fact]
    public void A_withdrawn_approval_no_longer_counts_whichever_key_withdraws_it()
    {
        SignedStatement[] approved = [Question, Yes(Question, "ben"), Yes(Question, "cem")];
        AssertDenied(Decide([.. approved, Withdrawal(Question, "ben", "ben as operator")]), "ben, who withdrew it");
        AssertDenied(Decide([.. approved, Withdrawal(Question, "ben", "ben as operator", "ben-2")], policy: PolicyWith("file: ben-2 }", "file: ben-2, validUntil: 2026-06-01 }")), "ben, who withdrew it");
    }

    [Fact]
    public void A_withdrawal_by_somebody_else_does_nothing()
    {
        SignedStatement[] approved = [Question, Yes(Question, "ben"), Yes(Question, "cem")];
        AssertAllowed(Decide([.. approved, Withdrawal(Question, "dan", "ben as operator"), Withdrawal(Question, "dan", "request-deploy")]));
        AssertAllowed(Decide([.. approved, Sign(Withdrawal(Question, "ben", "ben as operator").Statement, "dan")]));
    }

    [Fact]
    public void A_requester_may_withdraw_the_request() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), Withdrawal(Question, "ann", "request-deploy")]), "its requester withdrew it");

    [Fact]
    public void A_newer_approval_replaces_the_one_that_it_names_even_if_it_allows_less()
    {
        var newer = Sign(Approval(Question, "ben") with { Id = "newer", Supersedes = "ben as operator", UseBy = Now.AddMinutes(-1) }, "ben");
        AssertDenied(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), newer]), "ben, who approved it to be used by 2026-06-15T11:59Z, ben, who replaced it");
        var foreign = Sign(Approval(Question, "dan") with { Supersedes = "ben as operator" }, "dan");
        AssertAllowed(Decide([Question, Yes(Question, "ben"), Yes(Question, "cem"), foreign]));
    }

    [Fact]
    public void A_review_after_the_fact_counts_for_nothing_beforehand() =>
        AssertDenied(Decide([Question, Yes(Question, "ben"), Sign(Approval(Question, "cem") with { Decision = ApprovalDecision.Acknowledge }, "cem")]), "still needed: 1 operator");

    [Fact]
    public void A_standby_cluster_of_the_same_environment_admits_what_the_primary_does()
    {
        SignedStatement[] statements = [Question, Yes(Question, "ben"), Yes(Question, "cem")];
        AssertAllowed(Decide(statements, Need() with { Cluster = Primary }));
        AssertAllowed(Decide(statements, Need() with { Cluster = Standby }));
    }

    [Fact]
    public void More_statements_than_can_be_weighed_are_could_not_tell()
    {
        var many = Enumerable.Range(0, 4_097).Select(i => Question with { Where = $"{i}" }).ToList();
        var outcome = Decide(many);
        Assert.Equal((Verdict.Unknown, true), (outcome.Decision.Verdict, outcome.Decision.Reasons[0].Remedy is not null));
    }

    [Fact]
    public void As_many_statements_as_can_be_weighed_of_one_person_are_weighed_at_once_and_told_in_short()
    {
        var many = Enumerable.Range(0, 4_000).Select(i => Sign(Approval(Question, "gus") with { Id = $"{i}", Approver = new(Id("gus"), $"role {i}", Key("gus"), null, null) }, "gus"));
        var outcome = Decide([Question, .. many]);
        AssertDenied(outcome, "and 3984 more");
        Assert.InRange(outcome.Decision.Reasons[0].Message.Length, 1, 4_000);
    }

    [Fact]
    public async Task What_people_really_signed_and_a_verifier_really_read_is_counted()
    {
        var request = await Verified(Request(), "ann");
        var ben = await Verified(Approval(request, "ben"), "ben");
        var cem = await Verified(Approval(request, "cem"), "cem");
        AssertAllowed(Decide([request, ben, cem]));
        AssertDenied(Decide([request, ben, await Verified(Approval(request, "cem"), "dan")]), "cem, who did not sign it");
        AssertDenied(Decide([request, ben, await Verified(Approval(request, "cem") with { RequestDigest = Digest.Of("x"u8) }, "cem")]), "cem, who approved another request of the same id");
    }

    private static async Task<SignedStatement> Verified(ApprovalStatement statement, string key)
    {
        var envelope = await Dsse.SignAsync(ApprovalStatements.WriteStatement(statement, [("shop", Image)]), Signer(key), TestContext.Current.CancellationToken);
        var policy = VerificationPolicy.For(Convert.FromHexString(Image.Hex), [.. Policy.Keys.Values.Select(trusted => trusted.PublicKey)]);
        var verified = Assert.IsType<VerificationOutcome.Verified>(SigstoreVerifier.Verify(envelope, policy));
        var content = Assert.IsType<SignedContent.Statement>(verified.Content);
        var read = Assert.IsType<Reading<ApprovalStatement>.Found>(ApprovalStatements.Read(content.PredicateType, content.Predicate)).Value;
        return new(read, [.. verified.Signers.Select(signer => new Identity.Key(Digest.FromHash(signer.SpkiSha256.Span)))], Digest.Of(content.Payload.Span), "an envelope");
    }
}
