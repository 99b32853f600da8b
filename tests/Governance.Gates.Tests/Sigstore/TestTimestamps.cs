using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A timestamp authority of a throw-away Sigstore instance (RFC 3161): writes its tokens by the letter of RFC 5652.</summary>
internal sealed class TestTimestamps
{
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8";
    private readonly AsymmetricAlgorithm key;
    private readonly TestAuthority authority;
    private readonly string url;

    /// <param name="url">Its address, after which its issuer is named.</param>
    /// <param name="from">From when its certificates are valid.</param>
    /// <param name="until">Until when.</param>
    /// <param name="how">What else is not as usual.</param>
    public TestTimestamps(string url, DateTimeOffset from, DateTimeOffset until, Stamper? how = null)
    {
        how ??= new();
        this.url = url;
        key = how.Key ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        authority = how.Authority ?? new("timestamps " + url, from, until);
        Serial = how.Serial ?? TestAuthority.NewSerial();
        Certificate = authority.Issue(new(key), from, until, Serial, "CN=timestamps", how.Extensions ?? [TestAuthority.Signing, TestAuthority.Usage(TimeStamping, critical: true)]);
    }

    /// <summary>Its own certificate.</summary>
    public byte[] Certificate { get; }

    /// <summary>That certificate's serial number.</summary>
    public byte[] Serial { get; }

    public JsonObject Trusted(DateTimeOffset from, DateTimeOffset? until = null, bool withLeaf = true)
    {
        var window = new JsonObject { ["start"] = ThrowAwaySigstore.Rfc3339(from) };
        if (until is { } end)
        {
            window["end"] = ThrowAwaySigstore.Rfc3339(end);
        }

        var chain = authority.Chain;
        if (withLeaf)
        {
            chain.Insert(0, TestAuthority.Certificate(Certificate));
        }

        return new() { ["uri"] = url, ["certChain"] = new JsonObject { ["certificates"] = chain }, ["validFor"] = window };
    }

    /// <summary>A granted response over some bytes.</summary>
    /// <param name="data">What is stamped.</param>
    /// <param name="time">The time that is stamped on it.</param>
    /// <param name="certificates">What is put into the bag of certificates.</param>
    public byte[] Stamp(byte[] data, DateTimeOffset time, params byte[][] certificates) => Stamp(data, time, new Token { Certificates = certificates });

