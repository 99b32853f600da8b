using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Reviews;
using Governance.Gates.Testing;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.GitHub;

/// <summary>What we ask GitHub, and what our stand-in for it answers, is what GitHub's own descriptions say.</summary>
public sealed class GitHubContractTests
{
    private const string Policy = """
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: firm, version: 1 }
        spec:
          people:
            ann: { id: p-1, github: { login: ann, id: 1 } }
            bob: { id: p-2, github: { login: bob, id: 2 } }
            carol: { id: p-3, github: { login: carol, id: 3 } }
          review:
            approvals: { default: 1 }
            paths:
              - { paths: [risk/**], approvals: 2, from: codeowners }
            values:
              - { file: config/limits.json, at: /max, must: { atMost: 10 } }
        """;

    private static readonly string[] Events = ["pull_request", "pull_request_review", "merge_group", "push"];

    [Theory, MemberData(nameof(PrismProxy.Descriptions), MemberType = typeof(PrismProxy))]
    public async Task Every_request_and_every_answer_is_as_githubs_openapi_description_says(string description)
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        await using var server = await SceneAsync();
        await using var proxy = await PrismProxy.StartAsync(description, server.Api, TestContext.Current.CancellationToken);
        server.Shown = proxy.Address;
        using var key = RSA.Create(2048);
        var credentials = new GitHubCredentials.App("12", key.ExportPkcs8PrivateKeyPem(), null);

        var question = await ReadAsync(new() { Api = proxy.Address, GraphQl = new(proxy.Address, "graphql"), Credentials = credentials }, 7);
        var result = ReviewGate.Decide(question.Request, question.Policy, DateTimeOffset.UtcNow);
        Assert.True(result.Decision.Verdict == Verdict.Allow, string.Join('\n', result.Decision.Reasons));

        // Nothing was repeated: an answer that the proxy refused would have been.
        Assert.Equal(server.Log.Count, server.Log.Distinct().Count() + 1);
        foreach (var asked in (string[])["/installation", "/access_tokens", "/pulls/7", "/files?per_page=100&page=2", "/commits?", "/reviews?per_page=100&page=3", "/git/ref/heads%2Fmain", "/git/trees/", "?recursive=1", "/git/blobs/", "/permission", "/teams/risk", "/teams/risk/members", "/teams/gone", "/teams?per_page=1", "/activity?ref="])
        {
            Assert.Contains(server.Log, line => line.Contains(asked, StringComparison.Ordinal));
        }

        // The proxy does look: neither a question nor an answer of another shape gets through.
        using var client = new HttpClient { DefaultRequestHeaders = { { "User-Agent", "test" } } };
        Assert.Equal(422, await StatusAsync("repos/example/trading/pulls/seven"));
        server.Script("/pulls/7", context => LoopbackGitHub.WriteAsync(context, new JsonObject { ["number"] = 7 }));
        Assert.Equal(500, await StatusAsync("repos/example/trading/pulls/7"));

        async Task<int> StatusAsync(string path)
        {
            using var response = await client.GetAsync(new Uri(proxy.Address, path), TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }
    }

