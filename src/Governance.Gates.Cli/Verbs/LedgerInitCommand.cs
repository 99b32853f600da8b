using System.CommandLine;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger init</c>: makes the folder and the key of a log.</summary>
internal static class LedgerInitCommand
{
    public static Command Create(Terminal terminal)
    {
        var folder = new Argument<string>("DIR") { Description = "The folder of the log: not there yet, or empty. DIR.key and DIR.vkey are written beside it.", HelpName = "DIR" };
        var origin = new Option<string>("--origin") { Description = "The name of the log, for ever: POLICY/ENVIRONMENT/CLUSTER/WRITER, without blanks and '+'.", HelpName = "NAME", Required = true };
        var form = Report.OutputOption();
        var command = new Command("init", "Makes the folder of a log and its Ed25519 key; whoever has DIR.key writes in the log's name. Example: gates ledger init /var/lib/gates/ledger --origin shop/production/9f1c7e9e/gate-0") { folder, origin, form };
        command.SetAction((parsed, _) =>
        {
            var (path, name) = (parsed.GetRequiredValue(folder), parsed.GetRequiredValue(origin));
            var (secretFile, vkeyFile) = (LedgerKeyFiles.KeyOf(path), LedgerKeyFiles.VerifierKeyOf(path));
            if (new[] { secretFile, vkeyFile }.FirstOrDefault(Path.Exists) is { } taken)
            {
                throw new GateException($"'{taken}' is there already", "name another folder: a log keeps its key, and a key its log");
            }

            OutputFile.RefuseTaken(path);
            var key = MakeKey(path, name);
            OutputFile.CreateFolder(path);
            return new Report(
                "ledger-init.schema.json",
                ExitCode.Allowed,
                $"made: {name} in {path}",
                [new("key", $"{secretFile}: keep it secret"), new("vkey", key.ToString()), new("publish", $"{vkeyFile}: with it everybody verifies the log")],
                json =>
                {
                    json.WriteString("folder", path);
                    json.WriteString("origin", name);
                    json.WriteString("key", secretFile);
                    json.WriteString("vkeyFile", vkeyFile);
                    json.WriteString("vkey", key.ToString());
                }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static NoteKey MakeKey(string folder, string origin)
    {
        try
        {
            return LedgerKeyFiles.Create(folder, origin).Key;
        }
        catch (DllNotFoundException exception)
        {
            throw new GateException("libcrypto.so.3 is not there", "install OpenSSL 3, which makes and uses the keys of logs", exception);
        }
    }
}
