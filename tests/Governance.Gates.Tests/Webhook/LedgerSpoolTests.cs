using System.Security.Cryptography;
using Governance.Gates.Testing;
using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>Entries that the ledger could not take lie whole in a file whose hash the ledger names later.</summary>
public sealed class LedgerSpoolTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ForwardClock clock = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Each_gap_has_a_file_of_its_own_and_the_hash_of_all_its_lines()
    {
        using var spool = new LedgerSpool(folder.PathOf("spool"), clock);
        Assert.Empty(spool.Finish());
        Assert.Null(spool.Add("{\"a\":1}"u8));
        Assert.Null(spool.Add("{\"b\":2}"u8));
        var first = Assert.Single(spool.Finish());
        Assert.Equal(2, first.Entries);
        var bytes = File.ReadAllBytes(folder.PathOf(Path.Combine("spool", first.File)));
        Assert.Equal("{\"a\":1}\n{\"b\":2}\n"u8, bytes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), first.Digest.Hex);

        // Nobody could be told: the next one who can tells both.
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(spool.Add("{\"c\":3}"u8));
        var both = spool.Finish();
        Assert.Equal([2L, 1L], both.Select(file => file.Entries));
        spool.Told(both);
        Assert.Empty(spool.Finish());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told()
    {
        folder.Write("file", "");
        using var spool = new LedgerSpool(folder.PathOf("file"), clock);
        Assert.NotNull(spool.Add("{}"u8));
        Assert.Empty(spool.Finish());
    }
}
