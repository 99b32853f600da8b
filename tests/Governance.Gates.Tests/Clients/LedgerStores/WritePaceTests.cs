using Governance.Gates.Clients.LedgerStores;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>Tiles are spread over a while, and that never holds up a small log or one that is closed.</summary>
public sealed class WritePaceTests
{
    private const long Many = 64 * 1024 * 1024;
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact]
    public void Few_bytes_are_written_at_once()
    {
        var pace = new WritePace(100_000, Long, new TaskCompletionSource().Task);
        pace.Wrote(50_000);
        pace.Wrote(50_000);
    }

    [Fact]
    public async Task Many_wait_until_it_is_time_or_the_log_is_closed()
    {
        var hurry = new TaskCompletionSource();
        var pace = new WritePace(Many, Long, hurry.Task);
        var writing = Task.Run(() => pace.Wrote(Many / 2), TestContext.Current.CancellationToken);
        Assert.False(writing.IsCompletedSuccessfully);
        hurry.SetResult();
        await writing;
        pace.Wrote(Many / 2);
    }

    [Fact]
    public void What_took_its_time_already_waits_no_longer()
    {
        var pace = new WritePace(Many, TimeSpan.Zero, new TaskCompletionSource().Task);
        pace.Wrote(Many);
    }
}
