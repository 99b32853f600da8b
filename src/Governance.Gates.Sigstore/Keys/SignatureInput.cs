using System.Collections.Immutable;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Logs;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>What is signed, an envelope's encoding, an artifact's bytes or only their SHA-256, and the signatures over it.</summary>
internal sealed class SignatureInput
{
    private readonly ImmutableArray<byte[]> signatures;
    private readonly byte[]? data;
    private readonly byte[] onlySha256;
    private readonly DsseEnvelope? envelope;
    private readonly ReadOnlyMemory<byte> stamped;

    private SignatureInput(ImmutableArray<byte[]> signatures, byte[]? data, byte[] onlySha256, DsseEnvelope? envelope, ReadOnlyMemory<byte> stamped)
    {
        this.signatures = signatures;
        this.data = data;
        this.onlySha256 = onlySha256;
        this.envelope = envelope;
        this.stamped = stamped;
    }

    public bool IsDigestOnly => data is null;

    public bool HasOneSignature => signatures.Length == 1;

    private SignedBytes Signed => data is null ? SignedBytes.OfSha256(onlySha256) : SignedBytes.Of(data);

    /// <summary>An envelope in a bundle.</summary>
    public static SignatureInput Of(DsseEnvelope envelope) => OfLayer(envelope, envelope.Signatures[0]);

    /// <summary>An envelope that is a layer of cosign's.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="stamped">What its timestamps are over: the layer's bytes, because such a layer's annotation has no signature (cosign, <c>VerifyRFC3161Timestamp</c>).</param>
    public static SignatureInput OfLayer(DsseEnvelope envelope, ReadOnlyMemory<byte> stamped) =>
        new(envelope.Signatures, DsseEnvelope.PreAuthenticationEncoding(envelope.PayloadType, envelope.Payload), [], envelope, stamped);

    public static SignatureInput Of(byte[] signature, byte[] data) => new([signature], data, [], null, signature);

    public static SignatureInput OfSha256(byte[] signature, ReadOnlyMemory<byte> sha256) => new([signature], null, sha256.ToArray(), null, signature);

    /// <summary>The keys that made any of the signatures.</summary>
    public ImmutableArray<PublicKey> SignedBy(TrustedKeys keys) => keys.Signers(Signed, signatures.AsSpan());

    /// <summary>Whether a key made the one signature.</summary>
    public bool IsSignedBy(PublicKey key)
    {
        var signed = Signed;
        return key.Verify(ref signed, signatures[0]);
    }

    /// <summary>What evidence must be about: the one signature, by this key.</summary>
    public LoggedSignature Logged(ReadOnlyMemory<byte> verifier, VerifierKind kind, PublicKey key) =>
        new(signatures[0], verifier, kind, key.Algorithm, envelope, data, data is null ? onlySha256 : SHA256.HashData(data), stamped);
}
