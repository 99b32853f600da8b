using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Demo;

/// <summary>A real gates-webhook on loopback, with a certificate authority of its own.</summary>
internal sealed class RunningWebhook : IAsyncDisposable
{
    private readonly Process process;
    private readonly HttpClient http;
    private readonly StreamWriter log;

    private RunningWebhook(Process process, HttpClient http, StreamWriter log)
    {
        this.process = process;
        this.http = http;
        this.log = log;
    }

    public static async Task<RunningWebhook> StartAsync(string bin, DemoWorld world, CancellationToken cancellation)
    {
        var program = Path.Combine(bin, "gates-webhook");
        var tls = Path.Combine(world.Folder, "tls");
        using (var made = Process.Start(program, ["certificate", tls, "--name", "localhost"]))
        {
            await made.WaitForExitAsync(cancellation);
        }

        var port = FreePort();
        var log = new StreamWriter(Path.Combine(world.Folder, "webhook.log")) { AutoFlush = true };
        var process = Process.Start(new ProcessStartInfo(
            program,
            ["serve", "--policy", world.Policy, "--policy-root", world.PolicyDigest, "--state", Path.Combine(world.Folder, "state"), "--ledger", world.Ledger, "--ledger-origin", "demo/production/loopback/demo-0", "--cluster-uid", DemoWorld.Cluster, "--layout", world.Layout, "--certificate", Path.Combine(tls, "tls.crt"), "--key", Path.Combine(tls, "tls.key"), "--listen", $"127.0.0.1:{port}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        DataReceivedEventHandler keep = (_, line) =>
        {
            if (line.Data is { } text)
            {
                lock (log)
                {
                    log.WriteLine(text);
                }
            }
        };
        process.OutputDataReceived += keep;
        process.ErrorDataReceived += keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        var webhook = new RunningWebhook(process, new HttpClient(Trusting(Path.Combine(tls, "ca.crt"))) { BaseAddress = new($"https://localhost:{port}") }, log);
        for (var waited = Stopwatch.StartNew(); !await webhook.IsReadyAsync(cancellation);)
        {
            if (process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(20))
            {
                await webhook.DisposeAsync();
                throw new InvalidOperationException("gates-webhook did not start: " + await File.ReadAllTextAsync(Path.Combine(world.Folder, "webhook.log"), cancellation));
            }

            await Task.Delay(50, cancellation);
        }

        return webhook;
    }

    public async Task<DemoAnswer> AskAsync(DemoCase demo, CancellationToken cancellation)
    {
        using var body = new StringContent(demo.Review(), Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("/validate?timeout=10s", UriKind.Relative), body, cancellation);
        using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation));
        var answer = json.RootElement.GetProperty("response");
        return new(
            answer.GetProperty("allowed").GetBoolean(),
            answer.GetProperty("auditAnnotations").GetProperty("verdict").GetString()!,
            answer.TryGetProperty("status", out var status) ? status.GetProperty("message").GetString()! : "");
    }

    /// <summary>What the webhook says of itself once it says something else than that it is ready.</summary>
    public async Task<string> WhenNotReadyAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var said = (await http.GetStringAsync(new Uri("/health/ready", UriKind.Relative), cancellation)).Trim();
            if (said != "ready")
            {
                return said;
            }

            await Task.Delay(50, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            // In order, so that the last entry is published; a gate that is killed goes on from its journal.
            using var told = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }

        process.Dispose();
        http.Dispose();
        lock (log)
        {
            log.Dispose();
        }
    }

    private static SocketsHttpHandler Trusting(string authority)
    {
        var chain = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        chain.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(authority));
        return new() { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = chain }, UseProxy = false };
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        try
        {
            using var response = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellation);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
