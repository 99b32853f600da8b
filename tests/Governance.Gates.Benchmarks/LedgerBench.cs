using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Benchmarks;

/// <summary>The ledger beside what the machine can do in the same minutes: SHA-256 as openssl measures it, and writes that are made durable one by one.</summary>
internal sealed class LedgerBench : IDisposable
{
    private const int EntryBytes = 685;
    private const int InMemory = 10_000;
    private const int OnDisk = 1_000_000;
    private const int Finds = 5_000;

    /// <summary>The argument after which the program verifies a folder and measures nothing else.</summary>
    public const string VerifyFolderName = "verify-folder";

    private const string Origin = "bench/production/c1/gate-0";
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private readonly TemporaryFolder folder = TemporaryFolder.OnDisk();
    private readonly NoteSigner signer = LedgerKey.Create().ForLog(Origin);
    private readonly LedgerEntry entry = EntryOf(EntryBytes);

    public void Dispose() => folder.Dispose();

    public async Task<IReadOnlyList<Row>> MeasureAsync() => [.. await VerifyInMemoryAsync(), .. await VerifyOnDiskAsync(), .. await AppendAsync()];

    /// <summary>Verifies a log in a folder, and writes the seconds, the most resident MiB within the first tenth, and the most at all.</summary>
    public static int VerifyFolder(string path, string vkey)
    {
        var log = new LedgerFolder(path);
        var checkpoint = Found(log.ReadCheckpoint(NoteKey.TryParse(vkey)!));
        var (early, late) = (0.0, 0.0);
        var memory = new Told(size =>
        {
            late = Math.Max(late, Environment.WorkingSet / 1048576.0);
            early = size <= checkpoint.Size / 10 ? late : early;
        });
        var seconds = Milliseconds(() => Check(LedgerVerifier.Verify(checkpoint, log.Read, progress: memory) is null)) / 1000;
        Console.Write(string.Create(CultureInfo.InvariantCulture, $"{seconds} {early} {late}"));
        return 0;
    }

    private async Task<IReadOnlyList<Row>> VerifyInMemoryAsync()
    {
        var writer = LedgerWriter.Begin(Origin, 1);
        var entries = Enumerable.Range(0, InMemory).Select(i => Found(writer.Append(entry with { EventId = EventId(i) })).Bytes).ToList();
        var tiles = writer.TakeTiles().ToDictionary(tile => tile.Address, tile => tile.Bytes);
        var checkpoint = await CheckpointAsync(writer);
        var (chain, all, raw) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < 7; round++)
        {
            raw.Add(InMemory * await OpenSslMillisecondsAsync());
            for (var i = 0; i < 20; i++)
            {
                chain.Add(Milliseconds(() =>
                {
                    var links = new EntryChain();
                    Check(entries.TrueForAll(stored => links.Add(stored.Span) is null));
                }));
                all.Add(Milliseconds(() => Check(LedgerVerifier.Verify(checkpoint, address => new Reading<ReadOnlyMemory<byte>>.Found(tiles[address])) is null)));
            }
        }

