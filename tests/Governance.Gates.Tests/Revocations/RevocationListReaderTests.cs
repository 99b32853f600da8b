using System.Text;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Cli;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Sigstore;
using static Governance.Gates.Tests.Revocations.Lists;

namespace Governance.Gates.Tests.Revocations;

public sealed class RevocationListReaderTests
{
    private const string Sound = """{"v":1,"critical":[],"number":7,"issuedAt":"2026-03-01T12:00:00Z","revoked":{"people":["p-9"],"keys":[],"artifacts":[],"approvals":[]}}""";
    private static readonly Policy Shop = Policy();

    [Fact]
    public void A_list_says_what_its_signer_wrote_in_a_bundle_and_in_an_envelope()
    {
        var list = List(7);
        var statement = RevocationStatement.Write(list, "shop");
        foreach (var signed in (byte[][])[Bundle(statement, Ann), Envelope(statement, Ann)])
        {
            var read = RevocationListReader.Read(signed, Shop, Now).Found();
            Assert.Equal((7, Now), (read.Number, read.IssuedAt));
            Assert.Equal(Entries(list), Entries(read));
            Assert.Equal(RevocationStatement.Predicate(list), RevocationStatement.Predicate(read));
        }
    }

    [Fact]
    public void The_same_list_always_comes_to_the_same_bytes()
    {
        var turned = List() with { Artifacts = [Digest.Of("another"u8), Digest.Of("an image"u8)], Approvals = ["01JNK8", "01JNK7"], IssuedAt = Now.ToOffset(TimeSpan.FromHours(5)) };
        Assert.Equal(RevocationStatement.Write(List(), "shop"), RevocationStatement.Write(turned, "shop"));
        PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/revocations.schema.json").Check(JsonDocument.Parse(RevocationStatement.Predicate(turned)).RootElement);
    }

