using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>One process writes a log: two would each give out the same sequences.</summary>
public sealed class LedgerLockTests : IDisposable
{
    private readonly TemporaryFolder temporary = new();

    public void Dispose() => temporary.Dispose();

    [Fact]
    public async Task A_second_process_gets_no_log_that_another_has_until_that_has_ended()
    {
        await using (var first = Start())
        {
            await first.WaitForLineAsync(line => line.StartsWith("ack ", StringComparison.Ordinal), TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            await using var second = Start();
            await second.WaitForLineAsync(line => line.Contains("no other process has", StringComparison.Ordinal), TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            first.Kill();
            await first.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await using var third = Start();
        await third.WaitForLineAsync(line => line.StartsWith("open ", StringComparison.Ordinal), TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        third.Kill();
    }

    [Fact]
    public async Task Where_locks_mean_nothing_no_log_is_written()
    {
        await using var unlocked = Start(new Dictionary<string, string?> { ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "true" });
        await unlocked.WaitForLineAsync(line => line.Contains("cannot be locked on this disk", StringComparison.Ordinal), TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    private ChildProcess Start(IReadOnlyDictionary<string, string?>? environment = null)
    {
        var key = temporary.PathOf("key.pem");
        if (!File.Exists(key))
        {
            temporary.Write("key.pem", LedgerKey.Create().ToPem());
        }

        return ChildProcess.Start(Path.Combine(AppContext.BaseDirectory, "Governance.Gates.LedgerAppender"), [temporary.PathOf("ledger"), key, "firm/gate-0", "0"], environment);
    }
}
