using System.Collections.Immutable;

namespace Governance.Gates.Sigstore;

/// <summary>What verification found.</summary>
public abstract record VerificationOutcome
{
    private VerificationOutcome()
    {
    }

    /// <summary>A trusted key, or the holder of a trusted identity, signed exactly this about the artifact.</summary>
    /// <param name="Signers">The trusted keys whose signature verifies, each once: by cryptography, never by a name that a signature gives itself. Empty where a certificate's key signed.</param>
    /// <param name="Content">What was signed.</param>
    public sealed record Verified(ImmutableArray<PublicKey> Signers, SignedContent Content) : VerificationOutcome
    {
        /// <summary>The certificate whose key signed; null where a trusted key did.</summary>
        public SignerCertificate? Certificate { get; init; }

        /// <summary>Which of the policy's identities it is; null where a trusted key signed.</summary>
        public CertificateIdentity? Identity { get; init; }

        /// <summary>When it was signed, by the word of each trusted party that said so; empty where nobody was asked.</summary>
        public ImmutableArray<VerifiedTime> Times { get; init; } = [];

        /// <summary>The trusted logs that have the signature; empty where none was asked.</summary>
        public ImmutableArray<VerifiedLogEntry> Logs { get; init; } = [];
    }

    /// <summary>It proves nothing.</summary>
    /// <param name="Code">The kind of failure.</param>
    /// <param name="Step">Where: <c>policy</c>, <c>bundle</c>, <c>envelope</c>, <c>signature</c>, <c>payload</c>, <c>statement</c>, <c>subject</c>, <c>predicate</c>, <c>message</c>, <c>evidence</c>, <c>log entry</c>, <c>timestamp</c>, <c>time</c>, <c>certificate</c>, <c>identity</c> or <c>tag</c>.</param>
    /// <param name="Detail">What was found, on one line, with the offending value.</param>
    public sealed record Rejected(RejectionCode Code, string Step, string Detail) : VerificationOutcome;
}
