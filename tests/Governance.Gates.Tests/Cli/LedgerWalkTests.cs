using Governance.Gates.Tests.Webhook;

namespace Governance.Gates.Tests.Cli;

/// <summary>The auditor's walk of <c>docs/auditing.md</c>: from what a running webhook refused to a package that shows it.</summary>
public sealed class LedgerWalkTests : IDisposable
{
    private readonly Workbench bench = new();

    [Fact]
    public async Task From_a_refused_request_to_its_entry_its_proof_and_its_evidence()
    {
        await using var gate = await RunningGate.StartAsync(options: options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = "test/production/c1/gate-0" });
        var log = Path.Combine(Path.GetDirectoryName(gate.PolicyFile)!, "ledger");
        var refused = RunningGate.Review(gate.UnsignedImage());
        Assert.True((await gate.AskAsync(RunningGate.Review(await gate.SignedImageAsync()))).Allowed);
        Assert.False((await gate.AskAsync(refused)).Allowed);
        await gate.StopAsync();
        var kept = bench.Folder.PathOf("kept");
        File.Copy(Path.Combine(log, "checkpoint"), kept);
        await gate.StartAgainAsync();

        // While the gate runs.
        Assert.Equal(0, (await GatesAsync("verify", log, "--against", kept)).ExitCode);
        var query = await GatesAsync("query", log, "--correlation-id", refused["request"]!["uid"]!.GetValue<string>(), "--output", "json");
        Assert.Equal(0, query.ExitCode);
        var found = Assert.Single(query.Json().GetProperty("entries").EnumerateArray());
        Assert.Contains("has no signature", found.ToString(), StringComparison.Ordinal);

        var (sequence, proof, entry) = (found.GetProperty("sequence").ToString(), bench.Folder.PathOf("proof"), bench.Folder.PathOf("entry"));
        Assert.Equal(0, (await GatesAsync("prove", sequence, log, "--out", proof, "--entry", entry)).ExitCode);
        Assert.Equal(0, (await GatesAsync("verify-proof", proof, entry, "--vkey", log + ".vkey")).ExitCode);

        var package = bench.Folder.PathOf("package");
        var export = (await GatesAsync("export", log, "--format", "audit-package", "--against", kept, "--out", package, "--output", "json")).Json();
        Assert.Equal(0, export.GetProperty("missing").GetArrayLength());
        Assert.True(export.GetProperty("evidence").GetInt32() >= 2, "the policy and the signature");

        // Gate and registry are gone: what was kept is enough, beside the log and in the package.
        var copy = bench.Folder.PathOf("copy");
        await gate.StopAsync();
        LedgerBench.Copy(log, copy);
        File.Copy(log + ".vkey", copy + ".vkey");
        await gate.DisposeAsync();
        foreach (var folder in (string[])[copy, package])
        {
            var replay = await GatesAsync("replay", sequence, folder, "--output", "json");
            Assert.Equal((0, "same", "deny"), (replay.ExitCode, replay.Json().GetProperty("verdict").GetString(), replay.Json().GetProperty("again").GetProperty("verdict").GetString()));
        }

        var allowed = (await GatesAsync("query", copy, "--verdict", "allow", "--output", "json")).Json().GetProperty("entries")[0].GetProperty("sequence").ToString();
        Assert.StartsWith("the same: decided again", (await GatesAsync("replay", allowed, copy)).Output, StringComparison.Ordinal);
        foreach (var statement in Directory.EnumerateFiles(Path.Combine(copy, "evidence", "sha256")))
        {
            File.Delete(statement);
        }

        var without = await GatesAsync("replay", allowed, copy);
        Assert.Equal(2, without.ExitCode);
        Assert.Contains("is not there", without.Output, StringComparison.Ordinal);
        Assert.Equal(64, (await GatesAsync("replay", "-1", copy)).ExitCode);
        Assert.Equal(2, (await GatesAsync("replay", "999", copy)).ExitCode);
        Assert.Equal(await File.ReadAllBytesAsync(entry, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(Path.Combine(package, "entries", sequence + ".json"), TestContext.Current.CancellationToken));
    }

    private Task<Ended> GatesAsync(params string[] arguments) => bench.GatesAsync(["ledger", .. arguments]);

    public void Dispose() => bench.Dispose();
}
