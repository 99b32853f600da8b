using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Governance.Gates.Testing.GitHub;

/// <summary>Answers the two GraphQL queries that gates send: authors of commits, and what waits in a merge queue.</summary>
internal static partial class GitHubGraphQl
{
    public static JsonObject Answer(GitHubWorld world, string query, JsonNode? variables) =>
        query.Contains("mergeQueue", StringComparison.Ordinal) ? Queue(world, variables!["branch"]!.GetValue<string>()) : Authors(world, query);

    private static JsonObject Queue(GitHubWorld world, string branch) => Data(new JsonObject
    {
        ["mergeQueue"] = branch != "main" ? null : new JsonObject
        {
            ["entries"] = new JsonObject
            {
                ["pageInfo"] = new JsonObject { ["hasNextPage"] = false },
                ["nodes"] = new JsonArray([.. world.Queue.Select((queued, at) => new JsonObject
                {
                    ["position"] = at + 1,
                    ["baseCommit"] = new JsonObject { ["oid"] = queued.BaseSha },
                    ["headCommit"] = new JsonObject { ["oid"] = queued.HeadSha },
                    ["pullRequest"] = new JsonObject { ["number"] = queued.Number },
                })]),
            },
        },
    });

    private static JsonObject Authors(GitHubWorld world, string query)
    {
        var repository = new JsonObject();
        foreach (Match asked in Asked().Matches(query))
        {
            var commit = world.PullRequests.Values.SelectMany(request => request.Commits).FirstOrDefault(commit => commit.Sha == asked.Groups["sha"].Value);
            var addresses = commit is null ? [] : Trailer().Matches(commit.Message).Select(match => match.Groups["address"].Value).Prepend(commit.Address);
            repository[asked.Groups["alias"].Value] = commit is null ? null : new JsonObject
            {
                ["authors"] = new JsonObject
                {
                    ["pageInfo"] = new JsonObject { ["hasNextPage"] = false },
                    ["nodes"] = new JsonArray([.. addresses.Distinct().Select(address => new JsonObject { ["email"] = address, ["user"] = User(world, address) })]),
                },
            };
        }

        return Data(repository);
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
