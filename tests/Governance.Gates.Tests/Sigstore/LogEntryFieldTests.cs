using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A log's entry must say the same as the bundle that carries it in every field, whatever its kind: any one left out, and another signature's entry would do.</summary>
public sealed class LogEntryFieldTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;

    /// <summary>A kind of entry, a field of its body, and what stands there instead; null: what another signature's entry has there.</summary>
    public static TheoryData<string, string, string?> Fields => new()
    {
        { "hashedrekord 0.0.1", "spec.data.hash.value", null },
        { "hashedrekord 0.0.1", "spec.data.hash.value", "00" },
        { "hashedrekord 0.0.1", "spec.data.hash.algorithm", "sha1" },
        { "hashedrekord 0.0.1", "spec.data.hash.algorithm", "sha512" },
        { "hashedrekord 0.0.1", "spec.signature.content", null },
        { "hashedrekord 0.0.1", "spec.signature.publicKey.content", null },
        { "dsse 0.0.1", "spec.payloadHash.value", null },
        { "dsse 0.0.1", "spec.payloadHash.algorithm", "sha512" },
        { "dsse 0.0.1", "spec.signatures.0.signature", null },
        { "dsse 0.0.1", "spec.signatures.0.verifier", null },
        { "intoto 0.0.2", "spec.content.payloadHash.value", null },
        { "intoto 0.0.2", "spec.content.payloadHash.algorithm", "sha512" },
        { "intoto 0.0.2", "spec.content.envelope.payloadType", "application/json" },
        { "intoto 0.0.2", "spec.content.envelope.signatures.0.sig", null },
        { "intoto 0.0.2", "spec.content.envelope.signatures.0.publicKey", null },
        { "hashedrekord 0.0.2", "spec.hashedRekordV002.data.digest", null },
        { "hashedrekord 0.0.2", "spec.hashedRekordV002.data.algorithm", "SHA2_512" },
        { "hashedrekord 0.0.2", "spec.hashedRekordV002.signature.content", null },
        { "hashedrekord 0.0.2", "spec.hashedRekordV002.signature.verifier.x509Certificate.rawBytes", null },
        { "hashedrekord 0.0.2", "spec.hashedRekordV002.signature.verifier.keyDetails", "PKIX_ED25519" },
        { "dsse 0.0.2", "spec.dsseV002.payloadHash.digest", null },
        { "dsse 0.0.2", "spec.dsseV002.payloadHash.algorithm", "SHA2_512" },
        { "dsse 0.0.2", "spec.dsseV002.signatures.0.content", null },
        { "dsse 0.0.2", "spec.dsseV002.signatures.0.verifier.x509Certificate.rawBytes", null },
        { "dsse 0.0.2", "spec.dsseV002.signatures.0.verifier.keyDetails", "PKIX_ED25519" },
    };

    /// <summary>Where a kind of entry has its signatures.</summary>
    public static TheoryData<string, string> Lists => new()
    {
        { "dsse 0.0.1", "spec.signatures" },
        { "intoto 0.0.2", "spec.content.envelope.signatures" },
        { "dsse 0.0.2", "spec.dsseV002.signatures" },
    };

    [Theory, MemberData(nameof(Fields))]
    public void Any_field_that_differs_refuses_the_entry(string kind, string field, string? value)
    {
        var bundle = Instance.Sign(new() { Kind = kind });
        var other = Instance.Sign(new() { Kind = kind, Payload = Signed.Statement("https://example.test/other") });
        Signed.AssertVerified(Verify(Logged(bundle, kind, _ => { })));
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(Logged(bundle, kind, body => Walk(body, field).ReplaceWith(value ?? Walk(Body(other), field).GetValue<string>()))), field);
    }

    [Theory, MemberData(nameof(Lists))]
    public void An_entry_of_two_signatures_is_about_something_else(string kind, string list)
    {
        var bundle = Instance.Sign(new() { Kind = kind });
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(Logged(bundle, kind, body => Walk(body, list).AsArray().Add(Walk(body, list)[0]!.DeepClone()))), kind);
    }

    [Theory]
    [InlineData("dsse 0.0.1")]
    [InlineData("dsse 0.0.2")]
    public void An_entry_about_an_envelope_is_not_about_a_bare_signature(string kind)
    {
        // The log would have had to be told that the artifact is an envelope's payload.
        var bundle = Instance.Sign(new() { Kind = kind, IsMessage = true, Payload = Signed.Artifact });
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(bundle), kind);
    }

    [Theory]
    [InlineData("hashedrekord 0.0.1", "sha384")]
    [InlineData("hashedrekord 0.0.1", "sha512")]
    [InlineData("hashedrekord 0.0.2", "SHA2_384")]
    [InlineData("hashedrekord 0.0.2", "SHA2_512")]
    public void An_entrys_longer_digest_is_held_against_the_bytes_and_takes_them(string kind, string algorithm)
    {
        var bytes = algorithm.EndsWith("384", StringComparison.Ordinal) ? SHA384.HashData(Signed.Artifact) : SHA512.HashData(Signed.Artifact);
        JsonObject With(byte[] digest) => Logged(Instance.Sign(new() { Kind = kind, IsMessage = true }), kind, body =>
        {
            var data = kind == "hashedrekord 0.0.1" ? Walk(body, "spec.data.hash") : Walk(body, "spec.hashedRekordV002.data");
            data["algorithm"] = algorithm;
            data[kind == "hashedrekord 0.0.1" ? "value" : "digest"] = kind == "hashedrekord 0.0.1" ? Convert.ToHexStringLower(digest) : Convert.ToBase64String(digest);
        });
        var atHand = VerificationPolicy.ForArtifact(Signed.Artifact, []) with { Keyless = Instance.Policy().Keyless };
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(With(bytes)), atHand));
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(With([.. bytes[..^1], (byte)(bytes[^1] ^ 1)])), atHand));
        Signed.AssertRejected(RejectionCode.ArtifactBytesNeeded, Verify(With(bytes)));
    }

    private static VerificationOutcome Verify(JsonObject bundle) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy());

    private static JsonObject Body(JsonObject bundle) =>
        JsonNode.Parse(Convert.FromBase64String(bundle["verificationMaterial"]!["tlogEntries"]![0]!["canonicalizedBody"]!.GetValue<string>()))!.AsObject();

    /// <summary>The bundle with its log's entry over a changed body.</summary>
    private static JsonObject Logged(JsonObject bundle, string kind, Action<JsonObject> change)
    {
        var body = Body(bundle);
        change(body);
        var changed = bundle.DeepClone().AsObject();
        var log = kind is "hashedrekord 0.0.2" or "dsse 0.0.2" ? Instance.Rekor2 : Instance.Rekor;
        changed["verificationMaterial"]!["tlogEntries"] = new JsonArray(log.Entry(body, ThrowAwaySigstore.Now));
        return changed;
    }

    private static JsonNode Walk(JsonNode node, string path) =>
        path.Split('.').Aggregate(node, (at, step) => int.TryParse(step, out var place) ? at[place]! : at[step]!);
}
