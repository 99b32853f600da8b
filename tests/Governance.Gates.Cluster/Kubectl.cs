using System.Diagnostics;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Cluster;

/// <summary>The real kubectl as one user of one cluster.</summary>
/// <param name="KubeconfigFile">Who and where.</param>
/// <param name="Home">A folder for kubectl's caches, so that the user's own are left alone.</param>
public sealed record Kubectl(string KubeconfigFile, string Home)
{
    /// <summary>Runs kubectl and gives its exit code and outputs, whatever they are.</summary>
    public Task<Command> RunAsync(params IReadOnlyList<string> arguments) => RunAsync(arguments, input: null);

    /// <summary>Runs kubectl with a text on standard input.</summary>
    public Task<Command> RunAsync(IReadOnlyList<string> arguments, string? input, CancellationToken cancellation = default) =>
        Command.RunAsync(
            Peers.Kubectl.Require(),
            ["--kubeconfig", KubeconfigFile, .. arguments],
            new Dictionary<string, string?> { ["HOME"] = Home, ["KUBECONFIG"] = null, ["KUBECACHEDIR"] = null },
            input,
            cancellation);

    /// <summary>Applies manifests, YAML or JSON.</summary>
    public Task<Command> ApplyAsync(string manifests, params IReadOnlyList<string> more) => RunAsync(["apply", "-f", "-", .. more], manifests);

    /// <summary>Makes a namespace that no other test uses, and waits until pods can be created in it.</summary>
    /// <param name="prefix">What its name begins with.</param>
    public async Task<string> CreateNamespaceAsync(string prefix)
    {
        var name = $"{prefix}-{Guid.NewGuid().ToString("N")[..8]}";
        (await RunAsync("create", "namespace", name)).Succeeded();
        await WaitForAsync(output => output.Contains("default", StringComparison.Ordinal), TimeSpan.FromSeconds(30), "get", "serviceaccounts", "-n", name);
        return name;
    }

    /// <summary>Applies the manifests of a gate that runs outside the cluster.</summary>
    /// <param name="policy">The policy file.</param>
    /// <param name="ca">The file with the authority of its certificate.</param>
    /// <param name="image">The image that its own Deployment names.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="more">Further arguments of <c>gates-webhook manifests</c>.</param>
    public async Task InstallGateAsync(string policy, string ca, string image, Uri address, params IReadOnlyList<string> more)
    {
        foreach (var part in (string[])["server", "webhook"])
        {
            var manifests = await Command.RunAsync(
                Path.Combine(ProjectTree.Bin, "gates-webhook"),
                ["manifests", "--policy", policy, "--ca", ca, "--image", image, "--kubernetes", "1.20", "--url", address.ToString(), "--part", part, .. more]);
            (await ApplyAsync(manifests.Succeeded().Output)).Succeeded();
        }
    }

    /// <summary>Runs kubectl again until its standard output is as awaited, and gives the last run.</summary>
    /// <exception cref="TimeoutException">The time ran out; the message holds the last run's outputs.</exception>
    public async Task<Command> WaitForAsync(Func<string, bool> isAwaited, TimeSpan timeout, params IReadOnlyList<string> arguments)
    {
        // Controllers act when they act: the cluster is asked until it shows the outcome.
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var run = await RunAsync(arguments);
            if (run.ExitCode == 0 && isAwaited(run.Output))
            {
                return run;
            }

            if (Stopwatch.GetElapsedTime(since) > timeout)
            {
                throw new TimeoutException($"'{run.CommandLine}' did not show what was awaited within {timeout.TotalSeconds} s; it said:\n{run.Error}{run.Output}");
            }

            await interval.WaitForNextTickAsync();
        }
    }

    /// <summary>Applies an object again and again, without effect, until the API server refuses it, and gives the refusal.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public Task<Command> WaitForRefusalAsync(string ns, string manifest) => WaitAsync(ns, manifest, run => run.ExitCode != 0, "it is still admitted after 60 s");

    /// <summary>Applies an object again and again, without effect, until the API server takes it.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public Task<Command> WaitForAdmissionAsync(string ns, string manifest) => WaitAsync(ns, manifest, run => run.ExitCode == 0, "it is still refused after 60 s");

    private async Task<Command> WaitAsync(string ns, string manifest, Func<Command, bool> isSo, string otherwise)
    {
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var run = await ApplyAsync(manifest, "-n", ns, "--dry-run=server");
            if (isSo(run))
            {
                return run;
            }

            if (Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(60))
            {
                throw new TimeoutException(otherwise);
            }

            await interval.WaitForNextTickAsync();
        }
    }
}
