using System.Buffers;

namespace Governance.Gates.Reviews;

/// <summary>Whom a CODEOWNERS line names. Two that differ in case only are one owner: GitHub's logins, slugs and addresses know no case.</summary>
public abstract record CodeOwner
{
    private static readonly SearchValues<char> LoginCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    private static readonly SearchValues<char> SlugCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.%+");

    private CodeOwner(string text) => Text = text;

    /// <summary>As the line spells it.</summary>
    public string Text { get; }

    /// <summary>A GitHub account.</summary>
    public sealed record User : CodeOwner
    {
        internal User(string text) : base(text)
        {
        }

        /// <summary>Its login, without the at sign.</summary>
        public string Login => Text[1..];
    }

    /// <summary>A team of an organisation.</summary>
    public sealed record Team : CodeOwner
    {
        internal Team(string text) : base(text)
        {
        }

        /// <summary>Organisation and slug, as in <c>example/risk</c>.</summary>
        public string Name => Text[1..];
    }

    /// <summary>An address, which GitHub maps to an account and which nobody else can.</summary>
    public sealed record Email : CodeOwner
    {
        internal Email(string text) : base(text)
        {
        }
    }

    /// <summary>Reads an owner: <c>@login</c>, <c>@organisation/team</c> or an e-mail address; null where the text is none of them.</summary>
    public static CodeOwner? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > 255)
        {
            return null;
        }

        if (!text.StartsWith('@'))
        {
            return text.Split('@') is [{ Length: > 0 } name, { Length: > 2 } host] && !name.AsSpan().ContainsAnyExcept(AddressCharacters) && IsHost(host) ? new Email(text) : null;
        }

        return text[1..].Split('/') switch
        {
            [var login] when IsLogin(login) => new User(text),
            [var organisation, { Length: > 0 } slug] when IsLogin(organisation) && !slug.AsSpan().ContainsAnyExcept(SlugCharacters) => new Team(text),
            _ => null,
        };
    }

    /// <inheritdoc/>
    public virtual bool Equals(CodeOwner? other) => other is not null && string.Equals(Text, other.Text, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.OrdinalIgnoreCase.GetHashCode(Text);

    /// <inheritdoc/>
    public sealed override string ToString() => Text;

    // Managed users have an underscore before their enterprise's short code; some old logins end with a hyphen.
    private static bool IsLogin(string text) => text.Length is > 0 and <= 100 && !text.StartsWith('-') && !text.AsSpan().ContainsAnyExcept(LoginCharacters);

    private static bool IsHost(string text) =>
        text.Contains('.', StringComparison.Ordinal) && text.Split('.').All(label => label.Length > 0 && label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'));
}
