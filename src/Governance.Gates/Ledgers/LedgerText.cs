using System.Buffers;
using System.Globalization;
using System.Text;

namespace Governance.Gates.Ledgers;

/// <summary>What a text in an entry may be: one line of well-formed Unicode that no terminal or log can be broken with.</summary>
public static class LedgerText
{
    /// <summary>The longest text, in UTF-16 code units.</summary>
    public const int Longest = JsonFields.LongestText;

    /// <summary>The longest message or rationale, in UTF-16 code units.</summary>
    public const int LongestMessage = 4 * Longest;

    private static readonly SearchValues<char> Plain = SearchValues.Create(string.Concat(Enumerable.Range(0x20, 0x5f).Select(c => (char)c)));

    /// <summary>The text as an entry can hold it: what may not stand there is replaced by U+FFFD, and what is too long is cut and ends with "…".</summary>
    /// <returns>Null for a text that is null or empty: what has no value is absent.</returns>
    public static string? Of(string? text, int longest = Longest)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        if (IsLine(text, longest))
        {
            return text;
        }

        var clean = new StringBuilder(Math.Min(text.Length, longest));
        foreach (var rune in text.EnumerateRunes())
        {
            var next = IsPlain(rune) ? rune : Rune.ReplacementChar;
            if (clean.Length + next.Utf16SequenceLength > longest - 1)
            {
                return clean.Append('…').ToString();
            }

            clean.Append(next);
        }

        return clean.ToString();
    }

    /// <summary>Whether an entry can hold the text as it is.</summary>
    internal static bool IsLine(string text, int longest) =>
        text.Length > 0 && text.Length <= longest && (!text.AsSpan().ContainsAnyExcept(Plain) || (NoteText.IsWellFormed(text) && text.EnumerateRunes().All(IsPlain)));

    private static bool IsPlain(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
