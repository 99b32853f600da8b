using System.Collections.Immutable;
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
            else if (node["fingerprint"] is { } known)
            {
                keys.Add(new(known.Text, path.Text, found, packets));
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
            return packets.Length > 0 && packets[0] is 0x98 or 0x99 or 0x9a or 0xc6 ? packets : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
