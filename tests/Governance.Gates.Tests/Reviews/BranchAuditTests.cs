using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Reviews;
using Governance.Gates.Tests.Cli;

namespace Governance.Gates.Tests.Reviews;

/// <summary>How the forge protects a branch, by rulesets and classic protection together, held against what the policy asks. Numbers are those of the list of facts about GitHub's API.</summary>
public sealed class BranchAuditTests
{
    /// <summary>Everything that can be asked of a branch.</summary>
    internal const string Asked = """
            approvals: { default: 1 }
            branches:
              main:
                directPush: blocked
                forcePush: blocked
                deletion: blocked
                reviewers: 2
                codeowners: required
                stale: dismissed
                lastPush: approved
                signatures: required
                merge: [squash]
                checks: [lint, { name: governance-gates, app: 4711 }]
        """;

    [Fact]
    public void A_branch_that_a_ruleset_protects_as_asked_is_allowed_but_for_a_check_that_workflows_post()
    {
        var result = Decide(Ruled());
        Assert.Equal(Verdict.Warn, result.Decision.Verdict);
        Assert.Contains("the check lint is forgeable: every workflow of the repository can post it with its GITHUB_TOKEN, also one that a pull request brings along (now posted by .github/workflows/ci.yml)", Assert.Single(result.Decision.Reasons).Message, StringComparison.Ordinal);
        Assert.Equal(12, result.Findings.Length);
    }

    [Fact]
    public void Classic_protection_alone_is_as_good() => Is(Decide(Classic()), Verdict.Warn, "the check lint is forgeable: anybody who may write statuses can post it");

    [Fact]
    public void C31_what_one_of_the_two_lacks_the_other_may_hold()
    {
        var both = Ruled();
        RulesOf(both).RemoveAt(RulesOf(both).ToList().FindIndex(rule => rule!["type"]!.GetValue<string>() == "deletion"));
        Is(Decide(both), Verdict.Deny, "nobody deletes it: neither a ruleset nor the classic protection of main says so");
        both["protection"] = Classic()["protection"]!.DeepClone();
        Is(Decide(both), Verdict.Warn, "forgeable");
    }

    [Fact]
    public void C31_no_rule_seen_is_told_apart_from_no_right_to_see()
    {
        var nothing = Ruled();
        nothing["rules"] = new JsonArray();
        Is(Decide(nothing), Verdict.Deny, "changes come by a pull request: neither a ruleset nor the classic protection");
        nothing["protection"] = Unread("the token may not read the protection of branches");
        Is(Decide(nothing), Verdict.Unknown, "changes come by a pull request: the token may not read the protection of branches");

        // Where one of the two holds it, nobody needs to know the other.
        var known = Ruled();
        known["protection"] = Unread("the token may not read the protection of branches");
        Is(Decide(known), Verdict.Warn, "forgeable");
        known["rules"] = Unread("the forge is down");
        Is(Decide(known), Verdict.Unknown, "the forge is down");
    }

    [Fact]
    public void C31_who_may_bypass_a_ruleset_is_unknown_where_it_is_not_told()
    {
        var snapshot = Ruled();
        snapshot["rulesets"]![0]!.AsObject().Remove("bypass_actors");
        Is(Decide(snapshot), Verdict.Unknown, "who may bypass ruleset 1 was not told");
        snapshot["rulesets"] = new JsonArray();
        Is(Decide(snapshot), Verdict.Unknown, "who may bypass ruleset 1 was not told");
    }

