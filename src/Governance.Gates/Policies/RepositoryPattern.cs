using System.Text.RegularExpressions;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>A pattern over normalised repositories: <c>*</c> is any run of characters within one path component, <c>**</c> as a whole component is any number of components.</summary>
/// <remarks>The whole name must match. There are no other wildcards, and matching takes time linear in the name.</remarks>
public sealed record RepositoryPattern
{
    private readonly Regex regex;

    private RepositoryPattern(string text, Regex regex)
    {
        Text = text;
        this.regex = regex;
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

        return new(text, new Regex(expression.Append(@"\z").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
    }

    /// <summary>Whether the whole of <paramref name="repository"/> matches.</summary>
    public bool Matches(Repository repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return regex.IsMatch(repository.ToString());
    }

    /// <inheritdoc/>
    public bool Equals(RepositoryPattern? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
