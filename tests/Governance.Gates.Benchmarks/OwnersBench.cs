using System.Diagnostics;
using System.Globalization;
using System.Text;
using Governance.Gates.Reviews;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>CODEOWNERS beside npm's readers of it, on the same file and the same paths.</summary>
internal static class OwnersBench
{
    private const int Rules = 5_000;
    private const int Paths = 100_000;

    /// <summary>So many paths are enough for the peers: each takes them one by one, in the same time each.</summary>
    private const int PeerPaths = 2_000;

    public static async Task<IReadOnlyList<Row>> MeasureAsync()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(6);
        var text = string.Concat(Enumerable.Range(0, Rules).Select(i => $"{Pattern(random)} @team/{i % 97}\n"));
        string[] paths = [.. Enumerable.Range(0, Paths).Select(_ => $"{Folders(random, random.Next(1, 7))}/{Name(random)}.{Ending(random)}")];
        var file = folder.Write("CODEOWNERS", text);
        var list = folder.Write("paths", string.Join('\n', paths));
        var bytes = Encoding.UTF8.GetBytes(text);

        var (times, reading, owned) = (new List<double>(), new List<double>(), 0);
        var (little, much) = (0L, 0L);
        for (var round = 0; round < 5; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var owners = Codeowners.Read("CODEOWNERS", bytes);
            reading.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            little = Allocated(() => Count(owners, paths.AsSpan(0, Paths / 10)));
            start = Stopwatch.GetTimestamp();
            much = Allocated(() => owned = Count(owners, paths));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        var ours = times.Order().ElementAt(2);
        List<Row> rows =
        [
            new($"{Rules:n0} rules of CODEOWNERS on {Paths:n0} paths ({owned:n0} owned), one core: ms (and {reading.Order().ElementAt(2):0} to read the file)", $"{ours:0}", "", "at most 2,000", ours <= 2_000),
            new($"of it, allocated for {Paths:n0} paths: bytes", $"{much}", $"for {Paths / 10:n0}: {little}", "as many", much <= little),
        ];
        if (Peers.WhyNot(Peers.Node, Peers.CodeownersJs) is not null)
        {
            return rows;
        }

        var script = Path.Combine(ProjectTree.Root, "tests/peers/codeowners-js/time.cjs");
        var said = (await Command.RunAsync(Peers.Node.Require(), [script, Peers.CodeownersJs.Require(), file, list, $"{PeerPaths}"])).Succeeded().Output;
        var peers = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Select(line => (Name: line[0], Each: double.Parse(line[1], CultureInfo.InvariantCulture) / PeerPaths));
        var fastest = peers.MinBy(peer => peer.Each);
        var each = ours / Paths;
        rows.Add(new("the same, for one path: µs", $"{each * 1_000:0.0}", $"npm `{fastest.Name}`, over {PeerPaths} of them: {fastest.Each * 1_000:0.0}", $"at least 10 times as fast: {fastest.Each / each:0}", fastest.Each >= 10 * each));
        return rows;
    }

    private static int Count(Codeowners owners, ReadOnlySpan<string> paths)
    {
        var owned = 0;
        foreach (var path in paths)
        {
            owned += owners.Decide(path) is { Owners.IsEmpty: false } ? 1 : 0;
        }

        return owned;
    }

    private static long Allocated(Action work)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        work();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    // What large files hold: mostly folders from the root, then names anywhere, endings, single files and wildcards in the middle.
    private static string Pattern(Random random) => random.Next(20) switch
    {
        < 9 => $"/{Folders(random, random.Next(1, 5))}/",
        < 12 => $"{Name(random)}/",
        < 14 => $"*.{Ending(random)}{random.Next(100)}",
        < 16 => $"/{Folders(random, random.Next(1, 4))}/{Name(random)}.{Ending(random)}",
        16 => $"/{Folders(random, 2)}/**/{Name(random)}",
        17 => $"/{Folders(random, 1)}/*/{Name(random)}*",
        18 => $"**/{Name(random)}/{Name(random)}/",
        _ => $"/{Folders(random, 2)}/*.{Ending(random)}",
    };

    private static string Folders(Random random, int depth) => string.Join('/', Enumerable.Range(0, depth).Select(_ => Name(random)));

    private static string Name(Random random) => $"name{random.Next(60)}";

    private static string Ending(Random random) => random.Next(5) switch { 0 => "js", 1 => "cs", 2 => "py", 3 => "md", _ => "tf" };
}
