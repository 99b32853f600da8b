using Governance.Gates.Ledgers;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>A workflow that runs when something was pushed: pull request #7 of ann's changes risk/a, which bob and carol own and have approved, and is not merged yet.</summary>
internal sealed class PushBench : IAsyncDisposable
{
    private PushBench(GitHubScene scene) => Scene = scene;

    public Workbench Bench { get; } = new();

    public GitHubScene Scene { get; }

    public GitHubWorld World => Scene.World;

    /// <summary>The commit that main was at before the push.</summary>
    public string Before { get; set; } = "";

    public static async Task<PushBench> StartAsync(string? rules = null)
    {
        var bench = new PushBench(await GitHubScene.StartAsync(rules));
        bench.Scene.Request.Change("risk/a", "reviewed\n").Push("ann").Review("bob").Review("carol");
        bench.Before = bench.World.Branches["main"];
        bench.Bench.Set("GITHUB_API_URL", bench.Scene.Server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Bench.Clock.SkipsShortWaits = true;
        bench.Bench.Set("GITHUB_REPOSITORY", "example/trading");
        bench.Bench.Set("GITHUB_TOKEN", "secret-token");
        return bench;
    }

    /// <summary>Judges the push that brought main to where it is.</summary>
    public async Task<Ended> PushAsync(int exit, params string[] arguments)
    {
        Event("refs/heads/main", Before, World.Branches["main"]);
        var ended = await Bench.GatesAsync(["review", .. arguments]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Output}{ended.Error}");
        return ended;
    }

    /// <summary>What the workflow is told of a push.</summary>
    public void Event(string name, string from, string to)
    {
        Bench.Set("GITHUB_EVENT_NAME", "push");
        Bench.Set("GITHUB_EVENT_PATH", Bench.Folder.Write("event.json", $$$"""{"ref":"{{{name}}}","before":"{{{from}}}","after":"{{{to}}}","repository":{"full_name":"mallory/trading","default_branch":"scratch"}}"""));
    }

    /// <summary>The folder of a new log.</summary>
    public async Task<string> LogAsync()
    {
        var log = Bench.Folder.PathOf("log");
        Assert.Equal(0, (await Bench.GatesAsync("ledger", "init", log, "--origin", "firm/pushes/none/main")).ExitCode);
        return log;
    }

    /// <summary>The entries of a small log.</summary>
    public static async Task<List<LedgerEntry>> EntriesAsync(string log)
    {
        var bundle = Directory.GetFiles(Path.Combine(log, "tile", "entries"), "*", SearchOption.AllDirectories).OrderByDescending(file => new FileInfo(file).Length).First();
        var bytes = await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken);
        return EntryBundle.Read(bytes).Try(out var entries, out _) ? [.. entries.Select(entry => LedgerEntry.Read(entry).Found())] : [];
    }

    public async ValueTask DisposeAsync()
    {
        await Scene.DisposeAsync();
        Bench.Dispose();
    }
}
