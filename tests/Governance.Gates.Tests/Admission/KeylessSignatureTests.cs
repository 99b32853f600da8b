using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;
using static Governance.Gates.Tests.Admission.KeylessWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>Images that workflows sign without a key: real certificates, and not all of the workflow that the policy names.</summary>
public sealed class KeylessSignatureTests
{
    private static readonly Signing Stamped = new() { Kind = "none", IsStamped = true, CertificateLogs = [] };

    /// <summary>Who signed instead, and the code by which that is refused.</summary>
    public static TheoryData<string, Certified, string> Strangers => new()
    {
        { "a fork", new() { Subject = "https://github.com/mallory/app/.github/workflows/release.yml@refs/tags/v1", RepositoryId = "999", OwnerId = "66" }, "IdentityMismatch" },
        { "a repository that was made again under the name", new() { RepositoryId = "999" }, "ExtensionMismatch" },
        { "a repository whose owner's name passed on", new() { OwnerId = "66" }, "ExtensionMismatch" },
        { "a certificate that names no repository", new() { RepositoryId = null }, "ExtensionMismatch" },
        { "an id with more before it", new() { RepositoryId = "0123" }, "ExtensionMismatch" },
        { "another issuer of the same name", new() { Issuer = "https://token.actions.example.com" }, "IssuerMismatch" },
        { "an issuer with a slash at its end", new() { Issuer = ThrowAwaySigstore.Issuer + "/" }, "IssuerMismatch" },
        { "a tag that reaches over a slash", new() { Subject = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1/main" }, "IdentityMismatch" },
        { "a branch", new() { Subject = "https://github.com/example/app/.github/workflows/release.yml@refs/heads/v1" }, "IdentityMismatch" },
        { "another workflow", new() { Subject = "https://github.com/example/app/.github/workflows/release.yml.yml@refs/tags/v1" }, "IdentityMismatch" },
        { "a name that only begins alike", new() { Subject = "https://github.com/example/app2/.github/workflows/release.yml@refs/tags/v1" }, "IdentityMismatch" },
        { "a name in other letters", new() { Subject = "https://github.com/Example/app/.github/workflows/release.yml@refs/tags/v1" }, "IdentityMismatch" },
        { "a runner of their own", new() { Runner = "self-hosted" }, "ExtensionMismatch" },
    };

    [Fact]
    public void A_signature_by_the_robots_workflow_is_enough_and_says_who_made_it()
    {
        var decision = Decide(Standard, Bundle());
        AssertAllowed(decision);
        Assert.Contains("signed by flow as https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1", decision.Notes[0].Message, StringComparison.Ordinal);
        AssertAllowed(Decide(Standard, Bundle(new() { Subject = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v2.0-rc" })));
        AssertAllowed(Decide(Standard, Bundle(how: new() { Kind = "hashedrekord 0.0.2" })));
    }

    [Theory, Trait("evasion", "50"), MemberData(nameof(Strangers))]
    public void A_certificate_of_somebody_else_is_refused_with_its_code(string who, Certified certified, string code)
    {
        var reason = AssertDenied(Decide(Standard, Bundle(certified)), code);
        Assert.True(reason.Remedy!.Contains("flow", StringComparison.Ordinal), who);
        AssertDenied(Decide(StandardWith(Root, "promise"), Layer(certified)), code);
    }

    [Fact]
    public void A_robot_that_the_rule_does_not_name_and_a_person_are_refused()
    {
        AssertDenied(Decide(Standard, Bundle(new() { Subject = "https://github.com/example/app/.github/workflows/test.yml@refs/heads/main" })), "signed by other as https://github.com/example/app/.github/workflows/test.yml@refs/heads/main, whom the rule does not name");
        AssertDenied(Decide(Standard, Bundle(new() { Subject = "ann@example.com", Issuer = Accounts })), "signed by ann as ann@example.com, whom the rule does not name");
    }

    [Fact, Trait("evasion", "53")]
    public void A_trusted_root_that_drops_the_log_refuses_what_only_that_log_showed()
    {
        var root = Instance.RootJson();
        root["tlogs"]!.AsArray().RemoveAt(0);
        var reason = AssertDenied(Decide(StandardWith(Bytes(root)), Bundle()), "UnknownLog");
        Assert.Contains("whose root the policy trusts", reason.Remedy, StringComparison.Ordinal);
        AssertAllowed(Decide(StandardWith(Bytes(root)), Bundle(how: new() { Kind = "hashedrekord 0.0.2" })));
    }

    [Fact]
    public void A_certificate_of_another_instance_is_refused()
    {
        var other = new ThrowAwaySigstore();
        AssertDenied(Decide(Standard, ThrowAwaySigstore.Entity(other.Sign(new() { Extensions = new Certified().Extensions, Payload = Statement(PredicateTypes.CosignSign) }))), "UnknownLog");
        AssertDenied(Decide(StandardWith(RootWithoutLogs, "none"), ThrowAwaySigstore.Entity(other.Sign(Stamped with { Extensions = new Certified().Extensions, Payload = Statement(PredicateTypes.CosignSign) }))), "TimestampUntrusted");
    }

    [Fact, Trait("evasion", "53")]
    public void What_nobody_trusted_says_the_time_of_is_refused_with_a_remedy()
    {
        var bundle = Sign(new(), how: new() { Kind = "hashedrekord 0.0.2" });
        bundle["verificationMaterial"]!.AsObject().Remove("timestampVerificationData");
        Assert.Contains("says when", AssertDenied(Decide(Standard, ThrowAwaySigstore.Entity(bundle)), "NoVerifiedTime").Remedy, StringComparison.Ordinal);
        AssertDenied(Decide(StandardWith(RootWithoutLogs, "none"), Bundle(how: Stamped with { IsStamped = false })), "NoVerifiedTime");
    }

    [Fact, Trait("evasion", "52")]
    public void An_instance_without_logs_counts_by_its_timestamps_where_the_policy_says_that_it_has_none()
    {
        AssertAllowed(Decide(StandardWith(RootWithoutLogs, "none"), Bundle(how: Stamped)));
        AssertDenied(Decide(Standard, Bundle(how: Stamped)), "LogEntryMissing");
        var late = Instance.Sign(Stamped with { Extensions = new Certified().Extensions, Payload = Statement(PredicateTypes.CosignSign) });
        late["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(Instance.Timestamps.Stamp(ThrowAwaySigstore.SignatureOf(late), ThrowAwaySigstore.Now.AddHours(1)));
        AssertDenied(Decide(StandardWith(RootWithoutLogs, "none"), ThrowAwaySigstore.Entity(late)), "CertificateOutsideValidity");
    }

    [Fact]
    public void What_cosign_wrote_before_its_bundles_counts_where_the_policy_accepts_a_logs_promise()
    {
        AssertAllowed(Decide(StandardWith(Root, "promise"), Layer()));
        Assert.Contains("logs: promise", AssertDenied(Decide(Standard, Layer()), "InclusionProofMissing").Remedy, StringComparison.Ordinal);
        var bundle = Sign(new());
        bundle["verificationMaterial"]!["tlogEntries"]![0]!.AsObject().Remove("inclusionProof");
        AssertDenied(Decide(StandardWith(Root, "promise"), ThrowAwaySigstore.Entity(bundle)), "InclusionProofMissing");
    }

    [Theory]
    [InlineData("application/vnd.dev.sigstore.bundle+json;version=0.1")]
    [InlineData("application/vnd.dev.sigstore.bundle+json;version=0.2")]
    public void Older_bundles_count_too(string mediaType) => AssertAllowed(Decide(Standard, ThrowAwaySigstore.Entity(ThrowAwaySigstore.Older(Sign(new()), mediaType))));

    [Fact]
    public void A_policy_without_a_trusted_root_counts_no_certificate()
    {
        var policy = TestPolicy.Standard;
        var reason = AssertDenied(Decide(policy, Bundle()), "KeylessNotSupported");
        Assert.Contains("trusted root", reason.Remedy, StringComparison.Ordinal);
        AssertDenied(Decide(policy, Layer()), "SignatureMismatch");
    }

    [Fact]
    public void A_key_counts_beside_a_trusted_root_as_before()
    {
        var keyed = With("  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [keyed] } }\n");
        AssertAllowed(Decide(keyed, TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder)));
        AssertDenied(Decide(keyed, Bundle()), "whom the rule does not name");
    }

    [Fact]
    public void A_signature_for_another_image_or_repository_is_refused()
    {
        AssertDenied(Decide(Standard, Bundle(payload: Statement(PredicateTypes.CosignSign, digest: TestPolicy.UnsignedDigest))), "SubjectMismatch");
        var named = InTotoStatement.Write([Gates.Sigstore.Subject.OfSha256("registry.example.com/elsewhere", Convert.FromHexString(Image.Hex))], PredicateTypes.CosignSign, "{}"u8);
        AssertDenied(Decide(Standard, Bundle(payload: named)), "is for registry.example.com/elsewhere");
    }

    [Fact]
    public void Claims_are_kept_apart_for_each_set_of_keys_subjects_roots_and_demands()
    {
        Policy[] policies =
        [
            Standard, StandardWith(Root, "promise"), StandardWith([.. Root, (byte)' ']), StandardWith(RootWithoutLogs, "none"),
            Standard with { Robots = Standard.Robots.Remove("other") }, Standard with { People = Standard.People.Remove("ann") }, Standard with { Keys = Standard.Keys.Clear() },
        ];
        var versions = policies.Select(policy => new TrustedSigners(policy).Version).ToList();
        Assert.Equal(versions.Count, versions.Distinct().Count());
        Assert.Equal(versions[0], new TrustedSigners(With("")).Version);
    }
}
