using Governance.Gates.Approvals;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using static Governance.Gates.Tests.Approvals.Firm;

namespace Governance.Gates.Tests.Approvals;

/// <summary>A version of the policy follows the one that it names, by the people of the one that it replaces.</summary>
[Trait("attack", "approvals")]
public sealed class PolicyChainTests
{
    private const string Head = "metadata: { name: firm, version: 1 }";
    private const string Weakening = "    policy-change:";
    private static readonly Reading<RevocationList> Nothing = new Reading<RevocationList>.Found(RevocationList.Empty);

    [Fact]
    public void A_version_that_names_the_one_in_force_follows_with_its_quorum_only()
    {
        var next = Next();
        Assert.Equal(Verdict.Allow, Decide(Firm.Policy, next, "ben", "cem").Verdict);
        Refused(Decide(Firm.Policy, next, "ben"), "still needed: 1 operator");
        Refused(Decide(Firm.Policy, next), "still needed: 2 operator");
    }

    public static TheoryData<string, string, string> Strangers => new()
    {
        { "another policy", "metadata: { name: shop, version: 2, previous: \"PREVIOUS\" }", "the policy shop is not a version of firm" },
        { "an older version", Head, "version 1 does not follow version 1" },
        { "another predecessor", "metadata: { name: firm, version: 2, previous: \"sha256:1111111111111111111111111111111111111111111111111111111111111111\" }", "version 2 follows sha256:1111" },
        { "a predecessor that came between", "metadata: { name: firm, version: 3, previous: \"sha256:2222222222222222222222222222222222222222222222222222222222222222\" }", "version 3 follows sha256:2222" },
    };

    [Theory, MemberData(nameof(Strangers))]
    public void What_does_not_follow_stays_out_whoever_agreed(string because, string head, string message)
    {
        Assert.NotEmpty(because);
        var candidate = Read(Yaml.Replace(Head, head.Replace("PREVIOUS", Firm.Policy.Digest.ToString(), StringComparison.Ordinal), StringComparison.Ordinal) + "\n");
        Refused(Decide(Firm.Policy, candidate, "ben", "cem"), message);
    }

    [Fact]
    public void The_people_of_the_version_in_force_decide_and_not_those_whom_the_next_one_names()
    {
        // Gus becomes an operator, and policy-change would need one operator.
        var next = Next(("operator: { people: [ann, ben, cem, dan, eve, fay] }", "operator: { people: [ann, ben, cem, dan, eve, fay, gus] }"), ("policy-change: { require: [{ role: operator, count: 2 }]", "policy-change: { require: [{ role: operator, count: 1 }]"));
        Refused(Decide(Firm.Policy, next, "gus"), "gus, who gains by the change");
        Refused(Decide(Firm.Policy, next, "ben"), "still needed");
    }

    [Fact]
    public void Who_gains_by_a_weakening_does_not_count_and_who_stands_in_for_them_does_not_either()
    {
        var first = Firm.Policy;
        var next = Next(("auditor: { people: [ben, fay, gus] }", "auditor: { people: [ben, dan, fay, gus] }"));
        Assert.Equal(Verdict.Allow, Decide(first, next, "ben", "cem").Verdict);
        Refused(Decide(first, next, "ben", "dan"), "dan, who gains by the change");

        var asked = Asked(RequestFor(next, "policy-change"));
        var deputy = Sign(Approval(asked, "cem") with { Approver = new(Id("cem"), "operator", Key("cem"), Id("dan"), null) }, "cem");
        Refused(PolicyChain.Decide(first, next, [asked, Yes(asked, "ben"), deputy], Nothing, Now), "cem, who gains by the change, or stands in for somebody who does");
    }

