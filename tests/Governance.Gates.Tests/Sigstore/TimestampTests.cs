using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Timestamps (RFC 3161): whose they are, what they are over, and what they may say.</summary>
public sealed class TimestampTests
{
    private const string Url = "https://tsa.example.test";
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly DateTimeOffset Begin = ThrowAwaySigstore.Now.AddYears(-1);
    private static readonly DateTimeOffset End = ThrowAwaySigstore.Now.AddYears(1);

    /// <summary>A root that leaves the authority's own certificate to the token.</summary>
    private static readonly TrustedRoot WithoutLeaf = Instance.RootWith(root => root["timestampAuthorities"] = new JsonArray(Instance.Timestamps.Trusted(Begin, withLeaf: false)));

    /// <summary>Certificates that are not for timestamps alone.</summary>
    public static TheoryData<string, X509Extension[]> Unfit => new()
    {
        { "for signing code too", [TestAuthority.Signing, new X509EnhancedKeyUsageExtension([new Oid(TestTimestamps.TimeStamping), new Oid(TestAuthority.CodeSigning)], critical: true)] },
        { "that does not insist", [TestAuthority.Signing, TestAuthority.Usage(TestTimestamps.TimeStamping, critical: false)] },
        { "for anything", [TestAuthority.Signing] },
        { "not for signatures", [TestAuthority.Usage(TestTimestamps.TimeStamping, critical: true)] },
    };

