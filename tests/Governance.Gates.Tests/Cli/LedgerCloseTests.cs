using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger close</c>: a log that takes nothing more, and still verifies.</summary>
public sealed class LedgerCloseTests : IDisposable
{
    private readonly LedgerBench ledger = new();

    [Fact]
    public async Task A_log_that_was_closed_verifies_and_takes_nothing_more()
    {
        await FilledAsync();
        var closed = (await ledger.LedgerAsync("close", ledger.Log, "--yes", "--output", "json")).Json();
        Assert.Equal((LedgerBench.Origin, 5, 0), (closed.GetProperty("origin").GetString(), closed.GetProperty("sequence").GetInt32(), closed.GetProperty("exitCode").GetInt32()));

        Assert.Contains("6 entries", (await ledger.LedgerAsync("verify", ledger.Log)).Output, StringComparison.Ordinal);
        Assert.Contains("log.closed", (await ledger.LedgerAsync("tail", ledger.Log)).Output, StringComparison.Ordinal);
        Assert.Contains("was closed by its entry 5", (await Assert.ThrowsAsync<GateException>(OpenAsync)).Message, StringComparison.Ordinal);
        var again = await ledger.LedgerAsync("close", ledger.Log, "--yes");
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("was closed by its entry 5", again.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no\n")]
    [InlineData("")]
    public async Task A_log_stays_open_where_the_answer_is_not_yes(string answer)
    {
        await FilledAsync();
        Assert.Equal(2, (await ledger.Bench.GatesAsync(["ledger", "close", ledger.Log], answer, TestContext.Current.CancellationToken)).ExitCode);
        await using var open = await OpenAsync();
        await LedgerBench.AppendAsync(open, TestEntries.Small(5));
    }

    [Fact]
    public async Task A_log_is_not_closed_under_the_gate_that_writes_it_and_none_is_made()
    {
        await FilledAsync();
        await using (var open = await OpenAsync())
        {
            Assert.Equal(2, (await ledger.LedgerAsync("close", ledger.Log, "--yes")).ExitCode);
            await LedgerBench.AppendAsync(open, TestEntries.Small(5));
        }

        Directory.Delete(ledger.Log, recursive: true);
        var missing = await ledger.LedgerAsync("close", ledger.Log, "--yes");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("holds no log", missing.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(ledger.Log));
    }

    private async Task FilledAsync()
    {
        await ledger.InitAsync();
        await using var open = await OpenAsync();
        await LedgerBench.AppendAsync(open, [.. Enumerable.Range(0, 5).Select(TestEntries.Small)]);
    }

    // As a gate does.
    private Task<LocalLedger> OpenAsync() => LocalLedger.OpenAsync(ledger.Log, LedgerKeyFiles.Read(ledger.Log), new("test", "1", null), TimeProvider.System, TestContext.Current.CancellationToken);

    public void Dispose() => ledger.Dispose();
}
