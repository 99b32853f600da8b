using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class BundleTests
{
    /// <summary>Changes of a good bundle around a statement.</summary>
    public static TheoryData<string, Action<JsonObject>, RejectionCode> Tampered => new()
    {
        { "no media type", bundle => bundle.Remove("mediaType"), RejectionCode.MissingField },
        { "version 0.2", bundle => bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2", RejectionCode.UnsupportedMediaType },
        { "a version that does not exist", bundle => bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v99.9+json", RejectionCode.UnsupportedMediaType },
        { "no material", bundle => bundle.Remove("verificationMaterial"), RejectionCode.MissingField },
        { "empty material", bundle => bundle["verificationMaterial"] = new JsonObject(), RejectionCode.MissingField },
        { "a certificate", bundle => bundle["verificationMaterial"] = new JsonObject { ["certificate"] = new JsonObject() }, RejectionCode.KeylessNotSupported },
        { "a chain", bundle => bundle["verificationMaterial"] = new JsonObject { ["x509CertificateChain"] = new JsonObject() }, RejectionCode.KeylessNotSupported },
        { "a key and a certificate", bundle => bundle["verificationMaterial"]!["certificate"] = new JsonObject(), RejectionCode.AmbiguousBundle },
        { "a key that is text", bundle => bundle["verificationMaterial"]!["publicKey"] = "key", RejectionCode.WrongShape },
        { "no content", bundle => bundle.Remove("dsseEnvelope"), RejectionCode.MissingField },
        { "two contents", bundle => bundle["messageSignature"] = new JsonObject(), RejectionCode.AmbiguousBundle },
        { "no signature", bundle => bundle["dsseEnvelope"]!["signatures"] = new JsonArray(), RejectionCode.NoSignature },
        { "two signatures", bundle => bundle["dsseEnvelope"]!["signatures"]!.AsArray().Add(new JsonObject { ["sig"] = "MEQ=" }), RejectionCode.TooManySignatures },
        { "another payload", bundle => bundle["dsseEnvelope"]!["payload"] = "e30=", RejectionCode.SignatureMismatch },
        { "another payload type", bundle => bundle["dsseEnvelope"]!["payloadType"] = "text/plain", RejectionCode.UnsupportedPayloadType },
    };

    public static TheoryData<string, Action<JsonObject>, RejectionCode> TamperedMessage => new()
    {
        { "another digest", message => message["messageDigest"]!["digest"] = Convert.ToBase64String(new byte[32]), RejectionCode.SubjectMismatch },
        { "SHA-512", message => message["messageDigest"]!["algorithm"] = "SHA2_512", RejectionCode.UnsupportedDigestAlgorithm },
        { "20 bytes", message => message["messageDigest"]!["digest"] = Convert.ToBase64String(new byte[20]), RejectionCode.UnsupportedDigestAlgorithm },
        { "no digest", message => message.Remove("messageDigest"), RejectionCode.MissingField },
        { "no signature", message => message.Remove("signature"), RejectionCode.MissingField },
        { "an empty signature", message => message["signature"] = "", RejectionCode.NoSignature },
        { "not base64", message => message["signature"] = "!", RejectionCode.MalformedBase64 },
        { "another signature", message => message["signature"] = "AAAA", RejectionCode.SignatureMismatch },
    };

    [Theory, MemberData(nameof(TestSigners.Kinds), MemberType = typeof(TestSigners))]
    public void A_bundle_signed_by_a_trusted_key_of_any_kind_is_verified(string kind)
    {
        var signer = TestSigners.Of(kind);
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Bundle(signer), Signed.Policy(signer.PublicKey) with { PredicateType = Signed.Approval }));
        Assert.Equal([signer.PublicKey], verified.Signers);
        Assert.IsType<SignedContent.Statement>(verified.Content);
    }

    [Theory]
    [InlineData("P-256")]
    [InlineData("P-384 with SHA-256")]
    [InlineData("RSA PKCS #1")]
    [InlineData("RSA PSS")]
    public void A_bare_signature_is_verified_against_the_artifacts_digest(string kind)
    {
        var signer = TestSigners.Of(kind);
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(Signed.MessageBundle(signer), Signed.Policy(signer.PublicKey)));
        Assert.Equal(Signed.Sha256, Assert.IsType<SignedContent.Message>(verified.Content).ArtifactSha256.ToArray());
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(Signed.MessageBundle(signer), Signed.Policy(signer.PublicKey) with { PredicateType = "t" }));
    }

    [Fact]
    public void A_bare_signature_that_only_the_artifacts_bytes_could_prove_is_refused()
    {
        var ed25519 = TestSigners.Of("Ed25519");
        Signed.AssertRejected(RejectionCode.ArtifactBytesNeeded, SigstoreVerifier.Verify(Signed.MessageBundle(ed25519), Signed.Policy(ed25519.PublicKey)));
        var sha512 = TestSigners.Of("P-521");
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(Signed.MessageBundle(sha512), Signed.Policy(sha512.PublicKey)));
    }

    [Theory, MemberData(nameof(Tampered))]
    public void A_tampered_bundle_is_refused(string name, Action<JsonObject> change, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(Changed(Signed.Bundle(), change), Signed.Policy()), name);

    [Theory, MemberData(nameof(TamperedMessage))]
    public void A_tampered_bare_signature_is_refused(string name, Action<JsonObject> change, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(Changed(Signed.MessageBundle(), bundle => change(bundle["messageSignature"]!.AsObject())), Signed.Policy()), name);

    [Fact]
    public void The_older_media_type_fields_to_come_and_log_entries_do_no_harm() =>
        Signed.AssertVerified(SigstoreVerifier.Verify(
            Changed(Signed.Bundle(), bundle =>
            {
                bundle["mediaType"] = MediaTypes.BundleOldSpelling;
                bundle["messageSignature"] = null;
                bundle["later"] = true;
                bundle["verificationMaterial"]!["tlogEntries"] = new JsonArray("not evidence");
            }),
            Signed.Policy()));

    [Fact]
    public void The_hint_chooses_the_words_and_decides_nothing()
    {
        var stranger = TestSigners.Stranger.PublicKey.Hint;
        var trusted = TestSigners.Trusted.PublicKey.Hint;
        Signed.AssertVerified(SigstoreVerifier.Verify(WithHint(Signed.Bundle(), stranger), Signed.Policy()));
        Signed.AssertVerified(SigstoreVerifier.Verify(WithHint(Signed.Bundle(), null), Signed.Policy()));
        Signed.AssertRejected(RejectionCode.UnknownKey, SigstoreVerifier.Verify(Signed.Bundle(TestSigners.Stranger), Signed.Policy()));
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(WithHint(Signed.Bundle(TestSigners.Stranger), trusted), Signed.Policy()));
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(WithHint(Signed.Bundle(TestSigners.Stranger), null), Signed.Policy()));
        Signed.AssertRejected(RejectionCode.UnknownKey, SigstoreVerifier.Verify(Signed.MessageBundle(TestSigners.Stranger), Signed.Policy()));
    }

    private static SignedEntity.Bundle WithHint(SignedEntity.Bundle bundle, string? hint) => Changed(bundle, json => json["verificationMaterial"]!["publicKey"]!["hint"] = hint);

    private static SignedEntity.Bundle Changed(SignedEntity.Bundle bundle, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(bundle.Json.Span)!.AsObject();
        change(json);
        return new(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }
}
