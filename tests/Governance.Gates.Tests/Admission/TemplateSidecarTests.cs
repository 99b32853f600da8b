using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>Which containers with the name of an injected sidecar are left out: those that bring in nothing but themselves.</summary>
public sealed class TemplateSidecarTests
{
    private static readonly string[] Names = ["istio-init", "istio-proxy", "linkerd-init", "linkerd-proxy"];

    // As Istio's injection template (manifests/charts/istio-control, injection-template.yaml) and Linkerd's (charts/partials) write them.
    private const string IstioInit = """{"name":"istio-init","image":"mesh","args":["istio-iptables","-p","15001"],"securityContext":{"allowPrivilegeEscalation":false,"privileged":false,"capabilities":{"add":["NET_ADMIN","NET_RAW"],"drop":["ALL"]},"readOnlyRootFilesystem":false,"runAsGroup":0,"runAsNonRoot":false,"runAsUser":0}}""";
    private const string IstioProxy = """
        {"name":"istio-proxy","image":"mesh","args":["proxy","sidecar"],"ports":[{"containerPort":15090,"name":"http-envoy-prom","protocol":"TCP"}],
         "env":[{"name":"JWT_POLICY","value":"third-party-jwt"},{"name":"POD_NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},{"name":"ISTIO_CPU_LIMIT","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}}],
         "lifecycle":{"postStart":{"exec":{"command":["pilot-agent","wait"]}}},"readinessProbe":{"httpGet":{"path":"/healthz/ready","port":15021}},"startupProbe":{"httpGet":{"path":"/healthz/ready","port":15021}},
         "securityContext":{"allowPrivilegeEscalation":false,"privileged":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsGroup":1337,"runAsNonRoot":true,"runAsUser":1337},
         "volumeMounts":[{"mountPath":"/var/run/secrets/istio","name":"istiod-ca-cert"},{"mountPath":"/var/lib/istio/data","name":"istio-data"},{"mountPath":"/etc/istio/proxy","name":"istio-envoy"},{"mountPath":"/var/run/secrets/tokens","name":"istio-token"},
                         {"mountPath":"/etc/istio/pod","name":"istio-podinfo"},{"name":"kube-api-access-7xk2q","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}
        """;

    private const string IstioVolumes = """
        [{"name":"istio-envoy","emptyDir":{"medium":"Memory"}},{"name":"istio-data","emptyDir":{}},{"name":"istiod-ca-cert","configMap":{"name":"istio-ca-root-cert"}},
         {"name":"istio-podinfo","downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}},{"path":"annotations","fieldRef":{"fieldPath":"metadata.annotations"}}]}},
         {"name":"istio-token","projected":{"sources":[{"serviceAccountToken":{"path":"istio-token","expirationSeconds":43200,"audience":"istio-ca"}}]}}]
        """;

    private const string LinkerdInit = """{"name":"linkerd-init","image":"mesh","args":["--proxy-uid","2102"],"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_ADMIN","NET_RAW"]},"privileged":false,"runAsNonRoot":true,"runAsUser":65534,"readOnlyRootFilesystem":true,"seccompProfile":{"type":"RuntimeDefault"}},"terminationMessagePolicy":"FallbackToLogsOnError","volumeMounts":[{"mountPath":"/run","name":"linkerd-proxy-init-xtables-lock"}]}""";
    private const string LinkerdProxy = """
        {"name":"linkerd-proxy","image":"mesh","restartPolicy":"Always","env":[{"name":"_pod_ns","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}},{"name":"LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS","valueFrom":{"configMapKeyRef":{"name":"linkerd-identity-trust-roots","key":"ca-bundle.crt"}}}],
         "lifecycle":{"postStart":{"exec":{"command":["/usr/lib/linkerd/linkerd-await"]}}},"livenessProbe":{"httpGet":{"path":"/live","port":4191}},
         "securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"runAsUser":2102,"seccompProfile":{"type":"RuntimeDefault"}},
         "volumeMounts":[{"mountPath":"/var/run/linkerd/identity/end-entity","name":"linkerd-identity-end-entity"},{"mountPath":"/var/run/secrets/tokens","name":"linkerd-identity-token"}]}
        """;

