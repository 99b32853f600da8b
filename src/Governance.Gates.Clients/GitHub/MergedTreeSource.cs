using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Walks the trees of merges wherever the pull request or the merge changed something, and says whether the branch holds what was reviewed.</summary>
internal sealed class MergedTreeSource(GitHubClient client, BranchHistory history)
{
    private const int MostFolders = 2_000;
    private const int MostFindings = 20;
    private static readonly Reading<IReadOnlyDictionary<string, TreeEntry>> Nothing = new Reading<IReadOnlyDictionary<string, TreeEntry>>.Found(ImmutableDictionary<string, TreeEntry>.Empty);

    // Guards trees: four are read side by side, and what one merge made is where the next begins.
    private readonly Lock asking = new();
    private readonly Dictionary<GitObjectId, Task<Reading<IReadOnlyDictionary<string, TreeEntry>>>> trees = [];

    /// <summary>Whether a merge brought what was reviewed, and nothing else.</summary>
    /// <param name="parent">The commit of the branch before the merge.</param>
    /// <param name="head">The head commit that was reviewed.</param>
    /// <param name="merged">The commit of the branch after it.</param>
    /// <param name="listed">Every path that the forge says the pull request changes.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Decision> DecideAsync(GitObjectId parent, GitObjectId head, BranchCommit merged, IReadOnlySet<string> listed, CancellationToken cancellation)
    {
        if (!(await history.MergeBaseAsync(parent, head, cancellation)).Try(out var mergeBase, out var why)
            || !(await history.CommitAsync(mergeBase, cancellation)).Try(out var before, out why)
            || !(await history.CommitAsync(head, cancellation)).Try(out var reviewed, out why)
            || !(await history.CommitAsync(parent, cancellation)).Try(out var branch, out why))
        {
            return Decision.Unknown(why);
        }

        var findings = new List<Decision>();
        var open = new Stack<UnsettledFolder>();
        if (MergedTree.Begin(new(before.Tree, reviewed.Tree, branch.Tree, merged.Tree)) is { } root)
        {
            open.Push(root);
        }

        var looked = 0;
        while (open.TryPop(out var folder))
        {
            // One that is certain is enough, and a few more help to find what happened.
            if (findings.Count >= MostFindings)
            {
                findings.Add(Decision.Unknown(new Reason("review.merged", string.Create(CultureInfo.InvariantCulture, $"more than {MostFindings} paths of {merged.Id} are not as they were reviewed"), "compare the commit with the pull request")));
                break;
            }

            if (++looked > MostFolders)
            {
                findings.Add(Decision.Unknown(new Reason("review.merged", string.Create(CultureInfo.InvariantCulture, $"what was merged as {merged.Id} changes more than {MostFolders} folders, and no more are looked at"), "merge smaller pull requests")));
                break;
            }

            var asked = folder.Trees.Select(tree => tree is null ? Task.FromResult(Nothing) : ReadAsync(tree, cancellation));
            await Task.WhenAll(asked.Base, asked.Head, asked.Parent, asked.Merged);
            if (!(await asked.Base).Try(out var @base, out why) || !(await asked.Head).Try(out var top, out why) || !(await asked.Parent).Try(out var old, out why) || !(await asked.Merged).Try(out var @new, out why))
            {
                findings.Add(Decision.Unknown(why));
                continue;
            }

            var (wrong, below) = MergedTree.Look(folder, new(@base, top, old, @new), listed);
            findings.AddRange(wrong);
            foreach (var next in below.Reverse())
            {
                open.Push(next);
            }
        }

        return Decision.All(findings.OrderByDescending(finding => finding.Verdict).Take(MostFindings + 1));
    }

    private Task<Reading<IReadOnlyDictionary<string, TreeEntry>>> ReadAsync(GitObjectId tree, CancellationToken cancellation)
    {
        lock (asking)
        {
            return trees.TryGetValue(tree, out var known) ? known : trees[tree] = AskAsync(tree, cancellation);
        }
    }

    private async Task<Reading<IReadOnlyDictionary<string, TreeEntry>>> AskAsync(GitObjectId tree, CancellationToken cancellation) =>
        Read(await GitTree.ReadAsync(client.Api, client.Repository, tree.Hex, $"read the tree {tree} of {client.Repository}", cancellation), tree);

    private static Reading<IReadOnlyDictionary<string, TreeEntry>> Read(Reading<ImmutableDictionary<string, WireEntry>> reading, GitObjectId tree)
    {
        if (!reading.Try(out var told, out var why))
        {
            return new Reading<IReadOnlyDictionary<string, TreeEntry>>.Unread(why);
        }

        var entries = new Dictionary<string, TreeEntry>(StringComparer.Ordinal);
        foreach (var (name, entry) in told)
        {
            if (entry.Mode.Length == 0 || GitObjectId.TryParse(entry.Sha) is not { } id)
            {
                return new Reading<IReadOnlyDictionary<string, TreeEntry>>.Unread(new("github", $"could not read the tree {tree}: {name} is told twice, or is no git object", "check GITHUB_API_URL and the proxy before it"));
            }

            entries.Add(name, new(entry.Mode, id));
        }

        return new Reading<IReadOnlyDictionary<string, TreeEntry>>.Found(entries);
    }
}
