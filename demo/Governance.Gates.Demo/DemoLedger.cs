using System.Diagnostics;
using System.Text.Json;

namespace Governance.Gates.Demo;

/// <summary>What the ledger says of the demo once the gate has stopped: that it verifies, the proof of one refusal, and that it comes out the same when it is decided again.</summary>
internal sealed class DemoLedger(string bin, DemoWorld world)
{
    /// <summary>Shows the commands and what they say.</summary>
    /// <returns>How many of them did not end as they should.</returns>
    public async Task<int> ShowAsync(CancellationToken cancellation)
    {
        var (found, json) = await RunAsync(["ledger", "query", "ledger", "--verdict", "deny", "--limit", "1", "--output", "json"], cancellation);
        using var entries = JsonDocument.Parse(found == 0 ? json : """{"entries":[{"sequence":0}]}""");
        var sequence = entries.RootElement.GetProperty("entries")[0].GetProperty("sequence").GetInt64().ToString(System.Globalization.CultureInfo.InvariantCulture);
        var failures = found == 0 ? 0 : 1;
        foreach (var command in (string[][])[["verify", "ledger"], ["prove", sequence, "ledger", "--out", "refusal.tlog-proof", "--entry", "refusal.json"], ["verify-proof", "refusal.tlog-proof", "refusal.json", "--vkey", "ledger.vkey"], ["replay", sequence, "ledger"]])
        {
            var (exitCode, said) = await RunAsync(["ledger", .. command], cancellation);
            Console.WriteLine($"\n$ gates ledger {string.Join(' ', command)}\n{said.TrimEnd()}");
            failures += exitCode == 0 ? 0 : 1;
        }

        return failures;
    }

    private async Task<(int ExitCode, string Said)> RunAsync(string[] arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.GetFullPath(Path.Combine(bin, "gates")), arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = world.Folder })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, said[0] + said[1]);
    }
}
