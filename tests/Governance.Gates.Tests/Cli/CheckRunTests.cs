using System.Text.Json.Nodes;
using Governance.Gates.Testing.GitHub;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates review --check-run</c>: one check on the commit, whichever event asked. Numbers are those of the list of facts about GitHub's API.</summary>
public sealed class CheckRunTests : ReviewBench
{
    private const string Name = "governance gates";

    private GitHubChecks Checks => scene.World.Checks;

    [Fact]
    public async Task C25_one_run_with_a_constant_name_is_changed_by_every_further_event_and_stands_on_the_head()
    {
        await ReviewAsync(1);
        var run = Assert.Single(Checks.Runs);
        Assert.Equal((Name, scene.Request.Head, "pull-request/7", "failure"), (run.Name, run.HeadSha, run.ExternalId, run.Conclusion));
        Assert.StartsWith("deny: example/trading#7 at ", run.Title, StringComparison.Ordinal);
        Assert.Contains("needs 1 more of", run.Summary, StringComparison.Ordinal);

        scene.Request.Review("carol");
        Event("pull_request_review", """{"pull_request":{"number":7}}""");
        var ended = await bench.GatesAsync("review", "--check-run", Name);
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains($"because: check-run: the check {Name} on {scene.Request.Head} says success", ended.Output, StringComparison.Ordinal);
        Assert.Equal("success", Assert.Single(Checks.Runs).Conclusion);

        // The next head has a run of its own, and the older one keeps what was said of it.
        scene.Request.Push("ann", "again");
        await ReviewAsync(1);
        Assert.Equal(["success", "failure"], Checks.Runs.Select(one => one.Conclusion));
    }

    [Fact]
    public async Task Without_being_asked_no_check_is_looked_for_or_posted()
    {
        Assert.Equal(1, (await bench.GatesAsync("review", "--pr", "7")).ExitCode);
        Assert.DoesNotContain(scene.Server.Log, line => line.Contains("check-runs", StringComparison.Ordinal));
    }

    [Fact]
    public async Task C27_what_could_not_be_told_is_a_failure_and_takes_an_older_yes_back()
    {
        scene.Request.Review("carol");
        await ReviewAsync(0);
        scene.Request.ToldCommits = 5;
        await ReviewAsync(2);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
        scene.Request.ToldCommits = null;
        await ReviewAsync(0);

        // The same where nothing but the head commit is known.
        scene.Main["governance.yaml"] = GitHubFile.Of("[");
        scene.PushMain();
        await ReviewAsync(2);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
    }

