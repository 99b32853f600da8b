using System.Text;
using Governance.Gates.Policies;
using Governance.Gates.Tests.Reviews;
using static Governance.Gates.Policies.PolicyChangeKind;

namespace Governance.Gates.Tests.Policies;

/// <summary>The policy's <c>review</c> section: what is refused in it, and what a change of it does.</summary>
public sealed class ReviewRulesTests
{
    private static readonly string Sound = PullRequests.Yaml("""
        codeowners: { required: true, mistakes: deny }
        approvals: { default: 2, stale: head }
        exclude: [author, committers, robots]
        paths:
          - { paths: [risk/**], approvals: 2, from: codeowners, why: risk-critical }
          - { paths: [config/**], require: [{ role: risk-manager, count: 1 }] }
        values:
          - { file: limits.yaml, at: /a, when: increases, require: [{ role: risk-manager, count: 1 }] }
          - { file: limits.yaml, at: /b, must: { atMost: 1.5 } }
        evidence:
          - { paths: [models/**], files: [models/*/validation.json] }
        """);

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "required: true", "required: yes", "true or false" },
        { "mistakes: deny", "mistakes: allow", "'allow' is not one of deny, warn" },
        { "stale: head", "stale: any", "'any' is not 'head'" },
        { "default: 2", "default: 0", "not a whole number from 1" },
        { "approvals: 2, from", "approvals: 65, from", "65 people are more than 64" },
        { "exclude: [author, committers, robots]", "exclude: [committers, robots]", "'author' is not in the list" },
        { "exclude: [author, committers, robots]", "exclude: [author]", "'robots' is not in the list" },
        { "exclude: [author, committers, robots]", "exclude: [author, robots, friends]", "'friends' is not" },
        { "[risk/**], approvals: 2, from", "[/risk/**], approvals: 2, from", "'/risk/**' is no pattern" },
        { "approvals: 2, from: codeowners", "from: codeowners, require: [{ role: risk-manager, count: 1 }]", "'from' says who gives the approvals" },
        { "approvals: 2, from: codeowners", "approvals: 2, require: [{ role: risk-manager, count: 1 }]", "only one of" },
        { "[{ role: risk-manager, count: 1 }] }\nvalues", "[{ role: nobody, count: 1 }] }\nvalues", "'nobody'" },
        { "[{ role: risk-manager, count: 1 }] }\nvalues", "[{ role: risk-manager, count: 3 }] }\nvalues", "cannot approve what ann or dave or frank opens" },
        { "[{ role: risk-manager, count: 1 }] }\nvalues", "[{ role: risk-manager, count: 4 }] }\nvalues", "cannot approve: the people with a GitHub account are ann, dave, frank" },
        { "file: limits.yaml, at: /a", "file: '*.yaml', at: /a", "no path of a file" },
        { "at: /a", "at: a", "is not a path" },
        { "when: increases, require: [{ role: risk-manager, count: 1 }]", "when: increases", "nothing says who must approve" },
        { "must: { atMost: 1.5 }", "must: { atMost: 1.5 }, require: [{ role: risk-manager, count: 1 }]", "a bound holds whoever approves" },
        { "must: { atMost: 1.5 }", "must: { atMost: 1.5, atLeast: 2 }", "no value is at least the one" },
        { "must: { atMost: 1.5 }", "must: { atMost: '1.5' }", "the text '1.5' stands where a number belongs" },
        { "must: { atMost: 1.5 }", "must: { atMost: .inf }", "not a number that can be compared" },
        { "must: { atMost: 1.5 }", "must: {}", "asks for nothing" },
        { "files: [models/*/validation.json]", "files: [models/**.json]", "no pattern" },
    };

    /// <summary>From, to, where it is told, what it is, and what it is backwards.</summary>
    public static TheoryData<string, string, string, PolicyChangeKind, PolicyChangeKind> Kinds => new()
    {
        { "required: true", "required: false", "review.codeowners.required", Weaker, Stronger },
        { "mistakes: deny", "mistakes: warn", "review.codeowners.mistakes", Weaker, Stronger },
        { "default: 2", "default: 1", "review.approvals.default", Weaker, Stronger },
        { "exclude: [author, committers, robots]", "exclude: [author, robots]", "review.exclude", Weaker, Stronger },
        { "- { paths: [risk/**], approvals: 2, from: codeowners, why: risk-critical }", "", "review.paths", Weaker, Stronger },
        { "approvals: 2, from: codeowners", "approvals: 1, from: codeowners", "review.paths", Weaker, Weaker },
        { "approvals: 2, from: codeowners", "approvals: 2", "review.paths", Weaker, Weaker },
        { "- { file: limits.yaml, at: /b, must: { atMost: 1.5 } }", "", "review.values", Weaker, Stronger },
        { "atMost: 1.5", "atMost: 2", "review.values", Weaker, Weaker },
        { "when: increases", "when: decreases", "review.values", Weaker, Weaker },
        { "files: [models/*/validation.json]", "files: [models/*]", "review.evidence", Weaker, Weaker },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_in_the_review_section_is_refused(string from, string to, string message)
    {
        var refused = Assert.IsType<PolicyReading.Refused>(Read(Changed(from, to)));
        Assert.Contains(refused.Mistakes, mistake => mistake.ToString().Contains(message, StringComparison.Ordinal) && mistake.Line > 1);
    }

    [Fact]
    public void A_part_of_the_change_that_its_writers_may_approve_is_warned_of()
    {
        var warnings = Assert.IsType<PolicyReading.Accepted>(Read(Sound)).Warnings;
        Assert.Contains(warnings, warning => warning.Message.StartsWith("'coAuthors' is not in the list", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.Message.StartsWith("'lastPusher' is not in the list", StringComparison.Ordinal));
    }

    [Fact]
    public void A_policy_under_which_a_change_may_need_nobody_is_warned_of() =>
        Assert.Contains(Assert.IsType<PolicyReading.Accepted>(Read(Changed("approvals: { default: 2, stale: head }", ""))).Warnings, warning => warning.Message.Contains("needs nobody's approval", StringComparison.Ordinal));

    [Theory, MemberData(nameof(Kinds))]
    public void A_change_of_what_reviews_need_is_weaker_or_stronger(string from, string to, string path, PolicyChangeKind kind, PolicyChangeKind backwards)
    {
        var (was, now) = (Accepted(Sound), Accepted(Changed(from, to)));
        Assert.Equal(kind, PolicyDiff.Between(was, now).Changes.First(change => change.Path == path).Kind);
        Assert.Equal(backwards, PolicyDiff.Between(now, was).Changes.First(change => change.Path == path).Kind);
    }

    [Fact]
    public void A_policy_that_asks_nothing_of_pull_requests_any_more_is_weaker()
    {
        var gone = Accepted(Sound) with { Review = null };
        Assert.Equal(Weaker, PolicyDiff.Between(Accepted(Sound), gone).Changes.Single(change => change.Path == "review").Kind);
        Assert.Equal(Stronger, PolicyDiff.Between(gone, Accepted(Sound)).Changes.Single(change => change.Path == "review").Kind);
    }

    private static string Changed(string from, string to)
    {
        // The section stands indented in the whole.
        (from, to) = (from.Replace("\nvalues", "\n    values", StringComparison.Ordinal), to.Replace("\nvalues", "\n    values", StringComparison.Ordinal));
        Assert.Contains(from, Sound, StringComparison.Ordinal);
        var at = Sound.IndexOf(from, StringComparison.Ordinal);
        return Sound[..at] + to + Sound[(at + from.Length)..];
    }

    private static Policy Accepted(string yaml) => Read(yaml) is PolicyReading.Accepted(var policy, _) ? policy : throw new InvalidOperationException(string.Join('\n', ((PolicyReading.Refused)Read(yaml)).Mistakes));

    private static PolicyReading Read(string yaml) => PolicyReader.Read(Encoding.UTF8.GetBytes(yaml), _ => null);
}
