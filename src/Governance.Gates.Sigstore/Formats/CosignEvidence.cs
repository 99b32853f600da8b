using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Sigstore.Logs;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads the evidence that cosign puts into the annotations of a layer (cosign SIGNATURE_SPEC, "Properties").</summary>
internal static class CosignEvidence
{
    private const string Step = "evidence";
    private const int MostCharacters = 256 * 1024;

    /// <summary>The log entry and the timestamp of a layer. It has the log's promise, never a proof.</summary>
    public static bool TryRead(CosignAnnotations annotations, [NotNullWhen(true)] out BundleEvidence? evidence, [NotNullWhen(false)] out Rejected? rejected)
    {
        evidence = null;
        LogEntry? entry = null;
        byte[]? timestamp = null;
        if ((annotations.Bundle is { } bundle && !TryReadJson(bundle, (shape, json) => entry = ReadEntry(shape, json), out rejected))
            || (annotations.Timestamp is { } stamped && !TryReadJson(stamped, (shape, json) => timestamp = shape.Base64(json, "SignedRFC3161Timestamp"), out rejected)))
        {
            return false;
        }

        rejected = null;
        evidence = new(BundleVersion.V01, entry is null ? [] : [entry], timestamp is null ? [] : [timestamp]);
        return true;
    }

    /// <summary>The certificate's DER.</summary>
    public static byte[]? ReadCertificate(string pem) => pem.Length <= MostCharacters ? PemBlock.TryDecode(Encoding.UTF8.GetBytes(pem), "CERTIFICATE") : null;

    private static LogEntry ReadEntry(JsonShape shape, JsonElement json)
    {
        var id = shape.Text(json, "Payload", "logID");
        return new(
            id.Length == 2 * SHA256.HashSizeInBytes && id.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(id) : [],
            shape.Count(json, "Payload", "logIndex"),
            Kind: null,
            shape.Count(json, "Payload", "integratedTime"),
            shape.Base64(json, "SignedEntryTimestamp"),
            Proof: null,
            shape.Base64(json, "Payload", "body"));
    }

    private static bool TryReadJson(string text, Action<JsonShape, JsonElement> read, [NotNullWhen(false)] out Rejected? rejected)
    {
        if (text.Length > MostCharacters)
        {
            rejected = new(RejectionCode.TooLarge, Step, $"an annotation has {text.Length} characters and at most {MostCharacters} are read");
            return false;
        }

        if (!StrictJson.TryParse(Encoding.UTF8.GetBytes(text), "annotation", out var document, out rejected))
        {
            return false;
        }

        using (document)
        {
            var shape = new JsonShape(Step);
            read(shape, document.RootElement);
            rejected = shape.Fault;
            return rejected is null;
        }
    }
}
