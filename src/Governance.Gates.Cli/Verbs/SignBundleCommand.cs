using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.Signing;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates sigstore sign-bundle</c>: the command line that the public suite sigstore-conformance drives (its <c>docs/cli_protocol.md</c>). Not shown in help.</summary>
/// <remarks>The suite gives the token on the command line, where everybody on the machine can read it: for tests. <c>gates sign --keyless</c> takes it from a file or the environment.</remarks>
internal sealed class SignBundleCommand
{
    private const int MostStatementBytes = 11 * 1024 * 1024;
    private static readonly SigningConfig PublicGood = new("https://fulcio.sigstore.dev", "https://rekor.sigstore.dev", RekorVersion.V1, "https://timestamp.sigstore.dev/api/v1/timestamp");

    private readonly Option<bool> staging = SigstoreCommand.Staging("The staging instance: its services and root are named by --signing-config and --trusted-root.");
    private readonly Option<bool> inToto = new("--in-toto") { Description = "The file is an in-toto statement." };
    private readonly Option<string> token = new("--identity-token") { Description = "The identity token itself.", HelpName = "TOKEN", Required = true };
    private readonly Option<string> bundle = SigstoreCommand.Bundle("Where the bundle goes.");
    private readonly Option<string?> root = SigstoreCommand.Root();
    private readonly Option<string?> config = new("--signing-config") { Description = "The signing_config.json; the public instance's services unless given.", HelpName = "FILE" };
    private readonly Argument<string> file = new("file") { Description = "What is signed.", HelpName = "FILE" };

    private SignBundleCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new SignBundleCommand();
        var command = new Command("sign-bundle", "Signs a file into a Sigstore bundle as sigstore-conformance asks.") { verb.staging, verb.inToto, verb.token, verb.bundle, verb.root, verb.config, verb.file };
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        if (result.IsGiven(staging) && !(result.IsGiven(root) && result.IsGiven(config)))
        {
            result.AddError("there is no copy of the staging instance here: name --trusted-root and --signing-config");
        }

        if (result.IsGiven(config) && !result.IsGiven(root))
        {
            result.AddError("name the root of the instance that --signing-config tells of: --trusted-root");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var services = parsed.GetValue(config) is { } named ? ReadConfig(named, terminal) : PublicGood;
        var trusted = SigstoreCommand.ReadRoot(parsed, root);
        var who = KeylessArguments.ReadToken(parsed.GetRequiredValue(token), null, terminal);
        RekorVersion? log = services.Log is null ? null : services.LogVersion;
        using var signer = KeylessArguments.Open(new(Address(services.CertificateAuthority)!, Address(services.Log), Address(services.TimestampAuthority)), log, KeylessArguments.EvidenceOf(trusted, log is not null), who, null, terminal);
        var path = parsed.GetRequiredValue(file);
        var signed = parsed.GetValue(inToto)
            ? await signer.SignAsync(InputFile.Read(path, "statement", MostStatementBytes), cancellation)
            : await signer.SignDigestAsync(await InputFile.HashAsync(path, "file", cancellation), cancellation);
        OutputFile.Write(parsed.GetRequiredValue(bundle), signed.Json.Span);
        await terminal.Output.WriteLineAsync($"signed by {who}");
        return ExitCode.Allowed;
    }

    private static SigningConfig ReadConfig(string file, Terminal terminal) =>
        SigningConfig.TryParse(InputFile.Read(file, "signing configuration", SigningConfig.MaxSize), terminal.Clock.GetUtcNow(), out var mistake)
            ?? throw new GateException($"'{file}' is no signing configuration that is used here: {mistake}", "name the instance's own signing_config.json");

    private static Uri? Address(string? url) =>
        url is null ? null : SigningAddresses.TryParse(url, out var address) ? address : throw new GateException($"the signing configuration names '{url}', which is not asked", "name https addresses; plain http is for loopback");
}
