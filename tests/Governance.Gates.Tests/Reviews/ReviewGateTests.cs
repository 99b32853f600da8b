using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

public sealed class ReviewGateTests
{
    private const string Limits = "config/limits.yaml";

    private static readonly string ValueRules = """
        values:
          - { file: config/limits.yaml, at: /position/*/max, when: increases, require: [{ role: risk-manager, count: 1 }, { role: compliance, count: 1 }], why: risk limit raised }
          - { file: config/limits.yaml, at: /leverage/cap, must: { atMost: 1.0 }, why: leverage cap is 1.0 }
        """;

    /// <summary>Base, head, and whether the change counts as an increase.</summary>
    public static TheoryData<string, string?, bool> Increases => new()
    {
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 5 } }", false },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 4 } }", false },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 5.0 } }", false },
        { "position: { btc: { max: 5 } }", "position: {\"btc\": {\"max\": 5, \"min\": 1}}", false },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 5.0000000000000001 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 6 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: {} }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 5 }, eth: { max: 1 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: '5' } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 1e3 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: .inf } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 0x1 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: [5] } }", true },
        { "position: { btc: { max: 9 } }", "position: { btc: { max: 010 } }", true },
        { "position: { btc: { max: 10 } }", "position: { btc: { max: 010 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 4 }", true },
        { "position: { btc: { max: 5 } }", "a: &x { max: 4 }\nposition: { btc: *x }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 4 } }\n---\nposition: { btc: { max: 4 } }", true },
        { "position: { btc: { max: 5 } }", "position: { btc: { max: 4, max: 9 } }", true },
        { "position: { btc: { max: 5 } }", null, true },
        { "position: [{ max: 5 }, { max: 6 }]", "position: [{ max: 5 }, { max: 7 }]", true },
        { "position: [{ max: 5 }, { max: 6 }]", "position: [{ max: 5 }, { max: 6 }]", false },
        { "{", "position: { btc: { max: 4 } }", true },
    };

    public static TheoryData<string, Verdict, string> Bounds => new()
    {
        { "leverage: { cap: 1.0 }", Verdict.Allow, "" },
        { "leverage: { cap: 1 }", Verdict.Allow, "" },
        { "leverage: { cap: 0.5 }", Verdict.Allow, "" },
        { "leverage: { cap: 1.01 }", Verdict.Deny, "/leverage/cap of config/limits.yaml is 1.01, and must be at most 1.0 (leverage cap is 1.0)" },
        { "leverage: { cap: '1' }", Verdict.Unknown, "and no number" },
        { "leverage: { cap: 01 }", Verdict.Unknown, "and no number" },
        { "leverage: {}", Verdict.Unknown, "has nothing at /leverage/cap" },
        { "leverage: {", Verdict.Unknown, "cannot be read" },
    };

    [Theory]
    [InlineData("main", "feat/x", Verdict.Allow)]
    [InlineData("main", "fix/x", Verdict.Allow)]
    [InlineData("main", "feature/x", Verdict.Deny)]
    [InlineData("main", "x/feat/y", Verdict.Deny)]
    [InlineData("main", "FEAT/x", Verdict.Deny)]
    [InlineData("next", "feature/x", Verdict.Allow)]
    public void A_pull_request_from_a_branch_of_another_beginning_is_denied_where_the_policy_names_beginnings(string into, string from, Verdict verdict) =>
        new PullRequests("docs/b").Reviewed("bob").With("base", new JsonObject { ["ref"] = into, ["sha"] = PullRequests.Older }).With("head", new JsonObject { ["ref"] = from, ["sha"] = PullRequests.Head })
            .Judge("    approvals: { default: 1 }\n    branches: { main: { prefixes: [feat/, fix/] } }").Is(verdict, verdict == Verdict.Deny ? $"review.branches.main.prefixes: the branch {from} begins with none of feat/, fix/; open the pull request from a branch that is named so" : null);

    [Fact]
    public void Two_owners_of_a_critical_path_approve_it_and_one_does_not()
    {
        new PullRequests("risk/a", "docs/b").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
        new PullRequests("risk/a").Reviewed("bob").Judge().Is(Verdict.Deny, "2 of @bob @carol @example/risk, for risk/a (.github/CODEOWNERS:2) (risk-critical): needs 1 more of: @bob, @carol, @example/risk");
        new PullRequests("risk/a").Reviewed("bob").Reviewed("dave").Team("example/risk", "erin").Judge().Is(Verdict.Deny, "needs 1 more of");
    }

    [Fact]
    public void Two_roles_need_two_persons_though_one_person_has_both()
    {
        new PullRequests("config/a").Reviewed("frank").Judge().Is(Verdict.Deny, "needs 1 more of: ");
        new PullRequests("config/a").Reviewed("frank").Reviewed("erin").Judge().Is(Verdict.Allow);
        new PullRequests("config/a").Reviewed("frank").Reviewed("dave").Judge().Is(Verdict.Allow);
    }

    [Fact]
    public void What_is_missing_names_those_who_could_give_it_and_not_the_author()
    {
        var need = new PullRequests("config/a").Reviewed("erin").Judge().Needs.Single(need => need.Rule == "review.paths[1]");
        Assert.Equal((Verdict.Deny, "erin", "dave frank"), (need.Verdict, string.Join(' ', need.By), string.Join(' ', need.Missing)));
    }

    [Theory]
    [InlineData("from: 2026-01-01", "from: 2026-06-02")]
    [InlineData("from: 2026-01-01", "until: 2026-05-31")]
    public void Who_is_not_in_office_now_does_not_count(string from, string to)
    {
        var yaml = PullRequests.Yaml(PullRequests.Rules).Replace(from, to, StringComparison.Ordinal);
        var policy = Assert.IsType<Governance.Gates.Policies.PolicyReading.Accepted>(Governance.Gates.Policies.PolicyReader.Read(Encoding.UTF8.GetBytes(yaml), _ => null)).Policy;
        var result = ReviewGate.Decide(new PullRequests("src/a").Reviewed("erin").Read(), policy, PullRequests.Now);
        Assert.Equal((Verdict.Deny, "is not in office now"), (result.Decision.Verdict, result.WhyNot("erin")));
    }

    [Fact]
    public void A_person_with_two_accounts_counts_once()
    {
        var carol = TwoAccounts("carol", 33);
        var twice = ReviewGate.Decide(new PullRequests("risk/a").Team("example/risk", "carol2").Reviewed("carol").Reviewed("carol2").Read(), carol, PullRequests.Now);
        twice.Is(Verdict.Deny, "needs 1 more");
        Assert.All(twice.Approvals, one => Assert.Equal("carol", one.Person));
        ReviewGate.Decide(new PullRequests("risk/a").Reviewed("carol").Reviewed("carol2").Reviewed("bob").Read(), carol, PullRequests.Now).Is(Verdict.Allow);

        // What the policy does not know to be hers counts for nobody.
        Assert.Equal("the policy knows nobody with the account 33", new PullRequests("risk/a").Reviewed("carol").Reviewed("carol2").Judge().WhyNot("carol2"));
    }

    [Fact]
    public void The_author_does_not_approve_with_a_second_account()
    {
        var result = ReviewGate.Decide(new PullRequests("src/a").With("author", PullRequests.Account("carol2")).Reviewed("carol").Read(), TwoAccounts("carol", 33), PullRequests.Now);
        Assert.Equal((Verdict.Deny, "opened the pull request"), (result.Decision.Verdict, result.WhyNot("carol")));
    }

    private static Governance.Gates.Policies.Policy TwoAccounts(string name, long second)
    {
        var policy = PullRequests.Policy(PullRequests.Rules);
        var person = policy.People[name];
        return policy with { People = policy.People.SetItem(name, person with { Identities = person.Identities.Add(new Governance.Gates.Identities.Identity.GitHubAccount(second)) }) };
    }

    [Fact]
    public void A_team_narrows_a_role_and_one_that_cannot_be_read_is_could_not_tell()
    {
        const string Rules = "paths:\n  - { paths: ['**'], require: [{ role: narrowed, count: 1 }] }";
        new PullRequests("a").Team("example/risk", "dave").Reviewed("dave").Judge(Rules).Is(Verdict.Allow);
        new PullRequests("a").Team("example/risk", "bob").Reviewed("dave").Judge(Rules).Is(Verdict.Deny, "needs 1 more");
        new PullRequests("a").UnreadTeam("example/risk", "no right to see it").Reviewed("dave").Judge(Rules).Is(Verdict.Unknown, "no right to see it");
        new PullRequests("a").UnreadTeam("example/risk", "no right to see it").Reviewed("erin").Judge(Rules).Is(Verdict.Deny, "needs 1 more");
    }

    [Fact]
    public void Who_is_in_two_roles_that_exclude_each_other_fills_neither_of_one_change()
    {
        const string Rules = "paths:\n  - { paths: [a], require: [{ role: writer, count: 1 }] }\n  - { paths: [b], require: [{ role: checker, count: 1 }] }";
        new PullRequests("a").Reviewed("dave").Judge(Rules).Is(Verdict.Allow);
        new PullRequests("a", "b").Reviewed("dave").Reviewed("erin").Judge(Rules).Is(Verdict.Deny, "1 writer, for a: needs 1 more");
    }

    [Fact]
    public void A_critical_path_without_owners_is_denied_and_a_plain_one_is_not()
    {
        new PullRequests("risk/a").Content("base", ".github/CODEOWNERS", "/docs/ @bob\n").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Deny, "risk/a has no owner in CODEOWNERS");
        new PullRequests("x").Content("base", ".github/CODEOWNERS", "/docs/ @bob\n").Reviewed("carol").Judge("codeowners: { required: true }").Is(Verdict.Allow);
    }

    [Fact]
    public void Required_code_owners_approve_each_path_that_has_some()
    {
        const string Rules = "codeowners: { required: true }";
        new PullRequests("risk/a", "src/b").Reviewed("dave").Judge(Rules).Is(Verdict.Unknown, "the team example/risk was not read");
        new PullRequests("risk/a", "src/b").Team("example/risk").Reviewed("dave").Judge(Rules).Is(Verdict.Deny, "1 of @bob @carol @example/risk, for risk/a");
        new PullRequests("risk/a", "src/b").Reviewed("bob").Judge(Rules).Is(Verdict.Allow);
        new PullRequests("x").Content("base", ".github/CODEOWNERS", null).Judge(Rules).Is(Verdict.Deny, "has no CODEOWNERS file");
    }

    [Fact]
    public void An_owner_by_address_is_told_to_be_nobody_who_can_be_known() =>
        new PullRequests("risk/a").Content("base", ".github/CODEOWNERS", "/risk/ risk@example.com\n").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Deny, "risk@example.com (an address: name the account)");

    [Fact]
    public void A_codeowners_that_could_not_be_read_is_could_not_tell()
    {
        var request = new PullRequests("risk/a").Reviewed("bob").Reviewed("carol");
        var json = System.Text.Json.Nodes.JsonNode.Parse(request.Json())!;
        json["contents"]![0] = new System.Text.Json.Nodes.JsonObject { ["side"] = "base", ["path"] = ".github/CODEOWNERS", ["unread"] = PullRequests.Unread("it is a symbolic link") };
        request.With("contents", json["contents"]!.DeepClone()).Judge().Is(Verdict.Unknown, "it is a symbolic link");
        request.With("contents", new System.Text.Json.Nodes.JsonArray()).Judge().Is(Verdict.Unknown, ".github/CODEOWNERS of the base commit was not read");
    }

    [Fact]
    public void A_pull_request_that_replaces_codeowners_is_judged_by_the_one_at_the_base()
    {
        var request = new PullRequests("risk/a", ".github/CODEOWNERS").Content("head", ".github/CODEOWNERS", "* @dave\n");
        request.Reviewed("dave").Judge().Is(Verdict.Deny, "2 of @bob @carol @example/risk");
        request.Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
    }

    [Fact]
    public void A_mistake_in_codeowners_is_denied_with_its_line_and_repaired_by_a_pull_request_of_its_own()
    {
        const string Broken = "* @bob @carol\n!docs/ @bob\n";
        new PullRequests("src/a").Content("base", ".github/CODEOWNERS", Broken).Reviewed("bob").Judge().Is(Verdict.Deny, ".github/CODEOWNERS, as it is, line 2, column 1");
        new PullRequests("src/a").Content("base", ".github/CODEOWNERS", Broken).Reviewed("bob").Judge("codeowners: { mistakes: warn }").Is(Verdict.Warn, "line 2, column 1");
        var repair = new PullRequests(".github/CODEOWNERS").Content("base", ".github/CODEOWNERS", Broken).Content("head", ".github/CODEOWNERS", "* @bob @carol\n").Reviewed("bob");
        repair.Judge().Is(Verdict.Warn, "as it is, line 2");
        repair.Change("src/a").Judge().Is(Verdict.Deny, "as it is, line 2");
    }

    [Fact]
    public void A_repository_gets_its_first_codeowners_by_a_pull_request_of_its_own_and_keeps_one()
    {
        const string Rules = "codeowners: { required: true }\napprovals: { default: 1 }";
        var first = new PullRequests().Change(".github/CODEOWNERS", "added").Content("base", ".github/CODEOWNERS", null).Content("head", ".github/CODEOWNERS", "* @bob\n").Reviewed("bob");
        first.Judge(Rules).Is(Verdict.Warn, "the base commit has no CODEOWNERS file");
        first.Change("src/a").Judge(Rules).Is(Verdict.Deny, "the base commit has no CODEOWNERS file");
        new PullRequests().Change(".github/CODEOWNERS", "removed").Content("head", ".github/CODEOWNERS", null).Content("head", "CODEOWNERS", null).Content("head", "docs/CODEOWNERS", null).Reviewed("bob")
            .Judge(Rules).Is(Verdict.Deny, "the head commit has no CODEOWNERS file");
    }

    [Fact]
    public void So_many_owners_who_cannot_write_and_lines_without_owners_are_told_that_the_answer_can_be_read()
    {
        var judged = new PullRequests(".github/CODEOWNERS").Content("head", ".github/CODEOWNERS", $"* @bob @carol\n{string.Concat(Enumerable.Repeat("risk/\n", 5_000))}{string.Concat(Enumerable.Repeat("a @carol @carol\n", 5_000))}").Permit("carol", "read").Reviewed("bob").Judge();
        judged.Is(Verdict.Deny, "takes the owners away");
        Assert.InRange(judged.Decision.Reasons.Length, 2, 3 * Governance.Gates.Reviews.Codeowners.MostMistakes);
    }

    [Fact]
    public void An_owner_who_cannot_write_is_a_mistake_of_the_file() =>
        new PullRequests("src/a").Permit("carol", "read").Reviewed("bob").Judge().Is(Verdict.Deny, "@carol does not exist, cannot be seen, or cannot write");

    [Fact]
    public void A_content_that_is_told_twice_is_believed_neither_time()
    {
        var request = new PullRequests("risk/a").Reviewed("bob").Reviewed("carol");
        var contents = System.Text.Json.Nodes.JsonNode.Parse(request.Json())!["contents"]!.AsArray();
        contents.Add(contents[0]!.DeepClone());
        request.With("contents", contents.DeepClone()).Judge().Is(Verdict.Unknown, "told twice");
    }

    [Theory]
    [InlineData("* @bob @carol\n/risk/generated/\n", "as it would be, line 2, column 1: '/risk/generated/' takes the owners away from paths of 'risk/**'")]
    [InlineData("* @bob @carol\n*.md\n", "takes the owners away")]
    [InlineData("* @bob nobody\n", "as it would be, line 1, column 8")]
    public void A_change_of_codeowners_that_takes_protection_away_is_denied(string next, string told) =>
        new PullRequests(".github/CODEOWNERS").Content("head", ".github/CODEOWNERS", next).Reviewed("bob").Judge().Is(Verdict.Deny, told);

    [Theory, MemberData(nameof(Increases))]
    public void A_limit_that_may_be_raised_needs_those_who_answer_for_it(string before, string? after, bool increases)
    {
        var request = new PullRequests(Limits).Content("base", Limits, before).Content("head", Limits, after);
        var rules = ValueRules[..ValueRules.IndexOf("  - { file: config/limits.yaml, at: /lev", StringComparison.Ordinal)];
        request.Judge(rules).Is(increases ? Verdict.Deny : Verdict.Allow, increases ? "(risk limit raised)" : null);
        request.Reviewed("dave").Reviewed("erin").Judge(rules).Is(Verdict.Allow);
    }

    [Theory, MemberData(nameof(Bounds))]
    public void A_bound_holds_whoever_approves(string head, Verdict verdict, string told) =>
        new PullRequests(Limits).Content("base", Limits, "leverage: { cap: 1.0 }").Content("head", Limits, head).Reviewed("dave").Reviewed("erin").Reviewed("frank").Judge(ValueRules.Replace("when: increases", "when: changes", StringComparison.Ordinal)).Is(verdict, told);

    [Theory]
    [InlineData("decreases", "a: 2", "a: 1", true)]
    [InlineData("decreases", "a: 2", "a: 3", false)]
    [InlineData("changes", "a: 2", "a: 3", true)]
    [InlineData("changes", "a: { x: 1, y: [1, 2] }", "a: { y: [1, 2], x: 1 }", false)]
    [InlineData("changes", "a: { x: 1, y: [1, 2] }", "a: { y: [2, 1], x: 1 }", true)]
    [InlineData("changes", "a: yes", "a: 'yes'", true)]
    [InlineData("changes", "a: 'yes'", "a: \"yes\"", false)]
    public void A_value_moves_as_the_rule_says(string move, string before, string after, bool moved) =>
        new PullRequests(Limits).Content("base", Limits, before).Content("head", Limits, after)
            .Judge($"values:\n  - {{ file: {Limits}, at: /a, when: {move}, require: [{{ role: compliance, count: 1 }}] }}").Is(moved ? Verdict.Deny : Verdict.Allow);

    [Fact]
    public void A_json_file_is_read_as_json_is_written()
    {
        const string File = "limits.json";
        var request = new PullRequests(File).Content("base", File, "{\n\t\"a/b\": {\"max\": 5}\n}\n").Content("head", File, "{\n\t\"a/b\": {\"max\": 4}\n}\n");
        var rules = $"values:\n  - {{ file: {File}, at: /a~1b/max, when: increases, require: [{{ role: compliance, count: 1 }}] }}";
        request.Judge(rules).Is(Verdict.Allow);
        request.Content("head", File, "{\n\t\"a/b\": {\"max\": 6}\n}\n").Judge(rules).Is(Verdict.Deny, "/a~1b/max from 5 to 6");
    }

    [Fact]
    public void A_file_with_limits_that_becomes_a_link_or_lies_in_a_folder_that_does_is_the_worst()
    {
        var rules = ValueRules[..ValueRules.IndexOf("  - { file: config/limits.yaml, at: /lev", StringComparison.Ordinal)];
        const string Same = "position: { btc: { max: 5 } }";
        new PullRequests().Change(Limits, mode: "120000").Content("base", Limits, Same).Content("head", Limits, Same).Judge(rules).Is(Verdict.Deny, "cannot be read at the head commit");
        new PullRequests().Change("config", "added", mode: "120000").Content("base", Limits, Same).Content("head", Limits, null).Judge(rules).Is(Verdict.Deny, "cannot be read at the head commit");
        new PullRequests().Change("x.yaml", "renamed", Limits).Content("base", Limits, Same).Content("head", Limits, null).Judge(rules).Is(Verdict.Deny, "cannot be read at the head commit");
        new PullRequests(Limits).Judge(rules).Is(Verdict.Deny, "cannot be read at the head commit");
        new PullRequests("docs/a").Judge(rules).Is(Verdict.Allow);
    }

    [Theory]
    [InlineData("models/m1/weights.bin", "models/m1/validation.json", "modified", true)]
    [InlineData("models/m1/weights.bin", "models/m2/validation.json", "modified", false)]
    [InlineData("models/m1/weights.bin", "models/m1/validation.json", "removed", false)]
    [InlineData("models/m*/weights.bin", "models/m1/validation.json", "added", false)]
    [InlineData("strategies/s.py", "models/m1/validation.json", "added", true)]
    [InlineData("docs/a", "docs/b", "added", true)]
    public void A_change_carries_the_evidence_of_what_it_changes(string changed, string carried, string status, bool holds) =>
        new PullRequests(changed).Change(carried, status).Judge("evidence:\n  - { paths: ['models/**', 'strategies/**'], files: ['models/*/validation.json'], why: model change protocol }")
            .Is(holds ? Verdict.Allow : Verdict.Deny, holds ? null : "model change protocol");

    [Theory]
    [InlineData("120000", "docs/a")]
    [InlineData("160000", "models")]
    public void A_link_or_submodule_asks_for_the_evidence_of_every_path(string mode, string path) =>
        new PullRequests("docs/b").Change(path, mode: mode).Judge("evidence:\n  - { paths: ['models/**'], files: ['models/validation.json'], why: model change protocol }")
            .Is(Verdict.Deny, "model change protocol");

    /// <summary>Asked for each file by itself, this would take the better part of a minute.</summary>
    [Fact]
    public void Thousands_of_changes_that_ask_for_the_same_evidence_are_answered_at_once_and_on_one_line()
    {
        var rules = $"evidence:\n  - {{ paths: ['models/**'], files: [{string.Join(", ", Enumerable.Range(0, 64).Select(i => $"'models/*/*{i}.json'"))}] }}";
        var judged = new PullRequests([.. Enumerable.Range(0, 2_999).Select(i => $"models/m/w{i}.bin")]).Judge(rules);
        judged.Is(Verdict.Deny, "the change carries no models/m/*0.json and no models/m/*1.json");
        Assert.EndsWith(" and more", Assert.Single(judged.Decision.Reasons).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_could_not_be_read_is_could_not_tell_with_its_remedy() =>
        new PullRequests("src/a").Reviewed("bob").With("unread", new System.Text.Json.Nodes.JsonArray(PullRequests.Unread("the rulesets cannot be seen"))).Judge().Is(Verdict.Unknown, "the rulesets cannot be seen; give the token the right");

    [Fact]
    public void A_policy_that_says_nothing_about_pull_requests_lets_none_through()
    {
        var policy = PullRequests.Policy(PullRequests.Rules) with { Review = null };
        Assert.Equal(Verdict.Unknown, ReviewGate.Decide(new PullRequests("a").Reviewed("bob").Read(), policy, PullRequests.Now).Decision.Verdict);
    }

    [Fact]
    public void A_simulated_approval_is_one_more_approval_of_the_head()
    {
        var request = new PullRequests("risk/a").Reviewed("bob").Read();
        var policy = PullRequests.Policy(PullRequests.Rules);
        Assert.Equal(Verdict.Allow, ReviewGate.Decide(ReviewGate.WithApproval(request, "CAROL")!, policy, PullRequests.Now).Decision.Verdict);
        Assert.Equal(Verdict.Deny, ReviewGate.Decide(ReviewGate.WithApproval(request, "ann")!, policy, PullRequests.Now).Decision.Verdict);
        Assert.Null(ReviewGate.WithApproval(request, "nobody"));
    }
}
