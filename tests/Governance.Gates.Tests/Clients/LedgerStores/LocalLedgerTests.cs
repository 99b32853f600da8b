using System.Text;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A log in a local folder: what was acknowledged stays, what was changed is told, and a disk that fails makes nobody believe a lie.</summary>
public sealed class LocalLedgerTests : IDisposable
{
    private const int SmallFile = 256 * 1024;
    private static readonly EntryComponent Component = new("test", "1", null);
    private readonly TemporaryFolder temporary = new();
    private readonly NoteSigner signer = LogKeys.Ed25519("firm/production/c1/gate-0", 7);
    private readonly FaultyDisk disk = new();

    private string Folder => temporary.PathOf("ledger");

    public void Dispose() => temporary.Dispose();

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
        var copy = temporary.PathOf("copy");
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

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(4000)]
    public async Task A_write_that_was_not_finished_is_cut_and_recorded(int garbage)
    {
        await CrashedAsync(3);
        var end = Used();
        Overwrite(end, [.. Encoding.ASCII.GetBytes("GGJ1"), .. Enumerable.Repeat((byte)0xAB, garbage)]);
        await using (var ledger = await OpenAsync())
        {
            Assert.Contains($"byte {end}", ledger.Recovered, StringComparison.Ordinal);
            Assert.Equal(4, ledger.State.Size);
        }

        var told = Entry(3);
        Assert.Equal((LedgerEvents.Recovered, "cut"), (told.EventType, told.Outcome));
        AssertVerified(4);
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
        File.WriteAllBytes(Path.Combine(Folder, "checkpoint"), await Checkpoint.SignAsync(40, TreeHash.OfEmptyTree, [LogKeys.Ed25519(signer.Key.Name, 8)], TestContext.Current.CancellationToken));
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
    public async Task After_a_flush_that_failed_nothing_is_acknowledged_until_the_folder_is_opened_again()
    {
        var acknowledged = 0;
        await using (var ledger = await OpenAsync())
        {
            await AppendAsync(ledger, "before");
            acknowledged++;
            disk.FailSync = true;
            var failed = Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "during", Precedence.Vital));
            Assert.Contains("could not be written", failed.Reason.Message, StringComparison.Ordinal);
            disk.FailSync = false;
            Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "after", Precedence.Vital));
            Assert.NotNull(ledger.State.Fault);
        }

        await using var again = await OpenAsync();
        Assert.InRange(again.State.Size, acknowledged, acknowledged + 1);
        await AppendAsync(again, "next");
    }

    [Fact]
    public async Task A_full_disk_refuses_what_can_be_refused_keeps_space_for_the_rest_and_goes_on_once_there_is_space()
    {
        await using (var ledger = await OpenAsync())
        {
            await AppendAsync(ledger, "first");
            disk.IsFull = true;
            var usual = 1;
            while (await TryAppendAsync(ledger, $"usual-{usual}", Precedence.Usual, new string('x', 900)) is Reading<AppendedEntry>.Found)
            {
                usual++;
            }

            var vital = 0;
            while (await TryAppendAsync(ledger, $"vital-{vital}", Precedence.Vital, new string('x', 900)) is Reading<AppendedEntry>.Found)
            {
                vital++;
            }

            Assert.InRange(vital, 50, 200);
            Assert.Null(ledger.State.Fault);
            disk.IsFull = false;
            while (await TryAppendAsync(ledger, "again", Precedence.Usual) is not Reading<AppendedEntry>.Found)
            {
                // Space is made beside the appends, within a second.
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            Assert.Equal(usual + vital + 1, ledger.State.Size);
        }

        await using var reopened = await OpenAsync();
        Assert.Equal(reopened.State.Size, reopened.State.Published);
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

    private Task<LocalLedger> OpenAsync(string? folder = null) => LocalLedger.OpenAsync(folder ?? Folder, signer, Component, TimeProvider.System, disk, SmallFile, TestContext.Current.CancellationToken);

    private static LedgerEntry Entry(string id, string? text) => new()
    {
        Timestamp = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero),
        EventId = id,
        EventType = LedgerEvents.Decision,
        Component = Component,
        Rationale = PersonalText.Of(text) is { } why ? new EntryPart<PersonalText>.Inline(why) : null,
    };

    private static ValueTask<Reading<AppendedEntry>> TryAppendAsync(LocalLedger ledger, string id, Precedence precedence, string? text = null) => ledger.AppendAsync(Entry(id, text), precedence, TestContext.Current.CancellationToken);

    private static async Task<AppendedEntry> AppendAsync(LocalLedger ledger, string id, string? text = null) =>
        (await TryAppendAsync(ledger, id, Precedence.Usual, text)).Try(out var appended, out var why) ? appended : throw new InvalidOperationException(why.Message);

    private async Task FilledAsync(int count)
    {
        await using var ledger = await OpenAsync();
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(ledger, $"e-{i}");
        }
    }

    // The folder as a killed process leaves it: a journal, and nothing published.
    private async Task CrashedAsync(int count, string? text = null)
    {
        var running = temporary.PathOf("running");
        await using var ledger = await LocalLedger.OpenAsync(running, signer, Component, new Still(), disk, SmallFile, TestContext.Current.CancellationToken);
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(ledger, $"e-{i}", text);
        }

        Copy(running, Folder);
    }

    private string[] Journal() => [.. Directory.EnumerateFiles(Path.Combine(Folder, "journal")).Where(file => Path.GetFileName(file) != "spare").Order(StringComparer.Ordinal)];

    private int Used() => File.ReadAllBytes(Journal().Single()).AsSpan().LastIndexOfAnyExcept((byte)0) + 1;

    private void Overwrite(int at, byte[] bytes)
    {
        using var file = File.OpenHandle(Journal().Single(), FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, bytes, at);
    }

    private LedgerEntry Entry(int index)
    {
        var folder = new LedgerFolder(Folder);
        Assert.True(folder.ReadCheckpoint(signer.Key).Try(out var checkpoint, out _));
        Assert.True(folder.Read(TileAddress.OfEntries(index / 256, checkpoint.Size)!.Value).Try(out var bundle, out _));
        Assert.True(EntryBundle.Read(bundle).Try(out var entries, out _));
        Assert.True(LedgerEntry.Read(entries[index % 256]).Try(out var entry, out _));
        return entry;
    }

    private void AssertVerified(long size, string? path = null)
    {
        var folder = new LedgerFolder(path ?? Folder);
        Assert.True(folder.ReadCheckpoint(signer.Key).Try(out var checkpoint, out var why), why?.Message);
        Assert.Equal(size, checkpoint.Size);
        Assert.Null(LedgerVerifier.Verify(checkpoint, folder.Read, cancellation: TestContext.Current.CancellationToken));
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) is not ("lock" or "spare")))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    // A clock on which no second passes: nothing is published but at the end.
    private sealed class Still : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }

    private sealed class FaultyDisk : JournalDisk
    {
        public bool FailSync { get; set; }

        public bool IsFull { get; set; }

        public override void Allocate(string path, int bytes)
        {
            if (IsFull)
            {
                throw new IOException("No space left on device");
            }

            base.Allocate(path, bytes);
        }

        public override void Sync(SafeFileHandle file)
        {
            if (FailSync)
            {
                throw new IOException("Input/output error");
            }

            base.Sync(file);
        }
    }
}
