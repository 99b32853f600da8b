using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Benchmarks;

/// <summary>Keys, a policy, a certificate, and the published programs.</summary>
internal sealed class BenchWorld : IDisposable
{
    private readonly TemporaryFolder folder = TemporaryFolder.OnDisk();
    private readonly ThrowAwayCa authority = new();
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly EcdsaSigner signer;

    public BenchWorld()
    {
        signer = EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), "");
        PublicKeyFile = folder.Write("release.pub", key.ExportSubjectPublicKeyInfoPem() + "\n");
        ApprovalPolicy = folder.Write("approvals.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: bench, version: 1 }
            spec:
              environments: { production: { clusters: [{{Cluster}}], namespaces: [trading] } }
              people:
            {{string.Join('\n', People.Select((name, index) => $$"""    {{name}}: { id: p-{{index}}, keys: [{{name}}] }"""))}}
              roles: { system-admin: { people: [{{string.Join(", ", People)}}] } }
              robots: { release: { keys: [release], why: signs } }
              trust:
                keys:
                  release: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: release.pub }
            {{string.Join('\n', People.Select(name => $$"""      {{name}}: { spki: "{{NewKey(name)}}", file: {{name}}.pub }"""))}}
              approvals: { deployment: { require: [{ role: system-admin, count: 2 }], useBy: 7d, runUntil: 180d } }
              artifacts:
                images:
                  - match: ["*/live/**"]
                    require: { signed: { by: [release] }, approved: { action: deployment, covers: [artifact, template] } }
                  - match: ["**"]
                    require: { signed: { by: [release] } }
              admission: { mode: enforce }

            """);
        Policy = folder.Write("governance.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: bench, version: 1 }
            spec:
              robots: { release: { keys: [release], why: signs } }
              trust: { keys: { release: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: release.pub } } }
              artifacts: { images: [{ match: ["**"], require: { signed: { by: [release] } } }] }
              admission: { mode: enforce }

            """);
    }

    public string PublicKeyFile { get; }

    public string Policy { get; }

    /// <summary>The same, and images below <c>live/</c> need the approval of two.</summary>
    public string ApprovalPolicy { get; }

    /// <summary>Who may ask and approve; each has a key of that name.</summary>
    public static IReadOnlyList<string> People { get; } = ["alice", "bob", "carol", "dave", "erin", "frank"];

    /// <summary>The file with a person's public key.</summary>
    public string PublicKeyOf(string name) => folder.PathOf($"{name}.pub");

    private const string Cluster = "3f0c7a52-0000-4000-8000-000000000001";

    /// <summary>Where <c>make publish</c> leaves the programs.</summary>
    public static string Program(string name) => Path.Combine(ProjectTree.Root, "artifacts", "publish", name);

    public string Write(string name, string content) => folder.Write(name, content);

    /// <summary>Pushes an image that nobody has seen and signs it in the form of the tag <c>.sig</c>.</summary>
    public async Task<string> SignedImageAsync(string host, string repository)
    {
        var digest = await TestImage.PushAsync(new Repository(host, repository), "v1");
        var payload = SimpleSigning.Payload($"{host}/{repository}", digest.ToString());
        var signature = await SimpleSigning.SignAsync(payload, signer, CancellationToken.None);
        using var registry = new OciRegistry(new RegistryOptions(), DockerCredentials.Anonymous, TimeProvider.System);
        var layer = new EvidenceLayer(MediaTypes.SimpleSigning, payload, new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = signature.Signature! });
        return await registry.AttachToTagAsync(new Repository(host, repository), digest, CosignTag.Signatures, layer, CancellationToken.None) is Reading<Digest>.Found
            ? $"{host}/{repository}@{digest}"
            : throw new InvalidOperationException("the signature could not be pushed");
    }

    /// <summary>Asks for the approval of an image with the template of a review's object, and has it approved.</summary>
    /// <param name="image">The image, by digest.</param>
    /// <param name="review">The review.</param>
    /// <param name="approvers">Who approves.</param>
    public async Task ApproveAsync(string image, string review, IEnumerable<string> approvers)
    {
        using var json = JsonDocument.Parse(review);
        var manifest = folder.Write("manifest.json", json.RootElement.GetProperty("request").GetProperty("object").GetRawText());
        (await Command.RunAsync(Program("gates"), ["request", image, "--action", "deployment", "--environment", "production", "--template", manifest, "--policy", ApprovalPolicy, "--key", folder.PathOf("alice.pem"), "--yes"])).Succeeded();
        foreach (var approver in approvers)
        {
            (await Command.RunAsync(Program("gates"), ["approve", image, "--policy", ApprovalPolicy, "--key", folder.PathOf($"{approver}.pem"), "--yes"])).Succeeded();
        }
    }

    /// <summary>The published webhook on a free port, ready, that remembers what it admitted under approvals.</summary>
    public Task<(ChildProcess Process, Uri Address, HttpClient Client)> StartApprovalWebhookAsync() =>
        StartAsync(ApprovalPolicy, ["--cluster-uid", Cluster, "--state", folder.Folder($"state-{Guid.NewGuid():N}")]);

    /// <summary>The published webhook on a free port, ready.</summary>
    public Task<(ChildProcess Process, Uri Address, HttpClient Client)> StartWebhookAsync() => StartAsync(Policy, []);

    /// <summary>The same, and every decision is in a ledger before it is answered.</summary>
    public Task<(ChildProcess Process, Uri Address, HttpClient Client)> StartRecordingWebhookAsync() =>
        StartAsync(Policy, ["--ledger", folder.PathOf($"ledger-{Guid.NewGuid():N}"), "--ledger-origin", "bench/production/c1/gate-0"]);

    private async Task<(ChildProcess Process, Uri Address, HttpClient Client)> StartAsync(string policy, string[] more)
    {
        var (certificate, privateKey) = authority.IssueServerCertificate("127.0.0.1").WriteTo(folder.Path);
        var port = FreePort.Next();
        var process = ChildProcess.Start(Program("gates-webhook"), ["serve", "--policy", policy, "--certificate", certificate, "--key", privateKey, "--listen", $"127.0.0.1:{port}", .. more]);
        var client = authority.CreateHttpClient();
        var address = new Uri($"https://127.0.0.1:{port}");
        await process.WaitForHttpAsync(client, new(address, "/health/ready"), TimeSpan.FromSeconds(30));
        return (process, address, client);
    }

    /// <summary>The review of a Deployment of three containers, as an API server sends it: defaults filled in, managedFields, about 10 KiB.</summary>
    public static string Review(params IReadOnlyList<string> images) => Review("apps", "Deployment", "system:serviceaccount:argocd:argocd-application-controller", $$"""
        "spec":{"replicas":3,"selector":{"matchLabels":{"app":"strategy"} },"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"strategy"} },
        "spec":{"containers":[{{Containers(images, "")}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"} },
        "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"} },"revisionHistoryLimit":10,"progressDeadlineSeconds":600}
        """);

    /// <summary>The review of a Pod of that Deployment, with all that the API server puts into one.</summary>
    public static string PodReview(params IReadOnlyList<string> images)
    {
        const string mounts = """ ,"volumeMounts":[{"name":"kube-api-access-7x2kd","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}] """;
        return Review("", "Pod", "system:serviceaccount:kube-system:replicaset-controller", $$"""
            "spec":{"volumes":[{"name":"kube-api-access-7x2kd","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"} },{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]} },
            {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"} }]} }],"defaultMode":420} }],
            "containers":[{{Containers(images, mounts)}}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default","securityContext":{},"schedulerName":"default-scheduler",
            "tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],
            "priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}
            """);
    }

    public void Dispose()
    {
        signer.Dispose();
        key.Dispose();
        authority.Dispose();
        folder.Dispose();
    }

    private string NewKey(string name)
    {
        using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        folder.Write($"{name}.pem", made.ExportPkcs8PrivateKeyPem());
        folder.Write($"{name}.pub", made.ExportSubjectPublicKeyInfoPem());
        return Digest.Of(made.ExportSubjectPublicKeyInfo()).ToString();
    }

    private static string Containers(IReadOnlyList<string> images, string more) => string.Join(',', images.Select((image, index) => $$"""
        {"name":"c{{index}}","image":"{{image}}","args":["--listen=0.0.0.0:8080","--log=json"],"ports":[{"containerPort":8080,"protocol":"TCP"}],
        "env":[{"name":"REGION","value":"eu-west-1"},{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"} } }],
        "resources":{"requests":{"cpu":"250m","memory":"256Mi"},"limits":{"memory":"512Mi"} },
        "livenessProbe":{"httpGet":{"path":"/health/live","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent",
        "securityContext":{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]} }{{more}} }
        """));

    private static string Review(string group, string kind, string user, string spec)
    {
        var fields = string.Join(',', Enumerable.Range(0, 95).Select(index => $$"""
            "f:field{{index}}":{"f:type":{},"f:value{{index}}":{".":{},"f:nested":{} } }
            """));
        var (version, resource) = (group.Length == 0 ? "v1" : $"{group}/v1", kind.ToLowerInvariant() + "s");
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteRawValue($$"""
                {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"{{Guid.NewGuid()}}","kind":{"group":"{{group}}","version":"v1","kind":"{{kind}}"},
                "resource":{"group":"{{group}}","version":"v1","resource":"{{resource}}"},"requestKind":{"group":"{{group}}","version":"v1","kind":"{{kind}}"},"requestResource":{"group":"{{group}}","version":"v1","resource":"{{resource}}"},
                "name":"strategy","namespace":"trading","operation":"CREATE","userInfo":{"username":"{{user}}","uid":"f3e4","groups":["system:serviceaccounts","system:authenticated"]},
                "object":{"kind":"{{kind}}","apiVersion":"{{version}}","metadata":{"name":"strategy","namespace":"trading","uid":"b3f2","generation":1,"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"strategy"},
                "managedFields":[{"manager":"argocd-controller","operation":"Apply","apiVersion":"{{version}}","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{ {{fields}} } }]},
                {{spec}},"status":{} },
                "oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"} } }
                """);
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
