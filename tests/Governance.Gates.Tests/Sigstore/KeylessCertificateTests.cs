using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Who signed: certificates, their paths at every verified time, the logs that show them, timestamps, and identities.</summary>
public sealed class KeylessCertificateTests
{
    private const string Second = "hashedrekord 0.0.2";
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly DateTimeOffset Now = ThrowAwaySigstore.Now;

    /// <summary>Identities that a certificate of <see cref="ThrowAwaySigstore.Workflow"/> is not.</summary>
    public static TheoryData<string, CertificateIdentity, RejectionCode> Strangers => new()
    {
        { "a fork", CertificateIdentity.Exactly(ThrowAwaySigstore.Workflow.Replace("example", "fork", StringComparison.Ordinal), ThrowAwaySigstore.Issuer), RejectionCode.IdentityMismatch },
        { "a prefix", CertificateIdentity.Exactly(ThrowAwaySigstore.Workflow[..^1], ThrowAwaySigstore.Issuer), RejectionCode.IdentityMismatch },
        { "a pattern where a text was given", CertificateIdentity.Exactly("*", ThrowAwaySigstore.Issuer), RejectionCode.IdentityMismatch },
        { "another issuer", CertificateIdentity.Exactly(ThrowAwaySigstore.Workflow, "https://accounts.example.test"), RejectionCode.IssuerMismatch },
        { "another kind of name", ThrowAwaySigstore.Identity with { Kind = SubjectNameKind.Email }, RejectionCode.IdentityMismatch },
        { "another repository of that name", Requiring(FulcioExtension.SourceRepositoryIdentifier, "1"), RejectionCode.ExtensionMismatch },
        { "another runner", Requiring(FulcioExtension.RunnerEnvironment, "self-hosted"), RejectionCode.ExtensionMismatch },
        { "what the certificate does not say", Requiring(FulcioExtension.BuildTrigger, "push"), RejectionCode.ExtensionMismatch },
    };

