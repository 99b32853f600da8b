namespace Governance.Gates.Sigstore.Formats;

/// <summary>How much is read of what anyone may have written.</summary>
internal static class Limits
{
    /// <summary>An envelope or a bundle: bills of materials travel in them.</summary>
    public const int EnvelopeBytes = 16 * 1024 * 1024;

    public const int SimpleSigningBytes = 64 * 1024;

    /// <summary>Base64 of one signature; the largest, RSA of 8192 bits, takes 1368 characters.</summary>
    public const int SignatureCharacters = 4096;

    public const int Signatures = 32;

    // The same as sigstore-go's.
    public const int Subjects = 1024;
    public const int DigestsOfSubject = 32;

    /// <summary>Log entries, and timestamps, of one bundle.</summary>
    public const int EvidenceOfAKind = 32;

    /// <summary>Certificates of one chain.</summary>
    public const int Certificates = 16;

    public const int JsonDepth = 64;
}
