using System.Security.Cryptography;
using System.Text;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads PEM (RFC 7468).</summary>
internal static class PemBlock
{
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