    [Theory, MemberData(nameof(PrismProxy.Descriptions), MemberType = typeof(PrismProxy))]
    public async Task Every_request_and_every_answer_about_a_branch_is_as_githubs_openapi_description_says(string description)
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        await using var server = await SceneAsync();
        var protection = server.World.Protection;
        JsonObject Rule(string type, long ruleset, string parameters) => JsonNode.Parse($$"""{"type":"{{type}}","ruleset_source_type":"Repository","ruleset_source":"example/trading","ruleset_id":{{ruleset}}{{parameters}}}""")!.AsObject();
        protection.Rules.AddRange([Rule("deletion", 1, ""), Rule("non_fast_forward", 2, ""), Rule("pull_request", 1, ""","parameters":{"required_approving_review_count":2,"require_code_owner_review":true,"dismiss_stale_reviews_on_push":true,"require_last_push_approval":true,"required_review_thread_resolution":true,"allowed_merge_methods":["squash"],"required_reviewers":[{"file_patterns":["risk/**"],"minimum_approvals":2,"reviewer":{"id":7,"type":"Team"}}]}"""), Rule("merge_queue", 1, ""","parameters":{"check_response_timeout_minutes":60,"grouping_strategy":"ALLGREEN","max_entries_to_build":5,"max_entries_to_merge":5,"merge_method":"SQUASH","min_entries_to_merge":1,"min_entries_to_merge_wait_minutes":5}"""),
            Rule("required_status_checks", 2, ""","parameters":{"strict_required_status_checks_policy":true,"required_status_checks":[{"context":"gates","integration_id":4711}]}""")]);
        protection.Rulesets[1] = [new JsonObject { ["actor_id"] = 7, ["actor_type"] = "Team", ["bypass_mode"] = "pull_request" }];
        protection.Rulesets[2] = [];
        protection.TagRulesets.Add((3, "refs/tags/v*", ["creation", "update", "deletion", "non_fast_forward"], []));
        protection.Classic["main"] = JsonNode.Parse("""
            {"enforce_admins":{"url":"https://api.github.com/a","enabled":true},"allow_force_pushes":{"enabled":false},"allow_deletions":{"enabled":false},"required_signatures":{"url":"https://api.github.com/s","enabled":true},
             "required_pull_request_reviews":{"dismiss_stale_reviews":true,"require_code_owner_reviews":true,"required_approving_review_count":2,"require_last_push_approval":true},
             "required_status_checks":{"strict":true,"contexts":["gates"],"checks":[{"context":"gates","app_id":null}]}}
            """)!.AsObject();
        var sha = new string('a', 40);
        server.World.Tags["v1"] = ("tag", sha, JsonNode.Parse($$$"""
            {"node_id":"T","tag":"v1","sha":"{{{sha}}}","message":"m","tagger":{"name":"A","email":"a@example.com","date":"2026-03-01T12:00:00Z"},"object":{"type":"commit","sha":"{{{sha}}}","url":"https://api.github.com/x"},
             "verification":{"verified":false,"reason":"unsigned","payload":null,"signature":null,"verified_at":null}}
            """)!.AsObject());
        server.LongestPage = 3;
        await using var proxy = await PrismProxy.StartAsync(description, server.Api, TestContext.Current.CancellationToken);
        server.Shown = proxy.Address;

        foreach (var hasClassic in (bool[])[true, false])
        {
            using var client = GitHubClient.Open(new() { Api = proxy.Address, GraphQl = new(proxy.Address, "graphql"), Credentials = new GitHubCredentials.Token("t") }, RepositoryName.TryParse("example/trading")!, TimeProvider.System);
            var reading = BranchReader.Read(await BranchSource.ReadAsync(client, "main", TestContext.Current.CancellationToken));
            Assert.True(reading.Try(out var branch, out var why), why?.Message);
            Assert.True(branch.Rulesets.Try(out var rulesets, out why) && branch.Protection.Try(out var classic, out why) && (classic is not null) == hasClassic, why?.Message);
            Assert.True(branch.MergeMethods.Try(out _, out why) && branch.WorkflowsApprove.Try(out _, out why) && branch.Workflows.Try(out _, out why), why?.Message);
            Assert.True(branch.TagRulesets!.Try(out var tagRulesets, out why), why?.Message);
            Assert.Equal(["creation", "update", "deletion", "non_fast_forward"], Assert.Single(tagRulesets).Rules);
            Assert.Equal([true, true], rulesets.Select(ruleset => ruleset.Bypass.Try(out _, out _)));
            Assert.True((await TagSource.ReadAsync(client, "v1", TestContext.Current.CancellationToken)).Try(out var tag, out why), why?.Message);
            Assert.Equal(("commit", sha, "unsigned"), (tag.TargetType, tag.Target, tag.Verification?.Reason));
            protection.Classic.Clear();
        }

