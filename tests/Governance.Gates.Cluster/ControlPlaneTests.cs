namespace Governance.Gates.Cluster;

public sealed class ControlPlaneTests(ClusterFixture cluster)
{
    private const string Deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: web, image: "registry.example.test/web:1"}]}
        """;

    [Fact]
    public async Task The_controller_manager_makes_the_pods_of_a_deployment()
    {
        ClusterFixture.SkipWhereMissing();
        Assert.Contains("kube-system", (await cluster.Admin.RunAsync("get", "ns")).Succeeded().Output, StringComparison.Ordinal);
        var ns = await cluster.CreateNamespaceAsync("smoke");
        (await cluster.Admin.ApplyAsync(Deployment, "-n", ns)).Succeeded();
        var pods = await cluster.Admin.WaitForAsync(
            output => output.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 2,
            TimeSpan.FromSeconds(30),
            "get", "pods", "-n", ns, "-l", "app=web", "-o", "jsonpath={.items[*].status.phase}");
        Assert.Equal("Pending Pending", pods.Output);
    }

    [Fact]
    public async Task The_api_server_serves_ephemeral_containers()
    {
        ClusterFixture.SkipWhereMissing();
        var resources = (await cluster.Admin.RunAsync("get", "--raw", "/api/v1")).Succeeded().Output;
        Assert.Contains("pods/ephemeralcontainers", resources, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_without_rights_is_refused()
    {
        ClusterFixture.SkipWhereMissing();
        var run = await cluster.Plane.Nobody.RunAsync("get", "pods", "-A");
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("Forbidden", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_left_of_a_control_plane_that_was_disposed()
    {
        ClusterFixture.SkipWhereMissing();
        IReadOnlyList<int> ids;
        string folder;
        await using (var plane = await ControlPlane.StartAsync())
        {
            ids = plane.ProcessIds;
            folder = Path.GetDirectoryName(plane.Admin.KubeconfigFile)!;
            Assert.Equal(3, ids.Count);
            Assert.All(ids, id => Assert.True(IsRunning(id)));
        }

        Assert.All(ids, id => Assert.False(IsRunning(id)));
        Assert.False(Directory.Exists(folder));
    }

    // A process that ended but was not reaped yet (by the init process, as its parent is gone) still has a folder in /proc.
    private static bool IsRunning(int id)
    {
        try
        {
            var state = File.ReadAllText($"/proc/{id}/stat");
            return state[state.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
