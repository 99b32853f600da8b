using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Logs;

namespace Governance.Gates.Sigstore;

/// <summary>Hands a signature to Rekor and reads the entry that it makes of it. What the entry proves, the verifier says.</summary>
internal static class LogExchange
{
    private const int MostAnswerBytes = 4 * 1024 * 1024;

    /// <param name="version">The log's API.</param>
    /// <param name="certificate">The certificate.</param>
    /// <param name="signature">The signature.</param>
    /// <param name="sha256">SHA-256 of the signed bytes.</param>
    /// <param name="envelope">The envelope's JSON; null for a bare signature.</param>
    public static SigningRequest Request(RekorVersion version, SignerCertificate certificate, byte[] signature, byte[] sha256, byte[]? envelope) => version switch
    {
        RekorVersion.V2 => Of("/api/v2/log/entries", json =>
        {
            // An envelope too: the log takes the hash of what is signed, and learns nothing else of the statement.
            json.WriteStartObject("hashedRekordRequestV002");
            json.WriteBase64String("digest", sha256);
            json.WriteStartObject("signature");
            json.WriteBase64String("content", signature);
            json.WriteStartObject("verifier");
            json.WriteStartObject("x509Certificate");
            json.WriteBase64String("rawBytes", certificate.Der.Span);
            json.WriteEndObject();
            json.WriteString("keyDetails", "PKIX_ECDSA_P256_SHA_256");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }),
        _ => Of("/api/v1/log/entries", json =>
        {
            json.WriteString("apiVersion", "0.0.1");
            json.WriteString("kind", envelope is null ? "hashedrekord" : "dsse");
            json.WriteStartObject("spec");
            if (envelope is null)
            {
                WriteHashedRekord(json, certificate, signature, sha256);
            }
            else
            {
                json.WriteStartObject("proposedContent");
                json.WriteString("envelope", envelope);
                json.WriteStartArray("verifiers");
                json.WriteBase64StringValue(Pem(certificate));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }),
    };

    /// <exception cref="KeylessSigningException">It is no entry.</exception>
    public static LogEntry Read(RekorVersion version, ReadOnlyMemory<byte> answer)
    {
        if (!StrictJson.TryParse(answer, "answer", out var document, out var rejected))
        {
            throw Refused(rejected.Detail);
        }

        using (document)
        {
            var shape = new JsonShape("answer");
            var entry = version == RekorVersion.V2 ? LogEntry.Read(shape, document.RootElement) : ReadFirst(shape, document.RootElement);
            return shape.Fault is { } fault ? throw Refused(fault.Detail) : entry;
        }
    }

    /// <summary>An entry as bundles carry it (sigstore_rekor.proto, TransparencyLogEntry).</summary>
    public static void Write(Utf8JsonWriter json, LogEntry entry)
    {
        json.WriteStartObject();
        json.WriteString("logIndex", Text(entry.LogIndex));
        json.WriteStartObject("logId");
        json.WriteBase64String("keyId", entry.LogId);
        json.WriteEndObject();
        json.WriteStartObject("kindVersion");
        json.WriteString("kind", entry.Kind!.Value.Name);
        json.WriteString("version", entry.Kind.Value.Version);
        json.WriteEndObject();
        if (entry.Promise is { } promise)
        {
            json.WriteString("integratedTime", Text(entry.IntegratedTime));
            json.WriteStartObject("inclusionPromise");
            json.WriteBase64String("signedEntryTimestamp", promise);
            json.WriteEndObject();
        }

        if (entry.Proof is { } proof)
        {
            json.WriteStartObject("inclusionProof");
            json.WriteString("logIndex", Text(proof.LogIndex));
            json.WriteBase64String("rootHash", proof.RootHash);
            json.WriteString("treeSize", Text(proof.TreeSize));
            json.WriteStartArray("hashes");
            foreach (var hash in proof.Hashes)
            {
                json.WriteBase64StringValue(hash);
            }

            json.WriteEndArray();
            json.WriteStartObject("checkpoint");
            json.WriteString("envelope", proof.Checkpoint);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteBase64String("canonicalizedBody", entry.Body);
        json.WriteEndObject();
    }

    private static SigningRequest Of(string path, Action<Utf8JsonWriter> write) => new(
        SigningService.TransparencyLog,
        path,
        "application/json",
        CompactJson.Write(json =>
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }),
        MostAnswerBytes);

    private static void WriteHashedRekord(Utf8JsonWriter json, SignerCertificate certificate, byte[] signature, byte[] sha256)
    {
        json.WriteStartObject("data");
        json.WriteStartObject("hash");
        json.WriteString("algorithm", "sha256");
        json.WriteString("value", Convert.ToHexStringLower(sha256));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("signature");
        json.WriteBase64String("content", signature);
        json.WriteStartObject("publicKey");
        json.WriteBase64String("content", Pem(certificate));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static byte[] Pem(SignerCertificate certificate) => Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", certificate.Der.Span) + "\n");

    // Rekor v1's API (openapi.yaml, LogEntry): an object with the entry under its UUID, hashes in hex, and the kind in the body alone.
    private static LogEntry ReadFirst(JsonShape shape, JsonElement answer)
    {
        JsonProperty[] entries = answer.ValueKind == JsonValueKind.Object ? [.. answer.EnumerateObject().Take(2)] : [];
        if (entries is not [{ Value: var json }])
        {
            shape.Fail(RejectionCode.WrongShape, "it is not one entry");
            return new([], 0, null, 0, null, null, []);
        }

        var proof = shape.Object(json, "verification", "inclusionProof");
        var hashes = shape.Array(proof, "hashes");
        if (hashes.ValueKind == JsonValueKind.Array && hashes.GetArrayLength() > MerkleTree.MostSiblings)
        {
            shape.Fail(RejectionCode.InclusionProofInvalid, "no tree is as high as its proof");
        }

        var body = shape.Base64(json, "body");
        return new(
            Hex(shape, shape.Text(json, "logID")),
            shape.Count(json, "logIndex"),
            KindOf(shape, body),
            shape.Count(json, "integratedTime"),
            shape.Base64(json, "verification", "signedEntryTimestamp"),
            new(
                shape.Count(proof, "logIndex"),
                shape.Count(proof, "treeSize"),
                Hex(shape, shape.Text(proof, "rootHash")),
                shape.Fault is null ? [.. hashes.EnumerateArray().Select(hash => Hex(shape, shape.Text(hash)))] : ImmutableArray<byte[]>.Empty,
                shape.Text(proof, "checkpoint")),
            body);
    }

    private static (string, string) KindOf(JsonShape shape, byte[] body)
    {
        if (!StrictJson.TryParse(body, "entry", out var document, out var rejected))
        {
            shape.Fail(rejected.Code, rejected.Detail);
            return ("", "");
        }

        using (document)
        {
            return (shape.Text(document.RootElement, "kind"), shape.Text(document.RootElement, "apiVersion"));
        }
    }

    private static byte[] Hex(JsonShape shape, string text)
    {
        if (shape.Fault is null && (text.Length != 2 * SHA256.HashSizeInBytes || !text.All(char.IsAsciiHexDigitLower)))
        {
            shape.Fail(RejectionCode.WrongShape, "one of its hashes is not 64 hex digits");
        }

        return shape.Fault is null ? Convert.FromHexString(text) : [];
    }

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static KeylessSigningException Refused(string why) =>
        new($"the transparency log's answer is not used: {why}", "see that the log is one of the trusted root and is asked in its own version, and tell its operator; the signature may stand in the log by now");
}
