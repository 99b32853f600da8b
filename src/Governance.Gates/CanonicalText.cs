using System.Buffers;
using System.Globalization;
using System.Text;

namespace Governance.Gates;

/// <summary>A JSON string in its one spelling (RFC 8785, section 3.2.2.2).</summary>
internal static class CanonicalText
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create("\"\\" + string.Concat(Enumerable.Range(0, 0x20).Select(c => (char)c)));

    /// <summary>Whether the text is not spelled as it stands.</summary>
    public static bool NeedsEscape(ReadOnlySpan<char> text) => text.ContainsAny(Escaped);

    /// <summary>Writes a text without lone surrogates: two-character escapes where JSON has them, \u00xx for the other control characters, all else as itself.</summary>
    public static void Write(IBufferWriter<byte> buffer, ReadOnlySpan<char> text)
    {
        buffer.Write("\""u8);
        var rest = text;
        while (rest.IndexOfAny(Escaped) is >= 0 and var at)
        {
            WriteUtf8(buffer, rest[..at]);
            var c = rest[at];
            WriteUtf8(buffer, c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
            });
            rest = rest[(at + 1)..];
        }

        WriteUtf8(buffer, rest);
        buffer.Write("\""u8);
    }

    private static void WriteUtf8(IBufferWriter<byte> buffer, ReadOnlySpan<char> text) =>
        buffer.Advance(Encoding.UTF8.GetBytes(text, buffer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
}
