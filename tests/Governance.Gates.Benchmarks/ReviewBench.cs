using System.Diagnostics;
using System.Globalization;
using Governance.Gates.Testing;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>The review of as large a pull request as GitHub tells whole, by the program as published: from GitHub's API on loopback, and from its snapshot.</summary>
internal static class ReviewBench
{
    /// <summary>One more, and nobody can see them all.</summary>
    private const int Files = 2_999;
    private const int Commits = 250;
    private const int Reviews = 300;
    private const int Rounds = 7;

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
        var (asked, online, offline) = (server.Log.Count, new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            online.Add(await MillisecondsAsync(["review", "--pr", "1"]));
            offline.Add(await MillisecondsAsync(["review", "--snapshot", snapshot, "--policy", policy]));
        }

        var (from, saved) = (online.Order().ElementAt(Rounds / 2), offline.Order().ElementAt(Rounds / 2));
        var what = string.Create(CultureInfo.InvariantCulture, $"{Files:n0} files, {Commits} commits and {Reviews} reviews");
        return
        [
            new($"`gates review --pr`, NativeAOT, {what}, a stand-in for GitHub on loopback: median ms", $"{from:0}", $"requests: {asked}", "", true),
            new("the same from its snapshot (`gates review --snapshot`), whole process: median ms", $"{saved:0.0}", $"bytes of the snapshot: {new FileInfo(snapshot).Length:n0}", $"at most 100: {saved:0.0}", saved <= 100),
        ];

        async Task<double> MillisecondsAsync(IReadOnlyList<string> arguments)
        {
            var since = Stopwatch.GetTimestamp();
            (await Command.RunAsync(gates, arguments, environment)).Succeeded();
            return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
        }
    }

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
