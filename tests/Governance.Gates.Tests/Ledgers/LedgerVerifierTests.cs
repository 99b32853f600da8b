using System.Text;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>The verifier against whoever changes a log, and the writer whose logs it accepts.</summary>
public sealed class LedgerVerifierTests
{
    private const int Size = 700;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(65_537)]
    public void A_log_of_any_size_verifies(int size)
    {
        var log = TestLog.Of(size);
        var verified = new List<long>();
        Assert.Null(LedgerVerifier.Verify(log.Checkpoint(), log.Source, progress: new Reports(verified)));
        Assert.Equal(size == 0 ? 0 : size, verified.LastOrDefault());
    }

    // Changes of this root are changes of the format: a log that was written once would no longer be written so.
    [Fact]
    public void The_same_entries_make_the_same_log_in_every_version() =>
        Assert.Equal("2ddf8ab37a4611a46a72e963058c2a0e24ef425ac70502eae088acdb80e8b93e", TestLog.Of(Size).Writer.Root.ToString());

    [Fact]
    public void An_entry_that_was_changed_is_named()
    {
        foreach (var (path, place, number) in (ReadOnlySpan<(string, int, int)>)[("tile/entries/000", 0, 0), ("tile/entries/000", 100, 100), ("tile/entries/000", 255, 255), ("tile/entries/001", 4, 260), ("tile/entries/002.p/188", 187, 699)])
        {
            var length = TestLog.Of(Size).Entries(path)[place].Length;
            for (var at = 0; at < length; at += 7)
            {
                var log = TestLog.Of(Size);
                var entries = log.Entries(path);
                entries[place][at] ^= 1;
                log.Replace(path, entries);
                Fails(log, number, path, $"byte {at}");
            }
        }
    }

    [Fact]
    public void A_tile_that_was_changed_is_named()
    {
        foreach (var path in TestLog.Of(Size).Files.Keys.Where(path => !path.StartsWith("tile/entries", StringComparison.Ordinal)))
        {
            var log = TestLog.Of(Size);
            log.Files[path][5] ^= 0x80;
            var fault = Fails(log, path.StartsWith("tile/0", StringComparison.Ordinal) ? (path == "tile/0/000" ? 0 : path == "tile/0/001" ? 256 : 512) : null, path, path);
            Assert.Contains("was changed", fault.Reason.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_tile_or_bundle_that_is_missing_cut_or_too_long_is_named()
    {
        foreach (var path in TestLog.Of(Size).Files.Keys)
        {
            var log = TestLog.Of(Size);
            log.Files.Remove(path);
            Assert.Equal(path, LedgerVerifier.Verify(log.Checkpoint(), log.Source)!.Tile?.Path ?? path);
            Assert.Contains(path, LedgerVerifier.Verify(log.Checkpoint(), log.Source)!.ToString(), StringComparison.Ordinal);
            log = TestLog.Of(Size);
            log.Files[path] = log.Files[path][..^1];
            Assert.Contains(path, LedgerVerifier.Verify(log.Checkpoint(), log.Source)!.ToString(), StringComparison.Ordinal);
        }

        var longer = TestLog.Of(Size);
        longer.Files["tile/entries/001"] = [.. longer.Files["tile/entries/001"], 0, 0];
        Fails(longer, 511, "tile/entries/001", "a full bundle holds 256 entries");
    }

    [Fact]
    public void Entries_that_are_missing_at_the_end_are_named_by_the_first_of_them()
    {
        var log = TestLog.Of(Size);
        log.Replace("tile/entries/002.p/188", log.Entries("tile/entries/002.p/188")[..^1]);
        Assert.Contains("is missing", Fails(log, 699, "tile/entries/002.p/188").Reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_that_are_swapped_left_out_or_doubled_are_named()
    {
        const string Path = "tile/entries/001";
        var log = TestLog.Of(Size);
        var entries = log.Entries(Path);
        log.Replace(Path, [.. entries[..9], entries[10], entries[9], .. entries[11..]]);
        Assert.Contains("does not follow entry 264", Fails(log, 265, Path).Reason.Message, StringComparison.Ordinal);
        log.Replace(Path, [.. entries[..9], .. entries[10..], entries[^1]]);
        Fails(log, 265, Path);
        log.Replace(Path, [.. entries[..10], entries[9], .. entries[10..^1]]);
        Fails(log, 266, Path);
    }

    [Fact]
    public void A_log_that_was_rewritten_with_chain_and_tiles_is_not_that_of_the_checkpoint()
    {
        var checkpoint = TestLog.Of(Size).Checkpoint();
        var fault = LedgerVerifier.Verify(checkpoint, TestLog.Rewritten(Size, 650).Source)!;
        Assert.Contains("belong together, and not to", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_of_an_older_copy_is_refused_by_who_kept_a_later_one()
    {
        var log = TestLog.Of(300);
        var older = log.Checkpoint();
        var copy = log.Files.ToDictionary();
        for (var i = 300; i < Size; i++)
        {
            log.Append(TestEntries.Small(i));
        }

        log.Store();
        var later = log.Checkpoint();
        Reading<ReadOnlyMemory<byte>> Replayed(TileAddress address) => new Reading<ReadOnlyMemory<byte>>.Found(copy.GetValueOrDefault(address.Path));
        Assert.Null(LedgerVerifier.Verify(older, Replayed));
        Assert.Contains("entries were removed", LedgerVerifier.Verify(older, Replayed, since: later)!.ToString(), StringComparison.Ordinal);
        Assert.Null(LedgerVerifier.Verify(later, log.Source, since: older));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(300)]
    [InlineData(512)]
    [InlineData(700)]
    public void Verifying_since_a_checkpoint_reads_what_came_after_it_and_finds_what_was_changed_before_it(int size)
    {
        var log = TestLog.Of(size);
        var since = log.Checkpoint();
        for (var i = size; i < 800; i++)
        {
            log.Append(TestEntries.Small(i));
        }

        log.Store();
        var asked = new List<TileAddress>();
        Assert.Null(LedgerVerifier.Verify(log.Checkpoint(), address =>
        {
            asked.Add(address);
            return log.Source(address);
        }, since));
        Assert.All(asked.Where(address => address.IsEntries), address => Assert.True(address.Index >= (size - 1) / 256));

        var other = TestLog.Rewritten(800, size - 1);
        var fault = LedgerVerifier.Verify(other.Checkpoint(), other.Source, since)!;
        Assert.Contains("was changed since it was verified", fault.ToString(), StringComparison.Ordinal);
    }

    // The first is what the tree goes on from, the second what the chain goes on from.
    [Theory]
    [InlineData("tile/1/000.p/3", 33)]
    [InlineData("tile/0/001", (255 * 32) + 1)]
    public void A_tile_from_which_a_verification_goes_on_must_be_that_of_the_checkpoint(string path, int at)
    {
        var log = TestLog.Of(800);
        log.Files[path][at] ^= 1;
        var fault = LedgerVerifier.Verify(log.Checkpoint(), log.Source, TestLog.Of(512).Checkpoint())!;
        Assert.Contains("something before entry 512 was changed", fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_sequence_of_an_entry_must_be_its_place()
    {
        // A writer that numbers wrongly, and chains and signs what it wrote.
        foreach (var (number, member) in (ReadOnlySpan<(string, string)>)[("4", "\"v\":1"), ("-3", "\"v\":1"), ("3.0", "\"v\":1"), ("3", "\"v\":1"), ("\"3\"", "\"v\":1"), ("4", "\"v\":1,\"z\":{\"a\":1,\"sequence\":3}"), ("3", "\"v\":1,\"z\":{\"a\":1,\"sequence\":4}")])
        {
            var chain = new EntryChain();
            foreach (var entry in TestLog.Of(3).Entries("tile/entries/000.p/3"))
            {
                Assert.Null(chain.Add(entry));
            }

            var next = $$"""{"previous_hash":"{{chain.Last}}","details":{"a":1,"sequence":3},"sequence":{{number}},{{member}}}""";
            Assert.Equal(number == "3", chain.Add(Encoding.UTF8.GetBytes(next)) is null);
        }
    }

    [Theory]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","x":1}""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","x":{"a":1,"sequence":0}}""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","sequence":0""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","sequence":0}}""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","sequence":"a\""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000","sequence":""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000000""")]
    [InlineData("""{"previous_hash":"0000000000000000000000000000000000000000000000000000000000000001","sequence":0}""")]
    [InlineData("""{"previous_hash": "0000000000000000000000000000000000000000000000000000000000000000","sequence":0}""")]
    [InlineData("")]
    public void Bytes_that_are_no_first_entry_do_not_begin_a_chain(string entry) => Assert.NotNull(new EntryChain().Add(Encoding.UTF8.GetBytes(entry)));

    [Fact]
    public void Random_bytes_in_place_of_any_file_are_a_fault_and_never_thrown_at()
    {
        var random = new Random(20261127);
        foreach (var path in TestLog.Of(Size).Files.Keys)
        {
            for (var i = 0; i < 20; i++)
            {
                var log = TestLog.Of(300);
                log.Files[path] = new byte[random.Next(9_000)];
                random.NextBytes(log.Files[path]);
                Assert.Equal(TestLog.Of(300).Files.ContainsKey(path), LedgerVerifier.Verify(log.Checkpoint(), log.Source) is not null);
            }
        }
    }

    [Fact]
    public void A_verification_ends_when_its_deadline_does()
    {
        var log = TestLog.Of(Size);
        using var deadline = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => LedgerVerifier.Verify(
            log.Checkpoint(),
            address =>
            {
                deadline.Cancel();
                return log.Source(address);
            },
            cancellation: deadline.Token));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(300)]
    public void A_writer_that_was_started_again_goes_on_as_if_it_had_not_been(int size)
    {
        var log = TestLog.Of(size);
        log.Restart();
        for (var i = size; i < Size; i++)
        {
            var appended = log.Append(TestEntries.Small(i));
            Assert.Equal((i, TreeHash.OfLeaf(appended.Bytes.Span)), (appended.Sequence, appended.Hash));
        }

        log.Store();
        var whole = TestLog.Of(Size);
        Assert.Equal(whole.Writer.Root, log.Writer.Root);
        Assert.Empty(log.Writer.TakeTiles());
        Assert.All(whole.Files, file => Assert.Equal(file.Value, log.Files[file.Key]));
    }

    [Fact]
    public void An_entry_that_cannot_be_appended_leaves_the_log_as_it_was()
    {
        var log = TestLog.Of(3);
        var (root, last) = (log.Writer.Root, log.Writer.Last);
        _ = log.Writer.Append(TestEntries.Small(3) with { Action = "a\nb" }).Why();
        Assert.NotNull(log.Writer.Replay("{}"u8));
        Assert.Equal((3, root, last), (log.Writer.Size, log.Writer.Root, log.Writer.Last));
        log.Append(TestEntries.Small(3));
        log.Store();
        Assert.Null(LedgerVerifier.Verify(log.Checkpoint(), log.Source));
    }

    [Fact]
    public void Stored_entries_are_replayed_into_the_log_that_they_came_from()
    {
        var log = TestLog.Of(300);
        var replayed = LedgerWriter.Begin(TestLog.Origin, 1);
        foreach (var entry in log.Entries("tile/entries/000").Concat(log.Entries("tile/entries/001.p/44")))
        {
            Assert.Null(replayed.Replay(entry));
        }

        Assert.Equal(log.Writer.Root, replayed.Root);
    }

    private static LedgerFault Fails(TestLog log, long? entry, string tile, string because = "")
    {
        var fault = LedgerVerifier.Verify(log.Checkpoint(), log.Source);
        Assert.True(fault is not null, because);
        Assert.True((entry, tile) == (fault.Entry, fault.Tile?.Path) || (fault.ToString().Contains($"or {tile} was changed", StringComparison.Ordinal) && entry is 699), $"{because}: {fault}");
        Assert.False(string.IsNullOrEmpty(fault.Reason.Remedy));
        return fault;
    }

    private sealed class Reports(List<long> all) : IProgress<long>
    {
        public void Report(long value) => all.Add(value);
    }
}
