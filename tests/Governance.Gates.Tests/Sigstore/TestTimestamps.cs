using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A timestamp authority of a throw-away Sigstore instance (RFC 3161): writes its tokens by the letter of RFC 5652.</summary>
internal sealed class TestTimestamps
{
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8";
    private const string Sha256 = "2.16.840.1.101.3.4.2.1";
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TestAuthority authority;
    private readonly string url;
    private readonly byte[] serial;

    public TestTimestamps(string url, DateTimeOffset from, DateTimeOffset until)
    {
        this.url = url;
        authority = new("timestamps " + url, from, until);
        Certificate = authority.Issue(key, from, until, "CN=timestamps", TestAuthority.Signing, TestAuthority.Usage(TimeStamping, critical: true));
        var tbs = new AsnReader(Certificate, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        tbs.ReadEncodedValue();
        serial = tbs.ReadIntegerBytes().ToArray();
    }

    /// <summary>Its own certificate.</summary>
    public byte[] Certificate { get; }

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
    public byte[] Stamp(byte[] data, DateTimeOffset time, params byte[][] certificates)
    {
        var info = Info(data, time);
        var attributes = Attributes(info);
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
                    WriteSignedData(writer, info, attributes, certificates);
                }
            }
        }

        return writer.Encode();
    }

    private void WriteSignedData(AsnWriter writer, byte[] info, byte[] attributes, byte[][] certificates)
    {
        using var data = writer.PushSequence();
        writer.WriteInteger(3);
        using (writer.PushSetOf())
        {
            WriteAlgorithm(writer, Sha256);
        }

        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier("1.2.840.113549.1.9.16.1.4");
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                writer.WriteOctetString(info);
            }
        }

        if (certificates.Length > 0)
        {
            // A SEQUENCE's tag number with the SET's contents: the order given is kept, as a hostile authority would.
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            {
                foreach (var certificate in certificates)
                {
                    writer.WriteEncodedValue(certificate);
                }
            }
        }

        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            using (writer.PushSequence())
            {
                writer.WriteEncodedValue(authority.IntermediateSubject);
                writer.WriteInteger(serial);
            }

            WriteAlgorithm(writer, Sha256);
            byte[] implicitly = [0xa0, .. attributes[1..]];
            writer.WriteEncodedValue(implicitly);
            WriteAlgorithm(writer, "1.2.840.10045.4.3.2");
            writer.WriteOctetString(key.SignData(attributes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        }
    }

    private static byte[] Info(byte[] data, DateTimeOffset time)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            writer.WriteObjectIdentifier("1.3.6.1.4.1.57264.2");
            using (writer.PushSequence())
            {
                WriteAlgorithm(writer, Sha256);
                writer.WriteOctetString(SHA256.HashData(data));
            }

            writer.WriteInteger(RandomNumberGenerator.GetInt32(int.MaxValue));
            writer.WriteGeneralizedTime(time, omitFractionalSeconds: true);
        }

        return writer.Encode();
    }

    private byte[] Attributes(byte[] info)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSetOf())
        {
            WriteAttribute(writer, "1.2.840.113549.1.9.3", () => writer.WriteObjectIdentifier("1.2.840.113549.1.9.16.1.4"));
            WriteAttribute(writer, "1.2.840.113549.1.9.4", () => writer.WriteOctetString(SHA256.HashData(info)));
            WriteAttribute(writer, "1.2.840.113549.1.9.16.2.47", () =>
            {
                using (writer.PushSequence())
                using (writer.PushSequence())
                using (writer.PushSequence())
                {
                    writer.WriteOctetString(SHA256.HashData(Certificate));
                }
            });
        }

        return writer.Encode();
    }

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
