using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Images;

namespace Governance.Gates.Admission;

/// <summary>
/// What an object says, without what the API server and tools write into it, as one JSON document with one spelling. <c>docs/formats/object.md</c> describes it.
/// No value of a Secret stands in it, only its SHA-256.
/// </summary>
public sealed class ObjectProjection
{
    /// <summary>The type of the document; another version has another type.</summary>
    public const string Type = "https://governance.gates/projections/object/v1";

    /// <summary>The type of the document of a deletion.</summary>
    public const string DeletionType = "https://governance.gates/projections/deletion/v1";

    /// <summary>The most bytes that a projection has: what the API server stores, and a little more.</summary>
    public const int MaxBytes = 4 << 20;

    private const string Rule = "admission.objects";
    private const string Remedy = "send an object that the API server's own schema accepts, with whole numbers";
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = CanonicalNode.MaxDepth + 4 };

    // What kubectl keeps for itself, and the status that autoscaling/v1 keeps in annotations.
    private static readonly ImmutableArray<string> ToolAnnotations =
        ["kubectl.kubernetes.io/last-applied-configuration", "autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics"];

    private readonly string kind;

    private ObjectProjection(string group, string kind, string? @namespace, string name, byte[] json)
    {
        this.kind = kind;
        Group = group;
        Namespace = @namespace;
        Name = name;
        Json = json;
        Digest = Digest.Of(json);
    }

    /// <summary>API group of its kind; empty for the core group.</summary>
    public string Group { get; }

    /// <summary>The object's namespace; null where it has none.</summary>
    public string? Namespace { get; }

    /// <summary>The object's name.</summary>
    public string Name { get; }

    /// <summary>The document: UTF-8, canonical as RFC 8785 has it.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The SHA-256 of <see cref="Json"/>, which approvals name.</summary>
    public Digest Digest { get; }

    /// <summary><c>Kind/name</c>, as a scope names it.</summary>
    public string Workload => $"{kind}/{Name}";

    /// <summary>What a request for this object covers.</summary>
    public Covered ToCovered() => new(CoveredKind.Object, Shown, Digest, Json);

    /// <summary>What a request for the deletion of this object covers: by its digest exactly what is deleted.</summary>
    public Covered ToDeletion()
    {
        var document = new CanonicalNode.Members();
        Set(document, "type", DeletionType);
        Set(document, "operation", "delete");
        Set(document, "group", Group);
        Set(document, "kind", kind);
        Set(document, "name", Name);
        Set(document, "object", Digest.ToString());
        if (Namespace is { } inside)
        {
            Set(document, "namespace", inside);
        }

        var json = document.Write(MaxBytes)!;
        return new(CoveredKind.Command, $"deletion of {Shown}", Digest.Of(json), json);
    }

    private string Shown => $"{kind} {(Namespace is null ? "" : Namespace + "/")}{Name}";

    /// <summary>The projection of an object that names its apiVersion and kind, such as one from a file.</summary>
    /// <param name="obj">The whole object.</param>
    /// <param name="namespace">Where it goes when it does not say; null for an object without a namespace.</param>
    /// <returns>The projection, or why there is none; never an exception for what stands in the object.</returns>
    public static Reading<ObjectProjection> Of(JsonElement obj, string? @namespace)
    {
        if (obj.ValueKind != JsonValueKind.Object || Text(obj, "apiVersion") is not { Length: > 0 } version || Text(obj, "kind") is not { Length: > 0 } kind)
        {
            return Unread("the object names no apiVersion or no kind");
        }

        var slash = version.IndexOf('/', StringComparison.Ordinal);
        return Of(slash < 0 ? "" : version[..slash], kind, obj, @namespace);
    }

    /// <summary>The projection of an object.</summary>
    /// <param name="group">API group of its kind; empty for the core group.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="obj">The whole object, as written or as the API server sends it.</param>
    /// <param name="namespace">Where it goes when it does not say; null for an object without a namespace.</param>
    /// <returns>The projection, or why there is none; never an exception for what stands in the object.</returns>
    public static Reading<ObjectProjection> Of(string group, string kind, JsonElement obj, string? @namespace)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(kind);
        if (obj.ValueKind != JsonValueKind.Object)
        {
            return Unread("the object is none");
        }

        // Neither is part of it, and a status may hold fractions, which have more than one spelling.
        var lean = new CanonicalNode.Members();
        var metadata = new CanonicalNode.Members();
        foreach (var member in obj.EnumerateObject())
        {
            if (member.Is("status") || member.Is("apiVersion") || member.Is("kind") || member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (member.Is("metadata"))
            {
                if (!ReadMetadata(member.Value).Try(out metadata, out var wrong))
                {
                    return new Reading<ObjectProjection>.Unread(wrong);
                }
            }
            else if (member.Text() is not { } name || lean.All.ContainsKey(name))
            {
                return Unread("the object has a field twice, or one whose name is no text");
            }
            else if (!TemplateReader.ReadValue(name, member.Value).Try(out var value, out var wrong))
            {
                return new Reading<ObjectProjection>.Unread(wrong with { Rule = Rule, Remedy = Remedy });
            }
            else
            {
                lean.All.Add(name, value);
            }
        }

        if (metadata.TextOf("name") is not { Length: > 0 } called)
        {
            return Unread("the object has no name");
        }

        if (metadata["namespace"] is null && @namespace is not null)
        {
            Set(metadata, "namespace", @namespace);
        }

        if (group.Length == 0 && kind == "Secret" && !HideValues(lean))
        {
            return Unread("the data of the Secret is not base64");
        }

        LeaveOutDefaults(group, kind, lean);
        var document = new CanonicalNode.Members();
        Set(document, "type", Type);
        Set(document, "group", group);
        Set(document, "kind", kind);
        document.All.Add("metadata", metadata);
        document.All.Add("content", lean);
        return document.Write(MaxBytes) is { } json
            ? new Reading<ObjectProjection>.Found(new(group, kind, metadata.TextOf("namespace"), called, json))
            : Unread($"the object says more than {MaxBytes >> 20} MiB");
    }

    /// <summary>What changed, a line a change; of a Secret only the names of what changed.</summary>
    /// <param name="approved">The document that was approved.</param>
    /// <param name="actual">The document that is asked about.</param>
    /// <returns>Lines of printable ASCII, bounded in number and length.</returns>
    public static ImmutableArray<string> Difference(ReadOnlyMemory<byte> approved, ReadOnlyMemory<byte> actual)
    {
        if (approved.Span.SequenceEqual(actual.Span))
        {
            return [];
        }

        return Parse(approved) is { } before && Parse(actual) is { } after
            ? TemplateDifference.Of(before, after, before.TextOf("kind") == "Secret" || after.TextOf("kind") == "Secret")
            : ["one of the documents cannot be read"];
    }

    // Only what its author writes: the rest of the metadata is the API server's, and owners, finalizers and deletion are the business of its controllers.
    private static Reading<CanonicalNode.Members> ReadMetadata(JsonElement value)
    {
        var read = new CanonicalNode.Members();
        if (value.ValueKind != JsonValueKind.Object)
        {
            return new Reading<CanonicalNode.Members>.Unread(new(Rule, "the object's metadata is no object", Remedy));
        }

        foreach (var name in (ReadOnlySpan<string>)["name", "namespace", "labels", "annotations"])
        {
            if (!value.TryGetProperty(name, out var member) || member.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (!TemplateReader.ReadValue(name, member).Try(out var node, out var wrong))
            {
                return new Reading<CanonicalNode.Members>.Unread(wrong with { Rule = Rule, Remedy = Remedy });
            }

            if (node is CanonicalNode.Members annotations && name == "annotations")
            {
                foreach (var own in ToolAnnotations)
                {
                    annotations.All.Remove(own);
                }
            }

            if (!node.IsEmpty)
            {
                read.All.Add(name, node);
            }
        }

        return new Reading<CanonicalNode.Members>.Found(read);
    }

    // The API server turns stringData into data before it asks anybody.
    private static bool HideValues(CanonicalNode.Members secret)
    {
        var hidden = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (field, isBase64) in (ReadOnlySpan<(string, bool)>)[("data", true), ("stringData", false)])
        {
            if (secret[field] is not { } all)
            {
                continue;
            }

            if (all is not CanonicalNode.Members members)
            {
                return false;
            }

            foreach (var (name, value) in members.All)
            {
                if (value is not CanonicalNode.Text(var text) || (isBase64 && !Base64.IsValid(text)))
                {
                    return false;
                }

                hidden[name] = Digest.Of(isBase64 ? Convert.FromBase64String(text) : Encoding.UTF8.GetBytes(text)).ToString();
            }

            secret.All.Remove(field);
        }

        if (hidden.Count > 0)
        {
            var data = new CanonicalNode.Members();
            foreach (var (name, value) in hidden)
            {
                Set(data, name, value);
            }

            secret.All["data"] = data;
        }

        return true;
    }

    // The API server fills these in (pkg/apis/core/v1, rbac/v1 and autoscaling/v2, defaults.go): the object in a file and the object as sent are the same.
    private static void LeaveOutDefaults(string group, string kind, CanonicalNode.Members content)
    {
        const string Rbac = "rbac.authorization.k8s.io";
        switch (group, kind)
        {
            case ("", "Secret"):
                Drop(content, "type", "\"Opaque\"");
                break;
            case ("autoscaling", "HorizontalPodAutoscaler") when content["spec"] is CanonicalNode.Members spec:
                Drop(spec, "minReplicas", "1");
                break;
            case (Rbac, "RoleBinding" or "ClusterRoleBinding"):
                if (content["roleRef"] is CanonicalNode.Members role)
                {
                    Drop(role, "apiGroup", $"\"{Rbac}\"");
                }

                foreach (var subject in content.Each("subjects"))
                {
                    Drop(subject, "apiGroup", subject.TextOf("kind") is "User" or "Group" ? $"\"{Rbac}\"" : "\"\"");
                }

                break;
        }

        static void Drop(CanonicalNode.Members from, string name, string value)
        {
            if (from[name]?.Is(value) == true)
            {
                from.All.Remove(name);
            }
        }
    }

    private static CanonicalNode.Members? Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MaxBytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return TemplateReader.ReadValue("document", document.RootElement).Try(out var read, out _) ? read as CanonicalNode.Members : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member's name holds an escaped lone surrogate.
            return null;
        }
    }

    private static void Set(CanonicalNode.Members members, string name, string value) => members.All[name] = new CanonicalNode.Text(value);

    private static string? Text(JsonElement value, string name) => value.TryGetProperty(name, out var found) ? found.Text() : null;

    private static Reading<ObjectProjection> Unread(string what) => new Reading<ObjectProjection>.Unread(new(Rule, what, Remedy));
}
