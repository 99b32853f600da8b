using System.Collections.Immutable;

namespace Governance.Gates.Sigstore;

/// <summary>What verification found.</summary>
public abstract record VerificationOutcome
{
    private VerificationOutcome()
    {
    }

    /// <summary>A trusted key signed exactly this about the artifact.</summary>
    /// <param name="Signers">The trusted keys whose signature verifies, each once: by cryptography, never by a name that a signature gives itself.</param>
    /// <param name="Content">What was signed.</param>
    public sealed record Verified(ImmutableArray<PublicKey> Signers, SignedContent Content) : VerificationOutcome;

    /// <summary>It proves nothing.</summary>
    /// <param name="Code">The kind of failure.</param>
    /// <param name="Step">Where: <c>policy</c>, <c>bundle</c>, <c>envelope</c>, <c>signature</c>, <c>payload</c>, <c>statement</c>, <c>subject</c>, <c>predicate</c> or <c>message</c>.</param>
    /// <param name="Detail">What was found, on one line, with the offending value.</param>
    public sealed record Rejected(RejectionCode Code, string Step, string Detail) : VerificationOutcome;
}
