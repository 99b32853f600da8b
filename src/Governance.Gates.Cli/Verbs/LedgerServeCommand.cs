using System.CommandLine;
using System.Net;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger serve</c>: a log over HTTP, for auditors and mirrors.</summary>
internal static class LedgerServeCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of the log; a process may write it meanwhile." };
        var listen = new Option<string>("--listen") { Description = "Where to listen; port 0 chooses one. Anybody who reaches it can read the whole log.", HelpName = "ADDRESS:PORT", DefaultValueFactory = _ => "127.0.0.1:8787" };
        listen.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => Read(token.Value) is null))
            {
                result.AddError($"--listen '{token.Value}' is no ADDRESS:PORT such as 127.0.0.1:8787");
            }
        });
        var command = new Command("serve", "Serves checkpoint, tiles and entries over HTTP (C2SP tlog-tiles), read-only, until Ctrl-C. Example: gates ledger serve /var/lib/gates/ledger --listen 127.0.0.1:8787") { folder, listen };
        command.SetAction(async (parsed, cancellation) =>
        {
            var log = new LedgerFolder(parsed.GetRequiredValue(folder));
            if (!Directory.Exists(log.Path))
            {
                throw new GateException($"{log.Path} is no folder", "name the folder of a log");
            }

            using var server = LedgerServer.Start(log, Read(parsed.GetRequiredValue(listen))!, terminal.Clock);
            await terminal.SayAsync($"serving {log.Path} at http://{server.EndPoint}/{(IPAddress.IsLoopback(server.EndPoint.Address) ? "" : ": anybody who reaches it can read the whole log")}");
            await server.RunAsync(cancellation);
            return ExitCode.Allowed;
        });
        return command;
    }

    // An address without a port would get port 0, and a number without an address is one.
    private static IPEndPoint? Read(string text) => IPEndPoint.TryParse(text, out var endpoint) && text.EndsWith($":{endpoint.Port}", StringComparison.Ordinal) && endpoint.ToString() == text ? endpoint : null;
}
