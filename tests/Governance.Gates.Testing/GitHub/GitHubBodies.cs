using System.Globalization;
using System.Text.Json.Nodes;

namespace Governance.Gates.Testing.GitHub;

/// <summary>Answers of the REST API, with every member that GitHub's OpenAPI description requires.</summary>
internal sealed partial class GitHubBodies(GitHubWorld world, Uri api)
{
    private const string Time = "2026-06-01T10:00:00Z";

    public GitHubReply Answer(string method, string[] path, Func<string, string> query, JsonNode? body)
    {
        if (path is ["repos", var checkedOwner, var checkedName, .. ["check-runs", ..] or ["commits", _, "check-runs"]] && $"{checkedOwner}/{checkedName}".Equals(world.Repository, StringComparison.OrdinalIgnoreCase))
        {
            return world.Checks.Answer(method, path[3..], query, body, api, world.Repository);
        }

        if (path is ["app", "installations", var id, "access_tokens"] && method == "POST")
        {
            return new(new JsonObject { ["token"] = $"ghs_installation{id}", ["expires_at"] = Time.Replace("2026", "2999", StringComparison.Ordinal) }, 201);
        }

        if (method != "GET")
        {
            return GitHubReply.NotFound();
        }

        return path switch
        {
            ["repos", var owner, var name, .. var rest] when $"{owner}/{name}".Equals(world.FormerName, StringComparison.OrdinalIgnoreCase) => new(null, Location: new Uri(api, $"repositories/1/{string.Join('/', rest.Select(Uri.EscapeDataString))}").AbsoluteUri),
            ["repositories", "1", .. var rest] => OfRepository(world.Repository, rest, query),
            ["repos", var owner, var name, .. var rest] => OfRepository($"{owner}/{name}", rest, query),
            ["orgs", var org, "teams", .. var rest] => OfTeam(org, rest),
            ["users", var login] when world.Accounts.ContainsKey(login) => new(PublicUser(login)),
            _ => GitHubReply.NotFound(),
        };
    }

