using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>A list that a tag keeps, to which an entry is to be added: the layers of a cosign tag, or the index of referrers.</summary>
internal abstract class TagList
{
    /// <summary>One entry, as JSON; entries with the same key say the same.</summary>
    public sealed record Entry(string Key, string Json);

    /// <summary>A list, ready to be pushed.</summary>
    public sealed record Composed(byte[] Bytes, byte[]? Config);

    /// <summary>The media type of the manifest or index.</summary>
    public abstract string MediaType { get; }

    /// <summary>The entries of what a tag holds now; null where it holds something else, which is then left alone.</summary>
    public abstract ImmutableArray<Entry>? Read(ReadOnlyMemory<byte> bytes);

    /// <summary>The list with these entries; <paramref name="standing"/> is what it replaces.</summary>
    public abstract Composed Compose(ImmutableArray<Entry> entries, ReadOnlyMemory<byte>? standing);

    /// <summary>The layers of <c>.sig</c> and <c>.att</c>, in the shape that cosign writes.</summary>
    public sealed class CosignLayers : TagList
    {
        public override string MediaType => MediaTypes.Manifest;

        public static Entry EntryOf(Descriptor layer) =>
            new($"{layer.DigestText}\n{string.Join('\n', layer.Annotations.OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => one.Key + "=" + one.Value))}", layer.Json);

        public static Entry EntryOf(EvidenceLayer layer, Digest digest) => EntryOf(new Descriptor(
            layer.MediaType, digest.ToString(), layer.Content.Length, layer.Annotations.ToImmutableDictionary(),
            OciDocument.DescriptorJson(layer.MediaType, digest, layer.Content.Length, layer.Annotations)));

        public override ImmutableArray<Entry>? Read(ReadOnlyMemory<byte> bytes) =>
            OciDocument.TryParse(bytes, out _) is { Layers: { } layers } ? [.. layers.Select(EntryOf)] : null;

        public override Composed Compose(ImmutableArray<Entry> entries, ReadOnlyMemory<byte>? standing)
        {
            var config = Config(entries);
            return new(OciDocument.Write(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("schemaVersion", 2);
                json.WriteString("mediaType", MediaTypes.Manifest);
                json.WritePropertyName("config");
                json.WriteRawValue(OciDocument.DescriptorJson(MediaTypes.Config, Digest.Of(config), config.Length));
                WriteEntries(json, "layers", entries);
                KeepAnnotations(json, standing);
                json.WriteEndObject();
            }), config);
        }

        // What go-containerregistry writes for an image without a base, one history entry and one diff id a layer.
        private static byte[] Config(ImmutableArray<Entry> entries) => OciDocument.Write(json =>
        {
            const string created = "0001-01-01T00:00:00Z";
            json.WriteStartObject();
            json.WriteString("architecture", "");
            json.WriteString("created", created);
            json.WriteStartArray("history");
            foreach (var _ in entries)
            {
                json.WriteStartObject();
                json.WriteString("created", created);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("os", "");
            json.WriteStartObject("rootfs");
            json.WriteString("type", "layers");
            json.WriteStartArray("diff_ids");
            foreach (var entry in entries)
            {
                json.WriteStringValue(entry.Key[..entry.Key.IndexOf('\n', StringComparison.Ordinal)]);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartObject("config");
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>The index of referrers behind the fallback tag.</summary>
    public sealed class ReferrersIndex : TagList
    {
        public override string MediaType => MediaTypes.Index;

        public override ImmutableArray<Entry>? Read(ReadOnlyMemory<byte> bytes) =>
            OciDocument.TryParse(bytes, out _) is { Manifests: { } manifests } ? [.. manifests.Select(one => new Entry(one.DigestText, one.Json))] : null;

        public override Composed Compose(ImmutableArray<Entry> entries, ReadOnlyMemory<byte>? standing) => new(
            OciDocument.Write(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("schemaVersion", 2);
                json.WriteString("mediaType", MediaTypes.Index);
                WriteEntries(json, "manifests", entries);
                KeepAnnotations(json, standing);
                json.WriteEndObject();
            }),
            Config: null);
    }

    private static void WriteEntries(Utf8JsonWriter json, string name, ImmutableArray<Entry> entries)
    {
        json.WriteStartArray(name);
        foreach (var entry in entries)
        {
            json.WriteRawValue(entry.Json);
        }

        json.WriteEndArray();
    }

    private static void KeepAnnotations(Utf8JsonWriter json, ReadOnlyMemory<byte>? standing)
    {
        if (standing is { } bytes && OciDocument.TryParse(bytes, out _)?.AnnotationsJson is { } annotations)
        {
            json.WritePropertyName("annotations");
            json.WriteRawValue(annotations);
        }
    }
}

/// <summary>A manifest that refers to a digest and carries one layer.</summary>
internal static class ReferrerManifest
{
    /// <summary>The two bytes of the empty descriptor (OCI image specification, "Guidance for an Empty Descriptor").</summary>
    public static ReadOnlyMemory<byte> EmptyConfig { get; } = "{}"u8.ToArray();

    /// <summary>Its bytes. The layer's annotations are the manifest's, as cosign and others write them.</summary>
    public static byte[] Compose(string artifactType, EvidenceLayer layer, Digest subject, string subjectMediaType, long subjectSize) => OciDocument.Write(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.Manifest);
        json.WriteString("artifactType", artifactType);
        json.WritePropertyName("config");
        json.WriteRawValue(OciDocument.DescriptorJson(MediaTypes.Empty, Digest.Of(EmptyConfig.Span), EmptyConfig.Length));
        json.WriteStartArray("layers");
        json.WriteRawValue(OciDocument.DescriptorJson(layer.MediaType, Digest.Of(layer.Content.Span), layer.Content.Length));
        json.WriteEndArray();
        json.WritePropertyName("subject");
        json.WriteRawValue(OciDocument.DescriptorJson(subjectMediaType, subject, subjectSize));
        OciDocument.WriteAnnotations(json, layer.Annotations);
        json.WriteEndObject();
    });

    /// <summary>Its entry in the index of referrers, which repeats artifact type and annotations of the manifest.</summary>
    public static TagList.Entry Entry(byte[] manifest, string artifactType, EvidenceLayer layer) =>
        new(Digest.Of(manifest).ToString(), OciDocument.DescriptorJson(MediaTypes.Manifest, Digest.Of(manifest), manifest.Length, layer.Annotations, artifactType));

    /// <summary>The media type of a subject's bytes: what they say, or what their shape is.</summary>
    public static string? MediaTypeOf(ReadOnlyMemory<byte> manifest) => OciDocument.TryParse(manifest, out _) is { } document
        ? document.MediaType ?? (document.Layers is null ? MediaTypes.Index : MediaTypes.Manifest)
        : null;
}
