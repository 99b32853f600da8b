using System.Collections.Immutable;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Approvals;

/// <summary>Whether a new version of the policy may follow the one in force: the policy is an artifact that a quorum under its predecessor approves.</summary>
public static class PolicyChain
{
    private const string Rule = "metadata";

    /// <summary>Decides whether a policy may take the place of another.</summary>
    /// <param name="inForce">The policy in force.</param>
    /// <param name="candidate">The policy that would follow.</param>
    /// <param name="statements">Requests and approvals about the candidate's digest, verified with the keys of the policy in force.</param>
    /// <param name="revocations">What no longer counts under the policy in force.</param>
    /// <param name="now">The time of the decision.</param>
    /// <returns>Allow where the policy in force asks nobody, or where enough agreed; else why not.</returns>
    public static Decision Decide(Policy inForce, Policy candidate, IReadOnlyCollection<SignedStatement> statements, Reading<RevocationList> revocations, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(revocations);
        if (Need(inForce, candidate) is not { } need)
        {
            return Decision.AllowBecause(new Reason(Rule, $"version {inForce.Version} asks nobody about changes of the policy"));
        }

        if (WhyNotNext(inForce, candidate) is { } why)
        {
            return Decision.Deny(why);
        }

        if (!revocations.Try(out var revoked, out var unread))
        {
            return Decision.Unknown(unread);
        }

        return Quorum.Decide(need, statements, inForce, revoked, ImmutableDictionary<string, long>.Empty, now).Decision;
    }

    /// <summary>Why a policy can never follow the one in force, whoever approves it; null where it can.</summary>
    /// <param name="inForce">The policy in force.</param>
    /// <param name="candidate">The policy that would follow.</param>
    public static Reason? WhyNotNext(Policy inForce, Policy candidate)
    {
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentNullException.ThrowIfNull(candidate);
        return candidate.Name != inForce.Name ? new($"{Rule}.name", $"the policy {candidate.Name} is not a version of {inForce.Name}", "a gate follows one policy: give the new one the same name")
            : candidate.Version <= inForce.Version ? new($"{Rule}.version", $"version {candidate.Version} does not follow version {inForce.Version}", "versions only rise: make what an older one said a new version, and have it approved")
            : candidate.Previous != inForce.Digest ? new($"{Rule}.previous", $"version {candidate.Version} follows {candidate.Previous?.ToString() ?? "nothing"}, and {inForce.Digest} is in force", "write the digest of the version in force as 'previous', and have that file approved")
            : null;
    }

    /// <summary>What must be approved before a policy takes the place of another; null where the one in force asks nobody.</summary>
    /// <param name="inForce">The policy in force.</param>
    /// <param name="candidate">The policy that would follow.</param>
    public static ApprovalNeed? Need(Policy inForce, Policy candidate)
    {
        ArgumentNullException.ThrowIfNull(inForce);
        ArgumentNullException.ThrowIfNull(candidate);
        if (!inForce.Approvals.TryGetValue(ApprovalRule.PolicyChange, out var change))
        {
            return null;
        }

        // Whatever is not shown to be neutral or stronger is weaker, and nobody who gains by it counts.
        var difference = PolicyDiff.Between(inForce, candidate);
        var rule = difference.IsWeaker ? inForce.Approvals.GetValueOrDefault(ApprovalRule.PolicyWeakening) ?? change : change;
        return new(
            rule,
            $"approvals.{rule.Action}",
            $"version {candidate.Version} of the policy {candidate.Name}",
            [new(CoveredKind.Artifact, "governance.yaml", candidate.Digest, default)],
            null)
        {
            Favoured = difference.IsWeaker ? difference.Gainers : [],
        };
    }
}
