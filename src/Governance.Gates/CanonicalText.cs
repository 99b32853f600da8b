using System.Buffers;
using System.Text;

namespace Governance.Gates;

/// <summary>A JSON string in its one spelling (RFC 8785, section 3.2.2.2).</summary>
internal static class CanonicalText
{
    private const string HexDigits = "0123456789abcdef";
    private const int LongestEscape = 6;
    private static readonly SearchValues<char> Escaped = SearchValues.Create("\"\\" + string.Concat(Enumerable.Range(0, 0x20).Select(c => (char)c)));

    /// <summary>The characters of ASCII that can be printed and stand for themselves: a text of these has one spelling, and as many bytes as characters.</summary>
    public static string AsItStands { get; } = string.Concat(Enumerable.Range(0x20, 0x5f).Select(c => (char)c).Except(['"', '\\']));

    /// <summary>Whether the text is not spelled as it stands.</summary>
    public static bool NeedsEscape(ReadOnlySpan<char> text) => text.ContainsAny(Escaped);

    /// <summary>Room that is enough for a text in its spelling.</summary>
    public static int MostBytes(ReadOnlySpan<char> text) => 2 + (NeedsEscape(text) ? LongestEscape * text.Length : Encoding.UTF8.GetMaxByteCount(text.Length));

    /// <summary>Writes a text.</summary>
    public static void Write(IBufferWriter<byte> buffer, ReadOnlySpan<char> text) => buffer.Advance(Write(buffer.GetSpan(MostBytes(text)), text));

    /// <summary>Writes a text without lone surrogates: two-character escapes where JSON has them, \u00xx for the other control characters, all else as itself.</summary>
    /// <param name="room">At least <see cref="MostBytes"/>.</param>
    /// <param name="text">The text.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Write(Span<byte> room, ReadOnlySpan<char> text)
    {
        room[0] = (byte)'"';
        var rest = text;
        var written = 1;
        while (rest.IndexOfAny(Escaped) is >= 0 and var at)
        {
            written += Encoding.UTF8.GetBytes(rest[..at], room[written..]);
            written += Escape(room[written..], rest[at]);
            rest = rest[(at + 1)..];
        }

        written += Encoding.UTF8.GetBytes(rest, room[written..]);
        room[written] = (byte)'"';
        return written + 1;
    }

    private static int Escape(Span<byte> room, char c)
    {
        room[0] = (byte)'\\';
        var two = c switch
        {
            '"' or '\\' => (byte)c,
            '\b' => (byte)'b',
            '\f' => (byte)'f',
            '\n' => (byte)'n',
            '\r' => (byte)'r',
            '\t' => (byte)'t',
            _ => default,
        };
        if (two != default)
        {
            room[1] = two;
            return 2;
        }

        "u00"u8.CopyTo(room[1..]);
        (room[4], room[5]) = ((byte)HexDigits[c >> 4], (byte)HexDigits[c & 0xf]);
        return LongestEscape;
    }
}
