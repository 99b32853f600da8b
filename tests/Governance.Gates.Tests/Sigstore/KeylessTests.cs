using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class KeylessTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;

    /// <summary>Every kind of log entry, and whether the signature is bare.</summary>
    public static TheoryData<string, bool> Entries => new()
    {
        { "hashedrekord 0.0.1", true },
        { "hashedrekord 0.0.1", false },
        { "dsse 0.0.1", false },
        { "intoto 0.0.2", false },
        { "hashedrekord 0.0.2", true },
        { "hashedrekord 0.0.2", false },
        { "dsse 0.0.2", false },
    };

    [Theory, MemberData(nameof(Entries))]
    public void A_signature_in_a_log_of_either_version_says_who_signed_what_and_when(string kind, bool isMessage)
    {
        var bundle = Instance.Sign(new() { Kind = kind, IsMessage = isMessage });
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy()));
        Assert.Empty(verified.Signers);
        Assert.Equal(new(SubjectNameKind.Uri, ThrowAwaySigstore.Workflow), verified.Certificate!.Name);
        Assert.Equal(ThrowAwaySigstore.Issuer, verified.Certificate.Issuer);
        Assert.Equal("632596897", verified.Certificate.Extensions[FulcioExtension.SourceRepositoryIdentifier]);
        Assert.Equal(ThrowAwaySigstore.Identity, verified.Identity);
        var second = kind.EndsWith("0.0.2", StringComparison.Ordinal) && !kind.StartsWith("intoto", StringComparison.Ordinal);
        var time = Assert.Single(verified.Times);
        Assert.Equal(second
            ? new(ThrowAwaySigstore.Now.AddSeconds(1), TimeSource.TimestampAuthority, "https://tsa.example.test")
            : new(ThrowAwaySigstore.Now.AddSeconds(2), TimeSource.TransparencyLog, "https://rekor.example.test"), time);
        var entry = Assert.Single(verified.Logs);
        Assert.Equal((second ? "https://log2026.rekor.example.test" : "https://rekor.example.test", 3L, LogProof.Inclusion), (entry.Log.BaseUrl, entry.Index, entry.Proof));
        Assert.True(isMessage ? verified.Content is SignedContent.Message : verified.Content is SignedContent.Statement);
    }

    [Theory]
    [InlineData(MediaTypes.Bundle)]
    [InlineData(MediaTypes.BundleOldSpelling)]
    [InlineData(MediaTypes.BundleV02)]
    [InlineData(MediaTypes.BundleV01)]
    public void Every_version_of_the_bundle_is_read(string mediaType)
    {
        var bundle = Instance.Sign();
        bundle = mediaType is MediaTypes.BundleV01 or MediaTypes.BundleV02 ? ThrowAwaySigstore.Older(bundle, mediaType) : bundle;
        bundle["mediaType"] = mediaType;
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy()));
    }

    [Fact]
    public void A_log_that_signs_with_Ed25519_is_verified()
    {
        var ed25519 = new ThrowAwaySigstore { Rekor2 = TestLog.Second("log2027.rekor.example.test", TestSigners.Of("Ed25519")) };
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(ed25519.Sign(new() { Kind = "hashedrekord 0.0.2" })), ed25519.Policy()));
    }

    [Fact]
    public void The_extensions_of_a_static_certificate_log_are_part_of_what_it_signed()
    {
        var bundle = Instance.Sign(new() { SctExtensions = [0, 0, 5, 0, 0, 0, 0, 7] });
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy()));
    }

    [Fact]
    public void An_artifacts_bytes_serve_as_well_as_its_digest()
    {
        var policy = VerificationPolicy.ForArtifact(Signed.Artifact, []) with { Keyless = KeylessSigners.Of(Instance.Root, ThrowAwaySigstore.Identity) };
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = "hashedrekord 0.0.1", IsMessage = true })), policy));
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), policy));
    }

    [Theory]
    [InlineData("Ed25519")]
    [InlineData("P-521")]
    [InlineData("P-256")]
    public void With_an_artifacts_bytes_every_kind_of_key_can_be_checked(string kind)
    {
        var signer = TestSigners.Of(kind);
        Signed.AssertVerified(SigstoreVerifier.Verify(Signed.MessageBundle(signer), VerificationPolicy.ForArtifact(Signed.Artifact, [signer.PublicKey])));
    }

    [Fact]
    public void A_policy_of_keys_alone_refuses_certificates_and_one_without_identities_too()
    {
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign());
        Signed.AssertRejected(RejectionCode.KeylessNotSupported, SigstoreVerifier.Verify(bundle, Signed.Policy()));
        Signed.AssertRejected(RejectionCode.NoTrustedKeys, SigstoreVerifier.Verify(bundle, VerificationPolicy.For(Signed.Sha256, [])));
        var nobody = VerificationPolicy.For(Signed.Sha256, []) with { Keyless = KeylessSigners.Of(Instance.Root, []) };
        Signed.AssertRejected(RejectionCode.NoTrustedIdentities, SigstoreVerifier.Verify(bundle, nobody));
    }

    [Fact]
    public void One_policy_takes_a_key_and_an_identity_and_each_signs_for_itself_only()
    {
        var policy = Signed.Policy() with { Keyless = KeylessSigners.Of(Instance.Root, ThrowAwaySigstore.Identity) };
        Assert.Null(Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Bundle(), policy)).Certificate);
        Assert.Empty(Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), policy)).Signers);
        Signed.AssertRejected(RejectionCode.UnknownKey, SigstoreVerifier.Verify(Signed.Bundle(TestSigners.Stranger), policy));
    }

    [Fact]
    public void A_signed_statement_of_another_type_or_about_something_else_is_refused()
    {
        var policy = Instance.Policy() with { PredicateType = PredicateTypes.SlsaProvenance };
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), policy));
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = "hashedrekord 0.0.1", IsMessage = true })), policy));
        var other = Instance.Sign(new() { Payload = Signed.StatementAbout("[{\"digest\":{\"sha256\":\"" + Signed.OtherHex + "\"}}]") });
        Signed.AssertRejected(RejectionCode.SubjectMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(other), Instance.Policy()));
    }

    [Fact]
    public void Thresholds_ask_for_distinct_logs_times_and_promises()
    {
        var bundle = Instance.Sign(new() { IsStamped = true });
        var required = new EvidenceRequirement(Instance.Root);
        VerificationOutcome With(EvidenceRequirement evidence) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), ThrowAwaySigstore.PolicyOf(evidence));
        Assert.Equal(2, Signed.AssertVerified(With(required with { Times = 2 })).Times.Length);
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, With(required with { Times = 3 }));
        Signed.AssertRejected(RejectionCode.LogEntryMissing, With(required with { Logs = 2 }));
        Signed.AssertRejected(RejectionCode.CertificateTimestampMissing, With(required with { CertificateTimestamps = 2 }));
    }

    [Fact]
    public void A_bundle_that_is_only_timestamped_is_verified_where_no_log_is_asked_for()
    {
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = "none", IsStamped = true, CertificateLogs = [] }));
        var timestamped = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Logs = 0, CertificateTimestamps = 0 });
        Assert.Empty(Signed.AssertVerified(SigstoreVerifier.Verify(bundle, timestamped)).Logs);
        Signed.AssertRejected(RejectionCode.LogEntryMissing, SigstoreVerifier.Verify(bundle, Instance.Policy()));
    }

    [Fact]
    public void A_certificate_proves_nothing_without_a_time_whatever_the_thresholds()
    {
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = "none" }));
        var nothing = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Logs = 0, Times = 0, CertificateTimestamps = 0 });
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, SigstoreVerifier.Verify(bundle, nothing));
    }

    [Fact]
    public void A_keys_signature_is_held_against_evidence_where_the_policy_asks_for_it()
    {
        var signer = TestSigners.Trusted;
        var required = Signed.Policy() with { KeyEvidence = new EvidenceRequirement(Instance.Root) };
        Signed.AssertRejected(RejectionCode.LogEntryMissing, SigstoreVerifier.Verify(Signed.Bundle(), required));
        Signed.AssertRejected(RejectionCode.LogEntryMissing, SigstoreVerifier.Verify(Signed.Envelope(Signed.Statement()), required));
        Signed.AssertRejected(RejectionCode.LogEntryMissing, SigstoreVerifier.Verify(Signed.Image(), required));
        var logged = LoggedByKey(signer);
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(logged), required));
        Assert.Equal([signer.PublicKey], verified.Signers);
        Assert.Equal(ThrowAwaySigstore.Now, Assert.Single(verified.Times).Time);
        logged["verificationMaterial"]!["tlogEntries"]![0]!["integratedTime"] = "1";
        Signed.AssertRejected(RejectionCode.InclusionPromiseInvalid, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(logged), required));
    }

    [Fact]
    public void A_key_counts_only_for_its_time_and_then_somebody_must_say_when_it_signed()
    {
        var key = TestSigners.Trusted.PublicKey;
        VerificationPolicy Within(TimeWindow window) => Signed.Policy() with { KeyEvidence = new EvidenceRequirement(Instance.Root), KeyWindows = ImmutableDictionary<PublicKey, TimeWindow>.Empty.Add(key, window) };
        var logged = ThrowAwaySigstore.Entity(LoggedByKey(TestSigners.Trusted));
        Signed.AssertVerified(SigstoreVerifier.Verify(logged, Within(new(ThrowAwaySigstore.Now, ThrowAwaySigstore.Now))));
        Signed.AssertRejected(RejectionCode.OutsideKeyValidity, SigstoreVerifier.Verify(logged, Within(new(ThrowAwaySigstore.Now.AddYears(-1), ThrowAwaySigstore.Now.AddSeconds(-1)))));
        var untold = Signed.Policy() with { KeyWindows = ImmutableDictionary<PublicKey, TimeWindow>.Empty.Add(key, new(DateTimeOffset.MinValue, null)) };
        Signed.AssertRejected(RejectionCode.OutsideKeyValidity, SigstoreVerifier.Verify(Signed.Bundle(), untold));
    }

    [Fact]
    public void A_signature_with_a_certificate_is_no_detached_signature_by_a_key()
    {
        Assert.Null(DetachedSignature.TryRead(ThrowAwaySigstore.Entity(Instance.Sign()).Json, out var mistake));
        Assert.Contains("certificate", mistake, StringComparison.Ordinal);
    }

    /// <summary>A bundle that a key signed, with an entry of the first log.</summary>
    private static JsonObject LoggedByKey(Signer signer)
    {
        var bundle = JsonNode.Parse(Signed.Bundle(signer).Json.Span)!.AsObject();
        var pem = signer.PublicKey.ToPem() + "\n";
        var body = LogBodies.Dsse(Signed.Statement(), ThrowAwaySigstore.SignatureOf(bundle), pem);
        bundle["verificationMaterial"]!["tlogEntries"] = new JsonArray(Instance.Rekor.Entry(body, ThrowAwaySigstore.Now));
        return bundle;
    }
}
