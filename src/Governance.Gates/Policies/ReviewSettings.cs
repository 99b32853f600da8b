using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>What a pull request needs before it may merge.</summary>
public sealed record ReviewSettings
{
    /// <summary>Whether each changed path needs the approval of one of its owners, and the repository a CODEOWNERS file.</summary>
    public bool OwnersRequired { get; init; }

    /// <summary>What a mistake in CODEOWNERS is: <see cref="Verdict.Deny"/> or <see cref="Verdict.Warn"/>.</summary>
    public Verdict OwnersMistakes { get; init; } = Verdict.Deny;

    /// <summary>How many distinct persons with write access must approve any change; 0 asks for nobody.</summary>
    public int Approvals { get; init; }

    /// <summary>Whose approval never counts.</summary>
    public ImmutableArray<Excluded> Exclude { get; init; } = [.. Enum.GetValues<Excluded>()];

    /// <summary>What changed paths need; every rule that matches must hold.</summary>
    public ImmutableArray<PathRule> Paths { get; init; } = [];

    /// <summary>What changed values need; every rule whose condition is met must hold.</summary>
    public ImmutableArray<ValueRule> Values { get; init; } = [];

    /// <summary>Who must approve where values move, a rule each.</summary>
    internal IEnumerable<ImmutableArray<RoleCount>> MovedValues => Values.Select(rule => rule.Test).OfType<ValueTest.Moved>().Select(test => test.Require);

    /// <summary>Which files a change must carry.</summary>
    public ImmutableArray<EvidenceRule> Evidence { get; init; } = [];

    /// <summary>Where review statements wait, each behind the tag <c>git-</c> and its commit; null where the policy names no place.</summary>
    public Repository? Commits { get; init; }

    /// <summary>How the forge must protect branches.</summary>
    public ImmutableArray<BranchRule> Branches { get; init; } = [];

    /// <summary>How the forge must protect tags.</summary>
    public ImmutableArray<TagRule> Tags { get; init; } = [];
}

/// <summary>How the forge must protect one branch; what is not asked may be either way.</summary>
/// <param name="Path">Where the rule stands, such as <c>review.branches.main</c>.</param>
/// <param name="Name">The branch.</param>
public sealed record BranchRule(string Path, string Name)
{
    /// <summary>Whether changes come by a pull request only.</summary>
    public bool BlocksDirectPush { get; init; }

    /// <summary>Whether nobody may push over what is there.</summary>
    public bool BlocksForcePush { get; init; }

    /// <summary>Whether nobody may delete it.</summary>
    public bool BlocksDeletion { get; init; }

    /// <summary>How many must approve on the forge; 0 asks for nobody.</summary>
    public long Reviewers { get; init; }

    /// <summary>Whether a code owner must be among them.</summary>
    public bool NeedsCodeOwner { get; init; }

    /// <summary>Whether approvals end with the next push.</summary>
    public bool DismissesStale { get; init; }

    /// <summary>Whether somebody else than who pushed last must approve.</summary>
    public bool NeedsLastPushApproval { get; init; }

    /// <summary>Whether commits must be signed.</summary>
    public bool NeedsSignatures { get; init; }

    /// <summary>The merge methods that may be offered; empty: any.</summary>
    public ImmutableArray<string> Merge { get; init; } = [];

    /// <summary>Checks that must have passed.</summary>
    public ImmutableArray<CheckRule> Checks { get; init; } = [];

    /// <summary>Whether changes must go through the merge queue.</summary>
    public bool NeedsMergeQueue { get; init; }

    /// <summary>Whether conversations about a change must be resolved.</summary>
    public bool ResolvesThreads { get; init; }

    /// <summary>How the names of branches begin from which pull requests into this one may come; empty: any.</summary>
    public ImmutableArray<string> Prefixes { get; init; } = [];
}

/// <summary>How rulesets of the forge must protect some tags; what is not asked may be either way.</summary>
/// <param name="Path">Where the rule stands, such as <c>review.tags['v*']</c>.</param>
/// <param name="Names">A name, or a pattern in which <c>*</c> stays within one component.</param>
public sealed record TagRule(string Path, string Names)
{
    /// <summary>Whether only those whom a ruleset lets may create one.</summary>
    public bool RestrictsCreation { get; init; }