        foreach (var asked in (string[])["/repos/example/trading", "/rules/branches/main?per_page=100&page=2", "/rulesets/1", "/rulesets/2", "/rulesets?per_page=100", "/rulesets/3", "/branches/main/protection", "/actions/permissions/workflow", "/git/ref/heads%2Fmain", "/git/ref/tags%2Fv1", $"/git/tags/{sha}"])
        {
            Assert.Equal(2, server.Log.Count(line => line.EndsWith(asked, StringComparison.Ordinal)));
        }
    }

    public static TheoryData<string, string> Merges => [.. PrismProxy.Descriptions.SelectMany(description => (string[])["merge", "rebase"], (description, how) => (description.Data, how))];

    [Theory, MemberData(nameof(Merges))]
    public async Task Every_request_and_every_answer_about_a_push_is_as_githubs_openapi_description_says(string description, string how)
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        await using var server = await SceneAsync();
        var before = server.World.Branches["main"];
        var merged = server.World.Merge(7, how);
        var last = server.World.PushDirectly(made => made["x"] = GitHubFile.Of("x\n"));
        await using var proxy = await PrismProxy.StartAsync(description, server.Api, TestContext.Current.CancellationToken);
        server.Shown = proxy.Address;

        using var client = GitHubClient.Open(new() { Api = proxy.Address, GraphQl = new(proxy.Address, "graphql"), Credentials = new GitHubCredentials.Token("t") }, RepositoryName.TryParse("example/trading")!, TimeProvider.System);
        var judge = new MergeJudge(client, "main", (commit, cancellation) => RepositoryPolicy.ReadWholeAsync(commit, "governance.yaml", cancellation));
        Assert.True((await judge.History.DefaultBranchAsync(TestContext.Current.CancellationToken)).Try(out var branch, out _) && branch == "main");
        Assert.True((await judge.History.HeadAsync("main", TestContext.Current.CancellationToken)).Try(out var head, out _) && head.Hex == last);
        var push = await PushJudge.JudgeAsync(new("refs/heads/main", before, last), judge, TestContext.Current.CancellationToken);
        Assert.Equal(Verdict.Allow, push.Whole.Verdict);
        Assert.Equal([Verdict.Allow, Verdict.Deny], push.Merges.Select(one => one.Decision.Verdict));
        var merge = push.Merges[0];
        Assert.True(merge.Decision.Verdict == Verdict.Allow, string.Join('\n', merge.Decision.Reasons));
        foreach (var asked in (string[])[$"/commits/{merged}/pulls?per_page=100", $"/compare/{before}...{last}?per_page=1&page=2", "/pulls?state=closed&base=main&sort=updated&direction=desc&per_page=100", $"/git/commits/{merged}", $"/git/commits/{before}", "/repos/example/trading"])
        {
            Assert.Contains(server.Log, line => line.EndsWith(asked, StringComparison.Ordinal));
        }
    }

    [Theory, MemberData(nameof(PrismProxy.Descriptions), MemberType = typeof(PrismProxy))]
    public async Task Every_request_and_every_answer_about_a_check_is_as_githubs_openapi_description_says(string description)
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        await using var server = await SceneAsync();
        await using var proxy = await PrismProxy.StartAsync(description, server.Api, TestContext.Current.CancellationToken);
        server.Shown = proxy.Address;
        using var client = GitHubClient.Open(new() { Api = proxy.Address, GraphQl = new(proxy.Address, "graphql"), Credentials = new GitHubCredentials.Token("t") }, RepositoryName.TryParse("example/trading")!, TimeProvider.System);
        var head = server.World.PullRequests[7].Head;
        var run = new CheckRun("governance / gates", "pull-request/7", head, Passed: false)
        {
            Title = "deny",
            Summary = new('x', CheckRun.LongestSummary),
            Annotations = [.. Enumerable.Range(1, 120).Select(line => new CheckAnnotation(".github/CODEOWNERS", line, "title", "message"))],
        };
        foreach (var next in (CheckRun[])[run, run with { Passed = true, Annotations = [.. run.Annotations, new("risk/new", 1, "title", "more")] }])
        {
            Assert.True((await CheckRuns.PublishAsync(client, next, TestContext.Current.CancellationToken)).Try(out var id, out var why), why?.ToString());
            Assert.Equal(1, id);
        }

        Assert.True((await CheckRuns.HeadOfAsync(client, 7, TestContext.Current.CancellationToken)).Try(out var told, out _));
        Assert.Equal(head, told.Head);
        Assert.Equal(("success", 121), (Assert.Single(server.World.Checks.Runs).Conclusion, server.World.Checks.Runs[0].Annotations.Count));
        Assert.Equal(
            ["GET /commits/", "POST /check-runs", "PATCH /check-runs/1", "PATCH /check-runs/1", "GET /commits/", "PATCH /check-runs/1", "GET /check-runs/1/annotations", "GET /check-runs/1/annotations", "PATCH /check-runs/1", "GET /pulls/7"],
            server.Log.Select(line => line.Replace("/repos/example/trading", "", StringComparison.Ordinal).Split('?')[0]).Select(line => line.Contains("/commits/", StringComparison.Ordinal) ? "GET /commits/" : line));
    }

    [Fact]
    public async Task Every_query_and_every_answer_is_as_githubs_graphql_schema_says()
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        await using var server = await SceneAsync();
        server.World.Addresses["carol@example.com"] = "carol";
        server.World.PullRequests[7].Push("ann", "x\n\nCo-authored-by: C <carol@example.com>\nCo-authored-by: N <nobody@example.com>");
        server.World.Queue.Add(new(7, new string('1', 40), new string('2', 40)));
        var options = new GitHubOptions { Api = server.Api, GraphQl = new(server.Api, "graphql"), Credentials = new GitHubCredentials.Token("t") };
        await ReadAsync(options, 7);
        using var client = GitHubClient.Open(options, RepositoryName.TryParse("example/trading")!, TimeProvider.System);
        Assert.True((await QueuedPullRequests.ReadAsync(client, new("main", new string('1', 40), new string('2', 40), 7), TestContext.Current.CancellationToken)).Try(out var numbers, out _));
        Assert.Equal([7], numbers);
        Assert.Equal(2, server.Queries.Count);

        var script = Path.Combine(ProjectTree.Root, "tests/peers/github-js/validate.mjs");
        var bad = """{"query":"{ repository(owner: \"a\", name: \"b\") { mergeQueues } }","answer":{"data":{}}}""";
        var said = await Command.RunAsync(Peers.Node.Require(), [script, Peers.GitHubJs.Require()], input: string.Join('\n', server.Queries.Select(query => query.ToJsonString())));
        Assert.Equal("", said.Succeeded().Output);
        said = await Command.RunAsync(Peers.Node.Require(), [script, Peers.GitHubJs.Require()], input: bad);
        Assert.Contains("Cannot query field \"mergeQueues\"", said.Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_example_of_an_event_that_github_publishes_is_read()
    {
        Assert.SkipWhen(PrismProxy.WhyNot is not null, PrismProxy.WhyNot ?? "");
        using var published = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Peers.GitHubJs.Require(), "@octokit/webhooks-examples/api.github.com/index.json")));
        var read = 0;
        foreach (var kind in published.RootElement.EnumerateArray().Where(kind => Events.Contains(kind.GetProperty("name").GetString())))
        {
            foreach (var example in kind.GetProperty("examples").EnumerateArray())
            {
                var name = kind.GetProperty("name").GetString()!;
                Assert.True(WorkflowEvent.Read(name, System.Text.Encoding.UTF8.GetBytes(example.GetRawText())).Try(out var found, out var why), $"{name}: {why}");
                Assert.True(
                    found switch
                    {
                        WorkflowEvent.OfPullRequest(var number) => number == example.GetProperty("pull_request").GetProperty("number").GetInt64(),
                        WorkflowEvent.OfMergeGroup group => group.HeadSha == example.GetProperty("merge_group").GetProperty("head_sha").GetString() && example.GetProperty("merge_group").GetProperty("head_ref").GetString()!.Contains($"/pr-{group.Number}-", StringComparison.Ordinal),
                        WorkflowEvent.OfPush push => push.After == example.GetProperty("after").GetString(),
                        _ => false,
                    },
                    name);
                read++;
            }
        }

        Assert.Equal(42, read);
    }

    private static async Task<ReviewQuestion> ReadAsync(GitHubOptions options, long number)
    {
        using var client = GitHubClient.Open(options, RepositoryName.TryParse("example/trading")!, TimeProvider.System);
        var reading = await PullRequestSource.ReadAsync(client, number, (commit, cancellation) => RepositoryPolicy.ReadAsync(commit, "governance.yaml", cancellation), ["ann", "nobody"], TestContext.Current.CancellationToken);
        return reading.Try(out var question, out var why) ? question : throw new InvalidOperationException(why.ToString());
    }

    // A pull request with something of everything: pages, renames, links, removed files, accounts that are gone.
    private static async Task<LoopbackGitHub> SceneAsync()
    {
        var server = await LoopbackGitHub.StartAsync();
        server.World.With("ann", "bob", "carol", "dave");
        server.World.Teams["example/risk"] = ["carol", "dave"];
        var files = new Dictionary<string, GitHubFile>
        {
            ["governance.yaml"] = GitHubFile.Of(Policy),
            [".github/CODEOWNERS"] = GitHubFile.Of("* @ann @bob\n/risk/ @bob @example/risk\n/docs/ @bob @example/gone\n"),
            ["config/limits.json"] = GitHubFile.Of("""{"max":5}"""),
            ["risk/old"] = GitHubFile.Of("old\n"),
            ["docs/gone"] = GitHubFile.Of("gone\n"),
        };
        server.World.Branches["main"] = server.World.Commit(files);
        var request = server.World.Open(7, "ann").From(files).Change("config/limits.json", """{"max":6}""").Rename("risk/old", "risk/new").Remove("docs/gone");
        for (var i = 0; i < 120; i++)
        {
            request.Change($"docs/{i % 10}/{i}");
        }

        request.Push("ann", "x\n\nCo-authored-by: D <4+dave@users.noreply.github.com>").Push("ann");
        for (var i = 0; i < 220; i++)
        {
            request.Review(i % 2 == 0 ? "dave" : null, "COMMENTED", i % 3 == 0 ? null : "");
        }

        request.Review("bob").Review("carol");
        return server;
    }
}
