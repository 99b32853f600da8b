using System.Collections.Immutable;
using System.Formats.Asn1;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore.Certificates;

/// <summary>An extension of a certificate (RFC 5280, section 4.2).</summary>
internal sealed record CertificateExtension(string Oid, bool IsCritical, ReadOnlyMemory<byte> Value);

/// <summary>A certificate's fields (RFC 5280, section 4.1), read strictly from its DER and not yet trusted.</summary>
/// <remarks>Times come from the DER itself: the platform's own type gives them in the machine's time zone.</remarks>
internal sealed class CertificateFields
{
    public const int MostBytes = 64 * 1024;

    // Fulcio's certificates have some twenty.
    private const int MostExtensions = 64;

    public const string CodeSigning = "1.3.6.1.5.5.7.3.3";
    public const string TimeStamping = "1.3.6.1.5.5.7.3.8";

    private const string KeyUsage = "2.5.29.15";
    private const string BasicConstraints = "2.5.29.19";
    private const string ExtendedKeyUsage = "2.5.29.37";
    private const string SubjectKeyIdentifier = "2.5.29.14";
    private static readonly Asn1Tag Version = new(TagClass.ContextSpecific, 0);
    private static readonly Asn1Tag ExtensionsTag = new(TagClass.ContextSpecific, 3);

    private byte keyUsage;

    private CertificateFields(ReadOnlyMemory<byte> der, ReadOnlyMemory<byte> tbs)
    {
        Der = der;
        Tbs = tbs;
        Sha256 = SHA256.HashData(der.Span);
    }

    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>The TBSCertificate, its tag and length included.</summary>
    public ReadOnlyMemory<byte> Tbs { get; }

    public ReadOnlyMemory<byte> Sha256 { get; }

    /// <summary>The contents of the serial number's INTEGER.</summary>
    public ReadOnlyMemory<byte> Serial { get; private init; }

    /// <summary>The issuer's Name in DER.</summary>
    public ReadOnlyMemory<byte> Issuer { get; private init; }

    /// <summary>The subject's Name in DER.</summary>
    public ReadOnlyMemory<byte> Subject { get; private init; }

    /// <summary>The SubjectPublicKeyInfo in DER.</summary>
    public ReadOnlyMemory<byte> Spki { get; private init; }

    public DateTimeOffset NotBefore { get; private init; }

    public DateTimeOffset NotAfter { get; private init; }

    public ImmutableArray<CertificateExtension> Extensions { get; private init; }

    public bool IsSelfIssued => Issuer.Span.SequenceEqual(Subject.Span);

    /// <summary>RFC 5280, section 4.1.2.5: "the period of time from notBefore through notAfter, inclusive".</summary>
    public bool IsValidAt(DateTimeOffset time) => NotBefore <= time && time <= NotAfter;

    /// <summary>Whether it may issue others.</summary>
    public bool IsAuthority { get; private set; }

    /// <summary>Whether its key may sign anything but certificates, for a use: digitalSignature, and for timestamps nonRepudiation too (RFC 3161, section 2.3).</summary>
    public bool MaySign(string usage) => (keyUsage & (usage == TimeStamping ? 0xc0 : 0x80)) != 0;

    /// <summary>What it is for; empty where it does not say.</summary>
    public ImmutableArray<string> Usages { get; private set; } = [];

    /// <summary>Whether it insists on <see cref="Usages"/>.</summary>
    public bool InsistsOnUsages { get; private set; }

    public ReadOnlyMemory<byte> KeyIdentifier { get; private set; }

    public CertificateExtension? Extension(string oid) => Extensions.FirstOrDefault(extension => extension.Oid == oid);

