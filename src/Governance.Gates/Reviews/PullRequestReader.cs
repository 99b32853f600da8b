using System.Collections.Immutable;
using System.Text.Json;

namespace Governance.Gates.Reviews;

/// <summary>Reads a snapshot of a pull request, version 1 (<c>docs/formats/pull-request.schema.json</c>).</summary>
/// <remarks>Strict: what is unknown, stands twice, is too long or of another kind makes the whole snapshot unread.</remarks>
public static class PullRequestReader
{
    /// <summary>The largest snapshot, in bytes.</summary>
    public const int MostBytes = 64 * 1024 * 1024;

    private const string Rule = "snapshot";
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Reads a snapshot.</summary>
    public static Reading<PullRequest> Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MostBytes)
        {
            return Unread($"it has {json.Length} bytes, more than {MostBytes}");
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            var fields = new SnapshotFields();
            var request = Read(fields, document.RootElement);
            return fields.Fault is null ? new Reading<PullRequest>.Found(request) : Unread(fields.Fault);
        }
        catch (JsonException)
        {
            return Unread("it is no JSON, or names a field twice");
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate, where a string is taken out.
            return Unread("it has an escape (\\u) that spells no character");
        }
    }

    private static Reading<PullRequest>.Unread Unread(string fault) => new(new(Rule, $"the snapshot cannot be read: {fault}", "write it anew"));

    private static PullRequest Read(SnapshotFields fields, JsonElement root)
    {
        fields.Only(root, "v", "critical", "repository", "number", "draft", "author", "base", "head", "headAfter", "changedFiles", "commitCount", "files", "commits", "lastPusher", "reviews", "permissions", "teams", "contents", "unread", "labels", "mergedAt");
        if (fields.Find(root, "v") is not { ValueKind: JsonValueKind.Number } version || !version.TryGetInt32(out var number) || number != 1)
        {
            fields.Fail("'v' is not 1, the version that is known here");
        }

        if (fields.Many(root, "critical", item => item).Length > 0)
        {
            fields.Fail("'critical' names a field that is not known here");
        }

        var (@base, head) = (fields.RequiredObject(root, "base"), fields.RequiredObject(root, "head"));
        fields.Only(@base, "ref", "sha");
        fields.Only(head, "ref", "sha");
        return new()
        {
            Repository = fields.RequiredText(root, "repository"),
            Number = fields.RequiredCount(root, "number"),
            IsDraft = fields.Flag(root, "draft"),
            Author = fields.Account(root, "author"),
            BaseRef = fields.RequiredText(@base, "ref"),
            BaseSha = fields.Sha(@base, "sha") ?? "",
            HeadRef = fields.Path(head, "ref"),
            HeadSha = fields.Sha(head, "sha") ?? "",
            HeadShaAfter = fields.Sha(root, "headAfter") ?? "",
            ChangedFiles = fields.Whole(root, "changedFiles"),
            CommitCount = fields.Whole(root, "commitCount"),
            Files = fields.Many(root, "files", item => ReadFile(fields, item)),
            Commits = fields.Many(root, "commits", item => ReadCommit(fields, item)),
            LastPusher = fields.Account(root, "lastPusher"),
            Reviews = fields.Many(root, "reviews", item => ReadReview(fields, item)),
            Permissions = fields.Many(root, "permissions", item => ReadPermission(fields, item)),
            Teams = fields.Many(root, "teams", item => ReadTeam(fields, item)),
            Contents = fields.Many(root, "contents", item => ReadContent(fields, item)),
            Unread = fields.Many(root, "unread", item => fields.Reason(item)),
            Labels = fields.Find(root, "labels") is null ? [] : fields.Many(root, "labels", item => ReadLabel(fields, item)),
            MergedAt = fields.Find(root, "mergedAt") is null or { ValueKind: JsonValueKind.Null } ? null : fields.RequiredTime(root, "mergedAt"),
        };
    }

    private static ChangedFile ReadFile(SnapshotFields fields, JsonElement file)
    {
        fields.Only(file, "path", "previousPath", "status", "mode");
        var previous = fields.Find(file, "previousPath") is { ValueKind: not JsonValueKind.Null } ? fields.Path(file, "previousPath") : null;
        var status = fields.RequiredText(file, "status");
        if (status is not ("added" or "removed" or "modified" or "renamed" or "copied" or "changed" or "unchanged"))
        {
            fields.Fail($"the status '{status}' of a file is not known");
        }

        if (status == "renamed" && previous is null)
        {
            fields.Fail("a renamed file has no 'previousPath'");
        }

        var mode = fields.Find(file, "mode") is { ValueKind: not JsonValueKind.Null } ? fields.RequiredText(file, "mode") : null;
        return new(fields.Path(file, "path"), previous, status, mode);
    }

    private static PullRequestCommit ReadCommit(SnapshotFields fields, JsonElement commit)
    {
        fields.Only(commit, "sha", "author", "committer", "coAuthors");
        return new(fields.Sha(commit, "sha") ?? "", fields.Account(commit, "author"), fields.Account(commit, "committer"), fields.Many(commit, "coAuthors", fields.AccountOf));
    }

    // A state that is not known is judged, and not refused here: it stands beside others that are.
    private static Review ReadReview(SnapshotFields fields, JsonElement review)
    {
        fields.Only(review, "id", "user", "state", "commit");
        var commit = fields.Find(review, "commit") is { ValueKind: JsonValueKind.Null } ? null : fields.Sha(review, "commit");
        return new(fields.RequiredCount(review, "id"), fields.Account(review, "user"), fields.RequiredText(review, "state"), commit);
    }

    private static PullRequestLabel ReadLabel(SnapshotFields fields, JsonElement label)
    {
        fields.Only(label, "name", "by");
        return new(fields.RequiredText(label, "name"), fields.Account(label, "by"));
    }

    private static (Account, string) ReadPermission(SnapshotFields fields, JsonElement item)
    {
        fields.Only(item, "account", "permission");
        var permission = fields.RequiredText(item, "permission");
        if (permission is not ("admin" or "write" or "read" or "none"))
        {
            fields.Fail($"the permission '{permission}' is not known");
        }

        return (fields.RequiredAccount(item, "account"), permission);
    }

    private static TeamRoster ReadTeam(SnapshotFields fields, JsonElement team)
    {
        fields.Only(team, "name", "members", "unread");
        var name = fields.RequiredText(team, "name");
        if (fields.Object(team, "unread") is { } unread)
        {
            return new(name, new Reading<ImmutableArray<Account>>.Unread(fields.Reason(unread)));
        }

        var members = fields.Many(team, "members", item =>
        {
            fields.Only(item, "account", "state");
            return (Account: fields.RequiredAccount(item, "account"), State: fields.RequiredText(item, "state"));
        });

        // An invitation that nobody accepted is no membership.
        return new(name, new Reading<ImmutableArray<Account>>.Found([.. members.Where(member => member.State == "active").Select(member => member.Account)]));
    }

    private static FileContent ReadContent(SnapshotFields fields, JsonElement content)
    {
        fields.Only(content, "side", "path", "data", "absent", "unread");
        var (side, path) = (fields.RequiredText(content, "side"), fields.Path(content, "path"));
        if (side is not ("base" or "head"))
        {
            fields.Fail($"the side '{side}' is neither base nor head");
        }

        Reading<ReadOnlyMemory<byte>?> read = new Reading<ReadOnlyMemory<byte>?>.Found(null);
        if (fields.Object(content, "unread") is { } unread)
        {
            read = new Reading<ReadOnlyMemory<byte>?>.Unread(fields.Reason(unread));
        }
        else if (fields.Find(content, "data") is { ValueKind: JsonValueKind.String } data && data.TryGetBytesFromBase64(out var bytes))
        {
            read = new Reading<ReadOnlyMemory<byte>?>.Found(bytes);
        }
        else if (!fields.Flag(content, "absent"))
        {
            fields.Fail("a content has neither 'data' in base64 nor 'absent': true nor 'unread'");
        }

        return new(side == "base" ? Side.Base : Side.Head, path, read);
    }
}
