namespace Governance.Gates.Sigstore;

/// <summary>Predicate types of in-toto statements that the field agrees on.</summary>
public static class PredicateTypes
{
    /// <summary>cosign's own "this image is signed"; its predicate is empty.</summary>
    public const string CosignSign = "https://sigstore.dev/cosign/sign/v1";

    /// <summary>SLSA provenance, version 1.</summary>
    public const string SlsaProvenance = "https://slsa.dev/provenance/v1";

    /// <summary>SLSA provenance, version 0.2.</summary>
    public const string SlsaProvenanceV02 = "https://slsa.dev/provenance/v0.2";

    /// <summary>SLSA verification summary, version 1.</summary>
    public const string VerificationSummary = "https://slsa.dev/verification_summary/v1";

    /// <summary>A CycloneDX bill of materials.</summary>
    public const string CycloneDx = "https://cyclonedx.org/bom";

    /// <summary>An SPDX bill of materials.</summary>
    public const string Spdx = "https://spdx.dev/Document";

    /// <summary>A signed model (OpenSSF Model Signing 1.0, section 5.1).</summary>
    public const string ModelSignature = "https://model_signing/signature/v1.0";
}
