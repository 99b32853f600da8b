using System.Net;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Ledgers;
using Governance.Gates.Webhook;
using Microsoft.Extensions.DependencyInjection;

namespace Governance.Gates.Tests.Webhook;

/// <summary>No answer without its entry: what the webhook decides, loads and lives through is in its ledger, and a ledger that takes nothing lets nothing in.</summary>
public sealed class LedgerTests : IDisposable
{
    private const string Origin = "test/production/c1/gate-0";
    private readonly TemporaryFolder state = new();

    public void Dispose() => state.Dispose();

    [Fact]
    public async Task Every_decision_is_in_the_ledger_with_its_evidence_and_a_dry_run_is_not()
    {
        await using var gate = await StartAsync();
        var (good, bad) = (await gate.SignedImageAsync(), gate.UnsignedImage());
        var (allowed, refused, dry) = (RunningGate.Review(good), RunningGate.Review(bad), RunningGate.Review(good));
        refused["request"]!["userInfo"] = new JsonObject { ["username"] = "system:serviceaccount:shop:deployer" };
        dry["request"]!["dryRun"] = true;
        Assert.True((await gate.AskAsync(allowed)).Allowed);
        Assert.False((await gate.AskAsync(refused)).Allowed);
        Assert.True((await gate.AskAsync(dry)).Allowed);
        Assert.True((await gate.AskAsync(allowed)).Allowed);
        var entries = await StoppedAsync(gate);

        var decisions = entries.Where(entry => entry.EventType == LedgerEvents.Decision).ToList();
        Assert.Equal([Uid(allowed), Uid(refused)], decisions.Select(entry => entry.CorrelationId!));
        var (yes, no) = (decisions[0], decisions[1]);
        Assert.Equal((Verdict.Allow, "admitted", "create pods", "Pod", "web", "shop"), (yes.Verdict, yes.Outcome, yes.Action, yes.Resource!.Kind, yes.Resource.Name, yes.Namespace));
        var artifact = Assert.Single(Inline(yes.Artifacts));
        Assert.Equal(good, $"{artifact.Uri}@{artifact.Digest}");
        Assert.Equal(["application/vnd.dev.cosign.simplesigning.v1+json", "dev.cosignproject.cosign/signature"], Inline(yes.Evidence).Select(evidence => evidence.Type));
        foreach (var evidence in Inline(yes.Evidence))
        {
            Assert.True(new EvidenceStore(Folder(gate)).Read(evidence.Digest).Try(out var bytes, out _));
            Assert.Equal(evidence.Size, bytes.Length);
        }
        Assert.Equal((Verdict.Deny, "refused", "service-account"), (no.Verdict, no.Outcome, no.Actor!.Kind));
        Assert.Contains("has no signature", ((PersonalText.Plain)Assert.Single(Inline(no.Reasons)).Message).Value, StringComparison.Ordinal);
        Assert.All(decisions, entry => Assert.Equal("test", entry.Policy!.Name));
    }

    [Fact]
    public async Task Start_policy_verification_and_stop_are_in_the_ledger_and_it_goes_on_after_a_restart()
    {
        await using var gate = await StartAsync();
        await RunningGate.UntilAsync(async () => await gate.MetricAsync(GateMetrics.LedgerVerified) == 1);
        RunningGate.Replace(gate.PolicyFile, "no policy");
        await RunningGate.UntilAsync(async () => await gate.MetricAsync(GateMetrics.PolicyRefusals) == 1);
        var first = await StoppedAsync(gate);
        Assert.Equal([LedgerEvents.LogOpened, LedgerEvents.Start, LedgerEvents.PolicyLoaded], first.Take(3).Select(entry => entry.EventType));
        Assert.Equal([LedgerEvents.PolicyRefused, LedgerEvents.Stop], first.TakeLast(2).Select(entry => entry.EventType));
        Assert.Contains(LedgerEvents.Verified, first.Select(entry => entry.EventType));
        var policy = Assert.Single(Inline(first[2].Evidence));
        Assert.Equal(first[2].Policy!.Digest, policy.Digest);
        Assert.True(new EvidenceStore(Folder(gate)).Read(policy.Digest).Try(out _, out _));

        gate.WritePolicy();
        await gate.StartAgainAsync();
        var second = await StoppedAsync(gate);
        Assert.Equal(LedgerEvents.Start, second[first.Count].EventType);
        Assert.DoesNotContain(LedgerEvents.LogOpened, second.Skip(1).Select(entry => entry.EventType));
    }

