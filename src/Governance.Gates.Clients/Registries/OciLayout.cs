using Governance.Gates.Evidence;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>An OCI image layout: a folder with <c>oci-layout</c>, <c>index.json</c> and blobs by digest (OCI image specification, "Image Layout").</summary>
/// <remarks>
/// A layout holds the content of one repository, or of several that share it; the repository of a call serves messages only.
/// Referrers are the manifests in <c>index.json</c> whose subject is the digest, and those in the fallback tag's index.
/// Several processes may write at a time: a lock file beside <c>index.json</c> orders them, and each write replaces the file whole.
/// </remarks>
public sealed class OciLayout : IRegistry
{
    private readonly LayoutFolder folder;
    private readonly RegistryLimits limits;

    private OciLayout(LayoutFolder folder, RegistryLimits limits)
    {
        this.folder = folder;
        this.limits = limits;
    }

    /// <summary>Opens a layout.</summary>
    /// <exception cref="GateException">The folder is none.</exception>
    public static OciLayout Open(string directory, RegistryLimits? limits = null)
    {
        var folder = new LayoutFolder(directory, limits ?? new());
        return folder.Mistake() is { } mistake
            ? throw new GateException($"'{directory}' is not an OCI image layout: {mistake}", "name a folder that holds oci-layout, index.json and blobs/sha256")
            : new(folder, limits ?? new());
    }

    /// <summary>Makes an empty layout in a folder that is new or empty.</summary>
    /// <exception cref="GateException">The folder holds something, or cannot be written.</exception>
    public static OciLayout Create(string directory, RegistryLimits? limits = null)
    {
        var folder = new LayoutFolder(directory, limits ?? new());
        folder.Create();
        return new(folder, limits ?? new());
    }

