using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates attest</c>: signs a statement about an image and attaches it.</summary>
internal sealed class AttestCommand
{
    // A bundle may have 16 MiB, in which the statement stands in base64.
    private const int MostBytes = 11 * 1024 * 1024;

    private readonly SignedImageArguments about = new();
    private readonly Option<string> type = new("--type") { Description = "The predicate's type: a URI, or slsaprovenance1, slsaprovenance, cyclonedx, spdx, vuln, openvex, link.", HelpName = "TYPE", Required = true };
    private readonly Option<string> predicate = new("--predicate") { Description = "The predicate: a JSON object.", HelpName = "FILE", Required = true };

    private AttestCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new AttestCommand();
        var command = new Command("attest", "Signs a statement about an image and attaches it as a Sigstore bundle. Examples: gates attest registry.example.com/app@sha256:… --type cyclonedx --predicate bom.json --key release.pem; gates attest registry.example.com/app:v1 --type slsaprovenance1 --predicate provenance.json --keyless --fulcio https://fulcio.example.com --rekor https://rekor.example.com --trusted-root trusted_root.json");
        verb.about.AddTo(command, verb.type, verb.predicate);
        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        about.Validate(result, terminal);
        if (result.GetResult(type) is { Tokens: [var word] } && (word.Value == "custom" || PredicateTypeName.Resolve(word.Value) is null))
        {
            result.AddError($"--type '{word.Value}' names no type: write a URI, or slsaprovenance1, slsaprovenance, cyclonedx, spdx, vuln, openvex or link");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var predicateType = PredicateTypeName.Resolve(parsed.GetRequiredValue(type))!;
        var file = parsed.GetRequiredValue(predicate);
        var json = InputFile.Read(file, "predicate", MostBytes);
        using var opened = await about.OpenAsync(parsed, terminal, cancellation);
        var (signer, target) = opened;
        var statement = Statement(target, predicateType, json, file);
        await terminal.SayAsync($"attesting {predicateType} of {target.Subject}{(target.Resolution is { } resolution ? $" ({resolution})" : "")}");
        await about.Signing.AskAsync(parsed, signer, terminal, cancellation);
        var bundle = await terminal.WhileAsync($"signing the statement about {target.Subject}", signer.SignAsync(statement, cancellation).AsTask());
        var pushed = await target.AttachAsync(bundle, predicateType, $"the statement about {target.Subject}", terminal, cancellation);
        return await ToReport(target, predicateType, Digest.Of(statement), pushed, signer).WriteAsync(terminal, parsed.GetRequiredValue(about.Form));
    }

    private static byte[] Statement(ImageTarget target, string predicateType, byte[] json, string file)
    {
        try
        {
            return InTotoStatement.Write([Subject.OfSha256(target.Subject.Repository.ToString(), Convert.FromHexString(target.Subject.Digest.Hex))], predicateType, json);
        }
        catch (ArgumentException mistake)
        {
            throw new GateException($"'{file}' is no predicate: {mistake.Message.Split(" (Parameter", 2)[0]}", "give a JSON object that names no field twice", mistake);
        }
    }

    private static Report ToReport(ImageTarget target, string predicateType, Digest statement, Digest pushed, StatementSigner signer) => new(
        "attestation.schema.json",
        ExitCode.Allowed,
        $"attested: {target.Subject}",
        [
            .. target.Resolution is { } resolution ? [new Fact("resolved", resolution)] : (Fact[])[],
            new("type", predicateType),
            new("statement", statement.ToString()),
            new("pushed", $"{pushed}, a manifest that refers to the image"),
            signer.Shown,
        ],
        json =>
        {
            json.WriteString("image", target.Location.ToString());
            json.WriteString("repository", target.Subject.Repository.ToString());
            json.WriteString("digest", target.Subject.Digest.ToString());
            json.WriteString("predicateType", predicateType);
            json.WriteString("statement", statement.ToString());
            json.WriteString("pushed", pushed.ToString());
            signer.Write(json);
        });
}
