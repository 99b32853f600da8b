using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Models;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates model verify</c>: are these the files that were signed, all of them and no others?</summary>
internal sealed class ModelVerifyCommand
{
    private const string Rule = "model";
    private const int MostTold = 20;

    private readonly Argument<string> model = ModelCommand.Model();
    private readonly Option<string> signature = new("--signature") { Description = "The signature. Where it lies in the model's folder it is not part of the model.", HelpName = "FILE", Required = true };
    private readonly Option<string[]> keys = new("--key") { Arity = ArgumentArity.OneOrMore, Description = "A public key, PEM. Where several are given, one of them suffices.", HelpName = "FILE" };
    private readonly Option<string?> authority = new("--certificate-authority") { Description = "An authority's certificates, PEM, its root among them. Whom it certified for signing code may have signed; revocation is not asked about.", HelpName = "FILE" };
    private readonly Option<string?> identity = new("--certificate-identity") { Description = "Who must have signed without a key: the certificate's subject alternative name.", HelpName = "NAME" };
    private readonly Option<string?> issuer = new("--certificate-oidc-issuer") { Description = "Who must vouch for that name.", HelpName = "URL" };
    private readonly Option<string?> root = new("--trusted-root") { Description = "The Sigstore instance's trusted_root.json. With --certificate-authority it says whose timestamps prove when it was signed; without, the certificate must be valid now.", HelpName = "FILE" };
    private readonly Option<string[]> ignored = ModelCommand.IgnorePaths("What is in the folder and no part of the model, beside what the signature leaves out.");
    private readonly Option<string> leftOut = new Option<string>("--left-out") { Description = "What to say where something is there that the signature leaves out, as it always does .git, .gitattributes, .github and .gitignore.", DefaultValueFactory = _ => "allow" }.OneOf("allow", "deny");
    private readonly Option<string> form = Report.OutputOption();

    private ModelVerifyCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ModelVerifyCommand();
        var command = new Command("verify", "Verifies that a model has exactly the files that were signed. Examples: gates model verify models/vol --signature models/vol/model.sig --key team.pub; gates model verify models/vol --signature vol.sig --certificate-identity ml@example.com --certificate-oidc-issuer https://accounts.example.com --trusted-root trusted_root.json")
        {
            verb.model, verb.signature, verb.keys, verb.authority, verb.identity, verb.issuer, verb.root, verb.ignored, verb.leftOut, verb.form,
        };
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        var (byKey, byAuthority, byName, byIssuer) = (result.IsGiven(keys), result.IsGiven(authority), result.IsGiven(identity), result.IsGiven(issuer));
        (bool Wrong, string Why)[] rules =
        [
            ((byKey ? 1 : 0) + (byAuthority ? 1 : 0) + (byName || byIssuer ? 1 : 0) != 1 || byName != byIssuer, "give --key, or --certificate-authority, or --certificate-identity and --certificate-oidc-issuer"),
            (byName && !result.IsGiven(root), "name the Sigstore instance's trusted_root.json with --trusted-root"),
            (byKey && result.IsGiven(root), "--trusted-root goes with certificates; a key counts by itself"),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var (path, file) = (parsed.GetRequiredValue(model), parsed.GetRequiredValue(signature));
        var signers = Signers(parsed, terminal.Clock.GetUtcNow());
        var found = new ModelVerification(path, file);
        if (!ModelSignature.TryVerify(InputFile.Read(file, "signature", ModelSignature.MaxSize), signers, out var signed, out var rejected))
        {
            found = found with { Decision = Decision.Deny(new Reason($"{Rule}.signature", $"{rejected.Detail} ({rejected.Code})", "have the model signed by who may, or name the right key, authority or identity")) };
        }
        else if (signed.Manifest.IsNameless && Directory.Exists(path))
        {
            found = found with { Signed = signed, Decision = Decision.Deny(new Reason($"{Rule}.files", "the signature is over a model of one file, and a folder is named", "name the file itself")) };
        }
        else
        {
            found = await HoldAsync(parsed, found with { Signed = signed }, terminal, cancellation);
        }

        return await found.ToReport().WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private ModelSigners Signers(ParseResult parsed, DateTimeOffset now)
    {
        var trusted = parsed.GetValue(root) is { } file ? TrustFile.ReadRoot(file) : null;
        return new()
        {
            Keys = [.. (parsed.GetValue(keys) ?? []).Select(TrustFile.ReadKey)],
            Authority = parsed.GetValue(authority) is { } own
                ? TrustFile.ReadAuthority(own) with { ValidAt = now, Evidence = trusted is null ? null : new(trusted) { Logs = 0, CertificateTimestamps = 0 } }
                : null,
            Keyless = parsed.GetValue(identity) is { } name ? KeylessSigners.Of(trusted!, CertificateIdentity.Exactly(name, parsed.GetValue(issuer)!)) : null,
        };
    }

    /// <summary>Holds the files against the manifest whose signature holds.</summary>
    private async Task<ModelVerification> HoldAsync(ParseResult parsed, ModelVerification found, Terminal terminal, CancellationToken cancellation)
    {
        var manifest = found.Signed!.Manifest;
        var folder = new ModelFolder(found.Model, manifest.Serialization)
        {
            Signature = found.Signature,
            Ignored = parsed.GetValue(ignored) ?? [],
            NameOfOnlyFile = manifest.IsNameless ? ModelManifest.NamelessFile : null,
        };

        // A file of another length than was signed has other bytes: it is not read to find out.
        var reading = folder.ReadAsync((name, length) => manifest.Find(name) is { } file && (file.Length ?? length) == length, cancellation);
        switch (await terminal.WhileAsync($"hashing {found.Model}", reading))
        {
            case ModelReading.Hashed hashed:
                var differences = manifest.Differences(hashed.Files);
                var held = found with { Differences = differences, LeftOut = hashed.LeftOut };
                return held with { Decision = Decision.All(Judge(differences), parsed.GetRequiredValue(leftOut) == "deny" ? JudgeLeftOut(hashed.LeftOut) : Decision.Allow) };
            case ModelReading.Refused(var decision):
                return found with { Decision = decision };
            default:
                throw new UnreachableException();
        }
    }

    private static Decision Judge(ImmutableArray<ModelDifference> differences) => Deny(differences.Select(difference => difference.Kind switch
    {
        ModelDifferenceKind.Missing => new Reason($"{Rule}.files", $"'{difference.Path}' was signed and is not there", "take the model as it was signed"),
        ModelDifferenceKind.Changed => new($"{Rule}.files", $"'{difference.Path}' has other bytes than were signed", "take the model as it was signed"),
        ModelDifferenceKind.Uncovered => new($"{Rule}.files", $"'{difference.Path}' is empty, and a signature by shards covers no empty file", "remove it, leave it out with --ignore-path, or have whole files signed"),
        _ => new($"{Rule}.files", $"'{difference.Path}' is there and was not signed", "remove it, or leave it out with --ignore-path"),
    }));

    private static Decision JudgeLeftOut(ImmutableArray<string> paths) =>
        Deny(paths.Select(path => new Reason($"{Rule}.left-out", $"'{path}' is there, and the signature does not cover it", "remove it, or accept it with --left-out allow")));

    private static Decision Deny(IEnumerable<Reason> reasons)
    {
        Reason[] all = [.. reasons];
        return all.Length == 0 ? Decision.Allow
            : all.Length <= MostTold ? Decision.Deny(all)
            : Decision.Deny([.. all.Take(MostTold), new Reason(all[0].Rule, $"and {all.Length - MostTold} more like these", all[0].Remedy)]);
    }
}
