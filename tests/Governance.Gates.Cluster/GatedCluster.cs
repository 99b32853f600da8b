using System.Security.Cryptography;
using System.Text;
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
    public IReadOnlyList<LedgerEntry> Ledger() => VerifiedLog.Read(folder.PathOf("ledger"));

    private async Task StartAsync()
    {
        plane = await ControlPlane.StartAsync();
        registry = await DockerRegistry.StartAsync();
        cosign = new Cosign();
        var release = await cosign.GenerateKeyPairAsync("release");
        var stranger = await cosign.GenerateKeyPairAsync("stranger");
        Signed = await ImageAsync("trading/strategy", release);
        ByTag = Signed[..Signed.IndexOf('@', StringComparison.Ordinal)] + ":v1";
        SignedToo = await ImageAsync("trading/risk", release);
        Unsigned = await ImageAsync("trading/unsigned", null);
        WrongKey = await ImageAsync("trading/wrong-key", stranger);
        Moved = await CopyWithSignatureAsync();

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
              robots:
                release-workflow: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "sha256:{{spki}}", file: release.pub }
              artifacts:
                images:
                  - match: ["{{registry!.Host}}/trading/**"]
                    require:
                      signed: { by: [release-workflow] }
              admission:
                mode: enforce
                namespaces: { audit: [watched], own: governance-gates }
                customResources:
                  - resource: pipelines.example.com
                    images: [/spec/steps/*/image]

            """).ToString();
    }
}
