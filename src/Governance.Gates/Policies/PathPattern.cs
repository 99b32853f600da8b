using System.Collections.Immutable;
using System.IO.Enumeration;

namespace Governance.Gates.Policies;

/// <summary>A pattern over paths of a repository, from its root: <c>*</c> is any run of characters within one component, <c>**</c> as a whole component is any number of components.</summary>
/// <remarks>The whole path must match, with its case. Where <c>**</c> stands last it is one component at least. There are no other wildcards, and nothing is tried twice.</remarks>
public sealed record PathPattern
{
    private const int Longest = 255;
    private readonly string[] components;

    private PathPattern(string text, string[] components)
    {
        Text = text;
        this.components = components;
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary>What stands between the slashes.</summary>
    public ImmutableArray<string> Components => [.. components];

    /// <summary>Reads a pattern; an answer other than null in <paramref name="mistake"/> says why it is none.</summary>
    public static PathPattern? TryParse(string text, out string? mistake)
    {
        ArgumentNullException.ThrowIfNull(text);
        var components = text.Split('/');
        mistake = text.Length is 0 or > Longest ? $"a pattern has 1 to {Longest} characters"
            : text.StartsWith('/') ? "a pattern begins at the root without a slash"
            : text.EndsWith('/') ? "a folder is not a file; write /** for all that is in it"
            : components.Any(component => component is "" or "." or "..") ? "a pattern has no empty parts, no . and no .."
            : text.AsSpan().IndexOfAny("?[]\\!") is >= 0 and var odd ? $"'{text[odd]}' does not work here; * and ** do"
            : components.FirstOrDefault(component => component != "**" && component.Contains("**", StringComparison.Ordinal)) is { } glued ? $"'**' stands alone between slashes, not within '{glued}'"
            : null;
        return mistake is null ? new(text, components) : null;
    }

    /// <summary>Whether the whole of a path matches.</summary>
    /// <param name="path">From the repository's root, with slashes between and none in front.</param>
    public bool Matches(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var parts = path.Split('/');

        // The last '**' seen takes one component more whenever what follows it does not fit: no other place is ever tried again.
        var (pattern, part) = (0, 0);
        var (afterStars, taken) = (-1, 0);
        while (part < parts.Length)
        {
            if (pattern < components.Length && components[pattern] == "**")
            {
                (afterStars, taken) = (++pattern, part);
                part += pattern == components.Length ? 1 : 0;
            }
            else if (pattern < components.Length && FileSystemName.MatchesSimpleExpression(components[pattern], parts[part], ignoreCase: false))
            {
                pattern++;
                part++;
            }
            else if (afterStars >= 0)
            {
                (pattern, part) = (afterStars, ++taken);
            }
            else
            {
                return false;
            }
        }

        return pattern == components.Length;
    }

    /// <inheritdoc/>
    public bool Equals(PathPattern? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
