using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary>The verbs that sign, without a key, against a whole Sigstore instance on loopback; what they made, <c>gates</c> itself verifies.</summary>
public sealed class KeylessSignTests : IAsyncLifetime
{
    private const string Accounts = KeylessWorld.Accounts;
    private const string TokenVariable = "SIGSTORE_ID_TOKEN";
    private readonly Workbench bench = new();
    private LoopbackSigstore sigstore = null!;
    private string root = "";

    private string[] Keyless => ["--keyless", "--fulcio", sigstore.Address, "--rekor", sigstore.Address];

    private string Image => $"oci:{bench.Layout}";

    public async ValueTask InitializeAsync()
    {
        sigstore = await LoopbackSigstore.StartAsync();
        root = bench.Folder.Write("root.json", sigstore.Instance.RootJson().ToJsonString());
        bench.Set(TokenVariable, LoopbackSigstore.Token());
    }

    public async ValueTask DisposeAsync()
    {
        bench.Dispose();
        await sigstore.DisposeAsync();
    }

    public static TheoryData<string> Logs => ["1", "2"];

    [Theory, MemberData(nameof(Logs))]
    public async Task An_image_that_is_signed_without_a_key_is_allowed_to_the_workflow_that_the_policy_names(string version)
    {
        await bench.AddImageAsync();
        var signed = await GatesAsync(["sign", Image, "--as", Workbench.Repository, .. Keyless, "--rekor-version", version, "--tsa", sigstore.Tsa, "--trusted-root", root, "--output", "json"]);
        Assert.Equal(("bundle", ThrowAwaySigstore.Workflow), (signed.Json().GetProperty("format").GetString(), signed.Json().GetProperty("identity").GetProperty("name").GetString()));
        Assert.Equal(0, (await bench.GatesAsync("verify", Image, "--as", Workbench.Repository, "--policy", Policy(ThrowAwaySigstore.Workflow))).ExitCode);
        Assert.Equal(1, (await bench.GatesAsync("verify", Image, "--as", Workbench.Repository, "--policy", Policy(ThrowAwaySigstore.Workflow.Replace("example", "fork", StringComparison.Ordinal)))).ExitCode);
    }

