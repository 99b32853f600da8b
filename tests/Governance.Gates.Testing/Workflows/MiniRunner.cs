using System.Collections.Immutable;

namespace Governance.Gates.Testing.Workflows;

/// <summary>Runs a step as a GitHub runner runs a container action: inputs and files by environment, and everything that the step prints or writes read as the runner reads it.</summary>
public sealed class MiniRunner : IDisposable
{
    private const int MostSummaryBytes = 1024 * 1024;
    private static readonly ImmutableArray<string> Files = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];
    private readonly TemporaryFolder folder = new();
    private int steps;

    /// <summary>Runs one step.</summary>
    /// <param name="inputs">What <c>with:</c> says, by the names of the inputs.</param>
    /// <param name="run">The step: from its environment to its exit code and outputs.</param>
    public async Task<FinishedStep> RunAsync(IReadOnlyDictionary<string, string> inputs, Func<IReadOnlyDictionary<string, string>, Task<(int ExitCode, string Output, string Error)>> run)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(run);
        var step = ++steps;
        var environment = new Dictionary<string, string> { ["GITHUB_ACTIONS"] = "true", ["CI"] = "true" };
        foreach (var file in Files)
        {
            environment[file] = folder.Write($"{file}-{step}", "");
        }

        foreach (var (name, value) in inputs)
        {
            // actions/runner, Handler.cs: blanks become underscores, letters upper case, and hyphens stay.
            environment[$"INPUT_{name.Replace(' ', '_').ToUpperInvariant()}"] = value;
        }

        var (exitCode, output, error) = await run(environment);
        var (outputs, variables, state) = (Read("GITHUB_OUTPUT"), Read("GITHUB_ENV"), Read("GITHUB_STATE"));
        var summary = await File.ReadAllTextAsync(environment["GITHUB_STEP_SUMMARY"]);
        string?[] mistakes =
        [
            outputs.Mistake, variables.Mistake, state.Mistake,
            new FileInfo(environment["GITHUB_STEP_SUMMARY"]).Length > MostSummaryBytes ? "the summary is too large" : null,
            variables.Pairs.Any(pair => pair.Name.Equals("NODE_OPTIONS", StringComparison.OrdinalIgnoreCase)) ? "NODE_OPTIONS cannot be set" : null,
        ];
        return new(exitCode, output, error, [.. Commands(output), .. Commands(error)], Last(outputs), Last(variables), Last(state), summary, [.. mistakes.OfType<string>()]);

        FileCommands Read(string file) => FileCommands.Read(File.ReadAllText(environment[file]));
    }

    /// <summary>The commands in what a step printed.</summary>
    public static IEnumerable<WorkflowCommand> Commands(string printed)
    {
        ArgumentNullException.ThrowIfNull(printed);
        string? resume = null;

        // .NET's reader of a process's output, which the runner uses, ends a line at a carriage return too.
        foreach (var line in printed.Split('\n', '\r'))
        {
            if (resume is not null)
            {
                resume = line.Trim() == $"::{resume}::" ? null : resume;
            }
            else if (WorkflowCommand.Read(line) is { } command)
            {
                resume = command.Name.Equals("stop-commands", StringComparison.OrdinalIgnoreCase) ? command.Data : null;
                yield return command;
            }
        }
    }

    /// <summary>Removes the files.</summary>
    public void Dispose() => folder.Dispose();

    // A later line replaces an earlier one.
    private static ImmutableDictionary<string, string> Last(FileCommands read) =>
        read.Pairs.Aggregate(ImmutableDictionary.Create<string, string>(StringComparer.OrdinalIgnoreCase), (all, pair) => all.SetItem(pair.Name, pair.Value));
}

/// <summary>What a step left behind, as the runner understood it.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Commands">What was taken for a command.</param>
/// <param name="Outputs">Its outputs.</param>
/// <param name="Variables">Variables for the steps after it.</param>
/// <param name="State">Its state.</param>
/// <param name="Summary">Its part of the job's summary.</param>
/// <param name="Mistakes">What the runner could not take.</param>
public sealed record FinishedStep(
    int ExitCode,
    string Output,
    string Error,
    ImmutableArray<WorkflowCommand> Commands,
    ImmutableDictionary<string, string> Outputs,
    ImmutableDictionary<string, string> Variables,
    ImmutableDictionary<string, string> State,
    string Summary,
    ImmutableArray<string> Mistakes)
{
    /// <summary>Whether the step passed.</summary>
    public bool Succeeded => ExitCode == 0 && Mistakes.IsEmpty;
}
