using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Cli.Images;

/// <summary>The arguments of a verb that signs something about an image and attaches it.</summary>
internal sealed class SignedImageArguments
{
    private readonly Argument<Reading<ImageLocation>> image = ImageArguments.Location();
    private readonly Option<Repository?> standsFor = ImageArguments.As();
    private readonly RegistryArguments registries = new();

    /// <summary>How it is signed.</summary>
    public SigningArguments Signing { get; } = new();

    /// <summary>How the answer is written.</summary>
    public Option<string> Form { get; } = Report.OutputOption();

    /// <summary>Adds them to a command: first the image, then <paramref name="own"/>, then how it is signed, reached and written.</summary>
    public void AddTo(Command command, params IEnumerable<Option> own)
    {
        command.Add(image);
        foreach (var option in (IEnumerable<Option>)[.. own, .. Signing.Options, standsFor, .. registries.ForWriting, Form])
        {
            command.Add(option);
        }
    }

    /// <summary>Tells every mistake in how they go together.</summary>
    public void Validate(CommandResult result, Terminal terminal)
    {
        Signing.Validate(result, terminal);
        foreach (var mistake in ImageArguments.MistakesInWhereItLies(result, image, standsFor))
        {
            result.AddError(mistake);
        }
    }

    /// <summary>Reads what signs, and finds the image. The caller disposes of both.</summary>
    /// <exception cref="GateException">Either cannot be read, or the image is not there.</exception>
    public async Task<SignedImage> OpenAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var signer = await Signing.OpenAsync(parsed, terminal, cancellation);
        IRegistry? registry = null;
        try
        {
            var location = parsed.Location(image);
            registry = registries.Open(parsed, location, terminal.Clock);
            return new(signer, await ImageTarget.RequireAsync(registry, location, parsed.GetValue(standsFor), terminal, cancellation));
        }
        catch
        {
            signer.Dispose();
            (registry as IDisposable)?.Dispose();
            throw;
        }
    }
}

/// <summary>An image, and what signs something about it.</summary>
internal sealed record SignedImage(StatementSigner Signer, ImageTarget Target) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Signer.Dispose();
        (Target.Registry as IDisposable)?.Dispose();
    }
}
