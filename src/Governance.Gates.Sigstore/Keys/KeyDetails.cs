namespace Governance.Gates.Sigstore.Keys;

/// <summary>The names that Sigstore's formats give kinds of keys (sigstore_common.proto, PublicKeyDetails).</summary>
internal static class KeyDetails
{
    /// <summary>The kind of key; null for those that are not accepted here.</summary>
    public static KeyAlgorithm? Algorithm(string details) => details switch
    {
        "PKIX_ECDSA_P256_SHA_256" or "PKIX_ECDSA_P256_HMAC_SHA_256" => KeyAlgorithm.EcdsaP256,
        "PKIX_ECDSA_P384_SHA_384" or "PKIX_ECDSA_P384_SHA_256" => KeyAlgorithm.EcdsaP384,
        "PKIX_ECDSA_P521_SHA_512" or "PKIX_ECDSA_P521_SHA_256" => KeyAlgorithm.EcdsaP521,
        "PKIX_ED25519" => KeyAlgorithm.Ed25519,
        "PKCS1_RSA_PKCS1V5" or "PKIX_RSA_PKCS1V5" or "PKIX_RSA_PKCS1V15_2048_SHA256" or "PKIX_RSA_PKCS1V15_3072_SHA256" or "PKIX_RSA_PKCS1V15_4096_SHA256"
            or "PKIX_RSA_PSS" or "PKIX_RSA_PSS_2048_SHA256" or "PKIX_RSA_PSS_3072_SHA256" or "PKIX_RSA_PSS_4096_SHA256" => KeyAlgorithm.Rsa,
        _ => null,
    };
}
