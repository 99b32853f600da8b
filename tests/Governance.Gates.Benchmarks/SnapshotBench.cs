using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary><c>gates review</c> as published, from its start to its verdict about a pull request as large as a forge tells whole.</summary>
internal static class SnapshotBench
{
    private const int Files = 2_999;
    private const int Commits = 250;
    private const int Reviews = 300;
    private const int Runs = 21;
    private const double Most = 100;
    private const string Head = "2222222222222222222222222222222222222222";

    public static async Task<IReadOnlyList<Row>> MeasureAsync()
    {
        using var folder = new TemporaryFolder();
        var policy = folder.Write("governance.yaml", """
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: bench, version: 1 }
            spec:
              people:
                ann: { id: p-1, github: { login: ann, id: 1 } }
                bob: { id: p-2, github: { login: bob, id: 2 } }
                carol: { id: p-3, github: { login: carol, id: 3 } }
              review:
                codeowners: { required: true, mistakes: deny }
                approvals: { default: 1, stale: head }
                exclude: [author, committers, coAuthors, lastPusher, robots]
                paths:
                  - { paths: ["src/team-1*/**"], approvals: 2, from: codeowners, why: risk-critical }
            """);
        var snapshot = folder.Write("snapshot.json", Snapshot());
        var gates = BenchWorld.Program("gates");
        string[] files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];
        var environment = files.ToDictionary(name => name, string? (name) => folder.PathOf(name));
        (environment["INPUT_SNAPSHOT"], environment["INPUT_POLICY"]) = (snapshot, policy);
        var (plain, action) = (new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            plain.Add(await MillisecondsAsync(["review", "--snapshot", snapshot, "--policy", policy], null));
            action.Add(await MillisecondsAsync(["action", "review"], environment));
        }

        var (verdict, step) = (plain.Order().ElementAt(Runs / 2), action.Order().ElementAt(Runs / 2));
        return
        [
            new($"`gates review` on a snapshot of {Files:n0} files, {Commits} commits and {Reviews} reviews ({new FileInfo(snapshot).Length / 1024.0:0} KiB), NativeAOT, whole process: median ms", $"{verdict:0.0}", "", $"at most {Most:0}", verdict <= Most),
            new("the same as the step of a workflow, with outputs and summary: median ms", $"{step:0.0}", "", "", true),
        ];

        async Task<double> MillisecondsAsync(string[] arguments, Dictionary<string, string?>? variables)
        {
            var since = Stopwatch.GetTimestamp();
            (await Command.RunAsync(gates, arguments, variables)).Succeeded();
            return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        }
    }

    // Everybody comments, and the owners of everything approve.
    private static string Snapshot()
    {
        var owners = string.Concat(Enumerable.Range(0, 200).Select(team => $"/src/team-{team}/ @bob @carol @example/team-{team}\n"));
        return new JsonObject
        {
            ["v"] = 1,
            ["critical"] = new JsonArray(),
            ["repository"] = "example/trading",
            ["number"] = 7,
            ["draft"] = false,
            ["author"] = Account("ann", 1),
            ["base"] = new JsonObject { ["ref"] = "main", ["sha"] = Number(1, 40) },
            ["head"] = new JsonObject { ["ref"] = "feat/x", ["sha"] = Head },
            ["headAfter"] = Head,
            ["changedFiles"] = Files,
            ["commitCount"] = Commits,
            ["files"] = Many(Files, file => new JsonObject { ["path"] = $"src/team-{file % 200}/component-{file % 17}/file-{file}.cs", ["status"] = "modified", ["mode"] = "100644" }),
            ["commits"] = Many(Commits, commit => new JsonObject { ["sha"] = Number(commit, 40), ["author"] = Account("ann", 1), ["committer"] = Account("ann", 1), ["coAuthors"] = new JsonArray() }),
            ["lastPusher"] = Account("ann", 1),
            ["reviews"] = Many(Reviews, review => new JsonObject
            {
                ["id"] = review + 1,
                ["user"] = review >= Reviews - 2 ? Owner(review) : Account($"user-{review}", 100 + review),
                ["state"] = review >= Reviews - 2 ? "APPROVED" : "COMMENTED",
                ["commit"] = Head,
            }),
            ["permissions"] = new JsonArray([.. ((JsonNode[])[Account("ann", 1), Owner(0), Owner(1)]).Select(account => new JsonObject { ["account"] = account, ["permission"] = "write" })]),
            ["teams"] = new JsonArray(),
            ["contents"] = new JsonArray(
                new JsonObject { ["side"] = "base", ["path"] = ".github/CODEOWNERS", ["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"* @bob @carol\n{owners}")) },
                new JsonObject { ["side"] = "base", ["path"] = "CODEOWNERS", ["absent"] = true },
                new JsonObject { ["side"] = "base", ["path"] = "docs/CODEOWNERS", ["absent"] = true }),
            ["unread"] = new JsonArray(),
        }.ToJsonString();
    }

    private static JsonObject Account(string login, long id) => new() { ["id"] = id, ["login"] = login, ["type"] = "User" };

    private static JsonObject Owner(int number) => number % 2 == 0 ? Account("bob", 2) : Account("carol", 3);

    private static JsonArray Many(int count, Func<int, JsonNode> make) => [.. Enumerable.Range(0, count).Select(make)];

    private static string Number(int number, int length) => number.ToString(CultureInfo.InvariantCulture).PadLeft(length, '0');
}
