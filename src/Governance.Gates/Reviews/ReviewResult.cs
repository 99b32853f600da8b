using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>What was decided about a pull request, and how.</summary>
/// <param name="Decision">The decision.</param>
/// <param name="Approvals">Everybody's last word, in the order of the reviews.</param>
/// <param name="Needs">What was asked for, in the order of the policy.</param>
public sealed record ReviewResult(Decision Decision, ImmutableArray<ApprovalRead> Approvals, ImmutableArray<ReviewNeed> Needs)
{
    /// <summary>Which kind of change it is; null where the policy tells none apart.</summary>
    public ChangeCategory? Category { get; init; }
}

/// <summary>The last word of an account about a pull request.</summary>
/// <param name="Login">Whose; empty where the account is gone.</param>
/// <param name="State">The state of the review that counts as it.</param>
/// <param name="Person">The policy's name for the person, where the approval counts.</param>
/// <param name="WhyNot">Why it is no approval that counts; null where it is one.</param>
public sealed record ApprovalRead(string Login, string State, string? Person, string? WhyNot);

/// <summary>One thing that was asked for.</summary>
/// <param name="Rule">The rule, as the policy names it.</param>
/// <param name="What">Who must approve what, on one line.</param>
/// <param name="Verdict">How it stands.</param>
/// <param name="By">The policy's names of the persons who filled a place.</param>
/// <param name="Missing">Who could fill what is missing: owners as CODEOWNERS spells them, or names of people.</param>
public sealed record ReviewNeed(string Rule, string What, Verdict Verdict, ImmutableArray<string> By, ImmutableArray<string> Missing);
