using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary>What a gate under a policy must still know after a restart, and so keeps in a state folder.</summary>
internal static class LastingState
{
    /// <summary>The first of what must be remembered, as a clause; null where a policy asks for nothing of the kind.</summary>
    public static string? NeededBy(Policy policy)
    {
        if (policy.Approvals.ContainsKey(ApprovalRule.PolicyChange))
        {
            return $"approvals.{ApprovalRule.PolicyChange} says who must agree to a new version, and which one was accepted last must be remembered: a restart would take any";
        }

        if (policy.Revocations is not null)
        {
            return "trust.revocations names a list that never goes backwards, and which one was accepted last must be remembered: a restart would take an older one";
        }

        if (policy.Images.FirstOrDefault(rule => rule.Demand is ImageDemand.Require { Approved: not null }) is { } asking)
        {
            return $"{asking.Path} asks for approvals, and what was admitted under them must be remembered";
        }

        if (policy.Admission.Objects is [var declared, ..])
        {
            return $"{declared.Path} asks for approvals, and what was admitted under them must be remembered";
        }

        return (SessionRule[])[policy.Admission.Sessions.Exec, policy.Admission.Sessions.Attach, policy.Admission.Sessions.PortForward] is var sessions && sessions.Any(rule => rule is SessionRule.Require)
            ? "admission.sessions asks for approvals, and which of them were used must be remembered"
            : null;
    }
}
