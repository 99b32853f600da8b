using Governance.Gates.Evidence;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Registries over HTTP: the OCI distribution specification 1.1, and registries from before it.</summary>
/// <remarks>One instance serves every registry and any number of callers; it holds tokens, connections and each registry's budget.</remarks>
public sealed class OciRegistry : IRegistry, IDisposable
{
    private const string Pull = "pull";
    private const string Push = "pull,push";
    private readonly RegistryTransport transport;
    private readonly RegistryLimits limits;
    private readonly TimeProvider time;
    private readonly SubjectLocks writing = new();

    /// <summary>Prepares to talk to registries; nothing is sent yet.</summary>
    /// <exception cref="GateException">The options name a CA file that cannot be read.</exception>
    public OciRegistry(RegistryOptions options, DockerCredentials credentials, TimeProvider time)
    {
        limits = options.Limits;
        this.time = time;
        transport = new(options, credentials, time);
    }

    /// <inheritdoc/>
    public async Task<Reading<Digest>> ResolveAsync(ImageReference reference, CancellationToken cancellation)
    {
        if (reference.Digest is { } digest)
        {
            return new Reading<Digest>.Found(digest);
        }

        var tag = reference.Tag ?? "latest";
        return await Content(reference.Repository, Pull).ReadTagAsync(tag, cancellation) switch
        {
            Reading<Content?>.Found({ } content) => new Reading<Digest>.Found(content.Digest),
            Reading<Content?>.Unread(var why) => new Reading<Digest>.Unread(why),
            _ => new Reading<Digest>.Unread(Readings.Reason($"registry {reference.Repository.Host} has no tag '{tag}' in {reference.Repository.Path}", "check the name and the tag")),
        };
    }

    /// <summary>The bytes of a manifest or index, which hash to the digest asked for.</summary>
    public async Task<Reading<ReadOnlyMemory<byte>>> ReadManifestAsync(Repository repository, Digest digest, CancellationToken cancellation) =>
        (await Content(repository, Pull).ReadManifestAsync(digest, cancellation)).Try(out var content, out var why)
            ? new Reading<ReadOnlyMemory<byte>>.Found(content.Bytes)
            : new Reading<ReadOnlyMemory<byte>>.Unread(why);

    /// <inheritdoc/>
    public Task<Reading<AttachedEvidence>> FindEvidenceAsync(Repository repository, Digest digest, CancellationToken cancellation) =>
        new EvidenceCollection(Content(repository, Pull), $"registry {repository.Host}", digest, limits, cancellation).CollectAsync();

    /// <inheritdoc/>
    public async Task<Reading<Digest>> AttachToTagAsync(Repository repository, Digest subject, CosignTag tag, EvidenceLayer layer, CancellationToken cancellation)
    {
        var content = Content(repository, Push);
        if (!(await content.WriteBlobAsync(layer.Content, cancellation)).Try(out var digest, out var why))
        {
            return new Reading<Digest>.Unread(why);
        }

        var entry = TagList.CosignLayers.EntryOf(layer, digest);
        using var turn = await writing.EnterAsync((repository, subject), cancellation);
        return await new TagUpdate(content, repository, Tags.Name(subject, tag), new TagList.CosignLayers(), time).AddAsync(entry, cancellation);
    }

    /// <inheritdoc/>
    public async Task<Reading<Digest>> AttachReferrerAsync(Repository repository, Digest subject, string artifactType, EvidenceLayer layer, CancellationToken cancellation)
    {
        var content = Content(repository, Push);
        if (!(await content.ReadManifestAsync(subject, cancellation)).Try(out var about, out var why)
            || !(await content.WriteBlobAsync(ReferrerManifest.EmptyConfig, cancellation)).Try(out _, out why)
            || !(await content.WriteBlobAsync(layer.Content, cancellation)).Try(out _, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        if (ReferrerManifest.MediaTypeOf(about.Bytes) is not { } mediaType)
        {
            return new Reading<Digest>.Unread(Readings.Reason($"{repository}@{subject} is neither a manifest nor an index", "attach to the digest of an image or an index"));
        }

        var manifest = ReferrerManifest.Compose(artifactType, layer, subject, mediaType, about.Bytes.Length);
        var digest = Digest.Of(manifest);
        if (!(await content.WriteManifestAsync(digest.ToString(), manifest, MediaTypes.Manifest, null, cancellation)).Try(out var answer, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        // "OCI-Subject" says that the registry has listed the manifest. Without it, only the list itself can say so.
        if (answer.Header("OCI-Subject") == subject.ToString()
            || (await content.ListReferrersAsync(subject, cancellation)) is { HasApi: true, Descriptors: var listed } && listed.Any(one => one.Digest == digest))
        {
            return new Reading<Digest>.Found(digest);
        }

        using var turn = await writing.EnterAsync((repository, subject), cancellation);
        var update = new TagUpdate(content, repository, Tags.Fallback(subject), new TagList.ReferrersIndex(), time);
        return (await update.AddAsync(ReferrerManifest.Entry(manifest, artifactType, layer), cancellation)).Try(out _, out why)
            ? new Reading<Digest>.Found(digest)
            : new Reading<Digest>.Unread(why);
    }

    /// <inheritdoc/>
    public Task<Reading<EvidenceLayer?>> ReadTaggedAsync(Repository repository, string tag, CancellationToken cancellation) =>
        TaggedLayer.ReadAsync(Content(repository, Pull), repository.ToString(), tag, limits, cancellation);

    /// <inheritdoc/>
    public async Task<Reading<Digest>> PushTaggedAsync(Repository repository, string tag, string artifactType, EvidenceLayer layer, CancellationToken cancellation)
    {
        var content = Content(repository, Push);
        if (!(await content.WriteBlobAsync(ReferrerManifest.EmptyConfig, cancellation)).Try(out _, out var why)
            || !(await content.WriteBlobAsync(layer.Content, cancellation)).Try(out _, out why))
        {
            return new Reading<Digest>.Unread(why);
        }

        var manifest = TaggedLayer.Compose(artifactType, layer);
        return (await content.WriteManifestAsync(tag, manifest, MediaTypes.Manifest, null, cancellation)).Try(out _, out why)
            ? new Reading<Digest>.Found(Digest.Of(manifest))
            : new Reading<Digest>.Unread(why);
    }

    private RegistryContent Content(Repository repository, string actions) => new(transport, repository, limits, actions, time);

    /// <inheritdoc/>
    public void Dispose() => transport.Dispose();
}
