using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>The media types that the gates know by name.</summary>
internal static class MediaTypes
{
    public const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    public const string Index = "application/vnd.oci.image.index.v1+json";
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
    public const string DockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
    public const string Config = "application/vnd.oci.image.config.v1+json";
    public const string Empty = "application/vnd.oci.empty.v1+json";
    public const string SimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
    public const string Dsse = "application/vnd.dsse.envelope.v1+json";
    public const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
}

/// <summary>A descriptor as it was found: what it says is not yet true.</summary>
/// <param name="MediaType">Its media type; empty where there is none.</param>
/// <param name="DigestText">The digest as written.</param>
/// <param name="Size">Bytes; at least 0.</param>
/// <param name="Annotations">Its annotations, unsigned.</param>
/// <param name="Json">The descriptor itself, for keeping it as it stands.</param>
internal sealed record Descriptor(string MediaType, string DigestText, long Size, ImmutableDictionary<string, string> Annotations, string Json)
{
    private const int Printed = 80;

    /// <summary>The digest, or null where it is none that we can check.</summary>
    public Digest? Digest { get; } = Digest.TryParse(DigestText);

    /// <summary>The digest as written, fit for a message.</summary>
    public string Shown => Digest?.ToString() ?? string.Concat(DigestText.Take(Printed).Select(c => c is >= ' ' and <= '~' ? c : '?'));
}

/// <summary>An image manifest or an index, parsed from bytes that were hashed.</summary>
internal sealed class OciDocument
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };
    private static readonly ImmutableDictionary<string, string> NoAnnotations = ImmutableDictionary<string, string>.Empty;

    private OciDocument()
    {
    }

    /// <summary>What the document says it is; null where it does not say.</summary>
    public string? MediaType { get; private init; }

    /// <summary>Layers of a manifest; null for an index.</summary>
    public ImmutableArray<Descriptor>? Layers { get; private init; }

    /// <summary>Manifests of an index; null for a manifest.</summary>
    public ImmutableArray<Descriptor>? Manifests { get; private init; }

    /// <summary>The digest that it says it refers to; null where it refers to none.</summary>
    public string? Subject { get; private init; }

    /// <summary>Its own annotations as JSON; null where there are none.</summary>
    public string? AnnotationsJson { get; private init; }

    /// <summary>Parses a document; null with a mistake for whatever is neither manifest nor index.</summary>
    public static OciDocument? TryParse(ReadOnlyMemory<byte> bytes, out string mistake)
    {
        try
        {
            using var json = JsonDocument.Parse(bytes, Strict);
            return Read(json.RootElement, out mistake);
        }
        catch (JsonException)
        {
            mistake = "is not JSON, or has a property twice";
            return null;
        }
        catch (InvalidOperationException)
        {
            // A string with a lone surrogate: valid JSON text that no string can hold.
            mistake = "has text that is not Unicode";
            return null;
        }
    }

    private static OciDocument? Read(JsonElement root, out string mistake)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            mistake = "is not a JSON object";
            return null;
        }

        // image-spec, "manifest.md" and CVE-2021-41190: one that is both would be read as either.
        var hasLayers = root.TryGetProperty("layers", out var layers);
        var hasManifests = root.TryGetProperty("manifests", out var manifests);
        if (hasLayers == hasManifests)
        {
            mistake = hasLayers ? "has both layers and manifests" : "is neither a manifest nor an index";
            return null;
        }

        if (List(hasLayers ? layers : manifests) is not { } descriptors)
        {
            mistake = $"has a descriptor without digest or size in its {(hasLayers ? "layers" : "manifests")}";
            return null;
        }

        string? subject = null;
        if (root.TryGetProperty("subject", out var about) && about.ValueKind != JsonValueKind.Null)
        {
            subject = ReadDescriptor(about)?.DigestText;
            if (subject is null)
            {
                mistake = "has a subject without digest or size";
                return null;
            }
        }

        mistake = "";
        return new()
        {
            MediaType = Text(root, "mediaType"),
            Layers = hasLayers ? descriptors : null,
            Manifests = hasLayers ? null : descriptors,
            Subject = subject,
            AnnotationsJson = root.TryGetProperty("annotations", out var annotations) && annotations.ValueKind == JsonValueKind.Object ? annotations.GetRawText() : null,
        };
    }

    private static ImmutableArray<Descriptor>? List(JsonElement list)
    {
        if (list.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var descriptors = ImmutableArray.CreateBuilder<Descriptor>(list.GetArrayLength());
        foreach (var element in list.EnumerateArray())
        {
            if (ReadDescriptor(element) is not { } descriptor)
            {
                return null;
            }

            descriptors.Add(descriptor);
        }

        return descriptors.MoveToImmutable();
    }

    private static Descriptor? ReadDescriptor(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
        && Text(element, "digest") is { } digest
        && element.TryGetProperty("size", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out var size) && size >= 0
            ? new(Text(element, "mediaType") ?? "", digest, size, Annotations(element), element.GetRawText())
            : null;

    private static ImmutableDictionary<string, string> Annotations(JsonElement element) =>
        element.TryGetProperty("annotations", out var annotations) && annotations.ValueKind == JsonValueKind.Object
            ? annotations.EnumerateObject().Where(one => one.Value.ValueKind == JsonValueKind.String).ToImmutableDictionary(one => one.Name, one => one.Value.GetString()!)
            : NoAnnotations;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Writes JSON to bytes without escaping what JSON does not ask to escape: signatures and media types hold a plus.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(json);
        }

        return stream.ToArray();
    }

    /// <summary>The JSON of a descriptor.</summary>
    public static string DescriptorJson(string mediaType, Digest digest, long size, IReadOnlyDictionary<string, string>? annotations = null, string? artifactType = null) =>
        Encoding.UTF8.GetString(Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("mediaType", mediaType);
            json.WriteNumber("size", size);
            json.WriteString("digest", digest.ToString());
            WriteAnnotations(json, annotations);
            if (artifactType is not null)
            {
                json.WriteString("artifactType", artifactType);
            }

            json.WriteEndObject();
        }));

    /// <summary>Writes a member <c>annotations</c>, in a fixed order, where there are any.</summary>
    public static void WriteAnnotations(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? annotations)
    {
        if (annotations is null or { Count: 0 })
        {
            return;
        }

        json.WriteStartObject("annotations");
        foreach (var (name, value) in annotations.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    }
}
