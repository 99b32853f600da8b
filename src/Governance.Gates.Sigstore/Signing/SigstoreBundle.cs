using System.Text.Json;
using Governance.Gates.Sigstore.Logs;

namespace Governance.Gates.Sigstore;

/// <summary>Makes Sigstore bundles, version 0.3, signed with a key. Without one: <see cref="KeylessSigner"/>.</summary>
public static class SigstoreBundle
{
    /// <summary>Signs a statement into a bundle: the form that cosign 3 and GitHub attach to images.</summary>
    /// <param name="statement">The statement's JSON, as <see cref="InTotoStatement.Write(IReadOnlyCollection{Subject}, string, ReadOnlySpan{byte})"/> gives it.</param>
    public static async ValueTask<SignedEntity.Bundle> SignStatementAsync(ReadOnlyMemory<byte> statement, Signer signer, CancellationToken cancellation)
    {
        var signature = await Dsse.SignPayloadAsync(statement, signer, cancellation);
        return OfSignature(statement, signature, signer.PublicKey);
    }

    /// <summary>Puts a signature that was made elsewhere over <see cref="Dsse.SignedBytes"/> into a bundle. It is not checked here.</summary>
    /// <param name="statement">The statement's JSON.</param>
    /// <param name="signature">As <see cref="PublicKey.Verify(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> checks it.</param>
    /// <param name="key">The key that made it.</param>
    public static SignedEntity.Bundle OfSignature(ReadOnlyMemory<byte> statement, byte[] signature, PublicKey key) => Write(key, json =>
    {
        json.WritePropertyName("dsseEnvelope");
        Dsse.WriteEnvelope(json, statement.Span, signature, keyId: null);
    });

    /// <summary>Signs an artifact's own bytes into a bundle, as <c>cosign sign-blob</c> does.</summary>
    /// <remarks>Only a key that signs with SHA-256 (ECDSA P-256, RSA) makes one that verifies against the artifact's SHA-256 alone.</remarks>
    public static async ValueTask<SignedEntity.Bundle> SignArtifactAsync(ReadOnlyMemory<byte> artifact, Signer signer, CancellationToken cancellation)
    {
        var signature = await signer.SignAsync(artifact, cancellation);
        return Write(signer.PublicKey, json => WriteMessage(json, System.Security.Cryptography.SHA256.HashData(artifact.Span), signature));
    }

    /// <summary>A bundle of a signature that a certificate's key made, with what services said of it.</summary>
    internal static SignedEntity.Bundle OfCertificate(SignerCertificate certificate, LogEntry? entry, ReadOnlyMemory<byte>? timestamp, Action<Utf8JsonWriter> content) => Write(
        json =>
        {
            json.WriteStartObject("certificate");
            json.WriteBase64String("rawBytes", certificate.Der.Span);
            json.WriteEndObject();
            if (entry is not null)
            {
                json.WriteStartArray("tlogEntries");
                LogExchange.Write(json, entry);
                json.WriteEndArray();
            }

            if (timestamp is { } stamped)
            {
                json.WriteStartObject("timestampVerificationData");
                json.WriteStartArray("rfc3161Timestamps");
                json.WriteStartObject();
                json.WriteBase64String("signedTimestamp", stamped.Span);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }
        },
        content);

    internal static void WriteMessage(Utf8JsonWriter json, ReadOnlySpan<byte> sha256, byte[] signature)
    {
        json.WriteStartObject("messageSignature");
        json.WriteStartObject("messageDigest");
        json.WriteString("algorithm", "SHA2_256");
        json.WriteBase64String("digest", sha256);
        json.WriteEndObject();
        json.WriteBase64String("signature", signature);
        json.WriteEndObject();
    }

    /// <summary>Signs a statement about a model, with the key's hint as OpenSSF Model Signing writes it or, where a chain is given, with that.</summary>
    internal static async ValueTask<SignedEntity.Bundle> SignModelAsync(ReadOnlyMemory<byte> statement, Signer signer, CertificateChain? chain, CancellationToken cancellation)
    {
        var signature = await Dsse.SignPayloadAsync(statement, signer, cancellation);
        return Write(json => WriteMaterial(json, signer.PublicKey.ModelHint, chain), json =>
        {
            json.WritePropertyName("dsseEnvelope");
            Dsse.WriteEnvelope(json, statement.Span, signature, keyId: null);
        });
    }

    private static SignedEntity.Bundle Write(PublicKey key, Action<Utf8JsonWriter> content) => Write(json => WriteMaterial(json, key.Hint, null), content);

    private static void WriteMaterial(Utf8JsonWriter json, string hint, CertificateChain? chain)
    {
        if (chain is null)
        {
            json.WriteStartObject("publicKey");
            json.WriteString("hint", hint);
            json.WriteEndObject();
            return;
        }

        json.WriteStartObject("x509CertificateChain");
        json.WriteStartArray("certificates");
        foreach (var certificate in chain.Certificates)
        {
            json.WriteStartObject();
            json.WriteBase64String("rawBytes", certificate.Der.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static SignedEntity.Bundle Write(Action<Utf8JsonWriter> material, Action<Utf8JsonWriter> content) => new(CompactJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("mediaType", MediaTypes.Bundle);
        json.WriteStartObject("verificationMaterial");
        material(json);
        json.WriteEndObject();
        content(json);
        json.WriteEndObject();
    }));
}
