using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>The OpenPGP keys of people: that each is the file that is meant, and one person's.</summary>
internal sealed class OpenPgpRules(Func<string, ReadOnlyMemory<byte>?> file, PolicyMistakes mistakes)
{
    private const string Begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    private const string End = "-----END PGP PUBLIC KEY BLOCK-----";

    /// <summary>Who was given a key first, by its fingerprint.</summary>
    private readonly Dictionary<string, string> holders = new(StringComparer.Ordinal);

    public ImmutableArray<OpenPgpKey> Read(string holder, PolicyNode person)
    {
        var keys = ImmutableArray.CreateBuilder<OpenPgpKey>();
        foreach (var node in person["openpgp"]?.Sound ?? [])
        {
            if (node["fingerprint"] is { } fingerprint && !holders.TryAdd(fingerprint.Text, holder))
            {
                mistakes.Add(fingerprint, $"the key {fingerprint.Text} is given to '{holders[fingerprint.Text]}' too", "a key acts for one, and stands once");
            }

            if (node["file"] is not { } path || NamedFile.Read(path, file, PolicyReader.MostKeyBytes, "one public key", mistakes) is not { } bytes)
            {
                continue;
            }

            var found = Digest.Of(bytes.Span);
            if (node["sha256"] is { } digest && digest.Text != found.ToString())
            {
                mistakes.Add(digest, $"{PolicyNode.Shown(path.Text)} is {found}, not {digest.Text}", "find out which of the two is wrong before you correct one");
            }
            else if (Packets(bytes) is not { } packets)
            {
                mistakes.Add(path, $"{PolicyNode.Shown(path.Text)} is no OpenPGP public key", "put there what gpg --export --armor FINGERPRINT writes, and nothing else");
            }
            else if (node["fingerprint"] is { } known && FingerprintOf(packets.Span) != known.Text)
            {
                mistakes.Add(path, $"{PolicyNode.Shown(path.Text)} is not the key {known.Text} alone", "put there what gpg --export --armor FINGERPRINT writes, and nothing else");
            }
            else if (node["fingerprint"] is not null and var named)
            {
                keys.Add(new(named.Text, path.Text, found, packets));
            }
        }

        return keys.ToImmutable();
    }

    // RFC 9580, sections 4.2 and 5.5: a public key's packet comes first. Section 6.2: the armor around it, of which the checksum proves nothing.
    private static ReadOnlyMemory<byte>? Packets(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span[0] is not (byte)'-')
        {
            return bytes.Span[0] is 0x98 or 0x99 or 0x9a or 0xc6 ? bytes : null;
        }

        var lines = Encoding.Latin1.GetString(bytes.Span).Split('\n', StringSplitOptions.TrimEntries);
        var (blank, end) = (Array.IndexOf(lines, ""), Array.IndexOf(lines, End));
        if (lines[0] != Begin || blank < 0 || end < blank || lines[(end + 1)..].Any(line => line.Length > 0))
        {
            return null;
        }

        try
        {
            var packets = Convert.FromBase64String(string.Concat(lines[(blank + 1)..end].Where(line => !line.StartsWith('='))));
            return packets.Length > 0 && packets[0] is 0x98 or 0x99 or 0x9a or 0xc6 ? packets : (ReadOnlyMemory<byte>?)null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // RFC 9580, sections 4.2 and 5.5.4: the fingerprint of the one primary key, in upper-case hex. null: it is not one key that comes first, or not whole.
    private static string? FingerprintOf(ReadOnlySpan<byte> packets)
    {
        const int PublicKey = 6;
        string? found = null;
        while (packets.Length > 1)
        {
            var isNew = (packets[0] & 0x40) != 0;
            var (tag, size, length) = (isNew, packets[1]) switch
            {
                (false, var first) => ((packets[0] >> 2) & 0xF, (packets[0] & 3) switch { 0 => 1, 1 => 2, 2 => 4, _ => 0 }, -1L),
                (true, < 192 and var first) => (packets[0] & 0x3F, 1, first),
                (true, < 224) => (packets[0] & 0x3F, 2, -1L),
                (true, 255) => (packets[0] & 0x3F, 5, -1L),
                _ => (0, 0, -1L),
            };
            if ((packets[0] & 0x80) == 0 || size == 0 || packets.Length < 1 + size)
            {
                return null;
            }

            var told = packets.Slice(1, size);
            length = length >= 0 ? length
                : isNew && size == 2 ? ((told[0] - 192) << 8) + told[1] + 192
                : Whole(isNew ? told[1..] : told);
            if (length > packets.Length - 1 - size || (found is null) != (tag == PublicKey))
            {
                return null;
            }

            var body = packets.Slice(1 + size, (int)length);
            found ??= Fingerprint(body);
            packets = packets[(1 + size + (int)length)..];
        }

        return packets.IsEmpty ? found : null;

        static long Whole(ReadOnlySpan<byte> bytes)
        {
            var number = 0L;
            foreach (var one in bytes)
            {
                number = (number << 8) | one;
            }

            return number;
        }
    }

    private static string? Fingerprint(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty || key.Length > ushort.MaxValue)
        {
            return null;
        }

        byte[] length = [(byte)(key.Length >> 8), (byte)key.Length];
#pragma warning disable CA5350 // The fingerprint of a version 4 key is its SHA-1; which bytes are meant, the policy's own digest of the file can say.
        return key[0] switch
        {
            4 => Convert.ToHexString(SHA1.HashData([0x99, .. length, .. key])),
            5 => Convert.ToHexString(SHA256.HashData([0x9A, 0, 0, .. length, .. key])),
            6 => Convert.ToHexString(SHA256.HashData([0x9B, 0, 0, .. length, .. key])),
            _ => null,
        };
#pragma warning restore CA5350
    }
}
