using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

public sealed class OpenPgpOutcomeTests
{
    private const string Good = "[GNUPG:] NEWSIG\n[GNUPG:] KEY_CONSIDERED F 0\n[GNUPG:] SIG_ID x 2026-01-01 1\n[GNUPG:] GOODSIG K Ann\n[GNUPG:] VALIDSIG S 2026-01-01 1 0 4 0 22 8 00 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

    /// <summary>What gpgv says beside the one good signature, or in its place.</summary>
    public static TheoryData<string, int> NotGood => new()
    {
        { Good, 1 },
        { Good + Good, 0 },
        { Good.Replace("[GNUPG:] GOODSIG K Ann\n", "", StringComparison.Ordinal), 0 },
        { Good + "[GNUPG:] GOODSIG K Ann\n", 0 },
        { Good.Replace("GOODSIG", "EXPKEYSIG", StringComparison.Ordinal), 0 },
        { Good.Replace("GOODSIG", "REVKEYSIG", StringComparison.Ordinal), 0 },
        { Good.Replace("GOODSIG", "EXPSIG", StringComparison.Ordinal), 0 },
        { Good + "[GNUPG:] KEYEXPIRED 1\n", 0 },
        { Good + "[GNUPG:] BADSIG K\n", 0 },
        { Good + "[GNUPG:] SOMETHING_NEW\n", 0 },
        { Good + "something else\n", 0 },
        { Good + "[GNUPG:]\n", 0 },
        { Good + "[GNUPG:] NEWSIG\n", 0 },
        { Good.Replace(" 8 00 ", " 2 00 ", StringComparison.Ordinal), 0 },
        { Good.Replace(" 8 00 ", " 8 01 ", StringComparison.Ordinal), 0 },
        { Good.Replace(" AAAA", " aaaa", StringComparison.Ordinal), 0 },
        { Good.Replace(" 00 AAAA", " 00 extra AAAA", StringComparison.Ordinal), 0 },
        { "", 0 },
    };

    [Theory, MemberData(nameof(NotGood))]
    public void Anything_but_one_good_signature_is_refused(string status, int exitCode)
    {
        Assert.IsType<OpenPgpOutcome.Signed>(OpenPgpOutcome.Read(Good, 0));
        Assert.IsType<OpenPgpOutcome.Refused>(OpenPgpOutcome.Read(status, exitCode));
    }
}
