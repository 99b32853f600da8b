using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Reviews;

/// <summary>A path that somebody named: as it was given, and as a repository spells it.</summary>
/// <param name="Given">As it was given.</param>
/// <param name="Path">From the repository's root; null where what was given is no path of a file in one.</param>
/// <param name="Why">Why it is none.</param>
internal sealed record NamedPath(string Given, string? Path, Reason? Why)
{
    private const string Rule = "path";

    public static NamedPath Of(string given)
    {
        var path = given.StartsWith("./", StringComparison.Ordinal) ? given[2..] : given;
        return path switch
        {
            "" => Not(given, "an empty line is no path", "remove it"),
            ['/', ..] => Not(given, $"'{given}' does not begin at the repository's root", "name it from there, without a slash in front"),
            [.., '/'] => Not(given, $"'{given}' is a folder, and files have owners", "name a file in it"),
            _ when path.Split('/').Any(segment => segment is "" or "." or "..") => Not(given, $"'{given}' is not the plain path of a file", "write it without empty parts, . and .."),
            _ => new(given, path, null),
        };
    }

    public static NamedPath Not(string given, string message, string remedy) => new(given, null, new(Rule, message, remedy));
}

/// <summary>Paths from a command line, and from standard input where one of them is <c>-</c>, in their order.</summary>
internal static class PathList
{
    private const int Longest = 16_384;

    /// <param name="arguments">Paths, or <c>-</c>.</param>
    /// <param name="terminal">Whose input is read.</param>
    /// <param name="end">What ends a path on standard input: a line feed, or a zero byte.</param>
    /// <param name="cancellation">Ends the wait for more.</param>
    public static async IAsyncEnumerable<NamedPath> ReadAsync(IEnumerable<string> arguments, Terminal terminal, byte end, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var argument in arguments)
        {
            if (argument != "-")
            {
                yield return NamedPath.Of(argument);
                continue;
            }

            await foreach (var path in ReadInputAsync(terminal.Input, end, cancellation))
            {
                yield return path;
            }
        }
    }

    private static async IAsyncEnumerable<NamedPath> ReadInputAsync(Stream input, byte end, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // Of a path that is too long, the beginning is kept and the rest passes by.
        var (chunk, kept, length) = (new byte[65_536], new byte[Longest + 1], 0);
        for (int read; (read = await input.ReadAsync(chunk, cancellation)) > 0;)
        {
            for (var from = 0; from < read;)
            {
                var at = chunk.AsSpan(from, read - from).IndexOf(end);
                var until = at < 0 ? read : from + at;
                var taken = Math.Min(until - from, kept.Length - length);
                chunk.AsSpan(from, taken).CopyTo(kept.AsSpan(length));
                length += taken;
                from = until + 1;
                if (at >= 0)
                {
                    yield return Decode(kept.AsSpan(0, length), end);
                    length = 0;
                }
            }
        }

        if (length > 0)
        {
            yield return Decode(kept.AsSpan(0, length), end);
        }
    }

    private static NamedPath Decode(ReadOnlySpan<byte> bytes, byte end)
    {
        var text = Encoding.UTF8.GetString(bytes);
        return bytes.Length > Longest ? NamedPath.Not(text, $"a path has more than {Longest} bytes", "name files, one on a line")
            : !Utf8.IsValid(bytes) ? NamedPath.Not(text, $"'{text}' is not UTF-8", "ask for this file on GitHub: patterns are UTF-8")
            : end == '\n' && text is ['"', .., '"'] ? NamedPath.Not(text, $"{text} is quoted as git quotes unusual names", "list paths with git's -z, and read them with -z")
            : NamedPath.Of(text);
    }
}
