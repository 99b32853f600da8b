using System.Buffers;
using System.Text.Json;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>What cosign writes beside a signature into a layer's annotations, as one document that is kept with it.</summary>
public static class LayerAnnotations
{
    /// <summary>What such a document is called among evidence.</summary>
    public const string Type = "dev.sigstore.cosign/annotations";

    /// <summary>The annotation with the signer's certificate (cosign SIGNATURE_SPEC).</summary>
    public const string Certificate = "dev.sigstore.cosign/certificate";

    /// <summary>The annotation with a log's entry and its promise.</summary>
    public const string Bundle = "dev.sigstore.cosign/bundle";

    /// <summary>The annotation with a timestamp.</summary>
    public const string Timestamp = "dev.sigstore.cosign/rfc3161timestamp";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The annotations of a layer that say something of the signature.</summary>
    /// <param name="annotations">All of its annotations, unsigned.</param>
    public static CosignAnnotations Of(IReadOnlyDictionary<string, string> annotations)
    {
        ArgumentNullException.ThrowIfNull(annotations);
        return new(annotations.GetValueOrDefault(Certificate), annotations.GetValueOrDefault(Bundle), annotations.GetValueOrDefault(Timestamp));
    }

    /// <summary>The document: the annotations that are there, by their names; empty where there are none.</summary>
    public static ReadOnlyMemory<byte> Write(CosignAnnotations annotations)
    {
        ArgumentNullException.ThrowIfNull(annotations);
        if (annotations == CosignAnnotations.None)
        {
            return default;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteOptional(json, Bundle, annotations.Bundle);
            WriteOptional(json, Certificate, annotations.Certificate);
            WriteOptional(json, Timestamp, annotations.Timestamp);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Reads such a document; null where it is none.</summary>
    public static CosignAnnotations? Read(ReadOnlyMemory<byte> document)
    {
        try
        {
            using var json = JsonDocument.Parse(document, Strict);
            return new(Text(json.RootElement, Certificate), Text(json.RootElement, Bundle), Text(json.RootElement, Timestamp));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement document, string name) => document.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
