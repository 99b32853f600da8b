using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Governance.Gates.Testing.GitHub;

/// <summary>One repository of an organisation, with its pull requests, people and teams, as a test sets them up.</summary>
public sealed class GitHubWorld
{
    internal Dictionary<string, byte[]> Blobs { get; } = [];

    internal Dictionary<string, List<(string Name, string Mode, string Sha, int Size)>> Trees { get; } = [];

    internal Dictionary<string, string> TreeOfCommit { get; } = [];

    /// <summary>The repository's default branch; null where it is not told.</summary>
    public string? DefaultBranch { get; set; } = "main";

    /// <summary>What commits hold.</summary>
    public Dictionary<string, SortedDictionary<string, GitHubFile>> FilesOfCommit { get; } = [];

    /// <summary>The commits before a commit, the one of its branch first.</summary>
    public Dictionary<string, string[]> Parents { get; } = [];

    /// <summary>The pull requests that are told of a commit.</summary>
    public Dictionary<string, List<long>> RequestsOfCommit { get; } = [];

    /// <summary>Owner and name.</summary>
    public string Repository { get; set; } = "example/trading";

    /// <summary>What the repository was called before: asking for it redirects.</summary>
    public string? FormerName { get; set; }

    /// <summary>Accounts by login: number and type.</summary>
    public Dictionary<string, (long Id, string Type)> Accounts { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What accounts may do; who is not listed is nobody whom the repository knows.</summary>
    public Dictionary<string, string> Permissions { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Teams by organisation and slug: logins of their members.</summary>
    public Dictionary<string, List<string>> Teams { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the token may see teams.</summary>
    public bool MaySeeTeams { get; set; } = true;

    /// <summary>Whether the token may see who pushed.</summary>
    public bool MaySeeActivity { get; set; } = true;

    /// <summary>Whether trees are told whole however large they are; otherwise only their first entries.</summary>
    public bool TellsLargeTrees { get; set; } = true;

    /// <summary>Branches and the commits that they are at.</summary>
    public Dictionary<string, string> Branches { get; } = [];

    /// <summary>Tags: what their names name (<c>commit</c> or <c>tag</c>, and its object id), and the tag object where there is one.</summary>
    public Dictionary<string, (string Type, string Sha, JsonObject? Object)> Tags { get; } = [];

    /// <summary>Pull requests by number.</summary>
    public Dictionary<long, GitHubPullRequest> PullRequests { get; } = [];

    /// <summary>Pushes, the newest first: of which repository and ref, to which commit, by whom.</summary>
    public List<GitHubPush> Pushes { get; } = [];

    /// <summary>Addresses of co-authors and the logins that have them.</summary>
    public Dictionary<string, string> Addresses { get; } = [];

    /// <summary>What waits to be merged, in its order.</summary>
    public List<GitHubQueued> Queue { get; } = [];

    /// <summary>How branches are protected.</summary>
    public GitHubProtection Protection { get; } = new();

    /// <summary>Check runs of commits.</summary>
    public GitHubChecks Checks { get; } = new();

    /// <summary>The key of the App that may ask for tokens; null where there is none.</summary>
    public RSA? AppKey { get; set; }

    /// <summary>Adds accounts of people, numbered from 1 in their order, who may write.</summary>
    public GitHubWorld With(params ReadOnlySpan<string> logins)
    {
        foreach (var login in logins)
        {
            Accounts[login] = (Accounts.Count + 1, login.EndsWith("[bot]", StringComparison.Ordinal) ? "Bot" : "User");
            Permissions[login] = "write";
        }

        return this;
    }

    /// <summary>Makes a commit of these files and gives its name.</summary>
    public string Commit(IEnumerable<KeyValuePair<string, GitHubFile>> files, string salt = "", params ReadOnlySpan<string> parents)
    {
        var kept = new SortedDictionary<string, GitHubFile>(files.ToDictionary(), StringComparer.Ordinal);
        var tree = Tree([.. kept.Select(file => (file.Key.Split('/'), file.Value))]);
        var sha = Sha($"commit {tree} {salt} {string.Join(' ', parents!)}");
        (TreeOfCommit[sha], FilesOfCommit[sha], Parents[sha]) = (tree, kept, parents.ToArray());
        return sha;
    }

    /// <summary>Puts a commit onto a branch, as whoever may push past its protection does.</summary>
    /// <param name="change">What it makes of the files that are there.</param>
    /// <param name="branch">The branch.</param>
    public string PushDirectly(Action<SortedDictionary<string, GitHubFile>> change, string branch = "main")
    {
        var files = new SortedDictionary<string, GitHubFile>(FilesOfCommit[Branches[branch]], StringComparer.Ordinal);
        change(files);
        return Branches[branch] = Commit(files, $"direct {Parents.Count}", Branches[branch]);
    }

    /// <summary>Merges a pull request into its branch as it is now, and gives the commit that the branch is at afterwards.</summary>
    /// <param name="number">The pull request.</param>
    /// <param name="how"><c>merge</c>, <c>squash</c> or <c>rebase</c>.</param>
    /// <param name="tamper">What whoever merges makes of the files besides.</param>
    /// <param name="at">When.</param>
    public string Merge(long number, string how = "squash", Action<SortedDictionary<string, GitHubFile>>? tamper = null, string at = "2026-06-01T11:00:00Z")
    {
        var request = PullRequests[number];
        var (branch, tip) = (request.BaseRef, Branches[request.BaseRef]);
        var @base = FilesOfCommit[MergeBase(tip, request.Head)!];
        List<string> made = [];
        foreach (var head in how == "rebase" ? request.Commits.Select(commit => commit.Sha) : [request.Head])
        {
            var files = new SortedDictionary<string, GitHubFile>(FilesOfCommit[tip], StringComparer.Ordinal);
            var reviewed = FilesOfCommit[head];
            foreach (var path in @base.Keys.Union(reviewed.Keys).Where(path => @base.GetValueOrDefault(path) != reviewed.GetValueOrDefault(path)).ToList())
            {
                files.Remove(path);
                if (reviewed.TryGetValue(path, out var file))
                {
                    files[path] = file;
                }
            }

            tamper?.Invoke(files);
            tip = Commit(files, $"{how} {number} {made.Count}", [tip, .. how == "merge" ? [request.Head] : Array.Empty<string>()]);
            made.Add(tip);
        }

        (request.MergedAt, request.MergeCommit, Branches[branch]) = (at, tip, tip);
        foreach (var commit in made)
        {
            RequestsOfCommit[commit] = [number];
        }

        return tip;
    }

    /// <summary>The last commit that two have in common; null where there is none.</summary>
    internal string? MergeBase(string one, string other)
    {
        var mine = Ancestors(one).ToHashSet();
        return Ancestors(other).FirstOrDefault(mine.Contains);
    }

    // The nearest first.
    private IEnumerable<string> Ancestors(string commit)
    {
        var (seen, open) = (new HashSet<string>(), new Queue<string>([commit]));
        while (open.TryDequeue(out var next))
        {
            if (seen.Add(next))
            {
                yield return next;
                foreach (var parent in Parents.GetValueOrDefault(next, []))
                {
                    open.Enqueue(parent);
                }
            }
        }
    }

    /// <summary>Opens a pull request from the branch <c>feat/N</c> of this repository into <c>main</c>; what it changes is said afterwards.</summary>
    public GitHubPullRequest Open(long number, string author)
    {
        var request = new GitHubPullRequest(this, number, author);
        PullRequests[number] = request;
        return request;
    }

    /// <summary>The name of what lies at a path of a commit; null where nothing does.</summary>
    internal string? ObjectAt(string commit, string path)
    {
        var at = TreeOfCommit.GetValueOrDefault(commit);
        foreach (var name in path.Split('/'))
        {
            at = at is not null && Trees.TryGetValue(at, out var entries) ? entries.Find(entry => entry.Name == name).Sha : null;
        }

        return at;
    }

    /// <summary>The name of an object with this content.</summary>
    internal static string Sha(string text) => Sha(Encoding.UTF8.GetBytes(text));

    private static string Sha(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes))[..40];

    private string Tree(List<(string[] Path, GitHubFile File)> files)
    {
        var entries = new List<(string Name, string Mode, string Sha, int Size)>();
        foreach (var group in files.GroupBy(file => file.Path[0], StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            if (group.First().Path.Length > 1)
            {
                entries.Add((group.Key, "040000", Tree([.. group.Select(file => (file.Path[1..], file.File))]), 0));
                continue;
            }

            var file = group.Single().File;
            var sha = Sha(file.Content);
            Blobs[sha] = file.Content;
            entries.Add((group.Key, file.Mode, sha, file.Content.Length));
        }

        var name = Sha($"tree {string.Join('\n', entries.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Mode} {entry.Sha} {entry.Name}")))}");
        Trees[name] = entries;
        return name;
    }
}

