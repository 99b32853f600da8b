using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Admission;

/// <summary>Which annotations count whoever reads them: those that a runtime, a network, an injector or a giver of identities acts on.</summary>
public sealed class TemplateAnnotationsTests
{
    public static TheoryData<string> Acting =>
    [
        "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/api", "container.apparmor.security.beta.kubernetes.io/api",
        "io.kubernetes.cri-o.Devices", "io.kubernetes.cri-o.userns-mode", "seccomp-profile.kubernetes.cri-o.io/api", "seccomp-profile.kubernetes.cri-o.io",
        "devices.crio.io", "unified-cgroup.crio.io/api", "cpu-load-balancing.crio.io", "irq-load-balancing.crio.io", "cpu-quota.crio.io", "platform-runtime-path.crio.io", "seccomp-profile.crio.io/POD",
        "io.containers.trace-syscall", "io.kubernetes.cri.untrusted-workload", "io.containerd.runc.v2.group", "io.katacontainers.config.hypervisor.kernel", "dev.gvisor.spec.mount.cache.share", "dev.gvisor.flag.network",
        "run.oci.handler", "run.oci.hooks.stdin.timeout", "org.systemd.property.CollectMode", "cdi.k8s.io/gpu", "devices.nri.io/container.api", "mounts.nri.io/pod", "ulimits.nri.containerd.io/container.api",
        "k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network", "cni.projectcalico.org/ipAddrs", "cni.projectcalico.org/allowedSourcePrefixes", "cni.projectcalico.org/inventedLater",
        "sidecar.istio.io/inject", "sidecar.istio.io/proxyImage", "sidecar.istio.io/userVolume", "traffic.sidecar.istio.io/excludeOutboundIPRanges", "readiness.status.sidecar.istio.io/periodSeconds",
        "proxy.istio.io/config", "inject.istio.io/templates", "linkerd.io/inject", "config.linkerd.io/skip-outbound-ports", "config.alpha.linkerd.io/proxy-wait-before-exit-seconds",
        "vault.hashicorp.com/agent-inject-command-db", "vault.hashicorp.com/role", "iam.amazonaws.com/role", "eks.amazonaws.com/audience", "azure.workload.identity/inject-proxy-sidecar",
    ];

    public static TheoryData<string> Notes =>
    [
        "prometheus.io/scrape", "kubectl.kubernetes.io/restartedAt", "kubectl.kubernetes.io/default-container", "checksum/config", "note", "crio.io.example.com/x", "xcrio.io", "xnri.io/y", "example.com/sidecar.istio.io", "io.kubernetes.crio",
        // Resources are left out as fields, too.
        "kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth",
        // Written to pods that run, or by an injector into each pod.
        "k8s.v1.cni.cncf.io/network-status", "k8s.v1.cni.cncf.io/networks-status", "cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP", "cni.projectcalico.org/podIPs",
        "istio.io/rev", "linkerd.io/proxy-version", "linkerd.io/created-by", "linkerd.io/trust-root-sha256",
    ];

    [Theory, MemberData(nameof(Acting))]
    public void An_annotation_that_something_acts_on_counts(string annotation)
    {
        var lines = TemplateProjection.Difference(Templates.Projection(Templates.Pod()).Json, Templates.Projection(Annotated(annotation)).Json);
        Assert.Equal([$"annotations[{annotation}]: added \"x\""], lines);
    }

    [Theory, MemberData(nameof(Notes))]
    public void A_note_does_not(string annotation) => Assert.Equal(Templates.Digest(Templates.Pod()), Templates.Digest(Annotated(annotation)));

    [Fact]
    public void The_published_page_has_the_table_and_each_line_of_it_was_tried()
    {
        var page = File.ReadAllText(Path.Combine(ProjectTree.Root, "docs/formats/template.md"));
        var lines = TemplateAnnotations.Table.Select(one => $"| `{one.Pattern}` | {one.Why} |");
        Assert.Equal("", string.Join('\n', lines.Where(line => !page.Contains(line, StringComparison.Ordinal))));
        Assert.All(TemplateAnnotations.Table, one => Assert.Contains(Acting, tried => Text(tried).Contains(one.Pattern.Trim('*').Trim('.'), StringComparison.Ordinal)));
    }

    private static string Text(TheoryDataRow<string> row) => row.Data;

    private static JsonNode Annotated(string annotation)
    {
        var pod = Templates.Pod();
        pod["metadata"]!["annotations"]![annotation] = "x";
        return pod;
    }
}
