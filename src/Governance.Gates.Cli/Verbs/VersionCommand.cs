using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates version</c>: what this is.</summary>
internal static class VersionCommand
{
    public static Command Create(Terminal terminal)
    {
        var form = Report.OutputOption();
        var command = new Command("version", "Tells version, commit and runtime. Example: gates version --output json") { form };
        command.SetAction(parsed =>
        {
            // "0.1.0+commit", as the SDK writes it when it builds in a repository.
            var parts = (typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown").Split('+', 2);
            var runtime = $"{RuntimeInformation.FrameworkDescription} {RuntimeInformation.RuntimeIdentifier}";
            var commit = parts is [_, var built] ? built : null;
            return new Report(
                "version.schema.json",
                ExitCode.Allowed,
                $"gates {parts[0]}",
                [.. commit is null ? [] : (Fact[])[new("commit", commit)], new("runtime", runtime)],
                json =>
                {
                    json.WriteString("version", parts[0]);
                    json.WriteString("commit", commit);
                    json.WriteString("runtime", runtime);
                }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }
}
