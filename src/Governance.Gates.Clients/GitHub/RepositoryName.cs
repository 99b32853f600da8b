using System.Buffers;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Owner and name of a repository, as in <c>example/trading</c>. Case makes no difference to GitHub, and none here.</summary>
public sealed record RepositoryName
{
    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    private RepositoryName(string owner, string name) => (Owner, Name) = (owner, name);

    /// <summary>The account or organisation.</summary>
    public string Owner { get; }

    /// <summary>The name within it.</summary>
    public string Name { get; }

    /// <summary>Reads owner and name; null where the text is neither.</summary>
    public static RepositoryName? TryParse(string? text) =>
        text?.Split('/') is [var owner, var name] && IsName(owner) && IsName(name) ? new(owner, name) : null;

    /// <inheritdoc/>
    public bool Equals(RepositoryName? other) => other is not null && string.Equals(ToString(), other.ToString(), StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.OrdinalIgnoreCase.GetHashCode(ToString());

    /// <inheritdoc/>
    public override string ToString() => $"{Owner}/{Name}";

    private static bool IsName(string text) => text is { Length: > 0 and <= 100 } and not ("." or "..") && !text.AsSpan().ContainsAnyExcept(Characters);
}
