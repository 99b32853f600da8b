using System.Collections.Immutable;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>A certificate to sign with, and those above it, as a bundle brings them to who verifies.</summary>
public sealed class CertificateChain
{
    private CertificateChain(ImmutableArray<CertificateFields> certificates, PublicKey key)
    {
        Certificates = certificates;
        Key = key;
    }

    /// <summary>The key that the first certificate certifies.</summary>
    public PublicKey Key { get; }

    internal ImmutableArray<CertificateFields> Certificates { get; }

    /// <summary>Reads a chain and refuses one that nobody could verify.</summary>
    /// <param name="pem">PEM blocks <c>CERTIFICATE</c>: the signer's first, which must be for signing code, then each one's issuer. A root may be left out.</param>
    /// <param name="mistake">What is wrong and what to do, on one line; empty where a chain is returned.</param>
    /// <returns>The chain, or null.</returns>
    public static CertificateChain? TryParse(ReadOnlySpan<byte> pem, out string mistake)
    {
        if (CertificateFields.TryReadPem(pem, AuthoritySigners.MaxSize, out mistake) is not { } certificates)
        {
            return null;
        }

        var leaf = certificates[0];
        var key = PublicKey.TryParseDer(leaf.Spki, out var ofKey);
        mistake = key is null ? $"the first certificate's key is not accepted here: {ofKey}"
            : certificates.Length > Limits.Certificates ? $"there are {certificates.Length} certificates and at most {Limits.Certificates} are read"
            : !leaf.MaySign(CertificateFields.CodeSigning) || !leaf.Usages.Contains(CertificateFields.CodeSigning) ? "the first certificate is not for signing code; have one issued with digitalSignature and the extended usage codeSigning"
            : certificates.Zip(certificates.Skip(1)).Any(pair => !pair.First.Issuer.Span.SequenceEqual(pair.Second.Subject.Span)) ? "the certificates do not each name the next as their issuer; put the signer's first, then its issuer, and so on"
            : "";
        return mistake.Length == 0 ? new(certificates, key!) : null;
    }
}
