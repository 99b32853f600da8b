using Governance.Gates.Tests.Clients.GitHub;

namespace Governance.Gates.Tests.Cli;

/// <summary>A workflow that judges pull request #7 of ann's, which changes risk/a and which bob has approved, one of the two owners that it needs.</summary>
public abstract class ReviewBench : IAsyncLifetime
{
    private protected readonly Workbench bench = new();
    private protected GitHubScene scene = null!;

    public async ValueTask InitializeAsync()
    {
        scene = await GitHubScene.StartAsync();
        scene.Request.Change("risk/a").Push("ann").Review("bob");
        bench.Set("GITHUB_API_URL", scene.Server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Set("GITHUB_REPOSITORY", "example/trading");
        bench.Set("GITHUB_TOKEN", "secret-token");
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await scene.DisposeAsync();
        bench.Dispose();
    }
}