    private const string LinkerdVolumes = """
        [{"name":"linkerd-proxy-init-xtables-lock","emptyDir":{}},{"name":"linkerd-identity-end-entity","emptyDir":{"medium":"Memory"}},
         {"name":"linkerd-identity-token","projected":{"sources":[{"serviceAccountToken":{"path":"linkerd-identity-token","expirationSeconds":86400,"audience":"identity.l5d.io"}}]}}]
        """;

    /// <summary>A field of the proxy, its value, and what it would reach.</summary>
    public static TheoryData<string, string, string> Reaching => new()
    {
        { "env/+", """{"name":"KEY","valueFrom":{"secretKeyRef":{"name":"ledger","key":"key"}}}""", "a secret in a variable" },
        { "env/+", """{"name":"KEY","valueFrom":{"fileKeyRef":{"volumeName":"istio-data","path":"x","key":"key"}}}""", "a source of a later version" },
        { "envFrom", """[{"secretRef":{"name":"ledger"}}]""", "a secret as variables" },
        { "envFrom", """[{"configMapRef":{"name":"settings"}}]""", "variables that no mesh takes" },
        { "volumeMounts/+", """{"name":"secret","mountPath":"/x"}""", "a secret in files" },
        { "volumeMounts/+", """{"name":"bundle","mountPath":"/x"}""", "a secret in a projection" },
        { "volumeMounts/+", """{"name":"vault","mountPath":"/x"}""", "a token for somebody else" },
        { "volumeMounts/+", """{"name":"server","mountPath":"/x"}""", "a token for the API server that nobody injected" },
        { "volumeMounts/+", """{"name":"identity","mountPath":"/x"}""", "a certificate" },
        { "volumeMounts/+", """{"name":"node","mountPath":"/x"}""", "the node's files" },
        { "volumeMounts/+", """{"name":"claim","mountPath":"/x"}""", "a claim" },
        { "volumeMounts/+", """{"name":"driver","mountPath":"/x"}""", "a driver's volume" },
        { "volumeMounts/+", """{"name":"picture","mountPath":"/x"}""", "another image" },
        { "volumeMounts/+", """{"name":"passing","mountPath":"/x"}""", "a claim of its own" },
        { "volumeMounts/+", """{"name":"shared","mountPath":"/x"}""", "a volume of the application" },
        { "volumeMounts/+", """{"name":"shared","mountPath":"/x","readOnly":true}""", "what the application writes" },
        { "volumeMounts/+", """{"name":"nowhere","mountPath":"/x"}""", "a volume that is not there" },
        { "volumeMounts/+", """{"name":"istio-data","mountPath":"/x","mountPropagation":"HostToContainer"}""", "mounts of the node" },
        { "volumeMounts/+", """{"name":"istio-data","mountPath":"/x","inventedLater":1}""", "a field nobody knows" },
        { "volumeMounts/5/mountPath", "\"/token\"", "the token elsewhere" },
        { "volumeMounts/5/readOnly", "false", "the token to be written" },
        { "volumeDevices", """[{"name":"claim","devicePath":"/dev/x"}]""", "a device" },
        { "ports/0/hostPort", "80", "a port of the node" },
        { "securityContext/privileged", "true", "everything" },
        { "securityContext/allowPrivilegeEscalation", "true", "more rights later" },
        { "securityContext/capabilities/add", """["NET_ADMIN"]""", "the network of the pod, for as long as it runs" },
        { "securityContext/capabilities/inventedLater", "[\"x\"]", "a right nobody knows" },
        { "securityContext/runAsUser", "0", "root" },
        { "securityContext/runAsGroup", "0", "the group of root" },
        { "securityContext/runAsNonRoot", "false", "root, where the image says so" },
        { "securityContext/procMount", "\"Unmasked\"", "the kernel" },
        { "securityContext/seccompProfile", """{"type":"Unconfined"}""", "all system calls" },
        { "securityContext/seccompProfile", """{"type":"Localhost","localhostProfile":"all.json"}""", "another profile" },
        { "securityContext/appArmorProfile", """{"type":"Unconfined"}""", "no AppArmor" },
        { "securityContext/seLinuxOptions", """{"type":"spc_t"}""", "no SELinux" },
        { "securityContext/windowsOptions", """{"hostProcess":true}""", "the node" },
        { "securityContext/inventedLater", "true", "a right nobody knows" },
        { "readinessProbe/httpGet/host", "\"169.254.169.254\"", "what the node reaches" },
        { "livenessProbe", """{"tcpSocket":{"host":"10.0.0.1","port":22}}""", "what the node reaches" },
        { "lifecycle/preStop", """{"httpGet":{"host":"10.0.0.1","port":80}}""", "what the node reaches" },
        { "lifecycle/inventedLater", "{}", "an end nobody knows" },
        { "restartPolicy", "\"Never\"", "another end" },
        { "restartPolicyRules", "[{\"action\":\"Restart\"}]", "a field of a later version" },
    };

