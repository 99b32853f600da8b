using System.Diagnostics;

namespace Governance.Gates.Testing.Processes;

/// <summary>What a program that ran to its end left behind.</summary>
/// <param name="CommandLine">How it was called, for messages.</param>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record Command(string CommandLine, int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a program to its end, without a shell; SIGKILL after two minutes.</summary>
    /// <param name="program">A path, or a name on PATH.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="environment">Variables to set over this process's own; null removes one.</param>
    /// <param name="input">Standard input; empty when absent.</param>
    /// <param name="cancellation">Ends the program too.</param>
    public static async Task<Command> RunAsync(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        string? input = null,
        CancellationToken cancellation = default)
    {
        var start = ChildProcess.StartInfo(program, arguments, environment);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await WriteInputAsync(process, input);
            await process.WaitForExitAsync(limit.Token);
            return new($"{program} {string.Join(' ', start.ArgumentList)}", process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>This result when the exit code is 0.</summary>
    /// <exception cref="InvalidOperationException">Another exit code; the message holds the command line and both outputs.</exception>
    public Command Succeeded() => ExitCode == 0
        ? this
        : throw new InvalidOperationException($"'{CommandLine}' ended with {ExitCode}:\n{Error}{Output}");

    private static async Task WriteInputAsync(Process process, string? input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended without reading its input; its exit code says why.
        }
    }
}
