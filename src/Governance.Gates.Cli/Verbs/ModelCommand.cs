using System.CommandLine;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates model</c>: signatures over the files of a model.</summary>
internal static class ModelCommand
{
    public static Command Create(Terminal terminal) => new("model", "Signs and verifies the files of a model (OpenSSF Model Signing 1.0).")
    {
        ModelVerifyCommand.Create(terminal),
        ModelSignCommand.Create(terminal),
    };

    public static Argument<string> Model() => new("MODEL") { Description = "The model's folder, or the file that is the whole model." };

    public static Option<string[]> IgnorePaths(string description) =>
        new("--ignore-path") { Description = $"{description} Relative to the model, with /; a folder stands for all below it.", HelpName = "PATH" };
}
