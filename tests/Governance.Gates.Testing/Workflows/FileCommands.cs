using System.Collections.Immutable;

namespace Governance.Gates.Testing.Workflows;

/// <summary>What a GitHub runner reads of a file such as GITHUB_OUTPUT, on Linux.</summary>
/// <remarks>After actions/runner, FileCommandManager.cs and SetOutputFileCommandL0.cs.</remarks>
/// <param name="Pairs">Names and values, in the order of the file.</param>
/// <param name="Mistake">Why the step fails; null where the file can be read.</param>
public sealed record FileCommands(ImmutableArray<(string Name, string Value)> Pairs, string? Mistake)
{
    /// <summary>Reads the text of such a file.</summary>
    public static FileCommands Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var pairs = ImmutableArray.CreateBuilder<(string, string)>();
        var lines = text.TrimStart('\uFEFF').Split('\n');

        // What comes behind the last line feed is a line too, but one that has no end.
        for (var at = 0; at < lines.Length; at++)
        {
            var line = lines[at];
            var (equals, heredoc) = (Position(line, "="), Position(line, "<<"));
            if (line.Length == 0)
            {
                continue;
            }

            if (equals < heredoc)
            {
                pairs.Add((line[..equals], line[(equals + 1)..]));
            }
            else if (heredoc < equals)
            {
                var (name, delimiter) = (line[..heredoc], line[(heredoc + 2)..]);
                if (name.Length == 0 || delimiter.Length == 0)
                {
                    return new(pairs.ToImmutable(), $"invalid format '{line}'");
                }

                var end = Array.IndexOf(lines, delimiter, at + 1);
                if (end < 0)
                {
                    return new(pairs.ToImmutable(), $"matching delimiter not found '{delimiter}'");
                }

                pairs.Add((name, string.Join('\n', lines[(at + 1)..end])));
                at = end;
            }
            else
            {
                return new(pairs.ToImmutable(), $"invalid format '{line}'");
            }
        }

        return new(pairs.ToImmutable(), null);
    }

    private static int Position(string line, string what) => line.IndexOf(what, StringComparison.Ordinal) is >= 0 and var at ? at : int.MaxValue;
}
