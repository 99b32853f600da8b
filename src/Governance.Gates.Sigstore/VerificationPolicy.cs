using System.Collections.Immutable;
using System.Security.Cryptography;

namespace Governance.Gates.Sigstore;

/// <summary>Who may sign what: the artifact that must be meant, the keys and identities whose signature counts, and what must stand beside it.</summary>
public sealed record VerificationPolicy
{
    private VerificationPolicy(ReadOnlyMemory<byte> artifactSha256, byte[]? artifact, ImmutableArray<PublicKey> keys)
    {
        ArtifactSha256 = artifactSha256;
        Artifact = artifact;
        Keys = keys;
    }

    /// <summary>SHA-256 of the artifact: 32 bytes.</summary>
    public ReadOnlyMemory<byte> ArtifactSha256 { get; }

    /// <summary>The trusted keys, each once.</summary>
    public ImmutableArray<PublicKey> Keys { get; }

    /// <summary>When set, the signed predicate type must equal it, and a form without one is refused.</summary>
    public string? PredicateType { get; init; }

    /// <summary>Who may sign with a certificate. Null: nobody, and what is signed so is refused with <see cref="RejectionCode.KeylessNotSupported"/>.</summary>
    public KeylessSigners? Keyless { get; init; }

    /// <summary>What must stand beside a signature that one of <see cref="Keys"/> made. Null: nothing, and what stands there is not looked at. Evidence is about one signature: an envelope with more is refused.</summary>
    public EvidenceRequirement? KeyEvidence { get; init; }

    /// <summary>When a key's signatures count; a key that is not named here always does. It takes <see cref="KeyEvidence"/>, because only evidence says when a key signed.</summary>
    public ImmutableDictionary<PublicKey, TimeWindow> KeyWindows { get; init; } = ImmutableDictionary<PublicKey, TimeWindow>.Empty;

    /// <summary>Who may sign with a certificate of an authority of one's own, in a bundle that brings the chain. Null: nobody.</summary>
    internal AuthoritySigners? Authority { get; init; }

    /// <summary>The artifact's bytes, where they are known: some signatures cannot be checked against a SHA-256.</summary>
    internal byte[]? Artifact { get; }

    /// <summary>A policy for a statement whose subject the caller holds against what it describes, such as a git commit. No other form is accepted.</summary>
    public static VerificationPolicy ForStatement(string predicateType, IReadOnlyCollection<PublicKey> keys)
    {
        ArgumentException.ThrowIfNullOrEmpty(predicateType);
        ArgumentNullException.ThrowIfNull(keys);
        return new(ReadOnlyMemory<byte>.Empty, null, [.. keys.Distinct()]) { PredicateType = predicateType };
    }

    /// <summary>A policy for one artifact. Without any key or <see cref="Keyless"/> signers, everything is refused with <see cref="RejectionCode.NoTrustedKeys"/>.</summary>
    /// <exception cref="ArgumentException">The digest does not have 32 bytes.</exception>
    public static VerificationPolicy For(ReadOnlyMemory<byte> artifactSha256, IReadOnlyCollection<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        // Copied: what is verified against must not change under a caller's hand.
        return artifactSha256.Length == SHA256.HashSizeInBytes
            ? new(artifactSha256.ToArray(), null, [.. keys.Distinct()])
            : throw new ArgumentException("a SHA-256 digest has 32 bytes", nameof(artifactSha256));
    }

    /// <summary>A policy for one artifact whose bytes are at hand: then every kind of key can be checked.</summary>
    public static VerificationPolicy ForArtifact(ReadOnlyMemory<byte> artifact, IReadOnlyCollection<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var bytes = artifact.ToArray();
        return new(SHA256.HashData(bytes), bytes, [.. keys.Distinct()]);
    }
}
