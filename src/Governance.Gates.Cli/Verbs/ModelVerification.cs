using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Cli.Verbs;

/// <summary>What <c>gates model verify</c> found out.</summary>
/// <param name="Model">As the command line names it.</param>
/// <param name="Signature">As the command line names it.</param>
internal sealed record ModelVerification(string Model, string Signature)
{
    /// <summary>What was signed, and by whom; null where nothing counts.</summary>
    public SignedModel? Signed { get; init; }

    /// <summary>The answer.</summary>
    public Decision Decision { get; init; } = Decision.Allow;

    /// <summary>How the files differ.</summary>
    public ImmutableArray<ModelDifference> Differences { get; init; } = [];

    /// <summary>What is there and no part of the model.</summary>
    public ImmutableArray<string> LeftOut { get; init; } = [];

    private string Method => Signed!.Signature switch
    {
        { Certificate: null } => "key",
        { Identity: null } => "certificate",
        _ => "keyless",
    };

    /// <summary>The answer, each reason, who signed and what was not looked at.</summary>
    public Report ToReport() => new("model-verification.schema.json", Decision.ExitCode, $"{Admission.AdmissionAnswer.Name(Decision.Verdict)}: {Model}", [.. Facts()], Write);

    private IEnumerable<Fact> Facts()
    {
        foreach (var fact in Fact.Of(Decision))
        {
            yield return fact;
        }

        if (Signed is not { Manifest: var manifest, Signature: var signature })
        {
            yield break;
        }

        yield return new("signed", $"{Summary(manifest)}, by {signature.Certificate?.ToString() ?? signature.Signers[0].ToString()} ({Method})");
        foreach (var time in signature.Times)
        {
            yield return new("time", $"{time.Time.UtcDateTime:O}, by the word of {time.Authority}");
        }

        foreach (var path in LeftOut)
        {
            yield return new("not covered", path);
        }

        if (manifest.IsNameless)
        {
            yield return new("remark", "the signature does not cover the file's name");
        }
    }

    /// <summary>How many files, and their root digest.</summary>
    public static string Summary(ModelManifest manifest) =>
        $"{manifest.Files.Length} {(manifest.Files.Length == 1 ? "file" : "files")}{(manifest.Serialization.ShardSize is { } size ? $" in shards of {size} bytes" : "")}, root sha256:{Convert.ToHexStringLower(manifest.RootSha256.Span)}";

    private void Write(Utf8JsonWriter json)
    {
        json.WriteDecision(Decision);
        json.WriteString("model", Model);
        json.WriteString("signature", Signature);
        json.WritePropertyName("signer");
        WriteSigner(json);
        json.WritePropertyName("manifest");
        json.WriteManifest(Signed?.Manifest);
        json.WriteStartArray("differences");
        foreach (var difference in Differences)
        {
            json.WriteStartObject();
            json.WriteString("path", difference.Path);
            json.WriteString("kind", JsonNamingPolicy.CamelCase.ConvertName(difference.Kind.ToString()));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStrings("notCovered", LeftOut);
    }

    private void WriteSigner(Utf8JsonWriter json)
    {
        if (Signed is not { Signature: var signature })
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("method", Method);
        json.WriteString("key", $"sha256:{Convert.ToHexStringLower((signature.Certificate?.Key ?? signature.Signers[0]).SpkiSha256.Span)}");
        json.WriteString("certificate", signature.Certificate is { } certificate ? $"sha256:{Convert.ToHexStringLower(SHA256.HashData(certificate.Der.Span))}" : null);
        json.WriteString("name", signature.Certificate?.Name.Value);
        json.WriteString("issuer", signature.Certificate?.Issuer);
        json.WriteStrings("times", signature.Times.Select(time => $"{time.Time.UtcDateTime:O}"));
        json.WriteEndObject();
    }
}

/// <summary>The members that the outputs about models share.</summary>
internal static class ModelJson
{
    /// <summary>What of a manifest is told; null where there is none.</summary>
    public static void WriteManifest(this Utf8JsonWriter json, ModelManifest? manifest)
    {
        if (manifest is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("root", $"sha256:{Convert.ToHexStringLower(manifest.RootSha256.Span)}");
        json.WriteNumber("files", manifest.Files.Length);
        if (manifest.Serialization.ShardSize is { } size)
        {
            json.WriteNumber("shardSize", size);
        }

        json.WriteStrings("ignorePaths", manifest.Serialization.IgnorePaths);
        json.WriteEndObject();
    }

    /// <summary>A list of texts.</summary>
    public static void WriteStrings(this Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
