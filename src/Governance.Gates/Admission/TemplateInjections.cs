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

    // plugin/pkg/admission/serviceaccount, TokenVolumeSource, after this projection's own defaults.
    private const string TokenSource = """{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},{"downwardAPI":{"items":[{"fieldRef":{"fieldPath":"metadata.namespace"},"path":"namespace"}]}}]}""";

    // pkg/controller/job, addCompletionIndexEnvVariable: the annotation until 1.27, the label since.
    private static readonly string[] CompletionIndex =
    [
        """{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['batch.kubernetes.io/job-completion-index']"}}}""",
        """{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['batch.kubernetes.io/job-completion-index']"}}}""",
    ];

    private static readonly SearchValues<char> Suffix = SearchValues.Create(SuffixLetters);

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
    /// <param name="sidecars">Names of containers that admission injects.</param>
    /// <param name="podName">Name of the pod; null in a template.</param>
    /// <returns>The sidecars that were taken away.</returns>
    public static IReadOnlyList<CanonicalNode.Members> LeaveOut(CanonicalNode.Members spec, ImmutableArray<string> sidecars, string? podName)
    {
        // Both are written by the API server; where they differ, the alias is ignored (Convert_v1_PodSpec_To_core_PodSpec).
        var serviceAccount = spec.TextOf("serviceAccountName") ?? spec.TextOf("serviceAccount") ?? "default";
        spec.All["serviceAccountName"] = new CanonicalNode.Text(serviceAccount);
        spec.All.Remove("serviceAccount");
        foreach (var volume in spec.Each("volumes").Where(volume => volume.All.Count == 1))
        {
            volume.All["emptyDir"] = new CanonicalNode.Members();
        }

        var tokens = TokenVolumes(spec, serviceAccount);
        var left = TemplateSidecars.LeaveOut(spec, sidecars, tokens);
        LeaveOutToken(spec, tokens);
        foreach (var container in Containers(spec))
        {
            LeaveOutHostPorts(spec, container);
        }

        NameOwnClaims(spec, podName);

        // The order of volumes says nothing, and a StatefulSet gives its own in any.
        (spec["volumes"] as CanonicalNode.Items)?.All.Sort((one, other) => string.CompareOrdinal(((CanonicalNode.Members)one).TextOf("name"), ((CanonicalNode.Members)other).TextOf("name")));
        return left;
    }

    /// <summary>Takes away the variable with the index of an Indexed Job's pod. What it reads is read all the same: <see cref="TemplateMetadata"/> is asked before.</summary>
    public static void LeaveOutCompletionIndex(CanonicalNode.Members spec)
    {
        foreach (var container in Containers(spec))
        {
            container.Keep("env", variable => variable.TextOf("name") != "JOB_COMPLETION_INDEX" || !CompletionIndex.Contains(variable.ToString()));
        }
    }

    /// <summary>Takes away the annotations that say once more what a field says, as some versions of the API server write them.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="sidecars">Containers that were taken away from it.</param>
    /// <param name="annotations">Annotations of the pod.</param>
    public static void LeaveOutProfiles(CanonicalNode.Members spec, IReadOnlyList<CanonicalNode.Members> sidecars, CanonicalNode.Members annotations)
    {
        if (annotations.IsEmpty)
        {
            return;
        }

        foreach (var container in Containers(spec).Concat(sidecars))
        {
            LeaveOutProfile(annotations, TemplateAnnotations.SeccompOfContainer + container.TextOf("name"), Profile(container, "seccompProfile"));
            LeaveOutProfile(annotations, TemplateAnnotations.AppArmorOfContainer + container.TextOf("name"), Profile(container, "appArmorProfile") ?? Profile(spec, "appArmorProfile"));
        }

        LeaveOutProfile(annotations, TemplateAnnotations.SeccompOfPod, Profile(spec, "seccompProfile"));
    }

    private static CanonicalNode.Text OwnName(string volume) => new($"{volume}-$(pod)");

    /// <summary>All containers of a spec.</summary>
    public static IEnumerable<CanonicalNode.Members> Containers(CanonicalNode.Members spec) => ContainerLists.SelectMany(spec.Each);

    /// <summary>The volumes that a container mounts, or has as devices.</summary>
    public static IEnumerable<string?> VolumesOf(CanonicalNode.Members container) =>
        container.Each("volumeMounts").Concat(container.Each("volumeDevices")).Select(mount => mount.TextOf("name"));

    // Where the template forbids the token, admission injects none: what looks like one was put there by somebody else.
    private static HashSet<string> TokenVolumes(CanonicalNode.Members spec, string serviceAccount) => spec["automountServiceAccountToken"] is CanonicalNode.Literal { Json: "false" }
        ? []
        : spec.Each("volumes").Where(volume => IsToken(volume, serviceAccount)).Select(volume => volume.TextOf("name")!).ToHashSet(StringComparer.Ordinal);

    private static void LeaveOutToken(CanonicalNode.Members spec, HashSet<string> injected)
    {
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

    /// <summary>Whether these are letters that the API server puts behind a name.</summary>
    public static bool IsSuffix(ReadOnlySpan<char> text) => text.Length == SuffixLength && !text.ContainsAnyExcept(Suffix);

    private static bool HasSuffix(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal) && IsSuffix(name.AsSpan(prefix.Length));

    /// <summary>Whether a mount is that of a token as the API server makes it.</summary>
    public static bool IsTokenMount(CanonicalNode.Members mount) =>
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
