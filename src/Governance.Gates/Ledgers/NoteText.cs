using System.Buffers;

namespace Governance.Gates.Ledgers;

/// <summary>What the texts around a signed note have in common.</summary>
internal static class NoteText
{
    /// <summary>What standard base64 (RFC 4648, section 4) spells; null for every spelling but the canonical one.</summary>
    public static byte[]? TryDecode(string base64)
    {
        var bytes = new byte[base64.Length / 4 * 3];
        return Convert.TryFromBase64String(base64, bytes, out var length) && Convert.ToBase64String(bytes, 0, length) == base64 ? bytes[..length] : null;
    }

    /// <summary>Whether this can name a key: C2SP signed-note allows neither spaces nor plus.</summary>
    public static bool IsName(string text) => text.Length > 0 && !text.Any(c => c == '+' || char.IsWhiteSpace(c)) && IsWellFormed(text);

    /// <summary>Whether the text has no lone surrogate, and so a UTF-8 form.</summary>
    public static bool IsWellFormed(string text) => text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') < 0 || HasPairsOnly(text);

    private static bool HasPairsOnly(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (System.Text.Rune.DecodeFromUtf16(text, out _, out var length) != OperationStatus.Done)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }
}