    [Fact]
    public void A_strangers_timestamp_is_not_that_of_an_authority_whose_certificate_the_root_leaves_out()
    {
        var stranger = new TestTimestamps("https://tsa2.example.test", Begin, End);
        Signed.AssertVerified(Verify(Instance.Timestamps, new() { Certificates = [Instance.Timestamps.Certificate] }, WithoutLeaf));
        Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(stranger, new() { Certificates = [stranger.Certificate] }, WithoutLeaf));
    }

    [Fact]
    public void A_forged_certificate_with_the_real_issuers_name_and_serial_number_makes_no_signer()
    {
        var forger = new TestTimestamps(Url, Begin, End, new() { Serial = Instance.Timestamps.Serial });
        Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(forger, new() { Certificates = [forger.Certificate] }, WithoutLeaf));
        Signed.AssertRejected(RejectionCode.TimestampSignatureInvalid, Verify(forger, new() { Certificates = [forger.Certificate] }, Instance.Root));
    }

    [Fact]
    public void A_root_whose_authority_did_not_issue_the_certificate_beside_it_trusts_nobodys_timestamps()
    {
        var forger = new TestTimestamps(Url, Begin, End);
        var mixed = Instance.RootWith(root => root["timestampAuthorities"]![0]!["certChain"]!["certificates"]![0] = TestAuthority.Certificate(forger.Certificate));
        Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(forger, new(), mixed));
    }

    [Fact]
    public void A_timestamp_with_two_certificates_of_its_signers_name_is_refused()
    {
        var forger = new TestTimestamps(Url, Begin, End, new() { Serial = Instance.Timestamps.Serial });
        foreach (var root in (TrustedRoot[])[WithoutLeaf, Instance.Root])
        {
            Signed.AssertRejected(RejectionCode.TimestampMalformed, Verify(Instance.Timestamps, new() { Certificates = [forger.Certificate, Instance.Timestamps.Certificate] }, root));
        }
    }

    [Fact]
    public void A_timestamp_signed_for_another_certificate_than_its_signers_is_refused() =>
        Signed.AssertRejected(RejectionCode.TimestampSignatureInvalid, Verify(Instance.Timestamps, new() { SignedFor = Instance.Fulcio.RootCertificate }, Instance.Root));

    [Theory, MemberData(nameof(Unfit))]
    public void An_authoritys_certificate_is_for_timestamps_alone_and_insists_on_it(string name, X509Extension[] extensions)
    {
        var unfit = new TestTimestamps(Url, Begin, End, new() { Extensions = extensions });
        foreach (var withLeaf in (bool[])[true, false])
        {
            Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(unfit, new() { Certificates = [unfit.Certificate] }, Trusting(unfit, withLeaf)), name);
        }
    }

    [Fact]
    public void An_extension_of_what_is_stamped_could_change_its_meaning_and_is_refused() =>
        Signed.AssertRejected(RejectionCode.TimestampMalformed, Verify(Instance.Timestamps, new() { Extension = "1.2.3.4" }, Instance.Root));

    [Fact]
    public void A_signer_may_be_named_by_the_id_of_its_key()
    {
        byte[] id = [1, 2, 3, 4, 5];
        X509Extension[] extensions = [TestAuthority.Signing, TestAuthority.Usage(TestTimestamps.TimeStamping, critical: true), new X509SubjectKeyIdentifierExtension(id, critical: false)];
        var authority = new TestTimestamps(Url, Begin, End, new() { Extensions = extensions });
        foreach (var withLeaf in (bool[])[true, false])
        {
            var root = Trusting(authority, withLeaf);
            Signed.AssertVerified(Verify(authority, new() { KeyId = id, Certificates = [authority.Certificate] }, root));
            Signed.AssertRejected(RejectionCode.TimestampUntrusted, Verify(authority, new() { KeyId = [9, 9], Certificates = [authority.Certificate] }, root));
        }
    }

    [Theory]
    [InlineData("SHA256", "1.2.840.113549.1.1.11")]
    [InlineData("SHA384", "1.2.840.113549.1.1.12")]
    [InlineData("SHA512", "1.2.840.113549.1.1.13")]
    [InlineData("SHA256", "1.2.840.113549.1.1.1")]
    [InlineData("SHA512", "1.2.840.113549.1.1.1")]
    public void An_authority_may_sign_with_RSA(string hash, string signatureAlgorithm)
    {
        using var rsa = RSA.Create(2048);
        var authority = new TestTimestamps(Url, Begin, End, new() { Key = rsa });
        var token = new Token { Hash = new(hash), SignatureAlgorithm = signatureAlgorithm };
        Signed.AssertVerified(Verify(authority, token, Trusting(authority)));
        var other = new TestTimestamps(Url, Begin, End, new() { Key = RSA.Create(2048), Serial = authority.Serial });
        Signed.AssertRejected(RejectionCode.TimestampSignatureInvalid, Verify(other, token with { SignedFor = authority.Certificate }, Trusting(authority)));
    }

    [Theory]
    [InlineData("SHA256")]
    [InlineData("SHA384")]
    [InlineData("SHA512")]
    public void An_authority_may_hash_with_any_SHA_2(string hash)
    {
        Signed.AssertVerified(Verify(Instance.Timestamps, new() { Hash = new(hash) }, Instance.Root));
        // Another algorithm than the one that made the signature.
        Signed.AssertRejected(RejectionCode.TimestampSignatureInvalid, Verify(Instance.Timestamps, new() { Hash = new(hash), SignatureAlgorithm = "1.2.840.10045.4.1" }, Instance.Root));
    }

    private static TrustedRoot Trusting(TestTimestamps authority, bool withLeaf = true) =>
        Instance.RootWith(root => root["timestampAuthorities"] = new JsonArray(authority.Trusted(Begin, withLeaf: withLeaf)));

    /// <summary>A bundle of the second log, whose only time is this timestamp.</summary>
    private static VerificationOutcome Verify(TestTimestamps authority, Token token, TrustedRoot root)
    {
        var bundle = Instance.Sign(new() { Kind = "hashedrekord 0.0.2" });
        bundle["verificationMaterial"]!["timestampVerificationData"] = ThrowAwaySigstore.Stamps(authority.Stamp(ThrowAwaySigstore.SignatureOf(bundle), ThrowAwaySigstore.Now.AddSeconds(1), token));
        return SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), ThrowAwaySigstore.PolicyOf(new(root)));
    }
}
