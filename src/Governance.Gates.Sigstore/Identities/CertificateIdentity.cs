using System.Collections.Immutable;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>Whose signature counts, by what an authority certified: a name and the issuer that vouched for it, always both.</summary>
/// <param name="Name">What the certificate's subject alternative name must be.</param>
/// <param name="Issuer">What the OIDC issuer must be.</param>
public sealed record CertificateIdentity(NameMatch Name, NameMatch Issuer)
{
    private const string Step = "identity";

    /// <summary>When set, the kind that the name must be of; otherwise any.</summary>
    public SubjectNameKind? Kind { get; init; }

    /// <summary>What else must have been certified, such as the repository's id.</summary>
    public ImmutableDictionary<FulcioExtension, NameMatch> Extensions { get; init; } = ImmutableDictionary<FulcioExtension, NameMatch>.Empty;

    /// <summary>Exactly this name by exactly this issuer.</summary>
    public static CertificateIdentity Exactly(string name, string issuer) => new(NameMatch.Exactly(name), NameMatch.Exactly(issuer));

    /// <summary>How a certificate is not this identity's; null where it is.</summary>
    internal Rejected? Mismatch(SignerCertificate certificate)
    {
        if (!Name.Matches(certificate.Name.Value) || (Kind is { } kind && kind != certificate.Name.Kind))
        {
            return new(RejectionCode.IdentityMismatch, Step, $"it is signed by '{OneLine.Show(certificate.Name.Value)}', not by '{OneLine.Show(Name.Text)}'");
        }

        if (certificate.Issuer is not { } issuer || !Issuer.Matches(issuer))
        {
            return new(RejectionCode.IssuerMismatch, Step, $"the signer is vouched for by '{OneLine.Show(certificate.Issuer ?? "nobody")}', not by '{OneLine.Show(Issuer.Text)}'");
        }

        foreach (var (extension, match) in Extensions)
        {
            if (!certificate.Extensions.TryGetValue(extension, out var value) || !match.Matches(value))
            {
                return new(RejectionCode.ExtensionMismatch, Step, $"{extension} is '{OneLine.Show(value ?? "")}', not '{OneLine.Show(match.Text)}'");
            }
        }

        return null;
    }

    /// <summary>The name and the issuer.</summary>
    public override string ToString() => $"{Name} by {Issuer}";
}
