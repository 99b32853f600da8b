using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class SignerTests
{
    private static readonly PbeParameters Encryption = new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000);

    public static TheoryData<string, string, string> Refused => new()
    {
        { "", "", "openssl pkcs8" },
        { "text", "", "no PEM block" },
        { TestSigners.Trusted.PublicKey.ToPem(), "", "'PUBLIC KEY'" },
        { Pem(key => key.ExportPkcs8PrivateKeyPem() + "\n" + key.ExportPkcs8PrivateKeyPem()), "", "several PEM blocks" },
        { Pem(key => key.ExportEncryptedPkcs8PrivateKeyPem("right", Encryption)), "", "no password" },
        { Pem(key => key.ExportEncryptedPkcs8PrivateKeyPem("right", Encryption)), "wrong", "check the password" },
        { Pem(key => key.ExportPkcs8PrivateKeyPem(), ECCurve.NamedCurves.brainpoolP256r1), "", "use P-256" },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "", "damaged" },
        { "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----", "p", "cosign import-key-pair" },
        { "-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED COSIGN PRIVATE KEY-----", "p", "cosign import-key-pair" },
        { "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----", "p", "openssl pkcs8" },
        { RsaPem(), "", "not an ECDSA key" },
        { new string(' ', 20_000), "", "at most 16384" },
    };

    public static TheoryData<string, string> Accepted => new()
    {
        { Pem(key => key.ExportPkcs8PrivateKeyPem()), "" },
        { Pem(key => key.ExportPkcs8PrivateKeyPem()), "not needed" },
        { Pem(key => key.ExportECPrivateKeyPem()), "" },
        { "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + Pem(key => key.ExportECPrivateKeyPem()), "" },
        { Pem(key => key.ExportEncryptedPkcs8PrivateKeyPem("a password", Encryption)), "a password" },
        { Pem(key => key.ExportPkcs8PrivateKeyPem(), ECCurve.NamedCurves.nistP521), "" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void A_private_key_that_cannot_be_used_is_refused_with_a_remedy(string pem, string password, string expected)
    {
        var refused = Assert.Throws<PrivateKeyException>(() => EcdsaSigner.FromPem(pem, password));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(refused.Remedy, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.DoesNotContain("right", refused.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Accepted))]
    public async Task A_private_key_in_each_form_signs(string pem, string password)
    {
        using var signer = EcdsaSigner.FromPem(pem, password);
        var signature = await signer.SignAsync(Signed.Artifact, CancellationToken.None);
        Assert.True(PublicKey.Parse(signer.PublicKey.ToPem()).Verify(Signed.Artifact, signature));
    }

    [Fact]
    public async Task A_disposed_signer_signs_nothing()
    {
        var signer = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);
        signer.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await signer.SignAsync(Signed.Artifact, CancellationToken.None));
    }

    [Fact]
    public async Task A_key_kept_elsewhere_must_answer_with_its_own_signature()
    {
        var stranger = TestSigners.Stranger;
        var honest = new DelegateSigner(stranger.PublicKey, stranger.SignAsync);
        var signature = await honest.SignAsync(Signed.Artifact, CancellationToken.None);
        Assert.True(stranger.PublicKey.Verify(Signed.Artifact, signature));
        var mistaken = new DelegateSigner(TestSigners.Trusted.PublicKey, stranger.SignAsync);
        var refused = await Assert.ThrowsAsync<CryptographicException>(async () => await mistaken.SignAsync(Signed.Artifact, CancellationToken.None));
        Assert.Contains("name the public key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_statement_that_could_not_be_verified_again_is_not_written()
    {
        var subject = Subject.OfSha256("model", Signed.Sha256);
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([], "t", "{}"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([new("model", new Dictionary<string, string>())], "t", "{}"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([subject], "", "{}"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([subject], "t", "[]"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([subject], "t", "{"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([subject], "t", "{\"a\":1,\"a\":2}"u8));
        Assert.Throws<ArgumentException>(() => InTotoStatement.Write([.. Enumerable.Repeat(subject, 1025)], "t", "{}"u8));
    }

    [Fact]
    public void A_predicate_is_signed_as_it_stands()
    {
        var statement = Encoding.UTF8.GetString(InTotoStatement.Write([Subject.OfSha256("é+", Signed.Sha256)], "t", "{ \"a\": 1.0 }"u8));
        Assert.Equal($$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"é+","digest":{"sha256":"{{{Signed.Hex}}}"}}],"predicateType":"t","predicate":{ "a": 1.0 }}""", statement);
    }

    private static string Pem(Func<ECDsa, string> write, ECCurve? curve = null)
    {
        using var key = ECDsa.Create(curve ?? ECCurve.NamedCurves.nistP256);
        return write(key);
    }

    private static string RsaPem()
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    }
}
