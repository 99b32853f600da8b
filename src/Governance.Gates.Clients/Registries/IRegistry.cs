using Governance.Gates.Evidence;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>What the gates ask of whatever holds images: a registry over HTTP, or an OCI image layout in a folder.</summary>
/// <remarks>
/// Bytes are fetched once, hashed here, and parsed from the hashed bytes. Nothing that a registry sends makes a member throw:
/// what cannot be read is <see cref="Reading{T}.Unread"/> with a remedy. Only cancellation throws.
/// </remarks>
public interface IRegistry
{
    /// <summary>The digest that a reference names: its own, or that of the manifest behind its tag (<c>latest</c> where there is neither).</summary>
    Task<Reading<Digest>> ResolveAsync(ImageReference reference, CancellationToken cancellation);

    /// <summary>The bytes of the manifest that a digest names, held against it.</summary>
    Task<Reading<ReadOnlyMemory<byte>>> ReadManifestAsync(Repository repository, Digest digest, CancellationToken cancellation);

    /// <summary>All that hangs on a digest, in every form: <c>.sig</c> and <c>.att</c> tags, the referrers API, the fallback tag. Never filtered by artifact type.</summary>
    /// <remarks>At most three sequential round trips once a token is held.</remarks>
    Task<Reading<AttachedEvidence>> FindEvidenceAsync(Repository repository, Digest digest, CancellationToken cancellation);

    /// <summary>Adds a layer to the cosign tag (<c>sha256-….sig</c> or <c>.att</c>) of a digest, keeping the layers that stand there.</summary>
    /// <returns>The digest of the manifest that now carries the layer.</returns>
    Task<Reading<Digest>> AttachToTagAsync(Repository repository, Digest subject, CosignTag tag, EvidenceLayer layer, CancellationToken cancellation);

    /// <summary>Pushes a manifest that refers to a digest; where the registry has no referrers API, the fallback index is written too, safely under a race.</summary>
    /// <returns>The digest of the referring manifest.</returns>
    Task<Reading<Digest>> AttachReferrerAsync(Repository repository, Digest subject, string artifactType, EvidenceLayer layer, CancellationToken cancellation);

    /// <summary>The one layer of the manifest behind a tag, its bytes held against their digest; null where there is no such tag.</summary>
    Task<Reading<EvidenceLayer?>> ReadTaggedAsync(Repository repository, string tag, CancellationToken cancellation);

    /// <summary>Pushes a manifest with one layer and moves a tag to it, whatever the tag held. Of two that push at a time, one stays: whoever must know which, reads the tag again.</summary>
    /// <returns>The digest of the manifest.</returns>
    Task<Reading<Digest>> PushTaggedAsync(Repository repository, string tag, string artifactType, EvidenceLayer layer, CancellationToken cancellation);
}

/// <summary>The tags in which cosign keeps what hangs on a digest.</summary>
public enum CosignTag
{
    /// <summary><c>sha256-….sig</c>: simple signing.</summary>
    Signatures,

    /// <summary><c>sha256-….att</c>: DSSE envelopes.</summary>
    Attestations,
}

/// <summary>One layer of evidence to push.</summary>
/// <param name="MediaType">Its media type.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Annotations">Annotations of its descriptor (tag form) or its manifest (referrer form).</param>
public sealed record EvidenceLayer(string MediaType, ReadOnlyMemory<byte> Content, IReadOnlyDictionary<string, string> Annotations);
