using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates branches</c> with everything from GitHub. Numbers are those of the list of facts about GitHub's API.</summary>
public sealed class BranchesOfGitHubTests : IAsyncLifetime, IDisposable
{
    private readonly Workbench bench = new();
    private LoopbackGitHub server = null!;

    private GitHubProtection Protection => server.World.Protection;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackGitHub.StartAsync();
        server.World.With("ann");
        server.World.Branches["main"] = server.World.Commit(new Dictionary<string, GitHubFile>
        {
            [".github/workflows/ci.yml"] = GitHubFile.Of("on: push\njobs:\n  style: { name: lint, runs-on: x }\n  test: { runs-on: x }\n"),
            [".github/workflows/emoji.yml"] = GitHubFile.Of("on: push\njobs:\n  ship: { name: \"\\U0001F680 ship\", runs-on: x }\n"),
            [".github/workflows/readme.md"] = GitHubFile.Of("[\n"),
        });
        Protection.Rules.AddRange(BranchAuditTests.Ruled()["rules"]!.AsArray().Select(rule => rule!.DeepClone().AsObject()));
        Protection.Rulesets[1] = [];
        bench.Set("GITHUB_API_URL", server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Set("GITHUB_TOKEN", "secret-token");
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Dispose();
    }

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task C31_a_branch_is_audited_from_rulesets_on_all_pages()
    {
        server.LongestPage = 2;
        var json = (await AuditAsync(0, "--output", "json")).Json();
        Assert.Equal(("warn", "example/trading", "main", 12), (json.GetProperty("verdict").GetString(), json.GetProperty("repository").GetString(), json.GetProperty("branch").GetString(), json.GetProperty("findings").GetArrayLength()));
        Assert.Contains("(now posted by .github/workflows/ci.yml)", json.GetProperty("reasons")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains(server.Log, line => line.Contains("/rules/branches/main?per_page=100&page=3", StringComparison.Ordinal));
    }

    [Fact]
    public async Task C31_classic_protection_is_read_beside_rulesets()
    {
        Protection.Rules.Clear();
        Protection.Classic["main"] = BranchAuditTests.Classic()["protection"]!.DeepClone().AsObject();
        Assert.Contains("the classic protection", (await AuditAsync(0, "--output", "json")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C31_no_protection_is_denied_and_no_right_to_see_it_is_could_not_tell_with_the_permission()
    {
        Protection.Rules.Clear();
        Assert.Contains("changes come by a pull request: neither a ruleset nor the classic protection of main says so", (await AuditAsync(1)).Output, StringComparison.Ordinal);
        Protection.MayAdminister = false;
        var ended = await AuditAsync(2);
        Assert.Contains("could not read the classic protection of main of example/trading: there is none, or the token may not see it (404); give the token the permission administration: read", ended.Output, StringComparison.Ordinal);
        Assert.Contains("no workflow approves: could not read what workflows of example/trading may do: the token lacks a permission (403: Resource not accessible by integration); give the token the permission administration: read", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", ended.Output + ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C31_a_branch_that_is_not_there_is_not_one_without_protection()
    {
        var ended = await AuditAsync(2, "--branch", "release/1.x");
        Assert.Contains("the policy says nothing about the branch release/1.x", ended.Output, StringComparison.Ordinal);
        Protection.Rules.Clear();
        server.World.Branches.Clear();
        Assert.Contains("could not read the classic protection of main", (await AuditAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C31_who_may_bypass_is_told_to_who_may_change_the_ruleset_only()
    {
        Protection.MayChangeRulesets = false;
        Assert.Contains("who may bypass ruleset 1 was not told; let the token write to rulesets, which is what GitHub asks for to tell it (administration: write)", (await AuditAsync(2)).Output, StringComparison.Ordinal);
        Protection.Rulesets.Clear();
        Assert.Contains("could not read who may bypass ruleset 1 of example/trading: there is none, or the token may not see it (404); give the token the permission administration: write", (await AuditAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C32_who_may_bypass_a_ruleset_is_denied_by_name()
    {
        Protection.Rulesets[1] = [new JsonObject { ["actor_id"] = 7, ["actor_type"] = "Team", ["bypass_mode"] = "always" }];
        Assert.Contains("ruleset 'rules 1' (1) does not bind Team 7 (always)", (await AuditAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C32_merge_methods_that_the_token_may_not_see_are_could_not_tell()
    {
        Protection.MayWrite = false;
        await AuditAsync(0);
        Protection.Rules.Find(rule => rule["type"]!.GetValue<string>() == "pull_request")!["parameters"]!.AsObject().Remove("allowed_merge_methods");
        Assert.Contains("GitHub tells the merge methods only to who may write; give the token the permission contents: write", (await AuditAsync(2)).Output, StringComparison.Ordinal);
        Protection.MayWrite = true;
        await AuditAsync(0);
        Protection.MergeMethods.Add("merge");
        await AuditAsync(1);
    }

    [Fact]
    public async Task C12_workflows_that_may_approve_are_denied()
    {
        Protection.WorkflowsApprove = true;
        Assert.Contains("workflows may approve pull requests", (await AuditAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_of_checks_and_rulesets_may_have_any_characters()
    {
        var checks = Protection.Rules.Find(rule => rule["type"]!.GetValue<string>() == "required_status_checks")!["parameters"]!["required_status_checks"]!.AsArray();
        checks.Add(new JsonObject { ["context"] = "\U0001F680 ship", ["integration_id"] = 15368 });
        checks.Add(new JsonObject { ["context"] = "\U0001F468\u200d\U0001F4BB\n::error::" });
        var policy = bench.Folder.Write("emoji.yaml", PullRequests.Yaml("    approvals: { default: 1 }\n    branches: { main: { checks: [\"\\U0001F680 ship\"] } }"));
        var ended = await bench.GatesAsync("branches", "--repository", "example/trading", "--policy", policy);
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("(now posted by .github/workflows/emoji.yml)", ended.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jobs: [")]
    [InlineData("jobs: { a: &x 1, b: *y }")]
    public async Task A_workflow_that_is_no_yaml_hides_only_who_posts_a_check(string yaml)
    {
        server.World.Branches["main"] = server.World.Commit(new Dictionary<string, GitHubFile> { [".github/workflows/ci.yaml"] = GitHubFile.Of(yaml) });
        Assert.Contains("the check lint is forgeable: every workflow of the repository can post it with its GITHUB_TOKEN, also one that a pull request brings along (which do could not be read: .github/workflows/ci.yaml", (await AuditAsync(0)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_saved_gives_the_same_answer_without_a_network_and_holds_no_secret()
    {
        (Protection.MayAdminister, Protection.Rules[0]["ruleset_id"]) = (false, 2);
        var file = bench.Folder.PathOf("main.json");
        var online = await AuditAsync(2, "--save", file, "--output", "json");
        await server.DisposeAsync();
        var offline = await bench.GatesAsync("branches", "--snapshot", file, "--policy", bench.Folder.PathOf("p.yaml"), "--output", "json");
        Assert.Equal(online, offline);
        var saved = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("secret-", Encoding.UTF8.GetString(saved), StringComparison.Ordinal);
        PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/branch.schema.json").Check(JsonDocument.Parse(saved).RootElement);
        Assert.Contains("is there already", (await AuditAsync(2, "--save", file)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_branch_every_one_that_the_policy_names_is_judged_and_the_worst_decides()
    {
        server.World.Branches["next"] = server.World.Branches["main"];
        Protection.TagRulesets.Add((5, "refs/tags/*", ["update"], []));
        var policy = bench.Folder.Write("two.yaml", PullRequests.Yaml("    approvals: { default: 1 }\n    branches: { main: { forcePush: blocked }, next: { forcePush: blocked, reviewers: 3 } }\n    tags: { \"v*\": { update: blocked, deletion: blocked } }"));
        string[] line = ["branches", "--repository", "example/trading", "--policy", policy];
        var ended = await bench.GatesAsync(line);
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith("deny: 2 branches of example/trading\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("  branch: deny: next\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("review.branches.next.reviewers: 3 must approve", ended.Output, StringComparison.Ordinal);
        Assert.Single(ended.Output.Split('\n'), told => told.Contains("review.tags['v*'].deletion", StringComparison.Ordinal));
        var json = (await bench.GatesAsync([.. line, "--output", "json"])).Json();
        Assert.Equal(JsonValueKind.Null, json.GetProperty("branch").ValueKind);
        Assert.Equal([("main", "deny"), ("next", "deny")], json.GetProperty("branches").EnumerateArray().Select(one => (one.GetProperty("name").GetString()!, one.GetProperty("verdict").GetString()!)));

        Assert.Equal("main", (await bench.GatesAsync([.. line, "--branch", "main", "--output", "json"])).Json().GetProperty("branch").GetString());
        server.Log.Clear();
        Assert.Contains("name one with --branch", (await bench.GatesAsync([.. line, "--save", bench.Folder.PathOf("both.json")])).Error, StringComparison.Ordinal);
        Assert.Empty(server.Log);
    }

    [Fact]
    public async Task C32_rulesets_of_tags_are_read_and_who_may_move_one_is_told()
    {
        const string Tags = "    tags: { \"v*\": { creation: restricted, update: blocked, deletion: blocked } }";
        var policy = bench.Folder.Write("tags.yaml", PullRequests.Yaml($"    approvals: {{ default: 1 }}\n    branches: {{ main: {{ forcePush: blocked }} }}\n{Tags}"));
        string[] line = ["branches", "--repository", "example/trading", "--policy", policy];
        JsonArray team = [new JsonObject { ["actor_id"] = 7, ["actor_type"] = "Team", ["bypass_mode"] = "always" }];
        Protection.TagRulesets.Add((5, "refs/tags/v*", ["creation"], team));
        Protection.TagRulesets.Add((6, "~ALL", ["update", "deletion", "non_fast_forward"], []));
        var ended = await bench.GatesAsync(line);
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("not everybody may create tags v*, by ruleset 'rules 5' (5): Team 7 (always) may", ended.Output, StringComparison.Ordinal);

        Protection.TagRulesets[1] = (6, "~ALL", ["update", "deletion"], team.DeepClone().AsArray());
        ended = await bench.GatesAsync(line);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("nobody moves tags v* in place: ruleset 'rules 6' (6) does not bind Team 7 (always)", ended.Output, StringComparison.Ordinal);
        Protection.MayChangeRulesets = false;
        Assert.Equal(2, (await bench.GatesAsync(line)).ExitCode);
        server.Script("/rulesets", LoopbackGitHub.Refuse(403), LoopbackGitHub.Refuse(403), LoopbackGitHub.Refuse(403));
        Assert.Contains("nobody moves tags v* in place: could not read", (await bench.GatesAsync(line)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_that_are_changed_anywhere_never_throw_and_never_let_a_bypass_through()
    {
        Protection.Rulesets[1] = [new JsonObject { ["actor_id"] = 7, ["actor_type"] = "Team", ["bypass_mode"] = "always" }];
        var (seed, changed) = (Environment.TickCount, 0);
        var random = new Random(seed);
        string[] hostile = ["\\ud800", "\"", "{", "]", "0", "[[[[", ",\"id\":1", "\u00e9"];
        server.Mangle = body => random.Next(4) == 0 ? Changed(body) : body;
        for (var i = 0; i < 60; i++)
        {
            var ended = await bench.GatesAsync("branches", "--repository", "example/trading", "--policy", Policy());
            Assert.True(ended.ExitCode is 1 or 2 && !ended.Error.Contains("   at ", StringComparison.Ordinal), $"seed {seed}: {ended.ExitCode} {ended.Error}{ended.Output}");
        }

        Assert.NotEqual(0, changed);

        byte[] Changed(byte[] body)
        {
            changed++;
            var at = random.Next(body.Length);
            return [.. body[..at], .. Encoding.UTF8.GetBytes(hostile[random.Next(hostile.Length)]), .. body[(at + random.Next(2))..]];
        }
    }

    private string Policy() => bench.Folder.Write("p.yaml", PullRequests.Yaml(BranchAuditTests.Asked));

    private async Task<Ended> AuditAsync(int exit, params string[] more)
    {
        var ended = await bench.GatesAsync(["branches", "--repository", "example/trading", "--policy", Policy(), .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }
}
