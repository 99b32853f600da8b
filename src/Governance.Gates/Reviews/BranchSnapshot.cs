using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>How a branch is protected, as it was at one moment. What could not be read is said where it would stand, and is not the same as what is absent.</summary>
public sealed record BranchSnapshot
{
    /// <summary>Owner and name, as in <c>example/trading</c>.</summary>
    public required string Repository { get; init; }

    /// <summary>The branch.</summary>
    public required string Branch { get; init; }

    /// <summary>The rulesets with active rules for the branch.</summary>
    public required Reading<ImmutableArray<BranchGuard>> Rulesets { get; init; }

    /// <summary>Its classic protection; null where it has none.</summary>
    public required Reading<BranchGuard?> Protection { get; init; }

    /// <summary>Merge methods that the repository offers: <c>merge</c>, <c>squash</c>, <c>rebase</c>.</summary>
    public required Reading<ImmutableArray<string>> MergeMethods { get; init; }

    /// <summary>Whether workflows may approve pull requests.</summary>
    public required Reading<bool> WorkflowsApprove { get; init; }

    /// <summary>Which workflow of the branch posts which check.</summary>
    public required Reading<ImmutableArray<WorkflowCheck>> Workflows { get; init; }

    /// <summary>The rulesets with active rules for tags; null where the snapshot says nothing of them.</summary>
    public Reading<ImmutableArray<TagGuard>>? TagRulesets { get; init; }
}

/// <summary>A ruleset of tags.</summary>
/// <param name="Name">For people, such as <c>ruleset 'releases' (12)</c>.</param>
/// <param name="Includes">Patterns of refs that it is for.</param>
/// <param name="Excludes">Patterns of refs that it is not for.</param>
/// <param name="Rules">Its rules, such as <c>creation</c>, <c>update</c> and <c>deletion</c>.</param>
/// <param name="Bypass">Who is not bound by it.</param>
public sealed record TagGuard(string Name, ImmutableArray<string> Includes, ImmutableArray<string> Excludes, ImmutableArray<string> Rules, Reading<ImmutableArray<BypassActor>> Bypass)
{
    /// <summary>Whether it surely is for every tag that a pattern names. GitHub's patterns are those of fnmatch(3) with FNM_PATHNAME, so that a star stays within one component.</summary>
    public bool Covers(string pattern) => Excludes.IsEmpty && Includes.Any(include => include is "~ALL" or "refs/tags/**/*" || include == $"refs/tags/{pattern}" || (include == "refs/tags/*" && !pattern.Contains('/', StringComparison.Ordinal)));
}

/// <summary>One thing that guards a branch: a ruleset, or the classic protection.</summary>
/// <param name="Name">For people, such as <c>ruleset 'main' (12)</c>.</param>
public sealed record BranchGuard(string Name)
{
    /// <summary>Whether changes come by a pull request only.</summary>
    public bool NeedsPullRequest { get; init; }

    /// <summary>Whether nobody may push over what is there.</summary>
    public bool BlocksForcePush { get; init; }

    /// <summary>Whether nobody may delete the branch.</summary>
    public bool BlocksDeletion { get; init; }

    /// <summary>How many must approve a pull request.</summary>
    public long Approvals { get; init; }

    /// <summary>Whether a code owner must be among them.</summary>
    public bool NeedsCodeOwner { get; init; }

    /// <summary>Whether approvals end with the next push.</summary>
    public bool DismissesStale { get; init; }

    /// <summary>Whether somebody else than who pushed last must approve.</summary>
    public bool NeedsLastPushApproval { get; init; }

    /// <summary>Whether commits must be signed.</summary>
    public bool NeedsSignatures { get; init; }

    /// <summary>Whether changes go through the merge queue.</summary>
    public bool NeedsMergeQueue { get; init; }

    /// <summary>Whether conversations about a change must be resolved.</summary>
    public bool ResolvesThreads { get; init; }

    /// <summary>Who else must approve changes of some paths, for people, such as <c>2 of Team 7 for risk/**</c>.</summary>
    public ImmutableArray<string> PathReviewers { get; init; } = [];

    /// <summary>Merge methods that it allows; null: any.</summary>
    public ImmutableArray<string>? MergeMethods { get; init; }

    /// <summary>Checks that must have passed.</summary>
    public ImmutableArray<RequiredCheck> Checks { get; init; } = [];

    /// <summary>Who is not bound by it.</summary>
    public required Reading<ImmutableArray<BypassActor>> Bypass { get; init; }
}

/// <summary>A check that must have passed before a merge.</summary>
/// <param name="Name">Its name.</param>
/// <param name="App">Number of the app that must have posted it; null: anybody.</param>
public sealed record RequiredCheck(string Name, long? App)
{
    /// <summary>GitHub Actions: every workflow's token posts as this app.</summary>
    public const long GitHubActions = 15_368;
}

/// <summary>Somebody whom a guard does not bind.</summary>
/// <param name="Who">For people, such as <c>Team 7</c>.</param>
/// <param name="Reach">In what.</param>
public sealed record BypassActor(string Who, BypassReach Reach)
{
    /// <summary>Whether it may be everybody who may write to the repository: a role below maintaining it, or any key that deploys.</summary>
    public bool IsEveryWriter { get; init; }
}

/// <summary>In what somebody is not bound.</summary>
public enum BypassReach
{
    /// <summary>In anything.</summary>
    Everything,

    /// <summary>In what a pull request needs, while pushes are bound (the mode <c>pull_request</c> of a ruleset).</summary>
    ByPullRequest,

    /// <summary>In needing a pull request at all (classic protection's <c>bypass_pull_request_allowances</c>).</summary>
    PullRequestRules,
}

/// <summary>A check that a workflow posts.</summary>
/// <param name="Workflow">Its file.</param>
/// <param name="Check">The check's name.</param>
public sealed record WorkflowCheck(string Workflow, string Check);
