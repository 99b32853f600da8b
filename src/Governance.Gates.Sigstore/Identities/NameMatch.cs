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

    /// <summary>The text, or the pattern.</summary>
    public override string ToString() => Text;
}
