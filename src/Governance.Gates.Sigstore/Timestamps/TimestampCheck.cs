using System.Security.Cryptography;
using Governance.Gates.Sigstore.Certificates;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Timestamps;

/// <summary>Holds one timestamp against one authority and what it must be over.</summary>
internal static class TimestampCheck
{
    private const string Step = "timestamp";

    /// <summary>Why a timestamp proves nothing by an authority's word; null where all of it holds.</summary>
    /// <param name="token">The timestamp.</param>
    /// <param name="authority">The authority; only its own window and its own certificates count.</param>
    /// <param name="stamped">The bytes over which it must be.</param>
    public static Rejected? Fault(TimestampToken token, CertificateAuthority authority, ReadOnlySpan<byte> stamped)
    {
        // The signer is the certificate that the token names and the root has, wherever else one of that name may stand.
        var signer = authority.Leaf is { } own
            ? token.IsSignedAs(own) ? own : null
            : token.Certificates.FirstOrDefault(certificate => token.IsSignedAs(certificate) && authority.IssuedForTimestamps(certificate));
        // RFC 3161, section 2.3: a key that only stamps, and a certificate that insists on it.
        if (signer is null || signer.Usages is not [CertificateFields.TimeStamping] || !signer.InsistsOnUsages || (authority.Leaf is not null && !authority.IssuedForTimestamps(signer)))
        {
            return Untrusted;
        }

        // All that is compared is compared before any of it is believed; the order only chooses the code.
        if (!Hash(token.DigestAlgorithm, token.Info.Span).AsSpan().SequenceEqual(token.MessageDigest.Span))
        {
            return new(RejectionCode.TimestampContentChanged, Step, $"the time {token.Time.UtcDateTime:O} or what was stamped is not what {authority} signed");
        }

        if (!Hash(token.CertificateHashAlgorithm, signer.Der.Span).AsSpan().SequenceEqual(token.CertificateHash.Span) || !IsSigned(token, signer))
        {
            return new(RejectionCode.TimestampSignatureInvalid, Step, $"{authority} did not sign this timestamp");
        }

        if (!Hash(token.ImprintAlgorithm, stamped).AsSpan().SequenceEqual(token.Imprint.Span))
        {
            return new(RejectionCode.TimestampMismatch, Step, "the timestamp is over another signature");
        }

        if (!authority.Window.Contains(token.Time))
        {
            return new(RejectionCode.TimestampOutsideValidity, Step, $"{authority} counts from {authority.Window}, and the timestamp is of {token.Time.UtcDateTime:O}");
        }

        return authority.Path.OutOfValidity(signer, token.Time) is { } expired
            ? new(RejectionCode.TimestampOutsideValidity, Step, $"a certificate of {authority} is valid from {expired.NotBefore.UtcDateTime:O} to {expired.NotAfter.UtcDateTime:O}, and the timestamp is of {token.Time.UtcDateTime:O}")
            : null;
    }

    /// <summary>No authority of the root signed it.</summary>
    public static Rejected Untrusted { get; } = new(RejectionCode.TimestampUntrusted, Step, "the timestamp names a signer that is none of the trusted authorities");

    /// <summary>RFC 5652, section 5.4, with the algorithm that the signer names: the key's own kind still decides which may be.</summary>
    private static bool IsSigned(TimestampToken token, CertificateFields signer)
    {
        if (PublicKey.TryParseDer(signer.Spki, out _) is not { } key || HashOf(token.SignatureAlgorithm, token.DigestAlgorithm) is not { } hash)
        {
            return false;
        }

        try
        {
            if (key.Algorithm == KeyAlgorithm.Rsa)
            {
                using var rsa = RSA.Create();
                rsa.ImportSubjectPublicKeyInfo(signer.Spki.Span, out _);
                return rsa.VerifyData(token.SignedAttributes, token.Signature, hash, RSASignaturePadding.Pkcs1);
            }

            if (key.Algorithm == KeyAlgorithm.Ed25519)
            {
                return false;
            }

            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(signer.Spki.Span, out _);
            return ecdsa.VerifyData(token.SignedAttributes, token.Signature, hash, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static HashAlgorithmName? HashOf(string signatureAlgorithm, HashAlgorithmName digest) => signatureAlgorithm switch
    {
        "1.2.840.10045.4.3.2" or "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
        "1.2.840.10045.4.3.3" or "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
        "1.2.840.10045.4.3.4" or "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
        // rsaEncryption: the digest algorithm beside it says which (RFC 3370, section 3.2).
        "1.2.840.113549.1.1.1" => digest,
        _ => null,
    };

    private static byte[] Hash(HashAlgorithmName algorithm, ReadOnlySpan<byte> data) =>
        algorithm == HashAlgorithmName.SHA256 ? SHA256.HashData(data) : algorithm == HashAlgorithmName.SHA384 ? SHA384.HashData(data) : SHA512.HashData(data);
}
