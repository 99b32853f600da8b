using Governance.Gates.Clients.GitHub;
using Governance.Gates.Reviews;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>A small firm's repository on a loopback GitHub, with the policy and CODEOWNERS on main and a pull request #7 of ann's.</summary>
internal sealed class GitHubScene : IAsyncDisposable
{
    private GitHubScene(LoopbackGitHub server) => Server = server;

    public LoopbackGitHub Server { get; }

    public GitHubWorld World => Server.World;

    public GitHubPullRequest Request => World.PullRequests[7];

    /// <summary>What main holds.</summary>
    public Dictionary<string, GitHubFile> Main { get; } = [];

    public ImpatientClock Clock { get; } = new(PullRequests.Now);

    /// <summary>Requests that the last reading made.</summary>
    public int Requests { get; private set; }

    public static async Task<GitHubScene> StartAsync(string? rules = null, string owners = "* @ann @bob @carol @dave\n/risk/ @bob @carol @example/risk\n")
    {
        var scene = new GitHubScene(await LoopbackGitHub.StartAsync());
        // Numbered as the policy has them; stan is in no policy.
        scene.World.With("ann", "bob", "carol", "dave", "erin", "frank", "stan");
        scene.World.Accounts["release[bot]"] = (50, "Bot");
        scene.World.Accounts["carol2"] = (33, "User");
        scene.World.Permissions["carol2"] = "write";
        scene.World.Teams["example/risk"] = [];
        foreach (var (path, text) in new Dictionary<string, string>
        {
            ["governance.yaml"] = PullRequests.Yaml(rules ?? PullRequests.Rules),
            [".github/CODEOWNERS"] = owners,
            ["risk/a"] = "a\n",
            ["docs/b"] = "b\n",
            ["config/limits.yaml"] = "position: { btc: { max: 5 } }\n",
        })
        {
            scene.Main[path] = GitHubFile.Of(text);
        }

        scene.PushMain();
        scene.World.Open(7, "ann").From(scene.Main);
        return scene;
    }

    /// <summary>Moves main to what <see cref="Main"/> holds.</summary>
    public void PushMain() => World.Branches["main"] = World.Commit(Main, "", [.. World.Branches.TryGetValue("main", out var before) ? [before] : Array.Empty<string>()]);

    public async Task<Reading<ReviewQuestion>> ReadAsync(params string[] also)
    {
        using var client = GitHubClient.Open(new() { Api = Server.Api, GraphQl = new(Server.Api, "graphql"), Credentials = new GitHubCredentials.Token("t") }, RepositoryName.TryParse(World.Repository)!, Clock);
        var reading = await PullRequestSource.ReadAsync(client, 7, (commit, cancellation) => RepositoryPolicy.ReadAsync(commit, "governance.yaml", cancellation), [.. also], default);
        Requests = client.Requests;
        return reading;
    }

    public async Task<ReviewResult> JudgeAsync() => (await ReadAsync()).Try(out var question, out var why)
        ? ReviewGate.Decide(question.Request, question.Policy, PullRequests.Now)
        : new(Decision.Unknown(why), [], []);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
