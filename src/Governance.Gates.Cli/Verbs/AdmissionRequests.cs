using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary>Makes the request that an API server would send if an object were created now.</summary>
internal static class AdmissionRequests
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 128 };

    // Kinds without a namespace whose manifests stand beside those of workloads.
    private static readonly HashSet<(string Group, string Kind)> ClusterScoped =
    [
        ("", "Namespace"), ("", "Node"), ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"), ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"), ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"), ("apiregistration.k8s.io", "APIService"), ("certificates.k8s.io", "CertificateSigningRequest"),
        ("networking.k8s.io", "IngressClass"), ("node.k8s.io", "RuntimeClass"), ("policy", "PodSecurityPolicy"), ("scheduling.k8s.io", "PriorityClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"), ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("storage.k8s.io", "CSIDriver"), ("storage.k8s.io", "CSINode"), ("storage.k8s.io", "StorageClass"), ("storage.k8s.io", "VolumeAttachment"),
    ];

    /// <summary>The request for a manifest.</summary>
    /// <param name="manifest">The object.</param>
    /// <param name="namespace">Where it goes when it does not say.</param>
    /// <param name="settings">The custom resources that the policy declares: a manifest names its kind, a policy its resource.</param>
    /// <exception cref="GateException">It is no object of a kind.</exception>
    public static AdmissionRequest ForManifest(Manifest manifest, string @namespace, AdmissionSettings settings)
    {
        var value = Parse(manifest.Json, manifest.Source);
        var (group, kind) = TypeOf(value, manifest.Source);
        return new()
        {
            Uid = manifest.Source,
            Group = group,
            Kind = kind,
            Resource = Plural(group, kind, settings),
            ResourceGroup = group,
            Operation = "CREATE",
            Namespace = ClusterScoped.Contains((group, kind)) ? null : Metadata(value, "namespace") ?? @namespace,
            Name = Metadata(value, "name") ?? Metadata(value, "generateName") ?? "",
            Object = value,
        };
    }

    /// <summary>The request for an object that stands in a cluster.</summary>
    /// <exception cref="GateException">It is no object of a kind.</exception>
    public static AdmissionRequest ForStanding(ClusterObject standing)
    {
        var source = $"{standing.Resource} {standing.Namespace}/{standing.Name}";
        var value = Parse(standing.Json, source);
        var (group, kind) = TypeOf(value, source);
        var dot = standing.Resource.IndexOf('.', StringComparison.Ordinal);
        return new()
        {
            Uid = source,
            Group = group,
            Kind = kind,
            Resource = dot < 0 ? standing.Resource : standing.Resource[..dot],
            ResourceGroup = dot < 0 ? "" : standing.Resource[(dot + 1)..],
            Operation = "CREATE",
            Namespace = standing.Namespace,
            Name = standing.Name,
            Object = value,
        };
    }

    // The API's own guess (apimachinery, UnsafeGuessKindToResource), unless the policy declares a resource of the group that is meant.
    private static string Plural(string group, string kind, AdmissionSettings settings)
    {
        var singular = kind.ToLowerInvariant();
        var guess = singular switch
        {
            [.., 's'] => singular + "es",
            [.., 'y'] => singular[..^1] + "ies",
            _ => singular + "s",
        };
        var declared = settings.CustomResources
            .Select(custom => custom.Resource.Split('.', 2))
            .Where(parts => parts is [_, var of] && of == group)
            .Select(parts => parts[0])
            .ToArray();
        return declared.Contains(guess) ? guess : declared.Where(plural => plural.StartsWith(singular, StringComparison.Ordinal)).MinBy(plural => plural.Length) ?? guess;
    }

    private static JsonElement Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            return JsonDocument.Parse(json, Strict).RootElement;
        }
        catch (JsonException mistake)
        {
            throw new GateException($"{source} is no object that can be read", "write it as kubectl get -o yaml prints it", mistake);
        }
    }

    private static (string Group, string Kind) TypeOf(JsonElement value, string source)
    {
        if (value.ValueKind != JsonValueKind.Object || Text(value, "apiVersion") is not { Length: > 0 } version || Text(value, "kind") is not { Length: > 0 } kind)
        {
            throw new GateException($"{source} names no apiVersion or no kind", "write both, as kubectl asks for them");
        }

        var slash = version.IndexOf('/', StringComparison.Ordinal);
        return (slash < 0 ? "" : version[..slash], kind);
    }

    private static string? Metadata(JsonElement value, string name) =>
        value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && Text(metadata, name) is { Length: > 0 } text ? text : null;

    // Manifests hold no lone surrogates: they were read as strict UTF-8 and written again.
    private static string? Text(JsonElement value, string name) =>
        value.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.String ? found.GetString() : null;
}
