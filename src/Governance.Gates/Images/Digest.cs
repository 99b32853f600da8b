using System.Buffers;
using System.Security.Cryptography;

namespace Governance.Gates.Images;

/// <summary>A SHA-256 digest as the OCI image specification writes it: <c>sha256:</c> and 64 lower-case hex digits.</summary>
/// <remarks>Other algorithms are refused: everything that signs or serves images here names content by SHA-256.</remarks>
public sealed record Digest
{
    private const string Prefix = "sha256:";
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    // Looked up far more often than made.
    private int hash;

    private Digest(string text) => Text = text;

    private string Text { get; }

    /// <summary>The 64 hex digits.</summary>
    public string Hex => Text[Prefix.Length..];

    /// <summary>The digest that <paramref name="text"/> spells, or null.</summary>
    public static Digest? TryParse(string? text) =>
        text is { Length: 71 } && text.StartsWith(Prefix, StringComparison.Ordinal) && !text.AsSpan(Prefix.Length).ContainsAnyExcept(LowerHex) ? new(text) : null;

    /// <summary>The digest that <paramref name="text"/> spells.</summary>
    /// <exception cref="GateException">It spells none.</exception>
    public static Digest Parse(string text) => TryParse(text)
        ?? throw new GateException($"'{text}' is not a digest", "write sha256: and 64 lower-case hex digits");

    /// <summary>The digest of these bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes) => FromHash(SHA256.HashData(bytes));

    /// <summary>The digest whose 32 bytes are given.</summary>
    public static Digest FromHash(ReadOnlySpan<byte> hash) =>
        hash.Length == SHA256.HashSizeInBytes ? new(Prefix + Convert.ToHexStringLower(hash)) : throw new ArgumentException("a SHA-256 hash has 32 bytes", nameof(hash));

    /// <inheritdoc/>
    public bool Equals(Digest? other) => ReferenceEquals(this, other) || Text == other?.Text;

    /// <inheritdoc/>
    public override int GetHashCode() => hash != 0 ? hash : hash = Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