    /// <summary>Stores a blob: a layer, a configuration, or the manifest of a platform that an index names.</summary>
    public Task<Reading<Digest>> AddBlobAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation) => folder.WriteBlobAsync(bytes, cancellation);

    /// <summary>Stores a manifest or index and lists it in <c>index.json</c>; a tag moves to it from wherever it stood.</summary>
    public async Task<Reading<Digest>> AddManifestAsync(ReadOnlyMemory<byte> bytes, string mediaType, string? tag, CancellationToken cancellation)
    {
        using var turn = await folder.LockAsync(cancellation);
        return turn is null ? Busy() : await ListAsync(bytes, mediaType, tag, cancellation);
    }

    /// <summary>The digest that a reference names; without tag and digest, <c>latest</c>, or else the only image in the layout.</summary>
    public async Task<Reading<Digest>> ResolveAsync(ImageReference reference, CancellationToken cancellation)
    {
        if (reference.Digest is { } digest)
        {
            return new Reading<Digest>.Found(digest);
        }

        if (!(await folder.ReadIndexAsync(cancellation)).Try(out var listed, out var why))
        {
            return new Reading<Digest>.Unread(why);
        }

        var tag = reference.Tag ?? "latest";
        var named = listed.Where(one => LayoutFolder.TagOf(one) == tag).ToArray();
        if (named.Length == 0 && reference.Tag is null)
        {
            named = [.. (await folder.ImagesAsync(listed, cancellation)).Take(2)];
        }

        return named is [{ Digest: { } only }]
            ? new Reading<Digest>.Found(only)
            : new Reading<Digest>.Unread(Readings.Reason(
                $"layout {folder.Directory} has {(named.Length == 0 ? "nothing" : "more than one image")} {(reference.Tag is null ? "to choose without a tag" : $"under the tag '{tag}'")}",
                $"name one as oci:{folder.Directory}:tag or oci:{folder.Directory}@sha256:…"));
    }

    /// <summary>The bytes of a manifest or index, which hash to the digest asked for.</summary>
    public async Task<Reading<ReadOnlyMemory<byte>>> ReadManifestAsync(Repository repository, Digest digest, CancellationToken cancellation) =>
        (await folder.ReadManifestAsync(digest, cancellation)).Try(out var content, out var why)
            ? new Reading<ReadOnlyMemory<byte>>.Found(content.Bytes)
            : new Reading<ReadOnlyMemory<byte>>.Unread(why);

    /// <inheritdoc/>
    public Task<Reading<AttachedEvidence>> FindEvidenceAsync(Repository repository, Digest digest, CancellationToken cancellation) =>
        new EvidenceCollection(folder, $"layout {folder.Directory}", digest, limits, cancellation).CollectAsync();

    /// <inheritdoc/>
    public async Task<Reading<Digest>> AttachToTagAsync(Repository repository, Digest subject, CosignTag tag, EvidenceLayer layer, CancellationToken cancellation)
    {
        if (!(await folder.WriteBlobAsync(layer.Content, cancellation)).Try(out var digest, out var why))
        {
            return new Reading<Digest>.Unread(why);
        }

        using var turn = await folder.LockAsync(cancellation);
        if (turn is null)
        {
            return Busy();
        }

        var (list, name, entry) = (new TagList.CosignLayers(), Tags.Name(subject, tag), TagList.CosignLayers.EntryOf(layer, digest));
        if (!(await folder.ReadTagAsync(name, cancellation)).Try(out var standing, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        var entries = standing is null ? [] : list.Read(standing.Bytes);
        if (entries is null)
        {
            return new Reading<Digest>.Unread(Readings.Reason($"layout {folder.Directory}: tag {name} holds something else than its name says", "delete the tag, then try again"));
        }

        if (standing is not null && entries.Value.Any(one => one.Key == entry.Key))
        {
            return new Reading<Digest>.Found(standing.Digest);
        }

        var composed = list.Compose(entries.Value.Add(entry), standing?.Bytes);
        return (await folder.WriteBlobAsync(composed.Config!, cancellation)).Try(out _, out why)
            ? await ListAsync(composed.Bytes, list.MediaType, name, cancellation)
            : new Reading<Digest>.Unread(why);
    }

    /// <inheritdoc/>
    public async Task<Reading<Digest>> AttachReferrerAsync(Repository repository, Digest subject, string artifactType, EvidenceLayer layer, CancellationToken cancellation)
    {
        if (!(await folder.ReadManifestAsync(subject, cancellation)).Try(out var about, out var why)
            || !(await folder.WriteBlobAsync(ReferrerManifest.EmptyConfig, cancellation)).Try(out _, out why)
            || !(await folder.WriteBlobAsync(layer.Content, cancellation)).Try(out _, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        return ReferrerManifest.MediaTypeOf(about.Bytes) is { } mediaType
            ? await AddManifestAsync(ReferrerManifest.Compose(artifactType, layer, subject, mediaType, about.Bytes.Length), MediaTypes.Manifest, null, cancellation)
            : new Reading<Digest>.Unread(Readings.Reason($"layout {folder.Directory}: {subject} is neither a manifest nor an index", "attach to the digest of an image or an index"));
    }

    /// <inheritdoc/>
    public Task<Reading<EvidenceLayer?>> ReadTaggedAsync(Repository repository, string tag, CancellationToken cancellation) =>
        TaggedLayer.ReadAsync(folder, $"layout {folder.Directory}", tag, limits, cancellation);

    /// <inheritdoc/>
    public async Task<Reading<Digest>> PushTaggedAsync(Repository repository, string tag, string artifactType, EvidenceLayer layer, CancellationToken cancellation) =>
        (await folder.WriteBlobAsync(ReferrerManifest.EmptyConfig, cancellation)).Try(out _, out var why) && (await folder.WriteBlobAsync(layer.Content, cancellation)).Try(out _, out why)
            ? await AddManifestAsync(TaggedLayer.Compose(artifactType, layer), MediaTypes.Manifest, tag, cancellation)
            : new Reading<Digest>.Unread(why);

    // Called while the layout is locked.
    private async Task<Reading<Digest>> ListAsync(ReadOnlyMemory<byte> bytes, string mediaType, string? tag, CancellationToken cancellation)
    {
        if (!(await folder.WriteBlobAsync(bytes, cancellation)).Try(out var digest, out var why)
            || !(await folder.ReadIndexAsync(cancellation)).Try(out var listed, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        if (tag is null && listed.Any(one => one.Digest == digest))
        {
            return new Reading<Digest>.Found(digest);
        }

        var annotations = tag is null ? null : new Dictionary<string, string> { [LayoutFolder.RefName] = tag };
        var kept = tag is null ? listed : [.. listed.Where(one => LayoutFolder.TagOf(one) != tag)];
        return (await folder.WriteIndexAsync([.. kept.Select(one => one.Json), OciDocument.DescriptorJson(mediaType, digest, bytes.Length, annotations)], cancellation)) is { } failed
            ? new Reading<Digest>.Unread(failed)
            : new Reading<Digest>.Found(digest);
    }

    private Reading<Digest>.Unread Busy() =>
        new(Readings.Reason($"layout {folder.Directory} could not be locked for writing", "check that its folder may be written, and try again when no other process writes it"));
}
