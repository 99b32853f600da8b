using System.Text.Json;
using Governance.Gates.Admission;

namespace Governance.Gates.Cluster;

/// <summary>What real controllers make of templates whose pods read all of their own labels and annotations.</summary>
public sealed class TemplateTests(ClusterFixture cluster)
{
    private const string Limits = """{"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"limits"},"spec":{"limits":[{"type":"Container","default":{"cpu":"1","memory":"1Gi"}}]}}""";
    private const string Template = """
        "template":{"metadata":{"labels":{"app":"reader"},"annotations":{"note":"x"}},"spec":{RESTART"tolerations":[{"operator":"Exists"}],"initContainers":[{"name":"first","image":"registry.example.test/reader:1"}],"containers":[{"name":"reader","image":"registry.example.test/reader:1",
          "env":[{"name":"APP","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}},{"name":"HASH","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['controller-revision-hash']"}}}],"volumeMounts":[{"name":"own","mountPath":"/own"}]}],
          "volumes":[{"name":"own","downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},{"path":"annotations","fieldRef":{"fieldPath":"metadata.annotations"}}]}}]}}
        """;

    [Theory]
    [InlineData("Deployment", "apps", "\"selector\":{\"matchLabels\":{\"app\":\"reader\"}},", "pod-template-hash")]
    [InlineData("StatefulSet", "apps", "\"serviceName\":\"reader\",\"selector\":{\"matchLabels\":{\"app\":\"reader\"}},", "statefulset.kubernetes.io/pod-name")]
    [InlineData("DaemonSet", "apps", "\"selector\":{\"matchLabels\":{\"app\":\"reader\"}},", "pod-template-generation")]
    [InlineData("Job", "batch", "", "controller-uid")]
    public async Task What_controllers_write_into_pods_that_read_it_all_changes_no_digest(string kind, string group, string spec, string label)
    {
        ClusterFixture.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync("reader");
        var node = $"node-{ns}";
        (await cluster.Admin.ApplyAsync($$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{node}}}"}}""")).Succeeded();
        try
        {
            var manifest = $$"""{"apiVersion":"{{group}}/v1","kind":"{{kind}}","metadata":{"name":"reader"},"spec":{""" + spec + Template.Replace("RESTART", kind == "Job" ? "\"restartPolicy\":\"Never\"," : "", StringComparison.Ordinal) + "}}";
            (await cluster.Admin.ApplyAsync(Limits, "-n", ns)).Succeeded();
            (await cluster.Admin.ApplyAsync(manifest, "-n", ns)).Succeeded();
            var written = Digest(group, kind, manifest);
            var pods = await cluster.Admin.WaitForAsync(output => output.Contains("\"kind\": \"Pod\"", StringComparison.Ordinal), TimeSpan.FromSeconds(30), "get", "pods", "-n", ns, "-o", "json");
            var pod = JsonDocument.Parse(pods.Output).RootElement.GetProperty("items")[0];

            // The record would show nothing if these were not there.
            Assert.True(pod.GetProperty("metadata").GetProperty("labels").TryGetProperty(label, out _), pod.ToString());
            Assert.True(pod.GetProperty("metadata").GetProperty("annotations").TryGetProperty("kubernetes.io/limit-ranger", out _), pod.ToString());
            Assert.Equal(written, Digest("", "Pod", pod.GetRawText()));
            Assert.Equal(written, Digest(group, kind, (await cluster.Admin.RunAsync("get", kind, "reader", "-n", ns, "-o", "json")).Succeeded().Output));
            if (kind == "Deployment")
            {
                var sets = (await cluster.Admin.RunAsync("get", "replicasets", "-n", ns, "-o", "json")).Succeeded().Output;
                Assert.Equal(written, Digest(group, "ReplicaSet", JsonDocument.Parse(sets).RootElement.GetProperty("items")[0].GetRawText()));
            }

            Assert.NotEqual(written, Digest("", "Pod", pod.GetRawText().Replace("\"app\": \"reader\"", "\"app\": \"ledger\"", StringComparison.Ordinal)));
        }
        finally
        {
            await cluster.Admin.RunAsync("delete", "node", node);
        }
    }

    private static string Digest(string group, string kind, string json) =>
        TemplateProjection.OfObject(group, kind, JsonDocument.Parse(json).RootElement, [])!.Try(out var projection, out var why) ? projection.Digest.ToString() : throw new InvalidOperationException(why.ToString());
}
