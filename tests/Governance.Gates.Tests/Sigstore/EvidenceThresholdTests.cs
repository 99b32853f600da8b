using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>How many must say something: parties are counted, not what they said, and not how often a root names them.</summary>
public sealed class EvidenceThresholdTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly DateTimeOffset Now = ThrowAwaySigstore.Now;
    private static readonly DateTimeOffset Begin = Now.AddYears(-1);

    [Fact]
    public void Two_times_by_one_authority_are_one_partys_word()
    {
        var second = new TestTimestamps("https://tsa2.example.test", Begin, Now.AddYears(1));
        var both = Instance.RootWith(root => root["timestampAuthorities"]!.AsArray().Add(second.Trusted(Begin)));
        var bundle = Instance.Sign(new() { Kind = "hashedrekord 0.0.2" });
        var signature = ThrowAwaySigstore.SignatureOf(bundle);
        VerificationOutcome Stamped(params byte[][] stamps)
        {
            bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(stamps);
            return Verify(bundle, new(both) { Times = 2 });
        }

        Signed.AssertVerified(Stamped(Instance.Timestamps.Stamp(signature, Now.AddSeconds(1)), second.Stamp(signature, Now.AddSeconds(1))));
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, Stamped(Instance.Timestamps.Stamp(signature, Now.AddSeconds(1)), Instance.Timestamps.Stamp(signature, Now.AddSeconds(2))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_authority_that_the_root_names_twice_is_one_party(bool withLeaf)
    {
        // The first of the two counts until one second past, the second from then on.
        var twice = Instance.RootWith(root => root["timestampAuthorities"] = new JsonArray(
            Instance.Timestamps.Trusted(Begin, Now.AddSeconds(1)), Instance.Timestamps.Trusted(Now.AddSeconds(2), withLeaf: withLeaf)));
        var bundle = Instance.Sign(new() { Kind = "hashedrekord 0.0.2" });
        var signature = ThrowAwaySigstore.SignatureOf(bundle);
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(
            Instance.Timestamps.Stamp(signature, Now.AddSeconds(1), Instance.Timestamps.Certificate), Instance.Timestamps.Stamp(signature, Now.AddSeconds(2), Instance.Timestamps.Certificate));
        Assert.Equal(2, Signed.AssertVerified(Verify(bundle, new(twice))).Times.Length);
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, Verify(bundle, new(twice) { Times = 2 }));
    }

    [Fact]
    public void Two_entries_of_one_log_are_one_logs_word()
    {
        var bundle = Instance.Sign();
        var entries = bundle["verificationMaterial"]!["tlogEntries"]!.AsArray();
        var body = JsonNode.Parse(Convert.FromBase64String(entries[0]!["canonicalizedBody"]!.GetValue<string>()))!.AsObject();
        entries.Add(Instance.Rekor.Entry(body, Now.AddSeconds(2), place: 4));
        var required = new EvidenceRequirement(Instance.Root);
        Assert.Equal(2, Signed.AssertVerified(Verify(bundle, required)).Logs.Length);
        Signed.AssertRejected(RejectionCode.LogEntryMissing, Verify(bundle, required with { Logs = 2 }));
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, Verify(bundle, required with { Times = 2 }));
        var second = LogBodies.Dsse2(Signed.Statement(), ThrowAwaySigstore.SignatureOf(bundle), Convert.FromBase64String(bundle["verificationMaterial"]!["certificate"]!["rawBytes"]!.GetValue<string>()));
        entries.Add(Instance.Rekor2.Entry(second, Now.AddSeconds(2)));
        Signed.AssertVerified(Verify(bundle, required with { Logs = 2 }));
    }

    [Fact]
    public void A_log_that_the_root_names_under_two_ids_is_one_log()
    {
        var id = new byte[32];
        var twice = Instance.RootWith(root =>
        {
            var again = root["tlogs"]![1]!.DeepClone();
            again["logId"]!["keyId"] = Convert.ToBase64String(id);
            again["checkpointKeyId"] = root["tlogs"]![1]!["logId"]!.DeepClone();
            root["tlogs"]!.AsArray().Add(again);
        });
        var bundle = Instance.Sign(new() { Kind = "hashedrekord 0.0.2" });
        var entries = bundle["verificationMaterial"]!["tlogEntries"]!.AsArray();
        entries.Add(entries[0]!.DeepClone());
        entries[1]!["logId"]!["keyId"] = Convert.ToBase64String(id);
        Signed.AssertVerified(Verify(bundle, new(twice)));
        Signed.AssertRejected(RejectionCode.LogEntryMissing, Verify(bundle, new(twice) { Logs = 2 }));
    }

    [Fact]
    public void Two_promises_of_one_log_to_show_a_certificate_are_one()
    {
        var second = TestLog.First("ct2.example.test");
        var both = Instance.RootWith(root => root["ctlogs"]!.AsArray().Add(second.Trusted(Begin)));
        VerificationOutcome Promised(params TestLog[] logs) => Verify(Instance.Sign(new() { CertificateLogs = logs }), new(both) { CertificateTimestamps = 2 });
        Signed.AssertVerified(Promised(Instance.CertificateLog, second));
        Signed.AssertRejected(RejectionCode.CertificateTimestampMissing, Promised(Instance.CertificateLog, Instance.CertificateLog));
    }

    private static VerificationOutcome Verify(JsonObject bundle, EvidenceRequirement evidence) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), ThrowAwaySigstore.PolicyOf(evidence));
}
