using System.Buffers;
using System.Collections.Immutable;

namespace Governance.Gates.Admission;

/// <summary>What the API server, its built-in admission and its controllers put into a pod that was not in its template, each only in exactly the shape that they give it.</summary>
internal static class TemplateInjections
{
    public static readonly ImmutableArray<string> ContainerLists = ["initContainers", "containers", "ephemeralContainers"];

    private const string TokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const string TokenVolume = "kube-api-access-";
    /// <summary>How many letters the API server puts behind a name that it makes.</summary>
    public const int SuffixLength = 5;

    /// <summary>Which (apimachinery, util/rand).</summary>
    public const string SuffixLetters = "bcdfghjklmnpqrstvwxz2456789";
    private const string SeccompOfPod = "seccomp.security.alpha.kubernetes.io/pod";
    private const string SeccompOfContainer = "container.seccomp.security.alpha.kubernetes.io/";
    private const string AppArmorOfContainer = "container.apparmor.security.beta.kubernetes.io/";

    // plugin/pkg/admission/serviceaccount, TokenVolumeSource, after this projection's own defaults.
    private const string TokenSource = """{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},{"downwardAPI":{"items":[{"fieldRef":{"fieldPath":"metadata.namespace"},"path":"namespace"}]}}]}""";

    // pkg/controller/job, addCompletionIndexEnvVariable: the annotation until 1.27, the label since.
    private static readonly string[] CompletionIndex =
    [
        """{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}""",
        """{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['batch.kubernetes.io/job-completion-index']"}}}""",
    ];

    private static readonly SearchValues<char> Suffix = SearchValues.Create(SuffixLetters);

    // What a runtime, a network or a device plugin acts on. Annotations are free text and most are notes: here, unlike in a spec, what counts is listed.
    private static readonly string[] Meaningful =
    [
        SeccompOfPod, SeccompOfContainer, AppArmorOfContainer,
        "io.kubernetes.cri-o.", "io.kubernetes.cri.", "io.containerd.", "io.katacontainers.", "dev.gvisor.", "run.oci.", "org.systemd.property.",
        "cdi.k8s.io/", "k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network",
    ];

    /// <summary>Whether an annotation is part of the projection.</summary>
    public static bool HasMeaning(string annotation)
    {
        var slash = annotation.IndexOf('/', StringComparison.Ordinal);
        return Meaningful.Any(prefix => annotation.StartsWith(prefix, StringComparison.Ordinal))
            // Plugins of the node resource interface (devices.nri.io/container.app) have a subdomain each.
            || (slash > 0 && annotation.AsSpan(0, slash).EndsWith("nri.io"));
    }

    /// <summary>The volume of a claim that a StatefulSet makes for each of its pods. No claim has such a name.</summary>
    public static CanonicalNode.Members OwnClaim(string volume)
    {
        var claim = new CanonicalNode.Members();
        claim.All["claimName"] = OwnName(volume);
        var own = new CanonicalNode.Members();
        own.All["name"] = new CanonicalNode.Text(volume);
        own.All["persistentVolumeClaim"] = claim;
        return own;
    }

    /// <summary>Whether a pod of this name may be one of a StatefulSet's, with claims of its own.</summary>
    public static bool MayOwnClaims(string pod) => pod.LastIndexOf('-') is > 0 and var dash && dash < pod.Length - 1 && !pod.AsSpan(dash + 1).ContainsAnyExceptInRange('0', '9');

