using System.Security.Cryptography;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Logs;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>One signature and what it is over: an envelope's encoding, an artifact's bytes, or only their SHA-256.</summary>
internal sealed class SignatureInput
{
    private readonly byte[] signature;
    private readonly byte[]? data;
    private readonly byte[] sha256;
    private readonly DsseEnvelope? envelope;

    private SignatureInput(byte[] signature, byte[]? data, byte[] sha256, DsseEnvelope? envelope)
    {
        this.signature = signature;
        this.data = data;
        this.sha256 = sha256;
        this.envelope = envelope;
    }

    public static SignatureInput Of(DsseEnvelope envelope)
    {
        var encoding = DsseEnvelope.PreAuthenticationEncoding(envelope.PayloadType, envelope.Payload);
        return new(envelope.Signatures[0], encoding, SHA256.HashData(encoding), envelope);
    }

    public static SignatureInput Of(byte[] signature, byte[] data) => new(signature, data, SHA256.HashData(data), null);

    public static SignatureInput OfSha256(byte[] signature, ReadOnlyMemory<byte> sha256) => new(signature, null, sha256.ToArray(), null);

    public bool IsSignedBy(PublicKey key)
    {
        var signed = data is null ? SignedBytes.OfSha256(sha256) : SignedBytes.Of(data);
        return key.Verify(ref signed, signature);
    }

    public LoggedSignature Logged(ReadOnlyMemory<byte> verifier, VerifierKind kind, PublicKey key) => new(signature, verifier, kind, key.Algorithm, envelope, data, sha256);
}
