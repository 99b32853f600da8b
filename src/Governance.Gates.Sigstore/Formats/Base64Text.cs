using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Base64 in its one canonical spelling: the standard alphabet with padding, or the URL-safe one with or without, never both, never whitespace.</summary>
/// <remarks>DSSE's JSON form and protobuf's JSON mapping both allow either alphabet (RFC 4648, sections 4 and 5).</remarks>
internal static class Base64Text
{
    private static readonly SearchValues<byte> Standard = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"u8);
    private static readonly SearchValues<byte> UrlSafe = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    public static byte[]? Decode(string text) => Ascii.IsValid(text) ? Decode(Encoding.ASCII.GetBytes(text)) : null;

    public static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        var digits = text.TrimEnd((byte)'=');
        var padding = text.Length - digits.Length;
        var isStandard = !digits.ContainsAnyExcept(Standard);
        // The platform's decoders skip whitespace, which is refused by looking at the alphabet first.
        if (padding > 2 || (padding > 0 && text.Length % 4 != 0) || digits.Length % 4 == 1
            || (!isStandard && digits.ContainsAnyExcept(UrlSafe)) || (isStandard && padding == 0 && text.Length % 4 != 0 && !IsUnpaddedUrlSafe(digits)))
        {
            return null;
        }

        var bytes = new byte[digits.Length * 3 / 4];
        var status = isStandard && text.Length % 4 == 0
            ? Base64.DecodeFromUtf8(text, bytes, out _, out var written)
            : Base64Url.DecodeFromUtf8(digits, bytes, out _, out written);
        return status == OperationStatus.Done && written == bytes.Length && IsCanonical(digits, bytes) ? bytes : null;
    }

    /// <summary>Unpadded text without a sign of either alphabet could be either; both read it the same.</summary>
    private static bool IsUnpaddedUrlSafe(ReadOnlySpan<byte> digits) => !digits.ContainsAny((byte)'+', (byte)'/');

    /// <summary>The bits of the last digit that no byte uses must be zero, or one value has several spellings.</summary>
    private static bool IsCanonical(ReadOnlySpan<byte> digits, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % 3 is not (> 0 and var left))
        {
            return true;
        }

        var tail = Base64Url.EncodeToString(bytes[^left..]);
        var last = digits[^1] switch { (byte)'+' => '-', (byte)'/' => '_', var other => (char)other };
        return tail[^1] == last;
    }
}
