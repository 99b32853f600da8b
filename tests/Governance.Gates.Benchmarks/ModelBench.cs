using System.Diagnostics;
using System.Globalization;
using Governance.Gates.Clients.Models;
using Governance.Gates.Sigstore.Models;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>The hashing of a model beside <c>openssl dgst -sha256</c> over the same files, all in the page cache.</summary>
internal sealed class ModelBench : IDisposable
{
    /// <summary>The argument after which the program hashes a file in shards and measures nothing but its own memory.</summary>
    public const string MemoryName = "model-memory";

    private const int Files = 8;
    private const long FileBytes = 128L << 20;
    private const long ShardBytes = 64L << 20;
    private const double Gibibytes = Files * FileBytes / (double)(1L << 30);
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public async Task<IReadOnlyList<Row>> MeasureAsync() => [.. await HashAsync(), await RememberAsync()];

    /// <summary>Hashes a folder and writes the most resident MiB of this process.</summary>
    public static async Task<int> MemoryAsync(string path)
    {
        await ReadAsync(path, 2, ShardBytes);
        Console.Write(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        return 0;
    }

    private async Task<IReadOnlyList<Row>> HashAsync()
    {
        var model = folder.Folder("model");
        var random = new Random(1);
        var block = new byte[1 << 20];
        for (var number = 0; number < Files; number++)
        {
            using var file = File.Create(Path.Combine(model, $"weights-{number}.bin"));
            for (var written = 0L; written < FileBytes; written += block.Length)
            {
                random.NextBytes(block);
                file.Write(block);
            }
        }

        string[] files = [.. Directory.GetFiles(model)];
        var (raw, one, two, shards) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < 8; round++)
        {
            var openssl = await RateAsync(async () => (await Command.RunAsync("openssl", ["dgst", "-sha256", .. files])).Succeeded());
            var (alone, both, sharded) = (await RateAsync(() => ReadAsync(model, 1, null)), await RateAsync(() => ReadAsync(model, 2, null)), await RateAsync(() => ReadAsync(model, 2, ShardBytes)));
            if (round > 0)
            {
                raw.Add(openssl);
                one.Add(alone);
                two.Add(both);
                shards.Add(sharded);
            }
        }

        // Each is held against the one of its own round, so that a machine that slows down on the way slows both.
        var (beside, doubled) = (Median([.. one.Zip(raw, (ours, theirs) => ours / theirs)]), Median([.. two.Zip(one, (both, alone) => both / alone)]));
        return
        [
            new($"a model of {Files} files, {Gibibytes:0} GiB in the page cache, hashed on one core: GiB/s", $"{Median(one):0.00}", $"`openssl dgst -sha256`: {Median(raw):0.00}", $"at least 0.9 of it: {beside:0.00}", beside >= 0.9),
            new("the same on two cores: GiB/s", $"{Median(two):0.00}", $"on one: {Median(one):0.00}", $"at least 1.7 times as fast: {doubled:0.00}", doubled >= 1.7),
            new($"the same in shards of {ShardBytes >> 20} MiB, on two cores: GiB/s", $"{Median(shards):0.00}", "", "", true),
        ];
    }

    // Files without blocks on the disk: their zeros are read and hashed as any other bytes are.
    private async Task<Row> RememberAsync()
    {
        var (small, large) = (await MemoryOfAsync(1L << 30), await MemoryOfAsync(10L << 30));
        return new("most resident memory while a model of 10 GiB is hashed in shards on two cores, MiB", $"{large:0}", $"1 GiB: {small:0}", $"at most 1.3 of it: {large / small:0.00}", large <= 1.3 * small);
    }

    private async Task<double> MemoryOfAsync(long bytes)
    {
        var path = folder.Folder($"sparse-{bytes}");
        using (var file = File.Create(Path.Combine(path, "weights.bin")))
        {
            file.SetLength(bytes);
        }

        // In a process of its own, whose memory is that of the hashing.
        return double.Parse((await Command.RunAsync("dotnet", [typeof(ModelBench).Assembly.Location, MemoryName, path])).Succeeded().Output, CultureInfo.InvariantCulture) / 1024;
    }

    private static async Task ReadAsync(string path, int workers, long? shardSize)
    {
        var folder = new ModelFolder(path, ModelSerialization.TryCreate(shardSize, [], out var mistake) ?? throw new InvalidOperationException(mistake)) { Workers = workers };
        if (await folder.ReadAsync((_, _) => true, CancellationToken.None) is not ModelReading.Hashed)
        {
            throw new InvalidOperationException("the model could not be read");
        }
    }

    private static async Task<double> RateAsync(Func<Task> action)
    {
        var since = Stopwatch.GetTimestamp();
        await action();
        return Gibibytes / Stopwatch.GetElapsedTime(since).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
