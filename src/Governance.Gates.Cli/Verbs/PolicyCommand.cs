using System.CommandLine;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates policy</c>: check, explain, diff, schema.</summary>
internal static class PolicyCommand
{
    public static Command Create(Terminal terminal)
    {
        var schema = new Command("schema", "Prints the policy's JSON Schema for editors. Example: gates policy schema > policy.schema.json");
        schema.SetAction(async (_, _) =>
        {
            await terminal.Output.WriteAsync(PolicySchema.Json());
            return ExitCode.Allowed;
        });
        return new("policy", "Works on policy files. Example: gates policy check governance.yaml")
        {
            PolicyCheckCommand.Create(terminal),
            PolicyExplainCommand.Create(terminal),
            PolicyDiffCommand.Create(terminal),
            schema,
        };
    }
}
