using System.Formats.Asn1;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Timestamps;

namespace Governance.Gates.Sigstore;

/// <summary>Asks an authority for a timestamp over a signature (RFC 3161, section 2.4) and holds the answer against the trusted root.</summary>
internal static class TimestampExchange
{
    public static SigningRequest Request(byte[] signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(1);
            using (writer.PushSequence())
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier("2.16.840.1.101.3.4.2.1");
                    writer.WriteNull();
                }

                writer.WriteOctetString(SHA256.HashData(signature));
            }

            // No nonce: the signature was made just now and never before, so that no older answer is over it.
            writer.WriteBoolean(true);
        }

        return new(SigningService.TimestampAuthority, "", "application/timestamp-query", writer.Encode(), TimestampToken.MostBytes);
    }

    /// <exception cref="KeylessSigningException">It is no timestamp over the signature by an authority of the root, or of a time at which the certificate is not valid.</exception>
    public static void Check(ReadOnlyMemory<byte> answer, byte[] signature, SignerCertificate certificate, EvidenceRequirement evidence)
    {
        if (TimestampToken.TryRead(answer, out var mistake) is not { } token)
        {
            throw Refused(mistake);
        }

        var faults = evidence.Root.TimestampAuthorities.Select(authority => TimestampCheck.Fault(token, authority, signature)).ToList();
        if (faults.All(fault => fault is not null))
        {
            throw Refused((faults.FirstOrDefault(fault => fault!.Code != RejectionCode.TimestampUntrusted) ?? TimestampCheck.Untrusted).Detail);
        }

        if (!certificate.Validity.Contains(token.Time))
        {
            throw new KeylessSigningException(
                $"the timestamp authority says {token.Time.UtcDateTime:O}, and the certificate is valid from {certificate.Validity}",
                "the clock of the certificate authority or of the timestamp authority is wrong: tell their operators");
        }
    }

    private static KeylessSigningException Refused(string why) =>
        new($"the timestamp authority's answer is not used: {why}", "see that the timestamp authority and the trusted root are of one instance, and tell its operator");
}
