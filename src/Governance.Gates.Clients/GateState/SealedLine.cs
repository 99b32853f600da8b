using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Governance.Gates.Clients.GateState;

/// <summary>A line of a state file: <c>{"sum":"16 hex digits","kind":value}</c>.</summary>
/// <param name="Sum">The first 16 hex digits of the SHA-256 of the line before's sum and of what follows the comma: a line that was changed, lost or moved is seen.</param>
/// <param name="Kind">What the value is.</param>
/// <param name="Value">JSON.</param>
/// <remarks>A checksum, not a signature: who may write into the folder can write one too.</remarks>
internal sealed record SealedLine(string Sum, string Kind, ReadOnlyMemory<byte> Value)
{
    /// <summary>The sum before the first line.</summary>
    public const string NoSum = "";

    private const int SumLength = 16;
    private const int SumStart = 8;
    private const int BodyStart = SumStart + SumLength + 2;
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A line with its line feed.</summary>
    public static byte[] Write(string previous, string kind, ReadOnlySpan<byte> value, out string sum)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes($"\"{kind}\":"), .. value];
        sum = SumOf(previous, body);
        return [.. "{\"sum\":\""u8, .. Encoding.ASCII.GetBytes(sum), .. "\","u8, .. body, .. "}\n"u8];
    }

    /// <summary>The JSON of an object of version 1 with these fields.</summary>
    public static byte[] Object(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteNumber("v"u8, 1);
            json.WriteStartArray("critical"u8);
            json.WriteEndArray();
            fields(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>What an object of version 1 holds.</summary>
    /// <exception cref="FormatException">It is none, or says that its reader must know more.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> value, Func<JsonElement, T> fields)
    {
        try
        {
            using var document = JsonDocument.Parse(value, new() { AllowDuplicateProperties = false, MaxDepth = 16 });
            var root = document.RootElement;
            // None of the fields of version 1 is ever named there: it knows them all.
            return root.GetProperty("v").GetInt32() != 1 || root.GetProperty("critical").GetArrayLength() != 0
                ? throw new FormatException("a later version of the gate wrote it")
                : fields(root);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or GateException)
        {
            throw new FormatException("it does not have the right fields", exception);
        }
    }

    /// <summary>The line, without its line feed; null where it is none or its sum is another.</summary>
    public static SealedLine? TryRead(string previous, ReadOnlyMemory<byte> line)
    {
        var bytes = line.Span;
        if (bytes.Length < BodyStart + 2 || !bytes.StartsWith("{\"sum\":\""u8) || !bytes[(SumStart + SumLength)..].StartsWith("\","u8) || bytes[^1] != '}')
        {
            return null;
        }

        var body = line[BodyStart..^1];
        var sum = SumOf(previous, body.Span);
        var colon = body.Span.IndexOf("\":"u8);
        return colon > 0 && body.Span[0] == '"' && bytes.Slice(SumStart, SumLength).SequenceEqual(Encoding.ASCII.GetBytes(sum))
            ? new(sum, Encoding.ASCII.GetString(body.Span[1..colon]), body[(colon + 2)..])
            : null;
    }

    private static string SumOf(string previous, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(previous));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..SumLength];
    }
}
