using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Certificates;

/// <summary>The signed certificate timestamps in a certificate (RFC 6962, sections 3.2 and 3.3): logs that promised to show it to everybody.</summary>
internal static class CertificateTimestamps
{
    private const string Oid = "1.3.6.1.4.1.11129.2.4.2";
    private const string Step = "certificate";
    private const int MostTimestamps = 16;
    private const int LogIdSize = 32;
    private const byte Sha256 = 4;

    private sealed record Timestamp(byte[] LogId, ulong Milliseconds, byte[] Extensions, byte[] Signature);

    /// <summary>Why too few logs promised to show a certificate; null where enough did.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="issuer">Who issued it: the promise names its key.</param>
    /// <param name="requirement">How many logs, and which.</param>
    public static Rejected? Fault(CertificateFields certificate, CertificateFields issuer, EvidenceRequirement requirement)
    {
        if (Read(certificate) is not { } timestamps)
        {
            return new(RejectionCode.MalformedCertificate, Step, "the certificate's signed certificate timestamps are not a list as RFC 6962 has it");
        }

        var logs = new HashSet<string>(StringComparer.Ordinal);
        foreach (var timestamp in timestamps)
        {
            if (requirement.Root.CertificateLogs.FirstOrDefault(log => log.LogId.Span.SequenceEqual(timestamp.LogId)) is not { } log)
            {
                continue;
            }

            if (SignedBytes(certificate, issuer, timestamp) is not { } signed || !log.Key.Verify(signed, timestamp.Signature))
            {
                return new(RejectionCode.CertificateTimestampInvalid, Step, $"{log} did not sign for this certificate");
            }

            // Beyond year 9999 there is no time here, and in no window either.
            if (timestamp.Milliseconds > 253402300799999 || !log.Window.Contains(DateTimeOffset.FromUnixTimeMilliseconds((long)timestamp.Milliseconds)))
            {
                return new(RejectionCode.OutsideLogValidity, Step, $"{log} counts from {log.Window}, and its promise is of another time");
            }

            logs.Add(log.Party);
        }

        return logs.Count >= requirement.CertificateTimestamps
            ? null
            : new(RejectionCode.CertificateTimestampMissing, Step, $"{logs.Count} trusted logs promised to show the certificate, and {requirement.CertificateTimestamps} must have");
    }

    // opaque SerializedSCT<1..2^16-1>; struct { SerializedSCT sct_list <1..2^16-1>; } in an OCTET STRING.
    private static List<Timestamp>? Read(CertificateFields certificate)
    {
        if (certificate.Extension(Oid) is not { } extension)
        {
            return [];
        }

        try
        {
            var reader = new AsnReader(extension.Value, AsnEncodingRules.DER);
            ReadOnlySpan<byte> rest = reader.ReadOctetString();
            reader.ThrowIfNotEmpty();
            var timestamps = new List<Timestamp>();
            var list = Take16(ref rest);
            if (!rest.IsEmpty)
            {
                return null;
            }

            while (!list.IsEmpty)
            {
                var one = Take16(ref list);
                var version = Take(ref one, 1)[0];
                var logId = Take(ref one, LogIdSize).ToArray();
                var milliseconds = BinaryPrimitives.ReadUInt64BigEndian(Take(ref one, sizeof(ulong)));
                var extensions = Take16(ref one).ToArray();
                var algorithm = Take(ref one, 2);
                var isSha256 = algorithm[0] == Sha256;
                var signature = Take16(ref one).ToArray();
                if (version != 0 || !isSha256 || !one.IsEmpty || timestamps.Count == MostTimestamps)
                {
                    return null;
                }

                timestamps.Add(new(logId, milliseconds, extensions, signature));
            }

            return timestamps;
        }
        catch (Exception malformed) when (malformed is AsnContentException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    /// <summary>What the log signed: RFC 6962, section 3.2, for a precert_entry. The extensions of a static log change no other byte of it.</summary>
    private static byte[]? SignedBytes(CertificateFields certificate, CertificateFields issuer, Timestamp timestamp)
    {
        if (WithoutTimestamps(certificate) is not { } tbs)
        {
            return null;
        }

        var head = new byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(2), timestamp.Milliseconds);
        head[11] = 1;
        byte[] length = [(byte)(tbs.Length >> 16), (byte)(tbs.Length >> 8), (byte)tbs.Length];
        byte[] extensionsLength = [(byte)(timestamp.Extensions.Length >> 8), (byte)timestamp.Extensions.Length];
        return [.. head, .. SHA256.HashData(issuer.Spki.Span), .. length, .. tbs, .. extensionsLength, .. timestamp.Extensions];
    }

    /// <summary>The TBSCertificate as the log saw it, before the list was put in: every other field byte for byte.</summary>
    private static byte[]? WithoutTimestamps(CertificateFields certificate)
    {
        var extensionsTag = new Asn1Tag(TagClass.ContextSpecific, 3);
        try
        {
            var reader = new AsnReader(certificate.Tbs, AsnEncodingRules.DER).ReadSequence();
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                while (reader.HasData)
                {
                    if (!reader.PeekTag().HasSameClassAndValue(extensionsTag))
                    {
                        writer.WriteEncodedValue(reader.ReadEncodedValue().Span);
                        continue;
                    }

                    var extensions = reader.ReadSequence(extensionsTag).ReadSequence();
                    using (writer.PushSequence(extensionsTag))
                    using (writer.PushSequence())
                    {
                        while (extensions.HasData)
                        {
                            var extension = extensions.ReadEncodedValue();
                            if (new AsnReader(extension, AsnEncodingRules.DER).ReadSequence().ReadObjectIdentifier() != Oid)
                            {
                                writer.WriteEncodedValue(extension.Span);
                            }
                        }
                    }
                }
            }

            return writer.Encode();
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> Take16(ref ReadOnlySpan<byte> from) => Take(ref from, BinaryPrimitives.ReadUInt16BigEndian(Take(ref from, sizeof(ushort))));

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> from, int count)
    {
        var taken = from[..count];
        from = from[count..];
        return taken;
    }
}
