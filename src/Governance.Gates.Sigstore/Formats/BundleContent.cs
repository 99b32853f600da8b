using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Sigstore.Certificates;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>The versions of the bundle format, by what a log entry must have in them (sigstore_bundle.proto).</summary>
internal enum BundleVersion
{
    /// <summary>A promise; a proof may be missing.</summary>
    V01,

    /// <summary>A proof.</summary>
    V02,

    /// <summary>A proof; the certificate stands alone, without a chain.</summary>
    V03,
}

/// <summary>A Sigstore bundle, decoded and not yet trusted: an envelope or a bare signature, never both.</summary>
/// <param name="Version">The format's version, which anybody can write: it never lowers what must be proven.</param>
/// <param name="Certificate">The JSON of the certificate or of the chain; undefined where it is signed with a key.</param>
/// <param name="Hint">What the bundle says about its key; empty where it says nothing.</param>
/// <param name="Envelope">The DSSE envelope.</param>
/// <param name="MessageDigest">With a bare signature, the SHA-256 that the bundle gives for its artifact.</param>
/// <param name="MessageSignature">The bare signature.</param>
internal sealed record BundleContent(BundleVersion Version, JsonElement Certificate, string Hint, DsseEnvelope? Envelope, byte[] MessageDigest, byte[] MessageSignature)
{
    private const string Step = "bundle";

    // sigstore_bundle.proto: "DSSE envelopes in a bundle MUST have exactly one signature."
    private const int SignaturesOfEnvelope = 1;

    public bool IsKeyless => Certificate.ValueKind != JsonValueKind.Undefined;

    /// <summary>Whether the certificate comes with those above it (<c>x509CertificateChain</c>).</summary>
    public bool HasChain => IsKeyless && Certificate.TryGetProperty("certificates", out var list) && list.ValueKind == JsonValueKind.Array;

    /// <remarks>Log entries and timestamps are not read here: where nobody asks for evidence they prove nothing.</remarks>
    public static bool TryRead(JsonElement json, [NotNullWhen(true)] out BundleContent? bundle, [NotNullWhen(false)] out Rejected? rejected)
    {
        bundle = null;
        var shape = new JsonShape(Step);
        var mediaType = shape.Text(json, "mediaType");
        BundleVersion? version = mediaType switch
        {
            MediaTypes.Bundle or MediaTypes.BundleOldSpelling => BundleVersion.V03,
            MediaTypes.BundleV02 => BundleVersion.V02,
            MediaTypes.BundleV01 => BundleVersion.V01,
            _ => null,
        };
        if (version is null)
        {
            shape.Fail(RejectionCode.UnsupportedMediaType, $"mediaType is '{OneLine.Show(mediaType)}' and must be '{MediaTypes.Bundle}', or that of version 0.1 or 0.2");
        }

        var (certificate, hint) = ReadMaterial(shape, shape.Object(json, "verificationMaterial"));
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

            bundle = new(version!.Value, certificate, hint, envelope, [], []);
            return true;
        }

        bundle = new(version!.Value, certificate, hint, null, [], []);
        return TryReadMessage(message, ref bundle, out rejected);
    }

    /// <summary>The leaf certificate's DER.</summary>
    public byte[] ReadCertificate(out Rejected? rejected)
    {
        var shape = new JsonShape(Step);
        if (!HasChain)
        {
            // An x509CertificateChain without 'certificates' has no rawBytes either.
            var alone = shape.Base64(Certificate, "rawBytes");
            rejected = shape.Fault;
            return alone;
        }

        if (Version == BundleVersion.V03)
        {
            shape.Fail(RejectionCode.WrongShape, "a bundle of version 0.3 has its certificate alone, not a chain");
            rejected = shape.Fault;
            return [];
        }

        var certificates = ReadChain(out rejected);
        if (rejected is not null)
        {
            return [];
        }

        // Intermediates are not needed and not looked at. A root would say whom to trust, and that is not the bundle's to say.
        if (certificates.Skip(1).Any(der => CertificateFields.TryRead(der) is not { IsSelfIssued: false }))
        {
            shape.Fail(RejectionCode.RootInBundle, "the chain has a root certificate, or what is no certificate");
        }

        rejected = shape.Fault;
        return certificates[0];
    }

    /// <summary>The certificates of a chain in DER, the leaf first.</summary>
    public ImmutableArray<byte[]> ReadChain(out Rejected? rejected)
    {
        var shape = new JsonShape(Step);
        var chain = shape.Array(Certificate, "certificates");
        if (chain.ValueKind == JsonValueKind.Array && chain.GetArrayLength() is 0 or > Limits.Certificates)
        {
            shape.Fail(RejectionCode.MissingField, $"the chain has {chain.GetArrayLength()} certificates and must have 1 to {Limits.Certificates}");
        }

        ImmutableArray<byte[]> certificates = shape.Fault is null ? [.. chain.EnumerateArray().Select(item => shape.Base64(item, "rawBytes"))] : [];
        rejected = shape.Fault;
        return certificates;
    }

    private static (JsonElement Certificate, string Hint) ReadMaterial(JsonShape shape, JsonElement material)
    {
        if (shape.Fault is not null)
        {
            return default;
        }

        ImmutableArray<string> kinds = ["publicKey", "certificate", "x509CertificateChain"];
        var present = kinds.Where(kind => material.TryGetProperty(kind, out var value) && value.ValueKind != JsonValueKind.Null).ToList();
        if (present.Count > 1)
        {
            shape.Fail(RejectionCode.AmbiguousBundle, $"verificationMaterial has {string.Join(" and ", present)}, and exactly one may stand there");
        }

        if (present is [("certificate" or "x509CertificateChain") and var kind])
        {
            return (shape.Object(material, kind), "");
        }

        var key = shape.Object(material, "publicKey");
        return (default, shape.Optional(key, JsonValueKind.String, "hint") is { ValueKind: JsonValueKind.String } hint ? hint.GetString()! : "");
    }

    private static bool TryReadMessage(JsonElement message, ref BundleContent? bundle, [NotNullWhen(false)] out Rejected? rejected)
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
        bundle = rejected is null ? bundle! with { MessageDigest = digest, MessageSignature = signature } : null;
        return rejected is null;
    }
}