    /// <summary>Whether nobody may move one.</summary>
    public bool BlocksUpdate { get; init; }

    /// <summary>Whether nobody may delete one.</summary>
    public bool BlocksDeletion { get; init; }
}

/// <summary>A check that must have passed before a merge.</summary>
/// <param name="Name">Its name.</param>
/// <param name="App">Number of the app that must have posted it; null: any.</param>
public sealed record CheckRule(string Name, long? App);

/// <summary>Somebody whose approval of a change does not count.</summary>
public enum Excluded
{
    /// <summary>Who opened the pull request.</summary>
    Author,

    /// <summary>Authors and committers of its commits.</summary>
    Committers,

    /// <summary>Whom a commit's <c>Co-authored-by</c> names.</summary>
    CoAuthors,

    /// <summary>Who pushed last.</summary>
    LastPusher,

    /// <summary>Apps, mannequins and other accounts that no human has.</summary>
    Robots,
}

/// <summary>What a rule of a review asks for.</summary>
public abstract record ReviewDemand
{
    private ReviewDemand()
    {
    }

    /// <summary>Approvals of so many distinct persons.</summary>
    /// <param name="Count">How many.</param>
    /// <param name="FromOwners">Whether each must own the path by CODEOWNERS; otherwise write access is enough.</param>
    public sealed record Approvals(int Count, bool FromOwners) : ReviewDemand
    {
        /// <inheritdoc/>
        public override string ToString() => $"{Count} {(FromOwners ? "of the code owners" : "with write access")}";
    }

    /// <summary>Approvals of distinct persons in roles.</summary>
    public sealed record Roles(ImmutableArray<RoleCount> Require) : ReviewDemand
    {
        /// <inheritdoc/>
        public override string ToString() => string.Join(" and ", Require);
    }
}

/// <summary>What paths need when they change.</summary>
/// <param name="Path">Where the rule stands, such as <c>review.paths[0]</c>.</param>
/// <param name="Paths">Patterns; one must match.</param>
/// <param name="Demand">Who must approve.</param>
/// <param name="Why">The reason that users are told; null where the rule has none.</param>
public sealed record PathRule(string Path, ImmutableArray<PathPattern> Paths, ReviewDemand Demand, string? Why);

/// <summary>What a change of a value in a YAML or JSON file needs.</summary>
/// <param name="Path">Where the rule stands, such as <c>review.values[0]</c>.</param>
/// <param name="File">The file, from the repository's root.</param>
/// <param name="At">Where the value stands: a JSON pointer (RFC 6901), in which <c>*</c> alone is every member.</param>
/// <param name="Test">What is asked of the value.</param>
/// <param name="Why">The reason that users are told; null where the rule has none.</param>
public sealed record ValueRule(string Path, string File, string At, ValueTest Test, string? Why)
{
    /// <summary>The file's name without its folders: the key under which a ConfigMap holds it.</summary>
    public string FileName => File[(File.LastIndexOf('/') + 1)..];
}

/// <summary>What a value rule asks.</summary>
public abstract record ValueTest
{
    private ValueTest()
    {
    }

    /// <summary>Where the value moves this way, or where it cannot be shown not to, these must approve.</summary>
    public sealed record Moved(ValueMove Move, ImmutableArray<RoleCount> Require) : ValueTest;

    /// <summary>The value of the head commit lies within bounds, whoever approves.</summary>
    public sealed record Must(decimal? AtLeast, decimal? AtMost) : ValueTest;
}

/// <summary>How a value may move.</summary>
public enum ValueMove
{
    /// <summary>It is another.</summary>
    Changes,

    /// <summary>It is more than it was.</summary>
    Increases,

    /// <summary>It is less than it was.</summary>
    Decreases,
}

/// <summary>Files that a change of paths must carry.</summary>
/// <param name="Path">Where the rule stands, such as <c>review.evidence[0]</c>.</param>
/// <param name="Paths">Patterns; one must match.</param>
/// <param name="Files">Patterns; a file that each of them matches must be added or changed. A <c>*</c> where a changed path has a name is that name.</param>
/// <param name="Why">The reason that users are told; null where the rule has none.</param>
public sealed record EvidenceRule(string Path, ImmutableArray<PathPattern> Paths, ImmutableArray<PathPattern> Files, string? Why);
