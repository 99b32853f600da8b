using Governance.Gates.Reviews;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review --pr</c> of a pull request that is merged: its branch holds it by now, and it is not judged by itself.</summary>
public sealed class ReviewOfMergedTests : IAsyncLifetime
{
    private PushBench bench = null!;
    private string saved = "";

    private GitHubScene Scene => bench.Scene;

    private GitHubWorld World => bench.World;

    // Pull request #8 of ann's asks for one approval where two were asked for, and bob alone approved it.
    public async ValueTask InitializeAsync()
    {
        bench = await PushBench.StartAsync();
        saved = bench.Bench.Folder.PathOf("pr.json");
        World.Open(8, "ann").From(Scene.Main).Change("governance.yaml", PullRequests.Yaml("    approvals: { default: 1 }")).Change("risk/a").Push("ann").Review("bob");
    }

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Theory]
    [InlineData("merge")]
    [InlineData("squash")]
    [InlineData("rebase")]
    public async Task It_is_judged_by_what_its_branch_held_before_it(string how)
    {
        World.Merge(8, how);
        var ended = await JudgeAsync(1);
        Assert.Contains("2 of @bob @carol", ended.Output, StringComparison.Ordinal);
        var request = PullRequestReader.Read(await File.ReadAllBytesAsync(saved, TestContext.Current.CancellationToken)).Found();
        Assert.Equal((bench.Before, new DateTimeOffset(2026, 6, 1, 11, 0, 0, TimeSpan.Zero)), (request.BaseSha, request.MergedAt));
    }

    [Theory]
    [InlineData("squash", 1)]
    [InlineData("merge", 1)]
    [InlineData("rebase", 2)]
    public async Task Of_several_commits_a_rebase_does_not_tell_what_came_before_it(string how, int exit)
    {
        World.PullRequests[8].Change("docs/b", "more\n").Push("ann").Review("bob");
        World.Merge(8, how);
        var ended = await JudgeAsync(exit);
        Assert.Equal(exit == 2, ended.Output.Contains("does not tell what main held before; judge the branch: gates review on push, or gates review attest --branch", StringComparison.Ordinal));
        Assert.Equal(exit == 1, File.Exists(saved));
    }

    [Fact]
    public async Task What_somebody_pushed_past_GitHub_tells_nothing_of_what_came_before_it()
    {
        var request = World.PullRequests[8];
        foreach (var pushed in (string[])[request.Head, World.Commit(World.FilesOfCommit[request.Head], "foxtrot", request.Head, bench.Before), World.Commit(World.FilesOfCommit[request.Head], "on top", request.Head), "none"])
        {
            (request.MergedAt, request.MergeCommit, World.Branches["main"]) = ("2026-06-01T11:00:00Z", pushed == "none" ? null : pushed, pushed);
            World.RequestsOfCommit[pushed] = [8];
            World.RequestsOfCommit[request.Head] = [8];
            Assert.Contains("was merged, and ", (await JudgeAsync(2)).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_GitHub_does_not_tie_to_its_commit_yet_is_could_not_tell()
    {
        World.Merge(8);
        World.RequestsOfCommit.Clear();
        await JudgeAsync(2);
    }

    [Fact]
    public async Task What_is_merged_while_it_is_read_is_could_not_tell()
    {
        World.PullRequests[8].Review("carol");
        var asked = 0;
        Scene.Server.Override = context =>
        {
            if (context.Request.Path.Value!.EndsWith("/pulls/8/reviews", StringComparison.Ordinal) && asked++ == 0)
            {
                World.Merge(8);
            }

            return Task.FromResult(false);
        };
        Assert.Contains("example/trading#8 was merged while it was read", (await JudgeAsync(2)).Output, StringComparison.Ordinal);
    }

    private async Task<Ended> JudgeAsync(int exit)
    {
        var ended = await bench.Bench.GatesAsync("review", "--pr", "8", "--save", saved);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Output}{ended.Error}");
        return ended;
    }
}
