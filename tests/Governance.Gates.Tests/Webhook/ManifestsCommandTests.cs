using Governance.Gates.Testing;
using YamlDotNet.RepresentationModel;

namespace Governance.Gates.Tests.Webhook;

public sealed class ManifestsCommandTests : IDisposable
{
    private const string Image = "registry.example.com/gates-webhook@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private readonly TemporaryFolder folder = new();
    private readonly Governance.Gates.Sigstore.EcdsaSigner signer = RunningGate.NewSigner();

    public ManifestsCommandTests() => folder.Write("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

    public void Dispose()
    {
        signer.Dispose();
        folder.Dispose();
    }

    public static TheoryData<string> KeyFiles =>
        ["release.pub", "keys/release.pub", "with space.pub", "#hash.pub", "{{ .Values }}.pub", "quote\"d.pub", "it's.pub", "*star & more.pub", "- dash.pub", "true", "prüfung.pub", "键.pub", "🔑.pub"];

    [Theory, MemberData(nameof(KeyFiles))]
    public async Task The_manifests_carry_policy_and_keys_byte_for_byte_under_their_names(string keyFile)
    {
        var policy = WritePolicy(keyFile, "# Umlaute: äöü, a tab:\t, and no newline at the end");

        var printed = await PrintAsync("--policy", policy);
        var objects = Parse(printed);

        // Go's YAML reader refuses an escaped surrogate, which the reader here takes.
        Assert.DoesNotContain("\\uD", printed, StringComparison.OrdinalIgnoreCase);
        var config = Assert.Single(objects, one => Kind(one) == "ConfigMap");
        var volumes = (YamlSequenceNode)Find(Assert.Single(objects, one => Kind(one) == "StatefulSet"), "spec", "template", "spec", "volumes");
        var items = ((YamlSequenceNode)Find(volumes[0], "configMap", "items")).ToDictionary(item => Text(item, "path"), item => Text(item, "key"));
        foreach (var name in new[] { "governance.yaml", keyFile })
        {
            Assert.Equal(File.ReadAllBytes(folder.PathOf(name)), Convert.FromBase64String(Text(config, "binaryData", items[name])));
        }
    }

    [Fact]
    public async Task The_trusted_root_that_a_policy_names_is_carried_too()
    {
        var root = Governance.Gates.Sigstore.SigstoreInstance.PublicGood.Json.ToArray();
        Directory.CreateDirectory(folder.PathOf("roots"));
        await File.WriteAllBytesAsync(folder.PathOf("roots/2026.json"), root, TestContext.Current.CancellationToken);
        var policy = WritePolicy();
        await File.WriteAllTextAsync(policy, (await File.ReadAllTextAsync(policy, TestContext.Current.CancellationToken))
            .Replace("  robots:\n", "  robots:\n    flow: { oidc: [{ issuer: https://ci.example.com, subject: release }] }\n", StringComparison.Ordinal)
            .Replace("  trust:\n", $"  trust:\n    roots: {{ sigstore: {{ file: roots/2026.json, sha256: \"{Governance.Gates.Images.Digest.Of(root)}\" }} }}\n", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var config = Assert.Single(Parse(await PrintAsync("--policy", policy)), one => Kind(one) == "ConfigMap");
        Assert.Contains(((YamlMappingNode)Find(config, "binaryData")).Children.Values, value => Convert.FromBase64String(((YamlScalarNode)value).Value!).AsSpan().SequenceEqual(root));
    }

    [Fact]
    public async Task What_the_server_needs_to_reach_registries_is_passed_on_to_it()
    {
        var printed = Parse(await PrintAsync("--policy", WritePolicy(), "--registry-ca", folder.PathOf("ca.crt"), "--client-ca", folder.PathOf("ca.crt"), "--plain-http", "registry.internal:5000"));

        var container = Find(Assert.Single(printed, one => Kind(one) == "StatefulSet"), "spec", "template", "spec", "containers")[0];
        var arguments = ((YamlSequenceNode)Find(container, "args")).Select(node => ((YamlScalarNode)node).Value).ToList();
        Assert.Contains("--plain-http=registry.internal:5000", arguments);
        Assert.Contains("--registry-ca=/etc/governance-gates/policy/registry-ca.crt", arguments);
        Assert.Contains("--client-ca=/etc/governance-gates/policy/client-ca.crt", arguments);
        Assert.Contains(((YamlMappingNode)Find(Assert.Single(printed, one => Kind(one) == "ConfigMap"), "binaryData")).Children.Values, value =>
            Convert.FromBase64String(((YamlScalarNode)value).Value!).AsSpan().SequenceEqual(File.ReadAllBytes(folder.PathOf("ca.crt"))));
    }

    [Fact]
    public async Task Where_approvals_are_asked_for_one_Pod_serves_and_remembers_on_a_volume_of_its_own()
    {
        var policy = WriteApprovingPolicy();
        folder.Write("governance.yaml.approvals.jsonl", "{}\n");
        var printed = Parse(await PrintAsync("--policy", policy));

        var set = Assert.Single(printed, one => Kind(one) == "StatefulSet");
        Assert.Equal("1", Text(set, "spec", "replicas"));
        var pod = Find(set, "spec", "template", "spec");
        var arguments = ((YamlSequenceNode)Find(Find(pod, "containers")[0], "args")).Select(node => ((YamlScalarNode)node).Value).ToList();
        Assert.Contains("--state=/var/lib/governance-gates", arguments);
        Assert.Contains($"--policy-root={Governance.Gates.Images.Digest.Of(File.ReadAllBytes(policy))}", arguments);
        var items = (YamlSequenceNode)Find(Assert.Single((YamlSequenceNode)Find(pod, "volumes"), volume => Text(volume, "name") == "policy"), "configMap", "items");
        Assert.Contains(items, item => Text(item, "path") == "governance.yaml.approvals.jsonl");
    }

    [Theory]
    [InlineData("trust:\n", "trust:\n    revocations: { from: revocations.json, maxAge: 1h, by: [ann] }\n")]
    [InlineData("own: governance-gates } }", "own: governance-gates }, statements: registry.example.com/s, objects: [{ resource: configmaps, names: [limits], require: { approved: { action: deploy } } }] }")]
    [InlineData("own: governance-gates } }", "own: governance-gates }, statements: registry.example.com/s, sessions: { attach: { require: [{ role: admin, count: 1 }] } } }")]
    public async Task Whatever_must_be_remembered_is_by_one_Pod(string from, string to)
    {
        var file = WriteApprovingPolicy();
        var plain = string.Join('\n', (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Replace(", approved: { action: deploy } }", " }", StringComparison.Ordinal).Split('\n').Where(line => !line.Contains("policy-change:", StringComparison.Ordinal)));
        folder.Write("governance.yaml", plain);
        Assert.Equal("2", Text(Assert.Single(Parse(await PrintAsync("--policy", file)), one => Kind(one) == "StatefulSet"), "spec", "replicas"));

        Assert.Contains(from, plain, StringComparison.Ordinal);
        folder.Write("governance.yaml", plain.Replace(from, to, StringComparison.Ordinal));
        var printed = Parse(await PrintAsync("--policy", file));
        Assert.Equal("1", Text(Assert.Single(printed, one => Kind(one) == "StatefulSet"), "spec", "replicas"));
        Assert.Contains("--state=/var/lib/governance-gates", ((YamlSequenceNode)Find(Find(Assert.Single(printed, one => Kind(one) == "StatefulSet"), "spec", "template", "spec", "containers")[0], "args")).Select(node => ((YamlScalarNode)node).Value));
    }

    [Fact]
    public async Task Each_Pod_keeps_a_ledger_of_its_own_on_a_volume_of_its_own()
    {
        var set = Assert.Single(Parse(await PrintAsync("--policy", WritePolicy(), "--cluster-uid", "6f5e0a9c-1111-4222-8333-444455556666", "--replicas", "3")), one => Kind(one) == "StatefulSet");
        Assert.Equal(("3", "governance-gates"), (Text(set, "spec", "replicas"), Text(set, "spec", "serviceName")));
        Assert.Equal("state", Text(Assert.Single((YamlSequenceNode)Find(set, "spec", "volumeClaimTemplates")), "metadata", "name"));
        var container = Find(set, "spec", "template", "spec", "containers")[0];
        Assert.Equal("/var/lib/governance-gates", Text(Assert.Single((YamlSequenceNode)Find(container, "volumeMounts"), mount => Text(mount, "name") == "state"), "mountPath"));
        var arguments = ((YamlSequenceNode)Find(container, "args")).Select(node => ((YamlScalarNode)node).Value).ToList();
        Assert.Contains("--ledger=/var/lib/governance-gates/ledger", arguments);
        Assert.Contains("--ledger-origin=test/all/6f5e0a9c-1111-4222-8333-444455556666/$(POD_NAME)", arguments);
        Assert.Equal("metadata.name", Text(Assert.Single((YamlSequenceNode)Find(container, "env"), variable => Text(variable, "name") == "POD_NAME"), "valueFrom", "fieldRef", "fieldPath"));
    }

    [Fact]
    public async Task Several_Pods_and_approvals_do_not_go_together()
    {
        var run = await Commands.RunAsync("manifests", "--policy", WriteApprovingPolicy(), "--image", Image, "--ca", folder.PathOf("ca.crt"), "--replicas", "2");

        Assert.Equal(ExitCode.Unknown, run.Code);
        Assert.Contains("one process remembers", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_no_ConfigMap_holds_is_refused()
    {
        var policy = WritePolicy("release.pub", "#" + new string('x', 800 * 1024));

        var run = await Commands.RunAsync("manifests", "--policy", policy, "--image", Image, "--ca", folder.PathOf("ca.crt"), "--namespace", "governance-gates");

        Assert.Equal(ExitCode.Unknown, run.Code);
        Assert.Contains("make the policy smaller", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_webhook_of_the_configuration_fails_closed_and_sees_what_the_guard_needs()
    {
        var objects = Parse(await PrintAsync("--policy", WritePolicy(), "--timeout-seconds", "7"));

        Assert.Equal(["Namespace", "ServiceAccount", "ConfigMap", "Service", "PodDisruptionBudget", "StatefulSet", "ValidatingWebhookConfiguration"], objects.Select(Kind));
        var webhooks = (YamlSequenceNode)Find(objects[^1], "webhooks");
        Assert.All(webhooks, webhook =>
        {
            Assert.Equal(("Fail", "Equivalent", "NoneOnDryRun", "7"), (Text(webhook, "failurePolicy"), Text(webhook, "matchPolicy"), Text(webhook, "sideEffects"), Text(webhook, "timeoutSeconds")));
            Assert.Equal(File.ReadAllBytes(folder.PathOf("ca.crt")), Convert.FromBase64String(Text(webhook, "clientConfig", "caBundle")));
            Assert.Equal(Text(webhook, "name") != "namespaces.admission.governance.gates", ((YamlMappingNode)webhook).Children.ContainsKey("namespaceSelector"));
            Assert.False(((YamlMappingNode)webhook).Children.ContainsKey("objectSelector"));
        });
    }

    [Fact]
    public async Task What_the_policy_says_about_sessions_and_objects_is_asked_of_the_gate_and_nothing_more()
    {
        var policy = WritePolicy();
        Assert.DoesNotContain("CONNECT", await PrintAsync("--policy", policy), StringComparison.Ordinal);

        File.WriteAllText(policy, File.ReadAllText(policy).Replace("namespaces: { own: governance-gates }", "namespaces: { own: governance-gates }, sessions: { exec: deny, portForward: warn }", StringComparison.Ordinal));
        var printed = await PrintAsync("--policy", policy);
        Assert.Contains("operations: [CONNECT], resources: [nodes/proxy, pods/exec, pods/portforward, pods/proxy, services/proxy]", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("pods/attach", printed, StringComparison.Ordinal);
        Assert.Equal(printed, await PrintAsync("--policy", policy));
    }

    [Theory, InlineData("server"), InlineData("webhook")]
    public async Task The_parts_are_what_all_of_it_is_made_of(string part)
    {
        var policy = WritePolicy();
        Assert.Contains(await PrintAsync("--policy", policy, "--part", part), await PrintAsync("--policy", policy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_names_another_namespace_of_its_own_is_refused()
    {
        var (code, output, error) = await RunAsync("--policy", WritePolicy(), "--namespace", "elsewhere");
        Assert.Equal(ExitCode.Unknown, code);
        Assert.Empty(output);
        Assert.Contains("admission.namespaces.own is 'governance-gates' and --namespace is 'elsewhere'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_that_does_not_hold_together_is_refused_with_its_mistakes()
    {
        var (code, output, error) = await RunAsync("--policy", folder.Write("governance.yaml", "kind: Other\n"));
        Assert.Equal(ExitCode.Unknown, code);
        Assert.Empty(output);
        Assert.Contains("governance.yaml:1:", error, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "--image", "registry.example.com/gates-webhook:1.0" },
        { "--image", "registry.example.com/gates-webhook" },
        { "--image", "registry.example.com/gates-webhook@sha256:abc" },
        { "--url", "http://10.0.0.5:8443" },
        { "--url", "https://10.0.0.5:8443/path" },
        { "--url", "https://10.0.0.5:8443/?a=b" },
        { "--url", "https://10.0.0.5:8443/#x" },
        { "--url", "https://user:word@10.0.0.5:8443" },
        { "--replicas", "0" },
        { "--timeout-seconds", "31" },
        { "--kubernetes", "1.19" },
        { "--kubernetes", "new" },
        { "--part", "half" },
        { "--cluster-uid", "a\n            - --drain-seconds=0" },
        { "--cluster-uid", "a #b" },
        { "--registry-secret", "a\n              - more: 1" },
        { "--registry-secret", "Not_A_Name" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public async Task A_wrong_option_is_wrong_usage_and_nothing_is_printed(string option, string value)
    {
        var policy = WritePolicy();
        var arguments = option == "--image" ? ["--policy", policy, "--ca", folder.PathOf("ca.crt")] : new[] { "--policy", policy, "--ca", folder.PathOf("ca.crt"), "--image", Image };
        var (code, output, error) = await Commands.RunAsync(["manifests", .. arguments, option, value]);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Empty(output);
        Assert.Contains(option == "--part" ? value : option, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cluster_secret_and_address_stand_where_the_webhook_needs_them()
    {
        var objects = Parse(await PrintAsync("--policy", WritePolicy(), "--cluster-uid", "6f5e0a9c-1111-4222-8333-444455556666", "--registry-secret", "pull.secret", "--url", "https://10.0.0.5:8443/"));
        var pod = Find(Assert.Single(objects, one => Kind(one) == "StatefulSet"), "spec", "template", "spec");
        var container = ((YamlSequenceNode)Find(pod, "containers"))[0];
        Assert.Contains("--cluster-uid=6f5e0a9c-1111-4222-8333-444455556666", ((YamlSequenceNode)Find(container, "args")).Select(argument => ((YamlScalarNode)argument).Value));
        Assert.Equal("pull.secret", Text(((YamlSequenceNode)Find(pod, "volumes"))[2], "secret", "secretName"));
        Assert.All((YamlSequenceNode)Find(objects[^1], "webhooks"), webhook => Assert.Equal("https://10.0.0.5:8443/validate", Text(webhook, "clientConfig", "url")));
    }

    private string WriteApprovingPolicy()
    {
        using var ann = RunningGate.NewSigner();
        using var ben = RunningGate.NewSigner();
        folder.Write("release.pub", signer.PublicKey.ToPem());
        folder.Write("ann.pub", ann.PublicKey.ToPem());
        folder.Write("ben.pub", ben.PublicKey.ToPem());
        return folder.Write("governance.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: test, version: 1 }
            spec:
              people:
                ann: { id: p-1, keys: [ann] }
                ben: { id: p-2, keys: [ben] }
              roles: { admin: { people: [ann, ben] } }
              robots:
                release: { keys: [release], why: signs }
              trust:
                keys:
                  release: { spki: "{{Spki(signer)}}", file: release.pub }
                  ann: { spki: "{{Spki(ann)}}", file: ann.pub }
                  ben: { spki: "{{Spki(ben)}}", file: ben.pub }
              approvals:
                deploy: { require: [{ role: admin, count: 1 }], useBy: 7d }
                policy-change: { require: [{ role: admin, count: 1 }], useBy: 7d }
              artifacts:
                images:
                  - match: ["**"]
                    require: { signed: { by: [release] }, approved: { action: deploy } }
              admission: { mode: enforce, namespaces: { own: governance-gates } }
            """);
    }

    private static string Spki(Governance.Gates.Sigstore.EcdsaSigner of) => $"sha256:{Convert.ToHexStringLower(of.PublicKey.SpkiSha256.Span)}";

    private string WritePolicy(string keyFile = "release.pub", string ending = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.PathOf(keyFile))!);
        folder.Write(keyFile, signer.PublicKey.ToPem());
        var quoted = keyFile.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return folder.Write("governance.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: test, version: 1 }
            spec:
              robots:
                release: { keys: [release], why: signs }
              trust:
                keys:
                  release: { spki: "sha256:{{Convert.ToHexStringLower(signer.PublicKey.SpkiSha256.Span)}}", file: "{{quoted}}" }
              artifacts:
                images:
                  - match: ["registry.example.com/**"]
                    require: { signed: { by: [release] } }
                  - match: ["**"]
                    verdict: deny
                    why: not ours
              admission: { mode: enforce, namespaces: { own: governance-gates } }
            {{ending}}
            """);
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) => Commands.RunAsync(["manifests", "--image", Image, "--ca", folder.PathOf("ca.crt"), .. arguments]);

    private async Task<string> PrintAsync(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.True(code == ExitCode.Allowed, error);
        return output;
    }

    private static List<YamlNode> Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    private static string Kind(YamlNode node) => Text(node, "kind");

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)Find(node, path)).Value!;

    private static YamlNode Find(YamlNode node, params string[] path) => path.Aggregate(node, (inner, name) => inner[name]);
}
