using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Governance.Gates.Cli.Consoles;

/// <summary>Makes text from outside fit for a terminal, a workflow's log, Markdown and JSON.</summary>
internal static class SafeText
{
    private const int Longest = 4_096;
    private const string Markup = "&<>|`*_[]()#~!\\";

    /// <summary>Escapes every control and format character, and what a workflow runner would read as a command inside a string.</summary>
    public static JavaScriptEncoder Json { get; } = MakeJsonEncoder();

    /// <summary>One line: no control, format or separator characters, nothing that a workflow runner takes for a command, bounded.</summary>
    /// <remarks>
    /// A GitHub runner reads <c>::name::</c> at the beginning of a line, after blanks, and the older <c>##[name]</c> anywhere in it as commands
    /// (actions/runner, ActionCommand.cs).
    /// </remarks>
    public static string Line(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (line.Length >= Longest)
            {
                line.Append('…');
                break;
            }

            line.Append(IsPlain(rune) ? rune.ToString() : "\uFFFD");
        }

        return WithoutCommands(line.ToString());
    }

    /// <summary>One line of Markdown that shows the text as it is: no markup, no HTML, no link.</summary>
    public static string Markdown(string text)
    {
        var escaped = new StringBuilder();
        foreach (var c in Line(text))
        {
            // A numeric entity stands for the character and never for markup (CommonMark 0.31, section 2.5).
            _ = Markup.Contains(c, StringComparison.Ordinal) ? escaped.Append(CultureInfo.InvariantCulture, $"&#{(int)c};") : escaped.Append(c);
        }

        // GitHub looks for @name in the text that is shown, where entities are characters again; behind an invisible one it finds none.
        return escaped.Replace("://", "&#58;//").Replace("www.", "www&#46;").Replace("@", "@&#8203;").ToString();
    }

    /// <summary>The line, where what a runner would take for a command is broken up visibly.</summary>
    public static string WithoutCommands(string line)
    {
        var broken = line.Replace("##[", "# #[", StringComparison.Ordinal);
        return broken.AsSpan().TrimStart().StartsWith("::") ? $"\\{broken}" : broken;
    }

    /// <summary>Whether a character shows as itself and moves nothing else on the line.</summary>
    public static bool IsPlain(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate);

    private static JavaScriptEncoder MakeJsonEncoder()
    {
        var settings = new TextEncoderSettings(UnicodeRanges.BasicLatin);
        settings.ForbidCharacter('#');
        return JavaScriptEncoder.Create(settings);
    }
}
