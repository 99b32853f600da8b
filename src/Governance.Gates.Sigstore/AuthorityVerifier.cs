using System.Collections.Immutable;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Keys;
using Governance.Gates.Sigstore.Logs;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>Verifies what was signed with a long-lived certificate of an authority of one's own.</summary>
internal static class AuthorityVerifier
{
    /// <summary>Verifies one signature.</summary>
    /// <param name="chain">The certificates of the bundle in DER, the leaf first.</param>
    /// <param name="evidence">What stands beside the signature.</param>
    /// <param name="input">The signature and what it is over.</param>
    /// <param name="signers">Whose signature counts, and when.</param>
    /// <param name="readContent">Reads what is signed and holds it against the policy; asked once the signature holds.</param>
    public static VerificationOutcome Verify(ImmutableArray<byte[]> chain, BundleEvidence evidence, SignatureInput input, AuthoritySigners signers, ReadContent readContent)
    {
        ImmutableArray<CertificateFields> fields = [.. chain.Select(der => CertificateFields.TryRead(der)).OfType<CertificateFields>()];
        if (fields.Length != chain.Length)
        {
            return new Rejected(RejectionCode.MalformedCertificate, "certificate", "the chain has what is no certificate of version 3 in DER");
        }

        if (SignerCertificate.TryReadNamedBySubject(fields[0], out var rejected) is not { } certificate)
        {
            return rejected!;
        }

        SignedContent? content = null;
        return TimeFault(certificate, evidence, input, signers, out var proven, out var times)
            ?? PathFault(fields, signers, times)
            ?? (input.IsSignedBy(certificate.Key) ? null : new Rejected(RejectionCode.SignatureMismatch, "signature", "the certificate's key did not make this signature over these bytes"))
            ?? readContent(out content)
            ?? (VerificationOutcome)new Verified([], content!) { Certificate = certificate, Times = proven.Times, Logs = proven.Logs };
    }

    /// <summary>The times at which the certificates must be valid.</summary>
    private static Rejected? TimeFault(SignerCertificate certificate, BundleEvidence evidence, SignatureInput input, AuthoritySigners signers, out ProvenEvidence proven, out ImmutableArray<DateTimeOffset> times)
    {
        proven = ProvenEvidence.None;
        times = signers.ValidAt is { } now ? [now] : [];
        if (signers.Evidence is { } requirement)
        {
            if (EvidenceVerifier.Fault(evidence, requirement, input.Logged(certificate.Der, VerifierKind.Certificate, certificate.Key), out proven) is { } unproven)
            {
                return unproven;
            }

            times = [.. proven.Times.Select(time => time.Time)];
        }

        return times.IsEmpty ? new(RejectionCode.NoVerifiedTime, "time", "no trusted party says when it was signed, and no time was given at which the certificate must be valid") : null;
    }

    private static Rejected? PathFault(ImmutableArray<CertificateFields> fields, AuthoritySigners signers, ImmutableArray<DateTimeOffset> times)
    {
        if (signers.PathOf(fields) is not { } path)
        {
            return new(RejectionCode.CertificateUntrusted, "certificate", "none of the authorities given issued the certificate for signing code, along the chain that the bundle brings");
        }

        foreach (var time in times)
        {
            if (path.OutOfValidity(fields[0], time) is { } expired)
            {
                return new(
                    RejectionCode.CertificateOutsideValidity,
                    "certificate",
                    $"the {(ReferenceEquals(expired, fields[0]) ? "" : "authority's ")}certificate is valid from {expired.NotBefore.UtcDateTime:O} to {expired.NotAfter.UtcDateTime:O}, and must be at {time.UtcDateTime:O}");
            }
        }

        return null;
    }
}