    [Fact]
    public async Task A_right_that_is_missing_is_told_and_makes_no_verdict_better()
    {
        Checks.MayWrite = false;
        var denied = await ReviewAsync(1);
        Assert.Contains($"the answer stands in no check, and an older one may: could not post the check {Name} on {scene.Request.Head} of example/trading: the token lacks a permission (403: Resource not accessible by integration); give the token the permission checks: write", denied.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", denied.Output + denied.Error, StringComparison.Ordinal);
        scene.Request.Review("carol");
        Assert.Contains("checks: write", (await ReviewAsync(2)).Output, StringComparison.Ordinal);
        Assert.Empty(Checks.Runs);
    }

    [Fact]
    public async Task A_run_of_that_name_by_another_app_is_neither_taken_for_ours_nor_in_the_way()
    {
        Checks.Runs.Add(new(1, 15_368, Name, scene.Request.Head, "pull-request/7"));
        Checks.App = 4711;
        await ReviewAsync(1);
        Assert.Equal([(15_368L, "success"), (4711L, "failure")], Checks.Runs.Select(run => (run.App, run.Conclusion)));
        scene.Request.Review("carol");
        await ReviewAsync(0);
        Assert.Equal([(15_368L, "success"), (4711L, "success")], Checks.Runs.Select(run => (run.App, run.Conclusion)));
    }

    [Fact]
    public async Task Two_processes_that_posted_at_once_leave_two_runs_and_the_next_one_changes_both()
    {
        foreach (var id in (long[])[1, 2])
        {
            Checks.Runs.Add(new(id, Checks.App, Name, scene.Request.Head, "pull-request/7"));
        }

        Checks.Runs.Add(new(3, Checks.App, Name, scene.Request.Head, "pull-request/8"));
        await ReviewAsync(1);
        Assert.Equal(["failure", "failure", "success"], Checks.Runs.Select(run => run.Conclusion));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_post_whose_answer_is_lost_is_looked_for_and_not_sent_again(bool arrived)
    {
        scene.Server.Script("/check-runs", Answered, async context =>
        {
            if (arrived)
            {
                Checks.Runs.Add(new(1, Checks.App, Name, scene.Request.Head, "pull-request/7"));
            }

            await LoopbackGitHub.Refuse(502)(context);
        });
        var ended = await ReviewAsync(1);
        Assert.Equal(arrived ? ["failure"] : [], Checks.Runs.Select(run => run.Conclusion));
        Assert.Equal(1, scene.Server.Log.Count(line => line.StartsWith("POST /repos", StringComparison.Ordinal)));
        Assert.Equal(!arrived, ended.Output.Contains("the answer stands in no check", StringComparison.Ordinal));

        static Task Answered(Microsoft.AspNetCore.Http.HttpContext context) => LoopbackGitHub.WriteAsync(context, new JsonObject { ["total_count"] = 0, ["check_runs"] = new JsonArray() });
    }

    [Fact]
    public async Task C23_the_check_of_a_merge_group_stands_on_the_commit_that_would_be_merged()
    {
        var (main, head) = (scene.World.Branches["main"], new string('a', 40));
        scene.World.Queue.Add(new(7, main, head));
        Event("merge_group", $$$"""{"action":"checks_requested","merge_group":{"head_sha":"{{{head}}}","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-{{{main}}}","base_sha":"{{{main}}}","base_ref":"refs/heads/main"}}""");
        Assert.Equal(1, (await bench.GatesAsync("review", "--check-run", Name)).ExitCode);
        scene.Request.Review("carol");
        Assert.Equal(0, (await bench.GatesAsync("review", "--check-run", Name)).ExitCode);
        var run = Assert.Single(Checks.Runs);
        Assert.Equal((head, "merge-group/main", "success"), (run.HeadSha, run.ExternalId, run.Conclusion));
        Checks.MayWrite = false;
        Assert.Equal(2, (await bench.GatesAsync("review", "--check-run", Name)).ExitCode);
    }

    // Whoever opens it may be anybody, and the commit may be the head of a pull request that is judged.
    [Fact]
    public async Task A_pull_request_into_a_branch_that_is_not_judged_leaves_no_check_on_the_commit()
    {
        scene.World.Branches["scratch"] = scene.World.Branches["main"];
        scene.Request.BaseRef = "scratch";
        await ReviewAsync(2);
        Assert.Empty(Checks.Runs);

        // Nor where its own policy cannot even be read.
        scene.World.PushDirectly(files => files["governance.yaml"] = GitHubFile.Of("["), "scratch");
        await ReviewAsync(2);
        Assert.Empty(Checks.Runs);
    }

    [Fact]
    public async Task What_belongs_on_lines_is_annotated_fifty_at_a_time_once_each_and_the_summary_keeps_within_githubs_bound()
    {
        scene.Main[".github/CODEOWNERS"] = GitHubFile.Of($"* @ann @bob\n{string.Concat(Enumerable.Range(0, 300).Select(i => $"!bad{i} @bob\n"))}");
        scene.PushMain();
        for (var i = 0; i < 900; i++)
        {
            scene.Request.Change($"risk/{i}/{new string('x', 200)}");
        }

        scene.Request.Push("ann");
        await ReviewAsync(1);
        var run = Assert.Single(Checks.Runs);
        Assert.Equal(200, run.Annotations.Count);
        Assert.All(run.Annotations, one => Assert.Equal((".github/CODEOWNERS", "failure"), (one["path"]!.GetValue<string>(), one["annotation_level"]!.GetValue<string>())));
        Assert.Equal((2, 2), (run.Annotations[0]["start_line"]!.GetValue<int>(), run.Annotations[0]["end_line"]!.GetValue<int>()));
        Assert.InRange(run.Summary.Length, 10_000, 65_535);

        await ReviewAsync(1);
        Assert.Equal(200, Assert.Single(Checks.Runs).Annotations.Count);
    }

    [Fact]
    public async Task Hostile_names_of_files_are_text_in_the_check()
    {
        scene.Request.Change("risk/<img src=x>|@ann\n## done").Push("ann");
        await ReviewAsync(1);
        var summary = Assert.Single(Checks.Runs).Summary;
        Assert.DoesNotContain("<img", summary, StringComparison.Ordinal);
        Assert.DoesNotContain("@ann", summary, StringComparison.Ordinal);
        Assert.DoesNotContain("\n## done", summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"total_count":101,"check_runs":[]}""", "of 101 runs of that name GitHub tells 0")]
    [InlineData("""{"total_count":1}""", "answered something else than its documentation says")]
    [InlineData("""{"total_count":0,"check_runs":null}""", "answered something else than its documentation says")]
    public async Task Where_nobody_can_tell_what_stands_there_a_no_is_posted_and_a_yes_is_not(string answer, string told)
    {
        scene.Server.Script("/check-runs", context => LoopbackGitHub.WriteAsync(context, JsonNode.Parse(answer)));
        Assert.Contains(told, (await ReviewAsync(1)).Output, StringComparison.Ordinal);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
        scene.Request.Review("carol");
        scene.Server.Script("/check-runs", context => LoopbackGitHub.WriteAsync(context, JsonNode.Parse(answer)));
        Assert.Contains(told, (await ReviewAsync(2)).Output, StringComparison.Ordinal);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
    }

    [Fact]
    public async Task However_many_runs_of_that_name_others_post_an_older_yes_is_taken_back()
    {
        Checks.Runs.Add(new(1, Checks.App, Name, scene.Request.Head, "pull-request/7"));
        for (var id = 2; id <= 150; id++)
        {
            Checks.Runs.Add(new(id, 15_369, Name, scene.Request.Head, "x"));
        }

        await ReviewAsync(1);
        Assert.Equal("failure", Checks.Runs[0].Conclusion);
    }

    [Fact]
    public async Task An_older_yes_is_taken_back_also_where_nobody_tells_the_default_branch()
    {
        scene.Request.Review("carol");
        await ReviewAsync(0);
        scene.World.DefaultBranch = null;
        await ReviewAsync(2);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
    }

    [Fact]
    public async Task A_mistake_of_the_caller_leaves_no_older_yes_behind()
    {
        scene.Request.Review("carol");
        await ReviewAsync(0);
        var ended = await bench.GatesAsync("review", "--pr", "7", "--check-run", Name, "--policy", bench.Folder.Write("broken.yaml", "["));
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("failure", Assert.Single(Checks.Runs).Conclusion);
    }

    [Fact]
    public async Task What_is_said_on_lines_keeps_no_older_yes_in_another_run()
    {
        scene.Main[".github/CODEOWNERS"] = GitHubFile.Of("* @ann @bob\n!bad @bob\n");
        scene.PushMain();
        foreach (var id in (long[])[1, 2])
        {
            Checks.Runs.Add(new(id, Checks.App, Name, scene.Request.Head, "pull-request/7"));
        }

        scene.Server.Script("/annotations", context => LoopbackGitHub.WriteAsync(context, new JsonObject()));
        await ReviewAsync(1);
        Assert.Equal(["failure", "failure"], Checks.Runs.Select(run => run.Conclusion));
    }

    [Theory]
    [InlineData("review", "--snapshot", "pr.json", "--check-run", "x")]
    [InlineData("review", "--pr", "7", "--simulate", "approve=carol", "--check-run", "x")]
    [InlineData("review", "--pr", "7", "--check-run", "")]
    [InlineData("review", "--pr", "7", "--check-run", "a\nb")]
    public async Task What_was_not_judged_as_it_is_is_never_published(params string[] arguments)
    {
        Assert.Equal(64, (await bench.GatesAsync(arguments)).ExitCode);
        Assert.Empty(scene.Server.Log);
    }

    private void Event(string name, string payload)
    {
        bench.Set("GITHUB_EVENT_NAME", name);
        bench.Set("GITHUB_EVENT_PATH", bench.Folder.Write("event.json", payload));
    }

    private async Task<Ended> ReviewAsync(int exit)
    {
        var ended = await bench.GatesAsync("review", "--pr", "7", "--check-run", Name);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }
}
