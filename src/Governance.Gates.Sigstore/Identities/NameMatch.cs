namespace Governance.Gates.Sigstore;

/// <summary>What a name must be: exactly a text, or like a pattern in which <c>*</c> stands for any characters of one path segment.</summary>
/// <remarks>Always the whole name, by ordinal comparison. <c>*</c> never crosses a <c>/</c>, so that no repository can be named like two segments of another.</remarks>
public sealed record NameMatch
{
    private readonly string[]? segments;

    private NameMatch(string text, string[]? segments)
    {
        Text = text;
        this.segments = segments;
    }

    /// <summary>The text, or the pattern.</summary>
    public string Text { get; }

    /// <summary>Whether <see cref="Text"/> is a pattern.</summary>
    public bool IsPattern => segments is not null;

    /// <summary>Exactly this text; a <c>*</c> in it is a character like any other.</summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public static NameMatch Exactly(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        return new(text, null);
    }

    /// <summary>Names like this pattern: <c>https://github.com/example/*/.github/workflows/release.yml@refs/tags/v*</c>.</summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public static NameMatch Like(string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        return new(pattern, pattern.Split('/'));
    }

    /// <summary>Whether a name is what is asked for.</summary>
    public bool Matches(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (segments is null)
        {
            return name == Text;
        }

        var parts = name.Split('/');
        return parts.Length == segments.Length && segments.Zip(parts).All(pair => SegmentMatches(pair.First, pair.Second));
    }

    /// <summary>Whether some name is both what is asked for here and there.</summary>
    public bool Overlaps(NameMatch other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (segments is null || other.segments is null)
        {
            return segments is null ? other.Matches(Text) : Matches(other.Text);
        }

        return segments.Length == other.segments.Length && segments.Zip(other.segments).All(pair => SegmentsOverlap(pair.First, pair.Second));
    }

    /// <inheritdoc/>
    public bool Equals(NameMatch? other) => other is not null && Text == other.Text && IsPattern == other.IsPattern;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Text, IsPattern);

    // Only the last star is ever tried again, so the time is at most the product of the lengths.
    private static bool SegmentMatches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        var (p, t, star, resume) = (0, 0, -1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, resume) = (p++, t);
            }
            else if (p < pattern.Length && pattern[p] == text[t])
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].Trim('*').IsEmpty;
    }

    // reached[j]: some text is like all of what was read of the one pattern, and of the first j characters of the other.
    private static bool SegmentsOverlap(string one, string other)
    {
        var reached = new bool[other.Length + 1];
        reached[0] = true;
        for (var j = 0; j < other.Length && other[j] == '*'; j++)
        {
            reached[j + 1] = true;
        }

        foreach (var character in one)
        {
            var next = new bool[other.Length + 1];
            next[0] = character == '*' && reached[0];
            for (var j = 1; j <= other.Length; j++)
            {
                next[j] = character == '*' ? reached[j] || next[j - 1]
                    : other[j - 1] == '*' ? next[j - 1] || reached[j]
                    : reached[j - 1] && other[j - 1] == character;
            }

            reached = next;
        }

        return reached[^1];
    }

    /// <summary>The text, or the pattern.</summary>
    public override string ToString() => Text;
}
