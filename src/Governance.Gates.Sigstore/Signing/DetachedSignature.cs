using System.Collections.Immutable;
using System.Text;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>A signature over a statement that was made elsewhere, such as in a hardware key; nothing of it is trusted.</summary>
/// <param name="Statement">The statement that came with it, byte for byte; null for a bare signature.</param>
/// <param name="Signatures">The signatures; at least one.</param>
public sealed record DetachedSignature(ReadOnlyMemory<byte>? Statement, ImmutableArray<byte[]> Signatures)
{
    /// <summary>The most bytes that are read.</summary>
    public const int MaxSize = Limits.EnvelopeBytes;

    /// <summary>Reads a DSSE envelope, a Sigstore bundle around one, or a bare signature: ECDSA in DER, or its base64.</summary>
    /// <param name="bytes">What a file holds.</param>
    /// <param name="mistake">What is wrong, on one line; empty where a signature is returned.</param>
    /// <returns>The signature, or null.</returns>
    public static DetachedSignature? TryRead(ReadOnlyMemory<byte> bytes, out string mistake)
    {
        mistake = "";
        if (bytes.Length > MaxSize)
        {
            mistake = $"it has {bytes.Length} bytes and at most {MaxSize} are read";
            return null;
        }

        var text = bytes.Span.Trim(" \t\r\n"u8);
        if (text.StartsWith("{"u8))
        {
            return ReadJson(bytes, out mistake);
        }

        if (text.StartsWith("\x30"u8))
        {
            return new(null, [bytes.ToArray()]);
        }

        if (text.Length <= Limits.SignatureCharacters && Base64Text.Decode(Encoding.ASCII.GetString(text)) is { Length: > 0 } signature)
        {
            return new(null, [signature]);
        }

        mistake = "it is neither JSON, nor a signature in DER, nor base64";
        return null;
    }

    private static DetachedSignature? ReadJson(ReadOnlyMemory<byte> bytes, out string mistake)
    {
        mistake = "";
        if (!StrictJson.TryParse(bytes, "signature", out var document, out var rejected))
        {
            mistake = rejected.Detail;
            return null;
        }

        using (document)
        {
            DsseEnvelope? envelope = null;
            if (document.RootElement.TryGetProperty("mediaType", out _))
            {
                if (BundleContent.TryRead(document.RootElement, out var bundle, out rejected))
                {
                    envelope = bundle.IsKeyless ? null : bundle.Envelope;
                    mistake = bundle.IsKeyless ? "the bundle is signed with a certificate, and a signature by a key is needed" : "the bundle holds a bare signature over bytes, not over a statement";
                }
            }
            else
            {
                DsseEnvelope.TryRead(document.RootElement, Limits.Signatures, out envelope, out rejected);
            }

            if (envelope is not null)
            {
                mistake = "";
                return new(envelope.Payload, envelope.Signatures);
            }

            mistake = rejected?.Detail ?? mistake;
            return null;
        }
    }
}
