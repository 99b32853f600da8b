using System.CommandLine;

namespace Governance.Gates.Cli.Consoles;

/// <summary>Options whose value is one of a few words.</summary>
internal static class Choice
{
    /// <summary>Refuses any other word, on one line.</summary>
    public static Option<string> OneOf(this Option<string> option, params string[] words)
    {
        option.HelpName = string.Join('|', words);
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !words.Contains(token.Value)))
            {
                result.AddError($"{option.Name} '{token.Value}' is none of {string.Join(", ", words)}");
            }
        });
        return option;
    }
}
