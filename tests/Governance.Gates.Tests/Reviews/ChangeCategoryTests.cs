using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

/// <summary>What may be merged when, and who says so. It is Monday noon, outside of the windows, unless a test says otherwise.</summary>
public sealed class ChangeCategoryTests
{
    private const string Limits = "config/limits.yaml";

    private const string Changes = """

          changes:
            standard: { preApproved: [docs/**, dashboards/*.json] }
            normal: { windows: ["Tue..Thu 10:00-16:00", "Sat 00:00-24:00"], zone: UTC }
            emergency: { require: [{ role: risk-manager, count: 1 }], review: { require: [{ role: compliance, count: 1 }], within: 48h } }

        """;

    private static readonly string Values = PullRequests.Rules + $"\n    values:\n      - {{ file: {Limits}, at: /cap, must: {{ atMost: 1 }} }}\n      - {{ file: docs/limits.yaml, at: /a, when: increases, require: [{{ role: compliance, count: 1 }}] }}\n";

    private static Policy Policy(string? rules = null, string changes = Changes) => PolicyReader.Read(Encoding.UTF8.GetBytes(PullRequests.Yaml(rules ?? PullRequests.Rules) + changes), _ => null) switch
    {
        PolicyReading.Accepted(var policy, _) => policy,
        PolicyReading.Refused(var mistakes) => throw new InvalidOperationException(string.Join('\n', mistakes)),
        _ => throw new InvalidOperationException(),
    };

    private static ReviewResult Judge(PullRequests request, string? rules = null, string? at = null) => ReviewGate.Decide(request.Read(), Policy(rules), at is null ? PullRequests.Now : Time(at));

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static PullRequests Labelled(PullRequests request, string? by, string label = "emergency", int times = 1) =>
        request.With("labels", new JsonArray([.. Enumerable.Range(0, times).Select(_ => new JsonObject { ["name"] = label, ["by"] = PullRequests.Account(by) })]));

    [Theory]
    [InlineData("2026-06-02T09:59:59Z", false)]
    [InlineData("2026-06-02T10:00:00Z", true)]
    [InlineData("2026-06-04T15:59:59Z", true)]
    [InlineData("2026-06-04T16:00:00Z", false)]
    [InlineData("2026-06-05T12:00:00Z", false)]
    [InlineData("2026-06-06T23:59:59Z", true)]
    [InlineData("2026-06-03T01:00:00-09:00", true)]
    [InlineData("2026-06-02T11:00:00+02:00", false)]
    public void A_normal_change_is_merged_in_a_window_of_the_policy_by_UTC(string at, bool allowed)
    {
        var result = Judge(new PullRequests("src/a").Reviewed("bob"), at: at);
        result.Is(allowed ? Verdict.Allow : Verdict.Deny, allowed ? null : "a normal change may be merged Tue..Thu 10:00-16:00, Sat 00:00-24:00 (UTC)");
        Assert.Equal(ChangeCategory.Normal, result.Category);
    }

    [Fact]
    public void Outside_of_windows_the_next_one_is_named_and_who_is_missing_is_too()
    {
        var result = Judge(new PullRequests("src/a"));
        result.Is(Verdict.Deny, "it is Mon 2026-06-01 12:00Z");
        result.Is(Verdict.Deny, "merge from Tue 2026-06-02 10:00Z on");
        result.Is(Verdict.Deny, "needs 1 more of");
    }

    [Fact]
    public void What_was_merged_is_judged_at_the_time_of_its_merge()
    {
        Judge(new PullRequests("src/a").Reviewed("bob").With("mergedAt", "2026-06-02T10:30:00Z"), at: "2026-06-05T00:00:00Z").Is(Verdict.Allow);
        Judge(new PullRequests("src/a").Reviewed("bob").With("mergedAt", "2026-06-01T10:30:00Z"), at: "2026-06-02T12:00:00Z").Is(Verdict.Deny, "it is Mon 2026-06-01 10:30Z");
    }

    [Fact]
    public void A_change_of_nothing_but_paths_that_were_approved_before_needs_no_window_and_every_approval_that_is_asked_of_all()
    {
        var result = Judge(new PullRequests("docs/a", "docs/b/c.md", "dashboards/x.json").Reviewed("bob"));
        result.Is(Verdict.Allow);
        Assert.Equal(ChangeCategory.Standard, result.Category);
        Judge(new PullRequests("docs/a")).Is(Verdict.Deny, "needs 1 more of");
    }

    public static TheoryData<string> NotStandard => ["another", "renamed away", "renamed in", "link", "submodule that goes", "mode unknown", "path rule", "value rule", "folder of a value rule", "nothing"];

