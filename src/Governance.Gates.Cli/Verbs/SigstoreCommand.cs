using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates sigstore verify-bundle</c>: the command line that the public suite sigstore-conformance drives (its <c>docs/cli_protocol.md</c>). Not shown in help.</summary>
internal sealed class SigstoreCommand
{
    private const int MostBundleBytes = 16 * 1024 * 1024;

    private readonly Option<bool> staging = Staging("The staging instance: its root is the one named by --trusted-root.");
    private readonly Option<string> bundle = Bundle("The bundle.");
    private readonly Option<string?> identity = new("--certificate-identity") { Description = "What the certificate's subject alternative name must be.", HelpName = "NAME" };
    private readonly Option<string?> issuer = new("--certificate-oidc-issuer") { Description = "What the certificate's OIDC issuer must be.", HelpName = "URL" };
    private readonly Option<string?> key = new("--key") { Description = "The public key, PEM, instead of an identity.", HelpName = "FILE" };
    private readonly Option<string?> root = Root();
    private readonly Argument<string> artifact = new("artifact") { Description = "The artifact's file, or sha256: and its digest.", HelpName = "FILE_OR_DIGEST" };

    private SigstoreCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new SigstoreCommand();
        var verify = new Command("verify-bundle", "Verifies a Sigstore bundle as sigstore-conformance asks.") { verb.staging, verb.bundle, verb.identity, verb.issuer, verb.key, verb.root, verb.artifact };
        verify.Validators.Add(verb.Validate);
        verify.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return new Command("sigstore", "The command line of sigstore-conformance.") { Subcommands = { verify, SignBundleCommand.Create(terminal) }, Hidden = true };
    }

    /// <summary><c>--staging</c>, of both commands of the suite.</summary>
    public static Option<bool> Staging(string what) => new("--staging") { Description = what };

    /// <summary><c>--bundle</c>.</summary>
    public static Option<string> Bundle(string what) => new("--bundle") { Description = what, HelpName = "FILE", Required = true };

    /// <summary><c>--trusted-root</c>.</summary>
    public static Option<string?> Root() => new("--trusted-root") { Description = "The trusted_root.json. Left out: the copy of the public instance that comes with this program; nothing is fetched.", HelpName = "FILE" };

    /// <summary>The root that a command line names, or the copy of the public instance.</summary>
    public static TrustedRoot ReadRoot(ParseResult parsed, Option<string?> root) => parsed.GetValue(root) is { } file ? TrustFile.ReadRoot(file) : SigstoreInstance.PublicGood.Root;

    private void Validate(CommandResult result)
    {
        var (byName, byIssuer, byKey) = (result.IsGiven(identity), result.IsGiven(issuer), result.IsGiven(key));
        (bool Wrong, string Why)[] rules =
        [
            (byName != byIssuer || byName == byKey, "give --certificate-identity and --certificate-oidc-issuer, or --key"),
            (result.IsGiven(staging) && !result.IsGiven(root), "name the staging instance's trusted_root.json with --trusted-root"),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var evidence = new EvidenceRequirement(ReadRoot(parsed, root));
        var policy = await PolicyAsync(parsed, evidence, cancellation);
        var json = InputFile.Read(parsed.GetRequiredValue(bundle), "bundle", MostBundleBytes);
        switch (SigstoreVerifier.Verify(new SignedEntity.Bundle(json), policy))
        {
            case VerificationOutcome.Verified verified:
                var signer = verified.Certificate?.ToString() ?? verified.Signers[0].ToString();
                await terminal.Output.WriteLineAsync($"verified: signed by {signer} at {verified.Times[0].Time.UtcDateTime:O}");
                return ExitCode.Allowed;
            case VerificationOutcome.Rejected rejected:
                await terminal.Error.WriteLineAsync($"rejected: {rejected.Code} at {rejected.Step}: {rejected.Detail}");
                return ExitCode.Denied;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private async Task<VerificationPolicy> PolicyAsync(ParseResult parsed, EvidenceRequirement evidence, CancellationToken cancellation)
    {
        PublicKey[] keys = parsed.GetValue(key) is { } file ? [TrustFile.ReadKey(file)] : [];
        return await ArtifactAsync(parsed.GetRequiredValue(artifact), keys, cancellation) with
        {
            KeyEvidence = keys is [] ? null : evidence,
            Keyless = parsed.GetValue(identity) is { } name ? KeylessSigners.Of(evidence, [CertificateIdentity.Exactly(name, parsed.GetValue(issuer)!)]) : null,
        };
    }

    // A digest that is also a file's name is the file, as the protocol has it.
    private static async Task<VerificationPolicy> ArtifactAsync(string given, PublicKey[] keys, CancellationToken cancellation)
    {
        if (!File.Exists(given) && given is { Length: 71 } && given.StartsWith("sha256:", StringComparison.Ordinal) && given[7..].All(char.IsAsciiHexDigit))
        {
            return VerificationPolicy.For(Convert.FromHexString(given[7..]), keys);
        }

        return new FileInfo(given) is { Exists: true, Length: > MostBundleBytes }
            ? VerificationPolicy.For(await InputFile.HashAsync(given, "artifact", cancellation), keys)
            : VerificationPolicy.ForArtifact(InputFile.Read(given, "artifact", MostBundleBytes), keys);
    }
}
