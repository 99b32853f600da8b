using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Reviews;

/// <summary>What a review robot signs about one merged commit and its tree: a SLSA verification summary of a source revision. The format is in <c>docs/formats/review-statement.md</c>.</summary>
/// <remarks>Everything in it is a claim of its signer. Persons are named by the ids of the policy.</remarks>
public sealed record ReviewStatement
{
    /// <summary>The predicate type: SLSA's verification summary.</summary>
    public const string PredicateType = PredicateTypes.VerificationSummary;

    /// <summary>The property: whoever wrote it and at least one other person agree on it.</summary>
    public const string TwoPartyReviewed = "SLSA_SOURCE_TWO_PARTY_REVIEWED";

    /// <summary>The property: every path, role and value rule of the policy held.</summary>
    public const string PolicyAllowed = "ORG_SOURCE_POLICY_ALLOWED";

    /// <summary>The property, in place of <see cref="PolicyAllowed"/>: it was let in as an emergency, in which not every rule of the policy holds.</summary>
    public const string Emergency = "ORG_SOURCE_EMERGENCY";

    /// <summary>How ids of review statements begin.</summary>
    public const string IdPrefix = "v-";

    private const int IdDigits = 32;

    /// <summary>Its own id: target of a revocation (<see cref="IdOf"/>).</summary>
    public required string Id { get; init; }

    /// <summary>The chain from pull request to pod; null where there is none.</summary>
    public string? ChangeId { get; init; }

    /// <summary>Address of the repository, such as <c>https://github.com/example/trading</c>.</summary>
    public required string Repository { get; init; }

    /// <summary>The branch that it was merged into, such as <c>refs/heads/main</c>.</summary>
    public required string Ref { get; init; }

    /// <summary>The merged commit.</summary>
    public required GitObjectId Commit { get; init; }

    /// <summary>Its tree, which is what was reviewed.</summary>
    public required GitObjectId Tree { get; init; }

    /// <summary>Whether it passed; what did not vouches for nothing.</summary>
    public bool Passed { get; init; } = true;

    /// <summary>What is vouched for: <see cref="TwoPartyReviewed"/>, <see cref="PolicyAllowed"/> or <see cref="Emergency"/>.</summary>
    public required ImmutableArray<string> Properties { get; init; }

    /// <summary>The pull request.</summary>
    public required MergedPullRequest PullRequest { get; init; }

    /// <summary>Id of the person who opened it; null where that is nobody of the policy.</summary>
    public string? Author { get; init; }

    /// <summary>Ids of the persons who opened, wrote, committed, co-authored or pushed any of it. Who is no person of the policy is not named.</summary>
    public ImmutableArray<string> Contributors { get; init; } = [];

    /// <summary>Ids of the persons whose approval counted.</summary>
    public ImmutableArray<string> Reviewers { get; init; } = [];

    /// <summary>The commit that a statement was about before this one; null: this is the first of the branch, or begins anew after <see cref="Since"/>.</summary>
    public GitObjectId? Previous { get; init; }

    /// <summary>In place of <see cref="Previous"/>: the commit after which somebody had the statements begin, of which nothing is said, nor of what lies under it; null where nobody did.</summary>
    public GitObjectId? Since { get; init; }

    /// <summary>The policy by which it was judged.</summary>
    public required JudgingPolicy Policy { get; init; }

    /// <summary>SHA-256 of the snapshot that was judged; null where none was kept.</summary>
    public Digest? Snapshot { get; init; }

    /// <summary>When its signer says it was judged.</summary>
    public required DateTimeOffset TimeVerified { get; init; }

    /// <summary>The persons whose review is not of their own work.</summary>
    public IEnumerable<string> IndependentReviewers => Reviewers.Except(Contributors, StringComparer.Ordinal);

