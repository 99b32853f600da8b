using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Cli.Images;

/// <summary>The arguments that say which image is meant.</summary>
internal static class ImageArguments
{
    /// <summary>An image in a registry or an <c>oci:</c> layout.</summary>
    public static Argument<Reading<ImageLocation>> Location()
    {
        var argument = new Argument<Reading<ImageLocation>>("IMAGE")
        {
            Description = "registry.example.com/app@sha256:…, registry.example.com/app:tag, or an image layout: oci:DIR, oci:DIR:tag, oci:DIR@sha256:…",
            CustomParser = result => Read(result.Tokens[0].Value, ImageLocation.Parse),
        };
        argument.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<Reading<ImageLocation>>() is Reading<ImageLocation>.Unread(var reason))
            {
                result.AddError(reason.ToString());
            }
        });
        return argument;
    }

    /// <summary>The repository that a layout stands for.</summary>
    public static Option<Repository?> As() => new("--as")
    {
        Description = "The repository that an oci: layout stands for, such as registry.example.com/app.",
        HelpName = "REPOSITORY",
        CustomParser = result =>
        {
            switch (Read(result.Tokens[0].Value, ImageReference.Parse))
            {
                case Reading<ImageReference>.Found({ Tag: null, Digest: null } reference):
                    return reference.Repository;
                case Reading<ImageReference>.Found(var more):
                    result.AddError($"--as '{more}' is more than a repository; leave out its tag and digest");
                    return null;
                case Reading<ImageReference>.Unread(var reason):
                    result.AddError(reason.ToString());
                    return null;
                default:
                    throw new UnreachableException();
            }
        },
    };

    /// <summary>What is wrong with where an image that is signed lies: the statement names its repository.</summary>
    public static IEnumerable<string> MistakesInWhereItLies(CommandResult result, Argument<Reading<ImageLocation>> image, Option<Repository?> standsFor) => (result.Location(image), result.IsGiven(standsFor)) switch
    {
        (ImageLocation.Layout, false) => ["a signature names the image's repository: say which one the layout stands for with --as REPOSITORY"],
        (ImageLocation.Registry, true) => ["--as goes with an oci: layout; a registry's image lies in its own repository"],
        _ => [],
    };

    /// <summary>Whether the command line itself gives an option.</summary>
    public static bool IsGiven(this SymbolResult result, Option option) => result.GetResult(option) is { Implicit: false };

    /// <summary>The location, or null where it is missing or wrong: options are validated all the same, so that every mistake is told.</summary>
    public static ImageLocation? Location(this CommandResult result, Argument<Reading<ImageLocation>> image) =>
        result.GetResult(image) is { Tokens.Count: 1 } && result.GetValue(image) is Reading<ImageLocation>.Found(var location) ? location : null;

    /// <summary>The location of a command line that was validated.</summary>
    public static ImageLocation Location(this ParseResult parsed, Argument<Reading<ImageLocation>> image) =>
        parsed.GetRequiredValue(image) is Reading<ImageLocation>.Found(var location) ? location : throw new UnreachableException();

    // What is wrong with an argument is wrong usage, and the parser has to be told: it exits with another code than a gate that cannot run.
    private static Reading<T> Read<T>(string text, Func<string, T> parse)
    {
        try
        {
            return new Reading<T>.Found(parse(text));
        }
        catch (GateException mistake)
        {
            return new Reading<T>.Unread(new("usage", mistake.Message));
        }
    }
}
