namespace Governance.Gates.Sigstore;

/// <summary>The kinds of key that are accepted. The key alone decides how a signature is checked; a signature cannot ask for another way.</summary>
public enum KeyAlgorithm
{
    /// <summary>ECDSA on NIST P-256 with SHA-256.</summary>
    EcdsaP256,

    /// <summary>ECDSA on NIST P-384 with SHA-384; SHA-256 is accepted too, which older cosign versions wrote for every curve.</summary>
    EcdsaP384,

    /// <summary>ECDSA on NIST P-521 with SHA-512; SHA-256 is accepted too, which older cosign versions wrote for every curve.</summary>
    EcdsaP521,

    /// <summary>RSA of 2048 to 8192 bits with SHA-256, by PKCS #1 v1.5 or PSS with a salt of 32 bytes.</summary>
    Rsa,

    /// <summary>Pure Ed25519 (RFC 8032).</summary>
    Ed25519,
}