    private GitHubReply OfRepository(string repository, string[] path, Func<string, string> query)
    {
        var mine = repository.Equals(world.Repository, StringComparison.OrdinalIgnoreCase);
        if (path is ["activity"])
        {
            var pushes = world.Pushes.Where(push => push.Repository.Equals(repository, StringComparison.OrdinalIgnoreCase) && (query("ref") is "" || push.Ref == query("ref"))).ToList();
            return world.MaySeeActivity && (mine || pushes.Count > 0) ? GitHubReply.List(pushes, Push) : GitHubReply.Forbidden();
        }

        if (!mine)
        {
            return GitHubReply.NotFound();
        }

        return path switch
        {
            [] => new(FullRepository()),
            ["rules" or "rulesets" or "branches" or "actions", ..] => world.Protection.Answer(path, world),
            ["installation"] => new(Installation()),
            ["git", "ref", var name] when name.StartsWith("heads/", StringComparison.Ordinal) && world.Branches.TryGetValue(name["heads/".Length..], out var sha) => new(Ref(name, sha)),
            ["git", "ref", var name] when name.StartsWith("tags/", StringComparison.Ordinal) && world.Tags.TryGetValue(name["tags/".Length..], out var tag) => new(Ref(name, tag.Sha, tag.Type)),
            ["git", "tags", var sha] when world.Tags.Values.FirstOrDefault(tag => tag.Sha == sha).Object is { } tag => new(Addresses(tag.DeepClone().AsObject(), "tag", "")),
            ["git", "commits", var sha] when world.TreeOfCommit.ContainsKey(sha) => new(GitCommit(sha)),
            ["commits", var sha, "pulls"] when world.TreeOfCommit.ContainsKey(sha) => GitHubReply.List(world.RequestsOfCommit.GetValueOrDefault(sha, []), known => PullRequest(world.PullRequests[known])),
            ["pulls"] when query("state") == "closed" && query("sort") == "updated" => GitHubReply.List([.. world.PullRequests.Values.Where(one => one.MergedAt is not null && one.BaseRef == query("base")).OrderByDescending(one => one.MergedAt, StringComparer.Ordinal)], PullRequest),
            ["compare", var range] when range.Split("...") is [var one, var other] && world.MergeBase(one, other) is { } common => new(Comparison(one, other, common)),
            ["git", "trees", var sha] => Tree(sha, query("recursive").Length > 0),
            ["git", "blobs", var sha] when world.Blobs.TryGetValue(sha, out var bytes) => new(Blob(sha, bytes)),
            ["collaborators", var login, "permission"] => Permission(login),
            ["issues", var number, "events"] when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var known) && world.PullRequests.TryGetValue(known, out var request) => GitHubReply.List([.. request.Events.Select(one => Event(request, one)), .. request.Labelled.Select(one => Event(request, one)), .. request.Dismissed.Select(one => Event(request, one))], one => one),
            ["pulls", var number, .. var rest] when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var known) && world.PullRequests.TryGetValue(known, out var request) => rest switch
            {
                [] => new(PullRequest(request)),
                ["files"] => GitHubReply.List(request.Changes, change => File(request, change), most: 3_000),
                ["commits"] => GitHubReply.List(request.Commits, Commit, most: 250),
                ["reviews"] => GitHubReply.List(request.Reviews, review => Review(request, review)),
                _ => GitHubReply.NotFound(),
            },
            _ => GitHubReply.NotFound(),
        };
    }

    private GitHubReply OfTeam(string org, string[] path)
    {
        if (!world.MaySeeTeams)
        {
            return path is [] ? GitHubReply.Forbidden() : GitHubReply.NotFound();
        }

        return path switch
        {
            [] => GitHubReply.List([.. world.Teams.Keys.Where(name => name.StartsWith($"{org}/", StringComparison.OrdinalIgnoreCase))], name => Team(org, name.Split('/')[1], isFull: false)),
            [var slug] when world.Teams.ContainsKey($"{org}/{slug}") => new(Team(org, slug, isFull: true)),
            [var slug, "members"] when world.Teams.TryGetValue($"{org}/{slug}", out var members) => GitHubReply.List(members, User),
            _ => GitHubReply.NotFound(),
        };
    }

    private JsonObject? User(string? login)
    {
        if (login is null || !world.Accounts.TryGetValue(login, out var account))
        {
            return null;
        }

        var user = new JsonObject { ["login"] = login, ["id"] = account.Id, ["node_id"] = $"U_{account.Id}", ["gravatar_id"] = "", ["type"] = account.Type, ["site_admin"] = false };
        return Addresses(user, $"users/{Uri.EscapeDataString(login)}", "", "html", "avatar", "followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events");
    }

    private JsonObject PublicUser(string login)
    {
        var user = User(login)!;
        foreach (var nothing in (string[])["name", "company", "blog", "location", "email", "hireable", "bio"])
        {
            user[nothing] = null;
        }

        return With(user, ("public_repos", 0), ("public_gists", 0), ("followers", 0), ("following", 0), ("created_at", Time), ("updated_at", Time));
    }

    private JsonObject PullRequest(GitHubPullRequest request)
    {
        var number = request.Number.ToString(CultureInfo.InvariantCulture);
        var body = new JsonObject
        {
            ["id"] = request.Number,
            ["node_id"] = $"PR_{number}",
            ["number"] = request.Number,
            ["state"] = request.MergedAt is null ? "open" : "closed",
            ["locked"] = false,
            ["title"] = "::error::a title | of <b>others</b>",
            ["body"] = null,
            ["user"] = User(request.Author) ?? User("ghost"),
            ["labels"] = new JsonArray([.. request.Labels.Select(name => new JsonObject { ["id"] = 1, ["node_id"] = "LA_1", ["url"] = $"https://api.github.com/repos/{world.Repository}/labels/1", ["name"] = name, ["description"] = null, ["color"] = "d73a4a", ["default"] = false })]),
            ["milestone"] = null,
            ["assignee"] = null,
            ["auto_merge"] = null,
            ["author_association"] = "OWNER",
            ["draft"] = request.IsDraft,
            ["base"] = Side(world.Repository, request.BaseRef, world.Branches.GetValueOrDefault(request.BaseRef, new('0', 40))),
            ["head"] = Side(request.HeadRepository, request.HeadRef, request.Head),
            ["_links"] = Links("self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses"),
            ["merged"] = request.MergedAt is not null,
            ["mergeable"] = true,
            ["mergeable_state"] = "blocked",
            ["rebaseable"] = true,
            ["merged_by"] = null,
            ["merged_at"] = request.MergedAt,
            ["closed_at"] = request.MergedAt,
            ["merge_commit_sha"] = request.MergeCommit,
            ["maintainer_can_modify"] = false,
            ["comments"] = 0,
            ["review_comments"] = 0,
            ["additions"] = 1,
            ["deletions"] = 1,
            ["commits"] = request.ToldCommits ?? request.Commits.Count,
            ["changed_files"] = request.ToldFiles ?? request.Changes.Count,
            ["created_at"] = Time,
            ["updated_at"] = Time,
        };
        return Addresses(body, $"repos/{world.Repository}/pulls/{number}", "", "html", "diff", "patch", "issue", "commits", "review_comments", "review_comment", "comments", "statuses");
    }

    private JsonObject Side(string? repository, string name, string sha) => new()
    {
        ["label"] = $"{repository?.Split('/')[0] ?? "unknown"}:{name}",
        ["ref"] = name,
        ["sha"] = sha,
        ["user"] = User("ann") ?? User("ghost"),
        ["repo"] = repository is null ? null : Repository(repository),
    };

    private JsonObject Repository(string fullName)
    {
        var body = new JsonObject
        {
            ["id"] = fullName == world.Repository ? 1 : 2,
            ["node_id"] = "R_1",
            ["name"] = fullName.Split('/')[1],
            ["full_name"] = fullName,
            ["owner"] = User("ann") ?? User("ghost"),
            ["private"] = true,
            ["fork"] = fullName != world.Repository,
            ["description"] = null,
            ["homepage"] = null,
            ["language"] = null,
            ["license"] = null,
            ["default_branch"] = world.DefaultBranch,
            ["topics"] = new JsonArray(),
            ["visibility"] = "private",
            ["size"] = 1,
            ["git_url"] = $"git:github.example/{fullName}.git",
            ["ssh_url"] = $"git@github.example:{fullName}.git",
            ["svn_url"] = $"https://github.example/{fullName}",
            ["clone_url"] = $"https://github.example/{fullName}.git",
            ["mirror_url"] = null,
            ["pushed_at"] = Time,
            ["created_at"] = Time,
            ["updated_at"] = Time,
        };
        foreach (var count in (string[])["forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers", "watchers_count"])
        {
            body[count] = 0;
        }

        foreach (var flag in (string[])["has_downloads", "has_issues", "has_projects", "has_wiki", "has_pages", "has_discussions", "archived", "disabled", "is_template"])
        {
            body[flag] = false;
        }

        return Addresses(body, $"repos/{fullName}", "", "html", "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees");
    }

    private JsonObject FullRepository() => With(With(Repository(world.Repository), ("network_count", 0), ("subscribers_count", 0), ("temp_clone_token", "secret-clone-token")), world.Protection.MergeSettings);

    private JsonObject File(GitHubPullRequest request, (string Path, string? Previous, string Status) change)
    {
        var file = new JsonObject { ["sha"] = world.ObjectAt(request.Head, change.Path) ?? new string('0', 40), ["filename"] = change.Path, ["status"] = change.Status, ["additions"] = 1, ["deletions"] = 1, ["changes"] = 2, ["patch"] = "@@ -1 +1 @@\n-a\n+b" };
        if (change.Previous is not null)
        {
            file["previous_filename"] = change.Previous;
        }

        return Addresses(file, $"repos/{world.Repository}/contents/{Uri.EscapeDataString(change.Path)}?ref={request.Head}", "blob", "raw", "contents");
    }

    private JsonObject Commit(GitHubCommit commit)
    {
        var person = new JsonObject { ["name"] = "Somebody", ["email"] = commit.Address, ["date"] = Time };
        var body = new JsonObject
        {
            ["sha"] = commit.Sha,
            ["node_id"] = $"C_{commit.Sha}",
            ["commit"] = Addresses(
                new()
                {
                    ["author"] = person,
                    ["committer"] = person.DeepClone(),
                    ["message"] = commit.Message,
                    ["comment_count"] = 0,
                    ["tree"] = Addresses(new() { ["sha"] = world.TreeOfCommit.GetValueOrDefault(commit.Sha, new('0', 40)) }, "tree", ""),
                    ["verification"] = new JsonObject { ["verified"] = false, ["reason"] = "unsigned", ["signature"] = null, ["payload"] = null, ["verified_at"] = null },
                },
                "commit",
                ""),
            ["author"] = User(commit.Author),
            ["committer"] = commit.Committer is null ? new JsonObject() : User(commit.Committer),
            ["parents"] = new JsonArray(),
        };
        return Addresses(body, $"repos/{world.Repository}/commits/{commit.Sha}", "", "html", "comments");
    }

    private JsonObject Event(GitHubPullRequest request, (string Kind, string Time) one) => new()
    {
        ["id"] = 1,
        ["node_id"] = "EV_1",
        ["url"] = $"https://api.github.com/repos/{world.Repository}/issues/events/1",
        ["actor"] = User(request.Author),
        ["event"] = one.Kind,
        ["commit_id"] = null,
        ["commit_url"] = null,
        ["created_at"] = one.Time,
    };

    private JsonObject Event(GitHubPullRequest request, (string Kind, string Name, string? By, string Time) one)
    {
        var body = Event(request, (one.Kind, one.Time));
        body["actor"] = one.By is null ? null : User(one.By);
        body["label"] = new JsonObject { ["name"] = one.Name, ["color"] = "d73a4a" };
        return body;
    }

    private JsonObject Event(GitHubPullRequest request, (long Id, string State, string Time) one)
    {
        var body = Event(request, ("review_dismissed", one.Time));
        body["dismissed_review"] = new JsonObject { ["state"] = one.State, ["review_id"] = one.Id, ["dismissal_message"] = null };
        return body;
    }

    private JsonObject Review(GitHubPullRequest request, GitHubReview review) => Addresses(
        new()
        {
            ["id"] = review.Id,
            ["node_id"] = $"PRR_{review.Id}",
            ["user"] = User(review.Login),
            ["body"] = review.Text,
            ["state"] = review.State,
            ["commit_id"] = review.Commit,
            ["author_association"] = "MEMBER",
            ["submitted_at"] = review.Time,
            ["_links"] = Links("html", "pull_request"),
        },
        $"repos/{world.Repository}/pulls/{request.Number}",
        "html",
        "pull_request");

    private GitHubReply Permission(string login)
    {
        if (User(login) is not { } user || !world.Permissions.TryGetValue(login, out var permission))
        {
            return GitHubReply.NotFound($"{login} is not a user");
        }

        user["role_name"] = permission;
        return new(new JsonObject { ["permission"] = permission, ["role_name"] = permission, ["user"] = user });
    }

    private JsonObject Push(GitHubPush push) => new()
    {
        ["id"] = 1,
        ["node_id"] = "PU_1",
        ["before"] = new string('0', 40),
        ["after"] = push.After,
        ["ref"] = push.Ref,
        ["timestamp"] = push.Time,
        ["activity_type"] = push.Type,
        ["actor"] = User(push.Login),
    };

    private JsonObject Team(string org, string slug, bool isFull)
    {
        var body = new JsonObject { ["id"] = 1, ["node_id"] = "T_1", ["name"] = slug, ["slug"] = slug, ["description"] = null, ["privacy"] = "closed", ["notification_setting"] = "notifications_enabled", ["permission"] = "pull", ["parent"] = null, ["type"] = "organization", ["organization_id"] = 1 };
        Addresses(body, $"orgs/{org}/teams/{slug}", "", "html", "members", "repositories");
        if (!isFull)
        {
            return body;
        }

        var organisation = new JsonObject { ["login"] = org, ["id"] = 1, ["node_id"] = "O_1", ["description"] = null, ["has_organization_projects"] = false, ["has_repository_projects"] = false, ["public_repos"] = 0, ["public_gists"] = 0, ["followers"] = 0, ["following"] = 0, ["type"] = "Organization", ["created_at"] = Time, ["updated_at"] = Time, ["archived_at"] = null };
        Addresses(organisation, $"orgs/{org}", "", "html", "repos", "events", "hooks", "issues", "members", "public_members", "avatar");
        return With(body, ("members_count", world.Teams[$"{org}/{slug}"].Count), ("repos_count", 1), ("created_at", Time), ("updated_at", Time), ("organization", organisation));
    }

    private JsonObject Installation() => Addresses(
        new()
        {
            ["id"] = 77,
            ["app_id"] = 5,
            ["app_slug"] = "gates",
            ["target_id"] = 1,
            ["target_type"] = "Organization",
            ["single_file_name"] = null,
            ["repository_selection"] = "selected",
            ["events"] = new JsonArray(),
            ["account"] = User("ann") ?? User("ghost"),
            ["permissions"] = new JsonObject { ["contents"] = "read" },
            ["created_at"] = Time,
            ["updated_at"] = Time,
            ["suspended_by"] = null,
            ["suspended_at"] = null,
        },
        "app/installations/77",
        "html",
        "repositories",
        "access_tokens");

    private JsonObject Links(params ReadOnlySpan<string> names)
    {
        var links = new JsonObject();
        foreach (var name in names)
        {
            links[name] = new JsonObject { ["href"] = new Uri(api, name).AbsoluteUri };
        }

        return links;
    }

    private JsonObject Addresses(JsonObject body, string path, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            body[name.Length == 0 ? "url" : $"{name}_url"] = new Uri(api, path).AbsoluteUri;
        }

        return body;
    }

    private static JsonObject With(JsonObject body, params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        foreach (var (name, value) in members)
        {
            body[name] = value;
        }

        return body;
    }
}
