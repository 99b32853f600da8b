using Governance.Gates.Images;

namespace Governance.Gates.Testing.Processes;

/// <summary>The real registry server of the distribution project, on a free port of 127.0.0.1, its data in a temporary folder.</summary>
/// <remarks>Version 2.8 has no referrers API: clients fall back to the index tag.</remarks>
public sealed class DockerRegistry : IAsyncDisposable
{
    private readonly TemporaryFolder folder;
    private readonly ChildProcess process;

    private DockerRegistry(TemporaryFolder folder, ChildProcess process, int port) => (this.folder, this.process, Host) = (folder, process, $"127.0.0.1:{port}");

    /// <summary>Host and port, as image references write them.</summary>
    public string Host { get; }

    /// <summary>What it printed so far.</summary>
    public string Output => string.Join('\n', process.Lines);

    /// <summary>A repository of it.</summary>
    public Repository Repository(string path) => new(Host, path);

    /// <summary>Starts the server and waits until it listens.</summary>
    public static async Task<DockerRegistry> StartAsync(CancellationToken cancellation = default)
    {
        var program = Peers.DockerRegistry.Require();
        var folder = new TemporaryFolder();
        var port = FreePort.Next();
        var configuration = folder.Write("registry.yml", $"""
            version: 0.1
            log:
              level: info
              accesslog:
                disabled: true
            storage:
              filesystem:
                rootdirectory: "{folder.PathOf("data")}"
              delete:
                enabled: true
            http:
              addr: "127.0.0.1:{port}"
            """);
        var process = ChildProcess.Start(program, ["serve", configuration], new Dictionary<string, string?> { ["OTEL_TRACES_EXPORTER"] = "none" });
        var registry = new DockerRegistry(folder, process, port);
        try
        {
            await process.WaitForLineAsync(line => line.Contains("listening on", StringComparison.Ordinal), TimeSpan.FromSeconds(30), cancellation);
            return registry;
        }
        catch
        {
            await registry.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        folder.Dispose();
    }
}
