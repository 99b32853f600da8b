using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Governance.Gates.Reviews;

/// <summary>Reads one CODEOWNERS file, a line at a time.</summary>
internal sealed class CodeownersReader(string file)
{
    private readonly ImmutableArray<CodeownersRule>.Builder rules = ImmutableArray.CreateBuilder<CodeownersRule>();
    private readonly List<CodeownersMistake> mistakes = [];
    private readonly List<CodeownersMistake> warnings = [];

    public Codeowners Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= Codeowners.MostBytes)
        {
            var mistake = new CodeownersMistake(1, 1, CodeownersMistakeKind.TooLarge, $"the file has {Codeowners.MostBytes.ToString(CultureInfo.InvariantCulture)} bytes or more: GitHub does not load it, and nobody owns anything", "make it smaller");
            return new(file, [], [mistake], []);
        }

        // A byte order mark would become a part of the first pattern.
        var rest = bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
        for (var line = 1; rest.Length > 0; line++)
        {
            var end = rest.IndexOf((byte)'\n');
            var text = (end < 0 ? rest : rest[..end]).TrimEnd((byte)'\r');
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (Utf8.IsValid(text))
            {
                ReadLine(line, Encoding.UTF8.GetString(text));
            }
            else
            {
                Add(mistakes, new(line, 1, CodeownersMistakeKind.NotText, "the line is not UTF-8", "save the file as UTF-8"));
            }
        }

        return new(file, rules.DrainToImmutable(), [.. mistakes], [.. warnings]);
    }

    private void ReadLine(int line, string text)
    {
        var tokens = Tokens(text);
        if (tokens is not [var (pattern, start), .. var named])
        {
            return;
        }

        if (IsSectionOfAnotherForge(pattern))
        {
            Add(mistakes, new(line, start + 1, CodeownersMistakeKind.UnsupportedSyntax, "sections belong to GitLab: GitHub reads no [section]", "remove the line, and write the owners on each line"));
            return;
        }

        var meaning = OwnersPattern.TryParse(pattern, out var fault);
        if (fault is not null)
        {
            Add(mistakes, new(line, start + fault.At + 1, fault.Kind, fault.Message, fault.Remedy));
        }

        var owners = ImmutableArray.CreateBuilder<CodeOwner>(named.Count);
        foreach (var (name, at) in named)
        {
            if (CodeOwner.TryParse(name) is not { } owner)
            {
                var bot = name.EndsWith("[bot]", StringComparison.OrdinalIgnoreCase);
                Add(mistakes, new(line, at + 1, CodeownersMistakeKind.InvalidOwner, bot ? $"{Shown(name)} is an app, which cannot own code" : $"{Shown(name)} is no owner", "write @login, @organisation/team or an e-mail address"));
                meaning = null;
                continue;
            }

            owners.Add(owner);
        }

        if (meaning is null)
        {
            return;
        }

        rules.Add(new(line, pattern, owners.ToImmutable(), meaning));
        Doubt(line, start, pattern, named.Count);
    }

    private void Doubt(int line, int start, string pattern, int owners)
    {
        if (owners == 0 && CodeOwner.TryParse(pattern) is not null and not CodeOwner.Email)
        {
            Add(warnings, new(line, start + 1, CodeownersMistakeKind.Doubtful, $"{Shown(pattern)} stands where a pattern belongs, and takes the owners away from paths of that name", "write a pattern before the owner, such as *"));
        }

        // GitHub's own engineers and its users tell differently whether /foo/b* owns foo/bar/baz.
        else if (pattern.TrimEnd('*') is [.., not '/'] stem && stem.Length < pattern.Length && stem[^1] != '\\' && stem.Contains('/', StringComparison.Ordinal))
        {
            Add(warnings, new(line, start + 1, CodeownersMistakeKind.Doubtful, $"{Shown(pattern)} also matches what lies inside folders of such a name, which not every reader expects", $"write {Shown(pattern + "/")} for the folders on a line of its own"));
        }
    }

    // "[Docs]", "^[Docs]", "[Docs][2]"; a folder in brackets is followed by a slash or more.
    private static bool IsSectionOfAnotherForge(string pattern) => pattern.TrimStart('^') is ['[', .., ']'] && !pattern.Contains('/', StringComparison.Ordinal);

    /// <summary>What blanks separate, each with its place from 0. A backslash keeps the blank behind it in the pattern; a number sign before an owner begins a comment.</summary>
    private static List<(string Text, int At)> Tokens(string line)
    {
        var tokens = new List<(string, int)>();
        for (var i = 0; i < line.Length;)
        {
            if (line[i] is ' ' or '\t')
            {
                i++;
                continue;
            }

            if (line[i] == '#')
            {
                break;
            }

            var start = i;
            for (; i < line.Length && line[i] is not (' ' or '\t'); i++)
            {
                i += line[i] == '\\' && tokens.Count == 0 && i + 1 < line.Length ? 1 : 0;
            }

            tokens.Add((line[start..i], start));
        }

        return tokens;
    }

    private static string Shown(string text) => $"'{(text.Length <= 80 ? text : $"{text[..80]}…")}'";

    private static void Add(List<CodeownersMistake> list, CodeownersMistake mistake)
    {
        if (list.Count < Codeowners.MostMistakes)
        {
            list.Add(mistake);
        }
        else if (list.Count == Codeowners.MostMistakes)
        {
            list.Add(mistake with { Message = "more mistakes follow that are not shown", Remedy = "correct these first" });
        }
    }
}
