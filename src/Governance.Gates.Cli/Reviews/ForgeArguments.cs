using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Reviews;

/// <summary>What several verbs are told of a forge: a repository, and git objects in it.</summary>
internal static class ForgeArguments
{
    /// <summary>The repository that was named, or that of the workflow.</summary>
    /// <exception cref="GateException">None is named as owner/name.</exception>
    public static RepositoryName RequireRepository(string? named, Terminal terminal) => RepositoryName.TryParse(named ?? terminal.Variable("GITHUB_REPOSITORY"))
        ?? throw new GateException("no repository is named as owner/name", "give --repository OWNER/NAME, or set GITHUB_REPOSITORY");

    /// <summary>Tells which of these options were given something that is no name of a git object.</summary>
    public static void ValidateObjects(CommandResult result, params IEnumerable<Option> options)
    {
        foreach (var option in options)
        {
            if (result.GetResult(option) is { Tokens: [var token] } && GitObjectId.TryParse(token.Value) is null)
            {
                result.AddError($"{option.Name} '{token.Value}' is no name of a git object: write all its lower-case hex digits");
            }
        }
    }
}
