using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Governance.Gates.Admission;

/// <summary>The annotations that something acts on: a runtime, a network, an injector, a giver of identities. The published page has the same table.</summary>
internal static class TemplateAnnotations
{
    public const string SeccompOfPod = "seccomp.security.alpha.kubernetes.io/pod";
    public const string SeccompOfContainer = "container.seccomp.security.alpha.kubernetes.io/";
    public const string AppArmorOfContainer = "container.apparmor.security.beta.kubernetes.io/";

    /// <summary>What Istio's injector writes of what it did, into the pod only.</summary>
    public const string IstioStatus = "sidecar.istio.io/status";

    /// <summary>
    /// A name; a beginning, which ends in <c>*</c>; or after <c>*.</c> a domain, which stands for itself and for all below it, as a prefix or as a whole name.
    /// </summary>
    /// <remarks>Annotations are free text and most are notes: here, unlike in a spec, what counts is listed.</remarks>
    public static readonly ImmutableArray<(string Pattern, string Why)> Table =
    [
        (SeccompOfPod, "seccomp profile, older than the field"),
        (SeccompOfContainer + "*", "seccomp profile of a container"),
        (AppArmorOfContainer + "*", "AppArmor profile of a container"),
        ("io.kubernetes.cri-o.*", "CRI-O: devices, user namespaces, shared memory"),
        ("*.cri-o.io", "CRI-O: seccomp profile"),
        ("*.crio.io", "CRI-O: devices, cgroups, processors, another runtime binary"),
        ("io.containers.*", "hooks of CRI-O and Podman: tracing of system calls"),
        ("io.kubernetes.cri.*", "containerd: another runtime for what is not trusted"),
        ("io.containerd.*", "containerd: options of its runtimes and snapshotters"),
        ("io.katacontainers.*", "Kata: kernel, hypervisor and agent of the virtual machine"),
        ("dev.gvisor.*", "gVisor: flags and mounts of its sandbox"),
        ("run.oci.*", "crun: another handler, hooks, groups kept"),
        ("org.systemd.property.*", "runc and crun: any property of the systemd unit"),
        ("cdi.k8s.io/*", "devices of the node"),
        ("*.nri.io", "plugins of the node resource interface: devices, mounts"),
        ("*.nri.containerd.io", "plugins of the node resource interface: limits of processes"),
        ("k8s.v1.cni.cncf.io/networks", "further networks"),
        ("v1.multus-cni.io/default-network", "another network"),
        ("cni.projectcalico.org/*", "Calico: addresses, which policies and firewalls go by"),
        ("*.sidecar.istio.io", "Istio: whether there is a proxy, and which traffic passes it by"),
        ("proxy.istio.io/*", "Istio: configuration of the proxy"),
        ("inject.istio.io/*", "Istio: what is injected"),
        ("linkerd.io/inject", "Linkerd: whether there is a proxy"),
        ("config.linkerd.io/*", "Linkerd: image and configuration of the proxy, which traffic passes it by"),
        ("config.alpha.linkerd.io/*", "Linkerd: configuration of the proxy"),
        ("vault.hashicorp.com/*", "Vault's agent: which secrets, and commands that it runs"),
        ("iam.amazonaws.com/*", "kube2iam, kiam: the role that the pod's requests get"),
        ("eks.amazonaws.com/*", "EKS: for whom the token of a role is"),
        ("azure.workload.identity/*", "Azure: tokens of an identity, a proxy for them"),
    ];

    // Calico's plugin writes these to every pod that runs, over whatever stood there.
    private static readonly FrozenSet<string> OfRunningPods = FrozenSet.Create(StringComparer.Ordinal, "cni.projectcalico.org/containerID", "cni.projectcalico.org/podIP", "cni.projectcalico.org/podIPs");

    private static readonly string[] Domains = [.. Table.Where(one => one.Pattern.StartsWith('*')).Select(one => one.Pattern[2..])];
    private static readonly string[] Beginnings = [.. Table.Where(one => one.Pattern.EndsWith('*')).Select(one => one.Pattern[..^1])];
    private static readonly FrozenSet<string> Names = Table.Where(one => !one.Pattern.Contains('*', StringComparison.Ordinal)).Select(one => one.Pattern).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether something acts on an annotation of this name, so that it is part of the projection.</summary>
    public static bool HasMeaning(string annotation)
    {
        if (Names.Contains(annotation))
        {
            return true;
        }

        foreach (var beginning in Beginnings)
        {
            if (annotation.StartsWith(beginning, StringComparison.Ordinal))
            {
                return !OfRunningPods.Contains(annotation);
            }
        }

        var slash = annotation.IndexOf('/', StringComparison.Ordinal);
        var domain = slash < 0 ? annotation : annotation.AsSpan(0, slash);
        foreach (var known in Domains)
        {
            if (domain.EndsWith(known) && (domain.Length == known.Length || domain[^(known.Length + 1)] == '.'))
            {
                return true;
            }
        }

        return false;
    }
}
