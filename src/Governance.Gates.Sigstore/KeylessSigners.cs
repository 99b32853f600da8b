using System.Collections.Immutable;

namespace Governance.Gates.Sigstore;

/// <summary>Who may sign with a certificate, and what must stand beside such a signature.</summary>
public sealed record KeylessSigners
{
    private KeylessSigners(EvidenceRequirement evidence, ImmutableArray<CertificateIdentity> identities)
    {
        Evidence = evidence;
        Identities = identities;
    }

    /// <summary>What must stand beside the signature, by whose word.</summary>
    public EvidenceRequirement Evidence { get; }

    /// <summary>Whose signature counts; any of them suffices.</summary>
    public ImmutableArray<CertificateIdentity> Identities { get; }

    /// <summary>Signatures of these identities. Without any, everything is refused with <see cref="RejectionCode.NoTrustedIdentities"/>.</summary>
    public static KeylessSigners Of(EvidenceRequirement evidence, IReadOnlyCollection<CertificateIdentity> identities)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(identities);
        return new(evidence, [.. identities]);
    }

    /// <summary>Signatures of these identities, with the usual evidence by this root's word: one log, one time, one promise to show the certificate.</summary>
    public static KeylessSigners Of(TrustedRoot root, params IReadOnlyCollection<CertificateIdentity> identities) => Of(new EvidenceRequirement(root), identities);
}
