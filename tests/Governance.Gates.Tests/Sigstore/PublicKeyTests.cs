using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class PublicKeyTests
{
    private static string Pem => TestSigners.Trusted.PublicKey.ToPem();

    public static TheoryData<string, Func<byte[]>, string> Refused => new()
    {
        { "nothing", () => [], "no PEM block" },
        { "text", () => Encoding.UTF8.GetBytes("hello"), "no PEM block" },
        { "two keys", () => Encoding.UTF8.GetBytes($"{Pem}\n{Pem}\n"), "2 PEM blocks" },
        { "a key cut short", () => Encoding.UTF8.GetBytes(Pem[..60]), "damaged" },
        { "too much text", () => Encoding.UTF8.GetBytes(new string(' ', PublicKey.MaxSize) + Pem), "at most 16384" },
        { "PKCS #1", () => Rsa(2048, key => key.ExportRSAPublicKeyPem()), "RSAPublicKey_in" },
        { "a certificate's label", () => Encoding.UTF8.GetBytes(Pem.Replace("PUBLIC KEY", "CERTIFICATE", StringComparison.Ordinal)), "openssl x509" },
        { "a private key", () => Ecdsa(ECCurve.NamedCurves.nistP256, key => Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem())), "a private key stands where a public one belongs" },
        { "RSA of 1024 bits", () => Rsa(1024, key => key.ExportSubjectPublicKeyInfoPem()), "1024 bits" },
        { "another curve", () => Ecdsa(ECCurve.NamedCurves.brainpoolP256r1, key => key.ExportSubjectPublicKeyInfo()), "1.3.36.3.3.2.8.1.1.7" },
        { "explicit curve parameters", ExplicitCurve, "explicit curve parameters" },
        { "a point that is not on the curve", () => Changed(PointByte), "not valid for its algorithm" },
        { "bytes after the key", () => [.. Der, 0], "not a DER SubjectPublicKeyInfo" },
        { "an Ed25519 key of small order", () => TestSigners.Ed25519Spki(new byte[32]), "canonical point of large order" },
        { "Ed448", () => [0x30, 0x0a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x01, 0x00], "1.3.101.113" },
    };

    private static byte[] Der => Convert.FromBase64String(string.Concat(Pem.Split('\n')[1..^1]));

    private static int PointByte => Der.Length - 1;

    [Theory, MemberData(nameof(Refused))]
    public void What_is_no_key_that_is_accepted_is_refused_with_what_to_do(string name, Func<byte[]> make, string expected)
    {
        Assert.True(PublicKey.TryParse(make(), out var mistake) is null, name);
        Assert.Contains(expected, mistake, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', mistake);
        Assert.Equal(mistake, Assert.Throws<FormatException>(() => PublicKey.Parse(make())).Message);
    }

    [Fact]
    public void A_key_is_read_from_DER_and_from_PEM_with_text_around_it()
    {
        var fromDer = PublicKey.Parse(Der);
        var fromPem = PublicKey.Parse($"Public-Key: (256 bit)\nAußerdem:\n{Pem.Replace("\n", "\r\n", StringComparison.Ordinal)}\r\nthe end\r\n");
        Assert.Equal(fromDer, fromPem);
        Assert.Equal(Pem, fromPem.ToPem());
        Assert.Equal(SHA256.HashData(Der), fromPem.SpkiSha256.ToArray());
        Assert.Equal(Convert.ToBase64String(SHA256.HashData(Der)), fromPem.Hint);
    }

    [Theory]
    [InlineData("P-256", KeyAlgorithm.EcdsaP256)]
    [InlineData("P-384", KeyAlgorithm.EcdsaP384)]
    [InlineData("P-521", KeyAlgorithm.EcdsaP521)]
    [InlineData("RSA PSS", KeyAlgorithm.Rsa)]
    [InlineData("Ed25519", KeyAlgorithm.Ed25519)]
    public void A_key_knows_its_algorithm(string kind, KeyAlgorithm expected) => Assert.Equal(expected, PublicKey.Parse(TestSigners.Of(kind).PublicKey.ToPem()).Algorithm);

    [Theory, MemberData(nameof(TestSigners.Kinds), MemberType = typeof(TestSigners))]
    public async Task Every_kind_of_key_verifies_its_own_signature_and_no_other(string kind)
    {
        var signer = TestSigners.Of(kind);
        var data = Encoding.UTF8.GetBytes("a release");
        var signature = await signer.SignAsync(data, CancellationToken.None);
        Assert.True(signer.PublicKey.Verify(data, signature));
        Assert.False(signer.PublicKey.Verify([.. data, 0], signature));
        Assert.False(TestSigners.Stranger.PublicKey.Verify(data, signature));
        Assert.False(signer.PublicKey.Verify(data, []));
        Assert.False(signer.PublicKey.Verify(data, [.. signature, 0]));
        Assert.False(signer.PublicKey.Verify(data, signature.AsSpan(1)));
        Assert.False(signer.PublicKey.Verify(data, new byte[signature.Length]));
        Assert.False(signer.PublicKey.Verify(data, new byte[100_000]));
    }

    [Theory, MemberData(nameof(TestSigners.Kinds), MemberType = typeof(TestSigners))]
    public async Task A_key_verifies_on_many_threads_at_once(string kind)
    {
        var signer = TestSigners.Of(kind);
        var data = Encoding.UTF8.GetBytes("a release");
        var signature = await signer.SignAsync(data, CancellationToken.None);
        var wrong = 0;
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 64 }, i =>
        {
            var isGood = i % 2 == 0;
            if (signer.PublicKey.Verify(isGood ? data : [1], signature) != isGood)
            {
                Interlocked.Increment(ref wrong);
            }
        });
        Assert.Equal(0, wrong);
    }

    private static byte[] Changed(int index)
    {
        var der = Der;
        der[index] ^= 1;
        return der;
    }

    private static byte[] Rsa(int bits, Func<RSA, string> write)
    {
        using var key = RSA.Create(bits);
        return Encoding.UTF8.GetBytes(write(key));
    }

    private static byte[] Ecdsa(ECCurve curve, Func<ECDsa, byte[]> write)
    {
        using var key = ECDsa.Create(curve);
        return write(key);
    }

    private static byte[] ExplicitCurve() => Ecdsa(ECCurve.NamedCurves.nistP256, named =>
    {
        using var key = ECDsa.Create(named.ExportExplicitParameters(includePrivateParameters: false));
        return key.ExportSubjectPublicKeyInfo();
    });
}
