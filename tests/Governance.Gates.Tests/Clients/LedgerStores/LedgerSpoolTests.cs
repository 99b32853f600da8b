using System.Security.Cryptography;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>Entries that the ledger could not take lie whole in a file, and the ledger names its hash: this process's or, where that ended too soon, the next one's.</summary>
public sealed class LedgerSpoolTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ForwardClock clock = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_is_told_as_far_as_it_goes_and_grows_on()
    {
        using var spool = Open();
        Assert.Empty(spool.Files());
        Assert.Null(Add(spool, "{\"a\":1}"));
        Assert.Null(Add(spool, "{\"b\":2}"));
        var told = Assert.Single(spool.Files());
        Assert.Equal(2, told.Entries);
        Assert.Equal(Sum(File.ReadAllBytes(PathOf(told.File)).AsSpan(0, (int)told.Bytes)), told.Digest.Hex);
        spool.Tell([told]);
        Assert.Null(Add(spool, "{\"c\":3}"));
        var more = Assert.Single(spool.Files());
        Assert.Equal((told.File, 3L), (more.File, more.Entries));
        Assert.Equal("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n"u8, File.ReadAllBytes(PathOf(more.File)));
        Assert.Equal(Sum(File.ReadAllBytes(PathOf(more.File))), more.Digest.Hex);
    }

    [Fact]
    public void What_a_process_could_not_tell_the_next_one_tells_once()
    {
        using (var ended = Open())
        {
            Assert.Null(Add(ended, "{\"a\":1}"));
            ended.End(told: false);
        }

        clock.Advance(TimeSpan.FromMinutes(1));
        using (var spool = Open())
        {
            var left = Assert.Single(spool.Before);
            Assert.Equal((1L, Sum("{\"a\":1}\n"u8)), (left.Entries, left.Digest.Hex));
            Assert.Null(Add(spool, "{\"b\":2}"));
            Assert.Equal([left.File, "another"], spool.Files().Select((file, i) => i == 0 ? file.File : "another"));
            spool.Tell(spool.Files());
            spool.End(told: true);
        }

        clock.Advance(TimeSpan.FromMinutes(1));
        using var last = Open();
        Assert.Empty(last.Before);
        Assert.Equal(2, Directory.GetFiles(folder.PathOf("spool"), "told-*").Length);
    }

    [Fact]
    public void A_folder_that_cannot_be_used_is_told_at_the_start_and_one_that_fails_later_with_each_entry()
    {
        folder.Write("file", "");
        Assert.Throws<GateException>(() => new LedgerSpool(folder.PathOf("file"), clock));
        using var spool = Open();
        Directory.Delete(folder.PathOf("spool"));
        Assert.NotNull(Add(spool, "{}"));
        Assert.NotNull(Add(spool, "{}"));
        Assert.Empty(spool.Files());
        Directory.CreateDirectory(folder.PathOf("spool"));
        Assert.Null(Add(spool, "{}"));
        Assert.Equal(1, Assert.Single(spool.Files()).Entries);
    }

    private LedgerSpool Open() => new(folder.PathOf("spool"), clock);

    private string? Add(LedgerSpool spool, string entry) => spool.Add(System.Text.Encoding.UTF8.GetBytes(entry), clock.GetUtcNow());

    private string PathOf(string file) => folder.PathOf(Path.Combine("spool", file));

    private static string Sum(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
