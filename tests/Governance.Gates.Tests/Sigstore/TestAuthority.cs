using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A certificate authority of a throw-away Sigstore instance: a root and an intermediate, keys never written.</summary>
internal sealed class TestAuthority
{
    public const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    private const string SctList = "1.3.6.1.4.1.11129.2.4.2";

    private readonly X509Certificate2 root;
    private readonly X509Certificate2 intermediate;
    private readonly ECDsa intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <param name="name">Its name.</param>
    /// <param name="from">From when its certificates are valid.</param>
    /// <param name="until">Until when.</param>
    /// <param name="intermediateUntil">Until when the intermediate is; null: as long as the root.</param>
    public TestAuthority(string name, DateTimeOffset from, DateTimeOffset until, DateTimeOffset? intermediateUntil = null)
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = AuthorityRequest($"CN={name} root", rootKey);
        root = request.CreateSelfSigned(from, until);
        var second = AuthorityRequest($"CN={name} intermediate", intermediateKey);
        second.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, true, false));
        intermediate = second.Create(root.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), from, intermediateUntil ?? until, RandomNumberGenerator.GetBytes(16));
        intermediate = X509CertificateLoader.LoadCertificate(intermediate.RawData);
    }

    public JsonArray Chain => [Certificate(intermediate.RawData), Certificate(root.RawData)];

    public byte[] RootCertificate => root.RawData;

    public byte[] IntermediateSubject => intermediate.SubjectName.RawData;

    public static JsonObject Certificate(byte[] der) => new() { ["rawBytes"] = Convert.ToBase64String(der) };

    /// <summary>A certificate for a key.</summary>
    public byte[] Issue(PublicKey key, DateTimeOffset from, DateTimeOffset until, byte[] serial, string subject, params X509Extension[] extensions)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(intermediate, true, false));
        foreach (var extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        using var issued = request.Create(intermediate.SubjectName, X509SignatureGenerator.CreateForECDsa(intermediateKey), from, until, serial);
        return issued.RawData;
    }

    /// <summary>A certificate with the promises of logs to show it, as Fulcio issues it.</summary>
    public byte[] IssueLogged(PublicKey key, DateTimeOffset from, DateTimeOffset until, TestLog[] logs, byte[] sctExtensions, params X509Extension[] extensions)
    {
        var serial = NewSerial();
        if (logs is [])
        {
            return Issue(key, from, until, serial, "", extensions);
        }

        var tbs = new AsnReader(Issue(key, from, until, serial, "", extensions), AsnEncodingRules.DER).ReadSequence().ReadEncodedValue().ToArray();
        var time = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, from.ToUnixTimeMilliseconds());
        byte[] signed = [0, 0, .. time, 0, 1, .. SHA256.HashData(intermediate.PublicKey.ExportSubjectPublicKeyInfo()), 0, .. Sized(tbs), .. Sized(sctExtensions)];
        byte[] timestamps = [.. logs.SelectMany(log => Sized([0, .. log.LogId, .. time, .. Sized(sctExtensions), 4, 3, .. Sized(log.Sign(signed))]))];
        return Issue(key, from, until, serial, "", [.. extensions, Promises(Sized(timestamps))]);
    }

    /// <summary>A serial number that is positive and has 16 bytes.</summary>
    public static byte[] NewSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x3f | 0x40);
        return serial;
    }

    /// <summary>The extension in which a certificate has its list of signed certificate timestamps.</summary>
    public static X509Extension Promises(byte[] list)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteOctetString(list);
        return new(SctList, writer.Encode(), critical: false);
    }

    /// <summary>Two bytes of length and the bytes.</summary>
    public static byte[] Sized(byte[] bytes) => [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];

    private static CertificateRequest AuthorityRequest(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }

    public static X509Extension Usage(string oid, bool critical = false) => new X509EnhancedKeyUsageExtension([new Oid(oid)], critical);

    public static X509Extension Signing { get; } = new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true);

    /// <summary>An extension of Fulcio's as a UTF8String; number 1 as the bare bytes.</summary>
    public static X509Extension Fulcio(int number, string value)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
        return new($"1.3.6.1.4.1.57264.1.{number}", number == 1 ? Encoding.UTF8.GetBytes(value) : writer.Encode(), critical: false);
    }
}
