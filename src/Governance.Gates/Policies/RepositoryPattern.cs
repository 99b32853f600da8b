using System.IO.Enumeration;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>A pattern over normalised repositories: <c>*</c> is any run of characters within one path component, <c>**</c> as a whole component is any number of components.</summary>
/// <remarks>The whole name must match. There are no other wildcards, and matching takes time linear in the name.</remarks>
public sealed record RepositoryPattern
{
    private readonly string[] components;

    private RepositoryPattern(string text, string[] components)
    {
        Text = text;
        this.components = components;
    }

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    /// <summary>Reads a pattern; an answer other than null in <paramref name="mistake"/> says why it is none.</summary>
    public static RepositoryPattern? TryParse(string text, out string? mistake)
    {
        ArgumentNullException.ThrowIfNull(text);
        mistake = null;
        if (text.Length is 0 or > 255)
        {
            mistake = "a pattern has 1 to 255 characters";
            return null;
        }

        var components = text.Split('/');
        for (var i = 0; i < components.Length; i++)
        {
            var component = components[i];
            if (component == "**")
            {
                continue;
            }

            if (component.Contains("**", StringComparison.Ordinal))
            {
                mistake = $"'**' stands alone between slashes, not within '{component}'";
                return null;
            }

            if (component.Length == 0 || !component.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_' or '*' || (i == 0 && c == ':')))
            {
                mistake = $"'{component}' is no component of a normalised repository: lower-case letters, digits and . _ - with * for any run of them, no tag, no digest";
                return null;
            }
        }

        return new(text, components);
    }

    /// <summary>Whether the whole of <paramref name="repository"/> matches.</summary>
    public bool Matches(Repository repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        var name = repository.Name.AsSpan();
        Span<Range> parts = stackalloc Range[256];
        parts = parts[..name.Split(parts, '/')];

        // The last '**' seen takes one component more whenever what follows it does not fit: no other place is ever tried again.
        var (pattern, part) = (0, 0);
        var (afterStars, taken) = (-1, 0);
        while (part < parts.Length)
        {
            if (pattern < components.Length && components[pattern] == "**")
            {
                // At the end it takes one component at least.
                (afterStars, taken) = (++pattern, part);
                part += pattern == components.Length ? 1 : 0;
            }
            else if (pattern < components.Length && FileSystemName.MatchesSimpleExpression(components[pattern], name[parts[part]], ignoreCase: false))
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

    /// <summary>Whether everything that <paramref name="other"/> matches is matched by this pattern for certain; false where that would take more than a look at each component.</summary>
    internal bool Covers(RepositoryPattern other)
    {
        for (var i = 0; i < components.Length; i++)
        {
            // '**' at the end takes one component or more, whatever they are.
            if (components[i] == "**" && i == components.Length - 1)
            {
                return other.components.Length > i;
            }

            if (i == other.components.Length || !(components[i] == other.components[i] || (components[i] == "*" && other.components[i] != "**") || CoversLiteral(components[i], other.components[i])))
            {
                return false;
            }
        }

        return components.Length == other.components.Length;
    }

    /// <summary>Whether some repository may be matched by both; true where that would take more than a look at each component.</summary>
    internal bool MayOverlap(RepositoryPattern other)
    {
        for (var i = 0; ; i++)
        {
            if (i == components.Length || i == other.components.Length)
            {
                // '**' at the end takes one component or more, and before the end something follows it.
                return components.Length == other.components.Length;
            }

            var (left, right) = (components[i], other.components[i]);
            if (left == "**" || right == "**")
            {
                return true;
            }

            var globs = left.Contains('*', StringComparison.Ordinal) && right.Contains('*', StringComparison.Ordinal);
            if (!globs && !CoversLiteral(left, right) && !CoversLiteral(right, left))
            {
                return false;
            }
        }
    }

    /// <summary>Why no normalised repository can match; null where one may.</summary>
    internal string? WhyNeverMatches()
    {
        var host = components[0];
        if (!host.Contains('*', StringComparison.Ordinal) && (components.Length == 1 || !host.AsSpan().ContainsAny('.', ':')))
        {
            return components.Length == 1 ? "it names no path under a host" : $"'{host}' is not a host";
        }

        return Text.Contains('*', StringComparison.Ordinal) ? null : ImageReference.ReadRepository(Text) switch
        {
            Reading<Repository>.Found(var repository) => repository.ToString() == Text ? null : $"the normalised name is {repository}",
            Reading<Repository>.Unread(var reason) => $"it {reason.Message}",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static bool CoversLiteral(string component, string literal) =>
        component != "**" && !literal.Contains('*', StringComparison.Ordinal) && FileSystemName.MatchesSimpleExpression(component, literal, ignoreCase: false);

    /// <inheritdoc/>
    public bool Equals(RepositoryPattern? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
