using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review</c> on a push: what is on the branch must have been reviewed.</summary>
public sealed class ReviewOfPushTests : IAsyncLifetime
{
    private const string None = "0000000000000000000000000000000000000000";
    private PushBench bench = null!;

    private GitHubScene Scene => bench.Scene;

    private GitHubWorld World => bench.World;

    public async ValueTask InitializeAsync() => bench = await PushBench.StartAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Theory]
    [InlineData("merge")]
    [InlineData("squash")]
    [InlineData("rebase")]
    public async Task A_commit_that_a_reviewed_pull_request_brought_is_allowed_however_it_was_merged(string how)
    {
        // The branch went on meanwhile, where the pull request changes nothing.
        World.Open(6, "dave").From(Scene.Main).Change("docs/b", "other\n").Push("dave").Review("ann");
        World.Merge(6);
        bench.Before = World.Branches["main"];
        var merged = World.Merge(7, how);
        var json = (await bench.PushAsync(0, "--output", "json")).Json();
        var commit = Assert.Single(json.GetProperty("push").GetProperty("commits").EnumerateArray());
        Assert.Equal((merged, merged, "allow", 7L, Scene.Request.Head, bench.Before), (commit.GetProperty("commit").GetString(), commit.GetProperty("mergedAs").GetString(), commit.GetProperty("verdict").GetString(),
            commit.GetProperty("review").GetProperty("number").GetInt64(), commit.GetProperty("review").GetProperty("head").GetString(), commit.GetProperty("review").GetProperty("base").GetString()));
        Assert.Equal(("main", bench.Before, merged), (json.GetProperty("push").GetProperty("branch").GetString(), json.GetProperty("push").GetProperty("before").GetString(), json.GetProperty("push").GetProperty("after").GetString()));
        Assert.StartsWith($"allow: push to main of example/trading at {merged}\n  commit: allow: {merged}, as which #7 was merged\n", (await bench.PushAsync(0)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rebase_that_brought_several_commits_is_judged_as_one_pull_request()
    {
        Scene.Request.Change("docs/b", "more\n").Push("ann").Review("bob").Review("carol");
        var merged = World.Merge(7, "rebase");
        var first = World.Parents[merged][0];
        World.RequestsOfCommit[bench.Before] = [7];
        var ended = await bench.PushAsync(0);
        Assert.Contains($"commit: allow: {first}, a part of #7, which was merged as {merged}\n  commit: allow: {merged}, as which #7 was merged\n", ended.Output, StringComparison.Ordinal);

        // A commit that somebody slipped in between belongs to nothing.
        World.RequestsOfCommit.Remove(first);
        Assert.Contains($"commit {first}: no pull request into main was merged as this commit", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_GitHub_tells_late_of_a_commit_is_found_among_what_was_merged_last()
    {
        Scene.Request.Change("docs/b", "more\n").Push("ann").Review("bob").Review("carol");
        World.Merge(7, "rebase");
        World.RequestsOfCommit.Clear();
        var ended = await bench.PushAsync(2);
        Assert.Contains("as which #7 was merged", ended.Output, StringComparison.Ordinal);
        Assert.Contains("GitHub does not know yet of all that were merged", ended.Output, StringComparison.Ordinal);

        // A squash brings no more than that one.
        World.Branches["main"] = bench.Before;
        World.Merge(7);
        World.RequestsOfCommit.Clear();
        await bench.PushAsync(0);
    }

    [Fact]
    public async Task A_commit_that_GitHub_ties_to_its_pull_request_a_moment_later_is_asked_about_again()
    {
        Scene.Request.Change("docs/b", "more\n").Push("ann").Review("bob").Review("carol");
        var merged = World.Merge(7, "rebase");
        foreach (var commit in (string[])[merged, World.Parents[merged][0]])
        {
            var asked = new HashSet<string>();
            Scene.Server.Override = async context =>
            {
                var path = context.Request.Path.Value!;
                var isLate = (path.EndsWith("/trading/pulls", StringComparison.Ordinal) || path.EndsWith($"/commits/{commit}/pulls", StringComparison.Ordinal)) && asked.Add(path);
                if (isLate)
                {
                    await LoopbackGitHub.WriteAsync(context, new JsonArray());
                }

                return isLate;
            };
            await bench.PushAsync(0);
        }
    }

    [Fact]
    public async Task A_direct_push_under_a_reviewed_commit_is_a_finding()
    {
        var direct = World.PushDirectly(files => files["risk/hidden"] = GitHubFile.Of("mine\n"));
        var merged = World.Merge(7);
        var json = (await bench.PushAsync(1, "--output", "json")).Json();
        Assert.Equal([(direct, "deny"), (merged, "allow")], json.GetProperty("push").GetProperty("commits").EnumerateArray().Select(one => (one.GetProperty("commit").GetString()!, one.GetProperty("verdict").GetString()!)));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (json.GetProperty("push").GetProperty("commits")[0].GetProperty("mergedAs").ValueKind, json.GetProperty("number").ValueKind));
        Assert.Contains($"commit {direct}: no pull request into main was merged as this commit", json.GetProperty("reasons")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("squash")]
    [InlineData("merge")]
    [InlineData("rebase")]
    public async Task A_squash_whose_tree_differs_is_a_finding_and_so_is_any_other_merge(string how)
    {
        World.Merge(7, how, files =>
        {
            files["risk/a"] = GitHubFile.Of("something else\n");
            files["config/limits.yaml"] = GitHubFile.Of("position: { btc: { max: 50 } }\n");
            files["new/file"] = GitHubFile.Of("mine\n");
            files.Remove("docs/b");
        });
        var ended = await bench.PushAsync(1, "--output", "json");
        var reasons = ended.Json().GetProperty("reasons").EnumerateArray().Select(one => (one.GetProperty("message").GetString()!.Split("): ")[1], one.TryGetProperty("at", out var at) ? at.GetProperty("file").GetString() : null));
        Assert.Equal(
            [
                ("config/limits.yaml was changed at the merge, and the pull request does not change it", "config/limits.yaml"), ("docs/b was changed at the merge, and the pull request does not change it", "docs/b"),
                ("new/file was changed at the merge, and the pull request does not change it", "new/file"), ("risk/a is not what was reviewed", "risk/a"),
            ],
            reasons);
    }

    // main is forced to what nobody reviewed, a pull request is opened from there, and main is forced back: GitHub lists what it listed when its head was pushed.
    [Theory]
    [InlineData("squash")]
    [InlineData("merge")]
    public async Task What_a_pull_request_brings_and_does_not_list_was_reviewed_by_nobody(string how)
    {
        World.PushDirectly(files => files["risk/hidden"] = GitHubFile.Of("mine\n"));
        World.Open(8, "ann").From(World.FilesOfCommit[World.Branches["main"]]).Change("docs/b", "reviewed\n").Push("ann").Review("bob").Review("carol");
        World.Branches["main"] = bench.Before;
        World.Merge(8, how);
        Assert.Contains("risk/hidden is changed by the pull request's commits and is not among the files that the forge lists for it", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_only_made_executable_or_a_link_at_the_merge_is_a_finding()
    {
        World.Merge(7, tamper: files => files["risk/a"] = GitHubFile.Of("reviewed\n", "120000"));
        Assert.Contains("risk/a is not what was reviewed", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_both_sides_changed_was_reviewed_by_nobody_and_is_could_not_tell()
    {
        World.Open(6, "dave").From(Scene.Main).Change("risk/a", "other\n").Push("dave").Review("bob").Review("carol");
        World.Merge(6);
        bench.Before = World.Branches["main"];
        World.Merge(7, tamper: files => files["risk/a"] = GitHubFile.Of("other\nreviewed\n"));
        var ended = await bench.PushAsync(2);
        Assert.Contains("risk/a was changed by the pull request and on the branch meanwhile", ended.Output, StringComparison.Ordinal);
        Assert.Contains("update the branch of a pull request before it is merged", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_both_sides_changed_alike_is_what_was_reviewed()
    {
        World.Open(6, "dave").From(Scene.Main).Change("risk/a", "reviewed\n").Push("dave").Review("bob").Review("carol");
        World.Merge(6);
        bench.Before = World.Branches["main"];
        World.Merge(7);
        await bench.PushAsync(0);
    }

    [Fact]
    public async Task A_pull_request_that_is_into_another_branch_when_it_is_read_vouches_for_nothing()
    {
        World.Merge(7);
        Scene.Server.Script("/pulls/7", context =>
        {
            // Its answer to the question which pull requests a commit belongs to was another.
            Scene.Request.BaseRef = "scratch";
            return LoopbackGitHub.Refuse(502)(context);
        });
        Assert.Contains("example/trading#7 is into scratch and not into main", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_that_is_none_of_a_rebased_pull_request_does_not_hide_among_its_commits()
    {
        // GitHub tells of any commit that was once in a pull request that it belongs to it.
        Scene.Request.Change("docs/b", "more\n").Push("ann").Change("docs/c", "more\n").Push("ann").Review("bob").Review("carol");
        var direct = World.PushDirectly(files => files["risk/a"] = GitHubFile.Of("reviewed\n"));
        World.RequestsOfCommit[direct] = [7];
        World.Merge(7);
        Assert.Contains("2 commits of main are said to be of #7, which has 3", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_policy_is_the_one_that_stood_when_it_was_merged()
    {
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob");
        var lax = GitHubFile.Of(PullRequests.Yaml("    approvals: { default: 1 }"));

        // It asked for two when it was merged, whatever the next commit makes of it.
        World.Merge(7);
        World.Open(8, "ann").From(World.FilesOfCommit[World.Branches["main"]]).Change("governance.yaml", System.Text.Encoding.UTF8.GetString(lax.Content)).Push("ann").Review("bob");
        World.Merge(8);
        var json = (await bench.PushAsync(1, "--output", "json")).Json();
        Assert.Equal(["deny", "allow"], json.GetProperty("push").GetProperty("commits").EnumerateArray().Select(one => one.GetProperty("verdict").GetString()));

        // And it asked for one when the next was merged.
        bench.Before = World.Branches["main"];
        World.Open(9, "ann").From(World.FilesOfCommit[bench.Before]).Change("risk/a", "again\n").Push("ann").Review("bob");
        World.Merge(9);
        await bench.PushAsync(0);
    }

    [Fact]
    public async Task A_pull_request_that_was_merged_without_the_approvals_is_a_finding_and_explained()
    {
        Scene.Request.Reviews.RemoveAt(1);
        var merged = World.Merge(7);
        var ended = await bench.PushAsync(1, "--explain");
        Assert.Contains("(risk-critical): needs 1 more of: ", ended.Output, StringComparison.Ordinal);
        Assert.Contains($"review: {merged}: bob: APPROVED, counts as bob", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_commits_in_one_push_are_judged_each_by_its_own_pull_request()
    {
        World.Open(8, "dave").From(Scene.Main).Change("docs/b", "other\n").Push("dave");
        var (first, second) = (World.Merge(7), World.Merge(8));
        var json = (await bench.PushAsync(1, "--output", "json")).Json();
        Assert.Equal([(first, "allow"), (second, "deny")], json.GetProperty("push").GetProperty("commits").EnumerateArray().Select(one => (one.GetProperty("commit").GetString()!, one.GetProperty("verdict").GetString()!)));
        World.PullRequests[8].Review("ann");
        await bench.PushAsync(0);
    }

    [Fact]
    public async Task A_pull_request_into_another_branch_or_of_another_commit_vouches_for_nothing()
    {
        var merged = World.Merge(7);
        Scene.Request.BaseRef = "scratch";
        Assert.Contains("no pull request into main was merged as this commit", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
        (Scene.Request.BaseRef, Scene.Request.MergeCommit) = ("main", bench.Before);
        await bench.PushAsync(1);
        (Scene.Request.MergeCommit, Scene.Request.MergedAt) = (merged, null);
        await bench.PushAsync(1);
    }

    // GitHub calls a pull request merged also when somebody pushes its commits to the branch themselves.
    [Fact]
    public async Task A_commit_that_closes_several_pull_requests_needs_one_that_brought_it()
    {
        World.Open(8, "dave").From(Scene.Main).Change("docs/b", "other\n").Push("dave");
        var merged = World.Merge(7);
        (World.PullRequests[8].MergedAt, World.PullRequests[8].MergeCommit) = (Scene.Request.MergedAt, merged);
        World.RequestsOfCommit[merged] = [8, 7];
        await bench.PushAsync(0);
        Scene.Request.Reviews.Clear();
        await bench.PushAsync(1);
    }

    [Fact]
    public async Task A_force_push_is_a_finding_and_what_it_brought_is_judged_all_the_same()
    {
        World.Merge(7);
        var lost = World.Branches["main"];
        World.Branches["main"] = bench.Before;
        var direct = World.PushDirectly(files => files["risk/a"] = GitHubFile.Of("mine\n"));
        bench.Before = lost;
        var ended = await bench.PushAsync(1);
        Assert.Contains($"{lost} is not under {direct}: the history of main was written anew", ended.Output, StringComparison.Ordinal);
        Assert.Contains($"commit: deny: {direct}, by no pull request", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_that_goes_back_is_a_finding()
    {
        World.Merge(7);
        (bench.Before, World.Branches["main"]) = (World.Branches["main"], bench.Before);
        Assert.Contains("was written anew", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_that_goes_on_along_another_line_is_a_finding()
    {
        // main becomes the second parent of what somebody made elsewhere.
        var elsewhere = World.Commit(Scene.Main, "elsewhere");
        World.Branches["main"] = World.Commit(Scene.Main, "foxtrot", elsewhere, bench.Before);
        Assert.Contains("but not by first parents", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("refs/heads/main", true, false, 1, "main was deleted")]
    [InlineData("refs/heads/main", false, true, 2, "nothing tells what of it is new")]
    [InlineData("refs/heads/scratch", false, false, 2, "another branch than the default branch, and pushes to it are not judged")]
    [InlineData("refs/tags/v1", false, false, 2, "refs/tags/v1 is no branch, and pushes to it are not judged")]
    [InlineData("refs/heads/", false, false, 2, "is no branch")]
    public async Task A_push_that_brings_no_commits_to_a_judged_branch_gets_an_honest_answer(string name, bool deleted, bool made, int exit, string told)
    {
        bench.Event(name, made ? None : bench.Before, deleted ? None : World.Merge(7));
        var ended = await bench.Bench.GatesAsync("review");
        Assert.True(ended.ExitCode == exit, ended.Output + ended.Error);
        Assert.Contains(told, ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_branch_is_judged_where_it_is_named()
    {
        World.Branches["release/1.x"] = bench.Before;
        Scene.Request.BaseRef = "release/1.x";
        bench.Event("refs/heads/release/1.x", bench.Before, World.Merge(7));
        Assert.Equal(2, (await bench.Bench.GatesAsync("review")).ExitCode);
        Assert.Equal(0, (await bench.Bench.GatesAsync("review", "--base", "release/1.x")).ExitCode);
        Assert.Equal(2, (await bench.Bench.GatesAsync("review", "--base", "main")).ExitCode);
    }

    [Theory]
    [InlineData("/git/commits/")]
    [InlineData("/compare/")]
    [InlineData("/commits/")]
    [InlineData("/git/trees/")]
    [InlineData("/reviews")]
    [InlineData("/pulls/7")]
    public async Task What_cannot_be_read_is_could_not_tell(string part)
    {
        World.Merge(7);
        for (var i = 0; i < 40; i++)
        {
            Scene.Server.Script(part, LoopbackGitHub.Refuse(403, "Resource not accessible by integration"));
        }

        var ended = await bench.PushAsync(2);
        Assert.Contains("could not", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", ended.Output + ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_told_whole_is_could_not_tell()
    {
        World.Merge(7, tamper: files => files["risk/b"] = GitHubFile.Of("mine\n"));
        var tree = (await bench.PushAsync(1, "--output", "json")).Json().GetProperty("push").GetProperty("commits")[0].GetProperty("tree").GetString();
        Scene.Server.Script($"/git/trees/{tree}", context => LoopbackGitHub.WriteAsync(context, new JsonObject { ["sha"] = tree, ["tree"] = new JsonArray(), ["truncated"] = true }));
        Assert.Contains($"could not read the tree {tree} of example/trading: a folder has more entries than GitHub tells", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_commits_than_are_looked_at_are_could_not_tell()
    {
        for (var i = 0; i < 251; i++)
        {
            World.PushDirectly(files => files["docs/b"] = GitHubFile.Of($"{i}\n"));
        }

        Assert.Contains("more than 250 commits", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_path_forges_no_line_and_no_command()
    {
        World.Merge(7, tamper: files => files["risk/::error::x\n::add-mask::y\u001b| ##[group]<img>"] = GitHubFile.Of("mine\n"));
        foreach (var form in (string[])["text", "json", "markdown"])
        {
            var ended = await bench.PushAsync(1, "--output", form, "--explain");
            Assert.DoesNotContain(ended.Output, character => char.IsControl(character) && character != '\n');
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("--save", "pr.json")]
    [InlineData("--simulate", "approve=bob")]
    public async Task A_push_is_what_has_happened_and_nothing_is_simulated(params string[] arguments)
    {
        World.Merge(7);
        Assert.Contains("a push is what has happened", (await bench.PushAsync(2, arguments)).Error, StringComparison.Ordinal);
    }
}
