using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Certificates;

namespace Governance.Gates.Sigstore.Timestamps;

/// <summary>An RFC 3161 timestamp token, read strictly from a TimeStampResp in DER and not yet trusted.</summary>
internal sealed class TimestampToken
{
    public const int MostBytes = 64 * 1024;

    private const string SignedData = "1.2.840.113549.1.7.2";
    private const string TstInfo = "1.2.840.113549.1.9.16.1.4";
    private const string ContentType = "1.2.840.113549.1.9.3";
    private const string MessageDigestAttribute = "1.2.840.113549.1.9.4";
    private const string SigningCertificateV2 = "1.2.840.113549.1.9.16.2.47";
    private const int MostCertificates = 16;
    private static readonly Asn1Tag First = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag Second = new(TagClass.ContextSpecific, 1);

    private TimestampToken()
    {
    }

    /// <summary>The TSTInfo, which says what was stamped when.</summary>
    public ReadOnlyMemory<byte> Info { get; private set; }

    public DateTimeOffset Time { get; private set; }

    public HashAlgorithmName ImprintAlgorithm { get; private set; }

    public ReadOnlyMemory<byte> Imprint { get; private set; }

    /// <summary>Certificates that came with it: anybody may have put them there.</summary>
    public ImmutableArray<CertificateFields> Certificates { get; private set; } = [];

    /// <summary>The signer's issuer Name in DER; empty where the signer is named by key id.</summary>
    public ReadOnlyMemory<byte> SignerIssuer { get; private set; }

    public ReadOnlyMemory<byte> SignerSerial { get; private set; }

    public ReadOnlyMemory<byte> SignerKeyId { get; private set; }

    public HashAlgorithmName DigestAlgorithm { get; private set; }

    /// <summary>What the signature is over: the signed attributes as a SET (RFC 5652, section 5.4).</summary>
    public byte[] SignedAttributes { get; private set; } = [];

    public ReadOnlyMemory<byte> MessageDigest { get; private set; }

    /// <summary>The hash of the signer's certificate that the signer signed for (RFC 5035); empty where it signed for none, or only in the form that takes SHA-1.</summary>
    public ReadOnlyMemory<byte> CertificateHash { get; private set; }

    public HashAlgorithmName CertificateHashAlgorithm { get; private set; }

    public string SignatureAlgorithm { get; private set; } = "";

    public byte[] Signature { get; private set; } = [];

    /// <summary>Whether the token names this certificate as its signer's.</summary>
    public bool IsSignedAs(CertificateFields certificate) => SignerKeyId.IsEmpty
        ? SignerIssuer.Span.SequenceEqual(certificate.Issuer.Span) && SignerSerial.Span.SequenceEqual(certificate.Serial.Span)
        : SignerKeyId.Span.SequenceEqual(certificate.KeyIdentifier.Span);

    /// <summary>The token, or null with what is wrong.</summary>
    public static TimestampToken? TryRead(ReadOnlyMemory<byte> response, out string mistake)
    {
        mistake = "";
        if (response.Length > MostBytes)
        {
            mistake = $"the timestamp has {response.Length} bytes and at most {MostBytes} are read";
            return null;
        }

        try
        {
            var token = new TimestampToken();
            token.ReadResponse(response);
            return token;
        }
        catch (AsnContentException)
        {
            mistake = "the timestamp is no granted RFC 3161 response in DER with one signature over its attributes";
            return null;
        }
    }

    // RFC 3161, section 2.4.2: TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo }
    private void ReadResponse(ReadOnlyMemory<byte> der)
    {
        var response = ReadWhole(der);
        var status = response.ReadSequence();
        Require(status.TryReadInt32(out var code) && code is 0 or 1);
        var content = response.ReadSequence();
        response.ThrowIfNotEmpty();
        Require(content.ReadObjectIdentifier() == SignedData);
        var wrapper = content.ReadSequence(First);
        content.ThrowIfNotEmpty();
        ReadSignedData(wrapper.ReadSequence());
        wrapper.ThrowIfNotEmpty();
    }

