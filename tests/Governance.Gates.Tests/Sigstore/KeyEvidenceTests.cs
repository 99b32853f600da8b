using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>What stands beside a key's signature in a layer: it is about that signature, and lends nothing to another.</summary>
public sealed class KeyEvidenceTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly EvidenceRequirement Stamped = new(Instance.Root) { Logs = 0 };
    private static readonly EvidenceRequirement Promised = new(Instance.Root) { Proof = LogProof.Promise };
    private static readonly Signer Good = TestSigners.Trusted;
    private static readonly Signer Stolen = TestSigners.Of("P-384");

    // A stolen key whose window has ended signs today, beside a signature whose time and log entry are old.
    [Fact]
    public void A_late_signature_takes_no_time_from_the_one_beside_it()
    {
        var payload = Signed.Statement();
        var window = ImmutableDictionary<PublicKey, TimeWindow>.Empty.Add(Stolen.PublicKey, new(ThrowAwaySigstore.Now.AddYears(-1), ThrowAwaySigstore.Now.AddHours(1)));
        var policy = Signed.Policy(Good.PublicKey, Stolen.PublicKey) with { KeyWindows = window };
        foreach (var first in (Signer[])[Good, TestSigners.Stranger])
        {
            var signature = Convert.FromBase64String(Signed.Sign(first, MediaTypes.InTotoPayload, payload));
            var both = Signed.Envelope(MediaTypes.InTotoPayload, Convert.ToBase64String(payload), [Sig(signature), Sig(Convert.FromBase64String(Signed.Sign(Stolen, MediaTypes.InTotoPayload, payload)))]);
            var entry = Instance.CosignBundle(Instance.Rekor.Entry(LogBodies.Dsse(payload, signature, first.PublicKey.ToPem() + "\n"), ThrowAwaySigstore.Now));
            var logged = both with { Annotations = new(null, entry, null) };
            Signed.AssertRejected(RejectionCode.TooManySignatures, SigstoreVerifier.Verify(logged, policy with { KeyEvidence = Promised }));
            foreach (var stamped in (byte[][])[signature, both.Json.ToArray()])
            {
                Signed.AssertRejected(RejectionCode.TooManySignatures, SigstoreVerifier.Verify(both with { Annotations = new(null, null, Stamp(stamped)) }, policy with { KeyEvidence = Stamped }));
            }

            Signed.AssertRejected(RejectionCode.TooManySignatures, SigstoreVerifier.Verify(logged, policy));
            // Where neither time nor evidence is asked for, each signature stands for itself.
            Signed.AssertVerified(SigstoreVerifier.Verify(logged, policy with { KeyWindows = ImmutableDictionary<PublicKey, TimeWindow>.Empty }));
        }
    }

    // cosign attest without bundles: the annotation has no signature, and what it has stamped is the envelope's JSON.
    [Fact]
    public void An_attestation_layers_timestamp_is_over_the_whole_layer_and_nothing_else()
    {
        var layer = Signed.Envelope(Signed.Statement());
        var policy = Signed.Policy() with { KeyEvidence = Stamped };
        Assert.Equal(ThrowAwaySigstore.Now, Assert.Single(Signed.AssertVerified(SigstoreVerifier.Verify(layer with { Annotations = new(null, null, Stamp(layer.Json.ToArray())) }, policy)).Times).Time);
        var signature = Convert.FromBase64String(JsonNode.Parse(layer.Json.Span)!["signatures"]![0]!["sig"]!.GetValue<string>());
        byte[][] others = [signature, [.. layer.Json.Span, (byte)'\n'], DsseEnvelope.PreAuthenticationEncoding(MediaTypes.InTotoPayload, Signed.Statement())];
        foreach (var other in others)
        {
            Signed.AssertRejected(RejectionCode.TimestampMismatch, SigstoreVerifier.Verify(layer with { Annotations = new(null, null, Stamp(other)) }, policy));
        }
    }

    [Fact]
    public void An_images_timestamp_is_over_its_signature_and_not_over_its_layer()
    {
        var image = Signed.Image();
        var policy = Signed.Policy() with { KeyEvidence = Stamped };
        Signed.AssertVerified(SigstoreVerifier.Verify(image with { Annotations = new(null, null, Stamp(Convert.FromBase64String(image.Signature!))) }, policy));
        Signed.AssertRejected(RejectionCode.TimestampMismatch, SigstoreVerifier.Verify(image with { Annotations = new(null, null, Stamp(image.Payload.ToArray())) }, policy));
    }

    [Fact]
    public void An_entry_without_any_time_counts_only_in_a_log_whose_key_has_no_end()
    {
        var bundle = JsonNode.Parse(Signed.Bundle().Json.Span)!.AsObject();
        var body = LogBodies.Dsse2(Signed.Statement(), ThrowAwaySigstore.SignatureOf(bundle), []);
        body["spec"]!["dsseV002"]!["signatures"]![0]!["verifier"] = new JsonObject
        {
            ["keyDetails"] = "PKIX_ECDSA_P256_SHA_256",
            ["publicKey"] = new JsonObject { ["rawBytes"] = Convert.ToBase64String(Good.PublicKey.Spki.Span) },
        };
        bundle["verificationMaterial"]!["tlogEntries"] = new JsonArray(Instance.Rekor2.Entry(body, ThrowAwaySigstore.Now));
        VerificationOutcome By(TrustedRoot root) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Signed.Policy() with { KeyEvidence = new(root) { Times = 0 } });
        Signed.AssertVerified(By(Instance.Root));
        var ended = Instance.RootWith(root => root["tlogs"]![1]!["publicKey"]!["validFor"]!["end"] = "2100-01-01T00:00:00Z");
        Signed.AssertRejected(RejectionCode.OutsideLogValidity, By(ended));
    }

    [Fact]
    public void A_bare_signature_by_a_key_is_no_identitys_whatever_is_at_hand_of_the_artifact()
    {
        var bundle = Signed.MessageBundle();
        Signed.AssertRejected(RejectionCode.UnknownKey, SigstoreVerifier.Verify(bundle, Instance.Policy()));
        var unnamed = JsonNode.Parse(bundle.Json.Span)!.AsObject();
        unnamed["verificationMaterial"]!["publicKey"]!.AsObject().Remove("hint");
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(unnamed), Instance.Policy()));
    }

    [Fact]
    public void The_second_logs_kinds_stand_in_no_annotation()
    {
        var payload = Signed.Statement();
        var layer = Signed.Envelope(payload);
        var body = LogBodies.Dsse2(payload, Convert.FromBase64String(JsonNode.Parse(layer.Json.Span)!["signatures"]![0]!["sig"]!.GetValue<string>()), []);
        var annotation = Instance.CosignBundle(Instance.Rekor.Entry(body, ThrowAwaySigstore.Now));
        Signed.AssertRejected(RejectionCode.UnsupportedLogEntry, SigstoreVerifier.Verify(layer with { Annotations = new(null, annotation, null) }, Signed.Policy() with { KeyEvidence = Promised }));
    }

    private static string Sig(byte[] signature) => $$"""{"sig":"{{Convert.ToBase64String(signature)}}"}""";

    private static string Stamp(byte[] data) => new JsonObject { ["SignedRFC3161Timestamp"] = Convert.ToBase64String(Instance.Timestamps.Stamp(data, ThrowAwaySigstore.Now)) }.ToJsonString();
}