    /// <summary>Takes away what was injected and writes what has several spellings in one.</summary>
    /// <param name="spec">The spec, without defaults; its containers and volumes have names, each once.</param>
    /// <param name="annotations">Annotations that have a meaning.</param>
    /// <param name="sidecars">Names of containers that admission injects.</param>
    /// <param name="podName">Name of the pod; null in a template.</param>
    public static void LeaveOut(CanonicalNode.Members spec, CanonicalNode.Members annotations, ImmutableArray<string> sidecars, string? podName)
    {
        // Both are written by the API server; where they differ, the alias is ignored (Convert_v1_PodSpec_To_core_PodSpec).
        var serviceAccount = spec.TextOf("serviceAccountName") ?? spec.TextOf("serviceAccount") ?? "default";
        spec.All["serviceAccountName"] = new CanonicalNode.Text(serviceAccount);
        spec.All.Remove("serviceAccount");
        foreach (var volume in spec.Each("volumes").Where(volume => volume.All.Count == 1))
        {
            volume.All["emptyDir"] = new CanonicalNode.Members();
        }

        LeaveOutSidecars(spec, annotations, sidecars);
        LeaveOutToken(spec, serviceAccount);
        foreach (var container in Containers(spec))
        {
            container.Keep("env", variable => variable.TextOf("name") != "JOB_COMPLETION_INDEX" || !CompletionIndex.Contains(variable.ToString()));
            LeaveOutHostPorts(spec, container);
            LeaveOutProfile(annotations, SeccompOfContainer + container.TextOf("name"), Profile(container, "seccompProfile"));
            LeaveOutProfile(annotations, AppArmorOfContainer + container.TextOf("name"), Profile(container, "appArmorProfile") ?? Profile(spec, "appArmorProfile"));
        }

        LeaveOutProfile(annotations, SeccompOfPod, Profile(spec, "seccompProfile"));
        NameOwnClaims(spec, podName);

        // The order of volumes says nothing, and a StatefulSet gives its own in any.
        (spec["volumes"] as CanonicalNode.Items)?.All.Sort((left, right) => string.CompareOrdinal(((CanonicalNode.Members)left).TextOf("name"), ((CanonicalNode.Members)right).TextOf("name")));
    }

    private static CanonicalNode.Text OwnName(string volume) => new($"{volume}-$(pod)");

    private static IEnumerable<CanonicalNode.Members> Containers(CanonicalNode.Members spec) => ContainerLists.SelectMany(spec.Each);

    private static IEnumerable<string?> VolumesOf(CanonicalNode.Members container) =>
        container.Each("volumeMounts").Concat(container.Each("volumeDevices")).Select(mount => mount.TextOf("name"));

    private static void LeaveOutSidecars(CanonicalNode.Members spec, CanonicalNode.Members annotations, ImmutableArray<string> sidecars)
    {
        if (sidecars.IsDefaultOrEmpty)
        {
            return;
        }

        // Admission injects no debug container; and a privileged one reaches what no rule about volumes would show.
        var left = new HashSet<string>(StringComparer.Ordinal);
        foreach (var list in (string[])["initContainers", "containers"])
        {
            spec.Keep(list, container =>
            {
                var name = container.TextOf("name")!;
                if (!sidecars.Contains(name) || (container["securityContext"] as CanonicalNode.Members)?["privileged"] is not null)
                {
                    return true;
                }

                annotations.All.Remove(SeccompOfContainer + name);
                annotations.All.Remove(AppArmorOfContainer + name);
                left.UnionWith(VolumesOf(container).OfType<string>());
                return false;
            });
        }

        left.ExceptWith(Containers(spec).SelectMany(VolumesOf).OfType<string>());
        spec.Keep("volumes", volume => !left.Contains(volume.TextOf("name")!) || !IsHarmless(volume));
    }

    // A volume of a sidecar alone that brings in nothing of the node, of other pods, and no secret.
    private static bool IsHarmless(CanonicalNode.Members volume) => volume.All.Count == 2
        && (volume["emptyDir"] ?? volume["downwardAPI"] ?? volume["configMap"] ?? volume["projected"]) is CanonicalNode.Members source
        && source.Each("sources").All(part => part["secret"] is null);

