using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Testing.Ledgers;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Cluster;

/// <summary>
/// A control plane of its own with the gate in force: the webhook from <c>make build</c>, installed by its own manifests, a real registry,
/// and images that real cosign signed, or not.
/// </summary>
public sealed class GatedCluster : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private readonly ThrowAwayCa authority = new();
    private ControlPlane? plane;
    private DockerRegistry? registry;
    private Cosign? cosign;
    private WebhookProcess? webhook;
    private ReleasedImages? released;

    /// <summary>kubectl as the cluster's administrator.</summary>
    public Kubectl Admin => plane!.Admin;

    /// <summary>The webhook's process.</summary>
    public WebhookProcess Webhook => webhook!;

    /// <summary>An image that cosign signed with the release key.</summary>
    public string Signed { get; private set; } = "";

    /// <summary>Another one.</summary>
    public string SignedToo { get; private set; } = "";

    /// <summary>An image without a signature.</summary>
    public string Unsigned { get; private set; } = "";

    /// <summary>An image that was signed with a key which the policy does not know.</summary>
    public string WrongKey { get; private set; } = "";

    /// <summary>The signed image under another repository, its signature copied along.</summary>
    public string Moved { get; private set; } = "";

    /// <summary>The signed image by its tag.</summary>
    public string ByTag { get; private set; } = "";

    /// <summary>An image that real cosign signed without a key, as a workflow of acme/models; its rule names that workflow.</summary>
    public string Keyless => KeylessIn("keyless");

    /// <summary>The same where the rule names the workflow of another repository, of which acme's would be a fork.</summary>
    public string KeylessOfFork => KeylessIn("original");

    /// <summary>The same where the rule names the same workflow as another issuer vouches for it.</summary>
    public string KeylessOfOtherIssuer => KeylessIn("elsewhere");

    /// <summary>Images whose rule asks for the review of their commit.</summary>
    public ReleasedImages Released => released!;

    /// <summary>The policy in force.</summary>
    public string PolicyFile => folder.PathOf("governance.yaml");

    /// <summary>Why the cluster cannot be had here; null where it can.</summary>
    public static string? WhyNot => ControlPlane.WhyNot ?? Peers.WhyNot(Peers.Cosign, Peers.DockerRegistry) ?? WebhookProcess.WhyNot;

    /// <summary>Skips the calling test where a program that it needs is missing.</summary>
    public static void SkipWhereMissing() => Assert.SkipWhen(WhyNot is not null, WhyNot ?? "");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (WhyNot is null)
        {
            await this.StartOrDisposeAsync(StartAsync);
        }
    }

    /// <summary>Makes a namespace in which pods can be created.</summary>
    public Task<string> CreateNamespaceAsync() => Admin.CreateNamespaceAsync("gated");

    /// <summary>A Pod with one container, and whatever else its spec is to hold.</summary>
    public static string PodNamed(string name, string image, string more = "") =>
        $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"main","image":"{{{image}}}"}]{{{more}}}}}""";

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[plane, webhook, registry])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }

        cosign?.Dispose();
        authority.Dispose();
        folder.Dispose();
    }

    /// <summary>What the webhook's ledger holds by its last checkpoint, which verifies.</summary>
    public IReadOnlyList<LedgerEntry> Ledger() => VerifiedLog.Read(LedgerFolder);

    /// <summary>Where the webhook's ledger lies.</summary>
    public string LedgerFolder => folder.PathOf("ledger");

    private async Task StartAsync()
    {
        plane = await ControlPlane.StartAsync();
        registry = await DockerRegistry.StartAsync();
        released = new(folder, registry);
        cosign = new Cosign();
        var release = await cosign.GenerateKeyPairAsync("release");
        var stranger = await cosign.GenerateKeyPairAsync("stranger");
        Signed = await ImageAsync("trading/strategy", release);
        ByTag = Signed[..Signed.IndexOf('@', StringComparison.Ordinal)] + ":v1";
        SignedToo = await ImageAsync("trading/risk", release);
        Unsigned = await ImageAsync("trading/unsigned", null);
        WrongKey = await ImageAsync("trading/wrong-key", stranger);
        Moved = await CopyWithSignatureAsync();

        foreach (var group in (string[])["keyless", "original", "elsewhere"])
        {
            await AttachKeylessAsync(group);
        }

        File.Copy(Recorded("trusted_root.json"), folder.PathOf("root.json"));
        folder.Write("release.pub", release.PublicKeyPem);
        folder.Write("governance.yaml", Policy(release.PublicKeyPem));
        var (certificate, key) = authority.IssueServerCertificate("127.0.0.1").WriteTo(folder.Path);
        var port = FreePort.Next();
        webhook = await WebhookProcess.StartAsync(authority, port, ["serve", "--policy", PolicyFile, "--certificate", certificate, "--key", key, "--listen", $"127.0.0.1:{port}", "--ledger", folder.PathOf("ledger"), "--ledger-origin", "gated/all/c1/gate-0"]);

        await Admin.InstallGateAsync(PolicyFile, folder.Write("ca.crt", authority.CertificatePem), Signed, webhook.Address);

        // The configuration takes effect when the API server's own watch has seen it.
        var ns = await CreateNamespaceAsync();
        await Admin.WaitForRefusalAsync(ns, PodNamed("probe", Unsigned));
    }

    private async Task<string> ImageAsync(string repository, CosignKey? key)
    {
        var image = $"{registry!.Host}/{repository}@{await TestImage.PushAsync(registry.Repository(repository), "v1")}";
        if (key is not null)
        {
            await cosign!.SignAsync(key, image);
        }

        return image;
    }

    // What anybody can do who may push to one repository: the same bytes and the same signature, elsewhere.
    private async Task<string> CopyWithSignatureAsync()
    {
        var moved = $"{registry!.Host}/trading/moved";
        (await cosign!.RunAsync(["copy", "--allow-http-registry", Signed[..Signed.IndexOf('@', StringComparison.Ordinal)] + ":v1", moved + ":v1"])).Succeeded();
        return $"{moved}@{Signed[(Signed.IndexOf('@', StringComparison.Ordinal) + 1)..]}";
    }

    /// <summary>Puts a trusted root in force that names all parties but the log which has the recorded signature.</summary>
    /// <returns>What puts the policy back that was in force.</returns>
    public Func<Task> DropLog()
    {
        var root = JsonNode.Parse(File.ReadAllBytes(Recorded("trusted_root.json")))!;
        var log = JsonNode.Parse(RecordedAnnotations()["dev.sigstore.cosign/bundle"])!["Payload"]!["logID"]!.GetValue<string>();
        var logs = root["tlogs"]!.AsArray();
        logs.Remove(logs.Single(one => Convert.ToHexStringLower(Convert.FromBase64String(one!["logId"]!["keyId"]!.GetValue<string>())) == log));
        var bytes = Encoding.UTF8.GetBytes(root.ToJsonString());
        File.WriteAllBytes(folder.PathOf("changed.json"), bytes);
        var before = File.ReadAllText(PolicyFile);
        Replace(before.Replace("file: root.json, sha256: \"" + Digest.Of(File.ReadAllBytes(folder.PathOf("root.json"))), "file: changed.json, sha256: \"" + Digest.Of(bytes), StringComparison.Ordinal));
        return async () =>
        {
            Replace(before);
            await Admin.WaitForAdmissionAsync(await CreateNamespaceAsync(), PodNamed("back", Keyless));
        };
    }

    private void Replace(string policy)
    {
        File.WriteAllText(PolicyFile + ".new", policy);
        File.Move(PolicyFile + ".new", PolicyFile, overwrite: true);
    }

    // Signed by cosign 2.5 against a Sigstore instance on loopback (testdata/keyless), whose image lies nowhere any more: the gate reads what hangs on a digest, never the image.
    private async Task AttachKeylessAsync(string group)
    {
        using var client = new OciRegistry(new RegistryOptions(), DockerCredentials.Anonymous, TimeProvider.System);
        var image = ImageReference.Parse(KeylessIn(group));
        var layer = new EvidenceLayer("application/vnd.dev.cosign.simplesigning.v1+json", await File.ReadAllBytesAsync(Recorded("image.sig.payload")), RecordedAnnotations());
        Assert.True((await client.AttachToTagAsync(image.Repository, image.Digest!, CosignTag.Signatures, layer, CancellationToken.None)).Try(out _, out var why), why?.Message);
    }

    private static Dictionary<string, string> RecordedAnnotations() =>
        JsonNode.Parse(File.ReadAllBytes(Recorded("image.sig.manifest.json")))!["layers"]![0]!["annotations"]!.AsObject().ToDictionary(one => one.Key, one => one.Value!.GetValue<string>());

    private static string Recorded(string file) => Path.Combine(ProjectTree.Root, "tests", "Governance.Gates.Tests", "Sigstore", "testdata", "keyless", file);

    private string KeylessIn(string group) => $"{registry!.Host}/{group}/models@sha256:2a0368e76ea8d1af467db1e82605257a1a560a22e030bff17cab784ee98cac79";

    private string Policy(string releasePem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(releasePem);
        var spki = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
        return new StringBuilder()
            .Append($$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: cluster-tier, version: 1 }
            spec:
              people: { {{ReleasedImages.People}} }
              review: {{released!.Review}}
              robots:
                builder: { keys: [built] }
                reviewer: { keys: [reviewed] }
                release-workflow: { keys: [release], why: builds and signs }
                models: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main }] }
                original: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: https://github.com/example/models/.github/workflows/release.yml@refs/heads/main }] }
                elsewhere: { oidc: [{ issuer: https://token.example.com, subject: https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main }] }
              trust:
                roots: { sigstore: { file: root.json, sha256: "{{Digest.Of(File.ReadAllBytes(Recorded("trusted_root.json")))}}", logs: promise } }
                keys: { release: { spki: "sha256:{{spki}}", file: release.pub }, {{released!.Keys()}} }
              artifacts:
                images:
                  - match: ["{{registry!.Host}}/trading/**"]
                    require:
                      signed: { by: [release-workflow] }
                  - match: ["{{registry!.Host}}/keyless/**"]
                    require:
                      signed: { by: [models], repository: any }
                  - match: ["{{registry!.Host}}/original/**"]
                    require:
                      signed: { by: [original], repository: any }
                  - match: ["{{registry!.Host}}/elsewhere/**"]
                    require:
                      signed: { by: [elsewhere], repository: any }
                  - {{released!.Rule}}
              admission:
                mode: enforce
                namespaces: { audit: [watched], own: governance-gates }
                customResources:
                  - resource: pipelines.example.com
                    images: [/spec/steps/*/image]

            """).ToString();
    }
}
