using System.Security.Cryptography;
using System.Text;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads PEM (RFC 7468).</summary>
internal static class PemBlock
{
    /// <summary>The bytes in each PEM block, all of which must have this label; null where there is none, or another. Text around them is passed over.</summary>
    public static List<byte[]>? TryDecodeAll(ReadOnlySpan<byte> pem, string label)
    {
        var begins = pem.Count("-----BEGIN "u8);
        var blocks = new List<byte[]>();
        ReadOnlySpan<char> text = Encoding.Latin1.GetString(pem);
        while (PemEncoding.TryFind(text, out var fields))
        {
            var der = new byte[fields.DecodedDataLength];
            if (!text[fields.Label].SequenceEqual(label) || !Convert.TryFromBase64Chars(text[fields.Base64Data], der, out var length) || length != der.Length)
            {
                return null;
            }

            blocks.Add(der);
            text = text[fields.Location.End..];
        }

        // The platform passes over a damaged block as over text.
        return blocks.Count == begins && begins > 0 ? blocks : null;
    }

    /// <summary>The bytes in the only PEM block, which must have this label; null where there is none, or more, or another.</summary>
    public static byte[]? TryDecode(ReadOnlySpan<byte> pem, string label)
    {
        if (pem.Count("-----BEGIN "u8) != 1 || !Ascii.IsValid(pem))
        {
            return null;
        }

        var text = Encoding.ASCII.GetString(pem);
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] != label)
        {
            return null;
        }

        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(text.AsSpan()[fields.Base64Data], der, out var length) && length == der.Length ? der : null;
    }
}
