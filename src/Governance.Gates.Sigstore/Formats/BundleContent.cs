using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>A Sigstore bundle signed with a key, decoded and not yet trusted: an envelope or a bare signature, never both.</summary>
/// <param name="Hint">What the bundle says about its key; empty where it says nothing.</param>
/// <param name="Envelope">The DSSE envelope.</param>
/// <param name="MessageDigest">With a bare signature, the SHA-256 that the bundle gives for its artifact.</param>
/// <param name="MessageSignature">The bare signature.</param>
internal sealed record BundleContent(string Hint, DsseEnvelope? Envelope, byte[] MessageDigest, byte[] MessageSignature)
{
    private const string Step = "bundle";

    // sigstore_bundle.proto: "DSSE envelopes in a bundle MUST have exactly one signature."
    private const int SignaturesOfEnvelope = 1;

    /// <remarks>Log entries and timestamps are not read: no log and no authority is trusted with a bare key, so they are evidence of nothing.</remarks>
    public static bool TryRead(JsonElement json, [NotNullWhen(true)] out BundleContent? bundle, [NotNullWhen(false)] out Rejected? rejected)
    {
        bundle = null;
        var shape = new JsonShape(Step);
        var mediaType = shape.Text(json, "mediaType");
        if (mediaType is not (MediaTypes.Bundle or MediaTypes.BundleOldSpelling))
        {
            shape.Fail(RejectionCode.UnsupportedMediaType, $"mediaType is '{OneLine.Show(mediaType)}' and must be '{MediaTypes.Bundle}'");
        }

        var hint = ReadHint(shape, shape.Object(json, "verificationMaterial"));
        var envelopeJson = shape.Optional(json, JsonValueKind.Object, "dsseEnvelope");
        var message = shape.Optional(json, JsonValueKind.Object, "messageSignature");
        var hasEnvelope = envelopeJson.ValueKind == JsonValueKind.Object;
        var hasMessage = message.ValueKind == JsonValueKind.Object;
        if (hasEnvelope && hasMessage)
        {
            shape.Fail(RejectionCode.AmbiguousBundle, "the bundle has both 'dsseEnvelope' and 'messageSignature'");
        }
        else if (!hasEnvelope && !hasMessage)
        {
            shape.Fail(RejectionCode.MissingField, "the bundle has neither 'dsseEnvelope' nor 'messageSignature'");
        }

        if (shape.Fault is { } fault)
        {
            rejected = fault;
            return false;
        }

        if (hasEnvelope)
        {
            if (!DsseEnvelope.TryRead(envelopeJson, SignaturesOfEnvelope, out var envelope, out rejected))
            {
                return false;
            }

            bundle = new(hint, envelope, [], []);
            return true;
        }

        return TryReadMessage(message, hint, out bundle, out rejected);
    }

    private static string ReadHint(JsonShape shape, JsonElement material)
    {
        if (shape.Fault is not null)
        {
            return "";
        }

        ImmutableArray<string> kinds = ["publicKey", "certificate", "x509CertificateChain"];
        var present = kinds.Where(kind => material.TryGetProperty(kind, out var value) && value.ValueKind != JsonValueKind.Null).ToList();
        if (present.Count > 1)
        {
            shape.Fail(RejectionCode.AmbiguousBundle, $"verificationMaterial has {string.Join(" and ", present)}, and exactly one may stand there");
        }
        else if (present is ["certificate" or "x509CertificateChain"])
        {
            shape.Fail(RejectionCode.KeylessNotSupported, "the bundle is signed with a certificate, which takes a trusted root; only keys are trusted here");
        }

        var key = shape.Object(material, "publicKey");
        return shape.Optional(key, JsonValueKind.String, "hint") is { ValueKind: JsonValueKind.String } hint ? hint.GetString()! : "";
    }

    private static bool TryReadMessage(JsonElement message, string hint, [NotNullWhen(true)] out BundleContent? bundle, [NotNullWhen(false)] out Rejected? rejected)
    {
        var shape = new JsonShape("message");
        var signature = shape.Base64(message, "signature");
        var algorithm = shape.Text(message, "messageDigest", "algorithm");
        var digest = shape.Base64(message, "messageDigest", "digest");
        if (algorithm != "SHA2_256" || digest.Length != SHA256.HashSizeInBytes)
        {
            shape.Fail(RejectionCode.UnsupportedDigestAlgorithm, $"messageDigest is {digest.Length} bytes of '{OneLine.Show(algorithm)}' and must be 32 of 'SHA2_256'");
        }

        if (signature.Length == 0)
        {
            shape.Fail(RejectionCode.NoSignature, "the message's signature is empty");
        }

        rejected = shape.Fault;
        bundle = rejected is null ? new(hint, null, digest, signature) : null;
        return rejected is null;
    }
}
