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
    public async Task A_verdict_that_comes_back_after_another_has_the_last_word()
    {
        var log = await bench.LogAsync();
        World.Merge(7);
        var reviews = Scene.Request.Reviews.ToList();
        foreach (var (run, exit) in (IEnumerable<(string, int)>)[("1", 1), ("2", 0), ("3", 1), ("3", 1)])
        {
            Scene.Request.Reviews.Clear();
            Scene.Request.Reviews.AddRange(exit == 0 ? reviews : []);
            bench.Bench.Set("GITHUB_RUN_ID", run);
            bench.Bench.Set("GITHUB_RUN_ATTEMPT", "1");
            await bench.PushAsync(exit, "--ledger", log);
        }

        var entries = await PushBench.EntriesAsync(log);
        Assert.Equal([(Verdict.Deny, "1/1"), (Verdict.Allow, "2/1"), (Verdict.Deny, "3/1")], entries.Select(entry => (entry.Verdict!.Value, entry.Instance!)));
        Assert.Equal(0, (await bench.Bench.GatesAsync("ledger", "replay", "2", log)).ExitCode);
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
    public async Task What_was_recorded_is_judged_again_from_what_was_kept_and_nothing_else()
    {
        var log = await bench.LogAsync();
        World.PushDirectly(files => files["x"] = GitHubFile.Of("x\n"));
        World.Merge(7, tamper: files => files["risk/\u0001\u202e"] = GitHubFile.Of("mine\n"));
        World.Open(8, "dave").From(World.FilesOfCommit[World.Branches["main"]]).Change("docs/b", "other\n").Push("dave");
        World.Merge(8);
        await bench.PushAsync(1, "--ledger", log);
        await Scene.DisposeAsync();
        Assert.Contains("rests on what the forge told alone", (await bench.Bench.GatesAsync("ledger", "replay", "0", log)).Output, StringComparison.Ordinal);
        foreach (var sequence in (string[])["1", "2"])
        {
            var replayed = await bench.Bench.GatesAsync("ledger", "replay", sequence, log, "--output", "json");
            Assert.True(replayed.ExitCode == 0, replayed.Output + replayed.Error);
            Assert.Equal(("same", "deny"), (replayed.Json().GetProperty("verdict").GetString(), replayed.Json().GetProperty("again").GetProperty("verdict").GetString()));
        }

        Assert.Contains("what the forge told of the merge alone", (await bench.Bench.GatesAsync("ledger", "replay", "1", log)).Output, StringComparison.Ordinal);

        // An audit package has all of it.
        var package = bench.Bench.Folder.PathOf("audit");
        Assert.Equal(0, (await bench.Bench.GatesAsync("ledger", "export", log, "--format", "audit-package", "--out", package)).ExitCode);
        Assert.Equal(0, (await bench.Bench.GatesAsync("ledger", "replay", "1", package)).ExitCode);
    }

    [Fact]
    public async Task An_entry_that_says_something_else_than_its_evidence_is_found()
    {
        var log = await bench.LogAsync();
        Scene.Request.Reviews.Clear();
        World.Merge(7);
        await bench.PushAsync(1, "--ledger", log);

        // Somebody with the key writes that it was allowed.
        var entry = (await PushBench.EntriesAsync(log))[0];
        var forged = LedgerKeyFiles.Read(log);
        await using (var ledger = await LocalLedger.OpenAsync(log, forged, entry.Component, TimeProvider.System, TestContext.Current.CancellationToken))
        {
            Assert.IsType<Reading<AppendedEntry>.Found>(await ledger.AppendAsync(entry with { EventId = "forged", Verdict = Verdict.Allow, Reasons = null }, Precedence.Usual, TestContext.Current.CancellationToken));
        }

        var replayed = await bench.Bench.GatesAsync("ledger", "replay", "1", log);
        Assert.Equal(1, replayed.ExitCode);
        Assert.Contains("different: verdict, reasons", replayed.Output, StringComparison.Ordinal);

        // Without its evidence it cannot be told.
        Directory.Delete(Path.Combine(log, "evidence"), recursive: true);
        Assert.Equal(2, (await bench.Bench.GatesAsync("ledger", "replay", "0", log)).ExitCode);
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

    [Theory]
    [InlineData("refs/tags/v1")]
    [InlineData("refs/heads/scratch")]
    public async Task A_push_that_is_not_judged_is_not_recorded(string name)
    {
        var log = await bench.LogAsync();
        bench.Event(name, bench.Before, World.Merge(7));
        var json = (await bench.Bench.GatesAsync("review", "--ledger", log, "--output", "json")).Json();
        Assert.Equal(("unknown", false), (json.GetProperty("verdict").GetString(), json.GetProperty("push").TryGetProperty("ledger", out _)));
        Assert.False(Directory.Exists(Path.Combine(log, "tile")));
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