    [Fact]
    public async Task The_token_of_a_workflow_is_asked_of_GitHub()
    {
        await bench.AddImageAsync();
        bench.Set(TokenVariable, "");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_URL", $"{sigstore.Address}/token?run=1");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner");
        await GatesAsync(["sign", Image, "--as", Workbench.Repository, .. Keyless, "--trusted-root", root]);
        Assert.Equal("/token", sigstore.Asked.First().Path);
    }

    [Fact]
    public async Task A_token_service_that_redirects_learns_nothing_and_is_told()
    {
        await bench.AddImageAsync();
        bench.Set(TokenVariable, "");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_URL", $"{sigstore.Address}/token?run=1");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner");
        sigstore.Override = context =>
        {
            context.Response.Redirect("/elsewhere");
            return Task.FromResult(true);
        };
        var run = await bench.GatesAsync(["sign", Image, "--as", Workbench.Repository, .. Keyless, "--trusted-root", root]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("token service", run.Error, StringComparison.Ordinal);
        Assert.Single(sigstore.Asked);
    }

    [Fact]
    public async Task A_predicate_is_attested_with_a_key_and_without_one()
    {
        await bench.AddImageAsync();
        var (secret, key) = bench.Key("release");
        var predicate = bench.Folder.Write("bom.json", """{"bomFormat":"CycloneDX","specVersion":"1.6"}""");
        string[] attest = ["attest", Image, "--as", Workbench.Repository, "--type", "cyclonedx", "--predicate", predicate, "--output", "json"];
        var keyed = (await GatesAsync([.. attest, "--key", secret])).Json();
        Assert.Equal("https://cyclonedx.org/bom", keyed.GetProperty("predicateType").GetString());
        Assert.Equal(0, (await bench.GatesAsync("verify", Image, "--key", key, "--type", "cyclonedx")).ExitCode);
        Assert.Equal(1, (await bench.GatesAsync("verify", Image, "--key", key, "--type", "spdx")).ExitCode);
        var keyless = (await GatesAsync([.. attest, .. Keyless, "--trusted-root", root])).Json();
        Assert.Equal(ThrowAwaySigstore.Issuer, keyless.GetProperty("identity").GetProperty("issuer").GetString());
        Assert.Equal(keyed.GetProperty("statement").GetString(), keyless.GetProperty("statement").GetString());
    }

    public static TheoryData<string, string> Predicates => new() { { "[]", "is not a JSON object" }, { """{"a":1,"a":2}""", "names a field twice" }, { "no", "is not JSON" } };

    [Theory, MemberData(nameof(Predicates))]
    public async Task A_predicate_that_nobody_could_verify_is_not_signed(string predicate, string told)
    {
        await bench.AddImageAsync();
        var run = await bench.GatesAsync(["attest", Image, "--as", Workbench.Repository, "--type", "cyclonedx", "--predicate", bench.Folder.Write("p.json", predicate), .. Keyless, "--trusted-root", root]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(told, run.Error, StringComparison.Ordinal);
        Assert.Empty(sigstore.Asked);
    }

    [Fact]
    public async Task A_model_that_is_signed_without_a_key_verifies_for_its_signer()
    {
        var model = bench.Folder.Folder("vol");
        File.WriteAllText(Path.Combine(model, "weights.bin"), "0123");
        var signature = Path.Combine(model, "model.sig");
        var signed = await GatesAsync(["model", "sign", model, "--signature", signature, .. Keyless, "--trusted-root", root, "--output", "json"]);
        Assert.Equal("sigstore", signed.Json().GetProperty("method").GetString());
        string[] verify = ["model", "verify", model, "--signature", signature, "--trusted-root", root, "--certificate-oidc-issuer", ThrowAwaySigstore.Issuer, "--certificate-identity"];
        Assert.Equal(0, (await bench.GatesAsync([.. verify, ThrowAwaySigstore.Workflow])).ExitCode);
        Assert.Equal(1, (await bench.GatesAsync([.. verify, "https://github.com/fork/model"])).ExitCode);
    }

    [Fact]
    public async Task Two_people_ask_and_approve_as_their_subjects_and_nobody_else_can()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var digest = await TestImage.PushAsync(registry.Repository("shop/app"), "v1");
        string[] common = [$"{registry.Host}/shop/app@{digest}", "--policy", Policy(ThrowAwaySigstore.Workflow), .. Keyless];
        bench.CanAsk = true;
        async Task<Ended> AsAsync(string who, string answer, params string[] arguments)
        {
            bench.Set(TokenVariable, LoopbackSigstore.PersonsToken($"{who}@example.com", Accounts));
            return await bench.GatesAsync([arguments[0], .. common, .. arguments[1..]], answer, default);
        }

        string[] request = ["request", "--action", "deploy", "--environment", "production"];
        Assert.Contains("acts for nobody", (await AsAsync("mallory", "yes\n", request)).Error, StringComparison.Ordinal);
        Assert.Contains("the answer was not yes", (await AsAsync("ann", "y\n", request)).Error, StringComparison.Ordinal);
        Assert.Empty(sigstore.Asked);
        Assert.Equal(0, (await AsAsync("ann", "yes\n", request)).ExitCode);
        Assert.Contains("acts for nobody", (await bench.GatesAsync(["approve", .. common, "--yes", "--identity-token", bench.Folder.Write("token", LoopbackSigstore.Token())])).Error, StringComparison.Ordinal);
        Assert.NotEqual(0, (await AsAsync("ann", "yes\n", "approve")).ExitCode);
        Assert.Equal(0, (await AsAsync("ben", "yes\n", "approve")).ExitCode);
        Assert.Contains("ben", (await GatesAsync(["approvals", common[0], "--environment", "production", "--policy", common[2]])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_declared_object_is_asked_for_and_approved_by_subjects()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var manifest = bench.Folder.Write("limits.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: limits-eu, namespace: pay }\ndata: { max: \"20\" }\n");
        var policy = Policy(ThrowAwaySigstore.Workflow, $$"""{ mode: enforce, statements: {{registry.Host}}/statements, objects: [{ resource: configmaps, names: ["limits*"], require: { approved: { action: deploy } } }] }""");
        bench.Set(TokenVariable, LoopbackSigstore.PersonsToken("ann@example.com", Accounts));
        var asked = await GatesAsync(["request", "--object", manifest, "--action", "deploy", "--environment", "production", "--policy", policy, .. Keyless, "--yes", "--output", "json"]);
        var document = asked.Json().GetProperty("subject").GetString()!;
        Assert.Equal(1, (await bench.GatesAsync("approvals", document, "--environment", "production", "--policy", policy)).ExitCode);
        bench.Set(TokenVariable, LoopbackSigstore.PersonsToken("ben@example.com", Accounts));
        await GatesAsync(["approve", document, "--policy", policy, .. Keyless, "--yes"]);
        await GatesAsync(["approvals", document, "--environment", "production", "--policy", policy]);
    }

    [Fact]
    public async Task A_lie_of_a_service_leaves_nothing_behind()
    {
        await bench.AddImageAsync();
        var before = Files(bench.Layout);
        sigstore.SpoilEntry = entry => entry["inclusionProof"]!["hashes"]![0] = Convert.ToBase64String(new byte[32]);
        var model = bench.Folder.Folder("vol");
        File.WriteAllText(Path.Combine(model, "weights.bin"), "0123");
        var file = bench.Folder.Write("blob", "blob");
        foreach (var arguments in (string[][])
        [
            ["sign", Image, "--as", Workbench.Repository, .. Keyless, "--trusted-root", root],
            ["model", "sign", model, "--signature", Path.Combine(model, "model.sig"), .. Keyless, "--trusted-root", root],
            ["sigstore", "sign-bundle", "--identity-token", LoopbackSigstore.Token(), "--bundle", bench.Folder.PathOf("out.json"), "--trusted-root", root, "--signing-config", Config(), file],
        ])
        {
            var run = await bench.GatesAsync(arguments);
            Assert.Equal(2, run.ExitCode);
            Assert.Contains("InclusionProofInvalid", run.Error, StringComparison.Ordinal);
        }

        Assert.Equal(before, Files(bench.Layout));
        Assert.False(File.Exists(Path.Combine(model, "model.sig")) || File.Exists(bench.Folder.PathOf("out.json")));
    }

    [Fact]
    public async Task A_public_log_is_asked_about_once_and_not_at_all_without_a_yes()
    {
        await bench.AddImageAsync();
        string[] sign = ["sign", Image, "--as", Workbench.Repository, "--keyless", "--fulcio", sigstore.Address, "--rekor", "https://rekor.example.test", "--trusted-root", root];
        Assert.Equal(64, (await bench.GatesAsync(sign)).ExitCode);
        bench.CanAsk = true;
        var refused = await bench.GatesAsync(sign, "no\n", default);
        Assert.Equal(2, refused.ExitCode);
        Assert.Equal(1, refused.Error.Split("rekor.example.test shows for ever").Length - 1);
        Assert.Empty(sigstore.Asked);
    }

    [Fact]
    public async Task Where_the_policy_refuses_public_logs_only_its_private_services_are_asked_and_no_token_is_fetched()
    {
        await bench.AddImageAsync();
        var model = bench.Folder.Folder("vol");
        File.WriteAllText(Path.Combine(model, "weights.bin"), "0123");
        bench.Set(TokenVariable, "");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_URL", $"{sigstore.Address}/token?run=1");
        bench.Set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner");
        string[] onImage = [Image, "--as", Workbench.Repository];
        foreach (var signing in (string[])["{ publicLogs: refuse }", "{ publicLogs: refuse, private: [https://rekor.example.com] }"])
        {
            string[] policy = ["--policy", Policy(ThrowAwaySigstore.Workflow, signing: signing), "--yes"];
            foreach (var verb in (string[][])
            [
                ["sign", .. onImage, "--trusted-root", root],
                ["attest", .. onImage, "--type", "cyclonedx", "--predicate", bench.Folder.Write("bom.json", "{}"), "--trusted-root", root],
                ["model", "sign", model, "--signature", Path.Combine(model, "model.sig"), "--trusted-root", root],
                ["request", .. onImage, "--action", "deploy", "--environment", "production"],
                ["approve", .. onImage],
            ])
            {
                var run = await bench.GatesAsync([.. verb, .. Keyless, .. policy]);
                Assert.Equal(2, run.ExitCode);
                Assert.Contains($": the policy shop version 1 has nothing signed where others may read it (signing.publicLogs), and does not call {sigstore.Address}/ private; nobody was asked anything; sign with a key", run.Error, StringComparison.Ordinal);
            }
        }

        Assert.Empty(sigstore.Asked);
        await GatesAsync(["sign", .. onImage, "--trusted-root", root, .. Keyless, "--policy", Policy(ThrowAwaySigstore.Workflow, signing: $"{{ publicLogs: refuse, private: [{sigstore.Address}] }}")]);
        Assert.Equal(64, (await bench.GatesAsync("sign", Image, "--as", Workbench.Repository, "--key", bench.Key("release").Private, "--policy", "governance.yaml")).ExitCode);
    }

    [Fact]
    public async Task The_policy_of_the_folder_in_which_gates_runs_refuses_too()
    {
        await bench.AddImageAsync();
        File.Copy(Policy(ThrowAwaySigstore.Workflow, signing: "{ publicLogs: refuse }"), bench.Folder.PathOf("governance.yaml"));
        var run = await Command.RunAsync(
            "env",
            ["--chdir", bench.Folder.Path, "dotnet", Path.Combine(AppContext.BaseDirectory, "gates.dll"), "sign", Image, "--as", Workbench.Repository, "--trusted-root", root, .. Keyless, "--yes"],
            new Dictionary<string, string?> { [TokenVariable] = LoopbackSigstore.Token() });
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the policy shop version 1 has nothing signed where others may read it", run.Error, StringComparison.Ordinal);
        Assert.Empty(sigstore.Asked);
    }

    [Fact]
    public async Task A_token_that_has_ended_is_not_sent()
    {
        await bench.AddImageAsync();
        bench.Set(TokenVariable, LoopbackSigstore.Token(more: claims => claims["exp"] = 1_700_000_000));
        var run = await bench.GatesAsync(["sign", Image, "--as", Workbench.Repository, .. Keyless, "--trusted-root", root]);
        Assert.Contains("ended at 2023-11-14", run.Error, StringComparison.Ordinal);
        Assert.Empty(sigstore.Asked);
    }

    [Fact]
    public async Task The_command_line_of_the_public_suite_signs_files_and_statements()
    {
        var file = bench.Folder.Write("a.txt", "the model's weights");
        var statement = bench.Folder.Write("s.json", "");
        File.WriteAllBytes(statement, Signed.Statement());
        foreach (var (arguments, signed) in ((string[], string)[])[([], file), (["--in-toto"], statement)])
        {
            var bundle = bench.Folder.PathOf($"{arguments.Length}.json");
            await GatesAsync(["sigstore", "sign-bundle", .. arguments, "--identity-token", LoopbackSigstore.Token(), "--bundle", bundle, "--trusted-root", root, "--signing-config", Config(), signed]);
            await GatesAsync(["sigstore", "verify-bundle", "--bundle", bundle, "--certificate-identity", ThrowAwaySigstore.Workflow, "--certificate-oidc-issuer", ThrowAwaySigstore.Issuer, "--trusted-root", root, file]);
        }
    }

    private string Config() => bench.Folder.Write($"config-{Guid.NewGuid():N}.json", new JsonObject
    {
        ["mediaType"] = "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        ["caUrls"] = Services(sigstore.Address, 1),
        ["rekorTlogUrls"] = Services(sigstore.Address, 2),
        ["rekorTlogConfig"] = new JsonObject { ["selector"] = "ANY" },
        ["tsaUrls"] = Services(sigstore.Tsa, 1),
        ["tsaConfig"] = new JsonObject { ["selector"] = "ANY" },
    }.ToJsonString());

    private static JsonArray Services(string url, int version) => new(
        new JsonObject { ["url"] = "https://gone.example.test", ["majorApiVersion"] = version, ["validFor"] = new JsonObject { ["start"] = "2020-01-01T00:00:00Z", ["end"] = "2021-01-01T00:00:00Z" } },
        new JsonObject { ["url"] = url, ["majorApiVersion"] = version, ["validFor"] = new JsonObject { ["start"] = "2021-01-01T00:00:00Z" }, ["operator"] = "test" },
        new JsonObject { ["url"] = "https://newer.example.test", ["majorApiVersion"] = 9, ["validFor"] = new JsonObject { ["start"] = "2021-01-01T00:00:00Z" } });

    private async Task<Ended> GatesAsync(string[] arguments)
    {
        var run = await bench.GatesAsync(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }

    private static string[] Files(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{file} {Digest.Of(File.ReadAllBytes(file))}")];

    private string Policy(string workflow, string admission = "{ mode: enforce }", string signing = "{ publicLogs: ask }") => bench.Folder.Write($"governance-{Guid.NewGuid():N}.yaml", KeylessWorld.AnnAndBen + $$"""
          roles:
            operator: { people: [ann, ben] }
          robots:
            flow: { oidc: [{ issuer: {{ThrowAwaySigstore.Issuer}}, subject: "{{workflow}}", repositoryId: 632596897 }] }
          trust:
            roots: { sigstore: { file: root.json, sha256: "{{Digest.Of(File.ReadAllBytes(root))}}" } }
          approvals:
            deploy: { require: [{ role: operator, count: 1 }], useBy: 7d, runUntil: 26w }
          artifacts:
            images:
              - { match: ["{{Workbench.Repository}}"], require: { signed: { by: [flow] } } }
              - { match: ["**"], require: { approved: { action: deploy, covers: [artifact] } } }
          admission: {{admission}}
          signing: {{signing}}

        """);
}
