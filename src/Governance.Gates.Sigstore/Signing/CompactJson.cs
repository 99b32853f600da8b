using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Governance.Gates.Sigstore;

/// <summary>Writes JSON as the field's tools do: compact, and base64's <c>+</c> as itself.</summary>
internal static class CompactJson
{
    // The default encoder escapes '+' for the sake of HTML, where none of this ever stands.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
