using System.CommandLine;
using Governance.Gates.Clients.Registries;

namespace Governance.Gates.Cli.Images;

/// <summary>The options that say how registries are reached.</summary>
internal sealed class RegistryArguments
{
    private readonly Option<string?> authorities = new("--registry-ca") { Description = "Certificate authorities of registries, PEM, besides the system's.", HelpName = "FILE" };
    private readonly Option<string[]> plainHttp = new("--plain-http") { Arity = ArgumentArity.OneOrMore, Description = "A registry host that speaks plain http although it is not loopback.", HelpName = "HOST" };

    /// <summary>A layout that stands in for every registry.</summary>
    public Option<string?> Layout { get; } = new("--layout") { Description = "An OCI image layout folder that stands in for every registry.", HelpName = "DIR" };

    /// <summary>The options of a verb that only reads.</summary>
    public IEnumerable<Option> ForReading => [Layout, .. ForWriting];

    /// <summary>The options of a verb that writes.</summary>
    public IEnumerable<Option> ForWriting => [authorities, plainHttp];

    /// <summary>Where images are read from.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="location">The image, where the command line names one: an <c>oci:</c> folder is its own registry.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="GateException">A folder or file that was named cannot be used.</exception>
    public IRegistry Open(ParseResult parsed, ImageLocation? location, TimeProvider clock) =>
        (location as ImageLocation.Layout)?.Directory is { } own ? OciLayout.Open(own)
        : parsed.GetResult(Layout) is not null && parsed.GetValue(Layout) is { } standIn ? OciLayout.Open(standIn)
        : new OciRegistry(new RegistryOptions { CaFile = parsed.GetValue(authorities), PlainHttpHosts = parsed.GetValue(plainHttp) ?? [] }, DockerCredentials.Load(), clock);
}
