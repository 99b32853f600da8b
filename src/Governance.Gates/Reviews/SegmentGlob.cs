using System.Text;

namespace Governance.Gates.Reviews;

/// <summary>One segment of a pattern: <c>*</c> is any run of characters, <c>?</c> one, and a backslash makes the next character itself.</summary>
internal static class SegmentGlob
{
    /// <summary>The one name that the segment is; null where it holds a wildcard.</summary>
    public static string? Literal(string segment)
    {
        if (!segment.AsSpan().ContainsAny('*', '?', '\\'))
        {
            return segment;
        }

        var name = new StringBuilder(segment.Length);
        for (var i = 0; i < segment.Length; i++)
        {
            if (segment[i] is '*' or '?')
            {
                return null;
            }

            i += segment[i] == '\\' ? 1 : 0;
            name.Append(segment[i]);
        }

        return name.ToString();
    }

    /// <summary>Whether the whole name matches, in time that grows with the product of both lengths at most.</summary>
    public static bool Matches(ReadOnlySpan<char> segment, ReadOnlySpan<char> name)
    {
        // The last star seen takes one character more whenever what follows it does not fit: no earlier star is ever tried again.
        var (pattern, at) = (0, 0);
        var (afterStar, taken) = (-1, 0);
        while (at < name.Length)
        {
            if (pattern < segment.Length && segment[pattern] == '*')
            {
                (afterStar, taken) = (++pattern, at);
                continue;
            }

            var escaped = pattern < segment.Length && segment[pattern] == '\\' ? 1 : 0;
            if (pattern + escaped < segment.Length && escaped == 0 && segment[pattern] == '?')
            {
                pattern++;
                at += OneCharacter(name, at);
            }
            else if (pattern + escaped < segment.Length && segment[pattern + escaped] == name[at])
            {
                pattern += escaped + 1;
                at++;
            }
            else if (afterStar >= 0)
            {
                pattern = afterStar;
                at = taken += OneCharacter(name, taken);
            }
            else
            {
                return false;
            }
        }

        return segment[pattern..].IndexOfAnyExcept('*') < 0;
    }

    // A character beyond the basic plane is two code units.
    private static int OneCharacter(ReadOnlySpan<char> name, int at) => char.IsHighSurrogate(name[at]) && at + 1 < name.Length && char.IsLowSurrogate(name[at + 1]) ? 2 : 1;
}