    [Theory]
    [InlineData("always", "directPush", Verdict.Deny)]
    [InlineData("exempt", "directPush", Verdict.Deny)]
    [InlineData("pull_request", "directPush", Verdict.Allow)]
    [InlineData("pull_request", "forcePush", Verdict.Allow)]
    [InlineData("pull_request", "reviewers", Verdict.Deny)]
    [InlineData("pull_request", "checks", Verdict.Deny)]
    [InlineData("always", "checks", Verdict.Deny)]
    public void C32_a_bypass_actor_is_not_bound(string mode, string rule, Verdict verdict)
    {
        var snapshot = Ruled();
        snapshot["rulesets"]![0]!["bypass_actors"] = new JsonArray(new JsonObject { ["actor_id"] = 7, ["actor_type"] = "Team", ["bypass_mode"] = mode });
        var finding = Decide(snapshot).Findings.First(finding => finding.Rule == $"review.branches.main.{rule}");
        Assert.Equal(verdict, finding.Decision.Verdict);
        Assert.Equal(verdict == Verdict.Deny, finding.Decision.Reasons.Any(reason => reason.Message.Contains($"ruleset 'main' (1) does not bind Team 7 ({mode})", StringComparison.Ordinal)));
    }

    [Fact]
    public void C32_administrators_who_are_not_bound_and_whoever_needs_no_pull_request_are_told()
    {
        var admins = Classic();
        admins["protection"]!["enforce_admins"]!["enabled"] = false;
        Is(Decide(admins), Verdict.Deny, "the classic protection does not bind administrators");
        var allowed = Classic();
        allowed["protection"]!["required_pull_request_reviews"]!["bypass_pull_request_allowances"] = new JsonObject { ["users"] = new JsonArray(new JsonObject { ["login"] = "root" }), ["teams"] = new JsonArray(), ["apps"] = new JsonArray(new JsonObject { ["slug"] = "robot" }) };
        var result = Decide(allowed);
        Is(result, Verdict.Deny, "the classic protection does not bind user root, app robot");
        Assert.Equal(Verdict.Allow, result.Findings.Single(finding => finding.Rule.EndsWith(".forcePush", StringComparison.Ordinal)).Decision.Verdict);
    }

    /// <summary>What is switched off in the ruleset, and what is then missing.</summary>
    public static TheoryData<string, JsonNode, string> Off => new()
    {
        { "required_approving_review_count", 1, "2 must approve" },
        { "require_code_owner_review", false, "a code owner must approve" },
        { "dismiss_stale_reviews_on_push", false, "approvals end with the next push" },
        { "require_last_push_approval", false, "somebody else than who pushed last must approve" },
    };

    [Theory, MemberData(nameof(Off))]
    public void C32_each_demand_is_held_against_the_rule(string parameter, JsonNode value, string missing)
    {
        var snapshot = Ruled();
        RulesOf(snapshot).First(rule => rule!["type"]!.GetValue<string>() == "pull_request")!["parameters"]![parameter] = value.DeepClone();
        Is(Decide(snapshot), Verdict.Deny, $"{missing}: neither");
    }

    [Fact]
    public void C32_another_merge_method_is_told_whether_the_repository_or_a_rule_offers_it()
    {
        var snapshot = Ruled();
        snapshot["settings"]!["allow_merge_commit"] = true;
        Is(Decide(snapshot), Verdict.Warn, "forgeable");
        var parameters = RulesOf(snapshot).First(rule => rule!["type"]!.GetValue<string>() == "pull_request")!["parameters"]!;
        parameters["allowed_merge_methods"] = new JsonArray("squash", "merge");
        Is(Decide(snapshot), Verdict.Deny, "it is merged by squash only");
        snapshot["settings"] = Unread("the repository could not be read");
        Is(Decide(snapshot), Verdict.Unknown, "the repository could not be read");
    }

    [Fact]
    public void C12_workflows_that_may_approve_pull_requests_are_told()
    {
        var snapshot = Ruled();
        snapshot["actions"]!["can_approve_pull_request_reviews"] = true;
        Is(Decide(snapshot), Verdict.Deny, "workflows may approve pull requests");
        snapshot["actions"] = Unread("the token may not read settings of Actions");
        Is(Decide(snapshot), Verdict.Unknown, "no workflow approves: the token may not read settings of Actions");
    }

