using System.Collections.Immutable;

namespace Governance.Gates.Admission;

/// <summary>
/// Containers with the name of a sidecar that admission injects. One is left out only if all that it says is listed here: it reaches no secret, no volume and no
/// process of others, nothing of the node, and has no capability but the two with which an init container of a mesh redirects traffic.
/// </summary>
internal static class TemplateSidecars
{
    // Whom a mesh's own authority takes a token from: Istio (global.sds.token.aud) and Linkerd. One for anybody else may open a cloud or a vault.
    private static readonly string[] Audiences = ["istio-ca", "identity.l5d.io"];

    /// <summary>Takes such containers away, and the volumes that only they mount.</summary>
    /// <param name="spec">The spec, without defaults.</param>
    /// <param name="sidecars">Their names.</param>
    /// <param name="tokens">Volumes that hold the service account's token as the API server injects it.</param>
    /// <returns>The containers that were taken away.</returns>
    public static IReadOnlyList<CanonicalNode.Members> LeaveOut(CanonicalNode.Members spec, ImmutableArray<string> sidecars, IReadOnlySet<string> tokens)
    {
        // Where containers share the network of the node or each other's processes, none is harmless, and no mesh is injected.
        if (sidecars.IsDefaultOrEmpty || spec["hostNetwork"] is not null || spec["hostPID"] is not null || spec["hostIPC"] is not null || spec["shareProcessNamespace"] is not null
            || !TemplateInjections.Containers(spec).Any(container => sidecars.Contains(container.TextOf("name")!)))
        {
            return [];
        }

        // Admission injects no debug container.
        var harmless = spec.Each("volumes").Where(IsHarmless).Select(volume => volume.TextOf("name")!).ToHashSet(StringComparer.Ordinal);
        var left = spec.Each("initContainers").Where(container => container["restartPolicy"] is null).Where(container => MayBeLeftOut(container, ends: true))
            .Concat(spec.Each("initContainers").Where(container => container["restartPolicy"] is not null).Concat(spec.Each("containers")).Where(container => MayBeLeftOut(container, ends: false)))
            .ToDictionary(container => container.TextOf("name")!, StringComparer.Ordinal);

        // What one that counts mounts is not for those that do not.
        while (left.Count > 0)
        {
            var used = TemplateInjections.Containers(spec).Where(container => !left.ContainsKey(container.TextOf("name")!)).SelectMany(TemplateInjections.VolumesOf).OfType<string>().Except(tokens).ToHashSet(StringComparer.Ordinal);
            var counting = left.Where(one => TemplateInjections.VolumesOf(one.Value).Any(volume => volume is not null && used.Contains(volume))).Select(one => one.Key).ToArray();
            if (counting.Length == 0)
            {
                break;
            }

            Array.ForEach(counting, name => left.Remove(name));
        }

        if (left.Count > 0)
        {
            spec.Keep("initContainers", container => !left.ContainsKey(container.TextOf("name")!));
            spec.Keep("containers", container => !left.ContainsKey(container.TextOf("name")!));
            var volumes = left.Values.SelectMany(TemplateInjections.VolumesOf).OfType<string>().Except(tokens).ToHashSet(StringComparer.Ordinal);
            spec.Keep("volumes", volume => !volumes.Contains(volume.TextOf("name")!));
        }

        return [.. left.Values];

        bool MayBeLeftOut(CanonicalNode.Members container, bool ends) => sidecars.Contains(container.TextOf("name")!) && container.All.All(field => field.Key switch
        {
            "name" or "image" or "command" or "args" or "workingDir" or "terminationMessagePath" or "terminationMessagePolicy" => true,
            "restartPolicy" => field.Value is CanonicalNode.Text("Always"),
            "env" => container.Each("env").All(IsHarmlessVariable),
            "ports" => container.Each("ports").All(port => port["hostPort"] is null),
            "volumeMounts" => container.Each("volumeMounts").All(mount => IsHarmlessMount(mount, harmless, tokens)),
            "livenessProbe" or "readinessProbe" or "startupProbe" => field.Value is CanonicalNode.Members probe && IsOwnHandler(probe),
            "lifecycle" => field.Value is CanonicalNode.Members lifecycle && lifecycle.All.All(one => one is { Key: "postStart" or "preStop", Value: CanonicalNode.Members handler } && IsOwnHandler(handler)),
            "securityContext" => field.Value is CanonicalNode.Members security && security.All.All(one => IsHarmlessRight(one.Key, one.Value, ends)),
            _ => false,
        });
    }

    // What stands in a ConfigMap is no secret, and a mesh keeps its trust anchors there.
    private static bool IsHarmlessVariable(CanonicalNode.Members variable) => variable.All.All(field => field.Key switch
    {
        "name" or "value" => true,
        "valueFrom" => field.Value is CanonicalNode.Members source && source.All.Keys.All(from => from is "fieldRef" or "resourceFieldRef" or "configMapKeyRef"),
        _ => false,
    });

    private static bool IsHarmlessMount(CanonicalNode.Members mount, HashSet<string> harmless, IReadOnlySet<string> tokens) => mount.TextOf("name") is { } name
        && (tokens.Contains(name)
            ? TemplateInjections.IsTokenMount(mount)
            : harmless.Contains(name) && mount.All.Keys.All(field => field is "name" or "mountPath" or "readOnly" or "subPath" or "subPathExpr" or "recursiveReadOnly"));

    // A host would have the node ask somebody else.
    private static bool IsOwnHandler(CanonicalNode.Members handler) => handler.All.All(one => one.Key is "exec" or "grpc"
        || (one is { Key: "httpGet" or "tcpSocket", Value: CanonicalNode.Members action } && action["host"] is null));

    // Istio's and Linkerd's init containers write the rules of the pod's own network, Istio's as root, and end before anything else starts.
    private static bool IsHarmlessRight(string field, CanonicalNode value, bool ends) => field switch
    {
        "allowPrivilegeEscalation" => value is CanonicalNode.Literal("false"),
        "readOnlyRootFilesystem" => true,
        "runAsUser" or "runAsGroup" => ends || value is not CanonicalNode.Literal("0"),
        "runAsNonRoot" => ends || value is CanonicalNode.Literal("true"),
        "seccompProfile" or "appArmorProfile" => value is CanonicalNode.Members { All.Count: 1 } profile && profile.TextOf("type") == "RuntimeDefault",
        "capabilities" => value is CanonicalNode.Members capabilities && capabilities.All.All(one => one.Key == "drop"
            || (ends && one is { Key: "add", Value: CanonicalNode.Items added } && added.All.All(name => name is CanonicalNode.Text("NET_ADMIN" or "NET_RAW")))),
        _ => false,
    };

    // A volume that brings in nothing of the node, of other pods, and no secret.
    private static bool IsHarmless(CanonicalNode.Members volume) => volume.All.Count == 2
        && (volume["emptyDir"] ?? volume["downwardAPI"] ?? volume["configMap"] ?? volume["projected"]) is CanonicalNode.Members source
        && source.Each("sources").All(part => part.All.All(one => one.Key is "downwardAPI" or "configMap" or "clusterTrustBundle"
            || (one is { Key: "serviceAccountToken", Value: CanonicalNode.Members token } && token.TextOf("audience") is { } audience && Audiences.Contains(audience))));
}
