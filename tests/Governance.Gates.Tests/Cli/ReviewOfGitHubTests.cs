using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review</c> as a workflow runs it: everything from GitHub.</summary>
public sealed class ReviewOfGitHubTests : ReviewBench
{
    [Fact]
    public async Task A_pull_request_is_judged_by_the_policy_of_its_base_commit()
    {
        var ended = await bench.GatesAsync("review", "--pr", "7", "--output", "json");
        Assert.Equal(1, ended.ExitCode);
        var json = ended.Json();
        Assert.Equal(("example/trading", 7, scene.World.Branches["main"], scene.Request.Head), (json.GetProperty("repository").GetString(), json.GetProperty("number").GetInt32(), json.GetProperty("base").GetString(), json.GetProperty("head").GetString()));
        Assert.Equal($"governance.yaml at {scene.World.Branches["main"]}", json.GetProperty("policy").GetProperty("file").GetString());
        scene.Request.Review("carol");
        Assert.Equal(0, (await bench.GatesAsync("review", "--pr", "7")).ExitCode);
    }

    [Fact]
    public async Task What_is_saved_gives_the_same_answer_without_a_network()
    {
        var (file, policy) = (bench.Folder.PathOf("pr.json"), bench.Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules)));
        var online = await bench.GatesAsync("review", "--pr", "7", "--save", file, "--policy", policy, "--explain", "--output", "json");
        await scene.DisposeAsync();
        var offline = await bench.GatesAsync("review", "--snapshot", file, "--policy", policy, "--explain", "--output", "json");
        Assert.Equal(online, offline);
        PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/pull-request.schema.json").Check(JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).RootElement);
    }

    [Fact]
    public async Task A_snapshot_is_never_written_over_and_nothing_is_asked_before_that_is_known()
    {
        var ended = await bench.GatesAsync("review", "--pr", "7", "--save", bench.Folder.Write("pr.json", "mine"));
        Assert.Equal((2, 0), (ended.ExitCode, scene.Server.Log.Count));
        Assert.Contains("is there already", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_is_simulated_is_asked_about_though_no_rule_names_them()
    {
        scene.World.Permissions["erin"] = "write";
        scene.Request.Changes.Clear();
        scene.Request.Change("docs/b").Push("ann");
        var ended = await bench.GatesAsync("review", "--pr", "7", "--simulate", "approve=erin");
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("as if: erin approved", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_elsewhere_in_the_base_commit_is_found_and_names_what_lies_beside_it()
    {
        scene.Main["policies/review.yaml"] = scene.Main["governance.yaml"];
        scene.Main.Remove("governance.yaml");
        scene.PushMain();
        var ended = await bench.GatesAsync("review", "--pr", "7", "--policy-at", "policies/review.yaml");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("policy: policies/review.yaml at ", ended.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await bench.GatesAsync("review", "--pr", "7")).ExitCode);
    }

    // The same commit may be the head of a pull request into a branch of somebody's own, with a policy of their own, and the check would stand on it.
    [Fact]
    public async Task A_pull_request_into_another_branch_than_those_that_are_named_is_could_not_tell()
    {
        scene.World.Branches["scratch"] = scene.World.Commit(new Dictionary<string, GitHubFile>(scene.Main) { ["governance.yaml"] = GitHubFile.Of(PullRequests.Yaml("    approvals: { default: 1 }")) });
        scene.Request.BaseRef = "scratch";
        var ended = await bench.GatesAsync("review", "--pr", "7");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("is into scratch", ended.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await bench.GatesAsync("review", "--pr", "7", "--base", "main")).ExitCode);
        Assert.NotEqual(2, (await bench.GatesAsync("review", "--pr", "7", "--base", "main", "--base", "scratch")).ExitCode);
    }

    [Fact]
    public async Task A_pull_request_that_is_not_there_is_could_not_tell_in_every_form()
    {
        var json = (await bench.GatesAsync("review", "--pr", "8", "--output", "json")).Json();
        Assert.Equal(("unknown", JsonValueKind.Null, JsonValueKind.Null), (json.GetProperty("verdict").GetString(), json.GetProperty("head").ValueKind, json.GetProperty("policy").ValueKind));
        var ended = await bench.GatesAsync("review", "--pr", "8");
        Assert.Equal(2, ended.ExitCode);
        Assert.StartsWith("unknown: example/trading#8\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("give the token the permission pull requests: read", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", ended.Output + ended.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pull_request_target")]
    [InlineData("pull_request")]
    [InlineData("pull_request_review")]
    public async Task C24_of_an_event_only_the_number_is_believed(string name)
    {
        Event(name, $$$"""{"action":"submitted","pull_request":{"number":7,"head":{"sha":"{{{new string('9', 40)}}}"},"base":{"sha":"{{{new string('8', 40)}}}"},"user":{"login":"mallory"},"draft":false},"repository":{"full_name":"mallory/trading"},"review":{"state":"approved"}}""");
        var ended = await bench.GatesAsync("review");
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith($"deny: example/trading#7 at {scene.Request.Head}", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C23_policy_bot_and_databricks_4931_every_pull_request_of_a_merge_group_is_judged()
    {
        // #8 is in order, #7 before it is not: the event names #8 only.
        scene.World.Open(8, "ann").From(scene.Main).Change("docs/b").Push("ann").Review("bob");
        var (main, first, second) = (scene.World.Branches["main"], new string('a', 40), new string('b', 40));
        scene.World.Queue.AddRange([new(7, main, first), new(8, first, second), new(9, second, new string('c', 40))]);
        Group("main", 8, main, second);
        var json = (await bench.GatesAsync("review", "--output", "json")).Json();
        Assert.Equal("deny", json.GetProperty("verdict").GetString());
        Assert.Equal([("deny", 7L), ("allow", 8L)], json.GetProperty("group").EnumerateArray().Select(one => (one.GetProperty("verdict").GetString()!, one.GetProperty("number").GetInt64())));

        scene.Request.Review("carol");
        var ended = await bench.GatesAsync("review", "--explain");
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith($"allow: merge group of example/trading into main at {second}\n", ended.Output, StringComparison.Ordinal);
        Assert.Contains("review: #7: carol: APPROVED, counts as carol", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C23_a_group_that_the_queue_does_not_know_is_could_not_tell()
    {
        var (main, head) = (scene.World.Branches["main"], new string('a', 40));
        scene.World.Queue.Add(new(7, main, head));
        Group("main", 7, main, new string('b', 40));
        var ended = await bench.GatesAsync("review");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("has no entry that merges #7 as bbbb", ended.Output, StringComparison.Ordinal);
        // The commit is another pull request's.
        Group("main", 8, main, head);
        Assert.Equal(2, (await bench.GatesAsync("review")).ExitCode);
        Group("release/1.x", 7, main, head);
        Assert.Equal(2, (await bench.GatesAsync("review")).ExitCode);
    }

    [Theory]
    [InlineData("""{"data":{"repository":null}}""")]
    [InlineData("""{"data":{"repository":{"mergeQueue":{"entries":{"nodes":[null,ENTRY]}}}}}""")]
    [InlineData("""{"data":{"repository":{"mergeQueue":{"entries":{"nodes":[{"position":1,"headCommit":null,"pullRequest":null},ENTRY]}}}}}""")]
    [InlineData("""{"data":{"repository":{"mergeQueue":{"entries":{"nodes":[{"position":1,"headCommit":null,"pullRequest":{"number":-7}},ENTRY]}}}}}""")]
    [InlineData("""{"data":{"repository":{"mergeQueue":{"entries":{"nodes":[ENTRY]}}}},"errors":[{"message":"Something went wrong"}]}""")]
    public async Task C17_a_merge_queue_that_is_told_in_part_is_could_not_tell(string answer)
    {
        var (main, head) = (scene.World.Branches["main"], new string('a', 40));
        scene.Request.Review("carol");
        var entry = $$$"""{"position":2,"headCommit":{"oid":"{{{head}}}"},"pullRequest":{"number":7}}""";
        Group("main", 7, main, head);
        Answer("""{"data":{"repository":{"mergeQueue":{"entries":{"nodes":[ENTRY]}}}}}""");
        Assert.Equal(0, (await bench.GatesAsync("review")).ExitCode);
        Answer(answer);
        var ended = await bench.GatesAsync("review");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("merge queue of main in example/trading", ended.Output, StringComparison.Ordinal);

        void Answer(string text) => scene.Server.Script("graphql", context => LoopbackGitHub.WriteAsync(context, JsonNode.Parse(text.Replace("ENTRY", entry, StringComparison.Ordinal))));
    }

    [Fact]
    public async Task C17_what_an_event_says_is_never_a_part_of_the_query()
    {
        Group("main\\\") { nodes", 7, new string('1', 40), new string('a', 40));
        await bench.GatesAsync("review");
        Group("main", 7, new string('1', 40), new string('a', 40));
        await bench.GatesAsync("review");
        var queries = scene.Server.Queries.ToArray();
        Assert.Equal("main\") { nodes", queries[0]["variables"]!["branch"]!.GetValue<string>());
        Assert.Equal(queries[1]["query"]!.GetValue<string>(), queries[0]["query"]!.GetValue<string>());
    }

    [Fact]
    public async Task C23_a_queue_that_may_not_be_seen_is_could_not_tell()
    {
        scene.Server.Script("graphql", context => LoopbackGitHub.WriteAsync(context, new JsonObject { ["data"] = null, ["errors"] = new JsonArray(new JsonObject { ["type"] = "FORBIDDEN", ["message"] = "Resource not accessible" }) }));
        Group("main", 7, new string('1', 40), new string('a', 40));
        var ended = await bench.GatesAsync("review");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("could not read the merge queue of main in example/trading: GitHub says: Resource not accessible", ended.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("push", """{"ref":"refs/heads/main"}""", "is not as GitHub's documentation has it")]
    [InlineData("issues", "{}", "says nothing of a pull request")]
    [InlineData("", "{}", "says nothing of a pull request")]
    [InlineData("pull_request", "{}", "is not as GitHub's documentation has it")]
    [InlineData("pull_request", "[", "is not as GitHub's documentation has it")]
    [InlineData("pull_request", """{"pull_request":{"number":"7"}}""", "is not as GitHub's documentation has it")]
    [InlineData("pull_request", """{"pull_request":{"number":7,"number":8}}""", "is not as GitHub's documentation has it")]
    [InlineData("merge_group", """{"merge_group":{"head_sha":"x"}}""", "is not as GitHub's documentation has it")]
    public async Task An_event_that_says_no_pull_request_is_told_and_judges_nothing(string name, string payload, string told)
    {
        Event(name, payload);
        var ended = await bench.GatesAsync("review");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(told, ended.Error, StringComparison.Ordinal);
        Assert.Empty(scene.Server.Log);
    }

    [Theory]
    [InlineData("review")]
    [InlineData("review", "--pr", "0")]
    [InlineData("review", "--pr", "x")]
    [InlineData("review", "--pr", "7", "--snapshot", "pr.json")]
    [InlineData("review", "--snapshot", "pr.json", "--save", "b.json")]
    [InlineData("review", "--pr", "7", "--policy", "a", "--policy-at", "b")]
    public async Task A_command_line_that_cannot_be_meant_is_a_usage_error(params string[] arguments) => Assert.Equal(64, (await bench.GatesAsync(arguments)).ExitCode);

    [Fact]
    public async Task A_hostile_pull_request_forges_no_line_command_or_markup_on_its_way_through_github()
    {
        scene.Request.Change("risk/::error::x\n::add-mask::y\u001b| allow | ##[group]<img>").Push("ann");
        foreach (var form in (string[])["text", "json", "markdown"])
        {
            var ended = await bench.GatesAsync("review", "--pr", "7", "--output", form, "--explain");
            Assert.Equal(1, ended.ExitCode);
            Assert.DoesNotContain(ended.Output, character => char.IsControl(character) && character != '\n');
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
        }
    }

    private void Group(string branch, long number, string @base, string head) => Event(
        "merge_group",
        $$$"""{"action":"checks_requested","merge_group":{"head_sha":"{{{head}}}","head_ref":"refs/heads/gh-readonly-queue/{{{branch}}}/pr-{{{number}}}-{{{@base}}}","base_sha":"{{{@base}}}","base_ref":"refs/heads/{{{branch}}}"}}""");

    private void Event(string name, string payload)
    {
        bench.Set("GITHUB_EVENT_NAME", name);
        bench.Set("GITHUB_EVENT_PATH", bench.Folder.Write("event.json", payload));
    }
}
