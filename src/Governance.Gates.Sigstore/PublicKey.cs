namespace Governance.Gates.Sigstore;

/// <summary>A public key that verifies signatures: ECDSA P-256, P-384 or P-521, RSA, or Ed25519.</summary>
public sealed class PublicKey
{
    /// <summary>SHA-256 of the key's DER SubjectPublicKeyInfo: 32 bytes.</summary>
    public ReadOnlyMemory<byte> SpkiSha256 => throw new NotImplementedException();
}
