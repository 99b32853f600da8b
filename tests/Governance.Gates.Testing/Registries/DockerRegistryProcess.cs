using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Governance.Gates.Images;

namespace Governance.Gates.Testing.Registries;

/// <summary>The real <c>docker-registry</c> (distribution 2.8, no referrers API) on a free loopback port, with its storage in a temporary folder.</summary>
public sealed class DockerRegistryProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly string folder;
    private readonly ConcurrentQueue<string> output = new();

    private DockerRegistryProcess(Process process, string folder, string host)
    {
        (this.process, this.folder, Host) = (process, folder, host);
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The program; null where it is not installed.</summary>
    public static string? Program => ((string[])["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"]).FirstOrDefault(File.Exists);

    /// <summary>Host and port.</summary>
    public string Host { get; }

    /// <summary>What it printed.</summary>
    public string Output => string.Join('\n', output);

    /// <summary>A repository of it.</summary>
    public Repository Repository(string path) => new(Host, path);

    /// <summary>Starts it and waits until it answers.</summary>
    public static async Task<DockerRegistryProcess> StartAsync()
    {
        var program = Program ?? throw new InvalidOperationException("docker-registry is not installed");
        var folder = Directory.CreateTempSubdirectory("gates-registry-").FullName;
        var host = $"127.0.0.1:{FreePort()}";
        var config = Path.Combine(folder, "config.yml");
        await File.WriteAllTextAsync(config, $"version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: {host}}}\n");
        var start = new ProcessStartInfo(program, ["serve", config]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var registry = new DockerRegistryProcess(Process.Start(start)!, folder, host);
        using var http = new HttpClient();
        for (var attempt = 0; attempt < 200; attempt++)
        {
            try
            {
                using var answer = await http.GetAsync($"http://{host}/v2/");
                return registry;
            }
            catch (HttpRequestException) when (!registry.process.HasExited)
            {
                await Task.Delay(50);
            }
        }

        var printed = registry.Output;
        await registry.DisposeAsync();
        throw new InvalidOperationException($"docker-registry did not start: {printed}");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
