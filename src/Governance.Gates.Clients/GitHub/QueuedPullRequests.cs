using System.Collections.Immutable;
using System.Globalization;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Which pull requests a merge group would merge.</summary>
public static class QueuedPullRequests
{
    private const string Text = "query($owner: String!, $name: String!, $branch: String!) { repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) { entries(first: 100) { nodes { position headCommit { oid } pullRequest { number } } } } } }";

    /// <summary>Every pull request from the beginning of the queue to the one at the end of the group, in their order.</summary>
    /// <remarks>A group is built on what waits before it. Where groups are merged by their last check only, the event names only the last of its pull requests; the queue names all.</remarks>
    public static async Task<Reading<ImmutableArray<long>>> ReadAsync(GitHubClient client, WorkflowEvent.OfMergeGroup group, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(group);
        var call = new GitHubCall("", $"read the merge queue of {group.Branch} in {client.Repository}", "pull requests: read");
        if (!(await client.Api.QueryAsync(call, QueryOf(client.Repository, group.Branch), GitHubJson.Default.GraphQlAnswerWireQueued, cancellation)).Try(out var data, out var why))
        {
            return new Reading<ImmutableArray<long>>.Unread(why);
        }

        // An entry that is not told could be anywhere, and so stands before all others.
        var entries = (data.Repository?.MergeQueue?.Entries?.Nodes ?? []).OrderBy(entry => entry?.Position ?? 0).ToList();
        var last = entries.FindIndex(entry => entry?.HeadCommit?.Oid == group.HeadSha && entry?.PullRequest?.Number == group.Number);
        ImmutableArray<long?> numbers = [.. entries.Take(last + 1).Select(entry => entry?.PullRequest?.Number)];
        return last >= 0 && numbers.All(number => number > 0)
            ? new Reading<ImmutableArray<long>>.Found([.. numbers.OfType<long>()])
            : new Reading<ImmutableArray<long>>.Unread(new("github", string.Create(CultureInfo.InvariantCulture, $"the merge queue of {group.Branch} in {client.Repository} has no entry that merges #{group.Number} as {group.HeadSha}"), "nothing, where the queue has moved on and made the group anew; otherwise take the pull request out of the queue and add it again"));
    }

    internal static ReadOnlyMemory<byte> QueryOf(RepositoryName repository, string branch) => GraphQlQuery.Of(Text, ("owner", repository.Owner), ("name", repository.Name), ("branch", branch));
}