        // openssl counts processor time: the fastest runs are those that nothing else interrupted.
        var (chained, verified, hashed) = (chain.Min(), all.Min(), raw.Min());
        return
        [
            new($"{InMemory:n0} entries of {EntryBytes} bytes in memory, their chain: ms, fastest of 140", $"{chained:0.0}", $"their SHA-256 by `openssl speed`: {hashed:0.0}", $"at most 2.5 of it: {chained / hashed:0.00}", chained <= 2.5 * hashed),
            new("the same with tiles and Merkle root: ms, fastest of 140", $"{verified:0.0}", $"the same: {hashed:0.0}", $"at most 4 of it: {verified / hashed:0.00}", verified <= 4 * hashed),
        ];
    }

    private async Task<IReadOnlyList<Row>> VerifyOnDiskAsync()
    {
        var path = folder.PathOf("million");
        var writer = LedgerWriter.Begin(Origin, 1);
        for (var i = 0; i < OnDisk; i++)
        {
            Found(writer.Append(entry with { EventId = EventId(i), CorrelationId = CorrelationId(i) }));
            if ((i + 1) % 100_000 == 0)
            {
                Write(path, writer.TakeTiles());
            }
        }

        await File.WriteAllBytesAsync(Path.Combine(path, "checkpoint"), (await CheckpointAsync(writer)).Note);
        var raw = OnDisk * await OpenSslMillisecondsAsync() / 1000;

        // In a process of its own, whose memory is that of the verification.
        var verified = (await Command.RunAsync("dotnet", [typeof(LedgerBench).Assembly.Location, VerifyFolderName, path, signer.Key.ToString()])).Succeeded().Output.Split(' ');
        var (seconds, early, late) = (double.Parse(verified[0], CultureInfo.InvariantCulture), double.Parse(verified[1], CultureInfo.InvariantCulture), double.Parse(verified[2], CultureInfo.InvariantCulture));
        var found = FindByCorrelationId(path);
        return
        [
            new($"{OnDisk:n0} entries in a folder, verified in full: s", $"{seconds:0.0}", $"their SHA-256 by `openssl speed`: {raw:0.0}", "", true),
            new("of it, most resident memory, MiB", $"{late:0}", $"within the first {OnDisk / 10:n0}: {early:0}", $"at most 1.3 of it: {late / early:0.00}", late <= 1.3 * early),
            found,
        ];
    }

    // As gates ledger query does in its process: the index is asked, the entry is read in the log, held against what is looked for, and proven under the checkpoint.
    private Row FindByCorrelationId(string path)
    {
        var terminal = new Terminal(Stream.Null, TextWriter.Null, TextWriter.Null);
        using var search = LedgerSearch.Open(path, signer.Key, folder.PathOf("index"), terminal);
        void Find(int number)
        {
            var scan = search.Run(new() { CorrelationId = CorrelationId(number) }, 10, CancellationToken.None);
            Check(scan is { HasMore: false, UnreadCount: 0, Found: [{ Sequence: var sequence }] } && sequence == number);
        }

        var built = Milliseconds(() => Find(0)) / 1000;
        var size = Directory.GetFiles(folder.PathOf("index"), "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) / 1048576.0;
        var random = new Random(1);
        var warm = Enumerable.Range(0, Finds / 10).Select(_ => random.Next(OnDisk)).ToList();
        warm.ForEach(Find);
        var times = Enumerable.Range(0, Finds).Select(_ => random.Next(OnDisk)).Select(number => Milliseconds(() => Find(number))).Order().ToList();
        var (p50, p99) = (times[Finds / 2], times[Finds * 99 / 100]);
        return new($"one of {OnDisk:n0} entries by its correlation id, the index warm ({size:0} MiB, built in {built:0.0} s): p99 of {Finds:n0}, ms", $"{p99:0.00}", $"p50: {p50:0.00}", $"at most 5 ms: {p99:0.00}", p99 <= 5);
    }

    private async Task<IReadOnlyList<Row>> AppendAsync()
    {
        (int Writers, double Asked)[] kinds = [(1, 0.5), (8, 3), (64, 15)];
        var rates = kinds.ToDictionary(kind => kind.Writers, _ => new List<(double Rate, double Raw, double P99)>());
        await AppendAsync(64);
        for (var round = 0; round < 5; round++)
        {
            var before = RawPerSecond();
            foreach (var (writers, _) in kinds)
            {
                var (rate, p99) = await AppendAsync(writers);
                var after = RawPerSecond();
                rates[writers].Add((rate, Math.Max(before, after), p99));
                before = after;
            }
        }

        return [.. kinds.Select(kind =>
        {
            var (rate, raw, p99) = rates[kind.Writers].OrderBy(one => one.Rate / one.Raw).ElementAt(2);
            return new Row($"durable entries of {EntryBytes} bytes with {kind.Writers} {(kind.Writers == 1 ? "writer" : "writers")}: entries/s (p99 {p99:0.00} ms)", $"{rate:0}", $"writes of {EntryBytes} bytes with fdatasync each, one by one: {raw:0}", $"at least {kind.Asked} of it: {rate / raw:0.00}", rate >= kind.Asked * raw);
        })];
    }

    private async Task<(double PerSecond, double P99)> AppendAsync(int writers)
    {
        var path = folder.PathOf($"append-{Guid.NewGuid():N}");
        var times = new List<double>[writers];
        double seconds;
        await using (var ledger = await LocalLedger.OpenAsync(path, signer, entry.Component, TimeProvider.System, CancellationToken.None))
        {
            var began = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
            {
                times[writer] = [];
                for (var i = 0; Stopwatch.GetElapsedTime(began) < Period; i++)
                {
                    var since = Stopwatch.GetTimestamp();
                    Found(await ledger.AppendAsync(entry with { EventId = EventId((writer * 10_000_000) + i) }, Precedence.Usual, CancellationToken.None));
                    times[writer].Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
                }
            })));
            seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        var all = times.SelectMany(own => own).Order().ToList();
        return (all.Count / seconds, all[(int)(all.Count * 0.99)]);
    }

    /// <summary>The 99th percentile of one write of an entry with fdatasync, ms.</summary>
    public double RawP99()
    {
        var times = Raw();
        return times[(int)(times.Count * 0.99)];
    }

    private double RawPerSecond()
    {
        var times = Raw();
        return times.Count / (times.Sum() / 1000);
    }

    // Into a file that was filled with zeros before, as the journal's are. Milliseconds, in order.
    private List<double> Raw()
    {
        const int Size = 32 * 1024 * 1024;
        var path = folder.PathOf("raw");
        File.WriteAllBytes(path, new byte[Size]);
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
        var (bytes, times, began) = (new byte[EntryBytes], new List<double>(), Stopwatch.GetTimestamp());
        bytes.AsSpan().Fill((byte)'x');
        while (Stopwatch.GetElapsedTime(began) < Period / 2)
        {
            var since = Stopwatch.GetTimestamp();
            RandomAccess.Write(file, bytes, (long)times.Count * EntryBytes % (Size - EntryBytes));
            Check(fdatasync(file) == 0);
            times.Add(Stopwatch.GetElapsedTime(since).TotalMilliseconds);
        }

        times.Sort();
        return times;
    }

    // For one message, from the line `sha256  1234567.89k`: thousands of bytes a second.
    private static async Task<double> OpenSslMillisecondsAsync()
    {
        var speed = (await Command.RunAsync("openssl", ["speed", "-seconds", "1", "-bytes", $"{EntryBytes}", "-evp", "sha256"])).Succeeded();
        var line = speed.Output.Split('\n').Single(line => line.StartsWith("sha256 ", StringComparison.OrdinalIgnoreCase));
        return EntryBytes / double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].TrimEnd('k'), CultureInfo.InvariantCulture);
    }

    private static void Write(string path, ImmutableArray<Tile> tiles)
    {
        foreach (var tile in tiles)
        {
            var file = Path.Combine(path, tile.Address.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using var stream = File.Create(file);
            stream.Write(tile.Bytes.Span);
        }
    }

    private async Task<Checkpoint> CheckpointAsync(LedgerWriter writer) => Found(Checkpoint.Open(await Checkpoint.SignAsync(writer.Size, writer.Root, [signer], CancellationToken.None), signer.Key));

    // A decision as a gate records one, of as many bytes as were asked for.
    private static LedgerEntry EntryOf(int bytes)
    {
        var entry = new LedgerEntry
        {
            Timestamp = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero),
            EventId = EventId(0),
            EventType = LedgerEvents.Decision,
            CorrelationId = "5f0c7a52-0000-4000-8000-000000000001",
            Component = new("gates-webhook", "1.0.0", null),
            Namespace = "trading",
            Actor = new(PersonalText.Of("system:serviceaccount:argocd:argocd-application-controller")!, "service-account", null, null, null),
            Action = "create",
            Verdict = Verdict.Allow,
            Mode = Mode.Enforce,
            Outcome = "admitted",
        };
        var writer = LedgerWriter.Begin(Origin, 1);
        var without = Found(writer.Append(entry)).Bytes.Length;
        const string Around = ",\"rationale\":\"\"";
        return entry with { Rationale = new EntryPart<PersonalText>.Inline(PersonalText.Of(new string('x', bytes - without - Around.Length))!) };
    }

    // As long as the uid of a review.
    private static string CorrelationId(int number) => string.Create(CultureInfo.InvariantCulture, $"5f0c7a52-0000-4000-8000-{number:D12}");

    private static string EventId(long number) => number.ToString("D12", CultureInfo.InvariantCulture);

    private static T Found<T>(Reading<T> reading) => reading.Try(out var value, out var why) ? value : throw new InvalidOperationException(why.ToString());

    private static void Check(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("what is measured does not work");
        }
    }

    private static double Milliseconds(Action action)
    {
        var since = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }

    private sealed class Told(Action<long> tell) : IProgress<long>
    {
        public void Report(long value) => tell(value);
    }

#pragma warning disable IDE1006 // the C library's own name
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int fdatasync(SafeFileHandle file);
#pragma warning restore IDE1006
}
