using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger tail</c>: the last entries of a log, and those that follow.</summary>
internal static class LedgerTailCommand
{
    private const int Most = 1_000;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    public static Command Create(Terminal terminal)
    {
        var log = new LedgerArguments();
        var lines = LedgerQueryCommand.Limit("--lines", "How many of the last entries.", 10, Most);
        var follow = new Option<bool>("--follow") { Description = "Go on with what is published, until Ctrl-C: a line an entry. Each checkpoint must go on from the one before." };
        var form = Report.OutputOption();
        var command = new Command("tail", "Prints the last entries of a log, each proven under its checkpoint. Example: gates ledger tail /var/lib/gates/ledger --follow") { log.Folder, log.Vkey, lines, follow, form };
        command.Validators.Add(result =>
        {
            if (result.IsGiven(follow) && result.GetResult(form) is { Tokens: [{ Value: "markdown" }] })
            {
                result.AddError("--output markdown has an end, and --follow has none; leave out one of them");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var opened = log.Open(parsed);
            var first = Math.Max(0, opened.Checkpoint.Size - parsed.GetValue(lines));
            if (!parsed.GetValue(follow))
            {
                var scan = LedgerScan.Run(opened, first, new(), Most, null, cancellation);
                return await LedgerQueryCommand.ToReport(parsed.GetRequiredValue(log.Folder), opened, scan).WriteAsync(terminal, parsed.GetRequiredValue(form));
            }

            await FollowAsync(opened, first, parsed.GetRequiredValue(form) == "json", terminal, cancellation);
            return ExitCode.Denied;
        });
        return command;
    }

    /// <summary>Prints what there is and what is published, until the log is not what it was.</summary>
    private static async Task FollowAsync(OpenLog log, long first, bool asJson, Terminal terminal, CancellationToken cancellation)
    {
        while (true)
        {
            while (first < log.Checkpoint.Size)
            {
                var scan = LedgerScan.Run(log, first, new(), Most, null, cancellation);
                foreach (var entry in scan.Found)
                {
                    await terminal.Output.WriteAsync(asJson ? ToJson(entry) : SafeText.Line(string.Join("  ", entry.Row)) + "\n");
                }

                await terminal.Output.FlushAsync(cancellation);
                foreach (var why in scan.Unread)
                {
                    await terminal.SayAsync($"unread: {why}");
                }

                // Without any, there was nothing but what cannot be read.
                first = scan is { HasMore: true, Found: [.., var last] } ? last.Sequence + 1 : log.Checkpoint.Size;
            }

            await Task.Delay(Every, terminal.Clock, cancellation);
            var next = log.Folder.ReadCheckpoint(log.Key).Required();
            if (!next.GoesOnFrom(LedgerPosition.Of(log.Checkpoint), log.Folder.Read).Required())
            {
                await terminal.SayAsync($"refused: {next} does not go on from {log.Checkpoint}: entries were removed or rewritten; keep this copy as it is, and compare it with copies and checkpoints kept elsewhere");
                return;
            }

            log = log with { Checkpoint = next };
        }
    }

    private static string ToJson(ShownEntry entry)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Encoder = SafeText.Json }))
        {
            entry.Write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}