    /// <summary>The id of a statement. It follows from what the statement is about, so that one that was revoked cannot be made anew by hiding it.</summary>
    /// <param name="repository">Address of the repository.</param>
    /// <param name="reference">The branch, such as <c>refs/heads/main</c>.</param>
    /// <param name="commit">The merged commit.</param>
    /// <param name="revoked">How many about the same were revoked before.</param>
    public static string IdOf(string repository, string reference, GitObjectId commit, int revoked) =>
        $"{IdPrefix}{Digest.Of(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{repository}\n{reference}\n{commit}\n{revoked}"))).Hex[..IdDigits]}";

    /// <summary>What can be said of a pull request that was merged.</summary>
    /// <param name="id">The statement's own id.</param>
    /// <param name="request">The pull request, when it was judged.</param>
    /// <param name="result">What the review gate decided about it.</param>
    /// <param name="merged">What was merged.</param>
    /// <param name="policy">The policy by which it was judged.</param>
    /// <param name="now">When.</param>
    /// <returns>The statement; or why nothing can be said: it was not allowed, another tree was merged than was reviewed, or the policy tells kinds of change apart and when it was merged is not known.</returns>
    public static Reading<ReviewStatement> Of(string id, PullRequest request, ReviewResult result, MergedCommit merged, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(merged);
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Changes is not null && request.MergedAt is null)
        {
            return Unread($"when {request.Repository}#{request.Number} was merged is not told, and by that its kind of change is judged", "take a snapshot that has mergedAt");
        }

        if (result.Decision.Verdict > Verdict.Warn)
        {
            return Unread($"{request.Repository}#{request.Number} was not allowed, so nothing is said about {merged.Commit}", "have the pull request reviewed as the policy asks; a commit that was merged all the same is a finding");
        }

        if (merged.Tree != merged.ReviewedTree)
        {
            return Unread($"commit {merged.Commit} has the tree {merged.Tree}, and {merged.ReviewedTree} was reviewed", "find out what was changed at the merge, and have it reviewed in a pull request of its own");
        }

        var author = Ids(policy, [request.Author]).FirstOrDefault();
        var contributors = Ids(policy, [request.Author, request.LastPusher, .. request.Commits.SelectMany(commit => commit.CoAuthors.Add(commit.Author).Add(commit.Committer))]);
        ImmutableArray<string> reviewers = [.. result.Approvals.Select(approval => approval.Person).OfType<string>().Select(name => policy.People[name].Id).Distinct().Order(StringComparer.Ordinal)];
        return new Reading<ReviewStatement>.Found(new()
        {
            Id = id,
            Repository = merged.Repository,
            Ref = $"refs/heads/{request.BaseRef}",
            Commit = merged.Commit,
            Tree = merged.Tree,
            Properties = [.. ToldWhole(policy) && IsTwoParty(author, contributors, reviewers) ? (string[])[TwoPartyReviewed] : [], result.Category == ChangeCategory.Emergency ? Emergency : PolicyAllowed],
            PullRequest = new(request.Number, GitObjectId.TryParse(request.BaseSha), GitObjectId.TryParse(request.HeadSha)),
            Author = author,
            Contributors = contributors,
            Reviewers = reviewers,
            Previous = merged.Previous,
            Since = merged.Since,
            Policy = new(policy.Name, policy.Version, policy.Digest),
            Snapshot = merged.Snapshot,
            TimeVerified = now,
        });
    }

    /// <summary>Whether two persons agree on a change: who opened it and somebody else; or two others, where nobody of the policy opened it.</summary>
    /// <param name="author">Who opened it; null where that is nobody of the policy.</param>
    /// <param name="contributors">Who wrote it. A commit can name anybody, so that these only ever take away.</param>
    /// <param name="reviewers">Who approved it.</param>
    public static bool IsTwoParty(string? author, IEnumerable<string> contributors, IEnumerable<string> reviewers)
    {
        var others = reviewers.Except(contributors, StringComparer.Ordinal).Count(reviewer => reviewer != author);
        return others > (author is null ? 1 : 0);
    }

    // Who pushed last and who is named as a co-author is only asked where the policy leaves them out.
    private static bool ToldWhole(Policy policy) => policy.Review is { } settings && settings.Exclude.Contains(Excluded.CoAuthors) && settings.Exclude.Contains(Excluded.LastPusher);

    private static ImmutableArray<string> Ids(Policy policy, IEnumerable<Account?> accounts) =>
        [.. accounts.OfType<Account>().Select(account => policy.PersonOf(new Identity.GitHubAccount(account.Id))?.Id).OfType<string>().Distinct().Order(StringComparer.Ordinal)];

    private static Reading<ReviewStatement>.Unread Unread(string message, string remedy) => new(new("review", message, remedy));
}

/// <summary>What became of a pull request on its branch.</summary>
/// <param name="Repository">Address of the repository, such as <c>https://github.com/example/trading</c>.</param>
/// <param name="Commit">The commit on the branch.</param>
/// <param name="Tree">Its tree.</param>
/// <param name="ReviewedTree">The tree that reviewers agreed to: of the head commit merged into its base.</param>
public sealed record MergedCommit(string Repository, GitObjectId Commit, GitObjectId Tree, GitObjectId ReviewedTree)
{
    /// <summary>The commit that a statement was about before; null: there was none.</summary>
    public GitObjectId? Previous { get; init; }

    /// <summary>In its place: the commit after which somebody had the statements begin.</summary>
    public GitObjectId? Since { get; init; }

    /// <summary>SHA-256 of the snapshot that was judged; null where none is kept.</summary>
    public Digest? Snapshot { get; init; }
}

/// <summary>A pull request as a statement names it.</summary>
/// <param name="Number">Its number in the repository.</param>
/// <param name="Base">The commit whose owners counted; null where it is not told.</param>
/// <param name="Head">The commit that was approved; null where it is not told.</param>
public sealed record MergedPullRequest(long Number, GitObjectId? Base, GitObjectId? Head);

/// <summary>The policy by which something was judged.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
public sealed record JudgingPolicy(string Name, long Version, Digest Digest)
{
    /// <summary>Why what was judged by it does not count where a policy is in force, to stand behind what it is said of: <c>was made under …</c>; null where it counts.</summary>
    /// <remarks>A version that is not in force there may ask for less, and so may another one of the same number.</remarks>
    public string? WhyNotUnder(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return Name != policy.Name ? $"was made under the policy {OneLine.Show(Name)}, not under {policy.Name}"
            : Version > policy.Version ? $"was made under version {Version} of the policy, and version {policy.Version} is in force"
            : (policy.Version - Version) switch
            {
                0 => Digest == policy.Digest,
                1 => Digest == policy.Previous,
                _ => policy.Earlier.Contains(Digest),
            }
            ? null
            : $"was made under {Digest} as version {Version} of the policy, which version {policy.Version} does not name as one that was in force (metadata.earlier)";
    }
}
