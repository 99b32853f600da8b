using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>Whose approval of a pull request on GitHub counts, from the API's answers to the verdict.</summary>
public sealed class PullRequestPeopleTests
{
    [Fact]
    public async Task C02_a_state_that_nobody_knows_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob").Review("carol", "ENDORSED");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "has the state 'ENDORSED'");
    }

    [Fact]
    public async Task C04_codeowners_plus_a_review_that_was_dismissed_brings_no_older_approval_back()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob").Review("bob", "COMMENTED").Review("bob", "DISMISSED");
        Assert.Equal("the review was dismissed", (await scene.JudgeAsync()).WhyNot("bob"));
        scene.Request.Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Request.Review("bob", "CHANGES_REQUESTED", scene.Request.Commits[0].Sha);
        (await scene.JudgeAsync()).Is(Verdict.Deny, "bob asks for changes");
    }

    [Fact]
    public async Task A_second_account_of_an_approver_or_of_the_author_is_nobody()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Accounts["ann2"] = (34, "User");
        scene.World.Permissions["ann2"] = "admin";
        scene.Request.Change("risk/a").Push("ann").Review("carol").Review("carol2").Review("ann2");
        var result = await scene.JudgeAsync();
        result.Is(Verdict.Deny, "needs 1 more of: @bob, @carol, @example/risk");
        Assert.Equal("the policy knows nobody with the account 34", result.WhyNot("ann2"));
    }

    [Fact]
    public async Task C03_an_account_is_its_number_whatever_its_login()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        // bob is called robert now, and somebody else bob.
        scene.World.Accounts["robert"] = (2, "User");
        scene.World.Permissions["robert"] = "write";
        scene.World.Accounts["bob"] = (999, "User");
        scene.Request.Reviews.Clear();
        scene.Request.Review("robert");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Request.Reviews.Clear();
        scene.Request.Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Deny);
    }

    [Fact]
    public async Task C05_a_reviewer_or_commit_that_is_gone_never_counts()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Accounts["ghost"] = (10137, "User");
        scene.Request.Change("docs/b").Push("ann").Review(null).Review("ghost").Review("bob", commit: null);
        (await scene.JudgeAsync()).Is(Verdict.Deny, "needs 1 more of");
    }

    [Fact]
    public async Task C06_approve_then_push_leaves_no_approval()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Request.Change("docs/c").Push("ann");
        Assert.Equal("approved an earlier commit", (await scene.JudgeAsync()).WhyNot("bob"));
    }

    [Theory]
    [InlineData("2026-06-01T09:59:59Z", true)]
    [InlineData("2026-06-01T10:00:00Z", false)]
    [InlineData("2026-06-02T00:00:00Z", false)]
    public async Task C06_an_approval_of_the_same_head_into_another_branch_does_not_count(string pointed, bool counts)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Request.Events.AddRange([("labeled", "2026-06-03T00:00:00Z"), ("base_ref_changed", "2026-06-01T08:00:00Z"), ("base_ref_changed", pointed)]);
        Assert.Equal(counts, (await scene.JudgeAsync()).WhyNot("bob") is null);
    }

    [Fact]
    public async Task C06_events_that_cannot_be_read_are_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Request.Events.Add(("base_ref_changed", "yesterday"));
        Assert.Equal(Verdict.Unknown, (await scene.JudgeAsync()).Decision.Verdict);
    }

    [Fact]
    public async Task C07_a_base_that_changes_while_it_is_read_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Branches["other"] = scene.World.Branches["main"];
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Server.Override = Once("reviews", () => scene.Request.BaseRef = "other");
        Assert.Equal(Verdict.Unknown, (await scene.JudgeAsync()).Decision.Verdict);
    }

    [Fact]
    public async Task C07_a_head_that_moves_while_it_is_read_is_read_again()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Server.Override = Once("reviews", () => scene.Request.Change("docs/c").Push("ann"));
        var result = await scene.JudgeAsync();
        Assert.Equal("approved an earlier commit", result.WhyNot("bob"));
    }

    [Fact]
    public async Task C07_a_head_that_never_rests_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann");
        scene.Server.Override = context =>
        {
            // Each is read with an approval of the head as it is then.
            if (context.Request.Path.Value!.EndsWith("/reviews", StringComparison.Ordinal))
            {
                scene.Request.Review("bob");
            }
            else if (context.Request.Path.Value.EndsWith("/activity", StringComparison.Ordinal))
            {
                scene.World.Pushes.Insert(0, new("example/trading", "refs/heads/feat/7", scene.Request.Head, "ann"));
                scene.Request.Push("ann", "again");
            }

            return Task.FromResult(false);
        };
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the head commit changed while the pull request was read");
        Assert.Equal(3, scene.Server.Log.Count(line => line.EndsWith("/reviews?per_page=100", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task C08_committers_and_co_authors_do_not_approve_their_own_work()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Addresses["carol@example.com"] = "carol";
        scene.Request.Change("docs/b")
            .Push("ann", "x\n\nCo-authored-by: Bob <2+bob@users.noreply.github.com>\nCo-Authored-By: Carol <carol@example.com>", ("ann", "dave"))
            .Review("bob").Review("carol").Review("dave");
        var result = await scene.JudgeAsync();
        result.Is(Verdict.Deny);
        Assert.StartsWith("is a co-author of", result.WhyNot("bob"), StringComparison.Ordinal);
        Assert.StartsWith("is a co-author of", result.WhyNot("carol"), StringComparison.Ordinal);
        Assert.StartsWith("committed", result.WhyNot("dave"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Co-authored-by: Nobody <nobody@example.com>", "names a co-author whose address belongs to no account")]
    [InlineData("co-authored-by: Nobody <0+bob@users.noreply.github.com>", "names a co-author whose address belongs to no account")]
    [InlineData("  Co-authored-by: Nobody <2+bob@users.noreply.github.com.example>", "names a co-author whose address belongs to no account")]
    public async Task C09_a_co_author_whom_nobody_knows_is_could_not_tell(string trailer, string told)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann", $"x\n\n{trailer}").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, told);
    }

    [Fact]
    public async Task C09_policy_bot_1263_a_commit_of_an_address_that_is_nobodys_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann", authors: (null, "ann")).Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "has an author whose address belongs to no account");
        scene.Request.Commits.Clear();
        scene.Request.Push("ann", authors: ("ann", null)).Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "has a committer whose address belongs to no account");
    }

    [Fact]
    public async Task C10_a_forged_address_only_excludes_whom_it_names()
    {
        await using var scene = await GitHubScene.StartAsync();
        // stan pushed in bob's name: bob is excluded, and stan does not become bob.
        scene.Request.Change("docs/b").Push("stan", authors: ("bob", "bob")).Review("bob").Review("stan");
        var result = await scene.JudgeAsync();
        Assert.StartsWith("wrote commit", result.WhyNot("bob"), StringComparison.Ordinal);
        Assert.Equal("the policy knows nobody with the account 7", result.WhyNot("stan"));
    }

    [Fact]
    public async Task C11_who_pushed_last_does_not_approve()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("bob", authors: ("ann", "ann")).Review("bob");
        Assert.Equal("pushed last", (await scene.JudgeAsync()).WhyNot("bob"));
    }

    [Fact]
    public async Task C11_a_branch_that_another_makes_again_at_the_same_commit_does_not_hide_who_pushed()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("bob", authors: ("ann", "ann")).Review("bob");
        scene.World.Pushes.Insert(0, new("example/trading", "refs/heads/feat/7", scene.Request.Head, "ann", "branch_creation"));
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "2 accounts brought");
    }

    [Fact]
    public async Task C11_pushes_that_may_not_be_seen_or_are_none_are_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.World.MaySeeActivity = false;
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "could not read who pushed feat/7 of example/trading: the token lacks a permission (403: Resource not accessible by integration); give the token the permission contents: read");
        scene.World.MaySeeActivity = true;
        scene.World.Pushes.Clear();
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "its activity knows no push of");
    }

    [Fact]
    public async Task C11_pushes_are_those_of_the_fork_and_a_fork_that_is_gone_has_none()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.HeadRepository = "bob/trading";
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Request.HeadRepository = null;
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the repository that it comes from is gone");
    }

    [Fact]
    public async Task C12_the_approval_of_a_robot_never_counts()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("release[bot]");
        var result = await scene.JudgeAsync();
        Assert.Equal("no human has the account", result.WhyNot("release[bot]"));
        result.Is(Verdict.Deny);
    }

    [Theory]
    [InlineData("read", Verdict.Deny, "cannot write to the repository now")]
    [InlineData("none", Verdict.Deny, "cannot write to the repository now")]
    [InlineData("admin", Verdict.Allow, null)]
    public async Task C13_C14_what_counts_is_what_the_approver_may_do_now_and_no_association(string permission, Verdict verdict, string? why)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Permissions["dave"] = permission;
        scene.Request.Change("docs/b").Push("ann").Review("dave");
        var result = await scene.JudgeAsync();
        Assert.Equal(why, result.WhyNot("dave"));
        // A CODEOWNERS file that names somebody without write access is a mistake of its own.
        Assert.Equal(verdict, result.Decision.Verdict);
    }

    [Fact]
    public async Task C13_an_approver_whom_the_repository_does_not_know_may_do_nothing()
    {
        await using var scene = await GitHubScene.StartAsync(owners: "* @bob\n");
        scene.World.Permissions.Remove("dave");
        scene.Request.Change("docs/b").Push("ann").Review("dave").Review("bob");
        var result = await scene.JudgeAsync();
        Assert.Equal("cannot write to the repository now", result.WhyNot("dave"));
        result.Is(Verdict.Allow);
    }

    [Fact]
    public async Task C13_permissions_that_may_not_be_seen_are_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Server.Override = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/permission", StringComparison.Ordinal))
            {
                return false;
            }

            await LoopbackGitHub.Refuse(403, "Resource not accessible by integration")(context);
            return true;
        };
        (await scene.JudgeAsync()).Is(Verdict.Deny, "could not read what bob may do in example/trading: the token lacks a permission (403: Resource not accessible by integration); give the token the permission metadata: read");
        scene.World.Permissions.Clear();
        scene.Server.Override = null;
        (await scene.JudgeAsync()).Is(Verdict.Deny, "the permission of bob, who approved, could not be read");
    }

    [Fact]
    public async Task C15_a_member_of_a_team_that_owns_a_path_counts_as_its_owner()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Teams["example/risk"].AddRange(["dave", "erin"]);
        scene.Request.Change("risk/a").Push("ann").Review("dave").Review("erin");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Fact]
    public async Task C16_teams_that_may_not_be_seen_are_could_not_tell_and_name_the_permission()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Teams["example/risk"].Add("dave");
        scene.World.MaySeeTeams = false;
        scene.Request.Change("risk/a").Push("ann").Review("bob").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the token may not see teams (404)");
        Assert.Contains("a workflow's own GITHUB_TOKEN cannot have it", (await scene.JudgeAsync()).Decision.Reasons[0].Remedy, StringComparison.Ordinal);
        scene.Request.Review("carol");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Fact]
    public async Task C16_a_team_that_is_not_there_is_told_apart_from_teams_that_may_not_be_seen()
    {
        await using var scene = await GitHubScene.StartAsync(owners: "* @ann @bob\n/risk/ @bob @example/gone\n");
        scene.Request.Change("risk/a").Push("ann").Review("bob").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the token may see teams of example, and none of that name is among them");
    }

    private static Func<Microsoft.AspNetCore.Http.HttpContext, Task<bool>> Once(string path, Action act)
    {
        var done = false;
        return context =>
        {
            if (!done && context.Request.Path.Value!.EndsWith(path, StringComparison.Ordinal))
            {
                done = true;
                act();
            }

            return Task.FromResult(false);
        };
    }
}
