using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Cluster;

/// <summary><c>gates admit --cluster</c> on a real cluster that no gate guards yet.</summary>
public sealed class AdmitClusterTests(ClusterFixture cluster) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task What_stands_in_a_cluster_is_judged_object_by_object()
    {
        ClusterFixture.SkipWhereMissing();
        await using var registry = await LoopbackRegistry.StartAsync();
        var (secret, policy) = Policy(registry.Host);
        var (signed, unsigned) = (await PushAsync(registry, "signed"), await PushAsync(registry, "unsigned"));
        Assert.Equal(0, (await GatesAsync("sign", signed, "--key", secret)).ExitCode);
        var ns = await cluster.CreateNamespaceAsync("standing");
        (await cluster.Admin.ApplyAsync($"{Deployment("good", signed)}---\n{Deployment("bad", unsigned)}", "-n", ns)).Succeeded();
        await cluster.Admin.WaitForAsync(output => output.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length == 2, TimeSpan.FromSeconds(30), "get", "pods", "-n", ns, "-o", "jsonpath={.items[*].metadata.name}");

        var ended = await GatesAsync("admit", "--cluster", "--kubeconfig", cluster.Admin.KubeconfigFile, "--policy", policy, "--output", "json");
        Assert.Equal(1, ended.ExitCode);
        using var report = JsonDocument.Parse(ended.Output);
        var uid = (await cluster.Admin.RunAsync("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")).Succeeded().Output;
        Assert.Equal(uid, report.RootElement.GetProperty("cluster").GetString());
        Assert.Empty(report.RootElement.GetProperty("unread").EnumerateArray());
        var judged = report.RootElement.GetProperty("objects").EnumerateArray()
            .Where(one => one.GetProperty("namespace").GetString() == ns)
            .Select(one => (Kind: one.GetProperty("kind").GetString(), Good: one.GetProperty("name").GetString()!.StartsWith("good", StringComparison.Ordinal), Verdict: one.GetProperty("verdict").GetString()))
            .ToList();
        foreach (var kind in (string[])["Deployment", "ReplicaSet", "Pod"])
        {
            Assert.Contains((kind, true, "allow"), judged);
            Assert.Contains((kind, false, "deny"), judged);
        }
    }

    [Fact]
    public async Task What_may_not_be_listed_is_unknown_and_named()
    {
        ClusterFixture.SkipWhereMissing();
        var (_, policy) = Policy("registry.example.com");
        var ended = await GatesAsync("admit", "--cluster", "--kubeconfig", cluster.Plane.Nobody.KubeconfigFile, "--policy", policy);
        Assert.Equal(2, ended.ExitCode);
        Assert.StartsWith("unknown: 0 objects", ended.Output, StringComparison.Ordinal);
        Assert.Contains("pods", ended.Output, StringComparison.Ordinal);
        Assert.Contains("deployments.apps", ended.Output, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    private static async Task<string> PushAsync(LoopbackRegistry registry, string name) =>
        ImageReference.At(registry.Repository(name), await TestImage.PushAsync(registry.Repository(name))).ToString();

    private static string Deployment(string name, string image) => $$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: {{name}} }
        spec:
          selector: { matchLabels: { app: {{name}} } }
          template: { metadata: { labels: { app: {{name}} } }, spec: { containers: [{ name: main, image: "{{image}}" }] } }

        """;

    private (string Secret, string Policy) Policy(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        folder.Write("release.pub", key.ExportSubjectPublicKeyInfoPem());
        return (folder.Write("release.pem", key.ExportPkcs8PrivateKeyPem()), folder.Write("governance.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: standing, version: 1 }
            spec:
              robots:
                release-workflow: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: release.pub }
              artifacts:
                images:
                  - match: ["{{host}}/**"]
                    require: { signed: { by: [release-workflow] } }

            """));
    }

    private static async Task<(int ExitCode, string Output)> GatesAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        var exitCode = await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, output, TextWriter.Null));
        return (exitCode, output.ToString());
    }
}
