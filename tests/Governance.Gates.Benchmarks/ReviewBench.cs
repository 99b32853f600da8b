using System.Diagnostics;
using System.Globalization;
using Governance.Gates.Testing;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>The review of as large a pull request as GitHub tells whole, by the program as published: from GitHub's API on loopback, from its snapshot, and from that as a workflow's step.</summary>
internal static class ReviewBench
{
    /// <summary>One more, and nobody can see them all.</summary>
    private const int Files = 2_999;
    private const int Commits = 250;
    private const int Reviews = 300;
    private const int Rounds = 21;
    private const double Most = 100;

    private const string Policy = """
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: bench, version: 1 }
        spec:
          people:
            ann: { id: p-1, github: { login: ann, id: 1 } }
            bob: { id: p-2, github: { login: bob, id: 2 } }
            carol: { id: p-3, github: { login: carol, id: 3 } }
          review:
            approvals: { default: 2 }
            paths:
              - { paths: [src/**], approvals: 2, from: codeowners }
        """;

    public static async Task<IReadOnlyList<Row>> MeasureAsync()
    {
        await using var server = await LoopbackGitHub.StartAsync();
        using var folder = new TemporaryFolder();
        Fill(server.World);
        var (gates, policy, snapshot) = (BenchWorld.Program("gates"), folder.Write("governance.yaml", Policy), folder.PathOf("pr.json"));
        var environment = new Dictionary<string, string?> { ["GITHUB_API_URL"] = server.Api.AbsoluteUri, ["GITHUB_REPOSITORY"] = server.World.Repository, ["GITHUB_TOKEN"] = "bench", ["GITHUB_GRAPHQL_URL"] = null };
        (await Command.RunAsync(gates, ["review", "--pr", "1", "--save", snapshot], environment)).Succeeded();
        string[] files = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"];
        var runner = files.ToDictionary(name => name, string? (name) => folder.PathOf(name));
        (runner["INPUT_SNAPSHOT"], runner["INPUT_POLICY"]) = (snapshot, policy);
        var (asked, online, offline, steps) = (server.Log.Count, new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            online.Add(await MillisecondsAsync(["review", "--pr", "1"], environment));
            offline.Add(await MillisecondsAsync(["review", "--snapshot", snapshot, "--policy", policy], null));
            steps.Add(await MillisecondsAsync(["action", "review"], runner));
        }

        var (from, saved, step) = (Median(online), Median(offline), Median(steps));
        var what = string.Create(CultureInfo.InvariantCulture, $"{Files:n0} files, {Commits} commits and {Reviews} reviews");
        return
        [
            new($"`gates review --pr`, NativeAOT, {what}, a stand-in for GitHub on loopback: median ms", $"{from:0}", $"requests: {asked}", "", true),
            new("the same from its snapshot (`gates review --snapshot`), whole process: median ms", $"{saved:0.0}", $"bytes of the snapshot: {new FileInfo(snapshot).Length:n0}", $"at most {Most:0}: {saved:0.0}", saved <= Most),
            new("the same as the step of a workflow, with outputs and summary: median ms", $"{step:0.0}", "", "", true),
        ];

        async Task<double> MillisecondsAsync(IReadOnlyList<string> arguments, Dictionary<string, string?>? variables)
        {
            var since = Stopwatch.GetTimestamp();
            (await Command.RunAsync(gates, arguments, variables)).Succeeded();
            return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        }
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private static void Fill(GitHubWorld world)
    {
        world.With("ann", "bob", "carol", "dave");
        var main = new Dictionary<string, GitHubFile> { ["governance.yaml"] = GitHubFile.Of(Policy), [".github/CODEOWNERS"] = GitHubFile.Of("* @ann @bob @carol\n") };
        world.Branches["main"] = world.Commit(main);
        var request = world.Open(1, "ann").From(main);
        for (var i = 0; i < Files; i++)
        {
            request.Change($"src/{i % 40}/{i % 7}/{i}.cs");
        }

        for (var i = 0; i < Commits; i++)
        {
            request.Push("ann", $"commit {i}");
        }

        for (var i = 2; i < Reviews; i++)
        {
            request.Review("dave", "COMMENTED");
        }

        request.Review("bob").Review("carol");
    }
}
