using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Identities;

/// <summary>Which subjects of an issuer act for somebody, and from where.</summary>
/// <param name="Issuer">The OpenID Connect issuer, exactly.</param>
/// <param name="Subject">What a certificate names its owner; in a pattern <c>*</c> stays within one path segment.</param>
/// <param name="RepositoryId">Id of the repository that was built; null: any.</param>
/// <param name="OwnerId">Id of its owner; null: any.</param>
/// <param name="Runner">Where it ran, <c>github-hosted</c> or <c>self-hosted</c>; null: anywhere.</param>
public sealed record OidcBinding(string Issuer, NameMatch Subject, long? RepositoryId, long? OwnerId, string? Runner)
{
    /// <summary>Whether a subject acts by this binding.</summary>
    public bool Matches(Identity.OidcSubject signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return signer.Issuer == Issuer && Subject.Matches(signer.Subject)
            && Agrees(Text(RepositoryId), signer.Run?.RepositoryId) && Agrees(Text(OwnerId), signer.Run?.OwnerId) && Agrees(Runner, signer.Run?.Runner);
    }

    /// <summary>Whether somebody could act by both of two bindings.</summary>
    public bool Overlaps(OidcBinding other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Issuer == other.Issuer && Meet(RepositoryId, other.RepositoryId) && Meet(OwnerId, other.OwnerId) && Meet(Runner, other.Runner) && Subject.Overlaps(other.Subject);

        static bool Meet<T>(T? one, T? two) => one is null || two is null || one.Equals(two);
    }

    /// <summary>Whether whoever acts by another binding acts by this one too; false where it cannot be shown.</summary>
    public bool Covers(OidcBinding other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Issuer == other.Issuer && (Subject == other.Subject || (!other.Subject.IsPattern && Subject.Matches(other.Subject.Text)))
            && (RepositoryId is null || RepositoryId == other.RepositoryId) && (OwnerId is null || OwnerId == other.OwnerId) && (Runner is null || Runner == other.Runner);
    }

    /// <summary>What a verifier is told to accept.</summary>
    public CertificateIdentity ToCertificateIdentity()
    {
        var extensions = ImmutableDictionary.CreateBuilder<FulcioExtension, NameMatch>();
        Ask(FulcioExtension.SourceRepositoryIdentifier, Text(RepositoryId));
        Ask(FulcioExtension.SourceRepositoryOwnerIdentifier, Text(OwnerId));
        Ask(FulcioExtension.RunnerEnvironment, Runner);
        return new(Subject, NameMatch.Exactly(Issuer)) { Extensions = extensions.ToImmutable() };

        void Ask(FulcioExtension extension, string? value)
        {
            if (value is not null)
            {
                extensions[extension] = NameMatch.Exactly(value);
            }
        }
    }

    private static string? Text(long? id) => id?.ToString(CultureInfo.InvariantCulture);

    private static bool Agrees(string? asked, string? found) => asked is null || asked == found;

    /// <summary>Subject, issuer and what else is asked.</summary>
    public override string ToString() =>
        $"{Subject} by {Issuer}{(RepositoryId is { } repository ? $", repository {Text(repository)}" : "")}{(OwnerId is { } owner ? $", owner {Text(owner)}" : "")}{(Runner is null ? "" : $", {Runner}")}";
}
