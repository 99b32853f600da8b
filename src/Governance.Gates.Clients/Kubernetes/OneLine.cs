namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Text from outside, made fit to stand in a one-line message.</summary>
internal static class OneLine
{
    private const int Longest = 200;

    /// <summary>The text without control, format or separator characters, and cut where it grows long.</summary>
    public static string Of(string text)
    {
        var cut = text.Length > Longest ? $"{text.AsSpan(0, Longest)}…" : text;
        return string.Create(cut.Length, cut, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = IsPlain(from[i]) ? from[i] : '\uFFFD';
            }
        });
    }

    // Format characters turn writing around and hide text; line separators end a line for some readers.
    private static bool IsPlain(char c) => char.GetUnicodeCategory(c) is not (
        System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.LineSeparator
        or System.Globalization.UnicodeCategory.ParagraphSeparator or System.Globalization.UnicodeCategory.Surrogate);
}
