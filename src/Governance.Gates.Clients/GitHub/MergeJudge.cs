using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>The review of a merged pull request, as it was when it was merged.</summary>
/// <param name="Request">The pull request.</param>
/// <param name="MergedAt">When it was merged.</param>
/// <param name="Policy">The policy by which it was judged, with its bytes.</param>
/// <param name="Result">What the review gate says of it; nothing of the merge.</param>
public sealed record MergedReview(PullRequest Request, DateTimeOffset MergedAt, WholePolicy Policy, ReviewResult Result)
{
    /// <summary>The snapshot that was judged, as <see cref="PullRequestReader"/> reads it.</summary>
    public ReadOnlyMemory<byte> Snapshot { get; } = PullRequestWriter.Write(Request);
}

/// <summary>What is said of a commit of a branch, and of those that were merged with it.</summary>
/// <param name="Commits">The commits, the oldest first: one, or the several of a pull request that was rebased.</param>
/// <param name="Number">The pull request; null where there is none.</param>
/// <param name="Merge">Whether a pull request brought them, and what was reviewed and nothing else.</param>
/// <param name="Review">Its review; null where there is none, or it could not be read.</param>
public sealed record JudgedMerge(ImmutableArray<BranchCommit> Commits, long? Number, Decision Merge, MergedReview? Review)
{
    /// <summary>What is said of both, the review and the merge.</summary>
    public Decision Decision { get; } = Review is null ? Merge : Decision.All(Review.Result.Decision, Merge);

    /// <summary>The commit that the branch was at afterwards.</summary>
    public BranchCommit Merged => Commits[^1];
}

/// <summary>Judges what was merged into a branch: each commit must have come by a pull request that was allowed when it was merged, and must hold what was reviewed.</summary>
public sealed class MergeJudge
{
    private const string Rule = "review.push";
    private const int MostOfOneCommit = 100;
    private const int MostJudged = 8;

    private readonly GitHubClient client;
    private readonly Func<CommitFiles, CancellationToken, Task<Reading<WholePolicy>>> policy;
    private readonly MergedTreeSource trees;

    // One commit is looked at after the other.
    private readonly Dictionary<GitObjectId, Reading<ImmutableArray<WirePullRequestOf>>> belonging = [];

