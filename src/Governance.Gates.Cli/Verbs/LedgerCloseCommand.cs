using System.CommandLine;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger close</c>: ends a log whose gate is taken out of service, so that its silence afterwards is no finding.</summary>
internal static class LedgerCloseCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of the log, which no process writes any more; DIR.key and DIR.vkey lie beside it.", HelpName = "DIR" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var form = Report.OutputOption();
        var command = new Command("close", "Appends the entry that ends a log, for ever: nothing can follow it. Example: gates ledger close /var/lib/gates/ledger") { folder, yes, form };
        command.SetAction(async (parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(folder);
            var signer = LedgerKeyFiles.Read(path);
            if (!new LedgerFolder(path).ReadCheckpoint(signer.Key).Try(out _, out var unread))
            {
                throw new GateException($"'{path}' holds no log that can be closed: {unread.Message}", "name the folder of a log");
            }

            if (!parsed.GetValue(yes) && !await terminal.ConfirmAsync($"Close {signer.Key.Name}? Nothing can be appended to it any more. (yes or no)", cancellation))
            {
                throw new GateException("nothing was closed, as the answer was not yes", "answer yes, spelled out, to close the log");
            }

            Reading<AppendedEntry> closed;
            await using (var ledger = await LocalLedger.OpenAsync(path, signer, LedgerReadings.Component, terminal.Clock, cancellation))
            {
                closed = await ledger.AppendAsync(
                    new()
                    {
                        Timestamp = terminal.Clock.GetUtcNow(),
                        EventId = LedgerEvents.LogClosed,
                        EventType = LedgerEvents.LogClosed,
                        Component = LedgerReadings.Component,
                        RetentionClass = RetentionClasses.Audit,
                    },
                    Precedence.Vital,
                    cancellation);
            }

            if (!closed.Try(out var entry, out var why))
            {
                throw new GateException($"the log could not be closed: {why.Message}", why.Remedy ?? "try again");
            }

            return await new Report(
                "ledger-close.schema.json",
                ExitCode.Allowed,
                $"closed: {signer.Key.Name} in {path}",
                [new("entry", string.Create(CultureInfo.InvariantCulture, $"{entry.Sequence}, the last one")), new("keep", $"{path} as it is, and the checkpoint of now elsewhere: gates ledger verify still verifies it")],
                json =>
                {
                    json.WriteString("folder", path);
                    json.WriteString("origin", signer.Key.Name);
                    json.WriteNumber("sequence", entry.Sequence);
                }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }
}
