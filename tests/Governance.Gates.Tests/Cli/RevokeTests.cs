using System.Text.Json;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using Governance.Gates.Testing.Registries;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Cli;

public sealed class RevokeTests : IDisposable
{
    private static readonly string Artifact = Digest.Of("an image"u8).ToString();
    private readonly Workbench bench = new();
    private readonly string ann;
    private readonly string ben;

    public RevokeTests()
    {
        ann = bench.Key("ann").Private;
        ben = bench.Key("ben").Private;
    }

    [Fact]
    public async Task What_is_revoked_stands_in_the_list_that_a_gate_reads()
    {
        var policy = Policy("revocations.json");
        var begun = await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--person", "ben", "--key-of", "robby", "--artifact", Artifact, "--approval", "01JNK7", "--output", "json");
        Assert.Equal(0, begun.ExitCode);
        var json = begun.Json();
        Assert.Equal((1, JsonValueKind.Null), (json.GetProperty("number").GetInt32(), json.GetProperty("follows").ValueKind));
        Assert.Equal("p-2", json.GetProperty("added").GetProperty("people")[0].GetString());
        Assert.Equal(1, json.GetProperty("total").GetProperty("keys").GetInt32());

        var more = await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--revoked-key", Artifact, "--approval", "01JNK8", "--approval", "01JNK7");
        Assert.Equal(0, more.ExitCode);
        Assert.StartsWith("revoked: list 2 of policy shop\n", more.Output, StringComparison.Ordinal);
        Assert.Contains("approval: 01JNK8", more.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("approval: 01JNK7", more.Output, StringComparison.Ordinal);

        var list = await CurrentAsync(policy);
        Assert.Equal(2, list.Number);
        Assert.Equal(["p-2"], list.People);
        Assert.Equal(2, list.Keys.Count);
        Assert.Equal(Artifact, Assert.Single(list.Artifacts).ToString());
        Assert.Equal(["01JNK7", "01JNK8"], list.Approvals.Order());
    }

    [Fact]
    public async Task With_nothing_to_add_the_list_is_renewed()
    {
        var policy = Policy("revocations.json");
        Assert.StartsWith("begun: list 1 ", (await bench.GatesAsync("revoke", "--policy", policy, "--key", ann)).Output, StringComparison.Ordinal);
        await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--person", "p-2");
        var renewed = await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--number", "40");
        Assert.StartsWith("renewed: list 40 ", renewed.Output, StringComparison.Ordinal);
        Assert.Contains("follows: list 2", renewed.Output, StringComparison.Ordinal);
        Assert.Equal(["p-2"], (await CurrentAsync(policy)).People);
        Assert.Equal(2, (await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--number", "40")).ExitCode);
    }

    [Fact]
    public async Task A_list_lies_in_a_registry_in_a_layout_or_in_a_file_that_the_command_line_names()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var online = Policy($"oci://{registry.Host}/trust/revoked");
        for (var number = 1; number <= 2; number++)
        {
            Assert.Equal(0, (await bench.GatesAsync("revoke", "--policy", online, "--key", ann, "--artifact", Artifact)).ExitCode);
            using var client = RegistryReadings.Client();
            Assert.Equal(number, (await CurrentAsync(online, client)).Number);
        }

        OciLayout.Create(bench.Layout);
        var offline = Policy("oci://registry.example.com/trust/revoked");
        var pushed = await bench.GatesAsync("revoke", "--policy", offline, "--key", ann, "--artifact", Artifact, "--layout", bench.Layout);
        Assert.Contains("published: registry.example.com/trust/revoked:revocations@sha256:", pushed.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await CurrentAsync(offline, OciLayout.Open(bench.Layout))).Number);

        var named = bench.Folder.PathOf("elsewhere.json");
        Assert.Equal(0, (await bench.GatesAsync("revoke", "--policy", offline, "--key", ann, "--list", named)).ExitCode);
        Assert.Equal(1, RevocationListReader.Read(await File.ReadAllBytesAsync(named, TestContext.Current.CancellationToken), PolicyFile.Load(offline).Policy, DateTimeOffset.UtcNow).Found().Number);
    }

    [Fact]
    public async Task Who_may_not_sign_the_list_publishes_none()
    {
        var policy = Policy("revocations.json", by: "[ann]");
        var refused = await bench.GatesAsync("revoke", "--policy", policy, "--key", ben, "--artifact", Artifact);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("ben with key ben-key, whom the rule does not name", refused.Error, StringComparison.Ordinal);
        Assert.Empty(refused.Output);
        Assert.False(File.Exists(bench.Folder.PathOf("revocations.json")));
    }

    [Fact]
    public async Task A_list_that_does_not_verify_is_not_continued()
    {
        var policy = Policy("revocations.json");
        var path = bench.Folder.Write("revocations.json", "{}");
        var refused = await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--artifact", Artifact);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("cannot be continued", refused.Error, StringComparison.Ordinal);
        Assert.Equal("{}", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Who_is_revoked_cannot_take_it_back()
    {
        var policy = Policy("revocations.json");
        Assert.Equal(0, (await bench.GatesAsync("revoke", "--policy", policy, "--key", ann, "--person", "ben")).ExitCode);
        var refused = await bench.GatesAsync("revoke", "--policy", policy, "--key", ben);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("who is revoked by list 1", refused.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Mistaken => new()
    {
        { "--person eve", "'eve' is no person" },
        { "--person robby", "'robby' is no person" },
        { "--key-of eve", "neither a person nor a robot" },
        { "--key-of cem", "gives 'cem' no key" },
    };

    [Theory, MemberData(nameof(Mistaken))]
    public async Task A_name_that_the_policy_does_not_know_revokes_nothing_and_is_told(string arguments, string message)
    {
        var ended = await bench.GatesAsync(["revoke", "--policy", Policy("revocations.json"), "--key", ann, .. arguments.Split(' ')]);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(message, ended.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(bench.Folder.PathOf("revocations.json")));
    }

    [Fact]
    public async Task A_policy_without_a_list_is_told_what_it_lacks()
    {
        var ended = await bench.GatesAsync("revoke", "--policy", bench.Policy(bench.Key("release").Public), "--key", ann);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("add trust.revocations", ended.Error, StringComparison.Ordinal);
    }

    public void Dispose() => bench.Dispose();

    private string Policy(string from, string by = "[ann, ben]")
    {
        bench.Key("robby");
        return bench.Folder.Write($"governance-{Guid.NewGuid():N}.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: shop, version: 1 }
            spec:
              people:
                ann: { id: p-1, keys: [ann-key] }
                ben: { id: p-2, keys: [ben-key] }
                cem: { id: p-3 }
              robots:
                robby: { keys: [robby-key] }
              trust:
                keys:
                  ann-key: { spki: "{{Spki("ann")}}", file: ann.pub }
                  ben-key: { spki: "{{Spki("ben")}}", file: ben.pub }
                  robby-key: { spki: "{{Spki("robby")}}", file: robby.pub }
                revocations: { from: "{{from}}", maxAge: 1h, by: {{by}} }

            """);
    }

    private string Spki(string name) => Digest.FromHash(Governance.Gates.Sigstore.PublicKey.Parse(File.ReadAllBytes(bench.Folder.PathOf($"{name}.pub"))).SpkiSha256.Span).ToString();

    private async Task<RevocationList> CurrentAsync(string policy, IRegistry? registry = null)
    {
        using var client = registry is null ? RegistryReadings.Client() : null;
        using var feed = new RevocationFeed(bench.Folder.Path, registry ?? client!);
        return (await feed.CurrentAsync(PolicyFile.Load(policy).Policy, DateTimeOffset.UtcNow, TestContext.Current.CancellationToken)).Found();
    }
}
