using System.Text.RegularExpressions;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>A pattern over normalised repositories: <c>*</c> is any run of characters within one path component, <c>**</c> as a whole component is any number of components.</summary>
/// <remarks>The whole name must match. There are no other wildcards, and matching takes time linear in the name.</remarks>
public sealed record RepositoryPattern
{
    private readonly Regex regex;
    private readonly string[] components;

    private RepositoryPattern(string text, Regex regex, string[] components)
    {
        Text = text;
        this.regex = regex;
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

        var expression = new System.Text.StringBuilder("^");
        var components = text.Split('/');
        for (var i = 0; i < components.Length; i++)
        {
            var component = components[i];
            var last = i == components.Length - 1;
            if (component == "**")
            {
                expression.Append(last ? ".+" : "(?:[^/]+/)*");
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

            expression.Append(Regex.Escape(component).Replace(@"\*", "[^/]*", StringComparison.Ordinal)).Append(last ? "" : "/");
        }

        return new(text, new Regex(expression.Append(@"\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), components);
    }

    /// <summary>Whether the whole of <paramref name="repository"/> matches.</summary>
    public bool Matches(Repository repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return regex.IsMatch(repository.ToString());
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

    private static bool CoversLiteral(string component, string literal)
    {
        if (component == "**" || literal.Contains('*', StringComparison.Ordinal) || !component.Contains('*', StringComparison.Ordinal))
        {
            return false;
        }

        var parts = component.Split('*');
        if (literal.Length < parts[0].Length + parts[^1].Length || !literal.StartsWith(parts[0], StringComparison.Ordinal) || !literal.EndsWith(parts[^1], StringComparison.Ordinal))
        {
            return false;
        }

        // Each middle part as far left as it goes leaves the most room for the next.
        var rest = literal.AsSpan(parts[0].Length, literal.Length - parts[0].Length - parts[^1].Length);
        foreach (var part in parts.AsSpan(1, parts.Length - 2))
        {
            var at = rest.IndexOf(part, StringComparison.Ordinal);
            if (at < 0)
            {
                return false;
            }

            rest = rest[(at + part.Length)..];
        }

        return true;
    }

    /// <inheritdoc/>
    public bool Equals(RepositoryPattern? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
