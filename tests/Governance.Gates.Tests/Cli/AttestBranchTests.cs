using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review attest --branch</c>: what a control repository says of the commits of another.</summary>
public sealed class AttestBranchTests : IAsyncLifetime
{
    private const string Commits = "registry.example.com/governance/commits";
    private PushBench bench = null!;
    private string policy = "";

    private GitHubScene Scene => bench.Scene;

    private GitHubWorld World => bench.World;

    public async ValueTask InitializeAsync()
    {
        bench = await PushBench.StartAsync();
        foreach (var name in (string[])["builder", "reviewer", "bob", "stranger"])
        {
            bench.Bench.Key(name);
        }

        await bench.Bench.AddImageAsync();
        policy = bench.Bench.Folder.Write("governance.yaml", Yaml());
        foreach (var file in (string[])["governance.yaml", "builder.pub", "reviewer.pub", "bob.pub"])
        {
            Scene.Main[file] = new(await File.ReadAllBytesAsync(bench.Bench.Folder.PathOf(file), TestContext.Current.CancellationToken));
        }

        Scene.PushMain();
        bench.Before = World.Branches["main"];
        Open(7, "risk/a", "reviewed\n");

        // The workflow runs in another repository, and its event says what somebody wants it to believe.
        bench.Bench.Set("GITHUB_REPOSITORY", "example/control");
        bench.Bench.Set("GITHUB_EVENT_NAME", "repository_dispatch");
        bench.Bench.Set("GITHUB_EVENT_PATH", bench.Bench.Folder.Write("dispatch.json", $$$"""{"client_payload":{"commit":"{{{new string('9', 40)}}}","repository":"mallory/trading"}}"""));
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task What_was_merged_is_attested_the_oldest_first_each_after_the_one_before()
    {
        Open(8, "docs/b", "other\n");
        var (first, second) = (World.Merge(7, "merge"), World.Merge(8));
        var json = await JsonAsync(0, "--since", bench.Before);
        Assert.Equal((second, "reviewer", 0), (json.GetProperty("head").GetString(), json.GetProperty("robot").GetString(), json.GetProperty("left").GetInt32()));
        Assert.Equal([(first, 7, null), (second, 8, first)], Of(json));
        Assert.All(json.GetProperty("commits").EnumerateArray(), one => Assert.Equal(["SLSA_SOURCE_TWO_PARTY_REVIEWED", "ORG_SOURCE_POLICY_ALLOWED"], one.GetProperty("properties").EnumerateArray().Select(property => property.GetString())));

        // Nothing is said twice, and what is new goes on from there.
        json = await JsonAsync(0);
        Assert.Equal((second, 0), (json.GetProperty("previous").GetString(), json.GetProperty("commits").GetArrayLength()));
        Open(9, "docs/b", "again\n");
        var third = World.Merge(9);
        Assert.Equal([(third, 9, second)], Of(await JsonAsync(0)));
    }

    [Fact]
    public async Task A_rebase_has_one_statement_about_the_commit_that_the_branch_was_at_afterwards()
    {
        Scene.Request.Change("docs/b", "more\n").Push("ann").Review("bob").Review("carol");
        var merged = World.Merge(7, "rebase");
        Assert.Equal([(merged, 7, null)], Of(await JsonAsync(0, "--since", bench.Before)));
    }

    [Fact]
    public async Task A_direct_push_under_a_reviewed_commit_ends_what_is_said_of_the_branch()
    {
        var reviewed = World.Merge(7);
        var direct = World.PushDirectly(files => files["risk/hidden"] = GitHubFile.Of("mine\n"));
        Open(8, "docs/b", "other\n");
        var above = World.Merge(8);
        var json = await JsonAsync(1, "--since", bench.Before);
        Assert.Equal([(reviewed, 7, null), (direct, null, null)], Of(json));
        Assert.Equal((1, JsonValueKind.Null), (json.GetProperty("left").GetInt32(), json.GetProperty("commits")[1].GetProperty("evidence").ValueKind));

        // The tree of the commit above holds what nobody reviewed, now and the next time.
        var again = await AttestAsync(1);
        Assert.Contains($"nothing is said of {direct}, nor of what comes after it on main: continuity is broken there", again.Output, StringComparison.Ordinal);
        Assert.Contains("not judged: 1 newer commit", again.Output, StringComparison.Ordinal);

        // Whoever answers for the branch begins anew, and the statement says that nothing comes before it.
        Assert.Equal([(above, 8, null)], Of(await JsonAsync(0, "--since", direct)));
    }

    [Fact]
    public async Task A_squash_whose_tree_differs_has_no_statement()
    {
        World.Merge(7, tamper: files => files["risk/a"] = GitHubFile.Of("mine\n"));
        Assert.Contains("risk/a is not what was reviewed", (await AttestAsync(1, "--since", bench.Before)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_approval_after_the_merge_makes_no_statement()
    {
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob").Review("carol", time: "2026-06-01T11:00:01Z");
        World.Merge(7);
        await AttestAsync(1, "--since", bench.Before);
    }

    [Fact]
    public async Task Where_no_statement_stands_somebody_must_say_where_to_begin()
    {
        World.Merge(7);
        var ended = await AttestAsync(2);
        Assert.Contains("name with --since the last commit that needs none", ended.Output, StringComparison.Ordinal);
        for (var i = 0; i < 250; i++)
        {
            World.PushDirectly(files => files["docs/b"] = GitHubFile.Of($"{i}\n"));
        }

        Assert.Contains("nothing is attested: there are more than 250 commits", (await AttestAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_forge_is_asked_about_the_repository_that_is_named_and_no_other()
    {
        World.Merge(7);
        await AttestAsync(0, "--since", bench.Before);
        Assert.All(Scene.Server.Log, line => Assert.Contains("example/trading", line.Replace("/graphql", "example/trading", StringComparison.Ordinal).Replace("/orgs/example/teams", "example/trading", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.DoesNotContain(Scene.Server.Log, line => line.Contains(new string('9', 40), StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_judged_by_another_policy_than_the_one_in_force_is_not_signed()
    {
        World.Merge(7);
        policy = bench.Bench.Folder.Write("other.yaml", Yaml() + "# another\n");
        Assert.Contains("does not name as one that was in force", (await AttestAsync(2, "--since", bench.Before)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/git/ref/")]
    [InlineData("/git/commits/")]
    [InlineData("/commits/")]
    [InlineData("/pulls/7")]
    public async Task What_cannot_be_read_is_attested_the_next_time(string part)
    {
        var merged = World.Merge(7);
        Scene.Server.Script(part, LoopbackGitHub.Refuse(403, "Resource not accessible by integration"));
        await AttestAsync(2, "--since", bench.Before);
        Assert.Equal([(merged, 7, null)], Of(await JsonAsync(0, "--since", bench.Before)));
    }

    [Theory]
    [InlineData("bob", "acts for no robot")]
    [InlineData("stranger", "acts for no robot")]
    public async Task Only_a_robot_that_the_policy_lets_review_attests(string key, string told)
    {
        World.Merge(7);
        Assert.Contains(told, (await AttestAsync(2, "--since", bench.Before, "--key", bench.Bench.Folder.PathOf($"{key}.pem"))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_that_the_policy_does_not_protect_is_not_attested() =>
        Assert.Contains("review.branches does not name it", (await AttestAsync(2, "--branch", "scratch")).Error, StringComparison.Ordinal);

    [Fact]
    public async Task A_revoked_statement_does_not_stand_and_comes_back_only_by_hand()
    {
        bench.Bench.Folder.Write("governance.yaml", Yaml("    revocations: { from: revocations.json, maxAge: 1h, by: { role: risk } }\n"));
        Scene.Main["governance.yaml"] = new(await File.ReadAllBytesAsync(policy, TestContext.Current.CancellationToken));
        Scene.PushMain();
        bench.Before = World.Branches["main"];
        Open(7, "risk/a", "reviewed\n");
        await RevokeAsync();
        var merged = World.Merge(7);
        var id = (await JsonAsync(0, "--since", bench.Before)).GetProperty("commits")[0].GetProperty("id").GetString()!;
        var snapshot = bench.Bench.Folder.PathOf("pr.json");
        Assert.Equal(0, (await bench.Bench.GatesAsync("review", "--pr", "7", "--repository", "example/trading", "--save", snapshot)).ExitCode);
        Assert.Equal(id, (await ByHandAsync()).GetProperty("id").GetString());

        await RevokeAsync("--approval", id);
        var refused = await AttestAsync(1, "--since", bench.Before);
        Assert.Contains($"the statement about {merged} was revoked, and is not made anew by itself", refused.Output, StringComparison.Ordinal);

        var anew = await ByHandAsync();
        Assert.NotEqual(id, anew.GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.String, anew.GetProperty("pushed").ValueKind);
        Assert.Empty(Of(await JsonAsync(0)));

        async Task<JsonElement> ByHandAsync()
        {
            var tree = await TreeAsync(merged);
            var ended = await bench.Bench.GatesAsync("review", "attest", "--snapshot", snapshot, "--policy", policy, "--layout", bench.Bench.Layout, "--merged", merged, "--tree", tree, "--reviewed-tree", tree, "--key", bench.Bench.Folder.PathOf("reviewer.pem"), "--output", "json");
            Assert.True(ended.ExitCode == 0, ended.Error + ended.Output);
            return ended.Json();
        }
    }

    private async Task<string> TreeAsync(string commit)
    {
        using var client = new HttpClient();
        using var json = JsonDocument.Parse(await client.GetStringAsync(new Uri(Scene.Server.Api, $"repos/example/trading/git/commits/{commit}"), TestContext.Current.CancellationToken));
        return json.RootElement.GetProperty("tree").GetProperty("sha").GetString()!;
    }

    private async Task RevokeAsync(params string[] more)
    {
        var ended = await bench.Bench.GatesAsync(["revoke", "--policy", policy, "--key", bench.Bench.Folder.PathOf("bob.pem"), .. more]);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    // A pull request of ann's that bob and carol approved.
    private void Open(long number, string path, string content) =>
        World.Open(number, "ann").From(World.FilesOfCommit[World.Branches["main"]]).Change(path, content).Push("ann").Review("bob").Review("carol");

    private static IEnumerable<(string, int?, string?)> Of(JsonElement json) => json.GetProperty("commits").EnumerateArray()
        .Select(one => (one.GetProperty("commit").GetString()!, one.GetProperty("number") is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : (int?)null, one.GetProperty("previous").GetString()));

    private async Task<JsonElement> JsonAsync(int exit, params string[] more) => (await AttestAsync(exit, [.. more, "--output", "json"])).Json();

    private async Task<Ended> AttestAsync(int exit, params string[] more)
    {
        string[] usual = ["--branch", "main", "--repository", "example/trading", "--key", bench.Bench.Folder.PathOf("reviewer.pem")];
        var ended = await bench.Bench.GatesAsync(["review", "attest", "--policy", policy, "--layout", bench.Bench.Layout, .. usual.Chunk(2).Where(pair => !more.Contains(pair[0])).SelectMany(pair => pair), .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Output}{ended.Error}");
        return ended;
    }

    private string Yaml(string trust = "") => PullRequests.Yaml($"{PullRequests.Rules}\n    commits: {Commits}\n    branches: {{ main: {{ directPush: blocked, forcePush: blocked }} }}")
        .Replace("bob: { id: p-2, ", "bob: { id: p-2, keys: [bob], ", StringComparison.Ordinal)
        .Replace("  review:\n", "    risk: { people: [bob] }\n  review:\n", StringComparison.Ordinal) + "\n" + $$"""
          robots:
            builder: { keys: [builder] }
            reviewer: { keys: [reviewer] }
          trust:
        {{trust}}    keys:
              builder: { spki: "{{Spki("builder")}}", file: builder.pub }
              reviewer: { spki: "{{Spki("reviewer")}}", file: reviewer.pub }
              bob: { spki: "{{Spki("bob")}}", file: bob.pub }
          artifacts:
            images:
              - match: ["{{Workbench.Repository}}"]
                require: { reviewed: { by: [reviewer] }, provenance: { by: [builder], source: https://github.com/example/trading } }

        """;

    private string Spki(string name)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(bench.Bench.Folder.PathOf($"{name}.pub")));
        return Digest.Of(key.ExportSubjectPublicKeyInfo()).ToString();
    }
}
