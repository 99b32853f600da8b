using System.Collections.Immutable;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Reviews;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Actions;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>What is left of a judged push: entries of a ledger, and what a runner shows.</summary>
public sealed class PushRecordTests : IAsyncLifetime
{
    private PushBench bench = null!;

    private GitHubScene Scene => bench.Scene;

    private GitHubWorld World => bench.World;

    public async ValueTask InitializeAsync() => bench = await PushBench.StartAsync();

    public ValueTask DisposeAsync() => bench.DisposeAsync();

    [Fact]
    public async Task Every_verdict_is_recorded_with_what_it_rests_on()
    {
        var log = await bench.LogAsync();
        World.Open(8, "dave").From(Scene.Main).Change("docs/b", "other\n").Push("dave").Review("ann");
        var (direct, first, second) = (World.PushDirectly(files => files["x"] = GitHubFile.Of("x\n")), World.Merge(7), World.Merge(8));
        var json = (await bench.PushAsync(1, "--ledger", log, "--output", "json")).Json();
        Assert.Equal([0L, 1L, 2L], json.GetProperty("push").GetProperty("ledger").GetProperty("entries").EnumerateArray().Select(one => one.GetInt64()));
        Assert.Equal(0, (await bench.Bench.GatesAsync("ledger", "verify", log)).ExitCode);

        var entries = await PushBench.EntriesAsync(log);
        Assert.Equal([(Verdict.Deny, direct), (Verdict.Allow, first), (Verdict.Allow, second)], entries.Select(entry => (entry.Verdict!.Value, entry.CorrelationId!)));
        Assert.All(entries, entry => Assert.Equal((LedgerEvents.Decision, "push refs/heads/main", "pushed", $"example/trading@{entry.CorrelationId}"), (entry.EventType, entry.Action, entry.Outcome, entry.Resource!.Name)));
        Assert.Null(entries[0].Evidence);
        var kept = new EvidenceStore(log);
        var evidence = Assert.IsType<EntryPart<ImmutableArray<EntryEvidence>>.Inline>(entries[1].Evidence).Value;
        Assert.Equal(Scene.Main["governance.yaml"].Content, kept.Read(entries[1].Policy!.Digest).Found().ToArray());
        Assert.True(PullRequestReader.Read(kept.Read(evidence[1].Digest).Found()).Try(out var request, out _));
        Assert.Equal((7, Scene.Request.Head), (request.Number, request.HeadSha));
    }

    [Fact]
    public async Task What_was_recorded_is_not_recorded_again_and_another_verdict_about_it_is()
    {
        var log = await bench.LogAsync();
        World.Merge(7);
        await bench.PushAsync(0, "--ledger", log);
        Assert.Contains("ledger: entry 0 of ", (await bench.PushAsync(0, "--ledger", log)).Output, StringComparison.Ordinal);
        Scene.Request.Reviews.Clear();
        Assert.Contains("ledger: entry 1 of ", (await bench.PushAsync(1, "--ledger", log)).Output, StringComparison.Ordinal);
        Assert.Equal([Verdict.Allow, Verdict.Deny], (await PushBench.EntriesAsync(log)).Select(entry => entry.Verdict!.Value));
    }

    [Fact]
    public async Task A_force_push_is_recorded_beside_what_it_brought()
    {
        var log = await bench.LogAsync();
        World.Merge(7);
        var lost = World.Branches["main"];
        World.Branches["main"] = bench.Before;
        World.PushDirectly(files => files["risk/a"] = GitHubFile.Of("mine\n"));
        bench.Before = lost;
        await bench.PushAsync(1, "--ledger", log);
        Assert.Equal(["Branch", "Commit"], (await PushBench.EntriesAsync(log)).Select(entry => entry.Resource!.Kind));
    }

    [Fact]
    public async Task A_verdict_that_cannot_be_recorded_is_could_not_tell()
    {
        var log = await bench.LogAsync();
        World.Merge(7);

        // A file stands where evidence belongs.
        await File.WriteAllTextAsync(Path.Combine(log, "evidence"), "", TestContext.Current.CancellationToken);
        var ended = await bench.PushAsync(2, "--ledger", log);
        Assert.Contains("not every verdict could be recorded", ended.Output, StringComparison.Ordinal);
        Assert.Contains("ledger: nothing in ", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_cannot_record_judges_nothing()
    {
        World.Merge(7);
        Assert.Contains("gates ledger init", (await bench.PushAsync(2, "--ledger", bench.Bench.Folder.PathOf("none"))).Error, StringComparison.Ordinal);
        Assert.Empty(Scene.Server.Log);
    }

    [Fact]
    public async Task As_a_step_of_a_workflow_it_has_a_summary_and_annotations()
    {
        using var steps = new ActionSteps();
        var merged = World.Merge(7, tamper: files => files["risk/a"] = GitHubFile.Of("mine\n"));
        bench.Event("refs/heads/main", bench.Before, merged);
        foreach (var (name, value) in new Dictionary<string, string> { ["GITHUB_API_URL"] = Scene.Server.Api.AbsoluteUri.TrimEnd('/'), ["GITHUB_REPOSITORY"] = "example/trading", ["GITHUB_TOKEN"] = "t", ["GITHUB_EVENT_NAME"] = "push", ["GITHUB_EVENT_PATH"] = bench.Bench.Folder.PathOf("event.json") })
        {
            steps.Set(name, value);
        }

        var step = await steps.RunAsync("review");
        Assert.Equal((1, "deny"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains($"deny: {merged}, as which", step.Summary, StringComparison.Ordinal);
        Assert.Contains("approved by", step.Summary, StringComparison.Ordinal);
        Assert.Contains(step.Commands, one => one.Name == "error" && one.Properties.GetValueOrDefault("file") == "risk/a" && one.Data.Contains("is not what was reviewed", StringComparison.Ordinal));
    }
}
