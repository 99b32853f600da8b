using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Cluster;

/// <summary>A real Kubernetes control plane on loopback: etcd, API server and controller manager, gone when this is disposed.</summary>
/// <remarks>There is no kubelet and no scheduler: pods are made and stay Pending.</remarks>
public sealed partial class ControlPlane : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private readonly TemporaryFolder folder;
    private readonly ChildProcess script;

    private ControlPlane(TemporaryFolder folder, ChildProcess script)
    {
        (this.folder, this.script) = (folder, script);
        Admin = new(folder.PathOf("admin.kubeconfig"), folder.Folder("admin-home"));
        Nobody = new(folder.PathOf("nobody.kubeconfig"), folder.Folder("nobody-home"));
    }

    /// <summary>kubectl as the cluster's administrator.</summary>
    public Kubectl Admin { get; }

    /// <summary>kubectl as a user without any rights.</summary>
    public Kubectl Nobody { get; }

    /// <summary>The ids of etcd, kube-apiserver and kube-controller-manager.</summary>
    public IReadOnlyList<int> ProcessIds => [.. Directory.GetFiles(folder.PathOf("pids"))
        .Select(file => int.Parse(File.ReadAllText(file).Split(' ')[0], CultureInfo.InvariantCulture))];

    /// <summary>Why a control plane cannot be started here; null where it can.</summary>
    public static string? WhyNot => Peers.WhyNot(Peers.Etcd, Peers.ApiServer, Peers.ControllerManager, Peers.Kubectl);

    /// <summary>Starts the control plane and waits until pods can be created.</summary>
    public static async Task<ControlPlane> StartAsync(CancellationToken cancellation = default)
    {
        var folder = new TemporaryFolder();
        var script = ChildProcess.Start(Path.Combine(ProjectTree.Root, "tests", "cluster", "cluster.sh"), ["run", folder.Path]);
        var plane = new ControlPlane(folder, script);
        try
        {
            await script.WaitForLineAsync(line => line.StartsWith("ready ", StringComparison.Ordinal), StartLimit, cancellation);
            return plane;
        }
        catch
        {
            await plane.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of the API server as the cluster's administrator.</summary>
    public HttpClient CreateHttpClient()
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(folder.PathOf("pki", "ca.crt")));
        var certificate = X509Certificate2.CreateFromPemFile(folder.PathOf("pki", "admin.crt"), folder.PathOf("pki", "admin.key"));
        return new(new SocketsHttpHandler { SslOptions = new() { CertificateChainPolicy = trust, LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate } })
        {
            BaseAddress = new(File.ReadLines(folder.PathOf("admin.kubeconfig")).Select(line => ServerOf().Match(line)).First(match => match.Success).Value),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>What one of the three processes logged so far.</summary>
    public Task<string> ReadLogAsync(string process, CancellationToken cancellation = default) =>
        File.ReadAllTextAsync(folder.PathOf("log", $"{process}.log"), cancellation);

    /// <summary>Ends all processes and removes all data.</summary>
    public async ValueTask DisposeAsync()
    {
        // SIGTERM makes the script end what it started; it gives each ten seconds, so its own SIGKILL must not come before.
        script.Terminate();
        await script.WaitForExitAsync();
        await script.DisposeAsync();
        folder.Dispose();
    }

    [GeneratedRegex("https://127\\.0\\.0\\.1:[0-9]+")]
    private static partial Regex ServerOf();
}
