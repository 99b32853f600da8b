using System.Collections.Immutable;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Registries;

/// <summary>Collects what hangs on one digest, in every form, from a registry or a folder.</summary>
/// <remarks>
/// Three dependent reads at most: the tags and the list of referrers; the referrers' manifests, beside the layers of the tags;
/// the referrers' layers. A layer becomes evidence by its media type alone: artifact types and annotations are unsigned, and the
/// fallback index of cosign 2.5 even writes a wrong artifact type.
/// </remarks>
internal sealed class EvidenceCollection(IOciContent content, string place, Digest subject, RegistryLimits limits, CancellationToken cancellation)
{
    private const string SignatureAnnotation = "dev.cosignproject.cosign/signature";

    // Guards the plan of what is fetched: the budgets, and one fetch for a blob that several layers name.
    private readonly Lock planning = new();
    private readonly Dictionary<(Digest, long), Task<Reading<Content>>> blobs = [];
    private long bytesLeft = limits.TotalEvidenceBytes;
    private int layersLeft = limits.EvidenceLayers;

    private sealed record Harvest(ImmutableArray<EvidenceItem> Items, ImmutableArray<Reason> Unread, bool Answered)
    {
        public static Harvest Nothing { get; } = new([], [], true);

        public static Harvest Failed(Reason why) => new([], [why], false);

        public static Harvest Join(IEnumerable<Harvest> parts) => parts.ToArray() is var all
            ? new([.. all.SelectMany(one => one.Items)], [.. all.SelectMany(one => one.Unread)], all.Any(one => one.Answered))
            : Nothing;
    }

    /// <summary>Everything found and everything unread; unread as a whole only where no source answered.</summary>
    public async Task<Reading<AttachedEvidence>> CollectAsync()
    {
        var all = Harvest.Join(await Task.WhenAll(
            FromTagAsync(CosignTag.Signatures), FromTagAsync(CosignTag.Attestations), FromReferrersAsync()));
        ImmutableArray<Reason> unread = [.. all.Unread.Distinct()];
        return all.Answered
            ? new Reading<AttachedEvidence>.Found(new(all.Items, unread))
            : new Reading<AttachedEvidence>.Unread(unread[0]);
    }

    private async Task<Harvest> FromTagAsync(CosignTag tag)
    {
        var name = Tags.Name(subject, tag);
        if (!(await content.ReadTagAsync(name, cancellation)).Try(out var manifest, out var why))
        {
            return Harvest.Failed(why);
        }

        if (manifest is null)
        {
            return Harvest.Nothing;
        }

        return OciDocument.TryParse(manifest.Bytes, out var mistake) is { Layers: { } layers }
            ? await FromLayersAsync(layers, $"tag {name}")
            : Harvest.Nothing with { Unread = [NotAManifest($"tag {name}", mistake)] };
    }

    private async Task<Harvest> FromReferrersAsync()
    {
        var listing = content.ListReferrersAsync(subject, cancellation);
        var fallback = FallbackAsync();
        await Task.WhenAll(listing, fallback);
        var (listed, tagged) = (await listing, await fallback);

        var seen = new HashSet<Digest>();
        var unread = ImmutableArray.CreateBuilder<Reason>();
        unread.AddRange(listed.Unread.AddRange(tagged.Unread));
        var manifests = new List<Task<Harvest>>();
        foreach (var descriptor in listed.Descriptors.Concat(tagged.Descriptors))
        {
            if (descriptor.Digest is not { } digest)
            {
                unread.Add(Readings.Reason($"{place} lists a referrer of {subject} under '{descriptor.Shown}', which is no SHA-256 digest", "attach it again with a tool that writes sha256 digests"));
                continue;
            }

            if (seen.Contains(digest))
            {
                continue;
            }

            if (seen.Count == limits.Referrers)
            {
                unread.Add(Readings.Reason($"{place} lists more than {limits.Referrers} referrers of {subject}; the rest was not read", "delete the referrers that are not needed any more"));
                break;
            }

            seen.Add(digest);
            manifests.Add(FromReferrerAsync(descriptor, digest));
        }

        var harvest = Harvest.Join(await Task.WhenAll(manifests));
        return new(harvest.Items, [.. unread, .. harvest.Unread], listed.Answered || tagged.Answered);
    }

    private async Task<Referrers> FallbackAsync()
    {
        var name = Tags.Fallback(subject);
        if (!(await content.ReadTagAsync(name, cancellation)).Try(out var index, out var why))
        {
            return new([], [why], Answered: false, HasApi: false);
        }

        if (index is null)
        {
            return new([], [], Answered: true, HasApi: false);
        }

        if (OciDocument.TryParse(index.Bytes, out var mistake) is not { } document)
        {
            return new([], [Readings.Reason($"{place}: tag {name} {mistake}", "delete the tag and attach the evidence again")], Answered: true, HasApi: false);
        }

        // `cosign copy` leaves the image itself under this tag: that lists no referrers, and says nothing about any.
        return new(document.Manifests ?? [], [], Answered: true, HasApi: false);
    }

