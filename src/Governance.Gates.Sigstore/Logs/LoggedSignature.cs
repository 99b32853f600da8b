using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Keys;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Logs;

/// <summary>The signature that evidence must be about, with everything that a log entry repeats of it.</summary>
/// <param name="Signature">The signature.</param>
/// <param name="Verifier">The certificate, or the public key's SubjectPublicKeyInfo, in DER.</param>
/// <param name="VerifierKind">Which of the two.</param>
/// <param name="Algorithm">The kind of key.</param>
/// <param name="Envelope">The envelope that it is in; null for a bare signature.</param>
/// <param name="Data">The signed bytes; null where only their SHA-256 is known.</param>
/// <param name="DataSha256">SHA-256 of the signed bytes.</param>
/// <param name="Stamped">What a timestamp must be over: the signature, or the bytes that it stands in.</param>
internal sealed record LoggedSignature(
    byte[] Signature, ReadOnlyMemory<byte> Verifier, VerifierKind VerifierKind, KeyAlgorithm Algorithm, DsseEnvelope? Envelope, byte[]? Data, byte[] DataSha256, ReadOnlyMemory<byte> Stamped)
{
    private const string Step = "log entry";

    /// <summary>How an entry differs from the bundle that carries it; null where it says the same in every field.</summary>
    /// <remarks>Anything less, and a valid entry of another signature would lend its time to this one (CVE-2022-36056, CVE-2026-22703).</remarks>
    public Rejected? Mismatch(LogEntry entry)
    {
        if (!StrictJson.TryParse(entry.Body, Step, out var document, out var malformed))
        {
            return malformed;
        }

        using (document)
        {
            var shape = new JsonShape(Step);
            var kind = (Name: shape.Text(document.RootElement, "kind"), Version: shape.Text(document.RootElement, "apiVersion"));
            var spec = shape.Object(document.RootElement, "spec");
            if (shape.Fault is { } fault)
            {
                return fault;
            }

            if (entry.Kind is { } named && named != kind)
            {
                return Differs($"the entry is a {OneLine.Show(kind.Name)} {OneLine.Show(kind.Version)}, and the bundle calls it {OneLine.Show(named.Name)} {OneLine.Show(named.Version)}");
            }

            // A form that names no kind is older than Rekor v2, whose entries it would take for the first version's.
            var difference = kind switch
            {
                ("hashedrekord", "0.0.1") => HashedRekord(shape, spec),
                ("dsse", "0.0.1") => Dsse(shape, spec),
                ("intoto", "0.0.2") => InToto(shape, spec),
                ("hashedrekord", "0.0.2") when entry.Kind is not null => HashedRekord2(shape, shape.Object(spec, "hashedRekordV002")),
                ("dsse", "0.0.2") when entry.Kind is not null => Dsse2(shape, shape.Object(spec, "dsseV002")),
                _ => new Rejected(RejectionCode.UnsupportedLogEntry, Step, $"an entry of kind {OneLine.Show(kind.Name)} {OneLine.Show(kind.Version)} is not read here"),
            };
            return shape.Fault ?? difference;
        }
    }

    private Rejected? HashedRekord(JsonShape shape, JsonElement spec) =>
        DigestDiffers(shape.Text(spec, "data", "hash", "algorithm"), Hex(shape, spec, "data", "hash", "value"))
        ?? SignatureDiffers(shape.Base64(spec, "signature", "content"))
        ?? PemDiffers(shape.Base64(spec, "signature", "publicKey", "content"));

    private Rejected? Dsse(JsonShape shape, JsonElement spec)
    {
        var signature = Only(shape, spec, "signatures");
        return PayloadDiffers(shape.Text(spec, "payloadHash", "algorithm"), Hex(shape, spec, "payloadHash", "value"))
            ?? SignatureDiffers(shape.Base64(signature, "signature"))
            ?? PemDiffers(shape.Base64(signature, "verifier"));
    }

    private Rejected? InToto(JsonShape shape, JsonElement spec)
    {
        var signature = Only(shape, spec, "content", "envelope", "signatures");
        var type = shape.Text(spec, "content", "envelope", "payloadType");
        // This kind writes base64 of the envelope's base64.
        var twice = shape.Base64(signature, "sig");
        return PayloadDiffers(shape.Text(spec, "content", "payloadHash", "algorithm"), Hex(shape, spec, "content", "payloadHash", "value"))
            ?? (type == Envelope?.PayloadType ? null : Differs("the entry is about another type of payload"))
            ?? SignatureDiffers(Base64Text.Decode(twice.AsSpan()) ?? [])
            ?? PemDiffers(shape.Base64(signature, "publicKey"));
    }

    private Rejected? HashedRekord2(JsonShape shape, JsonElement spec) =>
        DigestDiffers(shape.Text(spec, "data", "algorithm"), shape.Base64(spec, "data", "digest"))
        ?? SignatureDiffers(shape.Base64(spec, "signature", "content"))
        ?? VerifierDiffers(shape, shape.Object(spec, "signature", "verifier"));

    private Rejected? Dsse2(JsonShape shape, JsonElement spec)
    {
        var signature = Only(shape, spec, "signatures");
        return PayloadDiffers(shape.Text(spec, "payloadHash", "algorithm"), shape.Base64(spec, "payloadHash", "digest"))
            ?? SignatureDiffers(shape.Base64(signature, "content"))
            ?? VerifierDiffers(shape, shape.Object(signature, "verifier"));
    }

    /// <summary>The one signature of an entry: a bundle has one, so an entry with more is about something else.</summary>
    private static JsonElement Only(JsonShape shape, JsonElement spec, params ReadOnlySpan<string> path)
    {
        var list = shape.Array(spec, path);
        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() != 1)
        {
            shape.Fail(RejectionCode.LogEntryMismatch, $"the entry has {list.GetArrayLength()} signatures, and the bundle one");
            return default;
        }

        return list.ValueKind == JsonValueKind.Array ? list[0] : default;
    }

    private static byte[] Hex(JsonShape shape, JsonElement from, params ReadOnlySpan<string> path)
    {
        var text = shape.Text(from, path);
        return text.Length <= 128 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(text) : [];
    }

    private Rejected? DigestDiffers(string algorithm, byte[] digest)
    {
        var (hash, expected) = algorithm switch
        {
            "sha256" or "SHA2_256" => ("SHA-256", DataSha256),
            "sha384" or "SHA2_384" => ("SHA-384", Data is null ? null : SHA384.HashData(Data)),
            "sha512" or "SHA2_512" => ("SHA-512", Data is null ? null : SHA512.HashData(Data)),
            _ => ("", null),
        };
        return expected is null
            ? hash.Length == 0
                ? Differs($"the entry has a digest of kind '{OneLine.Show(algorithm)}'")
                : new(RejectionCode.ArtifactBytesNeeded, Step, $"the entry has the artifact's {hash}, which cannot be held against its SHA-256")
            : digest.AsSpan().SequenceEqual(expected) ? null : Differs("the entry is about other bytes than the signature");
    }

    private Rejected? PayloadDiffers(string algorithm, byte[] digest) =>
        Envelope is null ? Differs("the entry is about an envelope, and the bundle has a bare signature")
        : algorithm is "sha256" or "SHA2_256" && digest.AsSpan().SequenceEqual(SHA256.HashData(Envelope.Payload)) ? null
        : Differs("the entry is about another payload");

    private Rejected? SignatureDiffers(byte[] signature) => signature.AsSpan().SequenceEqual(Signature) ? null : Differs("the entry is about another signature");

    private Rejected? PemDiffers(byte[] pem)
    {
        var label = VerifierKind == VerifierKind.Certificate ? "CERTIFICATE" : "PUBLIC KEY";
        return PemBlock.TryDecode(pem, label) is { } der && der.AsSpan().SequenceEqual(Verifier.Span) ? null : Differs("the entry names another certificate or key");
    }

    private Rejected? VerifierDiffers(JsonShape shape, JsonElement verifier)
    {
        var der = VerifierKind == VerifierKind.Certificate ? shape.Base64(verifier, "x509Certificate", "rawBytes") : shape.Base64(verifier, "publicKey", "rawBytes");
        return !der.AsSpan().SequenceEqual(Verifier.Span) ? Differs("the entry names another certificate or key")
            : KeyDetails.Algorithm(shape.Text(verifier, "keyDetails")) != Algorithm ? Differs("the entry names another kind of key")
            : null;
    }

    private static Rejected Differs(string how) => new(RejectionCode.LogEntryMismatch, Step, how);
}

/// <summary>What a signature is verified with.</summary>
internal enum VerifierKind
{
    Certificate,
    PublicKey,
}
