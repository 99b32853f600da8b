using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class SimpleSigningTests
{
    private const string Type = "cosign container image signature";

    public static TheoryData<string, RejectionCode> WrongPayloads => new()
    {
        { "not JSON", RejectionCode.MalformedJson },
        { "{}", RejectionCode.MissingField },
        { Payload(Type, $"sha256:{Signed.OtherHex}"), RejectionCode.SubjectMismatch },
        { Payload(Type, Signed.Hex), RejectionCode.SubjectMismatch },
        { Payload(Type, $"SHA256:{Signed.Hex}"), RejectionCode.SubjectMismatch },
        { Payload("atomic container signature", $"sha256:{Signed.Hex}"), RejectionCode.WrongType },
        { Payload("cosign container image signature ", $"sha256:{Signed.Hex}"), RejectionCode.WrongType },
        { $$$"""{"critical":{"image":{},"type":"{{{Type}}}"}}""", RejectionCode.MissingField },
        { $$$"""{"critical":{"image":"sha256:{{{Signed.Hex}}}","type":"{{{Type}}}"}}""", RejectionCode.WrongShape },
        { Payload(Type, $"sha256:{Signed.Hex}", optional: "[]"), RejectionCode.WrongShape },
        { Payload(Type, $"sha256:{Signed.Hex}", optional: """{"a":"1","a":"2"}"""), RejectionCode.DuplicateKey },
        { Payload(Type, $"""sha256:{Signed.OtherHex}","docker-manifest-digest":"sha256:{Signed.Hex}"""), RejectionCode.DuplicateKey },
    };

    public static TheoryData<string?, RejectionCode> WrongSignatures => new()
    {
        { null, RejectionCode.NoSignature },
        { "", RejectionCode.NoSignature },
        { "MEQ", RejectionCode.SignatureMismatch },
        { "MEQ=\n", RejectionCode.MalformedBase64 },
        { "MEQ==", RejectionCode.MalformedBase64 },
        { "ME+_", RejectionCode.MalformedBase64 },
        { "=", RejectionCode.MalformedBase64 },
        { "AAAA", RejectionCode.SignatureMismatch },
        { new string('A', 4097), RejectionCode.TooLarge },
    };

    [Fact]
    public void The_payload_is_what_cosign_writes()
    {
        var digest = $"sha256:{Signed.Hex}";
        Assert.Equal(
            $$$"""{"critical":{"identity":{"docker-reference":"127.0.0.1:5051/fix/legacy"},"image":{"docker-manifest-digest":"{{{digest}}}"},"type":"cosign container image signature"},"optional":{"approved":"yes","team":"ml"}}""",
            Encoding.UTF8.GetString(SimpleSigning.Payload("127.0.0.1:5051/fix/legacy", digest, new Dictionary<string, string> { ["team"] = "ml", ["approved"] = "yes" })));
        Assert.EndsWith("\"optional\":null}", Encoding.UTF8.GetString(SimpleSigning.Payload("r", digest)), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SimpleSigning.Payload("r", Signed.Hex));
    }

    [Theory, MemberData(nameof(TestSigners.Kinds), MemberType = typeof(TestSigners))]
    public void An_image_signature_by_a_trusted_key_of_any_kind_is_verified(string kind)
    {
        var signer = TestSigners.Of(kind);
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Image(signer: signer), Signed.Policy(TestSigners.Stranger.PublicKey, signer.PublicKey)));
        Assert.Equal([signer.PublicKey], verified.Signers);
        var image = Assert.IsType<SignedContent.ImageSignature>(verified.Content);
        Assert.Equal("registry.example/team/model", image.DockerReference);
        Assert.Equal("ml", image.Annotations["team"]);
        Assert.Equal(Signed.ImagePayload(), image.Payload.ToArray());
    }

    [Fact]
    public void Annotations_that_are_not_text_are_left_out()
    {
        var entity = Signed.Image(Encoding.UTF8.GetBytes(Payload(Type, $"sha256:{Signed.Hex}", """{"creator":"ci","timestamp":1700000000}""")));
        var image = Assert.IsType<SignedContent.ImageSignature>(Signed.AssertVerified(SigstoreVerifier.Verify(entity, Signed.Policy())).Content);
        Assert.Equal(["creator"], image.Annotations.Keys);
    }

    [Theory, MemberData(nameof(WrongPayloads))]
    public void A_signed_payload_that_does_not_mean_the_artifact_is_refused(string payload, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(Signed.Image(Encoding.UTF8.GetBytes(payload)), Signed.Policy()), payload);

    [Theory, MemberData(nameof(WrongSignatures))]
    public void A_missing_or_malformed_signature_is_refused(string? signature, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(new SignedEntity.CosignSignature(Signed.ImagePayload(), signature), Signed.Policy()), signature);

    [Fact]
    public void A_stranger_and_a_changed_payload_are_refused()
    {
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(Signed.Image(signer: TestSigners.Stranger), Signed.Policy()));
        var changed = Signed.Image() with { Payload = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Signed.ImagePayload()) + " ") };
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(changed, Signed.Policy()));
    }

    [Fact]
    public void A_payload_above_the_limit_is_not_read() =>
        Signed.AssertRejected(RejectionCode.TooLarge, SigstoreVerifier.Verify(Signed.Image(new byte[(64 * 1024) + 1]), Signed.Policy()));

    [Fact]
    public void A_form_without_predicate_type_is_refused_where_one_is_asked_for() =>
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(Signed.Image(), Signed.Policy() with { PredicateType = PredicateTypes.CosignSign }));

    private static string Payload(string type, string digest, string optional = "null") =>
        $$$"""{"critical":{"identity":{"docker-reference":"r"},"image":{"docker-manifest-digest":"{{{digest}}}"},"type":"{{{type}}}"},"optional":{{{optional}}}}""";
}
