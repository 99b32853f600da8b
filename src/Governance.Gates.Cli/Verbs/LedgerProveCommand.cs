using System.CommandLine;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger prove</c>: the proof that one entry is in the log, to be checked without the log and without us.</summary>
internal static class LedgerProveCommand
{
    public static Command Create(Terminal terminal)
    {
        var sequence = LedgerArguments.Sequence();
        var log = new LedgerArguments();
        var proofFile = new Option<string?>("--out") { Description = "Where the proof is written; entry-SEQ.tlog-proof unless given. Nothing is written over.", HelpName = "FILE" };
        var entryFile = new Option<string?>("--entry") { Description = "Where the stored bytes of the entry are written, which the proof is about; nowhere unless given.", HelpName = "FILE" };
        var form = Report.OutputOption();
        var command = new Command("prove", "Writes the proof that an entry is in the log (C2SP tlog-proof), once it is verified. Example: gates ledger prove 41 /var/lib/gates/ledger --out 41.tlog-proof --entry 41.json")
        {
            sequence, log.Folder, log.Vkey, proofFile, entryFile, form,
        };
        command.SetAction((parsed, _) =>
        {
            var opened = log.Open(parsed);
            var index = parsed.GetRequiredValue(sequence);
            var entry = opened.Required(index);
            var proof = opened.Prove(index, entry.Span).Required().Write();
            var file = parsed.GetValue(proofFile) ?? string.Create(CultureInfo.InvariantCulture, $"entry-{index}.tlog-proof");

            // What is handed out is what was verified, read back as others will read it.
            LedgerProof.Read(proof).Required().Verify(TreeHash.OfLeaf(entry.Span), opened.Key).Required();
            if (parsed.GetValue(entryFile) is { } beside)
            {
                OutputFile.Write(beside, entry.Span);
            }

            OutputFile.Write(file, proof);
            return ToReport(parsed.GetRequiredValue(log.Folder), opened, index, entry, file, parsed.GetValue(entryFile)).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ToReport(string folder, OpenLog log, long index, ReadOnlyMemory<byte> entry, string file, string? entryFile)
    {
        var hash = TreeHash.OfLeaf(entry.Span).ToString();
        return new(
            "ledger-proof.schema.json",
            ExitCode.Allowed,
            string.Create(CultureInfo.InvariantCulture, $"proven: entry {index} of {log.Checkpoint}"),
            [
                new("record hash", hash),
                new("proof", file),
                .. entryFile is null ? (Fact[])[] : [new Fact("entry", entryFile)],
                new("check it", $"gates ledger verify-proof {file} {entryFile ?? "ENTRY"} --vkey VKEY"),
            ],
            json =>
            {
                json.WriteString("verdict", "verified");
                json.WriteLog(folder, log.Key, log.Checkpoint);
                json.WriteNumber("sequence", index);
                json.WriteString("hash", hash);
                json.WriteString("proof", file);
                json.WriteString("entry", entryFile);
                json.WriteReasons("reasons", []);
            });
    }
}
