using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger export</c>: what auditors take with them.</summary>
public sealed class LedgerExportTests : IDisposable
{
    private readonly LedgerBench ledger = new();

    private string Out => ledger.Bench.Folder.PathOf("out");

    [Fact]
    public async Task Lines_are_the_stored_bytes_that_hash_to_the_leaves()
    {
        await ledger.FilledAsync(600);
        var ended = await ExportAsync("--from", "250", "--to", "520", "--output", "json");
        Assert.Equal((250, 520), (ended.Json().GetProperty("from").GetInt32(), ended.Json().GetProperty("to").GetInt32()));
        var lines = (await File.ReadAllTextAsync(Out, TestContext.Current.CancellationToken)).Split('\n');
        Assert.Equal((272, ""), (lines.Length, lines[^1]));
        Assert.Equal(ledger.Entries("tile/entries/001")[44], Encoding.UTF8.GetBytes(lines[50]));
    }

    [Fact]
    public async Task A_package_has_each_entry_with_a_proof_that_holds_without_the_log()
    {
        await ledger.FilledAsync(300);
        var earlier = ledger.Keep("earlier");
        var policy = Encoding.UTF8.GetBytes("the policy");
        await ledger.AppendAsync(TestEntries.Small(1000) with { Policy = new("shop", 1, Digest.Of(policy)), Evidence = TestEntries.Inline(new EntryEvidence("a", TestEntries.Filled('8'), 1, null, null)) });
        KeepEvidence(Digest.Of(policy), policy);

        var ended = await ExportAsync("--format", "audit-package", "--from", "298", "--against", earlier, "--output", "json");
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal((298, 300, 1), (ended.Json().GetProperty("from").GetInt32(), ended.Json().GetProperty("to").GetInt32(), ended.Json().GetProperty("evidence").GetInt32()));
        Assert.Equal(TestEntries.Filled('8').ToString(), ended.Json().GetProperty("missing")[0].GetString());
        Directory.Delete(ledger.Log, recursive: true);
        foreach (var sequence in (int[])[298, 299, 300])
        {
            Assert.Equal(0, (await ledger.LedgerAsync("verify-proof", PathOf($"proofs/{sequence}.tlog-proof"), PathOf($"entries/{sequence}.json"), "--vkey", PathOf("log.vkey"))).ExitCode);
        }

        Assert.Equal(3, File.ReadAllLines(PathOf("entries.ndjson")).Length);
        Assert.Equal(policy, File.ReadAllBytes(PathOf($"evidence/sha256/{Digest.Of(policy).Hex}")));
        Assert.StartsWith("old 300\n", File.ReadAllText(PathOf("consistency/300")), StringComparison.Ordinal);
        Assert.Contains("golang.org/x/mod/sumdb", File.ReadAllText(PathOf("check/main.go")), StringComparison.Ordinal);
        Assert.Contains("check/check consistency", File.ReadAllText(PathOf("README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evidence_that_is_not_what_its_name_says_is_left_out_and_told()
    {
        await ledger.InitAsync();
        var digest = TestEntries.Filled('7');
        await ledger.AppendAsync(TestEntries.Small(0) with { Policy = new("shop", 1, digest) });
        KeepEvidence(digest, "something else"u8.ToArray());
        var ended = await ExportAsync("--format", "audit-package", "--output", "json");
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal(digest.ToString(), ended.Json().GetProperty("damaged")[0].GetString());
        Assert.False(File.Exists(PathOf($"evidence/sha256/{digest.Hex}")));
        Assert.Contains($"{digest} damaged", File.ReadAllText(PathOf("evidence/missing")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ndjson")]
    [InlineData("audit-package")]
    public async Task Nothing_is_handed_out_of_a_log_that_was_changed(string format)
    {
        await ledger.FilledAsync(300);
        ledger.Flip("tile/entries/000", 100);
        var ended = await ExportAsync("--format", format, "--output", "json");
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal("refused", ended.Json().GetProperty("verdict").GetString());
        Assert.False(Path.Exists(Out));
    }

    [Theory]
    [InlineData("ndjson")]
    [InlineData("audit-package")]
    public async Task An_export_is_written_over_nothing(string format)
    {
        await ledger.FilledAsync(3);
        ledger.Bench.Folder.Folder("out");
        var mine = ledger.Bench.Folder.Write("out/mine", "mine");
        var ended = await ExportAsync("--format", format);
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("mine", await File.ReadAllTextAsync(mine, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("--from", "3")]
    [InlineData("--to", "3")]
    [InlineData("--from", "2", "--to", "1")]
    public async Task Entries_that_the_log_does_not_have_are_not_handed_out(params string[] range)
    {
        await ledger.FilledAsync(3);
        var ended = await ExportAsync(range);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("has no entries from", ended.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(Out));
    }

    [Fact]
    public async Task A_log_without_entries_has_none_to_hand_out()
    {
        await ledger.FilledAsync(0);
        Assert.Equal(2, (await ExportAsync()).ExitCode);
    }

    private Task<Ended> ExportAsync(params string[] more) => ledger.LedgerAsync(["export", ledger.Log, "--out", Out, .. more]);

    private string PathOf(string path) => Path.Combine(Out, path);

    private void KeepEvidence(Digest digest, byte[] bytes)
    {
        var file = ledger.PathOf($"evidence/sha256/{digest.Hex}");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
    }

    public void Dispose() => ledger.Dispose();
}
