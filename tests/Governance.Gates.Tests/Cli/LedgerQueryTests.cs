using System.Text;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger query</c>, <c>prove</c> and <c>verify-proof</c>: from a correlation id to an entry and its proof.</summary>
public sealed class LedgerQueryTests : IDisposable
{
    private readonly LedgerBench ledger = new();

    [Fact]
    public async Task An_entry_is_found_by_its_correlation_id_with_reasons_and_quorum_and_is_proven()
    {
        await FilledAsync();
        var text = await QueryAsync("--correlation-id", TestEntries.Whole.CorrelationId!);
        Assert.Equal(0, text.ExitCode);
        Assert.StartsWith("1 entry of ", text.Output, StringComparison.Ordinal);
        Assert.Contains("artifacts.images[2].signed: no signature", text.Output, StringComparison.Ordinal);
        Assert.Contains("approvals.deploy: needed 2; counted: p-3 (operator), p-4; not counted: p-1 (requester)", text.Output, StringComparison.Ordinal);

        var (proof, entry) = (ledger.Bench.Folder.PathOf("40.tlog-proof"), ledger.Bench.Folder.PathOf("40.json"));
        var found = (await QueryAsync("--correlation-id", TestEntries.Whole.CorrelationId!, "--output", "json")).Json().GetProperty("entries")[0];
        Assert.Equal(40, found.GetProperty("sequence").GetInt32());
        var proven = (await ledger.LedgerAsync("prove", "40", ledger.Log, "--out", proof, "--entry", entry, "--output", "json")).Json();
        Assert.Equal(found.GetProperty("hash").GetString(), proven.GetProperty("hash").GetString());
        Assert.Equal(TreeHash.OfLeaf(await File.ReadAllBytesAsync(entry, TestContext.Current.CancellationToken)).ToString(), proven.GetProperty("hash").GetString());
        Assert.Equal(0, (await ledger.LedgerAsync("verify-proof", proof, entry, "--vkey", ledger.Log + ".vkey")).ExitCode);
    }

