using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates sign</c>: signs an image and attaches the signature to it.</summary>
internal sealed class SignCommand
{
    private readonly SignedImageArguments about = new();
    private readonly Option<string> format = new Option<string>("--format") { Description = "cosign: simple signing under the tag sha256-….sig. bundle: a Sigstore bundle v0.3 as referrer, the only form of --keyless.", DefaultValueFactory = _ => "cosign" }.OneOf("cosign", "bundle");
    private readonly Option<string[]> annotations = new("--annotation") { Arity = ArgumentArity.OneOrMore, Description = "With --format cosign: something to sign beside the digest.", HelpName = "NAME=VALUE" };

    private SignCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new SignCommand();
        var command = new Command("sign", "Signs an image by its digest. Examples: gates sign registry.example.com/app:v1 --key release.pem; gates sign oci:build/image --as registry.example.com/app --key release.pem --format bundle; gates sign registry.example.com/app:v1 --keyless --fulcio https://fulcio.example.com --rekor https://rekor.example.com --trusted-root trusted_root.json");
        verb.about.AddTo(command, verb.format, verb.annotations);
        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        about.Validate(result, terminal);
        var given = result.GetResult(annotations)?.Tokens.Select(token => token.Value).ToArray() ?? [];
        (bool Wrong, string Why)[] rules =
        [
            (about.Signing.IsKeyless(result) && result.GetResult(format) is { Tokens: [{ Value: "cosign" }] }, "without a key the signature is a bundle: leave out --format cosign"),
            (given.Length > 0 && (about.Signing.IsKeyless(result) || result.GetResult(format) is { Tokens: [{ Value: "bundle" }] }), "--annotation goes with --format cosign; the statement in a bundle has an empty predicate"),
            (given.Any(one => one.IndexOf('=', StringComparison.Ordinal) < 1), "--annotation is NAME=VALUE"),
            (given.Select(one => one.Split('=')[0]).Distinct(StringComparer.Ordinal).Count() < given.Length, "an --annotation is given twice under one name"),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        using var opened = await about.OpenAsync(parsed, terminal, cancellation);
        var (signer, target) = opened;

        // Said before anything is signed: a tag may have moved since the user looked.
        await terminal.SayAsync($"signing {target.Subject}{(target.Resolution is { } resolution ? $" ({resolution})" : "")}");
        await about.Signing.AskAsync(parsed, signer, terminal, cancellation);
        var simple = parsed.GetRequiredValue(format) == "cosign" ? signer as StatementSigner.WithKey : null;
        var pushed = simple is null
            ? await PushBundleAsync(target, signer, terminal, cancellation)
            : ImageTarget.Pushed(await terminal.WhileAsync($"pushing the signature of {target.Subject}", PushCosignAsync(target, simple.Signer, Signed(parsed), cancellation)));
        return await ToReport(target, simple is null, pushed, signer).WriteAsync(terminal, parsed.GetRequiredValue(about.Form));
    }

    private static Report ToReport(ImageTarget target, bool isBundle, Digest pushed, StatementSigner signer)
    {
        var (format, where) = isBundle ? ("bundle", "a manifest that refers to the image") : ("cosign", $"the manifest of tag sha256-{target.Subject.Digest.Hex}.sig");
        return new(
            "signature.schema.json",
            ExitCode.Allowed,
            $"signed: {target.Subject}",
            [
                .. target.Resolution is { } resolution ? [new Fact("resolved", resolution)] : (Fact[])[],
                new("pushed", $"{pushed}, {where}"),
                signer.Shown,
            ],
            json =>
            {
                json.WriteString("image", target.Location.ToString());
                json.WriteString("repository", target.Subject.Repository.ToString());
                json.WriteString("digest", target.Subject.Digest.ToString());
                json.WriteString("format", format);
                json.WriteString("pushed", pushed.ToString());
                signer.Write(json);
            });
    }

    private Dictionary<string, string> Signed(ParseResult parsed) =>
        (parsed.GetValue(annotations) ?? []).Select(one => one.Split('=', 2)).ToDictionary(one => one[0], one => one[1], StringComparer.Ordinal);

    private static async Task<Reading<Digest>> PushCosignAsync(ImageTarget target, Signer signer, IReadOnlyDictionary<string, string> annotations, CancellationToken cancellation)
    {
        var payload = SimpleSigning.Payload(target.Subject.Repository.ToString(), target.Subject.Digest.ToString(), annotations);
        var signature = await SimpleSigning.SignAsync(payload, signer, cancellation);
        var layer = new EvidenceLayer(MediaTypes.SimpleSigning, payload, new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = signature.Signature! });
        return await target.Registry.AttachToTagAsync(target.Subject.Repository, target.Subject.Digest, CosignTag.Signatures, layer, cancellation);
    }

    private static async Task<Digest> PushBundleAsync(ImageTarget target, StatementSigner signer, Terminal terminal, CancellationToken cancellation)
    {
        var subject = Sigstore.Subject.OfSha256(target.Subject.Repository.ToString(), Convert.FromHexString(target.Subject.Digest.Hex));
        var statement = InTotoStatement.Write([subject], PredicateTypes.CosignSign, "{}"u8);
        var bundle = await terminal.WhileAsync($"signing {target.Subject}", signer.SignAsync(statement, cancellation).AsTask());
        return await target.AttachAsync(bundle, PredicateTypes.CosignSign, $"the signature of {target.Subject}", terminal, cancellation);
    }
}
