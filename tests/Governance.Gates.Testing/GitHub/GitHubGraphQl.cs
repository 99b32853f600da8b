using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Governance.Gates.Testing.GitHub;

/// <summary>Answers the two GraphQL queries that gates send: authors of commits, and what waits in a merge queue.</summary>
internal static partial class GitHubGraphQl
{
    public static JsonObject Answer(GitHubWorld world, string query, JsonNode? variables) =>
        query.Contains("mergeQueue", StringComparison.Ordinal) ? Queue(world, variables!["branch"]!.GetValue<string>()) : Authors(world, query);

    private static JsonObject Queue(GitHubWorld world, string branch)
    {
        var nodes = new JsonArray([.. world.Queue.Select((queued, at) => new JsonObject
        {
            ["position"] = at + 1,
            ["headCommit"] = new JsonObject { ["oid"] = queued.HeadSha },
            ["pullRequest"] = new JsonObject { ["number"] = queued.Number },
        })]);
        return Data(new() { ["mergeQueue"] = branch == "main" ? new JsonObject { ["entries"] = new JsonObject { ["nodes"] = nodes } } : null });
    }

    private static JsonObject Authors(GitHubWorld world, string query)
    {
        var repository = new JsonObject();
        foreach (Match asked in Asked().Matches(query))
        {
            repository[asked.Groups["alias"].Value] = world.PullRequests.Values.SelectMany(request => request.Commits).FirstOrDefault(commit => commit.Sha == asked.Groups["sha"].Value) is { } commit ? Commit(world, commit) : null;
        }

        return Data(repository);
    }

    private static JsonObject Commit(GitHubWorld world, GitHubCommit commit)
    {
        var addresses = Trailer().Matches(commit.Message).Select(match => match.Groups["address"].Value).Prepend(commit.Address).Distinct();
        return new()
        {
            // Not asked for; by it a reader of the schema knows which kind of object this is.
            ["__typename"] = "Commit",
            ["authors"] = new JsonObject
            {
                ["nodes"] = new JsonArray([.. addresses.Select(address => new JsonObject { ["email"] = address, ["user"] = User(world, address) })]),
            },
        };
    }

    private static JsonObject? User(GitHubWorld world, string address) => world.Addresses.TryGetValue(address, out var login) && world.Accounts.TryGetValue(login, out var account)
        ? new() { ["databaseId"] = account.Id, ["login"] = login }
        : null;

    private static JsonObject Data(JsonObject repository) => new() { ["data"] = new JsonObject { ["repository"] = repository } };

    [GeneratedRegex("""(?<alias>c\d+): object\(oid: "(?<sha>[0-9a-f]+)"\)""", RegexOptions.NonBacktracking)]
    private static partial Regex Asked();

    [GeneratedRegex("(?i)co-authored-by:[^<\n]*<(?<address>[^>\n]*)>", RegexOptions.NonBacktracking)]
    private static partial Regex Trailer();
}
