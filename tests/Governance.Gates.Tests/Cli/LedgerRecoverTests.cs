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
    public async Task An_approval_for_another_log_or_another_damage_recovers_nothing()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        using var other = new RecoveryBench();
        await other.Ledger.LedgerAsync("init", other.Log, "--origin", "firm/production/c1/gate-1");
        await other.AppendAsync([.. Enumerable.Range(0, 40).Select(TestEntries.Small)]);
        other.Truncate(Edge, 25);
        var before = RecoveryBench.Files(other.Log);
        var replayed = await other.Ledger.LedgerAsync("recover", other.Log, "--policy", firm.Policy, "--approved", firm.Document);
        Assert.Equal(1, replayed.ExitCode);
        Assert.Contains($"is about another log, {LedgerBench.Origin}", replayed.Output, StringComparison.Ordinal);
        Assert.Equal(before, RecoveryBench.Files(other.Log));

        // One more entry lost, and what was agreed to is something else.
        firm.Ledger.WriteEntries(Edge, firm.Ledger.Entries(Edge)[..24]);
        var changed = await firm.RecoverAsync();
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("is about another damage", changed.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
    }

    [Fact]
    public async Task An_approval_is_used_once_also_where_the_damaged_folder_is_put_back()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AppendAsync([.. Enumerable.Range(100, 10).Select(TestEntries.Small)]);
        Assert.Contains("is whole: 36 entries", (await firm.RecoverAsync()).Error, StringComparison.Ordinal);

        Directory.Move(firm.Log, firm.Bench.Folder.PathOf("recovered"));
        LedgerBench.Copy(firm.Aside.Single(), firm.Log);
        var again = await firm.RecoverAsync();
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("its approval is used up", again.Error, StringComparison.Ordinal);
        Directory.Delete(firm.Log, recursive: true);
        Directory.Move(firm.Bench.Folder.PathOf("recovered"), firm.Log);

        // A second damage is another document, and the holder after it another holder.
        firm.Truncate("tile/entries/000.p/36", 30);
        Assert.Contains("is about another damage", (await firm.RecoverAsync()).Output, StringComparison.Ordinal);
        await firm.ApprovedAsync();
        Assert.Equal(3, (await firm.RecoverAsync("--output", "json")).Json().GetProperty("epoch").GetInt32());
        await firm.AssertVerifiedAsync(31);
        Assert.Equal(2, firm.Aside.Length);
    }

    [Fact]
    public async Task Who_is_revoked_does_not_count_and_without_the_list_nobody_can_tell()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        firm.WritePolicy("revocations: { from: revocations.json, maxAge: 1h, by: [ann] }");
        var unknown = await firm.RecoverAsync("--output", "json");
        Assert.Equal((2, "unknown"), (unknown.ExitCode, unknown.Json().GetProperty("verdict").GetString()));
        var revoked = await firm.Bench.GatesAsync("revoke", "--policy", firm.Policy, "--key", firm.Bench.Folder.PathOf("ann.pem"), "--person", "ben");
        Assert.True(revoked.ExitCode == 0, revoked.Error);
        var refused = await firm.RecoverAsync();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("ben, who was revoked", refused.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
        await firm.ApproveAsync("dan");
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
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

    [Fact]
    public async Task A_policy_that_the_log_does_not_know_recovers_nothing()
    {
        await firm.Ledger.InitAsync();
        var known = TestEntries.Small(0) with { EventType = LedgerEvents.PolicyLoaded, Policy = new("firm", 1, Digest.Of("the one in force"u8)) };
        await firm.AppendAsync([known, .. Enumerable.Range(1, 39).Select(TestEntries.Small)]);
        firm.Truncate(Edge, 25);
        await firm.ApprovedAsync();
        var refused = await firm.RecoverAsync();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"is not the one that this log knows: firm version 1, {known.Policy.Digest}, or a later one", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_has_one_spelling_and_everything_else_is_none()
    {
        var key = NoteKey.TryParse("ledger.example/audit+5838a642+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs")!;
        var document = RecoveryDocument.Of(key, TestLog.Checkpoint(40, TreeHash.OfLeaf("old"u8)), new(25, TreeHash.OfLeaf("new"u8)), 40, "entry 25 is missing");
        Assert.Equal(document.Digest, RecoveryDocument.TryParse(document.Json)!.Digest);
        Assert.Equal((25L, 39L, "5838a642"), (document.Whole.Size, document.LastLost, document.Key));
        var text = System.Text.Encoding.UTF8.GetString(document.Json.Span);
        foreach (var (from, to) in ((string, string)[])[("{", "{ "), ("\"first\":25", "\"first\":24"), ("\"first\":25,", ""), ("\"size\":40", "\"size\":-1"), ("\"size\":40", "\"size\":4e1"), ("v1\"", "v2\""), ("\"damage\":\"", "\"damage\":\"\\ud800"), ("\"damage\":\"", "\"damage\":\"\\n"), ("\"key\":", "\"key\":\"00000000\",\"key\":"), ("\"whole\"", "\"more\":1,\"whole\"")])
        {
            var changed = text.Replace(from, to, StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            Assert.Null(RecoveryDocument.TryParse(System.Text.Encoding.UTF8.GetBytes(changed)));
        }

        Assert.Throws<GateException>(() => RecoveryDocument.Of(key, TestLog.Checkpoint(1L << 60, TreeHash.OfLeaf("old"u8)), new(25, TreeHash.OfLeaf("new"u8)), 1L << 60, "entry 25 is missing"));
        Assert.Null(RecoveryDocument.TryParse(new byte[RecoveryDocument.MaxBytes + 1]));
        Assert.Null(RecoveryDocument.TryParse("[]"u8.ToArray()));
        Assert.Null(RecoveryDocument.TryParse("null"u8.ToArray()));
    }

    public void Dispose() => firm.Dispose();

    private static T Inline<T>(EntryPart<T>? part) => Assert.IsType<EntryPart<T>.Inline>(part).Value;

    private async Task TruncatedAsync()
    {
        await firm.FilledAsync(40);
        firm.Truncate(Edge, 25);
    }
}
