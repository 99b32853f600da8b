using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.GitHub;

/// <summary>Prism with GitHub's OpenAPI description in front of a server: a request or an answer that the description does not allow becomes an error.</summary>
internal sealed class PrismProxy : IAsyncDisposable
{
    private readonly ChildProcess process;

    private PrismProxy(ChildProcess process, Uri address) => (this.process, Address) = (process, address);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>GitHub's descriptions: of github.com, and of GitHub Enterprise Server.</summary>
    public static TheoryData<string> Descriptions => ["api.github.com", "ghes-3.19"];

    public static string? WhyNot => Peers.WhyNot(Peers.Node, Peers.GitHubJs, Peers.GitHubServer);

    public static async Task<PrismProxy> StartAsync(string description, Uri upstream, CancellationToken cancellation)
    {
        var (packages, port) = (Peers.GitHubJs.Require(), FreePort.Next());
        var process = ChildProcess.Start(
            Peers.Node.Require(),
            [$"{packages}/@stoplight/prism-cli/dist/index.js", "proxy", "--errors", "--host", "127.0.0.1", "--port", $"{port}", description == "api.github.com" ? $"{packages}/@octokit/openapi/generated/{description}.json" : $"{Peers.GitHubServer.Require()}/{description}.json", upstream.AbsoluteUri.TrimEnd('/')],
            new Dictionary<string, string?> { ["HTTP_PROXY"] = null, ["http_proxy"] = null });
        try
        {
            await process.WaitForLineAsync(line => line.Contains("Prism is listening", StringComparison.Ordinal), TimeSpan.FromMinutes(2), cancellation);
            return new(process, new($"http://127.0.0.1:{port}/"));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
