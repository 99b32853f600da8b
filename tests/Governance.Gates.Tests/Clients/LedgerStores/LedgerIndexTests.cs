using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>The index of a log: what it names is what is there, in whatever pieces it was made, and it is of no other log.</summary>
public sealed class LedgerIndexTests : IDisposable
{
    // Small enough for many runs of many blocks each.
    private const int FewPostings = 2_000;
    private const int Size = 3_000;
    private static readonly DateTimeOffset Half = TestEntries.Time("2026-03-02T10:30:00Z");
    private static readonly string[] Names = ["a", "b", "c"];
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(Size)]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(300)]
    public void It_names_every_entry_of_a_term_and_no_other_however_often_it_was_caught_up(int step)
    {
        var log = new GrowingLog(Size, Entry);
        using var index = Open();
        for (var size = step; ; size = Math.Min(Size, size + (step == 1 ? size : step)))
        {
            Assert.Null(index.CatchUp(log.At(size), log.Source));
            Assert.Equal(size, index.Covered);
            if (size == Size)
            {
                break;
            }
        }

        Assert.True(Runs().Length < 12, string.Join(' ', Runs().Select(Path.GetFileName)));
        using var again = Open();
        foreach (var one in (LedgerIndex[])[index, again])
        {
            Assert.Null(one.CatchUp(log.At(Size), log.Source));
            Assert.Equal([1234L], one.Find([[IndexTerms.Correlation("c-1234")]]));
            Assert.Equal(Where(n => n % 3 == 1), one.Find([[IndexTerms.Namespace("b")]]));
            Assert.Equal(Where(n => n % 3 == 1 && n % 7 == 0), one.Find([[IndexTerms.Namespace("b")], [IndexTerms.VerdictOf(Verdict.Deny)]]));
            Assert.Equal(Where(n => n % 3 != 1 && n % 7 == 0), one.Find([[IndexTerms.Namespace("a"), IndexTerms.Namespace("c")], [IndexTerms.VerdictOf(Verdict.Deny)]]));
            Assert.Equal(Where(_ => true), one.Find([[IndexTerms.EventType(LedgerEvents.Decision)]]));
            Assert.Empty(one.Find([[IndexTerms.Correlation("c-1234")], [IndexTerms.Namespace("c")]]));
            Assert.Empty(one.Find([[IndexTerms.Correlation("b")]]));

            // From 10:30 on an entry a second: hours end at 1800.
            var eleven = Half.AddMinutes(30);
            Assert.Equal(Where(n => n < 1_800), one.Find([], until: eleven.AddTicks(-1)));
            Assert.Equal(Where(n => n >= 1_800 && n % 3 == 1), one.Find([[IndexTerms.Namespace("b")]], since: eleven));
            Assert.Equal(Where(_ => true), one.Find([], Half, eleven));
            Assert.Empty(one.Find([], until: Half.AddHours(-1)));
            Assert.Empty(one.Find([], since: eleven.AddHours(1)));
        }
    }

    [Fact]
    public void What_a_crash_left_beside_it_changes_nothing()
    {
        var log = new GrowingLog(Size, Entry);
        using (var index = Open())
        {
            index.CatchUp(log.At(Size / 2), log.Source);
        }

        // A merge that did not come to delete what it merged, and a file that was begun.
        var left = Runs().ToDictionary(file => file, File.ReadAllBytes);
        using (var index = Open())
        {
            index.CatchUp(log.At(Size), log.Source);
        }

        foreach (var (file, bytes) in left)
        {
            File.WriteAllBytes(file, bytes);
        }

        File.WriteAllBytes(left.Keys.First() + ".new", [1, 2, 3]);
        using var again = Open();
        Assert.Null(again.CatchUp(log.At(Size), log.Source));
        Assert.Equal(Where(n => n % 3 == 1), again.Find([[IndexTerms.Namespace("b")]]));
    }

    [Fact]
    public void Of_an_older_or_another_log_of_the_same_name_it_is_made_again()
    {
        var (log, other) = (new GrowingLog(Size, Entry), new GrowingLog(Size, n => Entry(n) with { CorrelationId = $"d-{n}" }));
        foreach (var (now, checkpoint, term) in ((GrowingLog, Checkpoint, string)[])[(log, log.At(Size), "c-7"), (log, log.At(100), "c-7"), (other, other.At(Size), "d-7"), (other, other.At(Size), "d-7")])
        {
            using var index = Open();
            Assert.Null(index.CatchUp(checkpoint, now.Source));
            Assert.Equal(checkpoint.Size, index.Covered);
            Assert.Equal([7L], index.Find([[IndexTerms.Correlation(term)]]));
            Assert.Empty(index.Find([[IndexTerms.Correlation(term == "c-7" ? "d-7" : "c-7")]]));
        }
    }

    [Fact]
    public void It_ends_where_the_log_is_not_what_its_checkpoint_says()
    {
        var log = new GrowingLog(Size, Entry);
        var bundle = TileAddress.OfEntries(5, Size)!.Value;
        log.Files[bundle.Path][400] ^= 1;
        using var index = Open();
        Assert.NotNull(index.CatchUp(log.At(Size), log.Source));
        Assert.Equal(5 * TileAddress.FullWidth, index.Covered);
        Assert.Equal(Where(n => n % 3 == 1).Where(n => n < index.Covered), index.Find([[IndexTerms.Namespace("b")]]));
    }

    [Fact]
    public void A_byte_that_was_changed_anywhere_is_noticed_or_changes_nothing()
    {
        var log = new GrowingLog(1_000, Entry);
        using (var index = Open())
        {
            index.CatchUp(log.At(1_000), log.Source);
        }

        var (random, noticed) = (new Random(7), 0);
        foreach (var file in Runs())
        {
            var good = File.ReadAllBytes(file);
            for (var round = 0; round < 200; round++)
            {
                var bad = (byte[])good.Clone();
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(file, bad);
                using var index = Open();
                index.CatchUp(log.At(1_000), log.Source, behind: int.MaxValue);
                try
                {
                    Assert.Equal(Where(n => n < index.Covered && n % 3 == 1), index.Find([[IndexTerms.Namespace("b")]]).ToList());
                }
                catch (InvalidDataException)
                {
                    noticed++;
                }
            }

            File.WriteAllBytes(file, good);
        }

        Assert.True(noticed > 0);
    }

    [Fact]
    public void A_file_that_ends_early_or_is_of_zeros_is_none()
    {
        var log = new GrowingLog(1_000, Entry);
        using (var index = Open())
        {
            index.CatchUp(log.At(1_000), log.Source);
        }

        foreach (var file in Runs())
        {
            var good = File.ReadAllBytes(file);
            foreach (var bad in (byte[][])[good[..^1], good[..4096], good[..10], [], new byte[good.Length], [.. good, 0]])
            {
                File.WriteAllBytes(file, bad);
                using var index = Open();
                Assert.True(index.Covered < 1_000);
                Assert.Null(index.CatchUp(log.At(1_000), log.Source));
                Assert.Equal([7L], index.Find([[IndexTerms.Correlation("c-7")]]));
            }

            File.WriteAllBytes(file, good);
        }
    }

    [Fact]
    public void Two_who_search_at_once_share_it_and_the_one_who_knows_less_breaks_nothing()
    {
        var log = new GrowingLog(Size, Entry);
        using var behind = Open();
        using var ahead = Open();
        Assert.Null(behind.CatchUp(log.At(500), log.Source));
        Assert.Null(ahead.CatchUp(log.At(Size), log.Source));

        // Read before the other went ahead.
        Assert.Null(behind.CatchUp(log.At(600), log.Source));
        Assert.Equal([7L], behind.Find([[IndexTerms.Correlation("c-7")]]));
        using var later = Open();
        Assert.Equal(Size, later.Covered);
    }

    public void Dispose() => folder.Dispose();

    private static IEnumerable<long> Where(Func<long, bool> holds) => Enumerable.Range(0, Size).Select(n => (long)n).Where(holds);

    private static LedgerEntry Entry(int number) => TestEntries.Small(number) with
    {
        Timestamp = Half.AddSeconds(number),
        EventType = LedgerEvents.Decision,
        CorrelationId = $"c-{number}",
        Namespace = Names[number % 3],
        Verdict = number % 7 == 0 ? Verdict.Deny : Verdict.Allow,
    };

    private LedgerIndex Open() => LedgerIndex.Open(folder.PathOf("index"), TestLog.Signer.Key, folder.PathOf("log"), FewPostings);

    private string[] Runs() => Directory.GetFiles(folder.PathOf("index"), "*.run", SearchOption.AllDirectories);

    /// <summary>A log with a checkpoint of each size.</summary>
    private sealed class GrowingLog
    {
        private readonly Dictionary<int, TreeHash> roots = [];

        public GrowingLog(int size, Func<int, LedgerEntry> make)
        {
            var writer = LedgerWriter.Begin(TestLog.Origin, 1);
            for (var i = 1; i <= size; i++)
            {
                Assert.IsType<Reading<AppendedEntry>.Found>(writer.Append(make(i - 1)));
                roots[i] = writer.Root;
            }

            foreach (var tile in writer.TakeTiles())
            {
                Files[tile.Address.Path] = tile.Bytes.ToArray();
            }
        }

        public Dictionary<string, byte[]> Files { get; } = [];

        public Checkpoint At(int size) => TestLog.Checkpoint(size, roots[size]);

        // As of a log that was written further: the widest tile answers for the narrower ones.
        public Reading<ReadOnlyMemory<byte>> Source(TileAddress address)
        {
            var path = address.Path.Split(".p/")[0];
            return Files.FirstOrDefault(file => file.Key == path || file.Key.StartsWith(path + ".p/", StringComparison.Ordinal)).Value is { } bytes
                ? new Reading<ReadOnlyMemory<byte>>.Found(bytes)
                : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"there is no {address}", null));
        }
    }
}
