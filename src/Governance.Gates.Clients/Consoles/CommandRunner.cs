using System.CommandLine;

namespace Governance.Gates.Clients.Consoles;

/// <summary>Runs a command line under the exit codes of <see cref="ExitCode"/>. One of the two places that catch <see cref="GateException"/>.</summary>
public static class CommandRunner
{
    /// <summary>Parses and runs.</summary>
    /// <param name="root">The command; its actions return an exit code.</param>
    /// <param name="args">The arguments.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where mistakes go.</param>
    /// <param name="farewell">How long the action may go on after Ctrl-C or SIGTERM before the process ends under it; two seconds unless given.</param>
    /// <param name="cancellation">Ends the work as Ctrl-C does.</param>
    /// <returns>The action's exit code; 64 for wrong usage, 2 for a gate that cannot run, 130 after Ctrl-C.</returns>
    public static async Task<int> RunAsync(RootCommand root, string[] args, TextWriter output, TextWriter error, TimeSpan? farewell = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(error);
        try
        {
            var parsed = root.Parse(args);
            if (parsed.Errors.Count > 0)
            {
                foreach (var mistake in parsed.Errors)
                {
                    await error.WriteLineAsync($"{root.Name}: {mistake.Message}").ConfigureAwait(false);
                }

                await error.WriteLineAsync($"{root.Name}: try --help").ConfigureAwait(false);
                return ExitCode.Usage;
            }

            return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = farewell ?? TimeSpan.FromSeconds(2), Output = output, Error = error }, cancellation).ConfigureAwait(false);
        }
        catch (GateException exception)
        {
            await error.WriteLineAsync($"{root.Name}: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Unknown;
        }
        catch (OperationCanceledException)
        {
            await error.WriteLineAsync($"{root.Name}: interrupted").ConfigureAwait(false);
            return ExitCode.Interrupted;
        }
#pragma warning disable CA1031 // A user gets one line and "could not tell" for a defect of ours, never a stack trace that a script takes for a verdict.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await error.WriteLineAsync($"{root.Name}: failed with {exception.GetType().Name}: {exception.Message}; report this defect").ConfigureAwait(false);
            return ExitCode.Unknown;
        }
    }
}
