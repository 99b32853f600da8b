using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>A commit of a branch.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Tree">What it holds.</param>
/// <param name="Parents">The commits before it, the one of the branch first; none for the first commit of all.</param>
public sealed record BranchCommit(GitObjectId Id, GitObjectId Tree, ImmutableArray<GitObjectId> Parents);

/// <summary>Commits of a branch, the oldest first, and the one before them.</summary>
/// <param name="Commits">They.</param>
/// <param name="End">The commit before them, which is none of them; null where the branch begins with them.</param>
public sealed record BranchChain(ImmutableArray<BranchCommit> Commits, GitObjectId? End);

/// <summary>What a repository's git tells of commits: each is asked for once.</summary>
public sealed class BranchHistory
{
    /// <summary>The most commits of a push that are looked at.</summary>
    public const int MostCommits = 250;

    private const string Permission = "contents: read";
    private readonly GitHubApi api;
    private readonly RepositoryName repository;
    private readonly ConcurrentDictionary<GitObjectId, Task<Reading<BranchCommit>>> commits = new();

    /// <summary>Prepares to ask; nothing is sent yet.</summary>
    /// <param name="client">The repository's API.</param>
    public BranchHistory(GitHubClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        (api, repository) = (client.Api, client.Repository);
    }

    /// <summary>The commit that a branch is at.</summary>
    /// <param name="branch">The branch, without <c>refs/heads/</c>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<GitObjectId>> HeadAsync(string branch, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(branch);
        var call = new GitHubCall($"repos/{repository}/git/ref/{Uri.EscapeDataString($"heads/{branch}")}", $"read the branch {branch} of {repository}", Permission);
        return !(await api.GetAsync(call, GitHubJson.Default.WireRef, cancellation)).Try(out var found, out var why) ? new Reading<GitObjectId>.Unread(why)
            : GitObjectId.TryParse(found.Object.Sha) is { } head ? new Reading<GitObjectId>.Found(head)
            : new Reading<GitObjectId>.Unread(api.Malformed(call));
    }

    /// <summary>The branch into which pull requests go unless somebody says otherwise.</summary>
    public async Task<Reading<string>> DefaultBranchAsync(CancellationToken cancellation)
    {
        var call = new GitHubCall($"repos/{repository}", $"read the default branch of {repository}", "metadata: read");
        return !(await api.GetAsync(call, GitHubJson.Default.WireRepository, cancellation)).Try(out var found, out var why) ? new Reading<string>.Unread(why)
            : found.DefaultBranch is { Length: > 0 } branch ? new Reading<string>.Found(branch)
            : new Reading<string>.Unread(api.Malformed(call));
    }

    /// <summary>A commit.</summary>
    public Task<Reading<BranchCommit>> CommitAsync(GitObjectId id, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(id);
        return commits.GetOrAdd(id, asked => AskAsync(asked, cancellation));
    }

    /// <summary>The last commit that two have in common.</summary>
    public async Task<Reading<GitObjectId>> MergeBaseAsync(GitObjectId one, GitObjectId other, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);

        // "The list of changed files is only shown on the first page of results" (GitHub REST API, "Compare two commits"), and nobody here asks for them.
        var call = new GitHubCall($"repos/{repository}/compare/{one}...{other}?per_page=1&page=2", $"compare {one} with {other} in {repository}", Permission);
        return !(await api.GetAsync(call, GitHubJson.Default.WireComparison, cancellation)).Try(out var found, out var why) ? new Reading<GitObjectId>.Unread(why)
            : GitObjectId.TryParse(found.MergeBaseCommit.Sha) is { } @base ? new Reading<GitObjectId>.Found(@base)
            : new Reading<GitObjectId>.Unread(api.Malformed(call));
    }

    /// <summary>Walks a branch back by first parents.</summary>
    /// <param name="from">The newest commit.</param>
    /// <param name="isEnd">Whether a commit is the one before those that are looked for; an unread answer ends the walk.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="most">The most commits that are looked at.</param>
    /// <returns>The commits after the end; unread where there are more of them.</returns>
    public async Task<Reading<BranchChain>> WalkAsync(GitObjectId from, Func<GitObjectId, Task<Reading<bool>>> isEnd, CancellationToken cancellation, int most = MostCommits)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(isEnd);
        var found = new List<BranchCommit>();
        for (var at = from; at is not null;)
        {
            if (!(await isEnd(at)).Try(out var ends, out var why))
            {
                return new Reading<BranchChain>.Unread(why);
            }

            if (ends)
            {
                return Chain(at);
            }

            if (found.Count == most)
            {
                return new Reading<BranchChain>.Unread(new("review.push", string.Create(CultureInfo.InvariantCulture, $"there are more than {most} commits up to {from}, and no more are looked at"), "look at the older ones by hand, and have statements begin after them (gates review attest --since)"));
            }

            if (!(await CommitAsync(at, cancellation)).Try(out var commit, out why))
            {
                return new Reading<BranchChain>.Unread(why);
            }

            found.Add(commit);
            at = commit.Parents.FirstOrDefault();
        }

        return Chain(null);

        Reading<BranchChain> Chain(GitObjectId? end) => new Reading<BranchChain>.Found(new([.. Enumerable.Reverse(found)], end));
    }

    private async Task<Reading<BranchCommit>> AskAsync(GitObjectId id, CancellationToken cancellation)
    {
        var call = new GitHubCall($"repos/{repository}/git/commits/{id}", $"read commit {id} of {repository}", Permission);
        if (!(await api.GetAsync(call, GitHubJson.Default.WireCommitObject, cancellation)).Try(out var found, out var why))
        {
            return new Reading<BranchCommit>.Unread(why);
        }

        ImmutableArray<GitObjectId?> parents = [.. found.Parents.Select(parent => GitObjectId.TryParse(parent?.Sha))];
        return found.Sha == id.Hex && GitObjectId.TryParse(found.Tree.Sha) is { } tree && !parents.Contains(null)
            ? new Reading<BranchCommit>.Found(new(id, tree, [.. parents.OfType<GitObjectId>()]))
            : new Reading<BranchCommit>.Unread(api.Malformed(call));
    }
}
