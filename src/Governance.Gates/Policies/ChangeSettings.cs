using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>The kinds of change to a repository, and when they may happen.</summary>
public sealed record ChangeSettings
{
    /// <summary>The label that makes an emergency, where the policy names no other.</summary>
    public const string UsualLabel = "emergency";

    /// <summary>Paths whose change is a standard one, which may happen at any time, where no rule asks for more; empty: none is.</summary>
    public ImmutableArray<PathPattern> PreApproved { get; init; } = [];

    /// <summary>When a normal change may be merged; empty: at any time.</summary>
    public ImmutableArray<ChangeWindow> Windows { get; init; } = [];

    /// <summary>What an emergency needs; null: there is none.</summary>
    public EmergencyRule? Emergency { get; init; }
}

/// <summary>What an emergency needs in place of windows and of approvals that are counted by path.</summary>
/// <param name="Label">The label of the pull request, set by somebody of <paramref name="Require"/>; its case says nothing.</param>
/// <param name="Require">Who must approve.</param>
/// <param name="Review">Who else must approve afterwards.</param>
/// <param name="Within">How long after the merge.</param>
public sealed record EmergencyRule(string Label, ImmutableArray<RoleCount> Require, ImmutableArray<RoleCount> Review, TimeSpan Within);
