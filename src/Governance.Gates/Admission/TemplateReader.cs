using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Admission;

/// <summary>Reads one pod or pod template into the document of its projection; <see cref="TemplateSchema"/> says what is left out.</summary>
/// <param name="sidecars">Names of containers that admission injects.</param>
internal sealed class TemplateReader(ImmutableArray<string> sidecars)
{
    public const string Rule = "template";
    private const string Remedy = "send an object that the API server's own schema accepts";

    private const int FewNames = 16;

    private readonly List<(string? Name, int Index)> trail = [];

    // The names of the members seen so far, of each object on the way to where the reader is.
    private readonly List<string> names = [];
    private Reason? fault;

    /// <summary>Finds what a projection is made of; null where it is not there, and then <see cref="Unread"/> says why.</summary>
    /// <param name="value">The whole object.</param>
    /// <param name="path">Where the template stands in it: an object with <c>metadata</c> and <c>spec</c>.</param>
    /// <param name="owner">What the object is.</param>
    public TemplateParts? Find(JsonElement value, ReadOnlySpan<string> path, TemplateOwner owner)
    {
        if (Descend(value, path) is not { } template)
        {
            return null;
        }

        JsonElement labels = default, annotations = default, claims = default;
        var hasSpec = template.TryGetProperty("spec", out var spec);
        if (template.TryGetProperty("metadata", out var metadata) && metadata.ValueKind != JsonValueKind.Null)
        {
            trail.Add(("metadata", 0));
            if (metadata.ValueKind != JsonValueKind.Object)
            {
                CannotRead("is no object");
                return null;
            }

            metadata.TryGetProperty("annotations", out annotations);
            if (hasSpec && TemplateMetadata.MayBeRead(spec))
            {
                metadata.TryGetProperty("labels", out labels);
            }

            trail.RemoveAt(trail.Count - 1);
        }

        if (!hasSpec)
        {
            trail.Add(("spec", 0));
            CannotRead("is missing");
            return null;
        }

        if (owner == TemplateOwner.StatefulSet)
        {
            value.GetProperty("spec").TryGetProperty("volumeClaimTemplates", out claims);
        }

        // A pod's claims may have been made for it alone, and labels may name it or its Job.
        var name = owner switch
        {
            TemplateOwner.Pod when NameOf(template) is { } pod && (TemplateInjections.MayOwnClaims(pod) || TemplateMetadata.MayNameJob(labels)) => pod,
            TemplateOwner.Job when labels.ValueKind != JsonValueKind.Undefined && NameOf(value) is { Length: > 0 } job => job,
            _ => null,
        };
        return new(owner, name, labels, annotations, spec, claims);
    }

    /// <summary>Reads what was found.</summary>
    public Reading<CanonicalNode.Members> Read(TemplateParts parts)
    {
        trail.Add(("spec", 0));
        if (ReadShape(parts.Spec, TemplateSchema.PodSpec, 0) is not { } spec || fault is not null)
        {
            return Unread();
        }

        CheckNames(spec);
        trail.Clear();
        ReadClaims(parts.Claims, spec);
        if (fault is not null)
        {
            return Unread();
        }

        var left = TemplateInjections.LeaveOut(spec, sidecars, parts.Owner == TemplateOwner.Pod ? parts.Name : null);
        var reads = TemplateMetadata.Of(spec, TemplateMetadata.MayBeRead(parts.Spec));
        TemplateInjections.LeaveOutCompletionIndex(spec);
        var annotations = ReadTexts("annotations", parts.Annotations, name => TemplateAnnotations.HasMeaning(name) || reads.ReadsAnnotation(name));
        var labels = reads.IsAny ? ReadTexts("labels", parts.Labels, _ => true) : null;
        if (fault is not null)
        {
            return Unread();
        }

        if (labels is not null)
        {
            reads.LeaveOut(labels, annotations, parts);
        }

        if (left.Count > 0 && !reads.ReadsAnnotation(TemplateAnnotations.IstioStatus))
        {
            annotations.All.Remove(TemplateAnnotations.IstioStatus);
        }

        TemplateInjections.LeaveOutProfiles(spec, left, annotations);
        var document = new CanonicalNode.Members();
        document.All["type"] = new CanonicalNode.Text(TemplateProjection.Type);
        document.All["spec"] = spec;
        if (!annotations.IsEmpty)
        {
            document.All["annotations"] = annotations;
        }

        if (labels is { IsEmpty: false })
        {
            document.All["labels"] = labels;
        }

        return new Reading<CanonicalNode.Members>.Found(document);
    }