    [Theory]
    [InlineData(15368, "asked for from anybody or from another app than 4711")]
    [InlineData(null, "asked for from anybody or from another app than 4711")]
    public void C26_a_check_that_must_come_from_an_app_and_is_asked_for_from_any_is_denied(int? app, string told)
    {
        var snapshot = Ruled();
        ChecksOf(snapshot)[1]!["integration_id"] = app;
        Is(Decide(snapshot), Verdict.Deny, told);
    }

    [Fact]
    public void C26_a_check_that_the_policy_takes_from_GitHub_Actions_as_an_app_is_forgeable()
    {
        var snapshot = Ruled();
        ChecksOf(snapshot)[1]!["integration_id"] = 15368;
        Is(Decide(snapshot, Asked.Replace("4711", "15368", StringComparison.Ordinal)), Verdict.Deny, "the check governance-gates is forgeable: every workflow");
    }

    [Fact]
    public void C26_policy_bot_376_a_status_that_anybody_may_post_is_forgeable_and_denied_where_an_app_is_named()
    {
        var snapshot = Ruled();
        ChecksOf(snapshot)[0]!["integration_id"] = null;
        Is(Decide(snapshot), Verdict.Warn, "the check lint is forgeable: anybody who may write statuses can post it");
        Is(Decide(snapshot, Asked.Replace("[lint,", "[{ name: lint, app: 4711 },", StringComparison.Ordinal)), Verdict.Deny, "asked for from anybody");
    }

    [Fact]
    public void C26_a_required_check_that_is_missing_or_that_nothing_posts_is_told()
    {
        var snapshot = Ruled();
        ChecksOf(snapshot).RemoveAt(0);
        Is(Decide(snapshot), Verdict.Deny, "the check lint must have passed: neither");
        snapshot = Ruled();
        snapshot["workflows"] = new JsonArray();
        Is(Decide(snapshot), Verdict.Warn, "no job of the branch's workflows is named so");
    }

    [Fact]
    public void C34_signed_commits_and_a_rebase_on_the_forge_do_not_go_together() =>
        Is(Decide(Ruled(), Asked.Replace("[squash]", "[squash, rebase]", StringComparison.Ordinal)), Verdict.Warn, "a rebase on the forge leaves them unsigned");

    [Theory]
    [InlineData("mergeQueue: required", "merge_queue", "changes go through the merge queue: neither")]
    [InlineData("threads: resolved", "pull_request", "conversations about a change are resolved: neither")]
    public void C32_merge_queue_and_resolved_conversations_are_held_against_the_rules(string asked, string rule, string missing)
    {
        var rules = $"    approvals: {{ default: 1 }}\n    branches: {{ main: {{ {asked} }} }}";
        Assert.Equal(Verdict.Allow, Decide(Ruled(), rules).Decision.Verdict);
        var snapshot = Ruled();
        RulesOf(snapshot).RemoveAt(RulesOf(snapshot).ToList().FindIndex(one => one!["type"]!.GetValue<string>() == rule));
        Is(Decide(snapshot, rules), Verdict.Deny, missing);
    }

    [Fact]
    public void C32_classic_protection_may_ask_for_resolved_conversations()
    {
        var snapshot = Classic();
        const string Rules = "    approvals: { default: 1 }\n    branches: { main: { threads: resolved } }";
        Is(Decide(snapshot, Rules), Verdict.Deny, "conversations about a change are resolved: neither");
        snapshot["protection"]!["required_conversation_resolution"] = Enabled(true);
        Assert.Equal(Verdict.Allow, Decide(snapshot, Rules).Decision.Verdict);
    }

    [Fact]
    public void C32_teams_that_a_ruleset_asks_of_paths_are_told_where_the_policy_counts_by_path()
    {
        var snapshot = Ruled();
        RulesOf(snapshot).First(rule => rule!["type"]!.GetValue<string>() == "pull_request")!["parameters"]!["required_reviewers"] = new JsonArray(new JsonObject { ["file_patterns"] = new JsonArray("risk/**", "!risk/docs/**"), ["minimum_approvals"] = 2, ["reviewer"] = new JsonObject { ["id"] = 7, ["type"] = "Team" } });
        const string Told = "ruleset 'main' (1) asks for 2 of Team 7 for risk/**, !risk/docs/**";
        Assert.Contains(Decide(snapshot, $"{Asked}\n    paths: [{{ paths: [risk/**], approvals: 2, from: codeowners }}]").Decision.Notes, note => note.Message == Told);
        Assert.DoesNotContain(Decide(snapshot).Decision.Notes, note => note.Message == Told);
    }

