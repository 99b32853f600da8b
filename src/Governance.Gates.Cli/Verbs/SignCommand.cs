using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates sign</c>: signs an image and attaches the signature to it.</summary>
internal sealed class SignCommand
{
    private readonly Argument<Reading<ImageLocation>> image = ImageArguments.Location();
    private readonly SigningKey key = new();
    private readonly Option<string> format = new Option<string>("--format") { Description = "cosign: simple signing under the tag sha256-….sig. bundle: a Sigstore bundle v0.3 as referrer.", DefaultValueFactory = _ => "cosign" }.OneOf("cosign", "bundle");
    private readonly Option<string[]> annotations = new("--annotation") { Arity = ArgumentArity.OneOrMore, Description = "With --format cosign: something to sign beside the digest.", HelpName = "NAME=VALUE" };
    private readonly Option<Repository?> standsFor = ImageArguments.As();
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private SignCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new SignCommand();
        var command = new Command("sign", "Signs an image by its digest. Examples: gates sign registry.example.com/app:v1 --key release.pem; gates sign oci:build/image --as registry.example.com/app --key release.pem --format bundle")
        {
            verb.image, verb.key.File, verb.key.PasswordFile, verb.format, verb.annotations, verb.standsFor,
        };
        foreach (var option in verb.registries.ForWriting)
        {
            command.Add(option);
        }

        command.Add(verb.form);
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        var location = result.Location(image);
        var given = result.GetResult(annotations)?.Tokens.Select(token => token.Value).ToArray() ?? [];
        (bool Wrong, string Why)[] rules =
        [
            (location is ImageLocation.Layout && !result.IsGiven(standsFor), "a signature names the image's repository: say which one the layout stands for with --as REPOSITORY"),
            (location is ImageLocation.Registry && result.IsGiven(standsFor), "--as goes with an oci: layout; a registry's image lies in its own repository"),
            (given.Length > 0 && result.GetResult(format) is { Tokens: [{ Value: "bundle" }] }, "--annotation goes with --format cosign; the statement in a bundle has an empty predicate"),
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
        using var signer = key.Read(parsed, terminal);
        var location = parsed.Location(image);
        var registry = registries.Open(parsed, location, terminal.Clock);
        using var connections = registry as IDisposable;
        var target = await ImageTarget.ResolveAsync(registry, location, parsed.GetValue(standsFor), terminal, cancellation) switch
        {
            Reading<ImageTarget>.Found(var found) => found,
            Reading<ImageTarget>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "check the name and try again"),
            _ => throw new UnreachableException(),
        };
        if (target.Resolution is null && await registry.ReadManifestAsync(target.Subject.Repository, target.Subject.Digest, cancellation) is Reading<ReadOnlyMemory<byte>>.Unread(var missing))
        {
            throw new GateException(missing.Message, missing.Remedy ?? "push the image first");
        }

        // Said before anything is signed: a tag may have moved since the user looked.
        await terminal.SayAsync($"signing {target.Subject}{(target.Resolution is { } resolution ? $" ({resolution})" : "")}");
        var isBundle = parsed.GetRequiredValue(format) == "bundle";
        var push = isBundle ? PushBundleAsync(target, signer, cancellation) : PushCosignAsync(target, signer, Signed(parsed), cancellation);
        var pushed = await terminal.WhileAsync($"pushing the signature of {target.Subject}", push) switch
        {
            Reading<Digest>.Found(var digest) => digest,
            Reading<Digest>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "check that you may push there, and try again"),
            _ => throw new UnreachableException(),
        };
        return await ToReport(target, isBundle, pushed, signer.PublicKey).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private static Report ToReport(ImageTarget target, bool isBundle, Digest pushed, PublicKey key)
    {
        var (format, where) = isBundle ? ("bundle", "a manifest that refers to the image") : ("cosign", $"the manifest of tag sha256-{target.Subject.Digest.Hex}.sig");
        return new(
            "signature.schema.json",
            ExitCode.Allowed,
            $"signed: {target.Subject}",
            [
                .. target.Resolution is { } resolution ? [new Fact("resolved", resolution)] : (Fact[])[],
                new("pushed", $"{pushed}, {where}"),
                new("key", key.ToString()),
            ],
            json =>
            {
                json.WriteString("image", target.Location.ToString());
                json.WriteString("repository", target.Subject.Repository.ToString());
                json.WriteString("digest", target.Subject.Digest.ToString());
                json.WriteString("format", format);
                json.WriteString("pushed", pushed.ToString());
                json.WriteString("key", $"sha256:{Convert.ToHexStringLower(key.SpkiSha256.Span)}");
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

    private static async Task<Reading<Digest>> PushBundleAsync(ImageTarget target, Signer signer, CancellationToken cancellation)
    {
        var subject = Sigstore.Subject.OfSha256(target.Subject.Repository.ToString(), Convert.FromHexString(target.Subject.Digest.Hex));
        var bundle = await SigstoreBundle.SignStatementAsync(InTotoStatement.Write([subject], PredicateTypes.CosignSign, "{}"u8), signer, cancellation);

        // The annotations that cosign 3 writes, by which others choose among referrers.
        var layer = new EvidenceLayer(MediaTypes.Bundle, bundle.Json, new Dictionary<string, string>
        {
            ["dev.sigstore.bundle.content"] = "dsse-envelope",
            ["dev.sigstore.bundle.predicateType"] = PredicateTypes.CosignSign,
        });
        return await target.Registry.AttachReferrerAsync(target.Subject.Repository, target.Subject.Digest, MediaTypes.Bundle, layer, cancellation);
    }
}
