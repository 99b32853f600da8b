using System.Security.Cryptography;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Cli;

public sealed class PolicyDiffTests : IDisposable
{
    private readonly Workbench bench = new();
    private int files;

    [Fact]
    public async Task A_weaker_policy_exits_with_1_and_names_the_quorum_and_who_does_not_count()
    {
        var (older, newer) = Versions(("people: [ann, ben, cem]", "people: [ann, ben, cem, dan]"), ("why: builds", "why: builds and signs"));
        var text = await bench.GatesAsync("policy", "diff", older, newer);
        Assert.Equal(1, text.ExitCode);
        var lines = text.Output.Split('\n');
        Assert.Equal($"{newer}: weaker than {older} (1 weaker, 3 neutral)", lines[0]);
        Assert.Equal("  weaker: roles.officer.people: 'dan' is new in it (dan gains)", lines[1]);
        Assert.Contains("  quorum: policy-weakening of shop version 1: 2 officer", lines);
        Assert.Contains("  do not count: dan (p-4)", lines);
        var json = (await bench.GatesAsync("policy", "diff", older, newer, "--output", "json")).Json();
        Assert.Equal(("weaker", "policy-weakening"), (json.GetProperty("verdict").GetString(), json.GetProperty("action").GetString()));
        Assert.Equal("weaker", json.GetProperty("changes")[0].GetProperty("kind").GetString());
        Assert.Equal("p-4", json.GetProperty("changes")[0].GetProperty("gains")[0].GetString());
        Assert.Equal("p-4", json.GetProperty("gainers")[0].GetProperty("id").GetString());
        Assert.Equal(2, json.GetProperty("quorum")[0].GetProperty("count").GetInt32());
        var markdown = await bench.GatesAsync("policy", "diff", older, newer, "--output", "markdown");
        Assert.Equal(1, markdown.ExitCode);
        Assert.Contains("- **weaker**: roles.officer.people", markdown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stronger_policy_exits_with_0_and_needs_the_quorum_for_changes()
    {
        var (older, newer) = Versions(("mode: warn", "mode: enforce"));
        var text = await bench.GatesAsync("policy", "diff", older, newer);
        Assert.Equal(0, text.ExitCode);
        Assert.Contains("  stronger: admission.mode: warn becomes enforce", text.Output, StringComparison.Ordinal);
        Assert.Contains("  quorum: policy-change of shop version 1: 1 officer", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("policy", "diff", older, newer, "--output", "json")).Json();
        Assert.Equal("stronger", json.GetProperty("verdict").GetString());
        Assert.Empty(json.GetProperty("gainers").EnumerateArray());
    }

    [Fact]
    public async Task The_same_policy_needs_no_quorum()
    {
        var (older, _) = Versions();
        var text = await bench.GatesAsync("policy", "diff", older, older);
        Assert.Equal((0, $"{older}: the same policy as {older}\n"), (text.ExitCode, text.Output));
        var json = (await bench.GatesAsync("policy", "diff", older, older, "--output", "json")).Json();
        Assert.Equal("same", json.GetProperty("verdict").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, json.GetProperty("action").ValueKind);
    }

    [Fact]
    public async Task A_version_that_only_follows_on_is_neutral()
    {
        var (older, newer) = Versions();
        var json = await bench.GatesAsync("policy", "diff", older, newer, "--output", "json");
        Assert.Equal((0, "neutral"), (json.ExitCode, json.Json().GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task A_new_version_that_does_not_name_the_old_one_is_weaker()
    {
        var (older, newer) = Versions();
        var back = await bench.GatesAsync("policy", "diff", newer, older);
        Assert.Equal(1, back.ExitCode);
        Assert.Contains("metadata.version: 2 becomes 1, and a version only rises", back.Output, StringComparison.Ordinal);
        Assert.Contains("metadata.previous: names no version before it", back.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_old_policy_without_the_quorum_says_that_nobody_can_agree()
    {
        var policy = bench.Policy(bench.Key("release").Public);
        var newer = bench.Folder.Write("next.yaml", File.ReadAllText(policy)
            .Replace("version: 1", $"version: 2, previous: \"{Digest.Of(File.ReadAllBytes(policy))}\"", StringComparison.Ordinal)
            .Replace("mode: enforce", "mode: audit", StringComparison.Ordinal));
        var text = await bench.GatesAsync("policy", "diff", policy, newer);
        Assert.Equal(1, text.ExitCode);
        Assert.Contains("  quorum: none: shop version 1 has no approvals.policy-weakening", text.Output, StringComparison.Ordinal);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await bench.GatesAsync("policy", "diff", policy, newer, "--output", "json")).Json().GetProperty("quorum").ValueKind);
    }

    [Fact]
    public async Task A_policy_with_mistakes_is_compared_with_nothing()
    {
        var (older, _) = Versions();
        var bad = bench.Folder.Write("bad.yaml", "kind: Nothing\n");
        foreach (var files in (string[][])[[older, bad], [bad, older]])
        {
            var ended = await bench.GatesAsync("policy", "diff", files[0], files[1]);
            Assert.Equal((2, ""), (ended.ExitCode, ended.Output));
            Assert.Contains($"{bad}:1:1", ended.Error, StringComparison.Ordinal);
        }
    }

    public void Dispose() => bench.Dispose();

    /// <summary>A policy, and the version after it with some changes.</summary>
    private (string Older, string Newer) Versions(params (string From, string To)[] changes)
    {
        string[] names = ["ann", "ben", "cem", "dan", "build"];
        var keys = names.Select(name => $"      {name}-key: {{ spki: \"{Spki(bench.Key(name).Public)}\", file: {name}.pub }}\n");
        var yaml = $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: shop, version: 1 }
            spec:
              people:
                ann: { id: p-1, keys: [ann-key] }
                ben: { id: p-2, keys: [ben-key] }
                cem: { id: p-3, keys: [cem-key] }
                dan: { id: p-4, keys: [dan-key] }
              roles:
                officer: { people: [ann, ben, cem] }
              robots:
                builder: { keys: [build-key], why: builds }
              trust:
                keys:
            {{string.Concat(keys)}}
              artifacts:
                images:
                  - match: ["registry.example.com/**"]
                    require: { signed: { by: [builder] } }
              approvals:
                policy-change: { require: [{ role: officer, count: 1 }], useBy: 7d }
                policy-weakening: { require: [{ role: officer, count: 2 }], useBy: 7d }
              admission:
                mode: warn

            """;
        var older = bench.Folder.Write($"{++files}.yaml", yaml);
        var next = yaml.Replace("version: 1", $"version: 2, previous: \"{Digest.Of(File.ReadAllBytes(older))}\"", StringComparison.Ordinal);
        foreach (var (from, to) in changes)
        {
            Assert.Contains(from, next, StringComparison.Ordinal);
            next = next.Replace(from, to, StringComparison.Ordinal);
        }

        return (older, bench.Folder.Write($"{files}-next.yaml", next));
    }

    private static Digest Spki(string file)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(file));
        return Digest.Of(key.ExportSubjectPublicKeyInfo());
    }
}
