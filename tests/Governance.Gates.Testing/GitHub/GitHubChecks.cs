using System.Globalization;
using System.Text.Json.Nodes;

namespace Governance.Gates.Testing.GitHub;

/// <summary>Check runs of commits, and what the token may do about them.</summary>
public sealed class GitHubChecks
{
    private const string Time = "2026-06-01T10:00:00Z";

    // Guards Runs: requests come side by side.
    private readonly Lock writing = new();

    /// <summary>All runs, the oldest first.</summary>
    public List<GitHubCheckRun> Runs { get; } = [];

    /// <summary>The app whose token asks: only it may change what it posted.</summary>
    public long App { get; set; } = 15_368;

    /// <summary>Whether the token may write checks.</summary>
    public bool MayWrite { get; set; } = true;

    internal GitHubReply Answer(string method, string[] path, Func<string, string> query, JsonNode? body, Uri api, string repository)
    {
        lock (writing)
        {
            return (method, path) switch
            {
                ("GET", ["commits", var sha, "check-runs"]) => List(sha, query("check_name"), query("filter") == "all", int.TryParse(query("page"), out var page) ? page : 1),
                ("GET", ["check-runs", var id, "annotations"]) when Find(id) is { } run => GitHubReply.List(run.Annotations, one => Annotation(one)),
                ("POST" or "PATCH", _) when !MayWrite => GitHubReply.Forbidden(),
                ("POST", ["check-runs"]) => Post(body!),
                ("PATCH", ["check-runs", var id]) when Find(id) is { } run => run.App == App
                    ? new(Body(Write(run, body!)))
                    : GitHubReply.Forbidden($"Invalid app_id `{App}` - check run can only be modified by the GitHub App that created it."),
                _ => GitHubReply.NotFound(),
            };
        }

        GitHubCheckRun? Find(string id) => Runs.Find(run => run.Id.ToString(CultureInfo.InvariantCulture) == id);

        // Of each app's runs of one name the latest, unless all are asked for.
        GitHubReply List(string sha, string name, bool all, int page)
        {
            var runs = Runs.Where(run => run.HeadSha == sha && (name.Length == 0 || run.Name == name)).Reverse().DistinctBy(run => all ? (run.Name, run.App, run.Id) : (run.Name, run.App, 0)).ToList();
            return new(new JsonObject { ["total_count"] = runs.Count, ["check_runs"] = new JsonArray([.. runs.Skip(100 * (page - 1)).Take(100).Select(Body)]) });
        }

        GitHubReply Post(JsonNode told)
        {
            Runs.Add(Write(new(Runs.Count + 1, App, told["name"]!.GetValue<string>(), told["head_sha"]!.GetValue<string>(), told["external_id"]?.GetValue<string>()), told));
            return new(Body(Runs[^1]), 201);
        }

        JsonObject Annotation(JsonObject told)
        {
            var annotation = told.DeepClone().AsObject();
            (annotation["start_column"], annotation["end_column"], annotation["raw_details"], annotation["blob_href"]) = (null, null, null, $"https://github.example/{repository}/blob/x");
            return annotation;
        }

        JsonObject Body(GitHubCheckRun run)
        {
            var address = new Uri(api, $"repos/{repository}/check-runs/{run.Id}").AbsoluteUri;
            return new()
            {
                ["id"] = run.Id,
                ["node_id"] = $"CR_{run.Id}",
                ["head_sha"] = run.HeadSha,
                ["external_id"] = run.ExternalId,
                ["name"] = run.Name,
                ["url"] = address,
                ["html_url"] = address,
                ["details_url"] = address,
                ["status"] = "completed",
                ["conclusion"] = run.Conclusion,
                ["started_at"] = Time,
                ["completed_at"] = Time,
                ["check_suite"] = new JsonObject { ["id"] = 1 },
                ["pull_requests"] = new JsonArray(),
                ["output"] = new JsonObject { ["title"] = run.Title, ["summary"] = run.Summary, ["text"] = null, ["annotations_count"] = run.Annotations.Count, ["annotations_url"] = $"{address}/annotations" },
                ["app"] = new JsonObject
                {
                    ["id"] = run.App,
                    ["slug"] = $"app-{run.App}",
                    ["node_id"] = "A_1",
                    ["owner"] = new JsonObject { ["login"] = "example", ["id"] = 1, ["node_id"] = "O_1", ["type"] = "Organization", ["site_admin"] = false, ["avatar_url"] = address, ["events_url"] = address, ["followers_url"] = address, ["following_url"] = address, ["gists_url"] = address, ["gravatar_id"] = "", ["html_url"] = address, ["organizations_url"] = address, ["received_events_url"] = address, ["repos_url"] = address, ["starred_url"] = address, ["subscriptions_url"] = address, ["url"] = address },
                    ["name"] = "Gates",
                    ["description"] = null,
                    ["external_url"] = address,
                    ["html_url"] = address,
                    ["created_at"] = Time,
                    ["updated_at"] = Time,
                    ["permissions"] = new JsonObject { ["checks"] = "write" },
                    ["events"] = new JsonArray(),
                },
            };
        }
    }

    private static GitHubCheckRun Write(GitHubCheckRun run, JsonNode told)
    {
        run.Conclusion = told["conclusion"]!.GetValue<string>();
        (run.Title, run.Summary) = (told["output"]!["title"]!.GetValue<string>(), told["output"]!["summary"]!.GetValue<string>());
        run.Annotations.AddRange(told["output"]!["annotations"]!.AsArray().Select(one => one!.DeepClone().AsObject()));
        return run;
    }
}

/// <summary>A check run.</summary>
/// <param name="Id">Its number.</param>
/// <param name="App">Number of the app that posted it.</param>
/// <param name="Name">Its name.</param>
/// <param name="HeadSha">Its commit.</param>
/// <param name="ExternalId">What its app calls it.</param>
public sealed record GitHubCheckRun(long Id, long App, string Name, string HeadSha, string? ExternalId)
{
    /// <summary>How it ended.</summary>
    public string Conclusion { get; set; } = "success";

    /// <summary>Its title.</summary>
    public string Title { get; set; } = "";

    /// <summary>Its summary.</summary>
    public string Summary { get; set; } = "";

    /// <summary>Its annotations, as they were sent.</summary>
    public List<JsonObject> Annotations { get; } = [];
}
