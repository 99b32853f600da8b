using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>The files of a policy, keys and trusted root, by the SHA-256 of their bytes: one document that names them all, so that the policy can be read again from what was kept.</summary>
public static class PolicyFiles
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The document: <c>{"files":{"release.pub":"sha256:…"}}</c>, in the order of the names.</summary>
    /// <param name="files">Names as the policy writes them, with the bytes.</param>
    public static ReadOnlyMemory<byte> Write(IEnumerable<(string Name, ReadOnlyMemory<byte> Bytes)> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("files"u8);
            foreach (var (name, bytes) in files.OrderBy(file => file.Name, StringComparer.Ordinal))
            {
                json.WriteString(name, Digest.Of(bytes.Span).ToString());
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>The digests by name; null where the bytes are no such document.</summary>
    public static ImmutableDictionary<string, Digest>? Read(ReadOnlyMemory<byte> document)
    {
        try
        {
            using var json = JsonDocument.Parse(document, Strict);
            return json.RootElement.GetProperty("files"u8).EnumerateObject().ToImmutableDictionary(file => file.Name, file => Digest.Parse(file.Value.GetString()!));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or GateException or ArgumentException)
        {
            return null;
        }
    }
}
