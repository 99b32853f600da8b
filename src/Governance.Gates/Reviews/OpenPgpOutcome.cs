using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>What <c>gpgv</c> found of one detached OpenPGP signature.</summary>
public abstract record OpenPgpOutcome
{
    // GnuPG, doc/DETAILS, "Format of the --status-fd output". Notations are what a signer adds of their own, and are on no tag that git makes.
    private static readonly ImmutableHashSet<string> Harmless = ["NEWSIG", "KEY_CONSIDERED", "SIG_ID", "GOODSIG", "VALIDSIG", "VERIFICATION_COMPLIANCE_MODE"];

    // SHA-256, SHA-384, SHA-512 and SHA-224 (RFC 9580, section 9.5).
    private static readonly ImmutableArray<string> Hashes = ["8", "9", "10", "11"];

    private OpenPgpOutcome()
    {
    }

    /// <summary>It is good, and made now by a key that is neither expired nor revoked.</summary>
    /// <param name="Fingerprint">Of the primary key, in upper-case hex.</param>
    public sealed record Signed(string Fingerprint) : OpenPgpOutcome;

    /// <summary>It counts for nothing.</summary>
    /// <param name="Why">Why, to stand behind "the signature".</param>
    public sealed record Refused(string Why) : OpenPgpOutcome;

    /// <summary>Reads what gpgv says to machines. Never throws: anything but one good signature and nothing beside it is refused.</summary>
    /// <param name="status">The lines of <c>--status-fd</c>.</param>
    /// <param name="exitCode">How gpgv ended.</param>
    public static OpenPgpOutcome Read(string status, int exitCode)
    {
        ArgumentNullException.ThrowIfNull(status);
        string[][] lines = [.. status.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd('\r').Split(' '))];
        if (Array.Find(lines, line => line is not ["[GNUPG:]", var word, ..] || !Harmless.Contains(word)) is { } other)
        {
            return new Refused(other is ["[GNUPG:]", var word, ..] ? Words(word) : "is not told as gpgv tells one");
        }

        if (exitCode != 0 || Count("NEWSIG") != 1 || Count("GOODSIG") != 1 || Count("VALIDSIG") != 1)
        {
            return new Refused(Count("NEWSIG") > 1 ? "is more than one" : "is not good");
        }

        // VALIDSIG fingerprint date time expires version reserved algorithm hash class primary
        return Array.Find(lines, line => line[1] == "VALIDSIG") switch
        {
            [_, _, _, _, _, _, _, _, _, var hash, _, _] when !Hashes.Contains(hash) => new Refused("is over a digest that can be forged"),
            [_, _, _, _, _, _, _, _, _, _, not "00", _] => new Refused("is over text, whose line ends are nobody's, and not over the bytes"),
            [_, _, _, _, _, _, _, _, _, _, _, var primary] when primary.Length is 40 or 64 && primary.All(char.IsAsciiHexDigitUpper) => new Signed(primary),
            _ => new Refused("is not told as gpgv tells one"),
        };

        int Count(string word) => lines.Count(line => line[1] == word);
    }

    private static string Words(string word) => word switch
    {
        "BADSIG" => "does not fit the tag",
        "ERRSIG" or "NO_PUBKEY" => "is by none of the policy's keys, or of a kind that gpgv does not know",
        "EXPSIG" => "has expired",
        "EXPKEYSIG" or "KEYEXPIRED" => "is by a key that has expired",
        "REVKEYSIG" or "KEYREVOKED" => "is by a key that was revoked",
        "NODATA" or "UNEXPECTED" => "is none",
        "NOTATION_NAME" or "NOTATION_DATA" or "NOTATION_FLAGS" or "POLICY_URL" => "has notations, which are not read",
        _ => $"is told with {OneLine.Show(word)}, which is not known here",
    };
}
