using System.Text.Json;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Admission;

namespace Governance.Gates.Tests.Cli;

public sealed class TemplateTests : IDisposable
{
    private static readonly string Recorded = Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Admission/testdata/template");
    private readonly Workbench bench = new();

    [Fact]
    public async Task A_manifest_and_the_pod_that_came_of_it_print_one_digest()
    {
        var written = await DigestAsync("deployment.yaml");
        Assert.Equal(Templates.Digest(Templates.Recorded("deployment.yaml")), written);
        Assert.Equal(written, await DigestAsync("pod-1.20.json"));
        Assert.NotEqual(written, await DigestAsync("pod-1.30-sidecars.json"));
        Assert.Equal(written, await DigestAsync("pod-1.30-sidecars.json", "--sidecar", "istio-proxy", "--sidecar", "istio-init"));
    }

    [Fact]
    public async Task Every_workload_of_a_stream_has_its_line_and_what_has_no_template_has_none()
    {
        var input = $"{Manifests.Pod("a")}---\n{Manifests.Of("apps/v1", "Deployment", "b")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: settings }}\n";
        var ended = await bench.GatesAsync(["template", "-"], input, default);
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("2 pod templates", ended.Output, StringComparison.Ordinal);
        Assert.Contains("Pod web", ended.Output, StringComparison.Ordinal);
        Assert.Contains("Deployment web", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("settings", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_carries_the_projection_that_the_digest_is_of()
    {
        var one = (await bench.GatesAsync("template", Path.Combine(Recorded, "statefulset.yaml"), "--output", "json")).Json().GetProperty("templates")[0];
        Assert.Equal("book", one.GetProperty("name").GetString());
        Assert.Equal(one.GetProperty("digest").GetString(), Governance.Gates.Admission.TemplateProjection.TryParse(one.GetProperty("projection"))!.Digest.ToString());
    }

    [Fact]
    public async Task A_template_that_cannot_be_read_ends_with_2_and_costs_the_others_nothing()
    {
        var input = $"{Manifests.Pod("a")}---\napiVersion: v1\nkind: Pod\nmetadata: {{ name: broken }}\nspec: {{ containers: [{{ name: main, command: sh }}] }}\n";
        var ended = await bench.GatesAsync(["template", "-", "--output", "json"], input, default);
        Assert.Equal(2, ended.ExitCode);
        var (good, broken) = (ended.Json().GetProperty("templates")[0], ended.Json().GetProperty("templates")[1]);
        Assert.Equal(JsonValueKind.String, good.GetProperty("digest").ValueKind);
        Assert.Equal(JsonValueKind.Null, broken.GetProperty("digest").ValueKind);
        Assert.Contains("/spec/containers/0/command is no list", broken.GetProperty("unread")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private async Task<string?> DigestAsync(string file, params string[] more) =>
        (await bench.GatesAsync(["template", Path.Combine(Recorded, file), "--output", "json", .. more])).Json().GetProperty("templates")[0].GetProperty("digest").GetString();

    public void Dispose() => bench.Dispose();
}
