namespace Governance.Gates.Tests.Cli;

public sealed class AdmitTests : IDisposable
{
    private readonly Workbench bench = new();

    public static TheoryData<string, string> Kinds => new()
    {
        { "apps/v1", "Deployment" }, { "apps/v1", "StatefulSet" }, { "apps/v1", "DaemonSet" }, { "apps/v1", "ReplicaSet" },
        { "v1", "ReplicationController" }, { "batch/v1", "Job" }, { "argoproj.io/v1alpha1", "Rollout" },
    };

    [Theory, MemberData(nameof(Kinds))]
    public async Task Each_kind_is_judged_by_its_images(string apiVersion, string kind)
    {
        var (policy, signed, unsigned) = await PrepareAsync("customResources: [{ resource: rollouts.argoproj.io, images: [/spec/template/spec/containers/*/image] }]");
        Assert.Equal("allow", (await AdmitAsync(policy, Manifests.Of(apiVersion, kind, signed))).Json().GetProperty("verdict").GetString());
        var denied = await AdmitAsync(policy, Manifests.Of(apiVersion, kind, unsigned));
        Assert.Equal(1, denied.ExitCode);
        var answer = denied.Json().GetProperty("objects")[0].GetProperty("answers")[0];
        Assert.Equal(unsigned, answer.GetProperty("image").GetString());
        Assert.False(answer.GetProperty("admitted").GetBoolean());
    }

    [Fact]
    public async Task An_undeclared_kind_that_looks_like_a_workload_is_unknown()
    {
        var (policy, signed, _) = await PrepareAsync();
        var ended = await AdmitAsync(policy, Manifests.Of("argoproj.io/v1alpha1", "Rollout", signed));
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("declare rollouts.argoproj.io", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_object_has_its_row_and_the_strictest_decides()
    {
        var (policy, signed, unsigned) = await PrepareAsync();
        var ended = await bench.GatesAsync(
            ["admit", "-f", "-", "--policy", policy, "--layout", bench.Layout],
            $"{Manifests.Pod(signed)}---\n{Manifests.Pod(unsigned, "bad")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: settings }}\n",
            default);
        Assert.Equal(1, ended.ExitCode);
        var lines = ended.Output.TrimEnd('\n').Split('\n');
        Assert.Equal("deny: 3 objects (2 allow, 1 deny)", lines[0]);
        Assert.Contains(lines, line => line.StartsWith("allow", StringComparison.Ordinal) && line.Contains("Pod default/web", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("deny", StringComparison.Ordinal) && line.Contains("Pod default/bad", StringComparison.Ordinal) && line.Contains("has no signature", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("allow", StringComparison.Ordinal) && line.Contains("ConfigMap default/settings", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_namespace_is_the_objects_own_then_the_options_then_default()
    {
        var (policy, signed, _) = await PrepareAsync();
        async Task<string?> NamespaceAsync(string manifest, params string[] more) =>
            (await AdmitAsync(policy, manifest, more)).Json().GetProperty("objects")[0].GetProperty("namespace").GetString();

        Assert.Equal("own", await NamespaceAsync(Manifests.Pod(signed, inside: "own"), "--namespace", "given"));
        Assert.Equal("given", await NamespaceAsync(Manifests.Pod(signed), "--namespace", "given"));
        Assert.Equal("default", await NamespaceAsync(Manifests.Pod(signed)));
        Assert.Null(await NamespaceAsync("apiVersion: v1\nkind: Namespace\nmetadata: { name: trading }\n", "--namespace", "given"));
    }

    [Fact]
    public async Task A_mode_admits_and_never_changes_the_verdict()
    {
        var (policy, _, unsigned) = await PrepareAsync("namespaces: { audit: [kube-system] }");
        var ended = await AdmitAsync(policy, Manifests.Pod(unsigned, inside: "kube-system"));
        Assert.Equal(1, ended.ExitCode);
        var judged = ended.Json().GetProperty("objects")[0];
        Assert.Equal("deny", judged.GetProperty("verdict").GetString());
        Assert.True(judged.GetProperty("admitted").GetBoolean());
    }

    [Fact]
    public async Task A_namespace_that_would_leave_the_gate_is_denied()
    {
        var (policy, _, _) = await PrepareAsync();
        var ended = await AdmitAsync(policy, "apiVersion: v1\nkind: Namespace\nmetadata: { name: trading, labels: { governance.gates/exempt: 'yes' } }\n");
        Assert.Equal(1, ended.ExitCode);
    }

    [Fact]
    public async Task A_registry_that_cannot_be_read_is_unknown()
    {
        var (policy, _, _) = await PrepareAsync(repository: "127.0.0.1:1/**");
        var ended = await bench.GatesAsync(["admit", "-f", "-", "--policy", policy], Manifests.Pod($"127.0.0.1:1/app@sha256:{new string('1', 64)}"), default);
        Assert.Equal(2, ended.ExitCode);
    }

    [Theory]
    [InlineData("", "no manifests")]
    [InlineData("apiVersion: v1\n  kind: Pod\n", "line")]
    [InlineData("metadata: { name: a }\n", "kind")]
    public async Task A_manifest_that_is_none_cannot_be_judged(string manifest, string because)
    {
        var (policy, _, _) = await PrepareAsync();
        var ended = await AdmitAsync(policy, manifest);
        Assert.True(ended.ExitCode == 2, because);
        Assert.NotEmpty(ended.Error);
    }

    private async Task<(string Policy, string Signed, string Unsigned)> PrepareAsync(string admission = "", string repository = Workbench.Repository)
    {
        var (secret, key) = bench.Key("release");
        var (signed, unsigned) = (await bench.AddImageAsync("signed"), await bench.AddImageAsync("unsigned"));
        Assert.Equal(0, (await bench.GatesAsync("sign", $"oci:{bench.Layout}@{signed}", "--as", Workbench.Repository, "--key", secret)).ExitCode);
        return (bench.Policy(key, repository, admission), $"{Workbench.Repository}@{signed}", $"{Workbench.Repository}@{unsigned}");
    }

    private Task<Ended> AdmitAsync(string policy, string manifest, params string[] more) =>
        bench.GatesAsync(["admit", "-f", bench.Folder.Write("manifest.yaml", manifest), "--policy", policy, "--layout", bench.Layout, "--output", "json", .. more]);

    public void Dispose() => bench.Dispose();
}
