using System.Collections.Immutable;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Who may sign with a long-lived certificate: whoever an authority of one's own certified for signing code.</summary>
/// <remarks>Nobody is asked about revocation. Whom the authority certifies counts, so it should certify signers of models alone.</remarks>
public sealed record AuthoritySigners
{
    /// <summary>The most bytes that are read.</summary>
    public const int MaxSize = 256 * 1024;

    private AuthoritySigners(ImmutableArray<CertificateFields> certificates)
    {
        Anchors = [.. certificates.Where(certificate => certificate.IsSelfIssued)];
        Intermediates = [.. certificates.Where(certificate => !certificate.IsSelfIssued)];
    }

    /// <summary>When the certificates must be valid, where <see cref="Evidence"/> is null: now. Never the time that the certificate itself names.</summary>
    public DateTimeOffset? ValidAt { get; init; }

    /// <summary>What must stand beside the signature; the certificates must then be valid at every time that it proves, and may have expired since.</summary>
    public EvidenceRequirement? Evidence { get; init; }

    internal ImmutableArray<CertificateFields> Anchors { get; }

    internal ImmutableArray<CertificateFields> Intermediates { get; }

    /// <summary>Reads the authority's certificates.</summary>
    /// <param name="pem">PEM blocks <c>CERTIFICATE</c>: at least one root, which is its own issuer, and such intermediates as bundles may lack.</param>
    /// <param name="mistake">What is wrong and what to do, on one line; empty where signers are returned.</param>
    /// <returns>The signers, without a time yet; or null.</returns>
    public static AuthoritySigners? TryParse(ReadOnlySpan<byte> pem, out string mistake)
    {
        if (CertificateFields.TryReadPem(pem, MaxSize, out mistake) is not { } certificates)
        {
            return null;
        }

        mistake = certificates.FirstOrDefault(certificate => !certificate.IsAuthority) is not null ? "one of the certificates may issue no others; name the authority's own"
            : !certificates.Any(certificate => certificate.IsSelfIssued) ? "none of the certificates is a root, issued by itself; add the authority's root"
            : "";
        return mistake.Length == 0 ? new(certificates) : null;
    }

    /// <summary>The chain above a certificate to one of the roots: those that the bundle brings, in its order, then those given here.</summary>
    internal AuthorityChain? PathOf(ImmutableArray<CertificateFields> brought)
    {
        // A root that a bundle brings says nothing: whom to trust is not the bundle's to say.
        var path = brought.Skip(1).Where(certificate => !IsRoot(certificate)).Take(Limits.Certificates).ToList();
        while (true)
        {
            var issuer = path.Count > 0 ? path[^1].Issuer : brought[0].Issuer;
            if (Anchors.Select(anchor => anchor.Subject.Span.SequenceEqual(issuer.Span) ? AuthorityChain.TryCreate([.. path, anchor]) : null).FirstOrDefault(chain => chain?.Certified(brought[0], CertificateFields.CodeSigning) == true) is { } chain)
            {
                return chain;
            }

            if (path.Count == Limits.Certificates || Intermediates.FirstOrDefault(other => other.Subject.Span.SequenceEqual(issuer.Span) && !path.Exists(used => used.Sha256.Span.SequenceEqual(other.Sha256.Span))) is not { } next)
            {
                return null;
            }

            path.Add(next);
        }
    }

    private static bool IsRoot(CertificateFields certificate) => certificate.IsSelfIssued && certificate.IsAuthority;
}
