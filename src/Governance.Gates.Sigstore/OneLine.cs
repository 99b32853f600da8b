using System.Text;

namespace Governance.Gates.Sigstore;

/// <summary>Makes text from outside fit to stand in a message: one line, no control characters, bounded.</summary>
internal static class OneLine
{
    private const int Longest = 120;

    public static string Show(string text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= Longest)
            {
                return shown.Append('…').ToString();
            }

            var category = Rune.GetUnicodeCategory(rune);
            shown.Append(category is System.Globalization.UnicodeCategory.Control
                or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator
                ? "?"
                : rune.ToString());
        }

        return shown.ToString();
    }
}
