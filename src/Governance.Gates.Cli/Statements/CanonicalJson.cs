using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Governance.Gates.Cli.Statements;

/// <summary>JSON objects in one spelling: members in the order of their names, no blanks, integers only.</summary>
internal static class CanonicalJson
{
    private const int MostBytes = 256 * 1024;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The object in a file.</summary>
    /// <exception cref="GateException">There is no such object.</exception>
    public static ReadOnlyMemory<byte> ReadFile(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(InputFile.Read(path, "file of parameters", MostBytes), Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Write(json => Write(json, document.RootElement))
                : throw new GateException($"'{path}' is no JSON object", "write the parameters as an object, such as { \"old\": \"…\", \"new\": \"…\" }");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new GateException($"'{path}' is no strict JSON with whole numbers only", "mend it, and write other numbers as text", exception);
        }
    }

    /// <summary>What is written without blanks and needless escapes.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            write(json);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(member.Name);
                    Write(json, member.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.Number:
                json.WriteNumberValue(value.TryGetInt64(out var number) ? number : throw new JsonException("no whole number"));
                break;
            case JsonValueKind.String:
                json.WriteStringValue(value.GetString());
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }
}
