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

    /// <summary>A Sigstore bundle, version 0.2; read, never written.</summary>
    public const string BundleV02 = "application/vnd.dev.sigstore.bundle+json;version=0.2";

    /// <summary>A Sigstore bundle, version 0.1; read, never written.</summary>
    public const string BundleV01 = "application/vnd.dev.sigstore.bundle+json;version=0.1";

    /// <summary>A trusted root, version 0.1.</summary>
    public const string TrustedRoot = "application/vnd.dev.sigstore.trustedroot.v0.1+json";

    /// <summary>A trusted root, version 0.2.</summary>
    public const string TrustedRootV02 = "application/vnd.dev.sigstore.trustedroot.v0.2+json";

    /// <summary>The spelling of <see cref="TrustedRoot"/> that the public instances use.</summary>
    public const string TrustedRootOldSpelling = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

    /// <summary>The same spelling of <see cref="TrustedRootV02"/>.</summary>
    public const string TrustedRootV02OldSpelling = "application/vnd.dev.sigstore.trustedroot+json;version=0.2";
}
