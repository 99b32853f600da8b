using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Identities;

/// <summary>What acts for a person or a robot. An identity that maps to nobody in the policy counts for nobody.</summary>
public abstract record Identity
{
    private Identity()
    {
    }

    /// <summary>A GitHub account, by the number that survives a change of login.</summary>
    public sealed record GitHubAccount(long Id) : Identity
    {
        /// <inheritdoc/>
        public override string ToString() => $"github:{Id}";
    }

    /// <summary>A public key, by the SHA-256 of its DER SubjectPublicKeyInfo.</summary>
    public sealed record Key(Digest Spki) : Identity
    {
        /// <inheritdoc/>
        public override string ToString() => $"key:{Spki}";
    }

    /// <summary>A subject of an OpenID Connect issuer.</summary>
    public sealed record OidcSubject(string Issuer, string Subject) : Identity
    {
        /// <summary>What was certified beside the name, where this was read from a certificate. No part of who it is: the same subject from elsewhere is equal.</summary>
        public WorkflowRun? Run { get; init; }

        /// <inheritdoc/>
        public bool Equals(OidcSubject? other) => other is not null && Issuer == other.Issuer && Subject == other.Subject;

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Issuer, Subject);

        /// <inheritdoc/>
        public override string ToString() => $"oidc:{Issuer}#{Subject}";
    }
}

/// <summary>A human in the policy.</summary>
/// <param name="Name">The policy's name for them.</param>
/// <param name="Id">An id that is never reused.</param>
/// <param name="From">First day, UTC, on which they count; null is always.</param>
/// <param name="Until">Last day, UTC, on which they count; null is open.</param>
/// <param name="Identities">What acts for them.</param>
public sealed record Person(string Name, string Id, DateOnly? From, DateOnly? Until, ImmutableArray<Identity> Identities)
{
    /// <summary>The OpenPGP keys that sign tags for them.</summary>
    public ImmutableArray<OpenPgpKey> OpenPgp { get; init; } = [];
}

/// <summary>An OpenPGP key. It signs tags for a person and nothing else, so it is no <see cref="Identity"/>.</summary>
/// <param name="Fingerprint">Of the primary key: 40 or 64 upper-case hex digits.</param>
/// <param name="File">The file, relative to the policy's own.</param>
/// <param name="Sha256">The digest of the file.</param>
/// <param name="Packets">The key with its signatures and subkeys, without armor (RFC 9580, section 10.1).</param>
public sealed record OpenPgpKey(string Fingerprint, string File, Digest Sha256, ReadOnlyMemory<byte> Packets);

/// <summary>What a person may do.</summary>
/// <param name="Name">The policy's name for it.</param>
/// <param name="People">Names of the people in it.</param>
/// <param name="GitHubTeams">Teams (<c>org/team</c>) that narrow it: a person counts only while in one of them. Empty narrows nothing.</param>
/// <param name="ConflictsWith">Roles that one person may not use for the same change.</param>
public sealed record Role(string Name, ImmutableArray<string> People, ImmutableArray<string> GitHubTeams, ImmutableArray<string> ConflictsWith);

/// <summary>A machine in the policy. It satisfies checks, never a quorum.</summary>
/// <param name="Name">The policy's name for it.</param>
/// <param name="Identities">The keys that act for it.</param>
/// <param name="Why">What it does and what it does not vouch for.</param>
public sealed record Robot(string Name, ImmutableArray<Identity> Identities, string? Why)
{
    /// <summary>The subjects that act for it.</summary>
    public ImmutableArray<OidcBinding> Oidc { get; init; } = [];
}
