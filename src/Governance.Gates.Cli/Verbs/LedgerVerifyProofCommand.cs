using System.CommandLine;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger verify-proof</c>: does this proof show this entry to be in the log of this key?</summary>
internal static class LedgerVerifyProofCommand
{
    public static Command Create(Terminal terminal)
    {
        var proofFile = new Argument<string>("PROOF") { Description = "The .tlog-proof file." };
        var entryFile = new Argument<string>("ENTRY") { Description = "The stored bytes of the entry, nothing before or after them." };
        var vkey = new Option<string>("--vkey") { Description = "The log's verifier key, as its owner published it.", HelpName = "FILE", Required = true };
        var form = Report.OutputOption();
        var command = new Command("verify-proof", "Verifies offline that an entry is in the log of a key. Exits with 1 where the proof does not show it. Example: gates ledger verify-proof 41.tlog-proof 41.json --vkey ledger.vkey") { proofFile, entryFile, vkey, form };
        command.SetAction((parsed, _) =>
        {
            var key = LedgerKeyFiles.ReadVerifierKey(parsed.GetRequiredValue(vkey));
            var file = parsed.GetRequiredValue(proofFile);
            var bytes = InputFile.Read(file, "proof", LedgerProof.MostBytes);
            var entry = InputFile.Read(parsed.GetRequiredValue(entryFile), "entry", LedgerEntry.MostBytes);
            var leaf = TreeHash.OfLeaf(entry);
            var isProven = LedgerProof.Read(bytes).Try(out var proof, out var why);
            Checkpoint? checkpoint = null;
            isProven = isProven && proof!.Verify(leaf, key).Try(out checkpoint, out why);
            return new Report(
                "ledger-proof.schema.json",
                isProven ? ExitCode.Allowed : ExitCode.Denied,
                isProven ? string.Create(CultureInfo.InvariantCulture, $"proven: entry {proof!.Index} of {checkpoint}") : $"refused: {why}",
                [new("record hash", leaf.ToString()), new("vkey", key.ToString())],
                json =>
                {
                    json.WriteString("verdict", isProven ? "verified" : "refused");
                    json.WriteLog("", key, checkpoint);
                    json.WriteNumber("sequence", proof?.Index ?? 0);
                    json.WriteString("hash", leaf.ToString());
                    json.WriteString("proof", file);
                    json.WriteString("entry", parsed.GetRequiredValue(entryFile));
                    json.WriteReasons("reasons", why is null ? [] : [why]);
                }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }
}
