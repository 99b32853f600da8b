using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class EnvelopeTests
{
    private static readonly string Padding = Convert.ToBase64String(Signed.Statement());

    /// <summary>Subjects that a trusted key signed, and that do not mean the artifact.</summary>
    public static TheoryData<string, RejectionCode> WrongSubjects => new()
    {
        { "[]", RejectionCode.SubjectMissing },
        { "null", RejectionCode.SubjectMissing },
        { """[{"name":"model"}]""", RejectionCode.SubjectMissing },
        { """[{"name":"model","digest":{}}]""", RejectionCode.SubjectMissing },
        { $$"""[{"name":"sha256:{{Signed.Hex}}"}]""", RejectionCode.SubjectMissing },
        { $$$"""[{"digest":{"sha256":"{{{Signed.OtherHex}}}"}}]""", RejectionCode.SubjectMismatch },
        { $$$"""[{"digest":{"sha256":"{{{Signed.OtherHex}}}"}},{"name":"{{{Signed.Hex}}}","digest":{"sha1":"{{{Signed.Hex}}}"}}]""", RejectionCode.SubjectMismatch },
        { $$$"""[{"digest":{"sha256":"{{{Signed.Hex[..63]}}}"}}]""", RejectionCode.SubjectMismatch },
        { $$$"""[{"digest":{"sha256":"sha256:{{{Signed.Hex}}}"}}]""", RejectionCode.SubjectMismatch },
        { """[{"digest":{"sha1":"356a192b7913b04c54574d18c28d46e6395428ab"}}]""", RejectionCode.WeakDigest },
        { $$$"""[{"digest":{"SHA256":"{{{Signed.Hex}}}","md5":"{{{Signed.Hex}}}"}}]""", RejectionCode.WeakDigest },
        { $$$"""[{"digest":{"sha512":"{{{Signed.Hex}}}"}}]""", RejectionCode.WeakDigest },
        { """[{"digest":{"sha256":1}}]""", RejectionCode.WrongShape },
        { """[{"digest":"sha256"}]""", RejectionCode.WrongShape },
        { """["model"]""", RejectionCode.WrongShape },
        { """{"name":"model"}""", RejectionCode.WrongShape },
        { $"[{string.Join(',', Enumerable.Repeat("{}", 1025))}]", RejectionCode.TooManySubjects },
        { $$$"""[{"digest":{"sha256":"{{{Signed.Hex}}}",{{{string.Join(',', Enumerable.Range(0, 32).Select(i => $"\"d{i}\":\"\""))}}}}}]""", RejectionCode.TooManySubjects },
        { $$$"""[{"digest":{"sha256":"{{{Signed.OtherHex}}}","sha256":"{{{Signed.Hex}}}"}}]""", RejectionCode.DuplicateKey },
    };

    /// <summary>Payloads that a trusted key signed, and that are no statement.</summary>
    public static TheoryData<string, RejectionCode> WrongPayloads => new()
    {
        { "", RejectionCode.MalformedJson },
        { "not JSON", RejectionCode.MalformedJson },
        { "{}{}", RejectionCode.MalformedJson },
        { """{"_type":"https://in-toto.io/Statement/v1",}""", RejectionCode.MalformedJson },
        { new string('[', 65) + new string(']', 65), RejectionCode.MalformedJson },
        { """{"_type":"\ud800"}""", RejectionCode.MalformedJson },
        { """{"\udc00":"x","\udc00":"x"}""", RejectionCode.MalformedJson },
        { "[]", RejectionCode.WrongShape },
        { "null", RejectionCode.MissingField },
        { "{}", RejectionCode.MissingField },
        { """{"_type":"https://in-toto.io/Statement/v2"}""", RejectionCode.UnsupportedStatementType },
        { """{"_type":"https://in-toto.io/Statement/v1/"}""", RejectionCode.UnsupportedStatementType },
        { """{"_type":"https://in-toto.io/Statement/v1","subject":[]}""", RejectionCode.MissingField },
        { """{"_type":"https://in-toto.io/Statement/v1","predicateType":"","subject":[]}""", RejectionCode.MissingField },
        { """{"_type":"https://in-toto.io/Statement/v1","predicateType":"t","predicate":"text","subject":[]}""", RejectionCode.WrongShape },
        { """{"_type":"https://in-toto.io/Statement/v1","_type":"https://in-toto.io/Statement/v1"}""", RejectionCode.DuplicateKey },
        { """{"_type":"https://in-toto.io/Statement/v1","\u005ftype":"x"}""", RejectionCode.DuplicateKey },
        { """{"_type":"https://in-toto.io/Statement/v1","predicate":{"a":[{"b":1,"b":2}]}}""", RejectionCode.DuplicateKey },
    };

    /// <summary>Envelopes whose shape is wrong: no signature is looked at.</summary>
    public static TheoryData<string, RejectionCode> WrongEnvelopes => new()
    {
        { "", RejectionCode.MalformedJson },
        { "\ufeff{}", RejectionCode.MalformedJson },
        { "[]", RejectionCode.WrongShape },
        { "{}", RejectionCode.MissingField },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}""", RejectionCode.NoSignature },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":null}""", RejectionCode.MissingField },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":""}]}""", RejectionCode.MissingField },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":["MEQ="]}""", RejectionCode.WrongShape },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"M EQ="}]}""", RejectionCode.MalformedBase64 },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=\n","signatures":[{"sig":"MEQ="}]}""", RejectionCode.MalformedBase64 },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e31=","signatures":[{"sig":"MEQ="}]}""", RejectionCode.MalformedBase64 },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"é","signatures":[{"sig":"MEQ="}]}""", RejectionCode.MalformedBase64 },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":""}]}""", RejectionCode.SignatureMismatch },
        { """{"payloadType":"application/vnd.in-toto+json","payload":"e30=","payload":"e30=","signatures":[{"sig":"MEQ="}]}""", RejectionCode.DuplicateKey },
        { """{"payloadType":"Application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"MEQ="}]}""", RejectionCode.UnsupportedPayloadType },
        {
            $$"""{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{{string.Join(',', Enumerable.Repeat("""{"sig":"MEQ="}""", 33))}}]}""",
            RejectionCode.TooManySignatures
        },
    };

    [Theory, MemberData(nameof(TestSigners.Kinds), MemberType = typeof(TestSigners))]
    public void A_statement_signed_by_a_trusted_key_of_any_kind_is_verified(string kind)
    {
        var signer = TestSigners.Of(kind);
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Envelope(Signed.Statement(), null, signer), Signed.Policy(signer.PublicKey)));
        Assert.Equal([signer.PublicKey], verified.Signers);
        var statement = Assert.IsType<SignedContent.Statement>(verified.Content);
        Assert.Equal(Signed.Approval, statement.PredicateType);
        Assert.Equal("{\"approved\":true}", Encoding.UTF8.GetString(statement.Predicate.Span));
        Assert.Equal(Signed.Statement(), statement.Payload.ToArray());
        Assert.Equal(Signed.Hex, Assert.Single(statement.Subjects).Digests["sha256"]);
    }

    [Theory, MemberData(nameof(WrongSubjects))]
    public void A_signed_statement_about_something_else_is_refused(string subjects, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(Signed.Envelope(Signed.StatementAbout(subjects)), Signed.Policy()), subjects);

    [Theory, MemberData(nameof(WrongPayloads))]
    public void A_signed_payload_that_is_no_statement_is_refused(string payload, RejectionCode expected) =>
        Assert.Equal("statement", Signed.AssertRejected(expected, SigstoreVerifier.Verify(Signed.Envelope(Encoding.UTF8.GetBytes(payload)), Signed.Policy()), payload).Step);

    [Theory, MemberData(nameof(WrongEnvelopes))]
    public void A_malformed_envelope_is_refused(string json, RejectionCode expected) =>
        Signed.AssertRejected(expected, SigstoreVerifier.Verify(new SignedEntity.Envelope(Encoding.UTF8.GetBytes(json)), Signed.Policy()), json);

    [Fact]
    public void The_artifact_may_be_one_subject_of_many_and_the_statement_of_version_0_1()
    {
        var payload = $$$"""{"subject":[{"digest":{"sha256":"{{{Signed.OtherHex}}}"}},{"digest":{"sha1":"x","sha256":"{{{Signed.Hex}}}"}}],"predicateType":"t","_type":"https://in-toto.io/Statement/v0.1"}""";
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Envelope(Encoding.UTF8.GetBytes(payload)), Signed.Policy()));
        Assert.True(Assert.IsType<SignedContent.Statement>(verified.Content).Predicate.IsEmpty);
    }

    [Fact]
    public void Another_payload_type_is_refused_even_when_validly_signed() =>
        Signed.AssertRejected(RejectionCode.UnsupportedPayloadType, SigstoreVerifier.Verify(Signed.Envelope(Signed.Statement(), "application/json"), Signed.Policy()));

    [Fact]
    public void A_signature_made_for_another_payload_type_does_not_count()
    {
        var signature = Signed.Sign(TestSigners.Trusted, "application/json", Signed.Statement());
        var envelope = Signed.Envelope(MediaTypes.InTotoPayload, Padding, [$$"""{"sig":"{{signature}}"}"""]);
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(envelope, Signed.Policy()));
    }

    [Fact]
    public async Task A_signature_over_the_bare_payload_does_not_count()
    {
        var signature = Convert.ToBase64String(await TestSigners.Trusted.SignAsync(Signed.Statement(), CancellationToken.None));
        var envelope = Signed.Envelope(MediaTypes.InTotoPayload, Padding, [$$"""{"sig":"{{signature}}"}"""]);
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(envelope, Signed.Policy()));
    }

    [Fact]
    public void Signatures_of_strangers_beside_a_trusted_one_are_ignored_and_a_key_counts_once()
    {
        var (trusted, second, stranger) = (TestSigners.Trusted, TestSigners.Of("P-384"), TestSigners.Stranger);
        var envelope = Signed.Envelope(Signed.Statement(), null, stranger, trusted, trusted, second, stranger);
        Assert.Equal([trusted.PublicKey], Signed.AssertVerified(SigstoreVerifier.Verify(envelope, Signed.Policy(trusted.PublicKey, PublicKey.Parse(trusted.PublicKey.ToPem())))).Signers);
        Assert.Equal([second.PublicKey, trusted.PublicKey], Signed.AssertVerified(SigstoreVerifier.Verify(envelope, Signed.Policy(second.PublicKey, trusted.PublicKey))).Signers);
    }

    [Fact]
    public void A_keyid_that_names_a_trusted_key_gives_a_stranger_nothing()
    {
        var signature = Signed.Sign(TestSigners.Stranger, MediaTypes.InTotoPayload, Signed.Statement());
        var envelope = Signed.Envelope(MediaTypes.InTotoPayload, Padding, [$$"""{"keyid":"{{TestSigners.Trusted.PublicKey.Hint}}","sig":"{{signature}}"}"""]);
        Signed.AssertRejected(RejectionCode.SignatureMismatch, SigstoreVerifier.Verify(envelope, Signed.Policy()));
    }

    [Fact]
    public void Base64_may_be_of_either_alphabet()
    {
        var payload = Signed.Statement();
        string[] signatures = [$$"""{"sig":"{{Signed.Sign(TestSigners.Trusted, MediaTypes.InTotoPayload, payload)}}"}"""];
        var urlSafe = Padding.TrimEnd('=').Replace('+', '-').Replace('/', '_');
        Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Envelope(MediaTypes.InTotoPayload, urlSafe, signatures), Signed.Policy()));
        var escaped = string.Concat(Padding.Select(c => $"\\u{(int)c:x4}"));
        Signed.AssertVerified(SigstoreVerifier.Verify(Signed.Envelope(MediaTypes.InTotoPayload, escaped, signatures), Signed.Policy()));
    }

    [Fact]
    public void The_signed_predicate_type_must_be_the_one_asked_for()
    {
        var envelope = Signed.Envelope(Signed.Statement());
        Signed.AssertVerified(SigstoreVerifier.Verify(envelope, Signed.Policy() with { PredicateType = Signed.Approval }));
        Signed.AssertRejected(RejectionCode.PredicateTypeMismatch, SigstoreVerifier.Verify(envelope, Signed.Policy() with { PredicateType = PredicateTypes.SlsaProvenance }));
    }

    [Fact]
    public void Without_a_trusted_key_nothing_is_verified() =>
        Signed.AssertRejected(RejectionCode.NoTrustedKeys, SigstoreVerifier.Verify(Signed.Envelope(Signed.Statement()), VerificationPolicy.For(Signed.Sha256, [])));

    [Fact]
    public void An_envelope_above_the_limit_is_not_read() =>
        Signed.AssertRejected(RejectionCode.TooLarge, SigstoreVerifier.Verify(new SignedEntity.Envelope(new byte[(16 * 1024 * 1024) + 1]), Signed.Policy()));

    [Fact]
    public void An_artifact_is_named_by_32_bytes() => Assert.Throws<ArgumentException>(() => VerificationPolicy.For(new byte[20], []));
}