    /// <summary>The fields, or null where it is not one certificate in DER.</summary>
    public static CertificateFields? TryRead(ReadOnlyMemory<byte> der)
    {
        if (der.Length > MostBytes)
        {
            return null;
        }

        try
        {
            var outer = new AsnReader(der, AsnEncodingRules.DER);
            var certificate = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var tbs = certificate.PeekEncodedValue();
            var fields = Read(der, tbs, certificate.ReadSequence());
            certificate.ReadSequence();
            certificate.ReadBitString(out _);
            certificate.ThrowIfNotEmpty();
            fields.ReadKnownExtensions();
            return fields;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    /// <summary>The certificates of a PEM file, in its order; null with a mistake.</summary>
    public static ImmutableArray<CertificateFields>? TryReadPem(ReadOnlySpan<byte> pem, int most, out string mistake)
    {
        if (pem.Length > most)
        {
            mistake = $"it has {pem.Length} bytes and at most {most} are read";
            return null;
        }

        if (PemBlock.TryDecodeAll(pem, "CERTIFICATE") is not { } blocks)
        {
            mistake = "it has no PEM block 'CERTIFICATE', or one that is damaged or something else; give certificates in PEM alone";
            return null;
        }

        ImmutableArray<CertificateFields> certificates = [.. blocks.Select(der => TryRead(der)).OfType<CertificateFields>()];
        mistake = certificates.Length == blocks.Count ? "" : "one of the PEM blocks is no certificate of version 3 in DER";
        return mistake.Length == 0 ? certificates : null;
    }

    private static CertificateFields Read(ReadOnlyMemory<byte> der, ReadOnlyMemory<byte> tbs, AsnReader reader)
    {
        var version = reader.ReadSequence(Version);
        // Version 3 is written 2; what is older has no extensions and says nothing that is asked for here.
        if (!version.TryReadInt32(out var number) || number != 2)
        {
            throw new AsnContentException();
        }

        version.ThrowIfNotEmpty();
        var serial = reader.ReadIntegerBytes();
        reader.ReadSequence();
        var issuer = reader.ReadEncodedValue();
        var validity = reader.ReadSequence();
        var (from, until) = (ReadTime(validity), ReadTime(validity));
        validity.ThrowIfNotEmpty();
        var subject = reader.ReadEncodedValue();
        var spki = reader.ReadEncodedValue();
        ImmutableArray<CertificateExtension> extensions = [];
        while (reader.HasData)
        {
            if (reader.PeekTag().HasSameClassAndValue(ExtensionsTag))
            {
                extensions = ReadExtensions(reader.ReadSequence(ExtensionsTag));
                reader.ThrowIfNotEmpty();
            }
            else
            {
                reader.ReadEncodedValue();
            }
        }

        return new(der, tbs) { Serial = serial, Issuer = issuer, Subject = subject, Spki = spki, NotBefore = from, NotAfter = until, Extensions = extensions };
    }

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static ImmutableArray<CertificateExtension> ReadExtensions(AsnReader wrapper)
    {
        var list = wrapper.ReadSequence();
        wrapper.ThrowIfNotEmpty();
        var extensions = ImmutableArray.CreateBuilder<CertificateExtension>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (list.HasData)
        {
            var extension = list.ReadSequence();
            var oid = extension.ReadObjectIdentifier();
            var isCritical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
            var value = extension.ReadOctetString();
            extension.ThrowIfNotEmpty();
            // RFC 5280, section 4.2: no certificate has two of a kind. Two readers could choose different ones.
            if (!seen.Add(oid) || seen.Count > MostExtensions)
            {
                throw new AsnContentException();
            }

            extensions.Add(new(oid, isCritical, value));
        }

        return extensions.ToImmutable();
    }

    private void ReadKnownExtensions()
    {
        if (Extension(BasicConstraints) is { } constraints)
        {
            var reader = new AsnReader(constraints.Value, AsnEncodingRules.DER).ReadSequence();
            IsAuthority = reader.HasData && reader.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && reader.ReadBoolean();
        }

        // RFC 5280, section 4.2.1.3: digitalSignature is bit 0, nonRepudiation bit 1. A certificate that does not say may do neither.
        keyUsage = Extension(KeyUsage) is { } usage && new AsnReader(usage.Value, AsnEncodingRules.DER).ReadBitString(out _) is [var bits, ..] ? bits : (byte)0;
        if (Extension(ExtendedKeyUsage) is { } extended)
        {
            var usages = ImmutableArray.CreateBuilder<string>();
            for (var reader = new AsnReader(extended.Value, AsnEncodingRules.DER).ReadSequence(); reader.HasData;)
            {
                usages.Add(reader.ReadObjectIdentifier());
            }

            (Usages, InsistsOnUsages) = (usages.ToImmutable(), extended.IsCritical);
        }

        KeyIdentifier = Extension(SubjectKeyIdentifier) is { } identifier ? new AsnReader(identifier.Value, AsnEncodingRules.DER).ReadOctetString() : default(ReadOnlyMemory<byte>);
    }
}