    [Theory, MemberData(nameof(Strangers))]
    public void Another_identity_is_refused(string name, CertificateIdentity identity, RejectionCode expected)
    {
        foreach (var kind in (string[])["dsse 0.0.1", Second])
        {
            Signed.AssertRejected(expected, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = kind })), Instance.Policy(identity)), name);
        }
    }

    [Theory]
    [InlineData("https://github.com/example/model/.github/workflows/release.yml@refs/tags/*", true)]
    [InlineData("https://github.com/*/model/.github/workflows/*.yml@refs/tags/v*", true)]
    [InlineData("https://github.com/*/.github/workflows/release.yml@refs/tags/v1", false)]
    [InlineData("https://github.com/example/*", false)]
    [InlineData("*", false)]
    [InlineData("github.com/example/model/.github/workflows/release.yml@refs/tags/v1", false)]
    [InlineData("https://github.com/example/model/.github/workflows/release.yml@refs/tags/v", false)]
    [InlineData("https://github.com/example/model/.github/workflows/release.yml@refs/tags/**1", true)]
    public void A_pattern_is_held_against_the_whole_name_and_its_star_stays_in_one_segment(string pattern, bool matches)
    {
        var outcome = SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), Instance.Policy(new CertificateIdentity(NameMatch.Like(pattern), NameMatch.Exactly(ThrowAwaySigstore.Issuer))));
        Assert.True(outcome is VerificationOutcome.Verified == matches, outcome.ToString());
    }

    [Fact]
    public void The_identity_that_matches_is_told_and_extensions_may_be_asked_for()
    {
        var exact = Requiring(FulcioExtension.SourceRepositoryIdentifier, "632596897");
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), Instance.Policy(CertificateIdentity.Exactly("other", "other"), exact)));
        Assert.Same(exact, verified.Identity);
        Assert.Equal(new(Now, Now.AddMinutes(10)), verified.Certificate!.Validity);
    }

    /// <summary>General names as RFC 5280 writes them.</summary>
    public static TheoryData<SubjectNameKind?, string, string> Names => new()
    {
        { SubjectNameKind.Email, "someone@example.test", "8114" + Hex("someone@example.test") },
        { SubjectNameKind.Uri, "spiffe://example.test/model", "861b" + Hex("spiffe://example.test/model") },
        { SubjectNameKind.Dns, "example.test", "820c" + Hex("example.test") },
        { SubjectNameKind.IpAddress, "192.0.2.1", "8704c0000201" },
        { SubjectNameKind.RegisteredId, "1.2.3.4", "88032a0304" },
        { SubjectNameKind.UserName, "user!corp", "a019060a2b0601040183bf300107a00b0c09" + Hex("user!corp") },
        { SubjectNameKind.DirectoryName, "CN=x", "a40e300c310a300806035504030c0178" },
        { null, "two names", "820161820162" },
        { null, "no name", "" },
        { null, "an empty name", "8200" },
        { null, "a NUL inside", "8203610062" },
        { null, "an unknown kind of other name", "a00d06032a0304a0060c04" + Hex("user") },
        { null, "cut off", "8205616263" },
    };

    [Theory, MemberData(nameof(Names))]
    public void A_certificate_names_its_owner_once_in_any_kind_of_name(SubjectNameKind? kind, string name, string generalNames)
    {
        var contents = Convert.FromHexString(generalNames);
        byte[] extension = [0x30, (byte)contents.Length, .. contents];
        X509Extension[] extensions = [.. ThrowAwaySigstore.SignerExtensions().Where(given => given.Oid!.Value != "2.5.29.17"), new X509Extension("2.5.29.17", extension, critical: true)];
        var outcome = SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign(new() { Extensions = extensions })), Instance.Policy(CertificateIdentity.Exactly(name, ThrowAwaySigstore.Issuer)));
        if (kind is null)
        {
            Signed.AssertRejected(RejectionCode.IdentityMissing, outcome, name);
        }
        else
        {
            Assert.Equal(new(kind.Value, name), Signed.AssertVerified(outcome).Certificate!.Name);
        }
    }

    [Fact]
    public void Both_places_for_the_issuer_are_read_and_must_agree()
    {
        X509Extension[] Issued(params X509Extension[] issuers) => [.. ThrowAwaySigstore.SignerExtensions().Where(given => given.Oid!.Value is not ("1.3.6.1.4.1.57264.1.1" or "1.3.6.1.4.1.57264.1.8")), .. issuers];
        VerificationOutcome With(params X509Extension[] issuers) => Verify(Instance.Sign(new() { Extensions = Issued(issuers) }));
        Signed.AssertVerified(With(TestAuthority.Fulcio(1, ThrowAwaySigstore.Issuer)));
        Signed.AssertVerified(With(TestAuthority.Fulcio(8, ThrowAwaySigstore.Issuer)));
        Signed.AssertRejected(RejectionCode.IssuerMismatch, With());
        Signed.AssertRejected(RejectionCode.MalformedCertificate, With(TestAuthority.Fulcio(1, "https://evil.example.test"), TestAuthority.Fulcio(8, ThrowAwaySigstore.Issuer)));
    }

    /// <summary>Certificates that an authority would not give for signing.</summary>
    public static TheoryData<string, X509Extension[]> Unfit => new()
    {
        { "for servers", [TestAuthority.Signing, TestAuthority.Usage("1.3.6.1.5.5.7.3.1")] },
        { "for anything", [TestAuthority.Signing] },
        { "not for signatures", [TestAuthority.Usage(TestAuthority.CodeSigning)] },
        { "for issuing", [TestAuthority.Signing, TestAuthority.Usage(TestAuthority.CodeSigning), X509BasicConstraintsExtension.CreateForCertificateAuthority()] },
        { "with a critical extension that nobody knows", [TestAuthority.Signing, TestAuthority.Usage(TestAuthority.CodeSigning), new X509Extension("1.2.3.4.5", [5, 0], critical: true)] },
    };

    [Theory, MemberData(nameof(Unfit))]
    public void A_certificate_that_is_not_for_signing_code_is_refused(string name, X509Extension[] extensions)
    {
        X509Extension[] all = [.. extensions, .. ThrowAwaySigstore.SignerExtensions()[2..]];
        Signed.AssertRejected(RejectionCode.CertificateUntrusted, Verify(Instance.Sign(new() { Extensions = all })), name);
    }

    [Fact]
    public void A_certificate_of_another_authority_of_the_same_name_is_refused()
    {
        var impostor = new ThrowAwaySigstore();
        var bundle = impostor.Sign(new() { Kind = "none", IsStamped = true });
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(Instance.Timestamps.Stamp(ThrowAwaySigstore.SignatureOf(bundle), Now.AddSeconds(1)));
        var stamped = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Logs = 0 });
        Signed.AssertRejected(RejectionCode.CertificateUntrusted, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), stamped));
    }

    [Fact]
    public void An_authority_whose_key_was_renewed_under_its_name_is_found_by_its_key()
    {
        var renewed = new TestAuthority("fulcio", Now.AddYears(-1), Now.AddYears(1));
        var both = Instance.RootWith(root =>
        {
            var old = root["certificateAuthorities"]![0]!.DeepClone().AsObject();
            old["certChain"]!["certificates"] = renewed.Chain;
            root["certificateAuthorities"]!.AsArray().Insert(0, old);
        });
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), ThrowAwaySigstore.PolicyOf(new(both))));
    }

    [Fact]
    public void A_bundle_cannot_bring_whom_to_trust()
    {
        var bundle = ThrowAwaySigstore.Older(Instance.Sign(), MediaTypes.BundleV02);
        var chain = bundle["verificationMaterial"]!["x509CertificateChain"]!["certificates"]!.AsArray();
        chain.Add(Instance.Fulcio.Chain[0]!.DeepClone());
        Signed.AssertVerified(Verify(bundle));
        chain.Add(TestAuthority.Certificate(Instance.Fulcio.RootCertificate));
        Signed.AssertRejected(RejectionCode.RootInBundle, Verify(bundle));
        chain.Clear();
        Signed.AssertRejected(RejectionCode.MissingField, Verify(bundle));
        var third = ThrowAwaySigstore.Older(Instance.Sign(), MediaTypes.Bundle);
        Signed.AssertRejected(RejectionCode.WrongShape, Verify(third));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(600, true)]
    [InlineData(-1, false)]
    [InlineData(601, false)]
    public void A_certificate_is_valid_from_its_first_to_its_last_second(int seconds, bool isValid)
    {
        var outcome = Verify(Restamped(Instance.Sign(new() { Kind = Second }), Now.AddSeconds(seconds)));
        Assert.True(outcome is VerificationOutcome.Verified == isValid, outcome.ToString());
        if (!isValid)
        {
            Signed.AssertRejected(RejectionCode.CertificateOutsideValidity, outcome);
        }
    }

    [Fact]
    public void Every_verified_time_must_lie_in_the_certificates_validity_not_one_that_suits()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        var signature = ThrowAwaySigstore.SignatureOf(bundle);
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(
            Instance.Timestamps.Stamp(signature, Now.AddSeconds(1)), Instance.Timestamps.Stamp(signature, Now.AddHours(1)));
        Signed.AssertRejected(RejectionCode.CertificateOutsideValidity, Verify(bundle));
    }

    // CVE-2026-24122: only the leaf was held against the time of signing.
    [Fact]
    public void An_intermediate_that_had_expired_when_it_was_signed_breaks_the_path()
    {
        var instance = new ThrowAwaySigstore { Fulcio = new("fulcio", Now.AddYears(-1), Now.AddYears(1), intermediateUntil: Now.AddSeconds(30)) };
        var good = instance.Sign(new() { Kind = Second });
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(good), instance.Policy()));
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Restamped(good, Now.AddSeconds(30), instance)), instance.Policy()));
        Signed.AssertRejected(RejectionCode.CertificateOutsideValidity, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Restamped(good, Now.AddSeconds(31), instance)), instance.Policy()));
    }

    [Fact]
    public void An_authority_counts_in_its_own_window_whatever_its_certificates_say()
    {
        TrustedRoot Until(int seconds) => Instance.RootWith(root => root["certificateAuthorities"]![0]!["validFor"]!["end"] = ThrowAwaySigstore.Rfc3339(Now.AddSeconds(seconds)));
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = Second }));
        Signed.AssertVerified(SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Until(1)))));
        Signed.AssertRejected(RejectionCode.CertificateOutsideValidity, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Until(0)))));
    }

    [Fact]
    public void A_certificate_that_no_trusted_log_promised_to_show_is_refused()
    {
        Signed.AssertRejected(RejectionCode.CertificateTimestampMissing, Verify(Instance.Sign(new() { CertificateLogs = [] })));
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign());
        var otherKey = Instance.RootWith(root =>
        {
            var log = root["ctlogs"]![0]!;
            log["publicKey"]!["rawBytes"] = Convert.ToBase64String(TestSigners.Stranger.PublicKey.Spki.Span);
        });
        Signed.AssertRejected(RejectionCode.CertificateTimestampInvalid, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(otherKey))));
        var retired = Instance.RootWith(root => root["ctlogs"]![0]!["publicKey"]!["validFor"]!["end"] = ThrowAwaySigstore.Rfc3339(Now.AddSeconds(-1)));
        Signed.AssertRejected(RejectionCode.OutsideLogValidity, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(retired))));
        var unknown = Instance.RootWith(root => root.Remove("ctlogs"));
        Signed.AssertRejected(RejectionCode.CertificateTimestampMissing, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(unknown))));
    }

    [Fact]
    public void A_timestamp_is_no_evidence_where_no_authority_is_trusted()
    {
        var nobody = Instance.RootWith(root => root.Remove("timestampAuthorities"));
        Signed.AssertRejected(RejectionCode.TimestampUntrusted, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = Second })), ThrowAwaySigstore.PolicyOf(new(nobody))));
    }

    [Fact]
    public void A_timestamp_is_over_this_signature_and_by_a_trusted_authority()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(Instance.Timestamps.Stamp([1, 2, 3], Now.AddSeconds(1)));
        Signed.AssertRejected(RejectionCode.TimestampMismatch, Verify(bundle));
        var stranger = new TestTimestamps("https://tsa.example.test", Now.AddYears(-1), Now.AddYears(1));
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(stranger.Stamp(ThrowAwaySigstore.SignatureOf(bundle), Now.AddSeconds(1), stranger.Certificate));
        Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(bundle));
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps([0x30, 0x00]);
        Signed.AssertRejected(RejectionCode.TimestampMalformed, Verify(bundle));
    }

    // CVE-2026-39984: the first certificate in the bag was taken for the signer's.
    [Fact]
    public void Certificates_that_come_with_a_timestamp_choose_no_signer()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        var signature = ThrowAwaySigstore.SignatureOf(bundle);
        var forged = new TestTimestamps("https://tsa.example.test", Now.AddYears(-1), Now.AddYears(1));
        byte[][][] bags = [[], [Instance.Timestamps.Certificate], [forged.Certificate, Instance.Timestamps.Certificate], [forged.Certificate]];
        // A root that leaves the authority's own certificate to the token takes it from there, and only if the authority issued it.
        var bare = Instance.RootWith(root => root["timestampAuthorities"] = new JsonArray(Instance.Timestamps.Trusted(Now.AddYears(-1), withLeaf: false)));
        foreach (var bag in bags)
        {
            bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(Instance.Timestamps.Stamp(signature, Now.AddSeconds(1), bag));
            Signed.AssertVerified(Verify(bundle));
            var outcome = SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), ThrowAwaySigstore.PolicyOf(new(bare)));
            Assert.True(outcome is VerificationOutcome.Verified == bag.Contains(Instance.Timestamps.Certificate), outcome.ToString());
        }
    }

    [Fact]
    public void A_timestamp_authority_counts_in_its_own_window_and_borrows_nobody_elses()
    {
        var newer = new TestTimestamps("https://tsa2.example.test", Now.AddYears(-1), Now.AddYears(1));
        TrustedRoot Retired(int seconds) => Instance.RootWith(root => root["timestampAuthorities"] = new JsonArray(
            Instance.Timestamps.Trusted(Now.AddYears(-1), Now.AddSeconds(seconds)), newer.Trusted(Now.AddYears(-1))));
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = Second }));
        Signed.AssertVerified(SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Retired(1)))));
        Signed.AssertRejected(RejectionCode.TimestampOutsideValidity, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Retired(0)))));
    }

    [Fact]
    public void A_timestamp_of_a_time_at_which_its_certificates_were_not_valid_is_refused()
    {
        var bundle = Restamped(Instance.Sign(new() { Kind = Second }), Now.AddYears(1).AddSeconds(1));
        Signed.AssertRejected(RejectionCode.TimestampOutsideValidity, Verify(bundle));
    }

    [Theory]
    [InlineData("no bytes", "")]
    [InlineData("a list shorter than it says", "0005")]
    [InlineData("bytes after the list", "000000")]
    [InlineData("a timestamp shorter than it says", "00030005AA")]
    [InlineData("version 2", "L01I0000000000000000000004030000")]
    [InlineData("a hash that is not SHA-256", "L00I0000000000000000000002030000")]
    [InlineData("bytes after a timestamp", "L00I000000000000000000000403000000")]
    [InlineData("a time cut off", "L00I00000000")]
    public void A_malformed_list_of_promises_is_refused(string name, string hex)
    {
        // L: lengths of the list and of its only timestamp; I: the id of a log that nobody trusts.
        var isTimestamp = hex.StartsWith('L');
        var list = Convert.FromHexString(hex.TrimStart('L').Replace("I", new string('0', 64), StringComparison.Ordinal));
        list = isTimestamp ? TestAuthority.Sized(TestAuthority.Sized(list)) : list;
        X509Extension[] extensions = [.. ThrowAwaySigstore.SignerExtensions(), TestAuthority.Promises(list)];
        Signed.AssertRejected(RejectionCode.MalformedCertificate, Verify(Instance.Sign(new() { CertificateLogs = [], Extensions = extensions })), name);
    }

    [Fact]
    public void More_promises_than_are_read_are_refused()
    {
        VerificationOutcome With(int promises) => Verify(Instance.Sign(new() { CertificateLogs = [.. Enumerable.Repeat(Instance.CertificateLog, promises)] }));
        Signed.AssertVerified(With(16));
        Signed.AssertRejected(RejectionCode.MalformedCertificate, With(17));
    }

    [Fact]
    public void A_certificate_with_more_extensions_than_are_read_or_one_twice_is_refused()
    {
        VerificationOutcome With(IEnumerable<string> more) => Verify(Instance.Sign(new() { Extensions = [.. ThrowAwaySigstore.SignerExtensions(), .. more.Select(oid => new X509Extension(oid, [5, 0], critical: false))] }));
        // Seven that Fulcio writes, the list of promises, and the authority's key.
        Signed.AssertVerified(With(Enumerable.Range(0, 64 - 9).Select(number => $"1.2.3.{number}")));
        Signed.AssertRejected(RejectionCode.MalformedCertificate, With(Enumerable.Range(0, 64 - 8).Select(number => $"1.2.3.{number}")));
    }

    [Fact]
    public void The_key_of_a_certificate_is_its_DER_and_no_PEM_inside_it()
    {
        using var hidden = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var text = Encoding.ASCII.GetBytes("\n" + hidden.ExportSubjectPublicKeyInfoPem() + "\n");
        byte[] modulus = [0xc1, .. text, .. new byte[254 - text.Length], 1];
        var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(modulus);
            writer.WriteInteger(65537);
        }

        var certified = new System.Security.Cryptography.X509Certificates.PublicKey(new Oid("1.2.840.113549.1.1.1"), new AsnEncodedData([5, 0]), new AsnEncodedData(writer.Encode()));
        Signed.AssertRejected(RejectionCode.SignatureMismatch, Verify(Instance.Sign(new() { Key = hidden, Certified = certified })));
    }

    [Fact]
    public void What_is_no_certificate_is_refused()
    {
        var bundle = Instance.Sign();
        var certificate = bundle["verificationMaterial"]!["certificate"]!.AsObject();
        var der = Convert.FromBase64String(certificate["rawBytes"]!.GetValue<string>());
        foreach (var bytes in (byte[][])[[], [0x30, 0x00], der[..^1], [.. der, 0], RandomNumberGenerator.GetBytes(200), Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", der)), new byte[70_000]])
        {
            certificate["rawBytes"] = Convert.ToBase64String(bytes);
            Signed.AssertRejected(RejectionCode.MalformedCertificate, Verify(bundle));
        }
    }

    private static CertificateIdentity Requiring(FulcioExtension extension, string value) => ThrowAwaySigstore.Identity with { Extensions = ThrowAwaySigstore.Identity.Extensions.Add(extension, NameMatch.Exactly(value)) };

    private static VerificationOutcome Verify(JsonObject bundle) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy());

    private static JsonObject Restamped(JsonObject bundle, DateTimeOffset time, ThrowAwaySigstore? instance = null)
    {
        var changed = bundle.DeepClone().AsObject();
        changed["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps((instance ?? Instance).Timestamps.Stamp(ThrowAwaySigstore.SignatureOf(bundle), time));
        return changed;
    }

    private static string Hex(string text) => Convert.ToHexStringLower(Encoding.ASCII.GetBytes(text));
}