    private async Task<Harvest> FromReferrerAsync(Descriptor descriptor, Digest digest)
    {
        if (descriptor.Size > limits.ManifestBytes)
        {
            return Harvest.Nothing with { Unread = [TooLarge($"referrer {digest}", descriptor.Size, limits.ManifestBytes)] };
        }

        if (!(await content.ReadManifestAsync(digest, cancellation)).Try(out var manifest, out var why))
        {
            return Harvest.Nothing with { Unread = [why] };
        }

        if (OciDocument.TryParse(manifest.Bytes, out var mistake) is not { } document)
        {
            return Harvest.Nothing with { Unread = [NotAManifest($"referrer {digest}", mistake)] };
        }

        // A list can say anything. Only the manifest's own subject ties it to the digest; one that differs is no evidence, and the list that lied proves nothing by its silence.
        if (document.Subject != subject.ToString())
        {
            return Harvest.Nothing with { Unread = [Readings.Reason($"{place} lists {digest} as a referrer of {subject}, but its own subject is another", "delete the wrong entry from the list of referrers")] };
        }

        return document.Layers is { } layers ? await FromLayersAsync(layers, $"referrer {digest}") : Harvest.Nothing;
    }

    private async Task<Harvest> FromLayersAsync(ImmutableArray<Descriptor> layers, string where)
    {
        var fetched = new List<Task<Harvest>>();
        var unread = ImmutableArray.CreateBuilder<Reason>();
        if (layers.Length > limits.LayersPerManifest)
        {
            unread.Add(Readings.Reason($"{place}: {where} has {layers.Length} layers, more than {limits.LayersPerManifest}; the rest was not read", "delete the tag and sign again"));
        }

        foreach (var (layer, number) in layers.Take(limits.LayersPerManifest).Select((layer, i) => (layer, i + 1)))
        {
            if (Kind(layer) is { } entity)
            {
                fetched.Add(FromLayerAsync(layer, entity, $"{where}, layer {number}"));
            }
        }

        var harvest = Harvest.Join(await Task.WhenAll(fetched));
        return new(harvest.Items, [.. unread, .. harvest.Unread], Answered: true);
    }

    private async Task<Harvest> FromLayerAsync(Descriptor layer, Func<ReadOnlyMemory<byte>, SignedEntity> entity, string where)
    {
        if (layer.Digest is not { } digest)
        {
            return Harvest.Nothing with { Unread = [Readings.Reason($"{place}: {where} is named by '{layer.Shown}', which is no SHA-256 digest", "attach it again with a tool that writes sha256 digests")] };
        }

        if (layer.Size > limits.EvidenceBytes)
        {
            return Harvest.Nothing with { Unread = [TooLarge(where, layer.Size, limits.EvidenceBytes)] };
        }

        Task<Reading<Content>>? fetch;
        lock (planning)
        {
            if (!blobs.TryGetValue((digest, layer.Size), out fetch))
            {
                if (layersLeft == 0 || layer.Size > bytesLeft)
                {
                    return Harvest.Nothing with
                    {
                        Unread = [Readings.Reason($"{place} holds more evidence on {subject} than is read: {limits.EvidenceLayers} layers, {limits.TotalEvidenceBytes} bytes", "delete the evidence that is not needed any more")],
                    };
                }

                layersLeft--;
                bytesLeft -= layer.Size;
                fetch = content.ReadBlobAsync(digest, layer.Size, cancellation);
                blobs.Add((digest, layer.Size), fetch);
            }
        }

        return (await fetch).Try(out var blob, out var why)
            ? new([new(entity(blob.Bytes), blob.Digest, where)], [], Answered: true)
            : Harvest.Nothing with { Unread = [why] };
    }

    private static Func<ReadOnlyMemory<byte>, SignedEntity>? Kind(Descriptor layer) => layer.MediaType switch
    {
        MediaTypes.SimpleSigning => bytes => new SignedEntity.CosignSignature(bytes, layer.Annotations.GetValueOrDefault(SignatureAnnotation)) { Annotations = LayerAnnotations.Of(layer.Annotations) },
        MediaTypes.Dsse => bytes => new SignedEntity.Envelope(bytes) { Annotations = LayerAnnotations.Of(layer.Annotations) },
        Sigstore.MediaTypes.Bundle or Sigstore.MediaTypes.BundleOldSpelling or Sigstore.MediaTypes.BundleV02 or Sigstore.MediaTypes.BundleV01 => bytes => new SignedEntity.Bundle(bytes),
        _ => null,
    };

    private Reason NotAManifest(string what, string mistake) =>
        Readings.Reason($"{place}: {what} {(mistake.Length == 0 ? "is an index, not a manifest" : mistake)}", "delete it and attach the evidence again");

    private Reason TooLarge(string what, long size, long limit) =>
        Readings.Reason($"{place}: {what} has {size} bytes, more than the {limit} that are read", "attach smaller evidence");
}
