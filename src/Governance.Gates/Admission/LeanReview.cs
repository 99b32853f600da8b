using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>A review without <c>metadata.managedFields</c> of its objects: who changed which field last is often half of an object, and no rule looks at it.</summary>
/// <remarks>
/// Reading JSON token by token is what a gate spends most of its time on. Here lists of that name are cut out of the bytes wherever they stand, by their brackets, and the document then tells
/// where each cut was: if one is anywhere but in the metadata of an object, nothing is left out and all of it is read. What is left out is not held against JSON's grammar.
/// </remarks>
internal sealed class LeanReview : IDisposable
{
    private const int MostCuts = 2;
    private byte[]? rented;

    private LeanReview(JsonDocument document, byte[]? rented) => (Document, this.rented) = (document, rented);

    /// <summary>The document.</summary>
    public JsonDocument Document { get; }

    /// <summary>Parses a review.</summary>
    /// <param name="body">The bytes, which the document may point into.</param>
    /// <param name="options">How strict to be.</param>
    /// <exception cref="JsonException">It is no JSON of these options.</exception>
    public static LeanReview Parse(ReadOnlyMemory<byte> body, JsonDocumentOptions options)
    {
        Span<int> cuts = stackalloc int[MostCuts];
        var rented = ArrayPool<byte>.Shared.Rent(body.Length);
        JsonDocument? document = null;
        try
        {
            if (Cut(body.Span, rented, cuts, out var count) is { } length)
            {
                var lean = rented.AsMemory(0, length);
                document = JsonDocument.Parse(lean, options);
                if (AreAllInMetadata(document.RootElement, lean.Span, cuts[..count]))
                {
                    var kept = new LeanReview(document, rented);
                    (document, rented) = (null, null);
                    return kept;
                }
            }
        }
        finally
        {
            document?.Dispose();
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }

        return new(JsonDocument.Parse(body, options), null);
    }

    /// <summary>Gives the memory back; nothing of the document may be used after it.</summary>
    public void Dispose()
    {
        Document.Dispose();
        if (Interlocked.Exchange(ref rented, null) is { } bytes)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // Each list becomes a 0. How many bytes are left; null where there is no list, or more than a review's two objects have.
    private static int? Cut(ReadOnlySpan<byte> json, Span<byte> lean, Span<int> cuts, out int count)
    {
        count = 0;
        var (written, copied) = (0, 0);
        var name = "\"managedFields\":["u8;
        while (json[copied..].IndexOf(name) is >= 0 and var at)
        {
            var from = copied + at + name.Length - 1;
            if (count == MostCuts || EndOfList(json, from) is not { } end)
            {
                return null;
            }

            json[copied..from].CopyTo(lean[written..]);
            written += from - copied;
            cuts[count++] = written;
            lean[written++] = (byte)'0';
            copied = end;
        }

        if (count == 0)
        {
            return null;
        }

        json[copied..].CopyTo(lean[written..]);
        return written + json.Length - copied;
    }

    // Where the list that begins here has ended; null where it does not.
    private static int? EndOfList(ReadOnlySpan<byte> json, int at)
    {
        var (depth, inString) = (0, false);
        do
        {
            // Such a list is mostly short names and brackets: 32 bytes at once, where none is escaped and the list does not end among them.
            if (depth > 0 && json.Length - at >= Vector256<byte>.Count && Skip(json.Slice(at, Vector256<byte>.Count), ref depth, ref inString))
            {
                at += Vector256<byte>.Count;
                continue;
            }

            for (var stop = Math.Min(at + Vector256<byte>.Count, json.Length); at < stop; at++)
            {
                switch (json[at])
                {
                    case (byte)'"':
                        inString = !inString;
                        break;
                    case (byte)'\\' when inString:
                        at++;
                        break;
                    case (byte)'[' or (byte)'{' when !inString:
                        depth++;
                        break;
                    case (byte)']' or (byte)'}' when !inString && --depth == 0:
                        return at + 1;
                }
            }
        }
        while (at < json.Length);

        return null;
    }

    private static bool Skip(ReadOnlySpan<byte> json, ref int depth, ref bool inString)
    {
        var bytes = Vector256.Create(json);
        if (Vector256.EqualsAny(bytes, Vector256.Create((byte)'\\')))
        {
            return false;
        }

        // Each bit of a quote turns over all that follow it: what is set afterwards stands in a string.
        var inside = Vector256.Equals(bytes, Vector256.Create((byte)'"')).ExtractMostSignificantBits();
        for (var shift = 1; shift < Vector256<byte>.Count; shift *= 2)
        {
            inside ^= inside << shift;
        }

        inside ^= inString ? uint.MaxValue : 0;

        // '[' and '{', as ']' and '}', differ in this bit alone.
        var either = bytes | Vector256.Create((byte)0x20);
        var opens = BitOperations.PopCount(Vector256.Equals(either, Vector256.Create((byte)'{')).ExtractMostSignificantBits() & ~inside);
        var closes = BitOperations.PopCount(Vector256.Equals(either, Vector256.Create((byte)'}')).ExtractMostSignificantBits() & ~inside);
        if (depth <= closes)
        {
            return false;
        }

        depth += opens - closes;
        inString = inside >> 31 == 1;
        return true;
    }

    private static bool AreAllInMetadata(JsonElement review, ReadOnlySpan<byte> lean, ReadOnlySpan<int> cuts)
    {
        var found = 0;
        if (review.ValueKind == JsonValueKind.Object && review.TryGetProperty("request"u8, out var request) && request.ValueKind == JsonValueKind.Object)
        {
            found += IsCut(request, "object"u8, lean, cuts) ? 1 : 0;
            found += IsCut(request, "oldObject"u8, lean, cuts) ? 1 : 0;
        }

        return found == cuts.Length;
    }

    private static bool IsCut(JsonElement request, ReadOnlySpan<byte> name, ReadOnlySpan<byte> lean, ReadOnlySpan<int> cuts) =>
        request.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object
        && value.TryGetProperty("metadata"u8, out var metadata) && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty("managedFields"u8, out var fields)
        && lean.Overlaps(JsonMarshal.GetRawUtf8Value(fields), out var offset) && cuts.Contains(offset);
}
