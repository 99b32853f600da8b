using System.Globalization;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>What one run of wrk measured.</summary>
internal sealed record Load(double PerSecond, double P50, double P95, double P99, long Requests)
{
    private const int Connections = 50;

    /// <summary>Keeps 50 connections busy.</summary>
    /// <param name="url">What is asked.</param>
    /// <param name="body">A file to post; null for GET.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="rate">How many requests a second are sent, each review with a uid of its own; null for as many as are answered.</param>
    public static async Task<Load> RunAsync(Uri url, string? body, int seconds, int? rate = null)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "load.lua");
        var run = await Command.RunAsync("wrk", ["-t1", $"-c{Connections}", $"-d{seconds}s", "--latency", "-s", script, url.ToString()], new Dictionary<string, string?> { ["GATES_BENCH_BODY"] = body, ["GATES_BENCH_RATE"] = rate?.ToString(CultureInfo.InvariantCulture) });
        var result = run.Succeeded().Output.Split('\n').Single(line => line.StartsWith("RESULT ", StringComparison.Ordinal)).Split(' ').Skip(1).Select(number => long.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        if (result[5] != 0)
        {
            throw new InvalidOperationException($"{result[5]} requests to {url} failed");
        }

        return new(result[0] / (result[1] / 1e6), result[2] / 1000.0, result[3] / 1000.0, result[4] / 1000.0, result[0]);
    }
}
