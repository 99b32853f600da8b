using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A log in a local folder: what was acknowledged stays, what was changed is told, and a disk that fails makes nobody believe a lie.</summary>
public sealed class LocalLedgerTests : LedgerInFolder
{
    [Fact]
    public async Task What_was_acknowledged_is_in_the_log_in_its_order_and_the_folder_verifies()
    {
        await using (var ledger = await OpenAsync())
        {
            Assert.Equal(new LedgerState(0, 0, null, null), ledger.State);
            for (var i = 0; i < 700; i++)
            {
                Assert.Equal(i, (await AppendAsync(ledger, $"e-{i}")).Sequence);
            }
        }

        AssertVerified(700);
        await using var again = await OpenAsync();
        Assert.Equal((700, 700), (again.State.Size, again.State.Published));
        Assert.Equal(700, (await AppendAsync(again, "next")).Sequence);
        Assert.Null(again.Recovered);
    }

    [Fact]
    public async Task Many_who_append_at_once_each_get_a_place_of_their_own()
    {
        var places = new long[32][];
        await using (var ledger = await OpenAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, places.Length).Select(writer => Task.Run(async () =>
            {
                places[writer] = new long[100];
                for (var i = 0; i < 100; i++)
                {
                    places[writer][i] = (await AppendAsync(ledger, $"w{writer}-{i}")).Sequence;
                }
            })));
        }

        Assert.Equal(Enumerable.Range(0, 3200).Select(i => (long)i), places.SelectMany(own => own).Order());
        Assert.All(places, own => Assert.Equal(own.Order(), own));
        AssertVerified(3200);
    }

    [Fact]
    public async Task What_was_never_published_is_in_the_journal_and_goes_on()
    {
        // A process that is killed leaves the folder as it is at that moment.
        var copy = Temporary.PathOf("copy");
        await using (var ledger = await OpenAsync())
        {
            for (var i = 0; i < 20; i++)
            {
                await AppendAsync(ledger, $"e-{i}");
            }

            Copy(Folder, copy);
        }

        await using (var again = await OpenAsync(copy))
        {
            Assert.Equal((20, null), (again.State.Size, again.Recovered));
            Assert.Equal(20, (await AppendAsync(again, "next")).Sequence);
        }

        AssertVerified(21, copy);
    }

    [Fact]
    public async Task Who_holds_the_log_is_read_from_the_journal_too()
    {
        var running = Temporary.PathOf("running");
        await using (var ledger = await LocalLedger.OpenAsync(running, Signer, Component, new Still(), Disk, SmallFile, TestContext.Current.CancellationToken, epoch: 5))
        {
            await AppendAsync(ledger, "one");
            Copy(running, Folder);
        }

        await using (var again = await OpenAsync())
        {
            await AppendAsync(again, "two");
        }

        Assert.Equal((5L, 5L), (Entry(0).Epoch, Entry(1).Epoch));
    }

    [Fact]
    public async Task The_same_event_is_recorded_once()
    {
        await using var ledger = await OpenAsync();
        var all = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => AppendAsync(ledger, $"e-{i % 5}")));
        Assert.Equal(5, all.Select(entry => entry.Sequence).Distinct().Count());
        Assert.Equal(5, ledger.State.Size);
    }

    [Fact]
    public async Task A_log_of_many_files_keeps_only_those_of_the_journal_that_the_tiles_do_not_hold()
    {
        await using (var ledger = await OpenAsync())
        {
            for (var i = 0; i < 1500; i++)
            {
                await AppendAsync(ledger, $"e-{i}", new string('x', 900));
            }
        }

        AssertVerified(1500);
        Assert.Single(Journal());
        await using var again = await OpenAsync();
        Assert.Equal(1500, again.State.Size);
    }

    [Fact]
    public async Task A_batch_that_was_changed_and_that_others_follow_is_no_torn_write_and_nothing_is_mended()
    {
        await CrashedAsync(3);
        var file = Journal().Single();
        var before = File.ReadAllBytes(file);
        var at = before.AsSpan().IndexOf("e-1\""u8);
        Overwrite(at, "e-9"u8.ToArray());
        var refused = await Assert.ThrowsAsync<GateException>(() => OpenAsync());
        Assert.Contains("is not as it was written, and others follow it", refused.Message, StringComparison.Ordinal);
        Overwrite(at, "e-1"u8.ToArray());
        Assert.Equal(before, File.ReadAllBytes(file));
        await using var ledger = await OpenAsync();
        Assert.Equal(3, ledger.State.Size);
    }

    public static TheoryData<string, string> Losses => new()
    {
        { "checkpoint", "the checkpoint is missing" },
        { "tile/entries/000.p/40", "is not there" },
        { "tile/0/000.p/40", "is not there" },
    };

    [Theory, MemberData(nameof(Losses))]
    public async Task A_log_that_lost_what_was_published_does_not_start(string lost, string why)
    {
        await FilledAsync(40);
        File.Delete(Path.Combine(Folder, lost));
        Assert.Contains(why, (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tiles_that_were_changed_or_a_checkpoint_of_another_key_do_not_start()
    {
        await FilledAsync(40);
        var tile = Path.Combine(Folder, "tile/0/000.p/40");
        var bytes = File.ReadAllBytes(tile);
        File.WriteAllBytes(tile, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        Assert.Contains("do not lead to the checkpoint", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
        File.WriteAllBytes(tile, bytes);
        File.WriteAllBytes(Path.Combine(Folder, "checkpoint"), await Checkpoint.SignAsync(40, TreeHash.OfEmptyTree, [LogKeys.Ed25519(Signer.Key.Name, 8)], TestContext.Current.CancellationToken));
        Assert.Contains("is not signed by", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Journal_files_that_were_taken_away_are_missed()
    {
        await CrashedAsync(400, text: new string('x', 900));
        Assert.True(Journal().Length > 1);
        File.Delete(Journal()[0]);
        Assert.Contains("entry 0 is missing", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_process_has_a_log()
    {
        await using var ledger = await OpenAsync();
        Assert.Contains("cannot be used", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_closed_ledger_takes_nothing()
    {
        var ledger = await OpenAsync();
        await ledger.DisposeAsync();
        Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "late", Precedence.Vital));
    }

    [Fact]
    public void A_new_key_signs_what_its_public_half_verifies_and_is_read_again_from_its_file()
    {
        var key = LedgerKey.Create();
        var read = LedgerKey.TryParse(key.ToPem())!;
        Assert.Equal(key.PublicKey, read.PublicKey);
        Assert.NotEqual(key.PublicKey, LedgerKey.Create().PublicKey);
        Assert.Null(LedgerKey.TryParse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
        Assert.Null(LedgerKey.TryParse(key.ToPem().Replace("PRIVATE", "PUBLIC", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_log_is_signed_with_a_key_of_libcrypto()
    {
        var own = LedgerKey.Create().ForLog("firm/own");
        await using (var ledger = await LocalLedger.OpenAsync(Folder, own, Component, TimeProvider.System, TestContext.Current.CancellationToken))
        {
            await AppendAsync(ledger, "one");
        }

        Assert.True(new LedgerFolder(Folder).ReadCheckpoint(own.Key).Try(out var checkpoint, out _));
        Assert.Equal(("firm/own", 1L), (checkpoint.Origin, checkpoint.Size));
    }
}
