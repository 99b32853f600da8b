namespace Governance.Gates.Tests.Cli;

public sealed class PolicyCommandTests : IDisposable
{
    private readonly Workbench bench = new();

    [Fact]
    public async Task A_good_policy_is_told_with_its_version_and_digest()
    {
        var policy = bench.Policy(bench.Key("release").Public);
        var text = await bench.GatesAsync("policy", "check", policy);
        Assert.Equal(0, text.ExitCode);
        Assert.StartsWith($"{policy}: good, shop version 1, sha256:", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("policy", "check", policy, "--output", "json")).Json();
        Assert.Empty(json.GetProperty("mistakes").EnumerateArray());
        Assert.Equal(1, json.GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task Each_mistake_has_a_line_with_its_place()
    {
        var policy = bench.Folder.Write("bad.yaml", "apiVersion: governance.gates/v1alpha1\nkind: GovernancePolicy\nmetadata: { name: Shop, version: 0 }\nspec: {}\n");
        var text = await bench.GatesAsync("policy", "check", policy);
        Assert.Equal(1, text.ExitCode);
        Assert.Contains($"\n{policy}:3:", text.Output, StringComparison.Ordinal);
        var json = await bench.GatesAsync("policy", "check", policy, "--output", "json");
        Assert.Equal(1, json.ExitCode);
        Assert.True(json.Json().GetProperty("mistakes").GetArrayLength() >= 2);
        Assert.Equal(1, (await bench.GatesAsync("policy", "check", policy, "--output", "markdown")).ExitCode);
    }

    [Fact]
    public async Task A_policy_with_mistakes_decides_nothing()
    {
        var policy = bench.Folder.Write("bad.yaml", "kind: Nothing\n");
        var ended = await bench.GatesAsync("policy", "explain", policy, Workbench.Repository);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains($"{policy}:1:1", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_explanation_names_the_rule_that_decides()
    {
        var policy = bench.Policy(bench.Key("release").Public);
        var text = await bench.GatesAsync("policy", "explain", policy, Workbench.Repository, "--namespace", "trading");
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("artifacts.images[1] decides", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("policy", "explain", policy, Workbench.Repository, "--output", "json")).Json();
        Assert.True(json.GetProperty("lines").GetArrayLength() > 1);
    }

    [Fact]
    public async Task The_schema_is_the_readers_own()
    {
        var ended = await bench.GatesAsync("policy", "schema");
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(Policies.PolicySchemaText(), ended.Output);
    }

    public void Dispose() => bench.Dispose();

    private static class Policies
    {
        public static string PolicySchemaText() => Gates.Policies.PolicySchema.Json();
    }
}