/// <summary>A file of a commit.</summary>
public sealed record GitHubFile(byte[] Content, string Mode = "100644")
{
    /// <inheritdoc/>
    public bool Equals(GitHubFile? other) => other is not null && Mode == other.Mode && Content.AsSpan().SequenceEqual(other.Content);

    /// <inheritdoc/>
    public override int GetHashCode() => Content.Length;

    /// <summary>A plain file of this text.</summary>
    public static GitHubFile Of(string text, string mode = "100644") => new(Encoding.UTF8.GetBytes(text), mode);
}

/// <summary>A push.</summary>
public sealed record GitHubPush(string Repository, string Ref, string After, string? Login, string Type = "push", string Time = "2026-06-01T10:00:00Z");

/// <summary>A pull request in a merge queue.</summary>
public sealed record GitHubQueued(long Number, string BaseSha, string HeadSha);

/// <summary>A commit of a pull request, as the API tells it.</summary>
public sealed record GitHubCommit(string Sha, string? Author, string? Committer, string Message, string Address);

/// <summary>A review, as the API tells it.</summary>
public sealed record GitHubReview(long Id, string? Login, string State, string? Commit, string Text = "", string? Time = "2026-06-01T10:00:00Z");

/// <summary>A pull request. Its head commit is made when it is asked for, of what main held when it was opened and of what was changed since.</summary>
public sealed class GitHubPullRequest(GitHubWorld world, long number, string author)
{
    private readonly SortedDictionary<string, GitHubFile> files = new(StringComparer.Ordinal);
    private readonly string? start = world.Branches.GetValueOrDefault("main");

