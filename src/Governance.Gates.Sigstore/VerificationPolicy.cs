using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Governance.Gates.Sigstore;

/// <summary>Who may sign what: the artifact that must be meant, and the keys whose signature counts.</summary>
public sealed record VerificationPolicy
{
    private VerificationPolicy(ReadOnlyMemory<byte> artifactSha256, ImmutableArray<PublicKey> keys)
    {
        ArtifactSha256 = artifactSha256;
        Keys = keys;
    }

    /// <summary>SHA-256 of the artifact: 32 bytes.</summary>
    public ReadOnlyMemory<byte> ArtifactSha256 { get; }

    /// <summary>The trusted keys, each once.</summary>
    public ImmutableArray<PublicKey> Keys { get; }

    /// <summary>When set, the signed predicate type must equal it, and a form without one is refused.</summary>
    public string? PredicateType { get; init; }

    /// <summary>A policy for one artifact. Without any key, everything is refused with <see cref="RejectionCode.NoTrustedKeys"/>.</summary>
    /// <exception cref="ArgumentException">The digest does not have 32 bytes.</exception>
    public static VerificationPolicy For(ReadOnlyMemory<byte> artifactSha256, IReadOnlyCollection<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        // Copied: what is verified against must not change under a caller's hand.
        return artifactSha256.Length == SHA256.HashSizeInBytes
            ? new(artifactSha256.ToArray(), [.. keys.Distinct()])
            : throw new ArgumentException("a SHA-256 digest has 32 bytes", nameof(artifactSha256));
    }
}
