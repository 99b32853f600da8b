using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>A pull request as it was at one moment: all that a review is judged by, and nothing that has to be asked for again.</summary>
/// <remarks>What could not be read is said where it would stand. Nothing in here was checked but its form.</remarks>
public sealed record PullRequest
{
    /// <summary>Owner and name, as in <c>example/trading</c>.</summary>
    public required string Repository { get; init; }

    /// <summary>Its number in the repository.</summary>
    public required long Number { get; init; }

    /// <summary>Whether it is not ready for review yet.</summary>
    public bool IsDraft { get; init; }

    /// <summary>Who opened it; null where the account is gone.</summary>
    public Account? Author { get; init; }

    /// <summary>The branch that it is to be merged into.</summary>
    public required string BaseRef { get; init; }

    /// <summary>The commit whose CODEOWNERS and policy count.</summary>
    public required string BaseSha { get; init; }

    /// <summary>The branch that it comes from, in whichever repository.</summary>
    public string HeadRef { get; init; } = "";

    /// <summary>The commit that is to be merged.</summary>
    public required string HeadSha { get; init; }

    /// <summary>The head commit, asked for again after everything else was read.</summary>
    public required string HeadShaAfter { get; init; }

    /// <summary>How many files the forge says are changed.</summary>
    public required long ChangedFiles { get; init; }

    /// <summary>How many commits the forge says there are.</summary>
    public required long CommitCount { get; init; }

    /// <summary>The changed files.</summary>
    public ImmutableArray<ChangedFile> Files { get; init; } = [];

    /// <summary>Its commits.</summary>
    public ImmutableArray<PullRequestCommit> Commits { get; init; } = [];

    /// <summary>Who pushed last; null where that could not be told.</summary>
    public Account? LastPusher { get; init; }

    /// <summary>All reviews, the oldest first.</summary>
    public ImmutableArray<Review> Reviews { get; init; } = [];

    /// <summary>What accounts may do in the repository now: <c>admin</c>, <c>write</c>, <c>read</c> or <c>none</c>.</summary>
    public ImmutableArray<(Account Account, string Permission)> Permissions { get; init; } = [];

    /// <summary>Members of the teams that matter.</summary>
    public ImmutableArray<TeamRoster> Teams { get; init; } = [];

    /// <summary>Files of the base and the head commit that matter.</summary>
    public ImmutableArray<FileContent> Contents { get; init; } = [];

    /// <summary>Those of its labels that the policy asks about.</summary>
    public ImmutableArray<PullRequestLabel> Labels { get; init; } = [];

    /// <summary>When it was merged; null where it is not, or where that is not told.</summary>
    public DateTimeOffset? MergedAt { get; init; }

    /// <summary>What else could not be read.</summary>
    public ImmutableArray<Reason> Unread { get; init; } = [];
}

/// <summary>An account of the forge.</summary>
/// <param name="Id">Its number, which survives a change of login and is never used again.</param>
/// <param name="Login">Its login, when the pull request was read.</param>
/// <param name="Type"><c>User</c>, <c>Bot</c>, <c>Mannequin</c> or <c>Organization</c>.</param>
public sealed record Account(long Id, string Login, string Type)
{
    /// <summary>Whether no human has it.</summary>
    public bool IsRobot => Type != "User" || Login.EndsWith("[bot]", StringComparison.OrdinalIgnoreCase);
}

/// <summary>One changed file.</summary>
/// <param name="Path">Where it is at the head commit, or was where it is removed.</param>
/// <param name="PreviousPath">Where it was before, where it was renamed or copied.</param>
/// <param name="Status"><c>added</c>, <c>removed</c>, <c>modified</c>, <c>renamed</c>, <c>copied</c>, <c>changed</c> or <c>unchanged</c>.</param>
/// <param name="Mode">Git's mode at the head commit, such as <c>100644</c>; that at the base commit where it is removed, or stood for others there; null where it is not known.</param>
public sealed record ChangedFile(string Path, string? PreviousPath, string Status, string? Mode)
{
    /// <summary>Every path that the change touches.</summary>
    public ImmutableArray<string> Paths => PreviousPath is null ? [Path] : [Path, PreviousPath];

    /// <summary>Whether it stands for something else than its own content: a symbolic link, a submodule, or the list of those, or a file of which that is not known.</summary>
    public bool StandsForOthers => (Status != "removed" || Mode is not null) && (Mode is not ("100644" or "100755") || Path == ".gitmodules" || Path.EndsWith("/.gitmodules", StringComparison.Ordinal));
}

/// <summary>One commit of a pull request.</summary>
/// <param name="Sha">Its name.</param>
/// <param name="Author">Its author's account; null where its e-mail address is nobody's.</param>
/// <param name="Committer">Its committer's account; null where its e-mail address is nobody's.</param>
/// <param name="CoAuthors">The accounts of those whom its trailers name; null for an address that is nobody's.</param>
public sealed record PullRequestCommit(string Sha, Account? Author, Account? Committer, ImmutableArray<Account?> CoAuthors);

/// <summary>One review.</summary>
/// <param name="Id">Its number.</param>
/// <param name="User">Who gave it; null where the account is gone.</param>
/// <param name="State"><c>APPROVED</c>, <c>CHANGES_REQUESTED</c>, <c>DISMISSED</c>, <c>COMMENTED</c> or <c>PENDING</c>.</param>
/// <param name="Commit">The commit that was reviewed; null where it is gone.</param>
public sealed record Review(long Id, Account? User, string State, string? Commit);

/// <summary>A label of a pull request.</summary>
/// <param name="Name">Its name.</param>
/// <param name="By">Who set it last; null where that is not known.</param>
public sealed record PullRequestLabel(string Name, Account? By);

/// <summary>Who is in a team, its child teams included.</summary>
/// <param name="Name">Organisation and slug, as in <c>example/risk</c>.</param>
/// <param name="Members">Its members with an active membership, or why they could not be read.</param>
public sealed record TeamRoster(string Name, Reading<ImmutableArray<Account>> Members);

/// <summary>A file of a commit.</summary>
/// <param name="Side">Of which commit.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Content">Its bytes; null where nothing is there; or why it could not be read, as with a symbolic link.</param>
public sealed record FileContent(Side Side, string Path, Reading<ReadOnlyMemory<byte>?> Content);

/// <summary>The two commits of a pull request.</summary>
public enum Side
{
    /// <summary>What is.</summary>
    Base,

    /// <summary>What is to be.</summary>
    Head,
}
