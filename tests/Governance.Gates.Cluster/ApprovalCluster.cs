using System.Security.Cryptography;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Cluster;

/// <summary>
/// A control plane of its own in which two system admins must approve what begins in production, which is every namespace: the webhook from
/// <c>make build</c> with its state folder and policy chain, a real registry, and statements that <c>gates</c> signed.
/// </summary>
public sealed class ApprovalCluster : IAsyncLifetime
{
    /// <summary>Another cluster of the production environment.</summary>
    public const string Standby = "3f0c7a52-0000-4000-8000-000000000002";

    private readonly TemporaryFolder folder = new();
    private readonly ThrowAwayCa authority = new();
    private ControlPlane? plane;
    private DockerRegistry? registry;
    private WebhookProcess? webhook;
    private FakeKubelet? kubelet;

    /// <summary>kubectl as the cluster's administrator.</summary>
    public Kubectl Admin => plane!.Admin;

    /// <summary>The webhook's process.</summary>
    public WebhookProcess Webhook => webhook!;

    /// <summary>The UID of this cluster.</summary>
    public string Uid { get; private set; } = "";

    /// <summary>The policy file that the webhook follows.</summary>
    public string PolicyFile => folder.PathOf("governance.yaml");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (GatedCluster.WhyNot is null)
        {
            await this.StartOrDisposeAsync(StartAsync);
        }
    }

    /// <summary>Pushes a new image and signs it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="group">What its repository begins with: <c>live</c>, or <c>trial</c>, which has an action of its own.</param>
    public async Task<string> ImageAsync(string name, string group = "live")
    {
        var repository = registry!.Repository($"{group}/{name}");
        var image = ImageReference.At(repository, await TestImage.PushAsync(repository)).ToString();
        (await GatesAsync("sign", image, "--key", Key("release"))).Succeeded();
        return image;
    }

    /// <summary>Alice asks that an image may begin in production as a manifest has it.</summary>
    public async Task RequestAsync(string image, string manifest, params IEnumerable<string> more) =>
        (await GatesAsync(["request", image, "--action", image.Contains("/trial/", StringComparison.Ordinal) ? "trial-deployment" : "production-deployment", "--template", Write(manifest), "--policy", PolicyFile, "--key", Key("alice"), "--yes", .. more.Contains("--environment") ? more : ["--environment", "production", .. more]])).Succeeded();

    /// <summary>Somebody answers a request.</summary>
    public async Task ApproveAsync(string about, string key, params IEnumerable<string> more) =>
        (await GatesAsync(["approve", about, "--policy", PolicyFile, "--key", Key(key), "--yes", .. more])).Succeeded();

    /// <summary>A new image that Bob and Carol approved for Alice, with the template of a manifest.</summary>
    /// <param name="name">The image's name.</param>
    /// <param name="manifest">Makes the manifest from the image.</param>
    /// <param name="asked">Further arguments of the request.</param>
    /// <param name="answered">Further arguments of both approvals.</param>
    public async Task<string> ApprovedAsync(string name, Func<string, string> manifest, string[]? asked = null, string[]? answered = null)
    {
        var image = await ImageAsync(name);
        await RequestAsync(image, manifest(image), asked ?? []);
        await ApproveAsync(image, "bob", answered ?? []);
        await ApproveAsync(image, "carol", answered ?? []);
        return image;
    }

    /// <summary>Publishes the next revocation list, with this added.</summary>
    public async Task RevokeAsync(params IEnumerable<string> more) => (await GatesAsync(["revoke", "--policy", PolicyFile, "--key", Key("dave"), .. more])).Succeeded();

    /// <summary>Runs <c>gates</c>, in this process.</summary>
    public Task<Command> GatesAsync(params string[] arguments) => ReleasedImages.GatesAsync(arguments);

    /// <summary>The private key of a person.</summary>
    public string Key(string name) => folder.PathOf($"{name}.pem");

    /// <summary>Writes a file of its own.</summary>
    public string Write(string text, string suffix = "json") => folder.Write($"{Guid.NewGuid():N}.{suffix}", text);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[kubelet, plane, webhook, registry])
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }

        authority.Dispose();
        folder.Dispose();
    }

    private async Task StartAsync()
    {
        plane = await ControlPlane.StartAsync();
        registry = await DockerRegistry.StartAsync();
        kubelet = await FakeKubelet.StartAsync(plane.CreateHttpClient());
        Uid = (await Admin.RunAsync("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")).Succeeded().Output;
        folder.Write("governance.yaml", Policy());
        await RevokeAsync();

        var (certificate, key) = authority.IssueServerCertificate("127.0.0.1").WriteTo(folder.Path);
        var port = FreePort.Next();
        webhook = await WebhookProcess.StartAsync(authority, port,
        [
            "serve", "--policy", PolicyFile, "--certificate", certificate, "--key", key, "--listen", $"127.0.0.1:{port}",
            "--cluster-uid", Uid, "--state", folder.Folder("state"), "--policy-root", Digest.Of(await File.ReadAllBytesAsync(PolicyFile)).ToString(),
        ]);
        await Admin.InstallGateAsync(PolicyFile, folder.Write("ca.crt", authority.CertificatePem), await ImageAsync("gate"), webhook.Address, "--cluster-uid", Uid);
        await Admin.WaitForRefusalAsync(await Admin.CreateNamespaceAsync("probe"), GatedCluster.PodNamed("probe", "registry.example.com/unknown"));
    }

    private string Policy() => $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata:
          name: approvals
          version: 1
        spec:
          environments:
            production: { clusters: [{{Uid}}, {{Standby}}], namespaces: ["*"] }
            staging: { clusters: [3f0c7a52-0000-4000-8000-000000000003], namespaces: ["*"] }
          people:
            alice: { id: p-0001, keys: [alice] }
            bob: { id: p-0002, keys: [bob, bob-2] }
            carol: { id: p-0003, keys: [carol] }
            dave: { id: p-0004, keys: [dave] }
            erin: { id: p-0005, github: { login: erin, id: 5 }, keys: [erin] }
            frank: { id: p-0006, github: { login: frank, id: 6 }, keys: [frank] }
            grace: { id: p-0007, github: { login: grace, id: 7 }, keys: [grace] }
          roles:
            system-admin: { people: [alice, bob, carol, dave] }
            risk: { people: [erin, frank, grace] }
          robots:
            release-workflow: { keys: [release], why: builds and signs }
          trust:
            keys:
        {{string.Join('\n', ((string[])["release", "alice", "bob", "bob-2", "carol", "dave", "erin", "frank", "grace"]).Select(name => "      " + NewKey(name)))}}
            revocations: { from: revoked.json, maxAge: 24h }
          approvals:
            production-deployment: { require: [{ role: system-admin, count: 2 }], useBy: 7d, runUntil: 180d }
            trial-deployment: { require: [{ role: system-admin, count: 2 }], useBy: 7d, runUntil: 180d }
            limit-change: { require: [{ role: system-admin, count: 2 }], useBy: 7d }
            policy-change: { require: [{ role: system-admin, count: 2 }], useBy: 7d }
            policy-weakening: { require: [{ role: risk, count: 2 }], useBy: 1d }
          review:
            approvals: { default: 1 }
            values:
              - { file: config/caps.yaml, at: /position/*/max, when: increases, require: [{ role: risk, count: 1 }], why: risk limit raised }
              - { file: config/caps.yaml, at: /leverage/cap, must: { atMost: 1.0 } }
          artifacts:
            images:
              - match: ["{{registry!.Host}}/live/**"]
                require:
                  signed: { by: [release-workflow] }
                  approved: { action: production-deployment, in: { environments: [production] }, covers: [artifact, template] }
              - match: ["{{registry.Host}}/trial/**"]
                require:
                  signed: { by: [release-workflow] }
                  approved: { action: trial-deployment, in: { environments: [production] }, covers: [artifact, template] }
          admission:
            mode: enforce
            namespaces: { own: governance-gates }
            statements: {{registry.Host}}/statements
            sessions: { exec: { require: [{ role: system-admin, count: 1 }] } }
            objects:
              - { resource: configmaps, names: [limits*], require: { approved: { action: limit-change } } }
              - { resource: configmaps, names: [caps], values: same-as-review, require: { approved: { action: limit-change } } }

        """;

    private string NewKey(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        folder.Write($"{name}.pem", key.ExportPkcs8PrivateKeyPem());
        folder.Write($"{name}.pub", key.ExportSubjectPublicKeyInfoPem());
        return $$"""{{name}}: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: {{name}}.pub }""";
    }
}
