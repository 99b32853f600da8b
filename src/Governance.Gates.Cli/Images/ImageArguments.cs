using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Cli.Images;

/// <summary>The arguments that say which image is meant.</summary>
internal static class ImageArguments
{
    /// <summary>An image in a registry or an <c>oci:</c> layout.</summary>
    public static Argument<ImageLocation> Location() => new("IMAGE")
    {
        Description = "registry.example.com/app@sha256:…, registry.example.com/app:tag, or an image layout: oci:DIR, oci:DIR:tag, oci:DIR@sha256:…",
        CustomParser = result => Parse(result, ImageLocation.Parse),
    };

    /// <summary>The repository that a layout stands for.</summary>
    public static Option<Repository?> As() => new("--as")
    {
        Description = "The repository that an oci: layout stands for, such as registry.example.com/app.",
        HelpName = "REPOSITORY",
        CustomParser = result => Parse(result, text => ImageReference.Parse(text) is { Tag: null, Digest: null } reference
            ? reference.Repository
            : throw new GateException($"'{text}' is more than a repository", "leave out its tag and digest")),
    };

    /// <summary>Whether the command line itself gives an option.</summary>
    public static bool IsGiven(this SymbolResult result, Option option) => result.GetResult(option) is { Implicit: false };

    /// <summary>The location, where it could be parsed; while options are validated it may be wrong.</summary>
    public static ImageLocation? Location(this CommandResult result, Argument<ImageLocation> image) =>
        result.GetResult(image) is { Tokens.Count: 1 } given && !given.Errors.Any() ? given.GetValueOrDefault<ImageLocation>() : null;

    // What is wrong with an argument is wrong usage, and the parser has to be told: it exits with another code than a gate that cannot run.
    private static T? Parse<T>(ArgumentResult result, Func<string, T> parse)
        where T : class
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (GateException mistake)
        {
            result.AddError(mistake.Message);
            return null;
        }
    }
}
