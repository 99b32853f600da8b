using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads fields of a form and keeps the first mistake; after one, every field reads as empty, so a caller asks for <see cref="Fault"/> once, at the end.</summary>
/// <remarks>A JSON null is an absent field, as protobuf's JSON mapping has it.</remarks>
internal sealed class JsonShape(string step)
{
    public Rejected? Fault { get; private set; }

    public void Fail(RejectionCode code, string detail) => Fault ??= new(code, step, detail);

    public JsonElement Object(JsonElement from, params ReadOnlySpan<string> path) => Required(from, path, JsonValueKind.Object);

    public JsonElement Array(JsonElement from, params ReadOnlySpan<string> path) => Required(from, path, JsonValueKind.Array);

    public string Text(JsonElement from, params ReadOnlySpan<string> path) => Required(from, path, JsonValueKind.String) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "";

    /// <summary>The bytes that a base64 field spells.</summary>
    public byte[] Base64(JsonElement from, params ReadOnlySpan<string> path)
    {
        var text = Required(from, path, JsonValueKind.String);
        if (text.ValueKind != JsonValueKind.String)
        {
            return [];
        }

        // Nearly always without escapes, and then as long as an envelope may be: no need to make a string of it.
        var raw = JsonMarshal.GetRawUtf8Value(text)[1..^1];
        var bytes = raw.Contains((byte)'\\') ? Base64Text.Decode(text.GetString()!) : Base64Text.Decode(raw);
        if (bytes is null)
        {
            Fail(RejectionCode.MalformedBase64, $"'{Dotted(path)}' is not base64");
        }

        return bytes ?? [];
    }

    /// <summary>A count, index or time, from 0: protobuf writes 64-bit integers as strings, reads numbers too, and leaves zero out.</summary>
    public long Count(JsonElement from, params ReadOnlySpan<string> path)
    {
        var found = Walk(from, path);
        var count = -1L;
        var isCount = found.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => (count = 0) == 0,
            JsonValueKind.String => found.GetString() is { Length: > 0 and <= 19 } text && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count),
            JsonValueKind.Number => found.TryGetInt64(out count),
            _ => false,
        };
        if (!isCount || count < 0)
        {
            Fail(RejectionCode.WrongShape, $"'{Dotted(path)}' is no whole number from 0");
            return 0;
        }

        return count;
    }

    /// <summary>The field, or a default element where it is absent or null. Another kind of value is a mistake.</summary>
    public JsonElement Optional(JsonElement from, JsonValueKind kind, params ReadOnlySpan<string> path)
    {
        var found = Walk(from, path);
        if (found.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return default;
        }

        return found.ValueKind == kind ? found : Mistake(RejectionCode.WrongShape, $"'{Dotted(path)}' is {Word(found.ValueKind)} and must be {Word(kind)}");
    }

    private JsonElement Required(JsonElement from, ReadOnlySpan<string> path, JsonValueKind kind)
    {
        var found = Optional(from, kind, path);
        return found.ValueKind == JsonValueKind.Undefined ? Mistake(RejectionCode.MissingField, $"'{Dotted(path)}' is missing") : found;
    }

    private JsonElement Walk(JsonElement from, ReadOnlySpan<string> path)
    {
        for (var depth = 0; depth < path.Length; depth++)
        {
            if (from.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            {
                return default;
            }

            if (from.ValueKind != JsonValueKind.Object)
            {
                return Mistake(RejectionCode.WrongShape, $"'{(depth == 0 ? "$" : Dotted(path[..depth]))}' is {Word(from.ValueKind)} and must be an object");
            }

            if (!from.TryGetProperty(path[depth], out from))
            {
                return default;
            }
        }

        return from.ValueKind == JsonValueKind.Null ? default : from;
    }

    private JsonElement Mistake(RejectionCode code, string detail)
    {
        Fail(code, detail);
        return default;
    }

    private static string Dotted(ReadOnlySpan<string> path) => path.IsEmpty ? "$" : string.Join('.', path!);

    private static string Word(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