    [Fact]
    public void A_weakening_needs_the_quorum_that_the_version_in_force_names_for_it()
    {
        var first = PolicyWith(Weakening, "    policy-weakening: { require: [{ role: operator, count: 3 }], useBy: 7d }\n" + Weakening);
        var weaker = After(first, first: true, ("rotate: { require: [{ role: operator, count: 2 }], useBy: 7d }", "rotate: { require: [{ role: operator, count: 2 }], useBy: 8d }"));
        Refused(Decide(first, weaker, "ben", "cem"), "has no request for policy-weakening");
        Refused(DecideAs("policy-weakening", first, weaker, "ben", "cem"), "still needed: 1 operator");
        Assert.Equal(Verdict.Allow, DecideAs("policy-weakening", first, weaker, "ben", "cem", "dan").Verdict);
    }

    [Fact]
    public void An_approval_of_one_version_is_not_used_for_another()
    {
        var asked = Asked(RequestFor(Next(), "policy-change"));
        var other = Next(("builds", "builds and signs"));
        Refused(PolicyChain.Decide(Firm.Policy, other, [asked, Yes(asked, "ben"), Yes(asked, "cem")], Nothing, Now), "does not cover the artifact");
    }

    [Fact]
    public void While_the_list_of_revocations_cannot_be_read_no_version_follows()
    {
        var asked = Asked(RequestFor(Next(), "policy-change"));
        SignedStatement[] statements = [asked, Yes(asked, "ben"), Yes(asked, "cem")];
        var unread = new Reading<RevocationList>.Unread(new("trust.revocations", "it is too old", "renew it"));
        Assert.Equal(Verdict.Unknown, PolicyChain.Decide(Firm.Policy, Next(), statements, unread, Now).Verdict);
        Refused(PolicyChain.Decide(Firm.Policy, Next(), statements, new Reading<RevocationList>.Found(RevocationList.Empty with { People = Set(Id("cem")) }), Now), "cem, who was revoked");
    }

    [Fact]
    public void A_policy_that_asks_nobody_is_followed_by_any()
    {
        var first = PolicyWith("    policy-change: { require: [{ role: operator, count: 2 }], useBy: 7d }\n", "");
        Assert.Equal(Verdict.Allow, PolicyChain.Decide(first, Next(), [], Nothing, Now).Verdict);
    }

    private static Policy Next(params (string From, string To)[] changes) => After(Firm.Policy, first: false, changes);

    private static Policy After(Policy before, bool first, params (string From, string To)[] changes)
    {
        var yaml = Yaml.Replace(Head, $"metadata: {{ name: firm, version: 2, previous: \"{before.Digest}\" }}", StringComparison.Ordinal);
        if (first)
        {
            yaml = yaml.Replace(Weakening, "    policy-weakening: { require: [{ role: operator, count: 3 }], useBy: 7d }\n" + Weakening, StringComparison.Ordinal);
        }

        foreach (var (from, to) in changes)
        {
            Assert.Contains(from, yaml, StringComparison.Ordinal);
            yaml = yaml.Replace(from, to, StringComparison.Ordinal);
        }

        return Read(yaml);
    }

    private static ApprovalRequest RequestFor(Policy candidate, string action) =>
        Request(action: action) with { Scope = new([], [], [], []), Covers = [new(CoveredKind.Artifact, "governance.yaml", candidate.Digest, default)] };

    private static Decision Decide(Policy inForce, Policy candidate, params string[] people) => DecideAs("policy-change", inForce, candidate, people);

    private static Decision DecideAs(string action, Policy inForce, Policy candidate, params string[] people)
    {
        var asked = Asked(RequestFor(candidate, action));
        return PolicyChain.Decide(inForce, candidate, [asked, .. people.Select(by => Yes(asked, by))], Nothing, Now);
    }

    private static void Refused(Decision decision, string because)
    {
        Assert.Equal(Verdict.Deny, decision.Verdict);
        Assert.Contains(decision.Reasons, reason => reason.Message.Contains(because, StringComparison.Ordinal) && reason.Remedy is not null);
    }
}
