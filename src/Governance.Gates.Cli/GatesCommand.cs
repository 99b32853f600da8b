using System.CommandLine;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Verbs;
using Governance.Gates.Clients.Consoles;

namespace Governance.Gates.Cli;

/// <summary>The command line <c>gates</c>, as a function of its arguments and of what surrounds it.</summary>
internal static class GatesCommand
{
    /// <summary>Runs one command line.</summary>
    /// <returns>The exit code; see <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellation = default)
    {
        // Whatever is printed passes through these, help and mistakes of the parser included.
        await using var output = new SafeWriter(terminal.Output);
        await using var error = new SafeWriter(terminal.Error);
        var safe = terminal with { Output = output, Error = error };
        var root = new RootCommand("The governance gates on the command line. Exit codes: 0 allowed, 1 denied, 2 could not tell or failed, 64 wrong usage, 130 interrupted.")
        {
            VerifyCommand.Create(safe),
            SignCommand.Create(safe),
            AttestCommand.Create(safe),
            ReleaseCommand.Create(safe),
            RevokeCommand.Create(safe),
            RequestCommand.Create(safe),
            ApproveCommand.Create(safe),
            ApprovalsCommand.Create(safe),
            AdmitCommand.Create(safe),
            TemplateCommand.Create(safe),
            ModelCommand.Create(safe),
            ReviewCommand.Create(safe),
            BranchesCommand.Create(safe),
            TagCommand.Create(safe),
            OwnersCommand.Create(safe),
            PolicyCommand.Create(safe),
            TrustCommand.Create(safe),
            LedgerCommand.Create(safe),
            ChangeCommand.Create(safe),
            SigstoreCommand.Create(safe),
            VersionCommand.Create(safe),
            ActionCommand.Create(safe, terminal.Output),
        };
        var code = await CommandRunner.RunAsync(root, args, output, error, cancellation: cancellation);
        try
        {
            await output.FlushAsync(CancellationToken.None);
            await error.FlushAsync(CancellationToken.None);
            return code;
        }
        catch (IOException)
        {
            // A verdict that could not be told is none: the disk is full, or the reader has gone.
            return ExitCode.Unknown;
        }
    }
}
