using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Workflows;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Actions;

/// <summary>Runs the actions as steps of a workflow, in this process.</summary>
internal sealed class ActionSteps : IDisposable
{
    private readonly MiniRunner runner = new();

    private readonly Dictionary<string, string> variables = [];

    public TemporaryFolder Folder { get; } = new();

    /// <summary>What the runner or <c>env:</c> sets for every step.</summary>
    public void Set(string name, string value) => variables[name] = value;

    public Task<FinishedStep> RunAsync(string action, params (string Name, string Value)[] inputs) => runner.RunAsync(
        inputs.ToDictionary(input => input.Name, input => input.Value),
        async environment =>
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            var exitCode = await GatesCommand.RunAsync(["action", action], new Terminal(Stream.Null, output, error) { Clock = new ForwardClock(), Variable = name => environment.GetValueOrDefault(name) ?? variables.GetValueOrDefault(name), VariableNames = () => environment.Keys });
            return (exitCode, output.ToString(), error.ToString());
        });

    /// <summary>The review action on a pull request, by the rules of <see cref="PullRequests"/>.</summary>
    public Task<FinishedStep> ReviewAsync(PullRequests request, params (string Name, string Value)[] more) =>
        RunAsync("review", [("snapshot", Folder.Write("pr.json", request.Json())), ("policy", Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules))), .. more]);

    public void Dispose()
    {
        runner.Dispose();
        Folder.Dispose();
    }
}
