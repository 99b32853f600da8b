using System.Buffers;
using System.Text;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Statements;

/// <summary>A document that is signed, shown whole: every member and every character of it, in ASCII, however long it is.</summary>
/// <remarks>Words and cut lines are for orientation. Nobody should sign what they could not have read.</remarks>
internal static class WholeStatement
{
    private const int MostDepth = 128;

    /// <summary>Its lines.</summary>
    /// <param name="document">A JSON object.</param>
    /// <param name="shown">An object that was shown before: members of <c>predicate</c> that say the same there, byte for byte, are left out. Empty for none.</param>
    public static string[] Lines(ReadOnlyMemory<byte> document, ReadOnlyMemory<byte> shown)
    {
        using var whole = JsonDocument.Parse(document, new() { MaxDepth = MostDepth });
        using var before = JsonDocument.Parse(shown.IsEmpty ? "{}"u8.ToArray() : shown, new() { MaxDepth = MostDepth });
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = SafeText.Json, MaxDepth = MostDepth }))
        {
            json.WriteStartObject();
            foreach (var member in whole.RootElement.EnumerateObject())
            {
                if (member.NameEquals("predicate"u8) && member.Value.ValueKind == JsonValueKind.Object)
                {
                    json.WriteStartObject(member.Name);
                    foreach (var field in member.Value.EnumerateObject().Where(field => !Says(before.RootElement, field)))
                    {
                        field.WriteTo(json);
                    }

                    json.WriteEndObject();
                }
                else
                {
                    member.WriteTo(json);
                }
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan).Split('\n');
    }

    private static bool Says(JsonElement before, JsonProperty field) => before.TryGetProperty(field.Name, out var same) && same.GetRawText() == field.Value.GetRawText();
}
