using System.Text.Json;
using Governance.Gates.Testing.GitHub;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review attest --branch</c>: what a control repository says of the commits of another.</summary>
public sealed class AttestBranchTests : AttestBench
{
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

        // Whoever answers for the branch begins anew, and the statement says after what.
        Assert.Equal([(above, 8, null)], Of(await JsonAsync(0, "--since", direct)));
        var review = await StatementAsync(above);
        Assert.Equal((null, direct), (review.Previous?.Hex, review.Since?.Hex));
        Assert.Equal((null, bench.Before), ((await StatementAsync(reviewed)).Previous?.Hex, (await StatementAsync(reviewed)).Since?.Hex));
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
    }

    [Fact]
    public async Task A_branch_that_went_on_for_longer_than_one_push_may_is_caught_up_with()
    {
        var merged = World.Merge(7);
        for (var i = 0; i < 251; i++)
        {
            World.PushDirectly(files => files["docs/b"] = GitHubFile.Of($"{i}\n"));
        }

        var json = await JsonAsync(1, "--since", bench.Before);
        Assert.Equal((merged, 250), (json.GetProperty("commits")[0].GetProperty("commit").GetString(), json.GetProperty("left").GetInt32()));
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
    public async Task A_branch_that_goes_on_along_another_line_is_not_attested()
    {
        var merged = World.Merge(7);
        await AttestAsync(0, "--since", bench.Before);

        // What was attested is the second parent of what somebody made elsewhere.
        var elsewhere = World.Commit(Scene.Main, "elsewhere");
        World.Branches["main"] = World.Commit(World.FilesOfCommit[merged], "foxtrot", elsewhere, merged);
        Assert.Contains("no statement about a commit of main stands, back to its first commit", (await AttestAsync(2)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://ghes.example/api/v3", "https://github.com", "--server names https://github.com, and the API that is asked is that of https://ghes.example")]
    [InlineData("https://api.github.com", "https://ghes.example", "--server names https://ghes.example, and the API that is asked is that of https://github.com")]
    [InlineData("https://api.firm.ghe.com", "https://github.com", "the API that is asked is that of https://firm.ghe.com")]
    [InlineData("https://proxy.example/github", null, "does not tell which forge it is of; name that forge with --server")]
    public async Task A_statement_about_one_forge_does_not_rest_on_what_another_says(string api, string? server, string told)
    {
        bench.Bench.Set("GITHUB_API_URL", api);
        string[] arguments = ["review", "attest", "--policy", policy, "--layout", bench.Bench.Layout, "--branch", "main", "--repository", "example/trading", "--key", bench.Bench.Folder.PathOf("reviewer.pem"), .. server is null ? [] : (string[])["--server", server]];
        var ended = await bench.Bench.GatesAsync(arguments);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(told, ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_names_no_branch_has_none_attested()
    {
        policy = bench.Bench.Folder.Write("other.yaml", Yaml().Replace("    branches: { main: { directPush: blocked, forcePush: blocked } }", "", StringComparison.Ordinal));
        Assert.Contains("review.branches names no branch", (await AttestAsync(2, "--since", bench.Before)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_attested_before_something_failed_is_told()
    {
        Open(8, "docs/b", "other\n");
        var (first, second) = (World.Merge(7), World.Merge(8));

        // A folder stands where the second statement's tag would be written.
        bench.Scene.Server.Override = context =>
        {
            if (context.Request.Path.Value!.EndsWith("/pulls/8", StringComparison.Ordinal))
            {
                BreakLayout();
            }

            return Task.FromResult(false);
        };
        var json = await JsonAsync(2, "--since", bench.Before);
        Assert.Equal([(first, 7, null), (second, 8, null)], Of(json));
        Assert.Equal((JsonValueKind.String, JsonValueKind.Null), (json.GetProperty("commits")[0].GetProperty("evidence").ValueKind, json.GetProperty("commits")[1].GetProperty("evidence").ValueKind));
    }

    // Nothing more can be written to the registry.
    private void BreakLayout()
    {
        var index = Path.Combine(bench.Bench.Layout, "index.json");
        if (!Directory.Exists(index))
        {
            File.Delete(index);
            Directory.CreateDirectory(index);
        }
    }
}
