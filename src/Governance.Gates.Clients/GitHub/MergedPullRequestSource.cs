using System.Globalization;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Finds the commit that a branch was at before a pull request was merged into it.</summary>
/// <remarks>Only what GitHub merged itself tells that: a merge commit over the head, or a commit whose parent is not of the pull request, as a squash is. The commit before the last of a rebase holds
/// a part of the change, and what somebody pushed past GitHub may have any form: then the branch is to be judged.</remarks>
internal sealed class MergedPullRequestSource(GitHubClient client, WirePullRequest wire)
{
    private const int MostOfOneCommit = 100;

    /// <summary>That commit; unread where that cannot be told.</summary>
    public async Task<Reading<GitObjectId>> ParentAsync(CancellationToken cancellation)
    {
        if (GitObjectId.TryParse(wire.MergeCommitSha) is not { } id)
        {
            return Unread();
        }

        if (!(await new BranchHistory(client).CommitAsync(id, cancellation)).Try(out var commit, out var why))
        {
            return new Reading<GitObjectId>.Unread(why);
        }

        switch (commit.Parents)
        {
            case [var before, var merged] when merged.Hex == wire.Head.Sha:
                return new Reading<GitObjectId>.Found(before);
            case [var before] when id.Hex != wire.Head.Sha:
                // A parent of which nothing is told may be of the pull request all the same, where not even the commit itself is known to be.
                return !(await IsOfAsync(id, cancellation)).Try(out var isOf, out why) || !(await IsOfAsync(before, cancellation)).Try(out var isParentOf, out why) ? new Reading<GitObjectId>.Unread(why)
                    : isOf && !isParentOf ? new Reading<GitObjectId>.Found(before)
                    : Unread();
            default:
                return Unread();
        }
    }

    private async Task<Reading<bool>> IsOfAsync(GitObjectId commit, CancellationToken cancellation) =>
        (await client.Api.ListAsync(MergeJudge.RequestsOf(client, commit), GitHubJson.Default.WirePullRequestOfArray, MostOfOneCommit, cancellation)).Try(out var requests, out var why)
            ? new Reading<bool>.Found(requests.Any(one => one.Number == wire.Number))
            : new Reading<bool>.Unread(why);

    private Reading<GitObjectId>.Unread Unread() => new(new(
        "github",
        $"{client.Repository}#{wire.Number.ToString(CultureInfo.InvariantCulture)} was merged, and {wire.MergeCommitSha} does not tell what {wire.Base.Ref} held before",
        "judge the branch: gates review on push, or gates review attest --branch"));
}
