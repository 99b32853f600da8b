namespace Governance.Gates.Sigstore;

/// <summary>Media types of the signed forms read and written here.</summary>
public static class MediaTypes
{
    /// <summary>A cosign simple signing payload, as an OCI layer.</summary>
    public const string SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";

    /// <summary>A DSSE envelope in JSON, as an OCI layer.</summary>
    public const string DsseEnvelope = "application/vnd.dsse.envelope.v1+json";

    /// <summary>The DSSE payload type of every in-toto statement.</summary>
    public const string InTotoPayload = "application/vnd.in-toto+json";

    /// <summary>A Sigstore bundle, version 0.3.</summary>
    public const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>The older spelling of <see cref="Bundle"/>; read, never written.</summary>
    public const string BundleOldSpelling = "application/vnd.dev.sigstore.bundle+json;version=0.3";
}