    [Theory]
    [InlineData("--change change-1", "40")]
    [InlineData("--change change", "")]
    [InlineData("--digest sha256:4444444444444444444444444444444444444444444444444444444444444444", "40")]
    [InlineData("--digest sha256:6666666666666666666666666666666666666666666666666666666666666666", "40 41")]
    [InlineData("--digest sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "40")]
    [InlineData("--resource Deployment.apps/shop", "40")]
    [InlineData("--resource Deployment/shop", "40")]
    [InlineData("--resource Deployment.extensions/shop", "")]
    [InlineData("--resource deployment.apps/shop", "")]
    [InlineData("--namespace pay --verdict deny", "40")]
    [InlineData("--verdict allow", "")]
    [InlineData("--actor p-1", "40")]
    [InlineData("--actor p-2", "40")]
    [InlineData("--actor system:admin", "40")]
    [InlineData("--actor p-3", "")]
    [InlineData("--type decision", "40")]
    [InlineData("--type policy.loaded", "41")]
    [InlineData("--since 2026-03-02T10:00:38Z --until 2026-03-02T10:00:39Z", "38")]
    [InlineData("--since 2026-03-02T11:00:00Z", "")]
    public async Task Matching_is_exact(string search, string found)
    {
        await FilledAsync();
        var ended = await QueryAsync([.. search.Split(' '), "--output", "json"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(found, string.Join(' ', ended.Json().GetProperty("entries").EnumerateArray().Where(entry => entry.GetProperty("sequence").GetInt32() >= 38).Select(entry => entry.GetProperty("sequence").GetInt32())));
    }

    [Fact]
    public async Task The_limit_ends_a_search_and_says_so()
    {
        await ledger.FilledAsync(20);
        var limited = (await QueryAsync("--limit", "5", "--output", "json")).Json();
        Assert.Equal((5, true), (limited.GetProperty("entries").GetArrayLength(), limited.GetProperty("more").GetBoolean()));
        var all = (await QueryAsync("--limit", "20", "--output", "json")).Json();
        Assert.Equal((20, false), (all.GetProperty("entries").GetArrayLength(), all.GetProperty("more").GetBoolean()));
    }

    [Fact]
    public async Task What_the_digest_of_an_encrypted_or_moved_part_hides_is_told_and_is_not_a_no()
    {
        await ledger.InitAsync();
        await ledger.AppendAsync(TestEntries.Encrypted with { Critical = [] });
        foreach (var search in (string[][])[["--actor", "p-1"], ["--digest", $"sha256:{new string('0', 64)}"]])
        {
            var ended = await QueryAsync([.. search, "--output", "json"]);
            Assert.Equal(2, ended.ExitCode);
            Assert.Equal(1, ended.Json().GetProperty("unreadCount").GetInt32());
            Assert.Contains("it may be one", ended.Output, StringComparison.Ordinal);
        }

        // The digest of the moved part itself stands in the entry.
        Assert.Equal(0, (await QueryAsync("--digest", $"sha256:{new string('1', 64)}")).ExitCode);
    }

    [Fact]
    public async Task An_entry_that_was_changed_is_told_and_not_shown_and_the_others_are()
    {
        await ledger.FilledAsync(300);
        var entries = ledger.Entries("tile/entries/000");
        entries[7] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(entries[7]).Replace("event-7", "event-8", StringComparison.Ordinal));
        entries[9] = "{}"u8.ToArray();
        ledger.WriteEntries("tile/entries/000", entries);
        File.Delete(ledger.PathOf("tile/entries/001.p/44"));
        var ended = await QueryAsync("--output", "json");
        Assert.Equal(2, ended.ExitCode);
        var json = ended.Json();
        Assert.Equal(254, json.GetProperty("entries").GetArrayLength());
        Assert.DoesNotContain(json.GetProperty("entries").EnumerateArray(), entry => entry.GetProperty("sequence").GetInt32() is 7 or 9);
        var told = string.Join('\n', json.GetProperty("unread").EnumerateArray().Select(why => why.GetProperty("message").GetString()));
        foreach (var what in (string[])["entry 7:", "entry 9:", "entries 256 to 299:"])
        {
            Assert.Contains(what, told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_an_entry_says_forges_no_row_no_command_and_no_markup()
    {
        await ledger.InitAsync();
        var evil = "##[group] | allow | <script> ::error::x";
        await ledger.AppendAsync(TestEntries.Small(0) with { CorrelationId = evil, Outcome = "::error::x", Reasons = TestEntries.Inline(new EntryReason("r", null, TestEntries.Plain(evil))) });
        foreach (var form in (string[])["text", "markdown", "json"])
        {
            var ended = await QueryAsync("--output", form);
            Assert.Equal(0, ended.ExitCode);
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
            Assert.True(form != "markdown" || !ended.Output.Contains("| allow |", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_proof_is_for_its_entry_and_its_log_alone()
    {
        await ledger.FilledAsync(300);
        var (proof, entry, next) = (ledger.Bench.Folder.PathOf("p"), ledger.Bench.Folder.PathOf("e"), ledger.Bench.Folder.PathOf("n"));
        await ledger.LedgerAsync("prove", "5", ledger.Log, "--out", proof, "--entry", entry);
        await ledger.LedgerAsync("prove", "6", ledger.Log, "--out", ledger.Bench.Folder.PathOf("p6"), "--entry", next);
        var other = ledger.Bench.Folder.PathOf("other");
        await ledger.LedgerAsync("init", other, "--origin", LedgerBench.Origin);
        Assert.Equal(0, (await ledger.LedgerAsync("verify-proof", proof, entry, "--vkey", ledger.Log + ".vkey")).ExitCode);
        foreach (var (second, vkey) in ((string, string)[])[(next, ledger.Log), (entry, other), (proof, ledger.Log)])
        {
            var ended = await ledger.LedgerAsync("verify-proof", proof, second, "--vkey", vkey + ".vkey", "--output", "json");
            Assert.Equal(1, ended.ExitCode);
            Assert.Equal("refused", ended.Json().GetProperty("verdict").GetString());
        }

        Assert.Equal(1, (await ledger.LedgerAsync("verify-proof", entry, entry, "--vkey", ledger.Log + ".vkey", "--output", "json")).Json().GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public async Task Nothing_is_proven_of_a_log_that_was_changed_or_of_an_entry_that_it_does_not_have()
    {
        await ledger.FilledAsync(300);
        var proof = ledger.Bench.Folder.PathOf("p");
        var none = await ledger.LedgerAsync("prove", "300", ledger.Log, "--out", proof);
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("has no entry 300", none.Error, StringComparison.Ordinal);
        ledger.Flip("tile/entries/000", 100);
        var changed = await ledger.LedgerAsync("prove", "0", ledger.Log, "--out", proof);
        Assert.Equal(2, changed.ExitCode);
        Assert.Contains("do not belong together", changed.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(proof));
    }

    [Fact]
    public async Task A_proof_is_written_over_nothing()
    {
        await ledger.FilledAsync(3);
        var file = ledger.Bench.Folder.Write("mine", "mine");
        var ended = await ledger.LedgerAsync("prove", "0", ledger.Log, "--out", file);
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("mine", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    // Forty small ones; a decision with everything in it; a policy.
    private async Task FilledAsync()
    {
        await ledger.FilledAsync(40);
        await ledger.AppendAsync(
            TestEntries.Whole with { Critical = [], Timestamp = TestEntries.Now.AddSeconds(40) },
            TestEntries.Small(41) with { EventType = LedgerEvents.PolicyLoaded, Policy = TestEntries.Whole.Policy });
    }

    private Task<Ended> QueryAsync(params string[] search) => ledger.LedgerAsync(["query", ledger.Log, .. search]);

    public void Dispose() => ledger.Dispose();
}
