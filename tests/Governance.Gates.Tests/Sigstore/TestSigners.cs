using System.Security.Cryptography;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Throw-away signers, one of each kind that is accepted, made when first asked for.</summary>
internal static class TestSigners
{
    private static readonly Dictionary<string, Lazy<Signer>> Made = new()
    {
        ["P-256"] = new(() => NewEcdsa(ECCurve.NamedCurves.nistP256)),
        ["P-384"] = new(() => NewEcdsa(ECCurve.NamedCurves.nistP384)),
        ["P-521"] = new(() => NewEcdsa(ECCurve.NamedCurves.nistP521)),
        ["P-384 with SHA-256"] = new(() => EcdsaWithSha256(ECCurve.NamedCurves.nistP384)),
        ["P-521 with SHA-256"] = new(() => EcdsaWithSha256(ECCurve.NamedCurves.nistP521)),
        ["RSA PKCS #1"] = new(() => NewRsa(RSASignaturePadding.Pkcs1)),
        ["RSA PSS"] = new(() => NewRsa(RSASignaturePadding.Pss)),
        ["Ed25519"] = new(NewEd25519),
    };

    public static TheoryData<string> Kinds => [.. Made.Keys];

    /// <summary>The key that tests trust, unless they say otherwise.</summary>
    public static Signer Trusted => Of("P-256");

    /// <summary>A key that nobody trusts.</summary>
    public static Signer Stranger { get; } = NewEcdsa(ECCurve.NamedCurves.nistP256);

    public static Signer Of(string kind) => Made[kind].Value;

    public static EcdsaSigner NewEcdsa(ECCurve curve)
    {
        using var key = ECDsa.Create(curve);
        return EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), "");
    }

    private static DelegateSigner EcdsaWithSha256(ECCurve curve)
    {
        var key = ECDsa.Create(curve);
        return new(PublicKey.Parse(key.ExportSubjectPublicKeyInfo()), (data, _) => new(key.SignData(data.Span, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
    }

    private static DelegateSigner NewRsa(RSASignaturePadding padding)
    {
        var key = RSA.Create(2048);
        return new(PublicKey.Parse(key.ExportSubjectPublicKeyInfo()), (data, _) => new(key.SignData(data.Span, HashAlgorithmName.SHA256, padding)));
    }

    private static DelegateSigner NewEd25519()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        return new(PublicKey.Parse(Ed25519Spki(Ed25519Signer.PublicKey(secret))), (data, _) => new(Ed25519Signer.Sign(secret, data.ToArray())));
    }

    /// <summary>RFC 8410, section 4.</summary>
    public static byte[] Ed25519Spki(byte[] key) => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. key];
}
