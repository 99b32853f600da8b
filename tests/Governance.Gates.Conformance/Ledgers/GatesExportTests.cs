using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>An audit package of <c>gates ledger export</c>, checked by Go's verifier as its README says.</summary>
public sealed class GatesExportTests
{
    [Fact]
    public async Task Go_accepts_each_entry_of_a_package_and_that_the_log_went_on()
    {
        if (Peers.WhyNot(Peers.GoTlog, Peers.OpenSsl) is { } why)
        {
            Assert.Skip(why);
        }

        using var log = await LogFolder.CreateAsync();
        log.AppendUpTo(300);
        var earlier = log.Beside("earlier", (await log.PublishAsync()).Note.ToArray());
        log.AppendUpTo(700);
        await log.PublishAsync();
        var package = Path.Combine(log.Root, "..", "package");
        var exitCode = await GatesCommand.RunAsync(
            ["ledger", "export", log.Root, "--vkey", log.Vkey, "--from", "250", "--to", "270", "--format", "audit-package", "--against", earlier, "--out", package],
            new Terminal(Stream.Null, TextWriter.Null, TextWriter.Null),
            TestContext.Current.CancellationToken);
        Assert.Equal(0, exitCode);

        string Of(string path) => Path.Combine(package, path);
        for (var sequence = 250; sequence <= 270; sequence++)
        {
            var proven = await Command.RunAsync(Peers.GoTlog.Require(), ["proof", Of($"proofs/{sequence}.tlog-proof"), Of("log.vkey"), Of($"entries/{sequence}.json")]);
            Assert.Equal($"entry {sequence} of 700\n", proven.Succeeded().Output);
        }

        Assert.Equal(1, (await Command.RunAsync(Peers.GoTlog.Require(), ["proof", Of("proofs/250.tlog-proof"), Of("log.vkey"), Of("entries/251.json")])).ExitCode);
        string[] consistency = ["consistency", Of("consistency/300"), Of("log.vkey"), Of("checkpoints/300")];
        Assert.Equal("consistent with 300\n", (await Command.RunAsync(Peers.GoTlog.Require(), consistency)).Succeeded().Output);
        var lines = await File.ReadAllLinesAsync(Of("consistency/300"), TestContext.Current.CancellationToken);
        (lines[1], lines[2]) = (lines[2], lines[1]);
        await File.WriteAllLinesAsync(Of("consistency/300"), lines, TestContext.Current.CancellationToken);
        Assert.Equal(1, (await Command.RunAsync(Peers.GoTlog.Require(), consistency)).ExitCode);
    }
}
