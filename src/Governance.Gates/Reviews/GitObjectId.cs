using System.Buffers;

namespace Governance.Gates.Reviews;

/// <summary>The name of a git object: 40 lower-case hex digits, or 64 in a repository of SHA-256.</summary>
public sealed record GitObjectId
{
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    private GitObjectId(string hex) => Hex = hex;

    /// <summary>The digits.</summary>
    public string Hex { get; }

    /// <summary>The name that <paramref name="text"/> spells, or null.</summary>
    public static GitObjectId? TryParse(string? text) => text is { Length: 40 or 64 } && !text.AsSpan().ContainsAnyExcept(LowerHex) ? new(text) : null;

    /// <inheritdoc/>
    public override string ToString() => Hex;
}
