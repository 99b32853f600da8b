using Governance.Gates.Cluster;

[assembly: AssemblyFixture(typeof(ClusterFixture))]

namespace Governance.Gates.Cluster;

/// <summary>One control plane for all tests of the assembly; each test works in namespaces of its own.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private ControlPlane? plane;

    /// <summary>The control plane.</summary>
    public ControlPlane Plane => plane ?? throw new InvalidOperationException($"call {nameof(SkipWhereMissing)} first: {ControlPlane.WhyNot}");

    /// <summary>kubectl as the cluster's administrator.</summary>
    public Kubectl Admin => Plane.Admin;

    /// <summary>Skips the calling test where a program that it needs is not installed.</summary>
    public static void SkipWhereMissing() => Assert.SkipWhen(ControlPlane.WhyNot is not null, ControlPlane.WhyNot ?? "");

    /// <summary>Makes a namespace and waits until pods can be created in it.</summary>
    public Task<string> CreateNamespaceAsync(string prefix) => Admin.CreateNamespaceAsync(prefix);

    /// <summary>Starts the control plane; nothing where the programs are missing.</summary>
    public async ValueTask InitializeAsync() => plane = ControlPlane.WhyNot is null ? await ControlPlane.StartAsync() : null;

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (plane is not null)
        {
            await plane.DisposeAsync();
        }
    }
}

/// <summary>How fixtures start.</summary>
internal static class FixtureStart
{
    /// <summary>Starts a fixture, and ends what it started where it fails half-way: the framework does not.</summary>
    /// <param name="fixture">The fixture.</param>
    /// <param name="start">Starts it.</param>
    public static async Task StartOrDisposeAsync(this IAsyncDisposable fixture, Func<Task> start)
    {
        try
        {
            await start();
        }
        catch
        {
            await fixture.DisposeAsync();
            throw;
        }
    }
}
