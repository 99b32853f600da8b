using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>A manifest with one layer behind a tag: how something that is no image, and hangs on none, lies in a repository.</summary>
internal static class TaggedLayer
{
    public static async Task<Reading<EvidenceLayer?>> ReadAsync(IOciContent content, string place, string tag, RegistryLimits limits, CancellationToken cancellation)
    {
        if (!(await content.ReadTagAsync(tag, cancellation)).Try(out var manifest, out var why))
        {
            return new Reading<EvidenceLayer?>.Unread(why);
        }

        if (manifest is null)
        {
            return new Reading<EvidenceLayer?>.Found(null);
        }

        if (OciDocument.TryParse(manifest.Bytes, out var mistake) is not { Layers: [{ Digest: { } digest } layer] })
        {
            return Unread($"{place}: tag {tag} {(mistake.Length == 0 ? "does not hold one layer with a SHA-256 digest" : mistake)}", "delete the tag, then publish what belongs there again");
        }

        if (layer.Size > limits.EvidenceBytes)
        {
            return Unread($"{place}: the layer of tag {tag} has {layer.Size} bytes, more than the {limits.EvidenceBytes} that are read", "publish something smaller");
        }

        return (await content.ReadBlobAsync(digest, layer.Size, cancellation)).Try(out var blob, out why)
            ? new Reading<EvidenceLayer?>.Found(new(layer.MediaType, blob.Bytes, layer.Annotations))
            : new Reading<EvidenceLayer?>.Unread(why);
    }

    public static byte[] Compose(string artifactType, EvidenceLayer layer) => OciDocument.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.Manifest);
        json.WriteString("artifactType", artifactType);
        json.WritePropertyName("config");
        json.WriteRawValue(OciDocument.DescriptorJson(MediaTypes.Empty, Digest.Of(ReferrerManifest.EmptyConfig.Span), ReferrerManifest.EmptyConfig.Length));
        json.WriteStartArray("layers");
        json.WriteRawValue(OciDocument.DescriptorJson(layer.MediaType, Digest.Of(layer.Content.Span), layer.Content.Length, layer.Annotations));
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static Reading<EvidenceLayer?>.Unread Unread(string message, string remedy) => new(Readings.Reason(message, remedy));
}
