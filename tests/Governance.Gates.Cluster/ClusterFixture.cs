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

    /// <summary>A name for a namespace that no other test uses.</summary>
    public static string NewName(string prefix) => $"{prefix}-{Guid.NewGuid().ToString("N")[..8]}";

    /// <summary>Makes a namespace and waits until pods can be created in it.</summary>
    public async Task<string> CreateNamespaceAsync(string prefix)
    {
        var name = NewName(prefix);
        (await Admin.RunAsync("create", "namespace", name)).Succeeded();
        await Admin.WaitForAsync(output => output.Contains("default", StringComparison.Ordinal), TimeSpan.FromSeconds(30), "get", "serviceaccounts", "-n", name);
        return name;
    }

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
