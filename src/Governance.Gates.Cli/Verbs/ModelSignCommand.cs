using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.Models;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates model sign</c>: hashes every file of a model and signs the list.</summary>
internal sealed class ModelSignCommand
{
    private readonly Argument<string> model = ModelCommand.Model();
    private readonly Option<string> signature = new("--signature") { Description = "Where the signature goes, by custom model.sig in the model's folder. Nothing is written over.", HelpName = "FILE", Required = true };
    private readonly SigningArguments signing = new();
    private readonly Option<string?> certificate = new("--certificate") { Description = "A certificate of the key for signing code and those above it, PEM, to be put into the signature for who trusts its authority.", HelpName = "FILE" };
    private readonly Option<string> method = new Option<string>("--method") { Description = "One digest a file, or one a shard, so that one large file too is hashed on all cores.", DefaultValueFactory = _ => "files" }.OneOf("files", "shards");
    private readonly Option<long> shardSize = new("--shard-size") { Description = "Bytes of a shard.", HelpName = "BYTES", DefaultValueFactory = _ => ModelSerialization.DefaultShardSize };
    private readonly Option<string[]> ignored = ModelCommand.IgnorePaths("What is in the folder and is not to be signed; the signature says so.");
    private readonly Option<string> form = Report.OutputOption();

    private ModelSignCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ModelSignCommand();
        var command = new Command("sign", "Signs the files of a model. Example: gates model sign models/vol --key team.pem --signature models/vol/model.sig")
        {
            verb.model, verb.signature,
        };
        foreach (var option in (IEnumerable<Option>)[.. verb.signing.Options, verb.certificate, verb.method, verb.shardSize, verb.ignored, verb.form])
        {
            command.Add(option);
        }

        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        signing.Validate(result, terminal);
        if (signing.IsUnlogged(result))
        {
            result.AddError("a model's signature without a key has an entry in a transparency log (OpenSSF Model Signing): add --rekor URL");
        }

        if (signing.IsKeyless(result) && result.IsGiven(certificate))
        {
            result.AddError("--certificate goes with --key; without a key the authority certifies one");
        }

        var isSharded = result.GetResult(method) is { Tokens: [{ Value: "shards" }] };
        if (result.IsGiven(shardSize) && !isSharded)
        {
            result.AddError("--shard-size goes with --method shards");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var (path, file) = (parsed.GetRequiredValue(model), parsed.GetRequiredValue(signature));
        if (Path.Exists(file))
        {
            // Said before everything is hashed; what comes meanwhile is not written over either.
            throw new GateException($"'{file}' is there already", "name a file that is not there yet");
        }

        using var signer = await signing.OpenAsync(parsed, terminal, cancellation);
        var chain = parsed.GetValue(certificate) is { } from ? TrustFile.ReadChain(from) : null;
        if (chain is not null && signer is StatementSigner.WithKey { Signer.PublicKey: var own } && !chain.Key.Equals(own))
        {
            throw new GateException("the certificate is of another key", "name the certificate that belongs to --key");
        }

        var manifest = await ManifestAsync(parsed, terminal, cancellation);
        await signing.AskAsync(parsed, signer, terminal, cancellation);
        var statement = manifest.ToStatement(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))));
        var bundle = signer is StatementSigner.WithKey withKey
            ? await ModelSignature.SignAsync(statement, withKey.Signer, chain, cancellation)
            : await terminal.WhileAsync($"signing {path}", signer.SignAsync(statement, cancellation).AsTask());
        if (bundle.Json.Length > ModelSignature.MaxSize)
        {
            throw new GateException($"the signature would have {bundle.Json.Length} bytes, and at most {ModelSignature.MaxSize} are read", "use larger shards, or sign parts of the model");
        }

        OutputFile.Write(file, bundle.Json.Span);
        return await ToReport(path, file, manifest, signer, chain).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<ModelManifest> ManifestAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var path = parsed.GetRequiredValue(model);
        var size = parsed.GetRequiredValue(method) == "shards" ? parsed.GetRequiredValue(shardSize) : (long?)null;
        string[] leftOut = [.. ModelSerialization.AlwaysIgnored, .. parsed.GetValue(ignored) ?? []];
        var folder = new ModelFolder(path, Serialization(size, leftOut)) { Signature = parsed.GetRequiredValue(signature) };
        switch (await terminal.WhileAsync($"hashing {path}", folder.ReadAsync((_, _) => true, cancellation)))
        {
            case ModelReading.Hashed hashed:
                // The specification has the signature itself among what is left out (section 6.2).
                var serialization = hashed.Signature is { } own ? Serialization(size, [.. leftOut, own]) : folder.Serialization;
                return ModelManifest.TryCreate(serialization, hashed.Files, out var mistake) ?? throw new GateException($"'{path}' cannot be signed", mistake);
            case ModelReading.Refused(var decision):
                throw new GateException(decision.Reasons[0].Message, decision.Reasons[0].Remedy ?? "name another folder");
            default:
                throw new UnreachableException();
        }
    }

    private static ModelSerialization Serialization(long? size, string[] leftOut) =>
        ModelSerialization.TryCreate(size, leftOut, out var mistake) ?? throw new GateException(mistake, "name paths relative to the model, and shards of some size");

    private static Report ToReport(string model, string signature, ModelManifest manifest, StatementSigner signer, CertificateChain? chain) => new(
        "model-signature.schema.json",
        ExitCode.Allowed,
        $"signed: {model}",
        [
            new("signature", signature),
            new("files", ModelVerification.Summary(manifest)),
            signer.Shown with { Text = $"{signer.Shown.Text}{(chain is null ? "" : ", with its certificate")}" },
            .. manifest.Serialization.IgnorePaths.Except(ModelSerialization.AlwaysIgnored).Select(path => new Fact("not covered", path)),
        ],
        json =>
        {
            json.WriteString("model", model);
            json.WriteString("signature", signature);
            json.WriteString("method", signer is StatementSigner.Keyless ? "sigstore" : chain is null ? "key" : "certificate");
            signer.Write(json);
            json.WritePropertyName("manifest");
            json.WriteManifest(manifest);
        });
}
