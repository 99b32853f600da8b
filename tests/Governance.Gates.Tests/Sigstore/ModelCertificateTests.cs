using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Models;
using static Governance.Gates.Tests.Sigstore.SignedModels;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>The method <c>certificate</c> of OpenSSF Model Signing: a long-lived certificate of an authority of one's own.</summary>
public sealed class ModelCertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly X509Extension[] ForSigning = [TestAuthority.Signing, TestAuthority.Usage(TestAuthority.CodeSigning)];

    private readonly TestAuthority authority = new("models", Now.AddYears(-2), Now.AddYears(2));
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    [Fact]
    public void A_certificate_that_is_valid_now_signs_a_model()
    {
        var model = AssertVerified(Sign(Issue()), Trust());
        Assert.Equal(("CN=team", null), (model.Signature.Certificate!.Name.Value, model.Signature.Certificate.Issuer));
        Assert.Empty(model.Signature.Times);
        AssertVerified(Sign([Issue()[0], Intermediate, authority.RootCertificate]), Trust());
    }

    [Fact]
    public void The_certificate_s_own_beginning_is_no_time_of_signing()
    {
        // It was valid at its notBefore, at which the reference implementation looks, and is not now.
        AssertRejected(RejectionCode.CertificateOutsideValidity, Sign(Issue(until: Now.AddSeconds(-1))), Trust());
        AssertRejected(RejectionCode.CertificateOutsideValidity, Sign(Issue(from: Now.AddSeconds(1))), Trust());
        AssertVerified(Sign(Issue(until: Now)), Trust());
        AssertVerified(Sign(Issue(from: Now)), Trust());
        AssertRejected(RejectionCode.NoVerifiedTime, Sign(Issue()), Trust(now: null));
    }

    [Fact]
    public void An_authority_that_expired_proves_nothing()
    {
        var expired = new TestAuthority("expired", Now.AddYears(-2), Now.AddYears(2), Now.AddDays(-1));
        AssertRejected(RejectionCode.CertificateOutsideValidity, Sign(Issue(of: expired)), Trust(expired));
    }

    [Fact]
    public void A_timestamp_lets_a_certificate_count_that_has_expired_since()
    {
        var sigstore = ThrowAwaySigstore.Shared;
        var then = ThrowAwaySigstore.Now;
        var bundle = Sign(Issue(until: then.AddDays(1)));
        var stamped = Stamped(bundle, sigstore.Timestamps, then);
        var evidence = new EvidenceRequirement(sigstore.Root) { Logs = 0, CertificateTimestamps = 0 };
        ModelSigners At(DateTimeOffset now) => new() { Authority = Authority() with { ValidAt = now, Evidence = evidence } };

        Assert.Equal(then, Assert.Single(AssertVerified(stamped, At(then.AddMonths(6))).Signature.Times).Time);
        AssertRejected(RejectionCode.CertificateOutsideValidity, Stamped(bundle, sigstore.Timestamps, then.AddDays(2)), At(then));
        AssertRejected(RejectionCode.NoVerifiedTime, bundle, At(then));
        AssertRejected(RejectionCode.TimestampUntrusted, Stamped(bundle, new TestTimestamps("https://other.example.test", Now.AddYears(-1), Now.AddYears(1)), then), At(then));
        AssertRejected(RejectionCode.TimestampMismatch, Stamped(bundle, sigstore.Timestamps, then, over: "another signature"u8.ToArray()), At(then));
    }

    [Fact]
    public void Only_the_authorities_given_say_who_may_sign()
    {
        var other = new TestAuthority("models", Now.AddYears(-2), Now.AddYears(2));
        AssertRejected(RejectionCode.CertificateUntrusted, Sign(Issue(of: other)), Trust());
        AssertRejected(RejectionCode.CertificateUntrusted, Sign([.. Issue(of: other), other.RootCertificate]), Trust(), "it brings its own root");
        AssertRejected(RejectionCode.CertificateUntrusted, Sign([Issue(of: other)[0], Intermediate]), Trust(), "somebody else's intermediate of the same name");
        AssertRejected(RejectionCode.CertificateUntrusted, Sign(Issue(extensions: [TestAuthority.Signing])), Trust(), "it says of no use");
        AssertRejected(RejectionCode.CertificateUntrusted, Sign(Issue(extensions: [TestAuthority.Signing, TestAuthority.Usage(TestTimestamps.TimeStamping)])), Trust(), "it is for timestamps");
        AssertRejected(RejectionCode.CertificateUntrusted, Sign(Issue(extensions: [TestAuthority.Usage(TestAuthority.CodeSigning)])), Trust(), "its key may sign nothing");
    }

    [Fact]
    public void An_intermediate_may_stand_in_the_bundle_or_beside_the_root()
    {
        var alone = Sign([Issue()[0]]);
        AssertRejected(RejectionCode.CertificateUntrusted, alone, Trust());
        var both = AuthoritySigners.TryParse(Pem(authority.RootCertificate, Intermediate), out _)!;
        AssertVerified(alone, new() { Authority = both with { ValidAt = Now } });
        AssertVerified(Sign(Issue()), new() { Authority = both with { ValidAt = Now } });
    }

    [Fact]
    public void Each_method_is_accepted_only_where_it_is_trusted()
    {
        var bundle = Sign(Issue());
        AssertRejected(RejectionCode.KeylessNotSupported, bundle, SignedModels.Trusted);
        AssertRejected(RejectionCode.UnknownKey, SignedModels.Sign(Statement(Predicate(Resources("a"))), TestSigners.Of("P-384")), Trust());
        var alone = JsonNode.Parse(bundle.Json.Span)!;
        alone["verificationMaterial"] = new JsonObject { ["certificate"] = TestAuthority.Certificate(Issue()[0]) };
        AssertRejected(RejectionCode.KeylessNotSupported, new(Encoding.UTF8.GetBytes(alone.ToJsonString())), Trust());
    }

    [Fact]
    public void What_is_malformed_or_signed_by_another_key_is_refused()
    {
        var chain = Issue();
        using var another = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AssertRejected(RejectionCode.SignatureMismatch, WithChain(Sign(chain), [authority.Issue(new(another), Now.AddDays(-1), Now.AddDays(1), TestAuthority.NewSerial(), "CN=team", ForSigning), Intermediate]), Trust());
        AssertRejected(RejectionCode.MalformedCertificate, WithChain(Sign(chain), [chain[0], [1, 2, 3]]), Trust());
        AssertRejected(RejectionCode.MissingField, WithChain(Sign(chain), []), Trust());
        AssertRejected(RejectionCode.MissingField, WithChain(Sign(chain), [.. Enumerable.Repeat(chain[0], 17)]), Trust());
    }

    [Fact]
    public void Files_that_are_no_authority_are_refused_with_what_to_do()
    {
        foreach (var (pem, says) in ((byte[], string)[])
        [
            ("no certificate"u8.ToArray(), "no PEM block 'CERTIFICATE'"),
            (Pem(Issue()[0]), "may issue no others"),
            (Pem(Intermediate), "none of the certificates is a root"),
            (Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", [1, 2, 3])), "no certificate of version 3"),
            ([.. Pem(authority.RootCertificate), .. "\n-----BEGIN CERTIFICATE-----\nAAA"u8], "damaged"),
            ([.. Pem(authority.RootCertificate), .. Encoding.ASCII.GetBytes("\n" + TestSigners.Trusted.PublicKey.ToPem())], "something else"),
            (new byte[AuthoritySigners.MaxSize + 1], "at most"),
        ])
        {
            Assert.Null(AuthoritySigners.TryParse(pem, out var mistake));
            Assert.Contains(says, mistake, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nobody_signs_with_a_certificate_that_nobody_would_verify()
    {
        foreach (var (pem, says) in ((byte[], string)[])
        [
            (Pem(Issue(extensions: [TestAuthority.Signing])[0]), "not for signing code"),
            (Pem(Issue()[0], authority.RootCertificate), "the next as their issuer"),
            (Pem([.. Enumerable.Repeat(authority.RootCertificate, 17)]), "at most 16"),
            ("nothing"u8.ToArray(), "no PEM block"),
        ])
        {
            Assert.Null(CertificateChain.TryParse(pem, out var mistake));
            Assert.Contains(says, mistake, StringComparison.Ordinal);
        }

        var chain = CertificateChain.TryParse(Pem(Issue()), out _)!;
        Assert.Throws<ArgumentException>(() => SignedModels.Sign(Statement(Predicate(Resources("a"))), TestSigners.Stranger, chain));
    }

    private byte[] Intermediate => Convert.FromBase64String((string)authority.Chain[0]!["rawBytes"]!);

    private byte[][] Issue(DateTimeOffset? from = null, DateTimeOffset? until = null, TestAuthority? of = null, X509Extension[]? extensions = null) =>
    [
        (of ?? authority).Issue(new(key), from ?? Now.AddMonths(-6), until ?? Now.AddMonths(6), TestAuthority.NewSerial(), "CN=team", extensions ?? ForSigning),
        Convert.FromBase64String((string)(of ?? authority).Chain[0]!["rawBytes"]!),
    ];

    private AuthoritySigners Authority(TestAuthority? of = null) => AuthoritySigners.TryParse(Pem((of ?? authority).RootCertificate), out _)!;

    private ModelSigners Trust(TestAuthority? of = null) => new() { Authority = Authority(of) with { ValidAt = Now } };

    private ModelSigners Trust(DateTimeOffset? now) => new() { Authority = Authority() with { ValidAt = now } };

    private static byte[] Pem(params byte[][] certificates) => Encoding.ASCII.GetBytes(string.Join('\n', certificates.Select(der => PemEncoding.WriteString("CERTIFICATE", der))));

    /// <summary>A model signed with the key, and whichever certificates in its bundle.</summary>
    private SignedEntity.Bundle Sign(byte[][] chain)
    {
        using var signer = EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), "");
        return WithChain(SignedModels.Sign(Statement(Predicate(Resources("a"))), signer), chain);
    }

    private static SignedEntity.Bundle WithChain(SignedEntity.Bundle bundle, byte[][] chain)
    {
        var json = JsonNode.Parse(bundle.Json.Span)!;
        json["verificationMaterial"] = new JsonObject { ["x509CertificateChain"] = new JsonObject { ["certificates"] = new JsonArray([.. chain.Select(TestAuthority.Certificate)]) } };
        return new(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    private static SignedEntity.Bundle Stamped(SignedEntity.Bundle bundle, TestTimestamps timestamps, DateTimeOffset time, byte[]? over = null)
    {
        var json = JsonNode.Parse(bundle.Json.Span)!;
        var signature = Convert.FromBase64String((string)json["dsseEnvelope"]!["signatures"]![0]!["sig"]!);
        json["verificationMaterial"]!["timestampVerificationData"] = new JsonObject
        {
            ["rfc3161Timestamps"] = new JsonArray(new JsonObject { ["signedTimestamp"] = Convert.ToBase64String(timestamps.Stamp(over ?? signature, time)) }),
        };
        return new(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }
}
