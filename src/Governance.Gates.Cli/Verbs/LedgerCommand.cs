using System.CommandLine;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger</c>: makes, verifies, reads and hands out logs. None of these but <c>recover</c> and <c>close</c> takes a lock: a process may write the log meanwhile.</summary>
internal static class LedgerCommand
{
    public static Command Create(Terminal terminal) => new("ledger", "Works on the ledger of a gate. Example: gates ledger verify /var/lib/gates/ledger --vkey ledger.vkey")
    {
        LedgerInitCommand.Create(terminal),
        LedgerVerifyCommand.Create(terminal),
        LedgerProveCommand.Create(terminal),
        LedgerVerifyProofCommand.Create(terminal),
        LedgerReplayCommand.Create(terminal),
        LedgerQueryCommand.Create(terminal),
        LedgerTailCommand.Create(terminal),
        LedgerExportCommand.Create(terminal),
        LedgerServeCommand.Create(terminal),
        LedgerRecoverCommand.Create(terminal),
        LedgerCloseCommand.Create(terminal),
    };
}