    // A StatefulSet gives its pods a volume for each of its claim templates, in the place of one of that name in the template.
    private void ReadClaims(JsonElement claims, CanonicalNode.Members spec)
    {
        if (fault is not null || claims.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return;
        }

        trail.AddRange([("spec", 0), ("volumeClaimTemplates", 0)]);
        if (claims.ValueKind != JsonValueKind.Array)
        {
            CannotRead("is no list");
            return;
        }

        var claimed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var claim in claims.EnumerateArray())
        {
            if (claim.ValueKind != JsonValueKind.Object || NameOf(claim) is not { Length: > 0 } name || !claimed.Add(name))
            {
                CannotRead("has an item without a name of its own");
                return;
            }
        }

        var volumes = spec["volumes"] as CanonicalNode.Items ?? new();
        volumes.All.RemoveAll(volume => volume is CanonicalNode.Members members && members.TextOf("name") is { } name && claimed.Contains(name));
        volumes.All.AddRange(claimed.Select(TemplateInjections.OwnClaim));
        if (!volumes.IsEmpty)
        {
            spec.All["volumes"] = volumes;
        }
    }

    /// <summary>Reads a document that says it is a projection; null where it is none.</summary>
    public static CanonicalNode.Members? ReadDocument(JsonElement document)
    {
        var reader = new TemplateReader([]);
        return document.ValueKind == JsonValueKind.Object
            && reader.ReadWhole(document, 0) is CanonicalNode.Members members
            && reader.fault is null
            && members.TextOf("type") == TemplateProjection.Type
            && members["spec"] is CanonicalNode.Members
            && members["annotations"] is null or CanonicalNode.Members
            && members["labels"] is null or CanonicalNode.Members
            && members.All.Keys.All(name => name is "type" or "spec" or "annotations" or "labels")
            ? members
            : null;
    }

    /// <summary>Any value as it is.</summary>
    /// <param name="name">Its name, for what is wrong with it.</param>
    /// <param name="value">The value.</param>
    public static Reading<CanonicalNode> ReadValue(string name, JsonElement value)
    {
        var reader = new TemplateReader([]);
        reader.trail.Add((name, 0));
        var read = reader.ReadWhole(value, 0);
        return read is not null && reader.fault is null ? new Reading<CanonicalNode>.Found(read) : new Reading<CanonicalNode>.Unread(reader.fault!);
    }

    private JsonElement? Descend(JsonElement value, ReadOnlySpan<string> path)
    {
        for (var i = 0; ; i++)
        {
            if (value.ValueKind != JsonValueKind.Object)
            {
                CannotRead("is no object");
                return null;
            }

            if (i == path.Length)
            {
                return value;
            }

            trail.Add((path[i], 0));
            if (!value.TryGetProperty(path[i], out value))
            {
                CannotRead("is missing");
                return null;
            }
        }
    }

    // Labels or annotations, those that count.
    private CanonicalNode.Members ReadTexts(string of, JsonElement value, Func<string, bool> counts)
    {
        var texts = new CanonicalNode.Members();
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return texts;
        }

        trail.Clear();
        trail.AddRange([("metadata", 0), (of, 0)]);
        if (value.ValueKind != JsonValueKind.Object)
        {
            CannotRead("is no object");
            return texts;
        }

        var first = names.Count;
        HashSet<string>? many = null;
        foreach (var member in value.EnumerateObject())
        {
            if (NameOf(member, null, first, ref many) is not { } name)
            {
                break;
            }

            if (counts(name))
            {
                trail.Add((name, 0));
                if (member.Value.Text() is { } text)
                {
                    texts.All.Add(name, new CanonicalNode.Text(text));
                }
                else
                {
                    CannotRead("is no text");
                }

                trail.RemoveAt(trail.Count - 1);
            }
        }

        Forget(first);
        return texts;
    }

    // Everything that is left out is left out by name: two of a name would be one too many. The API server refuses them too.
    private void CheckNames(CanonicalNode.Members spec)
    {
        var containers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var list in TemplateInjections.ContainerLists)
        {
            CheckNames(spec, list, containers);
        }

        CheckNames(spec, "volumes", new(StringComparer.Ordinal));
        if (!spec.Each("containers").Any())
        {
            trail.Add(("containers", 0));
            CannotRead("holds no container");
        }
    }

    private void CheckNames(CanonicalNode.Members spec, string list, HashSet<string> seen)
    {
        trail.Add((list, 0));
        foreach (var item in spec.Each(list))
        {
            if (item.TextOf("name") is not { } name)
            {
                CannotRead("has an item without a name");
            }
            else if (!seen.Add(name))
            {
                CannotRead($"has the name {JsonElementExtensions.Segment(name)} twice");
            }
        }

        trail.RemoveAt(trail.Count - 1);
    }

    // null: nothing is there, or a fault was found.
    private CanonicalNode.Members? ReadShape(JsonElement value, TemplateShape shape, int depth)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            CannotRead("is no object");
            return null;
        }

        var read = new CanonicalNode.Members(value.GetPropertyCount());
        var first = names.Count;
        HashSet<string>? many = null;
        foreach (var member in value.EnumerateObject())
        {
            var known = shape.Find(JsonMarshal.GetRawUtf8PropertyName(member));
            if (NameOf(member, known?.Key, first, ref many) is not { } name)
            {
                return null;
            }

            // To the API server a null is a field that is not there.
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            trail.Add((name, 0));
            var node = known is { Value: var field } || shape.Fields.TryGetValue(name, out field) ? ReadField(member.Value, field, depth + 1) : ReadWhole(member.Value, depth + 1);
            if (fault is not null)
            {
                return null;
            }

            trail.RemoveAt(trail.Count - 1);
            if (node is not null)
            {
                read.All.Add(name, node);
            }
        }

        Forget(first);
        return read;
    }

    private CanonicalNode? ReadField(JsonElement value, TemplateField field, int depth)
    {
        switch (field.Form)
        {
            case FieldForm.LeftOut:
                return null;
            case FieldForm.Text or FieldForm.Image:
                if (ReadText(value) is not { Value.Length: > 0 } text)
                {
                    return null;
                }

                return field.Form == FieldForm.Image ? new CanonicalNode.Text(Normalised(text.Value)) : field.Default is { } usual && text.Is(usual) ? null : text;
            case FieldForm.Flag:
                return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? Unless(field, new CanonicalNode.Literal(value.ValueKind == JsonValueKind.True ? "true" : "false")) : CannotReadNode("is neither true nor false");
            case FieldForm.Number:
                return ReadNumber(value) is { } number ? Unless(field, number) : null;
            case FieldForm.Shape:
                return ReadShape(value, field.Shape!, depth) is { } members && !(members.IsEmpty && field.EmptyIsNothing) ? members : null;
            case FieldForm.Texts or FieldForm.Shapes:
                return ReadList(value, field, depth);
            default:
                return ReadWhole(value, depth) is { } whole && whole is not CanonicalNode.Items { IsEmpty: true } ? whole : null;
        }
    }

    private static CanonicalNode.Literal? Unless(TemplateField field, CanonicalNode.Literal literal) => literal.Json == field.Default ? null : literal;

    private CanonicalNode.Items? ReadList(JsonElement value, TemplateField field, int depth)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            CannotRead("is no list");
            return null;
        }

        var list = new CanonicalNode.Items(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            trail.Add((null, list.All.Count));
            CanonicalNode? node = field.Form == FieldForm.Texts ? ReadText(item) : ReadShape(item, field.Shape!, depth + 1);
            if (node is null)
            {
                return null;
            }

            trail.RemoveAt(trail.Count - 1);
            list.All.Add(node);
        }

        return list.IsEmpty ? null : list;
    }

    // What the projection does not know, as it is: a field of a later version counts from its first day.
    private CanonicalNode? ReadWhole(JsonElement value, int depth)
    {
        if (depth > CanonicalNode.MaxDepth)
        {
            return CannotReadNode($"is nested more than {CanonicalNode.MaxDepth} deep");
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new CanonicalNode.Members(value.GetPropertyCount());
                var first = names.Count;
                HashSet<string>? many = null;
                foreach (var member in value.EnumerateObject())
                {
                    if (NameOf(member, null, first, ref many) is not { } name)
                    {
                        return null;
                    }

                    if (member.Value.ValueKind == JsonValueKind.Null)
                    {
                        continue;
                    }

                    trail.Add((name, 0));
                    if (ReadWhole(member.Value, depth + 1) is not { } node)
                    {
                        return null;
                    }

                    trail.RemoveAt(trail.Count - 1);
                    members.All.Add(name, node);
                }

                Forget(first);
                return members;
            case JsonValueKind.Array:
                var list = new CanonicalNode.Items();
                foreach (var item in value.EnumerateArray())
                {
                    trail.Add((null, list.All.Count));
                    if (ReadWhole(item, depth + 1) is not { } node)
                    {
                        return null;
                    }

                    trail.RemoveAt(trail.Count - 1);
                    list.All.Add(node);
                }

                return list;
            case JsonValueKind.String:
                return ReadText(value);
            case JsonValueKind.Number:
                return ReadNumber(value);
            case JsonValueKind.True:
                return new CanonicalNode.Literal("true");
            case JsonValueKind.False:
                return new CanonicalNode.Literal("false");
            case JsonValueKind.Null:
                return new CanonicalNode.Literal("null");
            default:
                return CannotReadNode("is no value");
        }
    }

    private CanonicalNode.Text? ReadText(JsonElement value)
    {
        if (value.Text() is { } text)
        {
            return new(text);
        }

        CannotRead("is no text");
        return null;
    }

    // The API of Kubernetes has no fractions (API conventions, "Primitive types"), and they would have several spellings.
    private CanonicalNode.Literal? ReadNumber(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number))
        {
            return new(number.ToString(CultureInfo.InvariantCulture));
        }

        CannotRead("is no integer");
        return null;
    }

    /// <summary>The name of a member; null where it is no text, or where a member before it has the same.</summary>
    /// <param name="member">The member.</param>
    /// <param name="known">Its name, where it is known already.</param>
    /// <param name="first">Where the names of its object begin.</param>
    /// <param name="many">The same names, once they are many.</param>
    private string? NameOf(JsonProperty member, string? known, int first, ref HashSet<string>? many)
    {
        if ((known ?? member.Text()) is not { } name)
        {
            CannotRead("has a field whose name is no text");
            return null;
        }

        if (many is null && names.Count - first >= FewNames)
        {
            many = new(names.Skip(first), StringComparer.Ordinal);
        }

        if (many is null ? names.IndexOf(name, first) >= 0 : !many.Add(name))
        {
            CannotRead($"has the field {JsonElementExtensions.Segment(name)} twice");
            return null;
        }

        names.Add(name);
        return name;
    }

    // Once a member has no name of its own nothing more is read, so what was seen is forgotten with the fault.
    private void Forget(int first) => names.RemoveRange(first, names.Count - first);

    // The tag beside a digest is ignored by container runtimes. What cannot be read is for the image rules to refuse.
    private static string Normalised(string image) =>
        ImageReference.Read(image) is Reading<ImageReference>.Found({ Digest: { } digest } reference) ? $"{reference.Repository}@{digest}" : image;

    private static string? NameOf(JsonElement value) =>
        value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("name", out var name) ? name.Text() : null;

    private CanonicalNode? CannotReadNode(string what)
    {
        CannotRead(what);
        return null;
    }

    private void CannotRead(string what) => fault ??= new(Rule, $"{Here()} {what}", Remedy);

    /// <summary>Why nothing was read.</summary>
    public Reading<CanonicalNode.Members>.Unread Unread() => new(fault ?? throw new System.Diagnostics.UnreachableException());

    private string Here()
    {
        const int longest = 1_024;
        var path = new StringBuilder();
        foreach (var (name, index) in trail)
        {
            path.Append('/').Append(name is null ? index.ToString(CultureInfo.InvariantCulture) : JsonElementExtensions.Segment(name));
            if (path.Length > longest)
            {
                return path.Append('…').ToString();
            }
        }

        return path.Length == 0 ? "the object" : path.ToString();
    }
}
