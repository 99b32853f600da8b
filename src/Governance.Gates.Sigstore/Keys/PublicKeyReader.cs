using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7) and refuses what is weak before any cryptography sees it.</summary>
internal static class PublicKeyReader
{
    private const int SmallestRsa = 2048;
    private const int LargestRsa = 8192;
    private const string WhatToGive = "give one PEM block 'PUBLIC KEY' (openssl pkey -pubout, or cosign public-key)";

    /// <summary>The DER inside PEM, or the DER itself; null with a mistake.</summary>
    public static byte[]? ReadDer(ReadOnlySpan<byte> pemOrDer, out string mistake)
    {
        mistake = "";
        if (pemOrDer.Length > PublicKey.MaxSize)
        {
            return Refuse<byte[]>(TooLong(pemOrDer.Length), out mistake);
        }

        var blocks = pemOrDer.Count("-----BEGIN "u8);
        if (blocks == 0)
        {
            if (pemOrDer is [0x30, ..])
            {
                return pemOrDer.ToArray();
            }

            mistake = $"there is no PEM block and no DER key; {WhatToGive}";
            return null;
        }

        if (blocks > 1)
        {
            mistake = $"there are {blocks} PEM blocks and exactly one is read; {WhatToGive}";
            return null;
        }

        // As characters: this form of the reader is compiled ahead of time, the one for bytes is not.
        var pem = Encoding.ASCII.GetString(pemOrDer);
        if (!PemEncoding.TryFind(pem, out var fields))
        {
            mistake = $"the PEM block is damaged; {WhatToGive}";
            return null;
        }

        var label = OneLine.Show(pem[fields.Label]);
        if (label != "PUBLIC KEY")
        {
            mistake = label switch
            {
                "RSA PUBLIC KEY" => "the PEM block is 'RSA PUBLIC KEY' (PKCS #1); convert it with openssl rsa -RSAPublicKey_in -pubout",
                "CERTIFICATE" => "the PEM block is a certificate, not a public key; take its key with openssl x509 -pubkey -noout",
                _ when label.Contains("PRIVATE", StringComparison.Ordinal) => $"the PEM block is '{label}': a private key stands where a public one belongs; {WhatToGive}",
                _ => $"the PEM block is '{label}'; {WhatToGive}",
            };
            return null;
        }

        var der = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], der, out _) ? der : Refuse<byte[]>($"the PEM block is damaged; {WhatToGive}", out mistake);
    }

    /// <summary>How the key checks signatures; null with a mistake.</summary>
    public static SignatureCheck? ReadCheck(byte[] spki, out KeyAlgorithm algorithm, out string mistake)
    {
        algorithm = default;
        if (spki.Length > PublicKey.MaxSize)
        {
            return Refuse<SignatureCheck>(TooLong(spki.Length), out mistake);
        }

        try
        {
            var outer = new AsnReader(spki, AsnEncodingRules.DER);
            var info = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var identifier = info.ReadSequence();
            var key = info.ReadBitString(out var unused);
            info.ThrowIfNotEmpty();
            var oid = identifier.ReadObjectIdentifier();
            if (unused != 0)
            {
                return Refuse<SignatureCheck>("the key is not a whole number of bytes", out mistake);
            }

            return oid switch
            {
                "1.2.840.10045.2.1" => ReadEcdsa(spki, identifier, key, out algorithm, out mistake),
                "1.2.840.113549.1.1.1" => ReadRsa(spki, identifier, key, out algorithm, out mistake),
                "1.3.101.112" => ReadEd25519(identifier, key, out algorithm, out mistake),
                _ => Refuse<SignatureCheck>($"keys of algorithm {OneLine.Show(oid)} are not accepted; use ECDSA P-256, P-384 or P-521, RSA, or Ed25519", out mistake),
            };
        }
        catch (AsnContentException)
        {
            return Refuse<SignatureCheck>($"the key is not a DER SubjectPublicKeyInfo; {WhatToGive}", out mistake);
        }
        catch (CryptographicException)
        {
            return Refuse<SignatureCheck>("the key is not valid for its algorithm; make a new one, for example with cosign generate-key-pair", out mistake);
        }
    }

    private static EcdsaCheck? ReadEcdsa(byte[] spki, AsnReader identifier, byte[] point, out KeyAlgorithm algorithm, out string mistake)
    {
        algorithm = default;
        // RFC 5480, section 2.1.1: only namedCurve. Explicit parameters let a key bring its own curve (CVE-2020-0601).
        if (!identifier.HasData || identifier.PeekTag() != Asn1Tag.ObjectIdentifier)
        {
            return Refuse<EcdsaCheck>("the ECDSA key carries explicit curve parameters; make a key on a named curve, P-256, P-384 or P-521", out mistake);
        }

        var curve = identifier.ReadObjectIdentifier();
        identifier.ThrowIfNotEmpty();
        HashAlgorithmName[] hashes;
        switch (curve)
        {
            case "1.2.840.10045.3.1.7":
                (algorithm, hashes) = (KeyAlgorithm.EcdsaP256, [HashAlgorithmName.SHA256]);
                break;
            case "1.3.132.0.34":
                (algorithm, hashes) = (KeyAlgorithm.EcdsaP384, [HashAlgorithmName.SHA384, HashAlgorithmName.SHA256]);
                break;
            case "1.3.132.0.35":
                (algorithm, hashes) = (KeyAlgorithm.EcdsaP521, [HashAlgorithmName.SHA512, HashAlgorithmName.SHA256]);
                break;
            default:
                return Refuse<EcdsaCheck>($"the ECDSA key is on the curve {OneLine.Show(curve)}; use P-256, P-384 or P-521", out mistake);
        }

        // One key has one SPKI digest only while its point has one encoding.
        if (point is not [0x04, ..])
        {
            return Refuse<EcdsaCheck>("the ECDSA key's point is not in uncompressed form; write it again with openssl pkey -pubin -ec_conv_form uncompressed -pubout", out mistake);
        }

        var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        mistake = "";
        return new(key, spki, hashes);
    }

    private static RsaCheck? ReadRsa(byte[] spki, AsnReader identifier, byte[] publicKey, out KeyAlgorithm algorithm, out string mistake)
    {
        algorithm = KeyAlgorithm.Rsa;
        identifier.ReadNull();
        identifier.ThrowIfNotEmpty();
        var outer = new AsnReader(publicKey, AsnEncodingRules.DER);
        var numbers = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var modulus = numbers.ReadInteger();
        var exponent = numbers.ReadInteger();
        numbers.ThrowIfNotEmpty();
        var bits = modulus.Sign > 0 ? modulus.GetBitLength() : 0;
        if (bits is < SmallestRsa or > LargestRsa)
        {
            return Refuse<RsaCheck>($"the RSA key has {bits} bits; use {SmallestRsa} to {LargestRsa}", out mistake);
        }

        // FIPS 186-5, appendix A.1.1: odd and above 2^16. The upper bound keeps a hostile key from making every check slow.
        if (exponent.IsEven || exponent <= 65536 || exponent > uint.MaxValue)
        {
            return Refuse<RsaCheck>("the RSA key's public exponent is even, below 65537 or above 32 bits; make a key with the exponent 65537", out mistake);
        }

        var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        mistake = "";
        return new(key, spki);
    }

    private static Ed25519Check? ReadEd25519(AsnReader identifier, byte[] publicKey, out KeyAlgorithm algorithm, out string mistake)
    {
        algorithm = KeyAlgorithm.Ed25519;
        // RFC 8410, section 3: parameters must be absent.
        identifier.ThrowIfNotEmpty();
        mistake = "";
        return Ed25519.TryCreate(publicKey) is { } key
            ? new(key)
            : Refuse<Ed25519Check>("the Ed25519 key is not a canonical point of large order; make a new key with openssl genpkey -algorithm ed25519", out mistake);
    }

    private static string TooLong(int size) => $"the public key has {size} bytes and at most {PublicKey.MaxSize} are read; {WhatToGive}";

    private static T? Refuse<T>(string why, out string mistake)
        where T : class
    {
        mistake = why;
        return null;
    }
}
