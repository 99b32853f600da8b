using System.Collections.Immutable;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Keys;
using Governance.Gates.Sigstore.Logs;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>Verifies what was signed with a certificate: evidence, then the path at every time, then the promise to show the certificate, then the signature. Who signed is asked last.</summary>
internal static class CertificateVerifier
{
    /// <summary>Verifies one signature with a certificate.</summary>
    /// <param name="der">The certificate.</param>
    /// <param name="evidence">What stands beside the signature.</param>
    /// <param name="input">The signature and what it is over.</param>
    /// <param name="signers">Whose signature counts, by whose word.</param>
    /// <param name="readContent">Reads what is signed and holds it against the policy; asked once the signature holds.</param>
    public static VerificationOutcome Verify(byte[] der, BundleEvidence evidence, SignatureInput input, KeylessSigners signers, ReadContent readContent)
    {
        if (signers.Identities.IsEmpty)
        {
            return new Rejected(RejectionCode.NoTrustedIdentities, "policy", "no identity was given, so no certificate can count");
        }

        if (SignerCertificate.TryRead(der, out var rejected) is not { } certificate)
        {
            return rejected!;
        }

        var proven = ProvenEvidence.None;
        SignedContent? content = null;
        CertificateIdentity? identity = null;
        return Fault(certificate, evidence, input, signers.Evidence, out proven)
            ?? readContent(out content)
            ?? Stranger(certificate, signers.Identities, out identity)
            ?? (VerificationOutcome)new Verified([], content!) { Certificate = certificate, Identity = identity, Times = proven.Times, Logs = proven.Logs };
    }

    private static Rejected? Fault(SignerCertificate certificate, BundleEvidence evidence, SignatureInput input, EvidenceRequirement requirement, out ProvenEvidence proven)
    {
        if (EvidenceVerifier.Fault(evidence, requirement, input.Logged(certificate.Der, VerifierKind.Certificate, certificate.Key), out proven) is { } unproven)
        {
            return unproven;
        }

        if (proven.Times.IsEmpty)
        {
            // Whatever the thresholds: a certificate lives for minutes, and says nothing of any other time.
            return new(RejectionCode.NoVerifiedTime, "time", "no trusted party says when it was signed, so the certificate proves nothing");
        }

        if (PathFault(certificate, requirement, proven.Times, out var issuer) is { } broken)
        {
            return broken;
        }

        return CertificateTimestamps.Fault(certificate.Fields, issuer!, requirement)
            ?? (input.IsSignedBy(certificate.Key) ? null : new(RejectionCode.SignatureMismatch, "signature", "the certificate's key did not make this signature over these bytes"));
    }

    /// <summary>Which of the identities a certificate is; otherwise how it differs, told of the closest.</summary>
    private static Rejected? Stranger(SignerCertificate certificate, ImmutableArray<CertificateIdentity> identities, out CertificateIdentity? found)
    {
        Rejected? closest = null;
        foreach (var identity in identities)
        {
            if (identity.Mismatch(certificate) is not { } mismatch)
            {
                found = identity;
                return null;
            }

            // The codes stand in the order in which a certificate comes closer: name, issuer, extensions.
            closest = closest is null || mismatch.Code > closest.Code ? mismatch : closest;
        }

        found = null;
        return closest;
    }

    private static Rejected? PathFault(SignerCertificate certificate, EvidenceRequirement requirement, ImmutableArray<VerifiedTime> times, out CertificateFields? issuer)
    {
        issuer = null;
        Rejected? atWrongTime = null;
        foreach (var authority in requirement.Root.CertificateAuthorities)
        {
            if (!authority.Path.Issued(certificate.Fields, CertificateFields.CodeSigning))
            {
                continue;
            }

            // Every time, not one that suits: a backdated timestamp among others would otherwise choose the certificate's hour.
            var outside = times.Select(time => OutsideValidity(certificate, authority, time)).FirstOrDefault(fault => fault is not null);
            if (outside is null)
            {
                issuer = authority.Path.Certificates[0];
                return null;
            }

            atWrongTime ??= outside;
        }

        return atWrongTime ?? new(RejectionCode.CertificateUntrusted, "certificate", "none of the trusted root's authorities issued the certificate for signing code");
    }

    private static Rejected? OutsideValidity(SignerCertificate certificate, CertificateAuthority authority, VerifiedTime time)
    {
        if (!authority.Window.Contains(time.Time))
        {
            return new(RejectionCode.CertificateOutsideValidity, "certificate", $"{authority} counts from {authority.Window}, and it was signed at {time.Time.UtcDateTime:O}");
        }

        return authority.Path.OutOfValidity(certificate.Fields, time.Time) is { } expired
            ? new(RejectionCode.CertificateOutsideValidity, "certificate", $"the {(ReferenceEquals(expired, certificate.Fields) ? "" : "authority's ")}certificate is valid from {expired.NotBefore.UtcDateTime:O} to {expired.NotAfter.UtcDateTime:O}, and it was signed at {time.Time.UtcDateTime:O}")
            : null;
    }
}

/// <summary>Reads what is signed and holds it against the policy: null, and the content, where it is what was asked for.</summary>
internal delegate Rejected? ReadContent(out SignedContent? content);
