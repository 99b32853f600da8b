using System.Diagnostics;
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

    /// <summary>Tries to create an object until the gate refuses it, and removes what came in before.</summary>
    /// <exception cref="TimeoutException">It never did.</exception>
    public async Task WaitForRefusalAsync(string manifest, string ns)
    {
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var since = Stopwatch.GetTimestamp();
        while ((await RunAsync(["create", "-n", ns, "-f", "-"], manifest)).ExitCode == 0)
        {
            (await RunAsync(["delete", "-n", ns, "--grace-period=0", "--force", "-f", "-"], manifest)).Succeeded();
            if (Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(30))
            {
                throw new TimeoutException("the gate is not in force after 30 s");
            }

            await interval.WaitForNextTickAsync();
        }
    }
}
