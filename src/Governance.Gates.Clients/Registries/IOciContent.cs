using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Bytes that were fetched once and hashed here.</summary>
/// <param name="Bytes">The bytes.</param>
/// <param name="Digest">Our own SHA-256 of them.</param>
/// <param name="ETag">What a later write may name as the state that it replaces.</param>
internal sealed record Content(ReadOnlyMemory<byte> Bytes, Digest Digest, string? ETag = null);

/// <summary>What one source lists as referring to a digest.</summary>
/// <param name="Descriptors">The referrers.</param>
/// <param name="Unread">What of the list could not be read.</param>
/// <param name="Answered">Whether the source said anything at all; "no such list" is an answer.</param>
/// <param name="HasApi">Whether there is such a list.</param>
internal sealed record Referrers(ImmutableArray<Descriptor> Descriptors, ImmutableArray<Reason> Unread, bool Answered, bool HasApi);

/// <summary>One repository's content, in a registry or a folder.</summary>
internal interface IOciContent
{
    /// <summary>The manifest or index behind a tag; null where there is no such tag.</summary>
    Task<Reading<Content?>> ReadTagAsync(string tag, CancellationToken cancellation);

    /// <summary>The manifest or index of this digest.</summary>
    Task<Reading<Content>> ReadManifestAsync(Digest digest, CancellationToken cancellation);

    /// <summary>The blob of this digest, which has exactly <paramref name="size"/> bytes.</summary>
    Task<Reading<Content>> ReadBlobAsync(Digest digest, long size, CancellationToken cancellation);

    /// <summary>What is listed as referring to a digest, apart from the fallback tag.</summary>
    Task<Referrers> ListReferrersAsync(Digest subject, CancellationToken cancellation);
}
