using System.Collections.Immutable;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Asks for the entries of a git tree.</summary>
internal static class GitTree
{
    /// <summary>The entries by their paths; a tree that is not told whole is unread.</summary>
    /// <param name="api">Whom to ask.</param>
    /// <param name="repository">Whose tree.</param>
    /// <param name="sha">Its name, or that of a commit.</param>
    /// <param name="what">What is read, to stand behind "could not".</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="query"><c>?recursive=1</c> for all that lies below it too.</param>
    public static async Task<Reading<ImmutableDictionary<string, WireEntry>>> ReadAsync(GitHubApi api, RepositoryName repository, string sha, string what, CancellationToken cancellation, string query = "")
    {
        if (!(await api.GetAsync(new($"repos/{repository}/git/trees/{Uri.EscapeDataString(sha)}{query}", what, "contents: read"), GitHubJson.Default.WireTree, cancellation)).Try(out var tree, out var why))
        {
            return new Reading<ImmutableDictionary<string, WireEntry>>.Unread(why);
        }

        return !tree.Truncated && !Array.Exists(tree.Tree, entry => entry is null)
            ? new Reading<ImmutableDictionary<string, WireEntry>>.Found(Index(tree))
            : new Reading<ImmutableDictionary<string, WireEntry>>.Unread(new("github", $"could not {what}: a folder has more entries than GitHub tells", "split the folder"));
    }

    // Of a path that is told twice, nothing is believed: it has no mode, and stands for anything.
    private static ImmutableDictionary<string, WireEntry> Index(WireTree tree) => tree.Tree.OfType<WireEntry>().GroupBy(entry => entry.Path, StringComparer.Ordinal)
        .ToImmutableDictionary(group => group.Key, group => group.Count() == 1 ? group.First() : group.First() with { Mode = "", Type = "" }, StringComparer.Ordinal);
}
