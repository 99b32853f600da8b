using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>A process that appends and is killed at any moment, again and again over one folder: what it said is there is there, once, and the log verifies.</summary>
public sealed partial class KilledLedgerTests
{
    private const string Origin = "firm/production/c1/gate-0";
    private const int Rounds = 200;
    private const int Writers = 32;
    private const int LongestMilliseconds = 120;

    [Fact]
    public async Task What_a_killed_process_acknowledged_is_in_the_log_once_and_what_it_did_not_is_there_at_most_once()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var temporary = new TemporaryFolder();
        var folder = temporary.PathOf("ledger");
        var key = LedgerKey.Create();
        var pem = temporary.Write("key.pem", key.ToPem());
        var acknowledged = new Dictionary<string, long>(StringComparer.Ordinal);
        var cuts = new HashSet<string>(StringComparer.Ordinal);
        var torn = new List<(string File, long End)>();
        var next = new long[Writers];
        for (var round = 0; round < Rounds; round++)
        {
            await using var appender = ChildProcess.Start(Path.Combine(AppContext.BaseDirectory, "Governance.Gates.LedgerAppender"), [folder, pem, Origin, string.Join(',', next)]);

            // Most rounds end among appends, some while the folder is opened.
            if (random.Next(5) > 0)
            {
                await appender.WaitForLineAsync(line => line.StartsWith("ack ", StringComparison.Ordinal), TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
            }

            await Task.Delay(random.Next(LongestMilliseconds), TestContext.Current.CancellationToken);
            appender.Kill();
            await appender.WaitForExitAsync(TestContext.Current.CancellationToken);
            foreach (var line in appender.Lines)
            {
                switch (line.Split(' ', 2))
                {
                    case ["ack", var what] when what.Split(' ') is [var id, var place]:
                        var sequence = long.Parse(place, CultureInfo.InvariantCulture);

                        // The last one of each writer is asked for again by the next process, as a client does that got no answer.
                        Assert.True(acknowledged.TryAdd(id, sequence) || acknowledged[id] == sequence, $"seed {seed}, round {round}: {line}, and {acknowledged[id]} before");
                        var (writer, number) = (id[1..id.IndexOf('-', StringComparison.Ordinal)], id[(id.IndexOf('-', StringComparison.Ordinal) + 1)..]);
                        next[int.Parse(writer, CultureInfo.InvariantCulture)] = long.Parse(number, CultureInfo.InvariantCulture);
                        break;
                    case ["cut", var what]:
                        cuts.Add(what);
                        break;
                    case ["open", _]:
                        break;
                    default:
                        Assert.Fail($"seed {seed}, round {round}: {string.Join('\n', appender.Lines)}");
                        break;
                }
            }

            // A kill seldom stops the kernel within a write, as a power loss does.
            if (random.Next(10) == 0 && Tear(folder, random) is { } tear)
            {
                torn.Add(tear);
            }
        }

        var signer = key.ForLog(Origin);
        await using (var ledger = await LocalLedger.OpenAsync(folder, signer, new("test", "1", null), TimeProvider.System, TestContext.Current.CancellationToken))
        {
            if (ledger.Recovered is { } cut)
            {
                cuts.Add(cut);
            }
        }

        var log = new LedgerFolder(folder);
        Assert.True(log.ReadCheckpoint(signer.Key).Try(out var checkpoint, out var why), $"seed {seed}: {why}");
        Assert.True(LedgerVerifier.Verify(checkpoint, log.Read, cancellation: TestContext.Current.CancellationToken) is not { } fault, $"seed {seed}");
        var (places, recorded) = Read(log, checkpoint.Size);
        Assert.Equal(checkpoint.Size, places.Count);
        Assert.All(acknowledged, one => Assert.True(places.GetValueOrDefault(one.Key, -1) == one.Value, $"seed {seed}: {one.Key} was acknowledged at {one.Value}"));
        Assert.All(cuts, cut => Assert.Contains(cut, recorded));
        var told = recorded.SelectMany(text => CutBytes().Matches(text)).Select(cut => (cut.Groups["file"].Value, Number(cut, "from") + Number(cut, "count"))).ToHashSet();
        Assert.All(torn, tear => Assert.Contains(tear, told));
        TestContext.Current.TestOutputHelper!.WriteLine($"{acknowledged.Count} acknowledged of {checkpoint.Size}, {torn.Count} torn writes, {recorded.Count} cuts recorded");
        Assert.True(acknowledged.Count > Rounds, $"only {acknowledged.Count} were acknowledged");
    }

    // Puts what a write that was not finished leaves behind the last batch of the journal, and says where it ends.
    private static (string File, long End)? Tear(string folder, Random random)
    {
        var journal = Path.Combine(folder, "journal");
        var last = Directory.Exists(journal) ? Directory.EnumerateFiles(journal, new string('?', 20)).Max(StringComparer.Ordinal) : null;
        if (last is null)
        {
            return null;
        }

        var torn = new byte[random.Next(1, 20_000)];
        random.NextBytes(torn);
        torn[^1] = 1;
        "GGJ1"u8[..Math.Min(4, torn.Length)].CopyTo(torn);
        var end = File.ReadAllBytes(last).AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        using var file = File.OpenHandle(last, FileMode.Open, FileAccess.Write);
        if (end + torn.Length > RandomAccess.GetLength(file))
        {
            return null;
        }

        RandomAccess.Write(file, torn, end);
        return (Path.GetFileName(last), end + torn.Length);
    }

    private static long Number(Match match, string group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("(?<file>[0-9]{20}): (?<count>[0-9]+) bytes from byte (?<from>[0-9]+) on", RegexOptions.NonBacktracking)]
    private static partial Regex CutBytes();

    // Every event with its place, and what was cut; an event that is there twice throws.
    private static (Dictionary<string, long> Places, HashSet<string> Cuts) Read(LedgerFolder log, long size)
    {
        var places = new Dictionary<string, long>(StringComparer.Ordinal);
        var cuts = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0L; TileAddress.OfEntries(index, size) is { } address; index++)
        {
            foreach (var bytes in LogFolder.Found(EntryBundle.Read(LogFolder.Found(log.Read(address)))))
            {
                using var entry = JsonDocument.Parse(bytes);
                places.Add(entry.RootElement.GetProperty("event_id").GetString()!, places.Count);
                if (entry.RootElement.GetProperty("event_type").GetString() == LedgerEvents.Recovered)
                {
                    cuts.Add(entry.RootElement.GetProperty("rationale").GetString()!);
                }
            }
        }

        return (places, cuts);
    }
}