    [Fact]
    public void What_a_mesh_injects_is_left_out()
    {
        var approved = Templates.Digest(Application());
        Assert.Equal(approved, Templates.Digest(Application(mesh: true), Names));
        Assert.Equal(approved, Templates.Digest(Linkerd(), Names));
        Assert.NotEqual(approved, Templates.Digest(Application(mesh: true), "istio-init", "linkerd-proxy"));
        Assert.NotEqual(approved, Templates.Digest(Linkerd(), "linkerd-init"));
    }

    [Theory, MemberData(nameof(Reaching))]
    public void What_bears_a_sidecars_name_and_reaches_a_secret_or_a_capability_counts(string path, string value, string reaching)
    {
        // Its volumes are there already: only the mount is new.
        const string volumes = """
            [{"name":"secret","secret":{"secretName":"ledger"}},{"name":"bundle","projected":{"sources":[{"configMap":{"name":"c"}},{"secret":{"name":"ledger"}}]}},{"name":"node","hostPath":{"path":"/"}},
             {"name":"vault","projected":{"sources":[{"serviceAccountToken":{"path":"t","audience":"vault"}}]}},{"name":"server","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}},
             {"name":"identity","projected":{"sources":[{"podCertificate":{"signerName":"s"}}]}},{"name":"claim","persistentVolumeClaim":{"claimName":"c"}},{"name":"driver","csi":{"driver":"d"}},{"name":"picture","image":{"reference":"i"}},
             {"name":"passing","ephemeral":{"volumeClaimTemplate":{"spec":{}}}}]
            """;
        var approved = Templates.Projection(With(Application(), volumes));
        Assert.Equal(approved.Digest, Templates.Projection(With(Application(mesh: true), volumes), Names).Digest);

        var changed = With(Application(mesh: true), volumes).With($"spec/containers/1/{path}", value);
        var difference = TemplateProjection.Difference(approved.Json, Templates.Projection(changed, Names).Json);
        Assert.True(difference.Any(line => line.StartsWith("containers[istio-proxy]: added {", StringComparison.Ordinal)), $"{reaching}\n{string.Join('\n', difference)}");
    }

    [Theory]
    [InlineData("hostNetwork")]
    [InlineData("hostPID")]
    [InlineData("hostIPC")]
    [InlineData("shareProcessNamespace")]
    public void Where_the_pod_shares_more_than_its_own_network_every_container_counts(string shared)
    {
        var difference = TemplateProjection.Difference(Templates.Projection(Application().With($"spec/{shared}", "true")).Json, Templates.Projection(Application(mesh: true).With($"spec/{shared}", "true"), Names).Json);
        Assert.Contains(difference, line => line.StartsWith("containers[istio-proxy]: added", StringComparison.Ordinal));
        Assert.Contains(difference, line => line.StartsWith("initContainers[istio-init]: added", StringComparison.Ordinal));
    }

