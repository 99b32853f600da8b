using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Evidence;

/// <summary>Whether a review statement stands: whether a gate would count who signed it, and nobody has revoked it.</summary>
public static class ReviewStanding
{
    private const string Rule = "statement";

    /// <summary>Why it does not stand now; null where it does.</summary>
    /// <param name="claim">The statement, verified.</param>
    /// <param name="policy">The policy in force.</param>
    /// <param name="revocations">What no longer counts.</param>
    /// <param name="now">The time.</param>
    public static Reason? WhyNot(Claim claim, Policy policy, RevocationList revocations, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(claim);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(revocations);
        if (IsRevoked(claim, revocations))
        {
            return new(Rule, $"it was revoked in list {revocations.Number}");
        }

        var accepted = claim.Signers.Select(signer => SignatureRule.Accept(signer, policy.Reviewers, policy, revocations, now)).ToList();
        return accepted.Exists(one => one.Mistake is null) ? null : new(Rule, $"it is signed by {string.Join(", and by ", accepted.Select(one => $"{one.Name}, {one.Mistake}"))}");
    }

    /// <summary>Whether somebody revoked the statement itself, whoever signed it.</summary>
    /// <param name="claim">The statement, verified.</param>
    /// <param name="revocations">What no longer counts.</param>
    public static bool IsRevoked(Claim claim, RevocationList revocations)
    {
        ArgumentNullException.ThrowIfNull(claim);
        ArgumentNullException.ThrowIfNull(revocations);
        return claim.Review is { } review && revocations.Approvals.Contains(review.Id);
    }
}
