using System.Collections.Immutable;
using Governance.Gates.Sigstore.Ssh;

namespace Governance.Gates.Sigstore;

/// <summary>What was signed, read once from the verified bytes.</summary>
public abstract record SignedContent
{
    private SignedContent()
    {
    }

    /// <summary>"This image is signed", in cosign's simple signing form.</summary>
    /// <param name="DockerReference">The repository that the signer named, or null. It binds nothing: cosign's specification ignores it.</param>
    /// <param name="Payload">The signed bytes.</param>
    /// <param name="Annotations">The signed annotations (<c>optional</c>) that are text; others are left out.</param>
    public sealed record ImageSignature(string? DockerReference, ReadOnlyMemory<byte> Payload, IReadOnlyDictionary<string, string> Annotations) : SignedContent;

    /// <summary>An in-toto statement, v0.1 or v1.</summary>
    /// <param name="PredicateType">The signed predicate type.</param>
    /// <param name="Subjects">What it is about; at least one has the artifact's SHA-256.</param>
    /// <param name="Payload">The signed bytes.</param>
    /// <param name="Predicate">The predicate's JSON object as it stands in the payload, without duplicate fields; empty where there is none.</param>
    public sealed record Statement(string PredicateType, ImmutableArray<Subject> Subjects, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Predicate) : SignedContent
    {
        /// <summary>Whether it is a Statement v1, not v0.1.</summary>
        internal bool IsV1 { get; init; }
    }

    /// <summary>A bare signature over the artifact's own bytes.</summary>
    /// <param name="ArtifactSha256">SHA-256 of what was signed.</param>
    public sealed record Message(ReadOnlyMemory<byte> ArtifactSha256) : SignedContent;

    /// <summary>A tag of git.</summary>
    /// <param name="GitTag">What it says.</param>
    public sealed record Tag(GitTag GitTag) : SignedContent;
}

/// <summary>A subject of an in-toto statement.</summary>
/// <param name="Name">Its name, which identifies nothing; null where there is none.</param>
/// <param name="Digests">Its digests by algorithm, such as <c>sha256</c>, in lower-case hex.</param>
public sealed record Subject(string? Name, IReadOnlyDictionary<string, string> Digests)
{
    /// <summary>A subject known by its SHA-256.</summary>
    public static Subject OfSha256(string? name, ReadOnlySpan<byte> sha256) =>
        new(name, new Dictionary<string, string>(StringComparer.Ordinal) { ["sha256"] = Convert.ToHexStringLower(sha256) });
}