    /// <summary>A granted response over some bytes that is not as usual.</summary>
    public byte[] Stamp(byte[] data, DateTimeOffset time, Token how)
    {
        var info = Info(data, time, how);
        var attributes = Attributes(info, how);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteInteger(0);
            }

            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.113549.1.7.2");
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
                {
                    WriteSignedData(writer, info, attributes, how);
                }
            }
        }

        return writer.Encode();
    }

    private void WriteSignedData(AsnWriter writer, byte[] info, byte[] attributes, Token how)
    {
        using var data = writer.PushSequence();
        writer.WriteInteger(3);
        using (writer.PushSetOf())
        {
            WriteAlgorithm(writer, Oid(how.Hash));
        }

        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("1.2.840.113549.1.9.16.1.4");
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                writer.WriteOctetString(info);
            }
        }

        if (how.Certificates.Length > 0)
        {
            // A SEQUENCE's tag number with the SET's contents: the order given is kept, as a hostile authority would.
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                foreach (var certificate in how.Certificates)
                {
                    writer.WriteEncodedValue(certificate);
                }
            }
        }

        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteInteger(how.KeyId is null ? 1 : 3);
            if (how.KeyId is { } keyId)
            {
                writer.WriteOctetString(keyId, new Asn1Tag(TagClass.ContextSpecific, 0));
            }
            else
            {
                using var named = writer.PushSequence();
                writer.WriteEncodedValue(authority.IntermediateSubject);
                writer.WriteInteger(Serial);
            }

            WriteAlgorithm(writer, Oid(how.Hash));
            byte[] implicitly = [0xa0, .. attributes[1..]];
            writer.WriteEncodedValue(implicitly);
            var signature = key switch
            {
                RSA rsa => rsa.SignData(attributes, how.Hash, RSASignaturePadding.Pkcs1),
                ECDsa ecdsa => ecdsa.SignData(attributes, how.Hash, DSASignatureFormat.Rfc3279DerSequence),
                _ => throw new ArgumentException("a kind of key that signs no timestamps here", nameof(how)),
            };
            WriteAlgorithm(writer, how.SignatureAlgorithm ?? (how.Hash == HashAlgorithmName.SHA256 ? "1.2.840.10045.4.3.2" : how.Hash == HashAlgorithmName.SHA384 ? "1.2.840.10045.4.3.3" : "1.2.840.10045.4.3.4"));
            writer.WriteOctetString(signature);
        }
    }

    private static byte[] Info(byte[] data, DateTimeOffset time, Token how)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteObjectIdentifier("1.3.6.1.4.1.57264.2");
            using (writer.PushSequence())
            {
                WriteAlgorithm(writer, Oid(how.Hash));
                writer.WriteOctetString(how.Imprint ?? CryptographicOperations.HashData(how.Hash, data));
            }

            writer.WriteInteger(RandomNumberGenerator.GetInt32(int.MaxValue));
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
            writer.WriteInteger(RandomNumberGenerator.GetInt32(int.MaxValue));
            if (how.Extension is { } extension)
            {
                using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1)))
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(extension);
                    writer.WriteOctetString([5, 0]);
                }
            }
        }

        return writer.Encode();
    }

    private byte[] Attributes(byte[] info, Token how)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            WriteAttribute(writer, "1.2.840.113549.1.9.3", () => writer.WriteObjectIdentifier("1.2.840.113549.1.9.16.1.4"));
            WriteAttribute(writer, "1.2.840.113549.1.9.4", () => writer.WriteOctetString(CryptographicOperations.HashData(how.Hash, info)));
            WriteAttribute(writer, "1.2.840.113549.1.9.16.2.47", () =>
            {
                using (writer.PushSequence())
                using (writer.PushSequence())
                using (writer.PushSequence())
                {
                    writer.WriteOctetString(SHA256.HashData(how.SignedFor ?? Certificate));
                }
            });
        }

        return writer.Encode();
    }

    private static string Oid(HashAlgorithmName hash) =>
        hash == HashAlgorithmName.SHA256 ? "2.16.840.1.101.3.4.2.1" : hash == HashAlgorithmName.SHA384 ? "2.16.840.1.101.3.4.2.2" : "2.16.840.1.101.3.4.2.3";

    private static void WriteAttribute(AsnWriter writer, string oid, Action value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
            using (writer.PushSetOf())
            {
                value();
            }
        }
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
        }
    }
}

/// <summary>How a timestamp authority is made.</summary>
internal sealed record Stamper
{
    public AsymmetricAlgorithm? Key { get; init; }

    /// <summary>Who issues its certificate; null: an authority of its own.</summary>
    public TestAuthority? Authority { get; init; }

    public byte[]? Serial { get; init; }

    public X509Extension[]? Extensions { get; init; }
}

/// <summary>How a timestamp is made.</summary>
internal sealed record Token
{
    public byte[][] Certificates { get; init; } = [];

    /// <summary>The hash in every place, but for that of the certificate.</summary>
    public HashAlgorithmName Hash { get; init; } = HashAlgorithmName.SHA256;

    /// <summary>Null: that of ECDSA with the hash.</summary>
    public string? SignatureAlgorithm { get; init; }

    /// <summary>The certificate whose hash is among what is signed; null: the authority's own.</summary>
    public byte[]? SignedFor { get; init; }

    /// <summary>The id of the signer's key, in place of its issuer and serial number.</summary>
    public byte[]? KeyId { get; init; }

    /// <summary>The hash of what is stamped, where its bytes are elsewhere.</summary>
    public byte[]? Imprint { get; init; }

    /// <summary>An extension of the content.</summary>
    public string? Extension { get; init; }
}
