using System.Collections.Immutable;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Certificates;

namespace Governance.Gates.Sigstore;

/// <summary>An authority that a trusted root names: one that certifies identities (Fulcio), or one that signs timestamps (RFC 3161).</summary>
public sealed class CertificateAuthority
{
    // Its own certificate never changes, and a path costs as much as all else in a verification: looked at once.
    private readonly Lazy<bool> ownIsIssued;

    internal CertificateAuthority(string uri, TimeWindow window, CertificateFields? leaf, AuthorityChain chain)
    {
        Uri = uri;
        Window = window;
        Leaf = leaf;
        Path = chain;
        Party = Convert.ToBase64String(SHA256.HashData(chain.Certificates[0].Spki.Span));
        ownIsIssued = new(() => leaf is not null && chain.Issued(leaf, CertificateFields.TimeStamping));
        Chain = [.. leaf is null ? [] : (ReadOnlyMemory<byte>[])[leaf.Der], .. chain.Certificates.Select(certificate => certificate.Der)];
    }

    /// <summary>Its address, a name only: nothing is fetched from it.</summary>
    public string Uri { get; }

    /// <summary>When it counts, whatever its certificates say.</summary>
    public TimeWindow Window { get; }

    /// <summary>Its certificates in DER, each issued by the next; the last is the anchor.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Chain { get; }

    /// <summary>A timestamp authority's own signing certificate, where the root gives it; null where a token must bring it.</summary>
    internal CertificateFields? Leaf { get; }

    /// <summary>What issues: intermediates and the anchor.</summary>
    internal AuthorityChain Path { get; }

    /// <summary>By what thresholds tell it from others: SHA-256 of the key that issues its certificates, however often and with whichever of them a root names it.</summary>
    internal string Party { get; }

    /// <summary>Whether a certificate is this authority's, for timestamps; time is not looked at.</summary>
    internal bool IssuedForTimestamps(CertificateFields signer) => ReferenceEquals(signer, Leaf)
        ? ownIsIssued.Value
        : Path.Issued(signer, CertificateFields.TimeStamping);

    /// <summary>The address.</summary>
    public override string ToString() => Uri;
}