    // How long GitHub is given, over all commits, to tie those of a push to their pull requests.
    private readonly Queue<TimeSpan> waits = new([TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8)]);
    private Reading<ImmutableArray<WirePullRequestOf>>? recent;
    private bool isLate;

    /// <summary>Prepares to ask; nothing is sent yet.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="branch">The branch, without <c>refs/heads/</c>.</param>
    /// <param name="policy">Gives the policy, from the commit of the branch before a merge or from elsewhere.</param>
    public MergeJudge(GitHubClient client, string branch, Func<CommitFiles, CancellationToken, Task<Reading<WholePolicy>>> policy)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(branch);
        ArgumentNullException.ThrowIfNull(policy);
        (this.client, Branch, this.policy, History) = (client, branch, policy, new(client));
        trees = new(client, History);
    }

    /// <summary>The branch.</summary>
    public string Branch { get; }

    /// <summary>The commits of its repository.</summary>
    public BranchHistory History { get; }

    /// <summary>Judges commits of the branch.</summary>
    /// <param name="chain">They, each the first parent of the next.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>What is said, the oldest first; each is judged when it is asked for.</returns>
    public async IAsyncEnumerable<JudgedMerge> JudgeAsync(ImmutableArray<BranchCommit> chain, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var merges = new Stack<(ImmutableArray<BranchCommit> Commits, Reading<ImmutableArray<long>> Numbers)>();
        for (var last = chain.Length - 1; last >= 0;)
        {
            var found = await FindAsync(chain[last], chain[last], cancellation);
            var first = last;

            // A rebase brings the commits of a pull request one by one, and GitHub tells which of them belong to it.
            while (first > 0 && IsPlain(chain[last]) && IsPlain(chain[first - 1]) && found.Try(out var numbers, out _) && !numbers.IsEmpty)
            {
                if (!(await FindAsync(chain[first - 1], chain[last], cancellation)).Try(out var before, out var why))
                {
                    found = new Reading<ImmutableArray<long>>.Unread(why);
                    break;
                }

                if (!before.Intersect(numbers).Any())
                {
                    break;
                }

                first--;
            }

            merges.Push((chain[first..(last + 1)], found));
            last = first - 1;
        }

        foreach (var (commits, numbers) in merges)
        {
            yield return await JudgeAsync(commits, numbers, cancellation);
        }

        static bool IsPlain(BranchCommit commit) => commit.Parents.Length == 1;
    }

    /// <summary>The question which pull requests a commit belongs to.</summary>
    internal static GitHubCall RequestsOf(GitHubClient client, GitObjectId commit) =>
        new($"repos/{client.Repository}/commits/{commit}/pulls", $"read the pull requests of commit {commit} of {client.Repository}", "pull requests: read");

    private async Task<JudgedMerge> JudgeAsync(ImmutableArray<BranchCommit> commits, Reading<ImmutableArray<long>> found, CancellationToken cancellation)
    {
        if (!found.Try(out var numbers, out var why))
        {
            return new(commits, null, Decision.Unknown(why), null);
        }

        if (numbers.IsEmpty && isLate)
        {
            return new(commits, null, Decision.Unknown(new Reason(Rule, $"no pull request into {Branch} is known to have brought it, and GitHub does not know yet of all that were merged", "run the gate again in a minute")), null);
        }

        if (numbers.IsEmpty)
        {
            return new(commits, null, Decision.Deny(new Reason(Rule, $"no pull request into {Branch} was merged as this commit", "find out who pushed it, have it reviewed in a pull request or taken back, and let nobody push past the protection of the branch (gates branches)")), null);
        }

        if (commits[0].Parents.FirstOrDefault() is not { } parent)
        {
            return new(commits, null, Decision.Unknown(new Reason(Rule, "it is the first commit of the branch, so that nothing tells what it changed", "look at it by hand")), null);
        }

        // One and the same commit can close several pull requests, of which one brought it.
        var judged = new List<JudgedMerge>();
        foreach (var number in numbers.Take(MostJudged))
        {
            judged.Add(await JudgeAsync(commits, parent, number, cancellation));
            if (judged[^1].Decision.Verdict <= Verdict.Warn)
            {
                break;
            }
        }

        return judged.MinBy(one => one.Decision.Verdict)!;
    }

    private async Task<JudgedMerge> JudgeAsync(ImmutableArray<BranchCommit> commits, GitObjectId parent, long number, CancellationToken cancellation)
    {
        WholePolicy? whole = null;
        var merged = commits[^1];
        var reading = await PullRequestSource.ReadMergedAsync(client, number, new(parent, merged.Id, Branch), PolicyAsync, cancellation);
        if (!reading.Try(out var question, out var why))
        {
            return new(commits, number, Decision.Unknown(why), null);
        }

        if (question.Request.Unread is [_, ..] unread)
        {
            // Whoever seems to be missing may stand in what is not known: that accuses nobody.
            return new(commits, number, Decision.Unknown(unread.AsSpan()), null);
        }

        var review = new MergedReview(question.Request, question.Request.MergedAt!.Value, whole!, ReviewGate.Decide(question.Request, question.Policy, question.Request.MergedAt.Value));
        var merge = Decision.All(
            // A squash or a merge is one commit, and a rebase brings each.
            commits.Length != 1 && commits.Length != question.Request.CommitCount
                ? Decision.Unknown(new Reason(Rule, string.Create(CultureInfo.InvariantCulture, $"{commits.Length} commits of {Branch} are said to be of #{number}, which has {question.Request.CommitCount}"), "look at them by hand"))
                : Decision.Allow,
            GitObjectId.TryParse(question.Request.HeadSha) is { } head
                ? await trees.DecideAsync(parent, head, merged, question.Request.Files.SelectMany(file => file.Paths).ToHashSet(StringComparer.Ordinal), cancellation)
                : Decision.Unknown(new Reason(Rule, $"the head commit of #{number.ToString(CultureInfo.InvariantCulture)} has a name that is none", "try again")));
        return new(commits, number, merge, review);

        async Task<Reading<Policy>> PolicyAsync(CommitFiles commit, CancellationToken ending)
        {
            if (!(await policy(commit, ending)).Try(out var read, out var unread))
            {
                return new Reading<Policy>.Unread(unread);
            }

            whole = read;
            return new Reading<Policy>.Found(read.Policy);
        }
    }

    // The pull requests to which a commit belongs, and which were merged into this branch as another one or the same.
    private async Task<Reading<ImmutableArray<long>>> FindAsync(BranchCommit commit, BranchCommit merged, CancellationToken cancellation)
    {
        var found = await AskAsync(commit, merged, cancellation);
        while (found is Reading<ImmutableArray<long>>.Found([]) && belonging[commit.Id] is Reading<ImmutableArray<WirePullRequestOf>>.Found([]) && waits.TryDequeue(out var wait))
        {
            await Task.Delay(wait, client.Time, cancellation);
            belonging.Remove(commit.Id);
            recent = null;
            found = await AskAsync(commit, merged, cancellation);
        }

        return found;
    }

    private async Task<Reading<ImmutableArray<long>>> AskAsync(BranchCommit commit, BranchCommit merged, CancellationToken cancellation)
    {
        if (!belonging.TryGetValue(commit.Id, out var told))
        {
            belonging[commit.Id] = told = await client.Api.ListAsync(RequestsOf(client, commit.Id), GitHubJson.Default.WirePullRequestOfArray, MostOfOneCommit, cancellation);
        }

        if (!told.Try(out var requests, out var why))
        {
            return new Reading<ImmutableArray<long>>.Unread(why);
        }

        if (MergedAs(requests) is { IsEmpty: false } found)
        {
            return new Reading<ImmutableArray<long>>.Found(found);
        }

        if (commit != merged)
        {
            return new Reading<ImmutableArray<long>>.Found([]);
        }

        // Which commits belong to a pull request, GitHub knows a while after it was merged; as which one it was merged, at once (release-drafter#871).
        recent ??= await RecentAsync(cancellation);
        if (!recent.Try(out var latest, out why))
        {
            return new Reading<ImmutableArray<long>>.Unread(why);
        }

        var numbers = MergedAs(latest);
        isLate |= !numbers.IsEmpty;
        return new Reading<ImmutableArray<long>>.Found(numbers);

        ImmutableArray<long> MergedAs(IEnumerable<WirePullRequestOf> some) =>
            [.. some.Where(one => one.MergedAt is not null && one.MergeCommitSha == merged.Id.Hex && one.Base.Ref == Branch && one.Number > 0).Select(one => one.Number).Distinct()];
    }

    private async Task<Reading<ImmutableArray<WirePullRequestOf>>> RecentAsync(CancellationToken cancellation)
    {
        var call = new GitHubCall($"repos/{client.Repository}/pulls?state=closed&base={Uri.EscapeDataString(Branch)}&sort=updated&direction=desc&per_page={GitHubApi.PageSize}", $"read the last closed pull requests of {client.Repository}", "pull requests: read");
        return (await client.Api.GetAsync(call, GitHubJson.Default.WirePullRequestOfArray, cancellation)).Try(out var latest, out var why)
            ? new Reading<ImmutableArray<WirePullRequestOf>>.Found([.. latest.OfType<WirePullRequestOf>()])
            : new Reading<ImmutableArray<WirePullRequestOf>>.Unread(why);
    }
}
