using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger recover</c>: a damaged log goes on behind what was lost, once enough persons agreed to exactly that, and not quietly.</summary>
public sealed class LedgerRecoverTests : IDisposable
{
    private const string Edge = "tile/entries/000.p/40";
    private readonly RecoveryBench firm = new();

    [Fact]
    public async Task What_is_whole_and_what_is_lost_is_told_and_nothing_is_changed()
    {
        await TruncatedAsync();
        var before = RecoveryBench.Files(firm.Log);
        var told = await firm.LookAsync("--output", "json");
        Assert.Equal(1, told.ExitCode);
        var json = told.Json();
        var document = json.GetProperty("document");
        Assert.Equal(("damaged", 25, 40), (json.GetProperty("verdict").GetString(), document.GetProperty("whole").GetProperty("size").GetInt32(), document.GetProperty("checkpoint").GetProperty("size").GetInt32()));
        Assert.Equal((25, 39), (document.GetProperty("lost").GetProperty("first").GetInt32(), document.GetProperty("lost").GetProperty("last").GetInt32()));
        Assert.Contains("entry 25 is missing", document.GetProperty("damage").GetString(), StringComparison.Ordinal);
        Assert.Equal(json.GetProperty("digest").GetString(), Digest.Of(File.ReadAllBytes(firm.Document)).ToString());
        Assert.Equal(before, RecoveryBench.Files(firm.Log));
        Assert.Empty(firm.Aside);

        var text = await firm.LookAsync("--policy", firm.Policy);
        Assert.StartsWith($"damaged: {LedgerBench.Origin}: entries 25 to 39 are given up\n", text.Output, StringComparison.Ordinal);
        Assert.Contains($"ask: gates request {firm.Document} --action ledger-recovery --policy {firm.Policy} --key KEY.pem\n", text.Output, StringComparison.Ordinal);
        Assert.Contains($"then: gates ledger recover {firm.Log} --policy {firm.Policy} --approved {firm.Document}\n", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_shorter_than_its_checkpoint_goes_on_once_two_agreed_and_says_so_for_ever()
    {
        await TruncatedAsync();
        await Assert.ThrowsAsync<GateException>(firm.OpenAsync);
        var before = RecoveryBench.Files(firm.Log);
        var old = firm.Ledger.Keep("old");
        await firm.LookAsync();
        await firm.AskAsync();
        Assert.Contains("\"lost\":{\"first\":25,\"last\":39}", ApprovalBench.OnOneLine((await firm.ApproveAsync("ben")).Error), StringComparison.Ordinal);
        var early = await firm.RecoverAsync();
        Assert.Equal(1, early.ExitCode);
        Assert.Contains("still needed: 1 auditor", early.Output, StringComparison.Ordinal);
        Assert.Equal(before, RecoveryBench.Files(firm.Log));

        await firm.ApproveAsync("cem");
        var done = (await firm.RecoverAsync("--output", "json")).Json();
        Assert.Equal((0, "recovered", 25, 2), (done.GetProperty("exitCode").GetInt32(), done.GetProperty("verdict").GetString(), done.GetProperty("entry").GetInt32(), done.GetProperty("epoch").GetInt32()));
        await firm.AssertVerifiedAsync(26);

        // What was there is kept, byte for byte.
        Assert.Equal(firm.Aside.Single(), done.GetProperty("aside").GetString());
        Assert.Equal(before, RecoveryBench.Files(firm.Aside.Single()));

        var entry = await firm.EntryAsync(25);
        Assert.Equal((LedgerEvents.Recovered, 2L, "gave-up"), (entry.EventType, entry.Epoch, entry.Outcome));
        var quorum = Assert.Single(Inline(entry.Quorum));
        Assert.Equal((2L, "ben cem"), (quorum.Needed, string.Join(' ', quorum.Counted.Select(one => ((PersonalText.Plain)one.Person).Value))));
        Assert.Equal(File.ReadAllBytes(firm.Document), Inline(entry.Details).ToArray());
        var kept = Inline(entry.Evidence);
        Assert.Equal(["governance.gates/ledger-recovery", "governance.gates/policy", "https://governance.gates/approval/v1", "https://governance.gates/approval/v1", "https://governance.gates/request/v1"], kept.Select(one => one.Type).Order(StringComparer.Ordinal));
        Assert.All(kept, one => Assert.IsType<Reading<ReadOnlyMemory<byte>>.Found>(new EvidenceStore(firm.Log).Read(one.Digest)));

        var against = await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", old);
        Assert.Equal(1, against.ExitCode);
        Assert.Contains("entry 25 explains it: entries 25 to 39 are given up by the recovery sha256:", against.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_from_among_what_was_given_up_may_be_explained_and_one_from_before_it_needs_no_explanation()
    {
        await firm.FilledAsync(20);
        var whole = firm.Ledger.Keep("whole");
        await firm.AppendAsync([.. Enumerable.Range(20, 10).Select(TestEntries.Small)]);
        var lost = firm.Ledger.Keep("lost");
        await firm.AppendAsync([.. Enumerable.Range(30, 10).Select(TestEntries.Small)]);
        firm.Truncate(Edge, 25);
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.Bench.GatesAsync("approvals", firm.Document, "--policy", firm.Policy)).ExitCode);
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        Assert.Equal(0, (await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", whole)).ExitCode);
        var against = await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", lost, "--output", "json");
        Assert.Equal(1, against.ExitCode);
        Assert.Contains("entry 25 may explain it", against.Json().GetProperty("fault").GetProperty("message").GetString(), StringComparison.Ordinal);

        // What was taken away after the recovery is explained by nothing.
        await firm.AppendAsync([.. Enumerable.Range(100, 30).Select(TestEntries.Small)]);
        var later = firm.Ledger.Keep("later");
        firm.Ledger.WriteEntries("tile/entries/000.p/56", firm.Ledger.Entries("tile/entries/000.p/56")[..^1]);
        Assert.Contains("entry 55 (tile/entries/000.p/56): it is missing", (await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", later)).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("explain", (await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", later)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flipped_bit_in_the_middle_ends_what_is_whole_there()
    {
        await firm.FilledAsync(600);
        var old = firm.Ledger.Keep("old");
        Directory.Delete(firm.Ledger.PathOf("journal"), recursive: true);
        firm.Ledger.Flip("tile/entries/001", 7_000);
        await firm.ApprovedAsync();
        var document = RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!;
        Assert.InRange(document.Whole.Size, 257, 511);
        Assert.Equal(599, document.LastLost);
        Assert.Contains($"entry {document.Whole.Size} was changed", document.Damage, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AssertVerifiedAsync((int)document.Whole.Size + 1);
        Assert.Contains("explains it", (await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", old)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tile/entries/001", 7_000)]
    [InlineData("tile/0/001", 40)]
    [InlineData("tile/1/000.p/2", 33)]
    public async Task What_the_journal_or_the_entries_themselves_still_hold_is_mended_and_nothing_is_given_up(string path, int at)
    {
        await firm.FilledAsync(600);
        var old = firm.Ledger.Keep("old");
        firm.Ledger.Flip(path, at);
        await firm.ApprovedAsync();
        Assert.Null(RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!.LastLost);
        var done = await firm.RecoverAsync();
        Assert.True(done.ExitCode == 0, done.Output + done.Error);
        await firm.AssertVerifiedAsync(601);
        Assert.Equal(0, (await firm.Ledger.LedgerAsync("verify", firm.Log, "--against", old)).ExitCode);
        Assert.Equal("mended", (await firm.EntryAsync(600)).Outcome);
    }

    [Fact]
    public async Task A_changed_batch_in_the_journal_keeps_what_the_tiles_hold_and_gives_up_what_followed()
    {
        await firm.FilledAsync(40);
        var running = firm.Bench.Folder.PathOf("running");
        await using (var open = await firm.OpenAsync())
        {
            // Two batches that nothing published yet, as a process that is killed leaves them.
            await LedgerBench.AppendAsync(open, TestEntries.Small(40));
            await LedgerBench.AppendAsync(open, TestEntries.Small(41));
            LedgerBench.Copy(firm.Ledger.PathOf("journal"), running);
        }

        foreach (var file in Directory.EnumerateFiles(running))
        {
            File.Copy(file, Path.Combine(firm.Ledger.PathOf("journal"), Path.GetFileName(file)), overwrite: true);
        }

        var journal = Directory.EnumerateFiles(firm.Ledger.PathOf("journal")).Single(file => Path.GetFileName(file) != "spare");
        firm.Ledger.Flip(Path.GetRelativePath(firm.Log, journal), (await File.ReadAllBytesAsync(journal, TestContext.Current.CancellationToken)).AsSpan().IndexOf("event-40\""u8));
        await Assert.ThrowsAsync<GateException>(firm.OpenAsync);
        await firm.ApprovedAsync();
        Assert.Contains("of the journal is not as it was written", RecoveryDocument.TryParse(await File.ReadAllBytesAsync(firm.Document, TestContext.Current.CancellationToken))!.Damage, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AppendAsync(TestEntries.Small(50));
    }

    [Fact]
    public async Task What_was_rewritten_is_not_whole_though_it_belongs_together()
    {
        await firm.FilledAsync(30);
        var kept = firm.Ledger.Keep("kept");
        await firm.AppendAsync([.. Enumerable.Range(30, 30).Select(TestEntries.Small)]);
        var writer = LedgerWriter.Begin(LedgerBench.Origin, 1);
        foreach (var entry in Enumerable.Range(0, 50).Select(i => i < 35 ? TestEntries.Small(i) : TestEntries.Small(i) with { Outcome = "rewritten" }))
        {
            Assert.IsType<Reading<AppendedEntry>.Found>(writer.Append(entry));
        }

        Directory.Delete(firm.Ledger.PathOf("journal"), recursive: true);
        Directory.Delete(firm.Ledger.PathOf("tile"), recursive: true);
        foreach (var tile in writer.TakeTiles())
        {
            Directory.CreateDirectory(Path.GetDirectoryName(firm.Ledger.PathOf(tile.Address.Path))!);
            await File.WriteAllBytesAsync(firm.Ledger.PathOf(tile.Address.Path), tile.Bytes, TestContext.Current.CancellationToken);
        }

        Assert.Equal(0, (await firm.LookAsync("--output", "json")).Json().GetProperty("document").GetProperty("whole").GetProperty("size").GetInt32());
        Assert.Equal(30, (await firm.LookAsync("--against", kept, "--output", "json")).Json().GetProperty("document").GetProperty("whole").GetProperty("size").GetInt32());

        // Where nothing is whole, the log begins again and says so.
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AssertVerifiedAsync(1);
        Assert.Equal(2, (await firm.EntryAsync(0)).Epoch);
    }

    [Fact]
    public async Task An_older_copy_is_damaged_once_a_later_checkpoint_is_held_against_it_and_a_lost_checkpoint_is_said_by_one_kept_elsewhere()
    {
        await firm.FilledAsync(30);
        LedgerBench.Copy(firm.Log, firm.Bench.Folder.PathOf("earlier"));
        await firm.AppendAsync([.. Enumerable.Range(30, 10).Select(TestEntries.Small)]);
        var late = firm.Ledger.Keep("late");
        Directory.Delete(firm.Log, recursive: true);
        Directory.Move(firm.Bench.Folder.PathOf("earlier"), firm.Log);
        Assert.Contains("is whole", (await firm.LookAsync()).Error, StringComparison.Ordinal);
        var document = (await firm.LookAsync("--against", late, "--output", "json")).Json().GetProperty("document");
        Assert.Equal((30, 39), (document.GetProperty("whole").GetProperty("size").GetInt32(), document.GetProperty("lost").GetProperty("last").GetInt32()));

        var own = firm.Ledger.Keep("own");
        File.Delete(firm.Ledger.PathOf("checkpoint"));
        Assert.Contains("nothing else says what was in it", (await firm.LookAsync()).Error, StringComparison.Ordinal);
        await firm.ApprovedAsync("--against", own);
        Assert.Equal(0, (await firm.RecoverAsync("--against", own)).ExitCode);
        await firm.AssertVerifiedAsync(31);
    }

    [Fact]
    public async Task Where_it_ended_in_the_middle_it_begins_anew_or_finishes()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        var before = RecoveryBench.Files(firm.Log);

        // Before the exchange: a draft, with the mark of one, beside the damaged log.
        var draft = $"{firm.Log}.recovery-{Digest.Of(await File.ReadAllBytesAsync(firm.Document, TestContext.Current.CancellationToken)).Hex[..16]}";
        Directory.CreateDirectory(Path.Combine(draft, "tile", "entries"));
        await File.WriteAllTextAsync(Path.Combine(draft, DamagedLedger.DraftName), "{}", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(draft, "tile", "entries", "000.p"), "half", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AssertVerifiedAsync(26);
        Assert.Equal(before, RecoveryBench.Files(draft));
        Assert.False(File.Exists(firm.Ledger.PathOf(DamagedLedger.DraftName)));

        // After it: the next log is in its place, with the mark still on it.
        await File.WriteAllBytesAsync(firm.Ledger.PathOf(DamagedLedger.DraftName), await File.ReadAllBytesAsync(firm.Document, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Assert.Contains("is whole: 26 entries", (await firm.RecoverAsync()).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(firm.Ledger.PathOf(DamagedLedger.DraftName)));
        await firm.AppendAsync(TestEntries.Small(100));
        Assert.Equal(before, RecoveryBench.Files(draft));
    }

    [Fact]
    public async Task What_cannot_be_recovered_is_refused_by_name()
    {
        Assert.Contains("holds no log", (await NoKeyAsync()).Error, StringComparison.Ordinal);
        await firm.AppendAsync([.. Enumerable.Range(0, 40).Select(TestEntries.Small)]);
        Assert.Contains("is whole: 40 entries", (await firm.LookAsync()).Error, StringComparison.Ordinal);
        await using (await firm.OpenAsync())
        {
            Assert.Contains("is held by a process", (await firm.LookAsync()).Error, StringComparison.Ordinal);
        }

        firm.Truncate(Edge, 25);
        var stranger = firm.Bench.Folder.PathOf("stranger");
        await firm.Ledger.LedgerAsync("init", stranger, "--origin", "firm/other");
        Assert.Contains("the checkpoint cannot be trusted: it is not signed by firm/other+", (await firm.LookAsync("--vkey", stranger + ".vkey")).Error, StringComparison.Ordinal);

        await firm.LookAsync();
        var silent = firm.WritePolicy(ledger: "", name: "silent.yaml");
        foreach (var ended in (Ended[])[await firm.Ledger.LedgerAsync("recover", firm.Log, "--policy", silent, "--approved", firm.Document), await firm.Bench.GatesAsync("request", firm.Document, "--action", "deploy", "--policy", silent, "--key", firm.Bench.Folder.PathOf("ann.pem"), "--yes")])
        {
            Assert.Equal(2, ended.ExitCode);
            Assert.Contains("lets nobody recover a ledger; have ledger.recover added to it", ended.Error, StringComparison.Ordinal);
        }

        Assert.Contains("ask with --action ledger-recovery", (await firm.Bench.GatesAsync("request", firm.Document, "--action", "deploy", "--policy", firm.Policy, "--key", firm.Bench.Folder.PathOf("ann.pem"), "--yes")).Error, StringComparison.Ordinal);
        Assert.Contains("is no recovery document", (await firm.Ledger.LedgerAsync("recover", firm.Log, "--policy", firm.Policy, "--approved", firm.Policy)).Error, StringComparison.Ordinal);
        Assert.Contains("has no request for ledger-recovery", (await firm.RecoverAsync()).Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);

        async Task<Ended> NoKeyAsync()
        {
            await firm.Ledger.InitAsync();
            return await firm.LookAsync();
        }
    }

    public void Dispose() => firm.Dispose();

    private static T Inline<T>(EntryPart<T>? part) => Assert.IsType<EntryPart<T>.Inline>(part).Value;

    private async Task TruncatedAsync()
    {
        await firm.FilledAsync(40);
        firm.Truncate(Edge, 25);
    }
}
