using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>What cosign before its bundles left in a layer's annotations: a certificate, a log's promise, a timestamp.</summary>
public sealed class KeylessAnnotationTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly VerificationPolicy Accepting = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Proof = LogProof.Promise });

    /// <summary>Changes of good annotations.</summary>
    public static TheoryData<string, Func<CosignAnnotations, CosignAnnotations>, RejectionCode> Tampered => new()
    {
        { "no certificate", given => given with { Certificate = null }, RejectionCode.SignatureMismatch },
        { "a certificate that is none", given => given with { Certificate = "hello" }, RejectionCode.MalformedCertificate },
        { "another signature's certificate", given => given with { Certificate = Instance.SignImage().Annotations.Certificate }, RejectionCode.LogEntryMismatch },
        { "no entry", given => given with { Bundle = null }, RejectionCode.LogEntryMissing },
        { "another signature's entry", given => given with { Bundle = Instance.SignImage().Annotations.Bundle }, RejectionCode.LogEntryMismatch },
        { "a shifted time", given => given with { Bundle = Changed(given.Bundle!, payload => payload["integratedTime"] = payload["integratedTime"]!.GetValue<long>() + 1) }, RejectionCode.InclusionPromiseInvalid },
        { "a shifted index", given => given with { Bundle = Changed(given.Bundle!, payload => payload["logIndex"] = 1) }, RejectionCode.InclusionPromiseInvalid },
        { "another log", given => given with { Bundle = Changed(given.Bundle!, payload => payload["logID"] = new string('0', 64)) }, RejectionCode.UnknownLog },
        { "an id that is no id", given => given with { Bundle = Changed(given.Bundle!, payload => payload["logID"] = "x") }, RejectionCode.UnknownLog },
        { "a body that is no JSON", given => given with { Bundle = Changed(given.Bundle!, payload => payload["body"] = "AAAA") }, RejectionCode.MalformedJson },
        { "an entry that is no JSON", given => given with { Bundle = "{" }, RejectionCode.MalformedJson },
        { "an entry without fields", given => given with { Bundle = "{}" }, RejectionCode.MissingField },
        { "a timestamp that is none", given => given with { Timestamp = "{\"SignedRFC3161Timestamp\":\"MAA=\"}" }, RejectionCode.TimestampMalformed },
        { "a timestamp over something else", given => given with { Timestamp = Stamped([1]) }, RejectionCode.TimestampMismatch },
        { "an endless annotation", given => given with { Bundle = new string(' ', 300_000) }, RejectionCode.TooLarge },
    };

    [Fact]
    public void An_image_signed_without_a_key_is_verified_by_the_logs_promise_where_the_policy_accepts_that()
    {
        var image = Instance.SignImage();
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(image, Accepting));
        Assert.IsType<SignedContent.ImageSignature>(verified.Content);
        Assert.Equal(LogProof.Promise, Assert.Single(verified.Logs).Proof);
        Assert.Equal(ThrowAwaySigstore.Now.AddSeconds(2), Assert.Single(verified.Times).Time);
        Signed.AssertRejected(RejectionCode.InclusionProofMissing, SigstoreVerifier.Verify(image, Instance.Policy()));
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(image, Signed.Policy()));
        var stamped = image with { Annotations = image.Annotations with { Timestamp = Stamped(Convert.FromBase64String(image.Signature!)) } };
        Assert.Equal(2, Signed.AssertVerified(SigstoreVerifier.Verify(stamped, Accepting)).Times.Length);
    }

    [Theory, MemberData(nameof(Tampered))]
    public void Tampered_annotations_are_refused(string name, Func<CosignAnnotations, CosignAnnotations> change, RejectionCode expected)
    {
        var image = Instance.SignImage();
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(image with { Annotations = change(image.Annotations) }, Accepting), name);
    }

    [Fact]
    public void Another_image_another_identity_and_another_predicate_type_are_refused()
    {
        var other = Instance.SignImage(SimpleSigning.Payload("registry.example/team/model", $"sha256:{Signed.OtherHex}"));
        Signed.AssertRejected(RejectionCode.SubjectMismatch, SigstoreVerifier.Verify(other, Accepting));
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(Instance.SignImage(), Accepting with { PredicateType = PredicateTypes.CosignSign }));
        var stranger = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Proof = LogProof.Promise }, CertificateIdentity.Exactly("someone@example.test", ThrowAwaySigstore.Issuer));
        Signed.AssertRejected(RejectionCode.IdentityMismatch, SigstoreVerifier.Verify(Instance.SignImage(), stranger));
    }

    [Fact]
    public void An_attestation_layer_is_verified_in_the_same_way_and_has_one_signature()
    {
        var bundle = Instance.Sign();
        var material = bundle["verificationMaterial"]!;
        var pem = PemEncoding.WriteString("CERTIFICATE", Convert.FromBase64String(material["certificate"]!["rawBytes"]!.GetValue<string>())) + "\n";
        var annotations = new CosignAnnotations(pem, Instance.CosignBundle(material["tlogEntries"]![0]!.AsObject()), null);
        var envelope = bundle["dsseEnvelope"]!.AsObject();
        var layer = new SignedEntity.Envelope(Encoding.UTF8.GetBytes(envelope.ToJsonString())) { Annotations = annotations };
        Assert.Equal(ThrowAwaySigstore.Identity, Signed.AssertVerified(SigstoreVerifier.Verify(layer, Accepting)).Identity);
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(layer with { Annotations = CosignAnnotations.None }, Accepting));
        envelope["signatures"]!.AsArray().Add(new JsonObject { ["sig"] = "MEQ=" });
        var two = new SignedEntity.Envelope(Encoding.UTF8.GetBytes(envelope.ToJsonString())) { Annotations = annotations };
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(two, Accepting));
    }

    [Fact]
    public void A_trusted_keys_signature_counts_whatever_certificate_stands_beside_it()
    {
        var image = Signed.Image() with { Annotations = Instance.SignImage().Annotations };
        var both = Signed.Policy() with { Keyless = Accepting.Keyless };
        Assert.Equal([TestSigners.Trusted.PublicKey], Signed.AssertVerified(SigstoreVerifier.Verify(image, both)).Signers);
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, SigstoreVerifier.Verify(image, both with { KeyEvidence = new EvidenceRequirement(Instance.Root) }));
    }

    private static string Changed(string bundle, Action<JsonObject> change)
    {
        var json = JsonNode.Parse(bundle)!;
        change(json["Payload"]!.AsObject());
        return json.ToJsonString();
    }

    private static string Stamped(byte[] signature) =>
        new JsonObject { ["SignedRFC3161Timestamp"] = Convert.ToBase64String(Instance.Timestamps.Stamp(signature, ThrowAwaySigstore.Now.AddSeconds(1))) }.ToJsonString();
}
