using System.Formats.Asn1;
using System.Numerics;
using System.Text;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore.Ssh;

/// <summary>Public keys as SSH writes them, read as the keys that they are.</summary>
public static class SshKey
{
    /// <summary>Reads one line of a <c>.pub</c> file: the kind of key, the key in base64, and a comment, which counts for nothing.</summary>
    /// <param name="line">At most <see cref="PublicKey.MaxSize"/> characters; white space around it does not count.</param>
    /// <param name="mistake">What is wrong and what to do, on one line; empty where a key is returned.</param>
    /// <returns>The key, or null.</returns>
    public static PublicKey? TryParse(string line, out string mistake)
    {
        ArgumentNullException.ThrowIfNull(line);
        if (line.Length > PublicKey.MaxSize || line.Trim().Split(' ', 3) is not [var kind, var encoded, ..] || Base64Text.Decode(encoded) is not { } blob)
        {
            mistake = "it is no line of a .pub file of SSH: the kind of key, and the key in base64";
            return null;
        }

        var key = TryRead(blob, out var written, out mistake);
        if (key is not null && kind != written)
        {
            mistake = $"the line begins with '{OneLine.Show(kind)}', and the key in it is of the kind '{written}'";
            return null;
        }

        return key;
    }

    /// <summary>Reads a key in SSH's own encoding (RFC 4253, section 6.6; RFC 5656, section 3.1; RFC 8709, section 4).</summary>
    /// <param name="blob">It.</param>
    /// <param name="kind">What kind it is, by its own word.</param>
    /// <param name="mistake">What is wrong; empty where a key is returned.</param>
    internal static PublicKey? TryRead(ReadOnlySpan<byte> blob, out string kind, out string mistake)
    {
        var reader = new SshReader(blob);
        kind = reader.TryString(out var name) && Ascii.IsValid(name) ? Encoding.ASCII.GetString(name) : "";
        if (kind.StartsWith("sk-", StringComparison.Ordinal) || kind.Contains("-cert-", StringComparison.Ordinal))
        {
            mistake = $"keys of the kind '{OneLine.Show(kind)}' are not accepted: neither those of FIDO tokens, whose signatures are over something else, nor certificates of SSH; sign with ssh-ed25519, ecdsa-sha2-nistp256 or RSA";
            return null;
        }

        var spki = kind switch
        {
            "ssh-ed25519" => Ed25519(ref reader),
            "ecdsa-sha2-nistp256" => Ecdsa(ref reader, "nistp256", "1.2.840.10045.3.1.7"),
            "ecdsa-sha2-nistp384" => Ecdsa(ref reader, "nistp384", "1.3.132.0.34"),
            "ecdsa-sha2-nistp521" => Ecdsa(ref reader, "nistp521", "1.3.132.0.35"),
            "ssh-rsa" => Rsa(ref reader),
            _ => null,
        };
        if (spki is null || !reader.IsAtEnd)
        {
            mistake = $"'{OneLine.Show(kind)}' is no key of SSH that is accepted; make one with ssh-keygen -t ed25519";
            return null;
        }

        return PublicKey.TryParseDer(spki, out mistake);
    }

    private static byte[]? Ed25519(ref SshReader reader) =>
        reader.TryString(out var key) ? Spki(algorithm => algorithm.WriteObjectIdentifier("1.3.101.112"), key) : null;

    private static byte[]? Ecdsa(ref SshReader reader, string curve, string oid) =>
        reader.TryString(out var named) && named.SequenceEqual(Encoding.ASCII.GetBytes(curve)) && reader.TryString(out var point)
            ? Spki(
                algorithm =>
                {
                    algorithm.WriteObjectIdentifier("1.2.840.10045.2.1");
                    algorithm.WriteObjectIdentifier(oid);
                },
                point)
            : null;

    private static byte[]? Rsa(ref SshReader reader)
    {
        if (!reader.TryNumber(out var exponent) || !reader.TryNumber(out var modulus))
        {
            return null;
        }

        return Spki(
            algorithm =>
            {
                algorithm.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                algorithm.WriteNull();
            },
            Der(modulus, exponent));
    }

    /// <summary>Two numbers as a sequence of DER: an RSA key, or an ECDSA signature.</summary>
    internal static byte[] Der(BigInteger first, BigInteger second)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(first);
            writer.WriteInteger(second);
        }

        return writer.Encode();
    }

    private static byte[] Spki(Action<AsnWriter> algorithm, ReadOnlySpan<byte> key)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                algorithm(writer);
            }

            writer.WriteBitString(key);
        }

        return writer.Encode();
    }
}
