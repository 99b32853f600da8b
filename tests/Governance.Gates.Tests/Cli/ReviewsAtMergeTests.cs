using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;

namespace Governance.Gates.Tests.Cli;

/// <summary>Which reviews count for what was pushed: those that stood when it was merged.</summary>
public sealed class ReviewsAtMergeTests : IAsyncLifetime
{
    private PushBench bench = null!;

    private GitHubScene Scene => bench.Scene;

    private GitHubWorld World => bench.World;

    public async ValueTask InitializeAsync() => bench = await PushBench.StartAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task An_approval_after_the_merge_does_not_make_it_allowed()
    {
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob").Review("carol", time: "2026-06-01T11:00:01Z");
        var merged = World.Merge(7);
        var ended = await bench.PushAsync(1);
        Assert.Contains($"commit {merged} (#7): 2 of @bob @carol", ended.Output, StringComparison.Ordinal);

        // Nor does one that tells no time.
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob").Review("carol", time: null);
        await bench.PushAsync(1);

        // Nor does one of the same second, of which nobody can say whether it came first; and it takes no "no" back.
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob").Review("carol", time: "2026-06-01T11:00:00Z");
        await bench.PushAsync(1);
        Scene.Request.Review("dave", "CHANGES_REQUESTED", time: "2026-06-01T11:00:00Z").Review("dave", time: "2026-06-01T11:00:00Z");
        Assert.Contains("dave asks for changes", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);

        // A "no" from before is not lifted afterwards.
        Scene.Request.Reviews.Clear();
        Scene.Request.Review("bob").Review("carol").Review("dave", "CHANGES_REQUESTED").Review("dave", time: "2026-06-01T11:00:01Z");
        Assert.Contains("dave asks for changes", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
        Scene.Request.Reviews.RemoveAt(2);
        await bench.PushAsync(0);
    }

    [Theory]
    [InlineData("2026-06-01T10:30:00Z", 0)]
    [InlineData("2026-06-01T11:00:00Z", 1)]
    [InlineData("2026-06-01T12:00:00Z", 1)]
    public async Task A_no_that_stood_at_the_merge_is_not_lifted_by_dismissing_it_afterwards(string time, int exit)
    {
        Scene.Request.Review("dave", "CHANGES_REQUESTED").Dismiss(3, time);
        World.Merge(7);
        Assert.Equal(exit == 1, (await bench.PushAsync(exit)).Output.Contains("dave asks for changes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_approval_that_was_dismissed_after_the_merge_is_no_no()
    {
        Scene.Request.Review("dave").Dismiss(3, "2026-06-01T12:00:00Z");
        World.Merge(7);
        await bench.PushAsync(0);
    }

    [Fact]
    public async Task A_dismissal_of_which_no_time_is_told_is_could_not_tell()
    {
        Scene.Request.Review("dave", "DISMISSED");
        World.Merge(7);
        Assert.Contains("review 3 of example/trading#7 was dismissed, and GitHub does not tell when", (await bench.PushAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_no_that_stood_at_the_merge_is_not_lifted_by_taking_write_access_away_afterwards()
    {
        Scene.Request.Review("dave", "CHANGES_REQUESTED").Review("stan", "CHANGES_REQUESTED");
        (World.Permissions["dave"], World.Permissions["stan"]) = ("read", "read");
        World.Merge(7);
        var ended = await bench.PushAsync(1);
        Assert.Contains("dave asks for changes", ended.Output, StringComparison.Ordinal);

        // Of somebody whom the policy does not know nothing tells that they ever could write.
        Assert.DoesNotContain("stan asks for changes", ended.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("base_ref_changed")]
    [InlineData("base_ref_force_pushed")]
    [InlineData("automatic_base_change_succeeded")]
    public async Task An_approval_from_before_the_branch_under_it_became_another_is_of_another_change(string kind)
    {
        Scene.Request.Events.Add((kind, "2026-06-01T10:00:00Z"));
        World.Merge(7);
        Assert.Contains("needs 2 more of", (await bench.PushAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_brings_a_branch_back_after_its_merge_takes_nothing_from_what_is_known_of_it()
    {
        World.Merge(7);
        World.Pushes.Insert(0, new("example/trading", "refs/heads/feat/7", Scene.Request.Head, "dave", "branch_creation", "2026-06-01T12:00:00Z"));
        await bench.PushAsync(0);
    }
}