    [Fact]
    public async Task Who_asked_and_approved_and_what_began_by_it_are_one_chain()
    {
        await using var gate = await FirmGate.StartAsync(FirmGate.AskingPolicy, state.PathOf("state"), options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = Origin });
        var image = gate.UnsignedImage();
        var deployment = FirmGate.Workload("Deployment", image);
        var asked = await FirmGate.ApproveAsync(gate, deployment, image);
        await FirmGate.AllowedAsync(gate, deployment);
        await FirmGate.AllowedAsync(gate, FirmGate.Workload("Pod", image) with { Name = "api-7f9c-x2" });
        var entries = await StoppedAsync(gate);

        Assert.Equal(asked.Statement.Id, Assert.Single(entries, entry => entry.EventType == LedgerEvents.RequestSeen).CorrelationId);
        Assert.Equal(["approve", "approve"], entries.Where(entry => entry.EventType == LedgerEvents.ApprovalSeen).Select(entry => entry.Outcome));
        var decisions = entries.Where(entry => entry.EventType == LedgerEvents.Decision).ToList();
        Assert.Equal(2, decisions.Count);
        Assert.Equal(2, Assert.Single(Inline(decisions[0].Quorum)).Counted.Length);
        Assert.NotNull(decisions[0].Admitted);
        Assert.Equal(4, Inline(decisions[0].Evidence).Length);
        var began = Inline(decisions[0].Evidence)[0];
        Assert.Equal(DecisionEntry.AdmittedRecordType, began.Type);
        Assert.All(decisions, decision => Assert.True(DecisionReplay.Of(decision, new EvidenceStore(Folder(gate)).Read).Try(out var again, out var why) && again.Differences.IsEmpty, why?.ToString() ?? "it comes out different"));
        Assert.Contains("goes on under what was admitted", ((PersonalText.Plain)Assert.Single(Inline(decisions[1].Reasons)).Message).Value, StringComparison.Ordinal);
        Assert.All(entries.Where(entry => entry.EventType is LedgerEvents.RequestSeen or LedgerEvents.ApprovalSeen).Append(decisions[0]), entry => Assert.Equal(asked.Statement.ChangeId, entry.ChangeId));
    }

    [Fact]
    public async Task Who_floods_with_refusals_gets_one_sum_and_what_is_admitted_is_recorded_always()
    {
        await using var gate = await StartAsync();
        var (bad, good) = (gate.UnsignedImage(), await gate.SignedImageAsync());
        for (var i = 0; i < RefusalFlood.MostInMinute + 20; i++)
        {
            Assert.False((await gate.AskAsync(Review(bad, "mallory"))).Allowed);
        }

        Assert.False((await gate.AskAsync(Review(bad, "alice"))).Allowed);
        Assert.True((await gate.AskAsync(Review(good, "mallory"))).Allowed);
        var entries = await StoppedAsync(gate);
        var decisions = entries.Where(entry => entry.EventType == LedgerEvents.Decision).ToList();
        Assert.Equal(RefusalFlood.MostInMinute + 2, decisions.Count);
        Assert.Equal("admitted", decisions[^1].Outcome);
        var sum = Assert.Single(entries, entry => entry.EventType == LedgerEvents.Suppressed);
        Assert.Equal((20L, "mallory"), (sum.Suppressed!.Count, ((PersonalText.Plain)sum.Actor!.Id).Value));
        Assert.NotNull(sum.Suppressed.Root);

        static JsonObject Review(string image, string user)
        {
            var review = RunningGate.Review(image);
            review["request"]!["userInfo"] = new JsonObject { ["username"] = user };
            return review;
        }
    }

    [Fact]
    public async Task Without_its_ledger_an_enforcing_gate_refuses_and_says_so()
    {
        await using var gate = await StartAsync();
        var image = await gate.SignedImageAsync();
        Assert.True((await gate.AskAsync(image)).Allowed);
        await gate.App.Services.GetRequiredService<GateLedger>().DisposeAsync();
        var answer = await gate.AskAsync(image);
        Assert.False(answer.Allowed);
        Assert.Contains("the decision could not be recorded", answer.Message, StringComparison.Ordinal);
        Assert.Equal(1, await gate.MetricAsync(GateMetrics.LedgerFailures));
    }

    [Fact]
    public async Task Without_its_ledger_a_gate_that_only_warns_admits_with_a_warning_and_tells_the_gap()
    {
        await using var gate = await StartAsync(policy => policy.Replace("    mode: enforce", "    mode: audit", StringComparison.Ordinal));
        await gate.App.Services.GetRequiredService<GateLedger>().DisposeAsync();
        var answer = await gate.AskAsync(await gate.SignedImageAsync());
        Assert.True(answer.Allowed);
        Assert.Contains("could not be recorded", Assert.Single(answer.Warnings), StringComparison.Ordinal);
        Assert.Contains(gate.Log, entry => entry.Id == 1204);
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/health/ready")).Status);
    }

    [Fact]
    public async Task What_a_mode_lets_through_unrecorded_is_kept_in_the_spool_folder()
    {
        var spool = state.PathOf("spool");
        await using var gate = await RunningGate.StartAsync(policy => policy.Replace("    mode: enforce", "    mode: audit", StringComparison.Ordinal), options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = Origin, LedgerSpool = spool });
        var ledger = gate.App.Services.GetRequiredService<GateLedger>();
        await ledger.DisposeAsync();
        var reviews = new[] { RunningGate.Review(await gate.SignedImageAsync()), RunningGate.Review(gate.UnsignedImage()) };
        foreach (var review in reviews)
        {
            Assert.True((await gate.AskAsync(review)).Allowed);
        }

        var lines = await File.ReadAllLinesAsync(Assert.Single(Directory.EnumerateFiles(spool)), TestContext.Current.CancellationToken);
        Assert.Equal(reviews.Select(Uid), lines.Select(line => LedgerEntry.Read(System.Text.Encoding.UTF8.GetBytes(line)).Try(out var entry, out _) ? entry.CorrelationId : null));

        // The process could not tell any more: the next one does, with the hash of the file.
        await gate.StopAsync();
        var sum = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Assert.Single(Directory.EnumerateFiles(spool)), TestContext.Current.CancellationToken)));
        await gate.StartAgainAsync();
        Assert.True((await gate.AskAsync(await gate.SignedImageAsync())).Allowed);
        var gap = Assert.Single(await StoppedAsync(gate), entry => entry.EventType == LedgerEvents.Gap);
        Assert.Equal(2, gap.Suppressed!.Count);
        using var details = System.Text.Json.JsonDocument.Parse(Inline(gap.Details));
        var file = Assert.Single(details.RootElement.GetProperty("spool").EnumerateArray());
        Assert.Equal((2, sum), (file.GetProperty("entries").GetInt32(), file.GetProperty("sha256").GetString()));
        Assert.StartsWith("told-", Path.GetFileName(Assert.Single(Directory.EnumerateFiles(spool))), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_is_refused_again_and_again_keeps_no_more_of_their_own_bytes_than_a_minute_allows()
    {
        var flood = new RefusalFlood();
        Assert.True(flood.MayKeep("mallory", RefusalFlood.MostBytesInMinute - 1));
        Assert.False(flood.MayKeep("mallory", 2));
        Assert.True(flood.MayKeep("carol", 2));
        flood.Turn();
        Assert.True(flood.MayKeep("mallory", 2));
    }

    [Fact]
    public async Task A_refused_change_that_is_sent_again_at_once_is_one_entry_and_another_change_or_user_is_not()
    {
        await using var gate = await StartAsync();
        var (good, bad) = (await gate.SignedImageAsync(), gate.UnsignedImage());
        var first = Update("carol", bad);
        Assert.False((await gate.AskAsync(first)).Allowed);
        Assert.False((await gate.AskAsync(Update("carol", bad))).Allowed);
        var other = Update("dave", bad);
        Assert.False((await gate.AskAsync(other)).Allowed);
        var renamed = Update("carol", bad);
        renamed["request"]!["object"]!["metadata"]!["labels"] = new JsonObject { ["more"] = "x" };
        Assert.False((await gate.AskAsync(renamed)).Allowed);
        Assert.Equal(new[] { first, other, renamed }.Select(Uid), (await StoppedAsync(gate)).Where(entry => entry.EventType == LedgerEvents.Decision).Select(entry => entry.CorrelationId));

        JsonObject Update(string user, string image) => LedgerTests.Update(user, good, image);
    }

    [Fact]
    public async Task A_refused_change_that_was_not_recorded_is_not_taken_for_recorded_when_it_is_sent_again()
    {
        await using var gate = await StartAsync();
        var (good, bad) = (await gate.SignedImageAsync(), gate.UnsignedImage());
        await gate.App.Services.GetRequiredService<GateLedger>().DisposeAsync();
        for (var failures = 1; failures <= 2; failures++)
        {
            Assert.Contains("the decision could not be recorded", (await gate.AskAsync(Update("carol", good, bad))).Message, StringComparison.Ordinal);
            Assert.Equal(failures, await gate.MetricAsync(GateMetrics.LedgerFailures));
        }
    }

    [Fact]
    public void The_same_change_is_another_act_when_it_is_asked_for_later()
    {
        var clock = new ForwardClock();
        var resent = new ResentRefusals(clock);
        resent.Add("change", "first");
        Assert.Null(resent.Take("another change", "second"));

        // The same review, sent twice, is told from its entry.
        Assert.Null(resent.Take("change", "first"));
        Assert.Equal("first", resent.Take("change", "second"));

        // The API server asks once more. Who asks again and again does an act each time.
        Assert.Null(resent.Take("change", "third"));
        resent.Add("change", "third");
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Null(resent.Take("change", "fourth"));
    }

    [Fact]
    public async Task A_review_that_cannot_be_read_is_refused_and_recorded()
    {
        await using var gate = await StartAsync();
        var review = RunningGate.Review(gate.UnsignedImage());
        review["request"]!["operation"] = "EXAMINE";
        Assert.False((await gate.AskAsync(review)).Allowed);
        var entry = Assert.Single(await StoppedAsync(gate), entry => entry.EventType == LedgerEvents.Decision);
        Assert.Equal((Uid(review), Verdict.Unknown, "refused"), (entry.CorrelationId, entry.Verdict, entry.Outcome));
        Assert.Contains("names no operation", ((PersonalText.Plain)Assert.Single(Inline(entry.Reasons)).Message).Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_of_another_name_or_that_was_changed_does_not_start()
    {
        await using var gate = await StartAsync();
        await gate.AskAsync(await gate.SignedImageAsync());
        await StoppedAsync(gate);
        Assert.Contains("says other", (await Assert.ThrowsAsync<GateException>(() => gate.StartAgainAsync(options => options with { LedgerOrigin = "other" }))).Message, StringComparison.Ordinal);
        var tile = Directory.EnumerateFiles(Path.Combine(Folder(gate), "tile", "0", "000.p")).MaxBy(file => int.Parse(Path.GetFileName(file), System.Globalization.CultureInfo.InvariantCulture))!;
        var bytes = await File.ReadAllBytesAsync(tile, TestContext.Current.CancellationToken);
        bytes[0] ^= 1;
        await File.WriteAllBytesAsync(tile, bytes, TestContext.Current.CancellationToken);
        Assert.Contains("do not lead to the checkpoint", (await Assert.ThrowsAsync<GateException>(() => gate.StartAgainAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_checkpoint_is_published_in_a_folder_from_the_first_on_and_up_to_the_stop()
    {
        var published = state.PathOf("published");
        await using var gate = await StartAsync(published: published);
        await gate.AskAsync(await gate.SignedImageAsync());
        var log = new LedgerFolder(Folder(gate));
        var key = LedgerKeyFiles.ReadVerifierKey(LedgerKeyFiles.VerifierKeyOf(Folder(gate)));
        await RunningGate.UntilAsync(() => Task.FromResult(Sizes().Count > 1));
        var entries = await StoppedAsync(gate);
        Assert.True(Checkpoint.Open(await File.ReadAllBytesAsync(Path.Combine(published, "checkpoint"), TestContext.Current.CancellationToken), key).Try(out var last, out _));
        Assert.Equal(entries.Count, last.Size);
        foreach (var file in Sizes())
        {
            Assert.True(Checkpoint.Open(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), key).Try(out var kept, out _));
            Assert.Equal($"checkpoint.{kept.Size}", Path.GetFileName(file));
            Assert.Null(LedgerVerifier.Verify(last, log.Read, kept, cancellation: TestContext.Current.CancellationToken));
        }

        List<string> Sizes() => Directory.Exists(published) ? [.. Directory.EnumerateFiles(published).Where(file => Path.GetFileName(file).StartsWith("checkpoint.", StringComparison.Ordinal) && !file.EndsWith(".new", StringComparison.Ordinal))] : [];
    }

    [Fact]
    public async Task A_folder_of_checkpoints_that_cannot_be_written_is_told_and_stops_no_decision()
    {
        var published = state.Write("published", "a file in its place");
        await using var gate = await StartAsync(published: published);
        var image = await gate.SignedImageAsync();
        await RunningGate.UntilAsync(async () => (await gate.GetAsync("/health/ready")).Text.Contains("the folder of checkpoints cannot be used", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await gate.GetAsync("/health/ready")).Status);
        Assert.True((await gate.AskAsync(image)).Allowed);
        Assert.Single(gate.Log, entry => entry.Id == 1206);
        File.Delete(published);
        await RunningGate.UntilAsync(async () => (await gate.GetAsync("/health/ready")).Text == "ready\n");
        Assert.True(File.Exists(Path.Combine(published, "checkpoint")));
    }

    [Fact]
    public async Task A_folder_of_checkpoints_without_a_ledger_is_a_mistake()
    {
        var (code, _, error) = await Commands.RunAsync("serve", "--policy", "p", "--certificate", "c", "--key", "k", "--ledger-checkpoints", "d");
        Assert.Equal(64, code);
        Assert.Contains("name it with --ledger", error, StringComparison.Ordinal);
    }

    private static Task<RunningGate> StartAsync(Func<string, string>? policy = null, string? published = null) =>
        RunningGate.StartAsync(policy, options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = Origin, LedgerCheckpoints = published });

    private static string Folder(RunningGate gate) => gate.Folder.PathOf("ledger");

    private static JsonObject Update(string user, string from, string to)
    {
        var review = RunningGate.Review(to);
        review["request"]!["operation"] = "UPDATE";
        review["request"]!["oldObject"] = RunningGate.Review(from)["request"]!["object"]!.DeepClone();
        review["request"]!["userInfo"] = new JsonObject { ["username"] = user };
        return review;
    }

    private static string Uid(JsonObject review) => review["request"]!["uid"]!.GetValue<string>();

    private static T Inline<T>(EntryPart<T>? part) => Assert.IsType<EntryPart<T>.Inline>(part).Value;

    // The whole log as anybody may read it, once the gate has stopped.
    private static async Task<IReadOnlyList<LedgerEntry>> StoppedAsync(RunningGate gate)
    {
        await gate.StopAsync();
        return VerifiedLog.Read(Folder(gate));
    }
}