    [Fact]
    public void An_init_container_with_the_rights_of_a_mesh_ends_before_anything_starts()
    {
        Assert.NotEqual(Templates.Digest(Application()), Templates.Digest(Application(mesh: true).With("spec/initContainers/1/restartPolicy", "\"Always\""), Names));
        Assert.NotEqual(Templates.Digest(Application()), Templates.Digest(Application(mesh: true).With("spec/initContainers/1/securityContext/capabilities/add/+", "\"SYS_ADMIN\""), Names));
        Assert.NotEqual(Templates.Digest(Application()), Templates.Digest(Application(mesh: true).With("spec/ephemeralContainers", $"[{IstioInit.Replace("istio-init", "linkerd-init", StringComparison.Ordinal)}]"), Names));
    }

    [Fact]
    public void A_sidecar_that_shares_with_one_that_counts_counts_too()
    {
        var pod = Application(mesh: true).With("spec/containers/1/envFrom", """[{"secretRef":{"name":"ledger"}}]""").With("spec/initContainers/1/volumeMounts", """[{"name":"istio-data","mountPath":"/x"}]""");
        var difference = TemplateProjection.Difference(Templates.Projection(Application()).Json, Templates.Projection(pod, Names).Json);
        Assert.Contains(difference, line => line.StartsWith("initContainers[istio-init]: added", StringComparison.Ordinal));
    }

    [Fact]
    public void The_token_of_an_account_is_no_sidecars_where_the_template_forbids_it()
    {
        var forbidding = Application(mesh: true).With("spec/automountServiceAccountToken", "false");
        forbidding["spec"]!["containers"]![0]!.AsObject().Remove("volumeMounts");
        Assert.Contains("istio-proxy", Templates.Told(Templates.Read(forbidding, Names)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("container.apparmor.security.beta.kubernetes.io/istio-proxy", "unconfined")]
    [InlineData("container.seccomp.security.alpha.kubernetes.io/istio-proxy", "unconfined")]
    [InlineData("sidecar.istio.io/userVolumeMount", "{}")]
    public void An_annotation_gives_a_sidecar_no_more(string annotation, string value)
    {
        var pod = Application(mesh: true);
        pod["metadata"]!["annotations"]![annotation] = value;
        Assert.NotEqual(Templates.Digest(Application()), Templates.Digest(pod, Names));
    }

    [Fact]
    public void What_an_injector_says_it_did_counts_where_it_did_nothing()
    {
        var pod = Application();
        pod["metadata"]!["annotations"] = new JsonObject { [TemplateAnnotations.IstioStatus] = "{}" };
        Assert.NotEqual(Templates.Digest(Application()), Templates.Digest(pod, Names));

        // Nor is it left out for who reads it.
        var reader = Application(mesh: true).With("spec/containers/0/env", """[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['sidecar.istio.io/status']"}}}]""");
        Assert.Contains("\"annotations\":{\"sidecar.istio.io/status\":", Templates.Told(Templates.Read(reader, Names)), StringComparison.Ordinal);
    }

    private static JsonNode Application(bool mesh = false)
    {
        var pod = JsonNode.Parse("""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"api","annotations":{},"labels":{"app":"api"}},"spec":{"containers":[{"name":"api","image":"i","volumeMounts":[{"name":"shared","mountPath":"/shared"},
             {"name":"kube-api-access-7xk2q","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}],"initContainers":[{"name":"migrate","image":"i"}],"volumes":[{"name":"shared","emptyDir":{}},
             {"name":"kube-api-access-7xk2q","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"fieldPath":"metadata.namespace"}}]}}]}}]}}
            """)!;
        if (mesh)
        {
            With(pod, IstioVolumes).With("spec/initContainers/+", IstioInit).With("spec/containers/+", IstioProxy);
            pod["metadata"]!["annotations"]!["sidecar.istio.io/status"] = """{"initContainers":["istio-init"],"containers":["istio-proxy"]}""";
            pod["metadata"]!["labels"]!["service.istio.io/canonical-name"] = "api";
        }

        return pod;
    }

    private static JsonNode Linkerd() => With(Application(), LinkerdVolumes).With("spec/initContainers/+", LinkerdInit).With("spec/initContainers/+", LinkerdProxy);

    private static JsonNode With(JsonNode pod, string volumes)
    {
        foreach (var volume in JsonNode.Parse(volumes)!.AsArray())
        {
            pod["spec"]!["volumes"]!.AsArray().Add(volume!.DeepClone());
        }

        return pod;
    }
}
