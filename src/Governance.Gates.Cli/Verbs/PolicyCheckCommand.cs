using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates policy check</c>: does this policy hold together?</summary>
internal static class PolicyCheckCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The policy. The key files that it names lie beside or below it." };
        var form = Report.OutputOption();
        var command = new Command("check", "Checks a policy and tells every mistake. Example: gates policy check governance.yaml") { file, form };
        command.SetAction((parsed, _) =>
        {
            var name = parsed.GetRequiredValue(file);
            return (PolicyFile.Read(name) switch
            {
                PolicyReading.Refused(var mistakes) => ToReport(name, null, mistakes, []),
                PolicyReading.Accepted(var policy, var warnings) => ToReport(name, policy, [], warnings),
                _ => throw new UnreachableException(),
            }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ToReport(string file, Policy? policy, ImmutableArray<PolicyMistake> mistakes, ImmutableArray<PolicyMistake> warnings)
    {
        var title = policy is null
            ? $"{file}: {mistakes.Length} {(mistakes.Length == 1 ? "mistake" : "mistakes")}"
            : $"{file}: good, {policy.Name} version {policy.Version}, {policy.Digest}";
        return new(
            "policy-check.schema.json",
            policy is null ? ExitCode.Denied : ExitCode.Allowed,
            title,
            [.. mistakes.Select(mistake => new Fact("", $"{file}:{mistake}")), .. warnings.Select(warning => new Fact("", $"{file}:{warning} (warning)"))],
            json =>
            {
                json.WriteString("verdict", policy is null ? "deny" : warnings.IsEmpty ? "allow" : "warn");
                json.WriteString("file", file);
                json.WriteString("name", policy?.Name);
                json.WriteString("digest", policy?.Digest.ToString());
                if (policy is not null)
                {
                    json.WriteNumber("version", policy.Version);
                }

                Write(json, "mistakes", mistakes);
                Write(json, "warnings", warnings);
            });
    }

    private static void Write(Utf8JsonWriter json, string name, ImmutableArray<PolicyMistake> mistakes)
    {
        json.WriteStartArray(name);
        foreach (var mistake in mistakes)
        {
            json.WriteStartObject();
            json.WriteNumber("line", mistake.Line);
            json.WriteNumber("column", mistake.Column);
            json.WriteString("path", mistake.Path);
            json.WriteString("message", mistake.Message);
            json.WriteString("remedy", mistake.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