    private static void LeaveOutToken(CanonicalNode.Members spec, string serviceAccount)
    {
        // Where the template forbids the token, admission injects none: what looks like one was put there by somebody else.
        if (spec["automountServiceAccountToken"] is CanonicalNode.Literal { Json: "false" })
        {
            return;
        }

        var injected = spec.Each("volumes").Where(volume => IsToken(volume, serviceAccount)).Select(volume => volume.TextOf("name")!).ToHashSet(StringComparer.Ordinal);

        // One that is also mounted elsewhere, or in part, or to be written, is in use for something else, and counts with all its mounts.
        var mounts = Containers(spec).SelectMany(container => container.Each("volumeMounts").Concat(container.Each("volumeDevices")));
        injected.ExceptWith(mounts.Where(mount => !IsTokenMount(mount)).Select(mount => mount.TextOf("name")).OfType<string>());
        if (injected.Count != 1)
        {
            return;
        }

        spec.Keep("volumes", volume => !injected.Contains(volume.TextOf("name")!));
        foreach (var container in Containers(spec))
        {
            container.Keep("volumeMounts", mount => mount.TextOf("name") is not { } name || !injected.Contains(name));
        }
    }

    private static bool IsToken(CanonicalNode.Members volume, string serviceAccount)
    {
        var name = volume.TextOf("name")!;
        if (volume.All.Count != 2)
        {
            return false;
        }

        // Before 1.21: the secret of the service account's token, whose name the token controller makes of the account's.
        return volume["secret"] is { } secret
            ? HasSuffix(name, serviceAccount + "-token-") && secret.Is($$"""{"secretName":{{new CanonicalNode.Text(name)}}}""")
            : HasSuffix(name, TokenVolume) && volume["projected"] is { } projected && projected.Is(TokenSource);
    }

    private static bool HasSuffix(string name, string prefix) =>
        name.Length == prefix.Length + SuffixLength && name.StartsWith(prefix, StringComparison.Ordinal) && !name.AsSpan(prefix.Length).ContainsAnyExcept(Suffix);

    private static bool IsTokenMount(CanonicalNode.Members mount) =>
        mount.All.Count == 3 && mount.TextOf("name") is not null && mount.TextOf("mountPath") == TokenPath && mount["readOnly"] is CanonicalNode.Literal { Json: "true" };

    // On the node's network a container's port is the node's: the API server writes it there too, in pods always, in templates until 1.28.
    private static void LeaveOutHostPorts(CanonicalNode.Members spec, CanonicalNode.Members container)
    {
        if (spec["hostNetwork"] is null)
        {
            return;
        }

        foreach (var port in container.Each("ports").Where(port => port["hostPort"] is { } host && port["containerPort"] is { } own && host == own))
        {
            port.All.Remove("hostPort");
        }
    }

    private static CanonicalNode.Members? Profile(CanonicalNode.Members holder, string field) => (holder["securityContext"] as CanonicalNode.Members)?[field] as CanonicalNode.Members;

    // Some versions write the field once more as an annotation (applySeccompVersionSkew, applyAppArmorVersionSkew). An annotation alone, or one that says
    // something else, counts: which of the two a node obeys depends on its version.
    private static void LeaveOutProfile(CanonicalNode.Members annotations, string annotation, CanonicalNode.Members? profile)
    {
        if (annotations.TextOf(annotation) is not { } said || profile is null)
        {
            return;
        }

        var same = profile.TextOf("type") switch
        {
            "RuntimeDefault" => "runtime/default",
            "Unconfined" => "unconfined",
            "Localhost" => $"localhost/{profile.TextOf("localhostProfile")}",
            _ => null,
        };
        if (said == same)
        {
            annotations.All.Remove(annotation);
        }
    }

    // A StatefulSet's pod mounts <claim template>-<pod>: the same in all of its pods, under another name in each.
    private static void NameOwnClaims(CanonicalNode.Members spec, string? podName)
    {
        if (podName is null || !MayOwnClaims(podName))
        {
            return;
        }

        foreach (var volume in spec.Each("volumes"))
        {
            if (volume["persistentVolumeClaim"] is CanonicalNode.Members claim && claim.TextOf("claimName") == $"{volume.TextOf("name")}-{podName}")
            {
                claim.All["claimName"] = OwnName(volume.TextOf("name")!);
            }
        }
    }
}
