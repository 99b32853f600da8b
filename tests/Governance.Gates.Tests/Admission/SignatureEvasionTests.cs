using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Tests.Admission;

/// <summary>Signatures that are real, and not the ones that the policy asks for.</summary>
public sealed class SignatureEvasionTests
{
    private const string TestResult = "https://in-toto.io/attestation/test-result/v0.1";

    [Theory]
    [InlineData(null)]
    [InlineData("registry.example.com/shop/api")]
    public void A_bundle_and_a_simple_signature_by_the_named_robot_are_enough(string? name)
    {
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder)).Verdict);
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.BundleOf(TestPolicy.SignedDigest, PredicateTypes.CosignSign, TestPolicy.Builder, name)).Verdict);
    }

    [Theory, Trait("evasion", "43")]
    [InlineData("registry.example.com/staging/api", Verdict.Deny)]
    [InlineData("registry.example.com/shop/api-test", Verdict.Deny)]
    [InlineData("evil.example.com/shop/api", Verdict.Deny)]
    [InlineData("registry.example.com/shop/api", Verdict.Allow)]
    public void A_signature_copied_from_another_repository_does_not_count(string signedFor, Verdict expected)
    {
        Assert.Equal(expected, Decide(TestPolicy.SignatureOf($"{signedFor}@{TestPolicy.SignedDigest}", TestPolicy.Builder)).Verdict);
        Assert.Equal(expected, Decide(TestPolicy.BundleOf(TestPolicy.SignedDigest, PredicateTypes.CosignSign, TestPolicy.Builder, signedFor)).Verdict);
    }

    [Fact, Trait("evasion", "43")]
    public void A_mirror_that_the_rule_names_may_stand_in_the_signature()
    {
        var mirrored = TestPolicy.WithImages("      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [builder], mirrors: [mirror.example.com/shop/**] } }\n");
        var signature = TestPolicy.SignatureOf($"mirror.example.com/shop/api@{TestPolicy.SignedDigest}", TestPolicy.Builder);
        Assert.Equal(Verdict.Allow, Decide(mirrored, signature).Verdict);
        Assert.Equal(Verdict.Deny, Decide(mirrored, TestPolicy.SignatureOf($"mirror.example.com/other/api@{TestPolicy.SignedDigest}", TestPolicy.Builder)).Verdict);
    }

    [Fact, Trait("evasion", "44")]
    public void A_signature_of_the_index_covers_no_child_that_a_workload_names_itself_and_the_other_way_round()
    {
        var index = Digest.Of("index"u8);
        var signed = TestPolicy.SignatureOf($"registry.example.com/shop/api@{index}", TestPolicy.Builder);
        var child = Decide(signed);
        Assert.Equal(Verdict.Deny, child.Verdict);
        Assert.Contains(child.Reasons, reason => reason.Message.Contains("SubjectMismatch", StringComparison.Ordinal));
        Assert.Contains("deploy the index's digest", Decide().Reasons[0].Remedy, StringComparison.Ordinal);
    }

    [Fact, Trait("evasion", "46")]
    public void What_was_proven_of_one_digest_says_nothing_about_the_next_that_a_tag_points_to()
    {
        var review = Workloads.Review("Pod", $"registry.example.com/shop/api:stable@{TestPolicy.UnsignedDigest}");
        var subject = Assert.Single(review.Open().Subjects);
        Assert.Equal(TestPolicy.UnsignedDigest, subject.Digest);
        var known = new Dictionary<Subject, Claims> { [new(subject.Repository, TestPolicy.SignedDigest)] = TestPolicy.Known(new(subject.Repository, TestPolicy.SignedDigest), TestPolicy.Standard) };
        Assert.False(review.Open().Decide(known, TestPolicy.Now).Admitted);
    }

    [Fact, Trait("evasion", "47")]
    public void What_was_proven_before_counts_only_while_the_policy_of_now_trusts_the_signer()
    {
        var claims = TestPolicy.Verify(TestPolicy.SignedDigest, TestPolicy.Standard, TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder));
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.Standard, claims).Verdict);
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.WithImages("      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [other] } }\n"), claims).Verdict);
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.Standard with { Keys = TestPolicy.Standard.Keys.Remove("builder-key") }, claims).Verdict);
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.Standard, claims, TestPolicy.Now.AddYears(1)).Verdict);
    }

    [Fact, Trait("evasion", "48")]
    public void An_attached_statement_without_a_signature_that_verifies_is_nothing()
    {
        var bundle = (JsonObject)JsonNode.Parse(TestPolicy.BundleOf(TestPolicy.SignedDigest, PredicateTypes.CosignSign, TestPolicy.Builder).Json.Span)!;
        bundle["dsseEnvelope"]!["signatures"]![0]!["sig"] = Convert.ToBase64String(new byte[70]);
        AssertDenied(Decide(Bundle(bundle)), "SignatureMismatch");
        bundle["dsseEnvelope"]!["signatures"] = new JsonArray();
        AssertDenied(Decide(Bundle(bundle)), "NoSignature");
        AssertDenied(Decide(TestPolicy.SignatureOf(TestPolicy.Good, TestSigners.Stranger)), "SignatureMismatch");
        AssertDenied(Decide(TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder) with { Signature = null }), "NoSignature");
    }

    [Fact, Trait("evasion", "49")]
    public void An_envelope_of_another_payload_type_is_refused() =>
        AssertDenied(Decide(Signed.Envelope(Statement($$$"""{"name":"api","digest":{"sha256":"{{{TestPolicy.SignedDigest.Hex}}}"}}"""), "application/vnd.example+json", TestPolicy.Builder)), "UnsupportedPayloadType");

    [Theory, Trait("evasion", "49")]
    [InlineData("""{"name":"api","digest":{"sha1":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}""", "WeakDigest")]
    [InlineData("""{"name":"api","digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}""", "SubjectMismatch")]
    [InlineData("""{"name":"registry.example.com/shop/api","digest":{}}""", "SubjectMissing")]
    public void A_statement_that_does_not_name_the_digest_by_sha256_is_refused(string subject, string code) =>
        AssertDenied(Decide(Signed.Envelope(Statement(subject), null, TestPolicy.Builder)), code);

    [Fact, Trait("evasion", "49")]
    public void A_statement_about_several_subjects_counts_for_the_one_that_it_names()
    {
        var other = """{"name":"other","digest":{"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}""";
        Assert.Equal(Verdict.Allow, Decide(Signed.Envelope(Statement($$$"""{{{other}}},{"name":"api","digest":{"sha256":"{{{TestPolicy.SignedDigest.Hex}}}"}}"""), null, TestPolicy.Builder)).Verdict);
        AssertDenied(Decide(Signed.Envelope(Statement($"{other},{other}"), null, TestPolicy.Builder)), "SubjectMismatch");
    }

    [Fact, Trait("evasion", "49")]
    public void A_strangers_signature_beside_the_right_one_takes_nothing_away_and_adds_nothing()
    {
        var statement = Statement($$$"""{"name":"api","digest":{"sha256":"{{{TestPolicy.SignedDigest.Hex}}}"}}""");
        Assert.Equal(Verdict.Allow, Decide(Signed.Envelope(statement, null, TestSigners.Stranger, TestPolicy.Builder)).Verdict);
        AssertDenied(Decide(Signed.Envelope(statement, null, TestSigners.Stranger, TestPolicy.OtherRobot)), "whom the rule does not name");
    }

    [Fact, Trait("evasion", "50")]
    public void A_signature_by_somebody_whom_the_policy_knows_and_the_rule_does_not_name_is_refused()
    {
        AssertDenied(Decide(TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.OtherRobot)), "whom the rule does not name");
        AssertDenied(Decide(TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Ann)), "whom the rule does not name");
        AssertDenied(Decide(TestPolicy.BundleOf(TestPolicy.SignedDigest, PredicateTypes.CosignSign, TestPolicy.OtherRobot)), "whom the rule does not name");
    }

    [Theory, Trait("evasion", "50")]
    [InlineData(TestResult)]
    [InlineData(PredicateTypes.SlsaProvenance)]
    [InlineData(PredicateTypes.CycloneDx)]
    [InlineData("https://sigstore.dev/cosign/sign/v1/")]
    public void A_statement_about_something_else_by_the_right_signer_is_no_signature_of_the_image(string predicateType) =>
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.BundleOf(TestPolicy.SignedDigest, predicateType, TestPolicy.Builder)).Verdict);

    [Fact, Trait("evasion", "50")]
    public void A_bare_signature_over_bytes_is_no_signature_of_an_image() =>
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.Wait(SigstoreBundle.SignArtifactAsync(Encoding.UTF8.GetBytes("a signed image"), TestPolicy.Builder, CancellationToken.None))).Verdict);

    [Fact]
    public void Evidence_that_could_not_be_read_keeps_a_refusal_open_and_takes_no_proof_away()
    {
        var unread = new Reason("registry", "the referrers could not be listed", "try again");
        Assert.Equal(Verdict.Unknown, Decide(TestPolicy.Standard, Claims.CouldNotRead(unread)).Verdict);
        var proven = TestPolicy.Verify(TestPolicy.SignedDigest, TestPolicy.Standard, TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder));
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.Standard, proven with { Unread = [unread] }).Verdict);
    }

    [Fact]
    public void What_stands_for_one_second_and_one_policy_does_not_stand_when_the_key_has_ended_or_the_rule_names_somebody_else()
    {
        var claims = TestPolicy.Verify(TestPolicy.SignedDigest, TestPolicy.Standard, TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder));
        var end = new DateTimeOffset(2027, 1, 1, 0, 1, 0, TimeSpan.Zero); // With the minute by which clocks may differ.
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.Standard, claims, end.AddSeconds(-1)).Verdict);
        Assert.Same(Decide(TestPolicy.Standard, claims, end.AddSeconds(-0.2)), Decide(TestPolicy.Standard, claims, end.AddSeconds(-0.1)));
        Assert.Equal(Verdict.Deny, Decide(TestPolicy.Standard, claims, end.AddSeconds(0.1)).Verdict);
        var another = TestPolicy.WithImages("      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [other] } }\n");
        Assert.Equal(Verdict.Allow, Decide(TestPolicy.Standard, claims).Verdict);
        Assert.Equal(Verdict.Deny, Decide(another, claims).Verdict);
    }

    [Fact]
    public void What_stands_in_one_namespace_does_not_stand_under_the_rule_of_another_or_once_its_key_is_revoked()
    {
        var policy = TestPolicy.WithImages("""
                  - match: [registry.example.com/shop/**]
                    in: { namespaces: [shop] }
                    require: { signed: { by: [builder] } }
                  - match: [registry.example.com/shop/**]
                    require: { signed: { by: [other] } }

            """);
        var claims = TestPolicy.Verify(TestPolicy.SignedDigest, policy, TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder));
        Decision In(string space, RevocationList? revoked = null) => ImageGate.Decide(
            Assert.IsType<ImageRuling.NeedsEvidence>(ImageGate.Rule(TestPolicy.Good, new(space, null), policy)), claims, policy, new Circumstances(TestPolicy.Now) { Revocations = new Reading<RevocationList>.Found(revoked ?? RevocationList.Empty) }).Decision;
        Assert.Equal(Verdict.Allow, In("shop").Verdict);
        Assert.Equal(Verdict.Deny, In("pay").Verdict);
        Assert.Equal(Verdict.Allow, In("shop").Verdict);
        Assert.Equal(Verdict.Deny, In("shop", RevocationList.Empty with { Keys = [Assert.IsType<Identity.Key>(claims.Proven[0].Signers[0]).Spki] }).Verdict);
    }

    private static Decision Decide(params SignedEntity[] entities) => Decide(TestPolicy.Standard, entities);

    private static Decision Decide(Policy policy, params SignedEntity[] entities) => Decide(policy, TestPolicy.Verify(TestPolicy.SignedDigest, policy, entities));

    private static Decision Decide(Policy policy, Claims claims, DateTimeOffset? now = null) =>
        ImageGate.Decide(Assert.IsType<ImageRuling.NeedsEvidence>(ImageGate.Rule(TestPolicy.Good, new("shop", null), policy)), claims, policy, new Circumstances(now ?? TestPolicy.Now)).Decision;

    private static SignedEntity.Bundle Bundle(JsonObject json) => new(Encoding.UTF8.GetBytes(json.ToJsonString()));

    private static byte[] Statement(string subjects) =>
        Encoding.UTF8.GetBytes($$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{{{subjects}}}],"predicateType":"{{{PredicateTypes.CosignSign}}}","predicate":{}}""");

    private static void AssertDenied(Decision decision, string because)
    {
        Assert.Equal(Verdict.Deny, decision.Verdict);
        Assert.Contains(decision.Reasons, reason => reason.Message.Contains(because, StringComparison.Ordinal));
    }
}