    [Theory, MemberData(nameof(NotStandard))]
    public void Whatever_else_a_change_does_makes_it_a_normal_one(string what)
    {
        var request = new PullRequests().Reviewed("bob").Reviewed("dave").Reviewed("erin");
        request = what switch
        {
            "another" => request.Change("docs/a").Change("src/a"),
            "renamed away" => request.Change("src/a", "renamed", "docs/a"),
            "renamed in" => request.Change("docs/a", "renamed", "src/a"),
            "link" => request.Change("docs/a", mode: "120000"),
            "submodule that goes" => request.Change("docs/a", "removed", mode: "160000"),
            "mode unknown" => request.Change("docs/a", mode: null),
            "path rule" => request.Change("docs/risk.md"),
            "value rule" => request.Change("docs/limits.yaml").Content("base", "docs/limits.yaml", "a: 1").Content("head", "docs/limits.yaml", "a: 1"),
            "folder of a value rule" => request.Change("docs", "added").Content("base", "docs/limits.yaml", null).Content("head", "docs/limits.yaml", null),
            _ => request,
        };
        var rules = Values.Replace("paths: [config/**]", "paths: [docs/risk.md]", StringComparison.Ordinal);
        var result = Judge(request, rules);
        Assert.Equal(ChangeCategory.Normal, result.Category);
        result.Is(Verdict.Deny, "a normal change may be merged");
    }