    // RFC 5652, section 5.1.
    private void ReadSignedData(AsnReader data)
    {
        Require(data.TryReadInt32(out var version) && version == 3);
        data.ReadSetOf(skipSortOrderValidation: true);
        var encapsulated = data.ReadSequence();
        Require(encapsulated.ReadObjectIdentifier() == TstInfo);
        var wrapper = encapsulated.ReadSequence(First);
        encapsulated.ThrowIfNotEmpty();
        Info = wrapper.ReadOctetString();
        wrapper.ThrowIfNotEmpty();
        ReadInfo(ReadWhole(Info));
        if (data.PeekTag().HasSameClassAndValue(First))
        {
            ReadCertificates(data.ReadSetOf(skipSortOrderValidation: true, First));
        }

        if (data.PeekTag().HasSameClassAndValue(Second))
        {
            data.ReadEncodedValue();
        }

        var signers = data.ReadSetOf(skipSortOrderValidation: true);
        data.ThrowIfNotEmpty();
        ReadSigner(signers.ReadSequence());
        // RFC 3161, section 2.4.2: no signature but the authority's.
        signers.ThrowIfNotEmpty();
        // An issuer gives a serial number once. Each further certificate of that name would only order another path to be built.
        Require(Certificates.Count(IsSignedAs) <= 1);
    }

    // RFC 3161, section 2.4.2. What stands after genTime is not needed, but an extension could change what is before it.
    private void ReadInfo(AsnReader info)
    {
        Require(info.TryReadInt32(out var version) && version == 1);
        info.ReadObjectIdentifier();
        var imprint = info.ReadSequence();
        ImprintAlgorithm = ReadHash(imprint.ReadSequence());
        Imprint = imprint.ReadOctetString();
        imprint.ThrowIfNotEmpty();
        info.ReadIntegerBytes();
        Time = info.ReadGeneralizedTime();
        while (info.HasData)
        {
            Require(!info.PeekTag().HasSameClassAndValue(Second));
            info.ReadEncodedValue();
        }
    }

    private void ReadCertificates(AsnReader set)
    {
        var read = ImmutableArray.CreateBuilder<CertificateFields>();
        while (set.HasData)
        {
            Require(read.Count < MostCertificates);
            if (CertificateFields.TryRead(set.ReadEncodedValue()) is { } certificate)
            {
                read.Add(certificate);
            }
        }

        Certificates = read.ToImmutable();
    }

    // RFC 5652, section 5.3.
    private void ReadSigner(AsnReader signer)
    {
        Require(signer.TryReadInt32(out var version) && version is 1 or 3);
        if (signer.PeekTag().HasSameClassAndValue(First))
        {
            SignerKeyId = signer.ReadOctetString(First);
        }
        else
        {
            var named = signer.ReadSequence();
            SignerIssuer = named.ReadEncodedValue();
            SignerSerial = named.ReadIntegerBytes();
            named.ThrowIfNotEmpty();
        }

        DigestAlgorithm = ReadHash(signer.ReadSequence());
        var attributes = signer.PeekEncodedValue().ToArray();
        ReadAttributes(signer.ReadSetOf(skipSortOrderValidation: true, First));
        // "A separate encoding of the signedAttrs field is performed": the SET's own tag in place of [0].
        attributes[0] = 0x31;
        SignedAttributes = attributes;
        SignatureAlgorithm = signer.ReadSequence().ReadObjectIdentifier();
        Signature = signer.ReadOctetString();
        if (signer.HasData)
        {
            signer.ReadEncodedValue();
            signer.ThrowIfNotEmpty();
        }
    }

    private void ReadAttributes(AsnReader attributes)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var oid = attribute.ReadObjectIdentifier();
            var values = attribute.ReadSetOf();
            attribute.ThrowIfNotEmpty();
            Require(seen.Add(oid));
            switch (oid)
            {
                case ContentType:
                    Require(values.ReadObjectIdentifier() == TstInfo);
                    values.ThrowIfNotEmpty();
                    break;
                case MessageDigestAttribute:
                    MessageDigest = values.ReadOctetString();
                    values.ThrowIfNotEmpty();
                    break;
                case SigningCertificateV2:
                    ReadSigningCertificate(values.ReadSequence());
                    values.ThrowIfNotEmpty();
                    break;
            }
        }

        // RFC 5652, section 11: without them the signature would not bind the content.
        Require(seen.Contains(ContentType) && seen.Contains(MessageDigestAttribute));
    }

    // RFC 5035, section 4: the first of the certificates is the signer's; its hash is SHA-256 where no other is named.
    private void ReadSigningCertificate(AsnReader attribute)
    {
        var first = attribute.ReadSequence().ReadSequence();
        CertificateHashAlgorithm = first.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence) ? ReadHash(first.ReadSequence()) : HashAlgorithmName.SHA256;
        CertificateHash = first.ReadOctetString();
    }

    private static HashAlgorithmName ReadHash(AsnReader identifier) => identifier.ReadObjectIdentifier() switch
    {
        "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
        "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
        "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
        _ => throw new AsnContentException(),
    };

    private static AsnReader ReadWhole(ReadOnlyMemory<byte> der)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var sequence = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        return sequence;
    }

    private static void Require(bool holds)
    {
        if (!holds)
        {
            throw new AsnContentException();
        }
    }
}