    public static TheoryData<string, string, string> Refused => new()
    {
        { "somebody whom the policy does not know", "stranger", "does not verify" },
        { "a robot that the policy does not name for it", "builder", "whom the rule does not name" },
        { "a key that has ended", "ann in June", "which counts from any day until 2026-05-31" },
        { "a person who has left", "ben in June", "who is not in office now" },
        { "another policy's list", "other policy", "not about sha256:" },
        { "another kind of statement", "other type", "PredicateTypeMismatch" },
        { "a statement about something else beside", "two subjects", "no statement about that list alone" },
        { "a list from the future", "future", "still to come" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void A_list_is_refused(string because, string which, string message)
    {
        var june = new DateTimeOffset(2026, 6, 2, 0, 0, 0, TimeSpan.Zero);
        var predicate = RevocationStatement.Predicate(List());
        var (signed, now) = which switch
        {
            "stranger" => (Sign(List(), TestSigners.Stranger), Now),
            "builder" => (Sign(List(), Builder), Now),
            "ann in June" => (Sign(List()), june),
            "ben in June" => (Sign(List(), Ben), june),
            "other policy" => (Sign(List(), policyName: "pay"), Now),
            "other type" => (Bundle(InTotoStatement.Write([Named("shop")], PredicateTypes.CosignSign, predicate), Ann), Now),
            "two subjects" => (Bundle(InTotoStatement.Write([Named("shop"), Named("pay")], RevocationStatement.PredicateType, predicate), Ann), Now),
            _ => (Sign(List(issuedAt: Now.AddSeconds(61))), Now),
        };
        var why = RevocationListReader.Read(signed, Shop, now).Unread();
        Assert.True(why.Message.Contains(message, StringComparison.Ordinal), $"{because}: {why}");
        Assert.False(string.IsNullOrEmpty(why.Remedy));
    }

    [Fact]
    public void Clocks_may_differ_by_a_minute() => Assert.Equal(1, RevocationListReader.Read(Sign(List(issuedAt: Now.AddSeconds(60))), Shop, Now).Found().Number);

    [Fact]
    public void Who_is_revoked_cannot_sign_the_list_that_takes_it_back()
    {
        var next = Sign(List(2), Ben);
        Assert.Equal(2, RevocationListReader.Read(next, Shop, Now, List()).Found().Number);
        foreach (var standing in (RevocationList[])[List() with { People = ["p-2"] }, List() with { Keys = [Spki(Ben)] }])
        {
            Assert.Contains("who is revoked by list 1", RevocationListReader.Read(next, Shop, Now, standing).Unread().Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_policy_that_names_no_list_reads_none() =>
        Assert.Contains("names nobody", RevocationListReader.Read(Sign(List()), Shop with { Revocations = null }, Now).Unread().Message, StringComparison.Ordinal);

    public static TheoryData<string, string, string> Malformed => new()
    {
        { "\"v\":1", "\"v\":2", "'v' is not 1" },
        { "\"v\":1", "\"v\":\"1\"", "'v' is not 1" },
        { "\"v\":1,", "", "'v' is not 1" },
        { "\"critical\":[]", "\"critical\":[\"until\"]", "'critical' names a field" },
        { "\"critical\":[]", "\"critical\":[1]", "'critical' names a field" },
        { "\"critical\":[],", "", "'critical' is no array" },
        { "\"number\":7", "\"number\":0", "'number' is no whole number" },
        { "\"number\":7", "\"number\":7.5", "'number' is no whole number" },
        { "\"number\":7", "\"number\":9007199254740992", "'number' is no whole number" },
        { "\"number\":7", "\"number\":\"7\"", "'number' is no whole number" },
        { "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+01:00", "'issuedAt' is no time" },
        { "2026-03-01T12:00:00Z", "2026-03-01", "'issuedAt' is no time" },
        { "\"people\":[\"p-9\"],", "", "'revoked.people' is no array" },
        { "\"people\":[\"p-9\"]", "\"people\":[\"\"]", "'revoked.people' is no array" },
        { "\"people\":[\"p-9\"]", "\"people\":\"p-9\"", "'revoked.people' is no array" },
        { "\"keys\":[]", "\"keys\":[\"p-9\"]", "'revoked.keys' is no array" },
        { "\"artifacts\":[]", "\"artefacts\":[]", "'revoked.artifacts' is no array" },
        { "\"artifacts\":[]", "\"artifacts\":[null]", "'revoked.artifacts' is no array" },
        { "\"approvals\":[]", "\"approvals\":[\"a\\nb\"]", "'revoked.approvals' is no array" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_signed_and_is_no_list_is_refused(string from, string to, string message)
    {
        Assert.Contains(from, Sound, StringComparison.Ordinal);
        Assert.Contains(message, RevocationListReader.Read(SignPredicate(Sound.Replace(from, to, StringComparison.Ordinal)), Shop, Now).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_entries_than_are_read_are_refused()
    {
        var entries = string.Join(',', Enumerable.Range(0, RevocationStatement.MostEntries + 1).Select(i => $"\"p-{i}\""));
        Assert.Contains("at most 100000", RevocationListReader.Read(SignPredicate(Sound.Replace("\"p-9\"", entries, StringComparison.Ordinal)), Shop, Now).Unread().Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"v\":1", "\"v\":1,\"later\":{\"people\":[\"p-1\"]}")]
    [InlineData("\"approvals\":[]", "\"approvals\":[],\"sessions\":[\"s-1\"]")]
    [InlineData("\"critical\":[]", "\"critical\":[\"number\",\"revoked\"]")]
    public void Fields_that_a_reader_does_not_know_are_ignored_unless_they_are_critical(string from, string to) =>
        Assert.Equal(["p-9"], RevocationListReader.Read(SignPredicate(Sound.Replace(from, to, StringComparison.Ordinal)), Shop, Now).Found().People);

    [Theory]
    [InlineData("\"number\":7", "\"number\":7,\"number\":8")]
    [InlineData("\"keys\":[]", "\"keys\":[],\"keys\":[]")]
    public void A_field_that_stands_twice_is_refused(string from, string to)
    {
        // Nothing of ours writes such a statement, so it is made by hand.
        var statement = Encoding.UTF8.GetString(InTotoStatement.Write([Named("shop")], RevocationStatement.PredicateType, Encoding.UTF8.GetBytes(Sound))).Replace(from, to, StringComparison.Ordinal);
        Assert.Contains("DuplicateKey", RevocationListReader.Read(Bundle(Encoding.UTF8.GetBytes(statement), Ann), Shop, Now).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_byte_changed_in_what_was_signed_makes_another_list_or_an_exception()
    {
        var list = RevocationStatement.Predicate(List());
        foreach (var signed in (byte[][])[Sign(List()), Envelope(RevocationStatement.Write(List(), "shop"), Ann)])
        {
            for (var i = 0; i < signed.Length; i++)
            {
                var changed = (byte[])signed.Clone();
                changed[i] ^= (byte)(1 + (i % 255));
                if (RevocationListReader.Read(changed, Shop, Now) is Reading<RevocationList>.Found(var read))
                {
                    Assert.Equal(list, RevocationStatement.Predicate(read));
                }

                _ = RevocationListReader.Read(signed.AsMemory(0, i), Shop, Now).Unread();
            }
        }
    }

    public static TheoryData<string> Hostile => ["", "null", "[]", "{}", "7", "\"payloadType\"", "{\"payloadType\":1}", "{\"\\ud800\":1}", "{\"payloadType\":\"\\ud800\"}", new string('[', 100_000), "{\"dsseEnvelope\":{}}", "\u0000"];

    [Theory, MemberData(nameof(Hostile))]
    public void What_is_no_signed_thing_at_all_is_unread_with_a_remedy(string text) =>
        Assert.Contains("gates revoke", RevocationListReader.Read(Encoding.UTF8.GetBytes(text), Shop, Now).Unread().Remedy, StringComparison.Ordinal);

    [Fact]
    public void A_list_of_the_first_version_is_still_read()
    {
        var folder = Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Revocations/testdata");
        var reading = PolicyReader.Read(File.ReadAllBytes(Path.Combine(folder, "governance.yaml")), file => File.ReadAllBytes(Path.Combine(folder, file)));
        var policy = Assert.IsType<PolicyReading.Accepted>(reading).Policy;
        var read = RevocationListReader.Read(File.ReadAllBytes(Path.Combine(folder, "revocations-v1.json")), policy, Now).Found();
        Assert.Equal((3, new DateTimeOffset(2026, 3, 1, 11, 30, 0, TimeSpan.Zero)), (read.Number, read.IssuedAt));
        Assert.Equal(
            ["p-2", $"sha256:{new string('1', 64)}", $"sha256:{new string('2', 64)}", $"sha256:{new string('3', 64)}", "approval-1", "request-1"],
            Entries(read));
    }
}