    [Fact]
    public void An_emergency_is_let_in_by_who_set_its_label_and_says_who_must_review_it_until_when()
    {
        var result = Judge(Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave"));
        result.Is(Verdict.Warn, "1 compliance besides those who let it in must approve it within 48 h of the merge");
        Assert.Equal(ChangeCategory.Emergency, result.Category);
        Judge(Labelled(new PullRequests("risk/a"), "dave", "Emergency").Reviewed("dave")).Is(Verdict.Warn);
    }

    public static TheoryData<string> NoEmergency => ["ann", "bob", "stan", "release[bot]", "carol", "", "twice", "frank who wrote a part of it"];

    [Theory, MemberData(nameof(NoEmergency))]
    public void A_label_makes_no_emergency_where_somebody_set_it_who_could_not_approve_one(string by)
    {
        var request = Labelled(new PullRequests("src/a"), by.Split(' ')[0] switch { "" => null, "twice" => "dave", var login => login }, times: by == "twice" ? 2 : 1).Reviewed("dave").Reviewed("erin").Reviewed("bob");
        if (by.StartsWith("frank", StringComparison.Ordinal))
        {
            request.Commit("frank", "frank");
        }

        var result = Judge(request);
        result.Is(Verdict.Deny, "a normal change may be merged");
        result.Is(Verdict.Deny, "the label 'emergency' makes no emergency of it");
        Assert.Equal(ChangeCategory.Normal, result.Category);
        Judge(request, at: "2026-06-02T12:00:00Z").Is(Verdict.Warn);
    }

    [Fact]
    public void Who_set_the_label_must_have_approved_the_head_commit_themselves()
    {
        Judge(Labelled(new PullRequests("src/a"), "dave").Reviewed("frank").Reviewed("erin")).Is(Verdict.Deny, "dave, who set the label 'emergency': needs 1 more of: dave");
        Judge(Labelled(new PullRequests("src/a"), "dave").Reviewed("dave", commit: PullRequests.Older).Reviewed("frank")).Is(Verdict.Deny, "who set the label");
    }

    [Fact]
    public void An_emergency_lifts_windows_and_counts_by_path_and_nothing_else()
    {
        var rules = Values.Replace("required: false", "required: true", StringComparison.Ordinal);
        Judge(Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave"), rules).Is(Verdict.Warn);

        // Default approvals, roles of paths and values, bounds, excluded people, requested changes, mistakes in CODEOWNERS, what could not be read.
        Judge(Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave"), rules.Replace("default: 1", "default: 2", StringComparison.Ordinal)).Is(Verdict.Deny, "2 with write access, for any change");
        Judge(Labelled(new PullRequests("config/x"), "dave").Reviewed("dave"), rules).Is(Verdict.Deny, "1 risk-manager and 1 compliance, for config/x");
        Judge(Labelled(new PullRequests("docs/limits.yaml"), "dave").Content("base", "docs/limits.yaml", "a: 1").Content("head", "docs/limits.yaml", "a: 2").Reviewed("dave"), rules).Is(Verdict.Deny, "/a from 1 to 2");
        Judge(Labelled(new PullRequests(Limits), "dave").Content("base", Limits, "cap: 1").Content("head", Limits, "cap: 2").Reviewed("dave").Reviewed("erin"), rules).Is(Verdict.Deny, "must be at most 1");
        Judge(Labelled(new PullRequests("src/a").Commit("dave", "dave"), "frank").Reviewed("dave").Reviewed("frank", "DISMISSED"), rules).Is(Verdict.Deny);
        Judge(Labelled(new PullRequests("src/a"), "dave").Reviewed("dave").Reviewed("bob", "CHANGES_REQUESTED"), rules).Is(Verdict.Deny, "asks for changes");
        Judge(Labelled(new PullRequests("src/a"), "dave").Reviewed("dave").Content("base", ".github/CODEOWNERS", "* nobody\n"), rules).Is(Verdict.Deny, "CODEOWNERS");
        Judge(Labelled(new PullRequests("src/a"), "dave").Reviewed("dave").With("unread", new JsonArray(PullRequests.Unread("no right"))), rules).Is(Verdict.Unknown, "no right");
    }

    [Theory]
    [InlineData("erin", null, Verdict.Allow)]
    [InlineData("erin", "2026-05-20T12:00:00Z", Verdict.Allow)]
    [InlineData("carol", "2026-05-31T12:00:00Z", Verdict.Warn)]
    [InlineData("carol", "2026-05-30T12:00:00Z", Verdict.Warn)]
    [InlineData("carol", "2026-05-30T11:59:59Z", Verdict.Deny)]
    public void An_emergency_that_others_did_not_review_in_time_is_told(string also, string? mergedAt, Verdict verdict) =>
        Judge(Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave").Reviewed(also).With("mergedAt", mergedAt)).Is(verdict, verdict == Verdict.Deny ? "must approve it by 2026-06-01 11:59Z, and did not" : null);

    [Fact]
    public void Whether_an_emergency_was_reviewed_by_a_team_that_could_not_be_read_is_could_not_tell()
    {
        var policy = Policy(changes: Changes.Replace("role: compliance", "role: narrowed", StringComparison.Ordinal));
        var request = Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave").Reviewed("bob").With("mergedAt", "2026-05-20T12:00:00Z");
        ReviewGate.Decide(request.UnreadTeam("example/risk", "no right").Read(), policy, PullRequests.Now).Is(Verdict.Unknown, "depends on a team that could not be read");
    }

    [Fact]
    public void Who_set_the_label_is_never_the_other_who_looks_at_it_whoever_else_approved()
    {
        Judge(Labelled(new PullRequests("risk/a"), "frank").Reviewed("frank")).Is(Verdict.Warn, "besides those who let it in");
        Judge(Labelled(new PullRequests("risk/a"), "frank").Reviewed("frank").Reviewed("dave")).Is(Verdict.Warn, "besides those who let it in");
        Judge(Labelled(new PullRequests("risk/a"), "frank").Reviewed("frank").Reviewed("dave").Reviewed("erin")).Is(Verdict.Allow);
    }

    public static TheoryData<string> Needed => ["default approvals", "value", "path role"];

    [Theory, MemberData(nameof(Needed))]
    public void Whose_approval_was_needed_to_let_an_emergency_in_is_nobody_else_who_looks_at_it(string need)
    {
        var rules = need == "default approvals" ? Values.Replace("default: 1", "default: 2", StringComparison.Ordinal) : Values;
        var request = need switch
        {
            "value" => new PullRequests("docs/limits.yaml").Content("base", "docs/limits.yaml", "a: 1").Content("head", "docs/limits.yaml", "a: 2"),
            "path role" => new PullRequests("config/x"),
            _ => new PullRequests("risk/a"),
        };
        Judge(Labelled(request, "dave").Reviewed("erin").Reviewed("dave"), rules).Is(Verdict.Warn, "besides those who let it in");
        Judge(request.Reviewed("bob"), rules).Is(Verdict.Allow);
    }

    [Fact]
    public void Who_looks_at_it_is_found_among_those_who_could_each_have_let_it_in_too()
    {
        // frank and bob answer for the path, so that erin is another; or erin and bob do, and frank is.
        var changes = Changes.Replace("role: compliance, count: 1", "role: compliance, count: 2", StringComparison.Ordinal);
        var rules = PullRequests.Rules.Replace("role: risk-manager, count: 1 }, { role: compliance", "role: narrowed, count: 1 }, { role: compliance", StringComparison.Ordinal);
        var request = Labelled(new PullRequests("config/x").Team("example/risk", "bob"), "dave").Reviewed("dave").Reviewed("frank").Reviewed("bob");
        ReviewGate.Decide(request.Read(), Policy(rules, changes), PullRequests.Now).Is(Verdict.Warn, "2 compliance besides those who let it in");
        ReviewGate.Decide(request.Reviewed("erin").Read(), Policy(rules, changes), PullRequests.Now).Is(Verdict.Warn, "2 compliance besides those who let it in");
        ReviewGate.Decide(request.Read(), Policy(rules), PullRequests.Now).Is(Verdict.Allow);
    }

    [Theory, InlineData("release[bot]"), InlineData("stan")]
    public void An_emergency_that_nobody_of_the_policy_opened_needs_another_besides_who_set_the_label_and_two_who_look_at_it(string author)
    {
        var request = Labelled(new PullRequests("src/a"), "dave").With("author", PullRequests.Account(author)).Reviewed("dave");
        var alone = Judge(request);
        alone.Is(Verdict.Deny, "1 risk-manager, for an emergency, also without any one of them, as nobody of the policy opened the pull request: needs 1 more of: frank");
        Assert.DoesNotContain(alone.Decision.Reasons, reason => reason.Message.Contains("who set the label", StringComparison.Ordinal));
        Judge(request.Reviewed("frank")).Is(Verdict.Warn, "1 compliance besides those who let it in, also without any one of them");
        Judge(request.Reviewed("erin")).Is(Verdict.Warn, "besides those who let it in");
        Judge(request.Reviewed("bob")).Is(Verdict.Allow);
    }

    [Theory]
    [InlineData("governance.yaml"), InlineData("policies/governance.yaml"), InlineData("CODEOWNERS"), InlineData("docs/CODEOWNERS"), InlineData(".github/CODEOWNERS")]
    [InlineData(".github/workflows/gates.yaml"), InlineData(".github/actions/deploy/action.yml"), InlineData(".github", "120000"), InlineData("lib", "160000"), InlineData("src/a", null)]
    public void What_guards_the_repository_is_changed_by_no_emergency_and_by_no_standard_change(string path, string? mode = "100644")
    {
        var changes = Changes.Replace("docs/**, ", "docs/**, lib, src/**, .github, .github/**, policies/**, governance.yaml, CODEOWNERS, ", StringComparison.Ordinal);
        foreach (var (more, previous) in (IEnumerable<(string, string?)>)[(path, null), .. mode == "100644" ? [("docs/moved", path)] : Array.Empty<(string, string?)>()])
        {
            var request = new PullRequests().Change(more, previous is null ? "modified" : "renamed", previous, mode).Content("head", ".github/CODEOWNERS", "* @ann @bob @carol @dave\n").Content("head", "docs/CODEOWNERS", null).Content("head", "CODEOWNERS", null).Reviewed("dave").Reviewed("frank").Reviewed("erin").Reviewed("bob");
            Assert.Equal(ChangeCategory.Normal, ReviewGate.Decide(request.Read(), Policy(changes: changes), PullRequests.Now).Category);
            var labelled = ReviewGate.Decide(Labelled(request, "dave").Read(), Policy(changes: changes), PullRequests.Now);
            Assert.Equal(ChangeCategory.Normal, labelled.Category);
            labelled.Is(Verdict.Deny, "a normal change may be merged");
            labelled.Is(Verdict.Deny, $"makes no emergency of it, since it changes {path}, which guards the repository or may stand for what does");
        }
    }

    [Fact]
    public void A_statement_about_an_emergency_says_so_and_not_that_every_rule_held()
    {
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.Emergency], Said(Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave").With("mergedAt", "2026-06-01T12:00:00Z")));
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.PolicyAllowed], Said(new PullRequests("docs/a").Reviewed("dave").With("mergedAt", "2026-06-01T12:00:00Z")));

        static IEnumerable<string> Said(PullRequests pullRequest)
        {
            var (request, policy) = (pullRequest.Read(), Policy());
            var tree = GitObjectId.TryParse(new string('5', 40))!;
            var said = ReviewStatement.Of("v-1", request, ReviewGate.Decide(request, policy, PullRequests.Now), new("https://github.com/example/trading", GitObjectId.TryParse(new string('4', 40))!, tree, tree), policy, PullRequests.Now);
            return said.Try(out var statement, out var why) ? statement.Properties : throw new Xunit.Sdk.XunitException(why.Message);
        }
    }

    [Fact]
    public void Without_the_section_no_kinds_are_told_apart_and_labels_say_nothing()
    {
        var result = Labelled(new PullRequests("risk/a"), "dave").Reviewed("dave").Judge();
        result.Is(Verdict.Deny, "2 of @bob @carol");
        Assert.Null(result.Category);
    }

    [Theory]
    [InlineData("Mon 08:00-09:00", "2026-06-01T12:00:00Z", "2026-06-08T08:00:00Z")]
    [InlineData("Mon 13:00-14:00", "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z")]
    [InlineData("Fri..Mon 20:00-24:00", "2026-06-01T21:00:00Z", "2026-06-05T20:00:00Z")]
    [InlineData("Fri..Mon 20:00-24:00", "2026-06-06T21:00:00Z", "2026-06-07T20:00:00Z")]
    [InlineData("Mon..Sun 00:00-00:01", "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z")]
    [InlineData("Mon 08:00-09:00", "9999-12-31T12:00:00Z", null)]
    public void A_window_opens_next_when_its_day_and_hour_come(string window, string after, string? opens) =>
        Assert.Equal(opens is null ? null : Time(opens), ChangeWindow.TryParse(window)!.NextAfter(Time(after)));

    [Theory]
    [InlineData("Mon 10:00-10:00"), InlineData("Mon 24:00-24:00"), InlineData("Mon 23:00-01:00"), InlineData("mon 10:00-11:00"), InlineData("Mon..Tue..Wed 10:00-11:00")]
    [InlineData("Mon 25:00-26:00"), InlineData("Mon 9:00-10:00"), InlineData("Mon  10:00-11:00"), InlineData("Mon"), InlineData(""), InlineData("10:00-11:00"), InlineData("Mon.. 10:00-11:00")]
    public void What_is_no_window_is_none(string text) => Assert.Null(ChangeWindow.TryParse(text));

    [Theory]
    [InlineData("\"Tue..Thu 10:00-16:00\"", "\"Tue 16:00-10:00\"", "ends before it begins")]
    [InlineData("\"Tue..Thu 10:00-16:00\"", "\"Tuesday 10:00-16:00\"", "is not a window")]
    [InlineData("zone: UTC", "zone: Europe/Berlin", "is not 'UTC'")]
    [InlineData("zone: UTC", "board: { weekly: \"Tue 10:00\", zone: UTC }", "is not yet supported")]
    [InlineData("docs/**, ", "\"**\", ", "every change would be a standard one")]
    [InlineData("docs/**, ", "\"**/*\", ", "every change would be a standard one")]
    [InlineData("docs/**, ", "\"*/**\", ", "every change would be a standard one")]
    [InlineData("docs/**, ", "/docs/**, ", "is no pattern")]
    [InlineData("role: compliance, count: 1", "role: compliance, count: 3", "cannot approve")]
    [InlineData("role: compliance, count: 1", "role: risk-manager, count: 2", "cannot approve")]
    [InlineData("role: risk-manager", "role: nobody", "nobody")]
    [InlineData("emergency: { require", "emergency: { label: \"\\U0001F6A8\", require", "is not a label")]
    public void A_section_that_does_not_hold_together_is_refused(string from, string to, string told)
    {
        Assert.Contains(from, Changes, StringComparison.Ordinal);
        var refused = Assert.IsType<PolicyReading.Refused>(PolicyReader.Read(Encoding.UTF8.GetBytes(PullRequests.Yaml(PullRequests.Rules) + Changes.Replace(from, to, StringComparison.Ordinal)), _ => null));
        Assert.Contains(refused.Mistakes, mistake => mistake.Message.Contains(told, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("docs/**, ", "", PolicyChangeKind.Stronger, PolicyChangeKind.Weaker)]
    [InlineData(", \"Sat 00:00-24:00\"", "", PolicyChangeKind.Stronger, PolicyChangeKind.Weaker)]
    [InlineData("    normal: { windows: [\"Tue..Thu 10:00-16:00\", \"Sat 00:00-24:00\"], zone: UTC }\n", "", PolicyChangeKind.Weaker, PolicyChangeKind.Stronger)]
    [InlineData("emergency: { require", "emergency: { label: urgent, require", PolicyChangeKind.Weaker, PolicyChangeKind.Weaker)]
    [InlineData("within: 48h", "within: 72h", PolicyChangeKind.Weaker, PolicyChangeKind.Weaker)]
    public void A_change_of_the_section_is_called_what_it_is(string from, string to, PolicyChangeKind forwards, PolicyChangeKind backwards)
    {
        var changed = Changes.ReplaceLineEndings("\n").Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(Changes, changed);
        Assert.Equal(forwards, Kind(Policy(), Policy(changes: changed)));
        Assert.Equal(backwards, Kind(Policy(changes: changed), Policy()));

        static PolicyChangeKind Kind(Policy before, Policy after) => Assert.Single(PolicyDiff.Between(before, after).Changes, change => change.Path.StartsWith("changes.", StringComparison.Ordinal)).Kind;
    }
}