    /// <summary>A ruleset of tags, and whether it keeps every tag v* from being moved.</summary>
    public static TheoryData<string, Verdict> TagRulesets => new()
    {
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Allow },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["refs/tags/v*"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Allow },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["refs/tags/*"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Allow },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":["refs/tags/v1"]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Deny },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["refs/tags/v1*"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Deny },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Deny },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"non_fast_forward"}],"bypass_actors":[]}""", Verdict.Deny },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"update"}]}""", Verdict.Unknown },
        { """{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[{"actor_id":7,"actor_type":"Team","bypass_mode":"exempt"}]}""", Verdict.Deny },
        { """{"id":5,"target":"tag","enforcement":"evaluate","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Deny },
        { """{"id":5,"target":"branch","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"update"}],"bypass_actors":[]}""", Verdict.Deny },
    };

    [Theory]
    [InlineData("[]", Verdict.Allow)]
    [InlineData("""[{"actor_id":7,"actor_type":"Team","bypass_mode":"always"}]""", Verdict.Allow)]
    [InlineData("""[{"actor_id":5,"actor_type":"RepositoryRole","bypass_mode":"always"}]""", Verdict.Allow)]
    [InlineData("""[{"actor_id":4,"actor_type":"RepositoryRole","bypass_mode":"always"}]""", Verdict.Deny)]
    [InlineData("""[{"actor_id":null,"actor_type":"DeployKey","bypass_mode":"always"}]""", Verdict.Deny)]
    [InlineData(null, Verdict.Unknown)]
    public void C32_creation_is_restricted_where_not_everybody_who_may_write_may_tag(string? bypass, Verdict verdict)
    {
        var snapshot = Ruled();
        var ruleset = JsonNode.Parse("""{"id":5,"target":"tag","enforcement":"active","name":"t","conditions":{"ref_name":{"include":["~ALL"],"exclude":[]}},"rules":[{"type":"creation"}]}""")!;
        if (bypass is not null)
        {
            ruleset["bypass_actors"] = JsonNode.Parse(bypass);
        }

        snapshot["tagRulesets"] = new JsonArray(ruleset);
        Assert.Equal(verdict, Decide(snapshot, "    approvals: { default: 1 }\n    branches: { main: { forcePush: blocked } }\n    tags: { \"v*\": { creation: restricted } }").Decision.Verdict);
    }

    [Theory, MemberData(nameof(TagRulesets))]
    public void C32_only_a_ruleset_that_is_surely_for_every_tag_and_binds_everybody_keeps_them_from_being_moved(string ruleset, Verdict verdict)
    {
        const string Rules = "    approvals: { default: 1 }\n    branches: { main: { forcePush: blocked } }\n    tags: { \"v*\": { update: blocked } }";
        var snapshot = Ruled();
        Is(Decide(snapshot, Rules), Verdict.Unknown, "the snapshot says nothing of tags");
        snapshot["tagRulesets"] = new JsonArray(JsonNode.Parse(ruleset));
        PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/branch.schema.json").Check(JsonDocument.Parse(Bytes(snapshot)).RootElement);
        Assert.Equal(verdict, Decide(snapshot, Rules).Decision.Verdict);
        snapshot["tagRulesets"] = new JsonArray();
        Is(Decide(snapshot, Rules), Verdict.Deny, "nobody moves tags v* in place: no ruleset that is surely for all of them says so");
        snapshot["tagRulesets"] = Unread("the token may not read rulesets");
        Is(Decide(snapshot, Rules), Verdict.Unknown, "the token may not read rulesets");
    }

    [Fact]
    public void A_branch_of_which_the_policy_says_nothing_is_could_not_tell()
    {
        var snapshot = Ruled();
        snapshot["branch"] = "release/1.x";
        Is(Decide(snapshot), Verdict.Unknown, "the policy says nothing about the branch release/1.x");
    }

    /// <summary>What is changed, and why it is then no snapshot.</summary>
    public static TheoryData<string, Action<JsonObject>> Malformed => new()
    {
        { "'v' is not 1", snapshot => snapshot["v"] = 2 },
        { "'critical' names a field", snapshot => snapshot["critical"] = new JsonArray("later") },
        { "a field that is not known", snapshot => snapshot["later"] = 1 },
        { "'protection' is missing", snapshot => snapshot.Remove("protection") },
        { "'rulesets' is no list", snapshot => snapshot.Remove("rulesets") },
        { "'rules' is no list", snapshot => snapshot["rules"] = new JsonObject() },
        { "'required_approving_review_count' is no whole number", snapshot => RulesOf(snapshot).First(rule => rule!["type"]!.GetValue<string>() == "pull_request")!["parameters"]!["required_approving_review_count"] = "2" },
        { "'allow_squash_merge' is neither true nor false", snapshot => snapshot["settings"]!.AsObject().Remove("allow_squash_merge") },
        { "'enforce_admins' is missing", snapshot => snapshot["protection"] = new JsonObject() },
        { "'path' is no path", snapshot => snapshot["workflows"]![0]!["path"] = "../x" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void A_snapshot_of_another_form_is_refused_as_a_whole(string told, Action<JsonObject> change)
    {
        var snapshot = Ruled();
        change(snapshot);
        var why = Assert.IsType<Reading<BranchSnapshot>.Unread>(BranchReader.Read(Bytes(snapshot))).Reason;
        Assert.Contains(told, why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_the_snapshot_says_there_is_an_answer()
    {
        var text = Ruled().ToJsonString();
        var random = new Random(7);
        for (var round = 0; round < 2_000; round++)
        {
            var changed = new StringBuilder(text);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(changed.Length);
                changed.Remove(at, random.Next(2)).Insert(at, "{}[]\",:0a\\".AsSpan(random.Next(10), random.Next(2)));
            }

            if (BranchReader.Read(Encoding.UTF8.GetBytes(changed.ToString())) is Reading<BranchSnapshot>.Found(var read))
            {
                BranchAudit.Decide(read, PullRequests.Policy(Asked));
            }
        }
    }

    [Fact]
    public void The_snapshots_of_these_tests_are_of_the_published_schema()
    {
        foreach (var snapshot in (JsonObject[])[Ruled(), Classic()])
        {
            PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/branch.schema.json").Check(JsonDocument.Parse(Bytes(snapshot)).RootElement);
        }
    }

    /// <summary>A branch that one ruleset protects.</summary>
    internal static JsonObject Ruled() => new()
    {
        ["v"] = 1,
        ["critical"] = new JsonArray(),
        ["repository"] = "example/trading",
        ["branch"] = "main",
        ["rules"] = new JsonArray(
            Rule("deletion"),
            Rule("non_fast_forward"),
            Rule("required_signatures"),
            Rule("merge_queue", new JsonObject { ["merge_method"] = "SQUASH" }),
            Rule("pull_request", new JsonObject
            {
                ["required_approving_review_count"] = 2,
                ["require_code_owner_review"] = true,
                ["dismiss_stale_reviews_on_push"] = true,
                ["require_last_push_approval"] = true,
                ["required_review_thread_resolution"] = true,
                ["allowed_merge_methods"] = new JsonArray("squash"),
            }),
            Rule("required_status_checks", new JsonObject
            {
                ["strict_required_status_checks_policy"] = true,
                ["required_status_checks"] = new JsonArray(new JsonObject { ["context"] = "lint", ["integration_id"] = 15368 }, new JsonObject { ["context"] = "governance-gates", ["integration_id"] = 4711 }),
            })),
        ["rulesets"] = new JsonArray(new JsonObject { ["id"] = 1, ["name"] = "main", ["enforcement"] = "active", ["bypass_actors"] = new JsonArray() }),
        ["protection"] = null,
        ["settings"] = new JsonObject { ["allow_merge_commit"] = false, ["allow_squash_merge"] = true, ["allow_rebase_merge"] = false },
        ["actions"] = new JsonObject { ["default_workflow_permissions"] = "read", ["can_approve_pull_request_reviews"] = false },
        ["workflows"] = new JsonArray(new JsonObject { ["path"] = ".github/workflows/ci.yml", ["checks"] = new JsonArray(new JsonObject { ["name"] = "lint" }) }),
    };

    /// <summary>A branch that classic protection alone protects.</summary>
    internal static JsonObject Classic()
    {
        var snapshot = Ruled();
        (snapshot["rules"], snapshot["rulesets"]) = (new JsonArray(), new JsonArray());
        snapshot["protection"] = new JsonObject
        {
            ["url"] = "https://api.github.com/repos/example/trading/branches/main/protection",
            ["enforce_admins"] = Enabled(true),
            ["allow_force_pushes"] = Enabled(false),
            ["allow_deletions"] = Enabled(false),
            ["required_signatures"] = Enabled(true),
            ["required_linear_history"] = Enabled(true),
            ["required_pull_request_reviews"] = new JsonObject { ["dismiss_stale_reviews"] = true, ["require_code_owner_reviews"] = true, ["required_approving_review_count"] = 2, ["require_last_push_approval"] = true },
            ["required_status_checks"] = new JsonObject { ["strict"] = true, ["contexts"] = new JsonArray("lint", "governance-gates"), ["checks"] = new JsonArray(new JsonObject { ["context"] = "lint", ["app_id"] = -1 }, new JsonObject { ["context"] = "governance-gates", ["app_id"] = 4711 }) },
        };
        return snapshot;
    }

    private static JsonObject Enabled(bool enabled) => new() { ["enabled"] = enabled };

    private static JsonObject Unread(string message) => new() { ["unread"] = PullRequests.Unread(message) };

    private static JsonObject Rule(string type, JsonObject? parameters = null)
    {
        var rule = new JsonObject { ["type"] = type, ["ruleset_source_type"] = "Repository", ["ruleset_source"] = "example/trading", ["ruleset_id"] = 1 };
        if (parameters is not null)
        {
            rule["parameters"] = parameters;
        }

        return rule;
    }

    private static JsonArray RulesOf(JsonObject snapshot) => snapshot["rules"]!.AsArray();

    private static JsonArray ChecksOf(JsonObject snapshot) => RulesOf(snapshot).First(rule => rule!["type"]!.GetValue<string>() == "required_status_checks")!["parameters"]!["required_status_checks"]!.AsArray();

    private static byte[] Bytes(JsonObject snapshot) => Encoding.UTF8.GetBytes(snapshot.ToJsonString());

    private static BranchResult Decide(JsonObject snapshot, string rules = Asked) => BranchReader.Read(Bytes(snapshot)) switch
    {
        Reading<BranchSnapshot>.Found(var read) => BranchAudit.Decide(read, PullRequests.Policy(rules)),
        Reading<BranchSnapshot>.Unread(var why) => throw new Xunit.Sdk.XunitException(why.Message),
        _ => throw new InvalidOperationException(),
    };

    private static void Is(BranchResult result, Verdict verdict, string told)
    {
        var reasons = string.Join('\n', result.Decision.Reasons.Select(reason => $"{reason.Rule}: {reason}"));
        Assert.True(result.Decision.Verdict == verdict, $"{result.Decision.Verdict}, not {verdict}:\n{reasons}");
        Assert.Contains(told, reasons, StringComparison.Ordinal);
        Assert.All(result.Decision.Reasons, reason => Assert.NotNull(reason.Remedy));
    }
}
