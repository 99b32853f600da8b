using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

/// <summary>A control repository that attests the branch main of another: pull request #7 of ann's changes risk/a there, which bob and carol own and have approved.</summary>
public abstract class AttestBench : IAsyncLifetime
{
    private const string Host = "registry.example.com";
    private const string Commits = "governance/commits";
    private protected PushBench bench = null!;
    private protected string policy = "";

    private protected GitHubScene Scene => bench.Scene;

    private protected GitHubWorld World => bench.World;

    public async ValueTask InitializeAsync()
    {
        bench = await PushBench.StartAsync();
        foreach (var name in (string[])["builder", "reviewer", "bob", "stranger"])
        {
            bench.Bench.Key(name);
        }

        await bench.Bench.AddImageAsync();
        policy = bench.Bench.Folder.Write("governance.yaml", Yaml());
        foreach (var file in (string[])["governance.yaml", "builder.pub", "reviewer.pub", "bob.pub"])
        {
            Scene.Main[file] = new(await File.ReadAllBytesAsync(bench.Bench.Folder.PathOf(file), TestContext.Current.CancellationToken));
        }

        Scene.PushMain();
        bench.Before = World.Branches["main"];
        Open(7, "risk/a", "reviewed\n");

        // The workflow runs in another repository, and its event says what somebody wants it to believe.
        bench.Bench.Set("GITHUB_REPOSITORY", "example/control");
        bench.Bench.Set("GITHUB_EVENT_NAME", "repository_dispatch");
        bench.Bench.Set("GITHUB_EVENT_PATH", bench.Bench.Folder.Write("dispatch.json", $$$"""{"client_payload":{"commit":"{{{new string('9', 40)}}}","repository":"mallory/trading"}}"""));
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await bench.DisposeAsync();
    }

    private protected async Task WithRevocationsAsync()
    {
        bench.Bench.Folder.Write("governance.yaml", Yaml("    revocations: { from: revocations.json, maxAge: 1h, by: { role: risk } }\n"));
        Scene.Main["governance.yaml"] = new(await File.ReadAllBytesAsync(policy, TestContext.Current.CancellationToken));
        Scene.PushMain();
        bench.Before = World.Branches["main"];
        Open(7, "risk/a", "reviewed\n");
        await RevokeAsync();
    }

    /// <summary>The statement that waits behind a commit, signed by this key.</summary>
    private protected async Task<ReviewStatement> StatementAsync(string commit, string key = "reviewer")
    {
        using var signer = Signer(key);
        var verified = Assert.IsType<VerificationOutcome.Verified>(SigstoreVerifier.Verify(new SignedEntity.Bundle(await BundleAsync(commit)), VerificationPolicy.ForStatement(ReviewStatement.PredicateType, [signer.PublicKey])));
        return ReviewStatements.Read(Assert.IsType<SignedContent.Statement>(verified.Content))!.Found();
    }

    /// <summary>What waits behind a commit, as it is.</summary>
    private protected async Task<byte[]> BundleAsync(string commit) => (await OciLayout.Open(bench.Bench.Layout).ReadTaggedAsync(new(Host, Commits), $"git-{commit}", TestContext.Current.CancellationToken)).Found()!.Content.ToArray();

    /// <summary>Puts another statement behind a commit that has one, as whoever may write there does.</summary>
    private protected async Task PutAsync(string commit, string key, Func<ReviewStatement, ReviewStatement> change, Func<string, string>? spell = null)
    {
        var text = Encoding.UTF8.GetString(ReviewStatements.Write(change(await StatementAsync(commit))));
        using var signer = Signer(key);
        var bundle = await SigstoreBundle.SignStatementAsync(Encoding.UTF8.GetBytes(spell?.Invoke(text) ?? text), signer, TestContext.Current.CancellationToken);
        (await OciLayout.Open(bench.Bench.Layout).PushTaggedAsync(new(Host, Commits), $"git-{commit}", Governance.Gates.Sigstore.MediaTypes.Bundle, new(Governance.Gates.Sigstore.MediaTypes.Bundle, bundle.Json, new Dictionary<string, string>()), TestContext.Current.CancellationToken)).Found();
    }

