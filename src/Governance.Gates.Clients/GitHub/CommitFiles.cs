using System.Collections.Immutable;

namespace Governance.Gates.Clients.GitHub;

/// <summary>The files of one commit, read through git's own objects: a path is what git says it is, and no link is followed.</summary>
/// <remarks>GitHub's contents API follows symbolic links, so that what is reviewed could be elsewhere.</remarks>
public sealed class CommitFiles
{
    private const string Permission = "contents: read";
    private readonly GitHubApi api;
    private readonly RepositoryName repository;

    // Guards trees: paths are looked up side by side, and each tree is asked for once.
    private readonly Lock asking = new();
    private readonly Dictionary<string, Task<Reading<ImmutableDictionary<string, WireEntry>>>> trees = new(StringComparer.Ordinal);
    private ImmutableDictionary<string, WireEntry>? all;

    internal CommitFiles(GitHubApi api, RepositoryName repository, string sha) => (this.api, this.repository, Sha) = (api, repository, sha);

    /// <summary>The commit.</summary>
    public string Sha { get; }

    /// <summary>The bytes of a file; null where nothing is there. A symbolic link, a submodule and a folder are unread.</summary>
    /// <param name="path">From the repository's root.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<ReadOnlyMemory<byte>?>> ReadAsync(string path, CancellationToken cancellation)
    {
        if (!(await FindAsync(path, cancellation)).Try(out var entry, out var why))
        {
            return new Reading<ReadOnlyMemory<byte>?>.Unread(why);
        }

        switch (entry?.Mode)
        {
            case null:
                return new Reading<ReadOnlyMemory<byte>?>.Found(null);
            case "100644" or "100755":
                break;
            case var mode:
                return new Reading<ReadOnlyMemory<byte>?>.Unread(new("github", $"{path} of commit {Sha} is {(mode == "120000" ? "a symbolic link" : mode == "160000" ? "a submodule" : "no plain file")}", "put the file itself there"));
        }

        var call = new GitHubCall($"repos/{repository}/git/blobs/{Uri.EscapeDataString(entry.Sha)}", $"read {path} of commit {Sha}", Permission);
        if (!(await api.GetAsync(call, GitHubJson.Default.WireBlob, cancellation)).Try(out var blob, out why))
        {
            return new Reading<ReadOnlyMemory<byte>?>.Unread(why);
        }

        return Decode(blob) is { } bytes
            ? new Reading<ReadOnlyMemory<byte>?>.Found(bytes)
            : new Reading<ReadOnlyMemory<byte>?>.Unread(new("github", $"could not {call.What}: it came in another form, or not whole", "try again"));
    }

    /// <summary>What git has at a path; null where nothing is.</summary>
    internal async Task<Reading<WireEntry?>> FindAsync(string path, CancellationToken cancellation)
    {
        if (all is not null)
        {
            return new Reading<WireEntry?>.Found(all.GetValueOrDefault(path));
        }

        var (tree, parts) = (Sha, path.Split('/'));
        for (var at = 0; ; at++)
        {
            if (!(await TreeAsync(tree, cancellation)).Try(out var entries, out var why))
            {
                return new Reading<WireEntry?>.Unread(why);
            }

            var entry = entries.GetValueOrDefault(parts[at]);
            if (at == parts.Length - 1 || entry?.Type != "tree")
            {
                return new Reading<WireEntry?>.Found(at == parts.Length - 1 ? entry : null);
            }

            tree = entry.Sha;
        }
    }

    /// <summary>The paths of the plain files that lie directly in a folder; none where there is no such folder.</summary>
    internal async Task<Reading<ImmutableArray<string>>> ListAsync(string folder, CancellationToken cancellation)
    {
        if (!(await FindAsync(folder, cancellation)).Try(out var entry, out var why))
        {
            return new Reading<ImmutableArray<string>>.Unread(why);
        }

        if (entry?.Type != "tree")
        {
            return new Reading<ImmutableArray<string>>.Found([]);
        }

        return (await TreeAsync(entry.Sha, cancellation)).Try(out var entries, out why)
            ? new Reading<ImmutableArray<string>>.Found([.. entries.Where(one => one.Value.Mode is "100644" or "100755").Select(one => $"{folder}/{one.Key}").Order(StringComparer.Ordinal)])
            : new Reading<ImmutableArray<string>>.Unread(why);
    }

    /// <summary>Asks for all paths at once, which is one request for most repositories. Where the tree is too large for that, paths go on being looked up one folder after another.</summary>
    internal async Task PrepareAsync(CancellationToken cancellation)
    {
        if ((await GitTree.ReadAsync(api, repository, Sha, $"read the files of commit {Sha}", cancellation, "?recursive=1")).Try(out var tree, out _))
        {
            all = tree;
        }
    }

    private Task<Reading<ImmutableDictionary<string, WireEntry>>> TreeAsync(string sha, CancellationToken cancellation)
    {
        lock (asking)
        {
            return trees.TryGetValue(sha, out var known) ? known : trees[sha] = GitTree.ReadAsync(api, repository, sha, $"read the files of commit {Sha}", cancellation);
        }
    }

    private static ReadOnlyMemory<byte>? Decode(WireBlob blob)
    {
        if (blob.Encoding != "base64")
        {
            return null;
        }

        try
        {
            // White space is skipped: GitHub breaks lines.
            var bytes = Convert.FromBase64String(blob.Content);
            return blob.Size is { } size && size != bytes.Length ? null : bytes;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
