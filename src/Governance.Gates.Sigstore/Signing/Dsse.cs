using System.Text.Json;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Makes DSSE envelopes (DSSE v1) around in-toto statements.</summary>
public static class Dsse
{
    /// <summary>Signs a statement into an envelope, as cosign's <c>.att</c> layers carry it.</summary>
    /// <param name="statement">The statement's JSON, as <see cref="InTotoStatement.Write(IReadOnlyCollection{Subject}, string, ReadOnlySpan{byte})"/> gives it.</param>
    public static async ValueTask<SignedEntity.Envelope> SignAsync(ReadOnlyMemory<byte> statement, Signer signer, CancellationToken cancellation)
    {
        var signature = await SignPayloadAsync(statement, signer, cancellation);
        return new(CompactJson.Write(json => WriteEnvelope(json, statement.Span, signature, keyId: "")));
    }

    /// <summary>The exact bytes that a signature over a statement is made over: DSSE's pre-authentication encoding, for a signer that is elsewhere.</summary>
    public static byte[] SignedBytes(ReadOnlySpan<byte> statement) => DsseEnvelope.PreAuthenticationEncoding(MediaTypes.InTotoPayload, statement);

    /// <summary>The statement in what <see cref="SignedBytes"/> gave; null where it is no such encoding.</summary>
    public static ReadOnlyMemory<byte>? StatementIn(ReadOnlyMemory<byte> signedBytes)
    {
        var brace = signedBytes.Span.IndexOf((byte)'{');

        // The cast matters: a bare null would become empty memory, which is not absent.
        return brace > 0 && SignedBytes(signedBytes.Span[brace..]).AsSpan().SequenceEqual(signedBytes.Span) ? signedBytes[brace..] : (ReadOnlyMemory<byte>?)null;
    }

    internal static ValueTask<byte[]> SignPayloadAsync(ReadOnlyMemory<byte> payload, Signer signer, CancellationToken cancellation) =>
        signer.SignAsync(DsseEnvelope.PreAuthenticationEncoding(MediaTypes.InTotoPayload, payload.Span), cancellation);

    internal static void WriteEnvelope(Utf8JsonWriter json, ReadOnlySpan<byte> payload, byte[] signature, string? keyId)
    {
        json.WriteStartObject();
        json.WriteString("payloadType", MediaTypes.InTotoPayload);
        json.WriteBase64String("payload", payload);
        json.WriteStartArray("signatures");
        json.WriteStartObject();
        if (keyId is not null)
        {
            json.WriteString("keyid", keyId);
        }

        json.WriteBase64String("sig", signature);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