    /// <summary>Takes the tag of a commit away.</summary>
    private protected async Task HideAsync(string commit)
    {
        var file = Path.Combine(bench.Bench.Layout, "index.json");
        var index = JsonNode.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))!;
        index["manifests"] = new JsonArray([.. index["manifests"]!.AsArray().Where(one => !one!.ToJsonString().Contains($"git-{commit}", StringComparison.Ordinal)).Select(one => one!.DeepClone())]);
        await File.WriteAllTextAsync(file, index.ToJsonString(), TestContext.Current.CancellationToken);
    }

    private EcdsaSigner Signer(string key) => EcdsaSigner.FromPem(File.ReadAllText(bench.Bench.Folder.PathOf($"{key}.pem")), "");

    private protected async Task<string> TreeAsync(string commit)
    {
        using var client = new HttpClient();
        using var json = JsonDocument.Parse(await client.GetStringAsync(new Uri(Scene.Server.Api, $"repos/example/trading/git/commits/{commit}"), TestContext.Current.CancellationToken));
        return json.RootElement.GetProperty("tree").GetProperty("sha").GetString()!;
    }

    private protected async Task RevokeAsync(params string[] more)
    {
        var ended = await bench.Bench.GatesAsync(["revoke", "--policy", policy, "--key", bench.Bench.Folder.PathOf("bob.pem"), .. more]);
        Assert.True(ended.ExitCode == 0, ended.Error);
    }

    // A pull request of ann's that bob and carol approved.
    private protected void Open(long number, string path, string content) =>
        World.Open(number, "ann").From(World.FilesOfCommit[World.Branches["main"]]).Change(path, content).Push("ann").Review("bob").Review("carol");

    private protected static IEnumerable<(string, int?, string?)> Of(JsonElement json) => json.GetProperty("commits").EnumerateArray()
        .Select(one => (one.GetProperty("commit").GetString()!, one.GetProperty("number") is { ValueKind: JsonValueKind.Number } number ? number.GetInt32() : (int?)null, one.GetProperty("previous").GetString()));

    private protected async Task<JsonElement> JsonAsync(int exit, params string[] more) => (await AttestAsync(exit, [.. more, "--output", "json"])).Json();

    private protected async Task<Ended> AttestAsync(int exit, params string[] more)
    {
        string[] usual = ["--branch", "main", "--repository", "example/trading", "--server", "https://github.com", "--key", bench.Bench.Folder.PathOf("reviewer.pem")];
        var ended = await bench.Bench.GatesAsync(["review", "attest", "--policy", policy, "--layout", bench.Bench.Layout, .. usual.Chunk(2).Where(pair => !more.Contains(pair[0])).SelectMany(pair => pair), .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Output}{ended.Error}");
        return ended;
    }

    private protected string Yaml(string trust = "") => PullRequests.Yaml($"{PullRequests.Rules}\n    commits: {Host}/{Commits}\n    branches: {{ main: {{ directPush: blocked, forcePush: blocked }} }}")
        .Replace("bob: { id: p-2, ", "bob: { id: p-2, keys: [bob], ", StringComparison.Ordinal)
        .Replace("  review:\n", "    risk: { people: [bob] }\n  review:\n", StringComparison.Ordinal) + "\n" + $$"""
          robots:
            builder: { keys: [builder] }
            reviewer: { keys: [reviewer] }
          trust:
        {{trust}}    keys:
              builder: { spki: "{{Spki("builder")}}", file: builder.pub }
              reviewer: { spki: "{{Spki("reviewer")}}", file: reviewer.pub }
              bob: { spki: "{{Spki("bob")}}", file: bob.pub }
          artifacts:
            images:
              - match: ["{{Workbench.Repository}}"]
                require: { reviewed: { by: [reviewer] }, provenance: { by: [builder], source: https://github.com/example/trading } }

        """;

    private string Spki(string name)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(bench.Bench.Folder.PathOf($"{name}.pub")));
        return Digest.Of(key.ExportSubjectPublicKeyInfo()).ToString();
    }
}
