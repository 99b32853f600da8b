using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary>Who holds a log that <c>gates ledger recover</c> let go on: somebody above all whom anything still names.</summary>
public sealed class LedgerRecoverHolderTests : IDisposable
{
    private const string Edge = "tile/entries/000.p/40";
    private const string Next = "tile/entries/000.p/26";
    private readonly RecoveryBench firm = new();

    [Fact]
    public async Task The_next_holder_writes_on_and_stays_the_next_holder_after_a_restart()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AppendAsync(TestEntries.Small(1_000));

        // The last start finds a full bundle, and none at the edge.
        await firm.AppendAsync([.. Enumerable.Range(1_001, 229).Select(TestEntries.Small)]);
        await firm.AppendAsync(TestEntries.Small(2_000));
        await firm.AssertVerifiedAsync(257);
        foreach (var (sequence, epoch) in ((int, long)[])[(24, 1), (25, 2), (26, 2), (256, 2)])
        {
            Assert.Equal((sequence, epoch), (sequence, (await firm.EntryAsync(sequence)).Epoch));
        }
    }

    [Fact]
    public async Task The_next_holder_is_above_one_that_only_an_entry_behind_the_damage_names()
    {
        await RecoveredAsync();
        Directory.Delete(firm.Ledger.PathOf("journal"), recursive: true);
        Spoil(3);
        await firm.ApprovedAsync();
        Assert.Equal(3, RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!.Whole.Size);
        Assert.Equal(3, (await firm.RecoverAsync("--output", "json")).Json().GetProperty("epoch").GetInt32());
        Assert.Equal(3, (await firm.EntryAsync(3)).Epoch);
    }

    [Fact]
    public async Task The_next_holder_is_above_one_that_only_the_journal_names()
    {
        await RecoveredAsync();
        firm.Ledger.WriteEntries(Next, firm.Ledger.Entries(Next)[..3]);
        firm.Ledger.Flip("tile/0/000.p/26", 40);
        await firm.ApprovedAsync();

        // The tile leads to no checkpoint: nothing is proven any more.
        Assert.Equal(0, RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!.Whole.Size);
        Assert.Equal(3, (await firm.RecoverAsync("--output", "json")).Json().GetProperty("epoch").GetInt32());
        Assert.Equal(3, (await firm.EntryAsync(0)).Epoch);
    }

    public void Dispose() => firm.Dispose();

    // A log whose last entry, 25, is of its second holder.
    private async Task RecoveredAsync()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        Assert.Equal(2, (await firm.EntryAsync(25)).Epoch);
    }

    private void Spoil(int entry)
    {
        var entries = firm.Ledger.Entries(Next);
        entries[entry][^2] ^= 1;
        firm.Ledger.WriteEntries(Next, entries);
    }

    private async Task TruncatedAsync()
    {
        await firm.FilledAsync(40);
        firm.Truncate(Edge, 25);
    }
}
