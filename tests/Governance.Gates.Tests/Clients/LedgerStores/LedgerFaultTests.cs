using System.Text;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A log on a disk that fails, in a process that ends, in a folder that somebody touched: nothing is acknowledged that is not there.</summary>
public sealed class LedgerFaultTests : LedgerInFolder
{
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
    public async Task After_a_flush_that_failed_nothing_is_acknowledged_until_the_folder_is_opened_again()
    {
        var acknowledged = 0;
        await using (var ledger = await OpenAsync())
        {
            await AppendAsync(ledger, "before");
            acknowledged++;
            Disk.FailSync = true;
            var failed = Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "during", Precedence.Vital));
            Assert.Contains("could not be written", failed.Reason.Message, StringComparison.Ordinal);
            Disk.FailSync = false;
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
        // While nothing is published no file becomes free.
        await using (var ledger = await OpenAsync(clock: new Still()))
        {
            await AppendAsync(ledger, "first");
            Disk.IsFull = true;
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
            Disk.IsFull = false;
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

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(200)]
    public async Task After_a_write_that_failed_on_its_way_nothing_is_acknowledged_and_what_was_begun_is_cut(int written)
    {
        await using (var ledger = await OpenAsync(clock: new Still()))
        {
            await AppendAsync(ledger, "before");
            Disk.ShortWrite = (Used() % JournalDisk.BlockBytes) + written;
            Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "during", Precedence.Vital));
            Disk.ShortWrite = null;
            Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "after", Precedence.Vital));
        }

        await using (var again = await OpenAsync())
        {
            Assert.Equal(written > 0, again.Recovered is not null);
            Assert.Equal(written > 0 ? 2 : 1, (await AppendAsync(again, "during")).Sequence);
        }

        AssertVerified(written > 0 ? 3 : 2);
    }

    // After EIO Linux calls the pages clean, shows what they hold, and has nothing to flush.
    [Fact]
    public async Task What_a_failed_flush_dropped_is_written_again_before_it_is_taken_for_recorded()
    {
        await using (var ledger = await OpenAsync(clock: new Still()))
        {
            await AppendAsync(ledger, "before");
            Disk.FailSync = true;
            Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "during", Precedence.Vital));
        }

        Disk.FailSync = false;
        await using var again = await OpenAsync(clock: new Still());
        Assert.Equal(2, again.State.Size);
        await AppendAsync(again, "next");
        Assert.Equal(File.ReadAllBytes(Journal().Single()), Disk.Durable);
    }

    [Fact]
    public async Task What_was_cut_is_recorded_though_the_process_that_cut_it_ended_before_it_could()
    {
        await CrashedAsync(3);
        Overwrite(Used(), "GGJ1 torn"u8.ToArray());
        Disk.FailSync = true;
        await Assert.ThrowsAsync<GateException>(() => OpenAsync());
        Disk.FailSync = false;
        await using (var ledger = await OpenAsync())
        {
            Assert.NotNull(ledger.Recovered);
        }

        Assert.Equal(LedgerEvents.Recovered, Entry(3).EventType);
        await using var again = await OpenAsync();
        Assert.Equal((4, null), (again.State.Size, again.Recovered));
    }

    [Fact]
    public async Task A_cut_that_cannot_be_recorded_lets_nothing_start_and_the_folder_is_given_back()
    {
        await CrashedAsync(3);
        Overwrite(Used(), "GGJ1 torn"u8.ToArray());
        Disk.SyncsLeft = 1;
        Assert.Contains("could not record that an unfinished write was cut", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
        Disk.SyncsLeft = int.MaxValue;
        await using var ledger = await OpenAsync();
        Assert.NotNull(ledger.Recovered);
    }

    public static TheoryData<string, string> Touched => new()
    {
        { "shorter", "was made with" },
        { "empty", "was made with" },
        { "longer", "was made with" },
        { "named after an earlier entry", "not where its name" },
        { "named after a later entry", "not where its name" },
    };

    [Theory, MemberData(nameof(Touched))]
    public async Task A_journal_file_that_is_not_as_it_was_made_does_not_start(string how, string why)
    {
        await CrashedAsync(600, new string('x', 900));
        var file = Journal()[1];
        switch (how)
        {
            case "shorter" or "empty" or "longer":
                using (var stream = new FileStream(file, FileMode.Open))
                {
                    stream.SetLength(how switch { "empty" => 0, "shorter" => SmallFile - 1, _ => 5L * SmallFile });
                }

                break;
            default:
                var by = how.Contains("earlier", StringComparison.Ordinal) ? -1 : 1;
                File.Move(file, Path.Combine(Path.GetDirectoryName(file)!, $"{long.Parse(Path.GetFileName(file)) + by:D20}"));
                break;
        }

        Assert.Contains(why, (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(SmallFile)]
    public async Task A_next_file_that_was_not_made_here_is_made_anew(int size)
    {
        await CrashedAsync(3);
        await File.WriteAllBytesAsync(Path.Combine(Folder, "journal", "spare"), [.. Enumerable.Repeat((byte)'x', size)], TestContext.Current.CancellationToken);
        await using (var ledger = await OpenAsync(clock: new Still()))
        {
            for (var i = 0; i < 300; i++)
            {
                await AppendAsync(ledger, $"more-{i}", new string('x', 900));
            }

            Copy(Folder, Temporary.PathOf("copy"));
        }

        await using var again = await OpenAsync(Temporary.PathOf("copy"));
        Assert.Equal((303, null), (again.State.Size, again.Recovered));
    }

    [Fact]
    public async Task A_journal_without_a_checkpoint_is_no_new_log()
    {
        await CrashedAsync(3);
        File.Delete(Path.Combine(Folder, "checkpoint"));
        Assert.Contains("the checkpoint is missing", (await Assert.ThrowsAsync<GateException>(() => OpenAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_event_that_was_recorded_before_a_restart_is_recorded_once()
    {
        await FilledAsync(300);
        await using (var ledger = await OpenAsync(clock: new Still()))
        {
            Assert.Equal(7, (await AppendAsync(ledger, "e-7")).Sequence);
            Assert.Equal(299, (await AppendAsync(ledger, "e-299")).Sequence);
            Assert.Equal(300, (await AppendAsync(ledger, "unpublished")).Sequence);
            Copy(Folder, Temporary.PathOf("copy"));
        }

        await using var killed = await OpenAsync(Temporary.PathOf("copy"));
        Assert.Equal(300, (await AppendAsync(killed, "unpublished")).Sequence);
        Assert.Equal(301, killed.State.Size);
    }

    [Fact]
    public async Task With_a_full_disk_it_starts_for_what_must_be_recorded()
    {
        await FilledAsync(3);
        File.Delete(Path.Combine(Folder, "journal", "spare"));
        Disk.IsFull = true;
        await using (var ledger = await OpenAsync())
        {
            Assert.Contains("No space left", ledger.State.Warning!.Message, StringComparison.Ordinal);
            Assert.IsType<Reading<AppendedEntry>.Found>(await TryAppendAsync(ledger, "vital", Precedence.Vital));
        }

        AssertVerified(4);
    }

    [Fact]
    public async Task An_entry_that_cannot_even_be_written_ends_nothing()
    {
        await using var ledger = await OpenAsync();
        await Assert.ThrowsAsync<NullReferenceException>(async () => await ledger.AppendAsync(Entry("broken", null) with { Critical = default }, Precedence.Usual, TestContext.Current.CancellationToken));
        Assert.Equal(0, (await AppendAsync(ledger, "whole")).Sequence);
    }

    [Fact]
    public async Task What_was_cancelled_before_it_was_asked_is_not_written()
    {
        await using var ledger = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await ledger.AppendAsync(Entry("late", null), Precedence.Vital, new CancellationToken(canceled: true)));
        Assert.Equal(0, (await AppendAsync(ledger, "next")).Sequence);
    }

    [Fact]
    public async Task No_more_entries_wait_for_a_slow_disk_than_memory_is_kept_for()
    {
        await using var ledger = await OpenAsync();
        Disk.Flushing.Reset();
        var asked = Enumerable.Range(0, 40_000).Select(i => TryAppendAsync(ledger, $"e-{i}", Precedence.Vital).AsTask()).ToList();
        var refused = asked.Count(one => one.IsCompleted);
        Disk.Flushing.Set();
        Assert.InRange(refused, 1, 39_999);
        var taken = (await Task.WhenAll(asked)).Count(answer => answer is Reading<AppendedEntry>.Found);
        Assert.Equal(taken, ledger.State.Size);
    }

    // The kernel tells of a failed flush once, and the next one says that all is well.
    [Fact]
    public async Task After_a_flush_that_failed_once_nothing_that_was_ordered_behind_it_is_acknowledged()
    {
        await using var ledger = await OpenAsync();
        Disk.Flushing.Reset();
        Disk.FailNextSync = true;

        // One is being flushed, and the others are ordered behind it; the same event again is answered with the first.
        var asked = Enumerable.Range(0, 200).Select(i => TryAppendAsync(ledger, $"e-{i / 2}", Precedence.Vital).AsTask()).ToList();
        Disk.Flushing.Set();
        Assert.All(await Task.WhenAll(asked), answer => Assert.IsType<Reading<AppendedEntry>.Unread>(answer));
        Assert.NotNull(ledger.State.Fault);
    }

    [Fact]
    public async Task Large_entries_that_wait_are_bounded_by_their_bytes()
    {
        await using var ledger = await OpenAsync();
        Disk.Flushing.Reset();
        var large = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 60_000)}}"}"""));
        var asked = Enumerable.Range(0, 3_000).Select(i => ledger.AppendAsync(Entry($"e-{i}", null) with { Details = large }, Precedence.Usual, TestContext.Current.CancellationToken).AsTask()).ToList();
        var refused = asked.Count(one => one.IsCompleted);
        Disk.Flushing.Set();
        Assert.InRange(refused, 500, 2_000);
        await Task.WhenAll(asked);
    }

    [Fact]
    public async Task A_reader_finds_a_tile_that_became_full_while_it_looked_for_part_of_it()
    {
        await FilledAsync(256);
        var partial = Directory.CreateDirectory(Path.Combine(Folder, "tile/0/000.p"));
        File.CreateSymbolicLink(Path.Combine(partial.FullName, "40"), "gone");
        Assert.True(new LedgerFolder(Folder).Read(TileAddress.Of(0, 0, 40)!.Value).Try(out var tile, out _));
        Assert.Equal(256 * 32, tile.Length);
    }
}
