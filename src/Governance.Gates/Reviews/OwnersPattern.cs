using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>A pattern of CODEOWNERS, taken apart: gitignore's rules but for what GitHub documents otherwise.</summary>
/// <remarks>
/// The rules are those of gitignore(5), "PATTERN FORMAT", and of GitHub's "About code owners": a slash at the beginning or in the middle anchors the pattern to the root; one at the end
/// asks for a directory; <c>**</c> as a whole segment is any number of segments; what matches a directory matches everything in it, except that <c>dir/*</c> is what lies
/// directly in <c>dir</c>. Brackets are themselves, <c>!</c> and <c>\#</c> are not supported.
/// </remarks>
/// <param name="Segments">Between the slashes, from the root on; <c>**</c> is any number of segments, zero too.</param>
/// <param name="Exact">Whether a path is matched that ends with the last segment.</param>
/// <param name="Inside">Whether a path is matched that goes on behind it.</param>
internal sealed record OwnersPattern(ImmutableArray<string> Segments, bool Exact, bool Inside)
{
    /// <summary>The longest pattern, in UTF-16 code units; no file system has longer paths.</summary>
    public const int Longest = 4_096;

    /// <summary>The segment that is any number of segments.</summary>
    public const string AnyDepth = "**";

    /// <summary>Reads a pattern in which every escape still stands; where it is none, or does not mean what gitignore would have it mean, <paramref name="fault"/> tells.</summary>
    /// <returns>null: the pattern counts for nothing.</returns>
    public static OwnersPattern? TryParse(string text, out Fault? fault)
    {
        fault = WhyUnusable(text);
        if (fault is not null)
        {
            return null;
        }

        var (directory, rooted) = (text.EndsWith('/'), text.StartsWith('/'));
        var segments = text[(rooted ? 1 : 0)..^(directory ? 1 : 0)].Split('/');
        var at = rooted ? 1 : 0;
        foreach (var segment in segments)
        {
            if (segment.Length == 0)
            {
                fault = new(CodeownersMistakeKind.InvalidPattern, at, "two slashes in a row match no path", "write one");
                return null;
            }

            if (segment.Length > AnyDepth.Length && segment.AsSpan().IndexOfAnyExcept('*') < 0)
            {
                fault = new(CodeownersMistakeKind.InvalidPattern, at, $"'{segment}' is no pattern", "write ** for any number of folders, or * for any name");
                return null;
            }

            at += segment.Length + 1;
        }

        if (text.AsSpan().IndexOfAny('[', ']') is >= 0 and var bracket)
        {
            fault = new(CodeownersMistakeKind.UnsupportedSyntax, bracket, "character ranges do not work in CODEOWNERS: a bracket is a bracket", "write a line for each name, or * or ?");
        }

        // The last segment says what counts as a match: '*' behind a slash is a file, not a folder with all that is in it; '**' is everything inside.
        ImmutableArray<string> all = [.. rooted || segments.Length > 1 ? [] : (string[])[AnyDepth], .. segments];
        return (all[^1], directory) switch
        {
            (AnyDepth, false) when all.Length == 1 || all.All(segment => segment == AnyDepth) => new([AnyDepth, "*"], Exact: true, Inside: true),
            (AnyDepth, false) => new(all[..^1], Exact: false, Inside: true),
            (AnyDepth, true) => new([.. all[..^1], "*"], Exact: false, Inside: true),
            ("*", false) when rooted || segments.Length > 1 => new(all, Exact: true, Inside: false),
            _ => new(all, Exact: !directory, Inside: true),
        };
    }

    /// <summary>Whether some path may be matched by both this and <paramref name="other"/>; true where telling two wildcards apart would take more than a look at each.</summary>
    public bool MayOverlap(OwnersPattern other)
    {
        var (left, right) = (Segments, other.Segments);

        // met[j]: whether the first i segments of the left and the first j of the right can be spelled by one beginning of a path.
        var met = new bool[right.Length + 1];
        var ended = false;
        for (var i = 0; i <= left.Length; i++)
        {
            var next = new bool[right.Length + 1];
            for (var j = 0; j <= right.Length; j++)
            {
                next[j] = (i == 0 && j == 0)
                    || (i > 0 && left[i - 1] == AnyDepth && (met[j] || (j > 0 && next[j - 1])))
                    || (j > 0 && right[j - 1] == AnyDepth && (next[j - 1] || (i > 0 && met[j])))
                    || (i > 0 && j > 0 && met[j - 1] && MayBeOneName(left[i - 1], right[j - 1]));

                // Where one of them is at its end, what the other still asks for may lie inside.
                ended |= next[j] && (i == left.Length, j == right.Length) switch
                {
                    (true, true) => (Exact && other.Exact) || (Inside && other.Inside),
                    (true, false) => Inside,
                    (false, true) => other.Inside,
                    _ => false,
                };
            }

            met = next;
        }

        return ended;
    }

    private static bool MayBeOneName(string left, string right) => (SegmentGlob.Literal(left), SegmentGlob.Literal(right)) switch
    {
        ({ } one, { } other) => one == other,
        ({ } one, null) => SegmentGlob.Matches(right, one),
        (null, { } other) => SegmentGlob.Matches(left, other),
        _ => true,
    };

    private static Fault? WhyUnusable(string text)
    {
        if (text.Length > Longest)
        {
            return new(CodeownersMistakeKind.InvalidPattern, 0, $"the pattern has more than {Longest} characters", "write a shorter one");
        }

        if (text.AsSpan().IndexOfAnyInRange('\0', '\x1f') is >= 0 and var control)
        {
            return new(CodeownersMistakeKind.NotText, control, "the pattern holds a control character", "remove it");
        }

        if (text is "/" or "//")
        {
            return new(CodeownersMistakeKind.InvalidPattern, 0, $"'{text}' matches no path", "did you mean *");
        }

        if (text.StartsWith('!'))
        {
            return new(CodeownersMistakeKind.UnsupportedSyntax, 0, "'!' does not work in CODEOWNERS", "write a later line without owners, or with others");
        }

        if (text.StartsWith(@"\#", StringComparison.Ordinal))
        {
            return new(CodeownersMistakeKind.UnsupportedSyntax, 0, @"'\#' does not work in CODEOWNERS", "write ? for the number sign");
        }

        for (var i = text.IndexOf('\\', StringComparison.Ordinal); i >= 0; i = i + 2 < text.Length ? text.IndexOf('\\', i + 2) : -1)
        {
            if (i + 1 == text.Length || text[i + 1] == '/')
            {
                return new(CodeownersMistakeKind.InvalidPattern, i, "a backslash stands before nothing that it could escape", "remove it, or write it twice");
            }
        }

        return null;
    }

    /// <summary>What is wrong with a pattern.</summary>
    /// <param name="Kind">Which sort of mistake.</param>
    /// <param name="At">Where in the pattern, from 0.</param>
    /// <param name="Message">What was found.</param>
    /// <param name="Remedy">What to do.</param>
    public sealed record Fault(CodeownersMistakeKind Kind, int At, string Message, string Remedy);
}