    /// <summary>When it was merged; null where it was not.</summary>
    public string? MergedAt { get; set; }

    /// <summary>The commit that its branch was at afterwards.</summary>
    public string? MergeCommit { get; set; }

    /// <summary>Its number.</summary>
    public long Number => number;

    /// <summary>Who opened it; null where the account is gone.</summary>
    public string? Author { get; set; } = author;

    /// <summary>Whether it is a draft.</summary>
    public bool IsDraft { get; set; }

    /// <summary>The branch that it is to be merged into.</summary>
    public string BaseRef { get; set; } = "main";

    /// <summary>The branch that it comes from.</summary>
    public string HeadRef { get; set; } = $"feat/{number}";

    /// <summary>The repository that it comes from; null where that is gone.</summary>
    public string? HeadRepository { get; set; } = world.Repository;

    /// <summary>The head commit.</summary>
    public string Head { get; set; } = "";

    /// <summary>How many files the pull request says it changes; null for as many as it does.</summary>
    public long? ToldFiles { get; set; }

    /// <summary>How many commits it says it has; null for as many as it does.</summary>
    public long? ToldCommits { get; set; }

    /// <summary>Changed files: path, path before, status.</summary>
    public List<(string Path, string? Previous, string Status)> Changes { get; } = [];

    /// <summary>Its commits.</summary>
    public List<GitHubCommit> Commits { get; } = [];

    /// <summary>What else happened to it, and when. Reviews are of 10:00 on 2026-06-01.</summary>
    public List<(string Kind, string Time)> Events { get; } = [];

    /// <summary>Reviews that were dismissed: their numbers, what they said before, and when.</summary>
    public List<(long Id, string State, string Time)> Dismissed { get; } = [];

    /// <summary>Its labels now.</summary>
    public List<string> Labels { get; } = [];

    /// <summary>Who set labels and took them off: <c>labeled</c> or <c>unlabeled</c>, the label, who and when.</summary>
    public List<(string Kind, string Name, string? By, string Time)> Labelled { get; } = [];

    /// <summary>Its reviews, the oldest first.</summary>
    public List<GitHubReview> Reviews { get; } = [];

    /// <summary>What lies at the head commit before the next push.</summary>
    public GitHubPullRequest From(IEnumerable<KeyValuePair<string, GitHubFile>> before)
    {
        foreach (var (path, file) in before)
        {
            files[path] = file;
        }

        return this;
    }

    /// <summary>Changes or adds a file.</summary>
    public GitHubPullRequest Change(string path, string content = "changed\n", string mode = "100644")
    {
        Changes.Add((path, null, files.ContainsKey(path) ? "modified" : "added"));
        files[path] = GitHubFile.Of(content, mode);
        return this;
    }

    /// <summary>Renames a file.</summary>
    public GitHubPullRequest Rename(string from, string to)
    {
        Changes.Add((to, from, "renamed"));
        files[to] = files[from];
        files.Remove(from);
        return this;
    }

    /// <summary>Removes a file.</summary>
    public GitHubPullRequest Remove(string path)
    {
        Changes.Add((path, null, "removed"));
        files.Remove(path);
        return this;
    }

    /// <summary>Commits and pushes what was changed.</summary>
    /// <param name="login">Who pushes, and commits unless said otherwise.</param>
    /// <param name="message">The commit's message.</param>
    /// <param name="authors">Author and committer of the commit; null for one whose address is nobody's.</param>
    public GitHubPullRequest Push(string login, string message = "Change it", (string? Author, string? Committer)? authors = null)
    {
        Head = world.Commit(files, string.Create(CultureInfo.InvariantCulture, $"{number} {Commits.Count} {message}"), [.. new[] { Commits.Count > 0 ? Head : start }.OfType<string>()]);
        var (author, committer) = authors ?? (login, login);
        Commits.Add(new(Head, author, committer, message, $"{author ?? "nobody"}@example.com"));
        world.Pushes.Insert(0, new(HeadRepository ?? world.Repository, $"refs/heads/{HeadRef}", Head, login));
        return this;
    }

    /// <summary>Dismisses a review, which keeps its time.</summary>
    public GitHubPullRequest Dismiss(long id, string time)
    {
        var at = Reviews.FindIndex(review => review.Id == id);
        Dismissed.Add((id, Reviews[at].State.ToLowerInvariant(), time));
        Reviews[at] = Reviews[at] with { State = "DISMISSED" };
        return this;
    }

    /// <summary>Adds a review of the head commit, or of another.</summary>
    public GitHubPullRequest Review(string? login, string state = "APPROVED", string? commit = "", string text = "", string? time = "2026-06-01T10:00:00Z")
    {
        Reviews.Add(new(Reviews.Count + 1, login, state, commit is "" ? Head : commit, text, time));
        return this;
    }
}
