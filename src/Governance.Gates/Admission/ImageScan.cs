using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Governance.Gates.Policies;

namespace Governance.Gates.Admission;

/// <summary>An image reference in an object.</summary>
/// <param name="Text">As written; null where the field is missing or no text.</param>
/// <param name="Path">Where it stands, such as <c>/spec/template/spec/initContainers/0</c>.</param>
internal readonly record struct FoundImage(string? Text, string Path);

/// <summary>Every image in an object, and what stands in the way of being sure.</summary>
/// <param name="Images">The images in the order of the object.</param>
/// <param name="Unreadable">Places that could not be read; any of them forbids an allow.</param>
/// <param name="Undeclared">The object's kind is unknown, and this place in it looks like a pod template; null where none does.</param>
internal sealed record ImageScan(ImmutableArray<FoundImage> Images, ImmutableArray<Reason> Unreadable, string? Undeclared)
{
    public static ImageScan Nothing { get; } = new([], [], null);
}

/// <summary>Finds every image of an object: in known kinds by their schema, in declared custom resources by path, in all others by shape.</summary>
internal sealed class ImageScanner
{
    private const string Rule = "admission";

    // Far above any real workload; below it, time and memory stay linear in the body.
    private const int MostImages = 2_000;
    private const int MostUnreadable = 20;
    private const int LongestPath = 1_024;
    private static readonly string[] ContainerLists = ["initContainers", "containers", "ephemeralContainers"];

    // The shape of a pod template where the schema is unknown: an object with an image and one of a container's other fields.
    private static readonly string[] ContainerFields =
    [
        "name", "command", "args", "env", "envFrom", "ports", "resources", "imagePullPolicy", "volumeMounts", "workingDir", "securityContext", "script", "source",
    ];

    private readonly ImmutableArray<FoundImage>.Builder images = ImmutableArray.CreateBuilder<FoundImage>();
    private readonly ImmutableArray<Reason>.Builder unreadable = ImmutableArray.CreateBuilder<Reason>();
    private readonly HashSet<string> declared = new(StringComparer.Ordinal);
    // Everything above a declared place, so that looking for one below a list takes no walk over all of them.
    private readonly HashSet<string> aboveDeclared = new(StringComparer.Ordinal);
    private readonly List<(JsonProperty? Member, int Index)> trail = [];
    private string? undeclared;

    private ImageScanner()
    {
    }

    /// <summary>Where the pod templates of the built-in kinds stand; null for a kind that this gate does not know.</summary>
    public static string[]? TemplatePath(string group, string kind) => (group, kind) switch
    {
        ("", "Pod") => ["spec"],
        ("", "ReplicationController") or ("apps" or "extensions", "ReplicaSet" or "Deployment" or "DaemonSet") or ("apps", "StatefulSet") or ("batch", "Job") => ["spec", "template", "spec"],
        ("batch", "CronJob") => ["spec", "jobTemplate", "spec", "template", "spec"],
        ("", "PodTemplate") => ["template", "spec"],
        _ => null,
    };

    public static ImageScan Scan(AdmissionRequest request, JsonElement @object, AdmissionSettings settings)
    {
        if (@object.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return ImageScan.Nothing;
        }

        var scanner = new ImageScanner();
        if (@object.ValueKind != JsonValueKind.Object)
        {
            scanner.CannotRead("", "is no object");
        }
        else if (TemplatePath(request.Group, request.Kind) is { } path)
        {
            scanner.ReadTemplate(@object, path);
        }
        else if (request is { Group: "", Kind: "EphemeralContainers" })
        {
            // The alpha form of the subresource (Kubernetes 1.16 to 1.21): the list alone.
            scanner.ReadContainers(@object, "ephemeralContainers", "");
        }
        else if (Declared(request, settings) is { Length: > 0 } paths)
        {
            foreach (var imagePath in paths)
            {
                scanner.ReadDeclared(@object, imagePath.Split('/')[1..].Select(Unescape).ToArray(), 0, "");
            }

            scanner.FindTemplates(@object, collect: false);
        }
        else
        {
            // A revision's data are whatever its controller stored; for the built-in ones, a patch with the pod template in it.
            var collect = request is { Group: "apps", Kind: "ControllerRevision" };
            scanner.FindTemplates(@object, collect);
        }

        return new(scanner.images.ToImmutable(), scanner.unreadable.ToImmutable(), scanner.undeclared);
    }

    /// <summary>Where the policy says that the images of a custom resource stand; empty where it says nothing.</summary>
    public static ImmutableArray<string> Declared(AdmissionRequest request, AdmissionSettings settings) =>
        settings.CustomResources.FirstOrDefault(resource => resource.Resource == $"{request.Resource}.{request.ResourceGroup}")?.Images ?? [];

    private static string Unescape(string segment) => segment.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    private void ReadTemplate(JsonElement value, string[] path)
    {
        var at = "";
        foreach (var step in path)
        {
            CheckSpelling(value, at, step);
            at += "/" + step;
            if (!value.TryGetProperty(step, out value) || value.ValueKind != JsonValueKind.Object)
            {
                CannotRead(at, "is no object, so that the pod template cannot be found");
                return;
            }
        }

        CheckSpelling(value, at, "initContainers", "containers", "ephemeralContainers", "volumes");
        foreach (var list in ContainerLists)
        {
            ReadContainers(value, list, at);
        }

        // The API server's schema asks for one. Were it found elsewhere, or under another name, nothing here would have been judged.
        if (!value.TryGetProperty("containers", out var containers) || containers.ValueKind == JsonValueKind.Null || (containers.ValueKind == JsonValueKind.Array && containers.GetArrayLength() == 0))
        {
            CannotRead(at + "/containers", "holds no container");
        }

        if (value.TryGetProperty("volumes", out var volumes) && volumes.ValueKind != JsonValueKind.Null)
        {
            ReadVolumes(volumes, at + "/volumes");
        }
    }

    private void ReadContainers(JsonElement spec, string list, string at)
    {
        if (!spec.TryGetProperty(list, out var containers) || containers.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (containers.ValueKind != JsonValueKind.Array)
        {
            CannotRead($"{at}/{list}", "is no list");
            return;
        }

        var index = 0;
        foreach (var container in containers.EnumerateArray())
        {
            var path = $"{at}/{list}/{index++}";
            if (container.ValueKind != JsonValueKind.Object)
            {
                CannotRead(path, "is no object");
                continue;
            }

            CheckSpelling(container, path, "image");
            ReadImage(container, "image", path);
        }
    }

    private void ReadVolumes(JsonElement volumes, string at)
    {
        if (volumes.ValueKind != JsonValueKind.Array)
        {
            CannotRead(at, "is no list");
            return;
        }

        var index = 0;
        foreach (var volume in volumes.EnumerateArray())
        {
            var path = $"{at}/{index++}";
            if (volume.ValueKind != JsonValueKind.Object)
            {
                CannotRead(path, "is no object");
                continue;
            }

            CheckSpelling(volume, path, "image");
            if (!volume.TryGetProperty("image", out var image) || image.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (image.ValueKind != JsonValueKind.Object)
            {
                CannotRead(path + "/image", "is no object");
                continue;
            }

            CheckSpelling(image, path + "/image", "reference");
            ReadImage(image, "reference", path);
        }
    }

    private void ReadImage(JsonElement holder, string field, string path)
    {
        if (!holder.TryGetProperty(field, out var image) || image.ValueKind == JsonValueKind.Null)
        {
            Add(null, path);
        }
        else if (image.Text() is { } text)
        {
            Add(text, path);
        }
        else
        {
            CannotRead($"{path}/{field}", "is no text");
        }
    }

    private void ReadDeclared(JsonElement value, string[] path, int step, string at)
    {
        if (at.Length > LongestPath)
        {
            CannotRead(at[..64] + "…", $"stands more than {LongestPath} characters deep");
        }
        else if (step == path.Length)
        {
            Declare(at);
            if (value.Text() is { } text)
            {
                Add(text, at);
            }
            else if (value.ValueKind != JsonValueKind.Null)
            {
                CannotRead(at, "is no text, and the policy declares an image there");
            }
        }
        else if (path[step] == "*")
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Array:
                    var index = 0;
                    foreach (var element in value.EnumerateArray())
                    {
                        ReadDeclared(element, path, step + 1, $"{at}/{index++}");
                    }

                    break;
                case JsonValueKind.Object:
                    foreach (var member in value.EnumerateObject())
                    {
                        ReadDeclared(member.Value, path, step + 1, $"{at}/{member.Label()}");
                    }

                    break;
                case not JsonValueKind.Null:
                    CannotRead(at, "is neither list nor object, and the policy declares images in it");
                    break;
            }
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            CheckSpelling(value, at, path[step]);
            if (value.TryGetProperty(path[step], out var next))
            {
                ReadDeclared(next, path, step + 1, $"{at}/{JsonElementExtensions.Segment(path[step])}");
            }
        }
        else if (value.ValueKind != JsonValueKind.Null)
        {
            CannotRead(at, "is no object, and the policy declares images in it");
        }
    }

    private void Declare(string at)
    {
        if (declared.Count == MostImages)
        {
            CannotRead(at, $"comes after {MostImages} other images");
        }
        else if (declared.Add(at))
        {
            for (var slash = at.LastIndexOf('/'); slash > 0 && aboveDeclared.Add(at[..slash]); slash = at.LastIndexOf('/', slash - 1))
            {
            }
        }
    }

    /// <summary>Walks everything but metadata and status, and finds what is shaped like a container.</summary>
    /// <param name="collect">Take the images of what is found, instead of reporting its place.</param>
    private void FindTemplates(JsonElement value, bool collect)
    {
        if (undeclared is not null || unreadable.Count == MostUnreadable)
        {
            return;
        }

        if (value.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var element in value.EnumerateArray())
            {
                trail.Add((null, index++));
                FindTemplates(element, collect);
                trail.RemoveAt(trail.Count - 1);
            }
        }
        else if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var (suffix, image) in ImagesOfContainer(value))
            {
                if (declared.Contains(Here() + suffix))
                {
                    continue;
                }

                if (!collect)
                {
                    undeclared ??= Here();
                }
                else if (image.Text() is { } text)
                {
                    Add(text, Here());
                }
                else
                {
                    CannotRead(Here() + suffix, "is no text");
                }
            }

            foreach (var member in value.EnumerateObject())
            {
                if (trail.Count == 0 && (member.Is("metadata") || member.Is("status")))
                {
                    continue;
                }

                trail.Add((member, 0));
                if (!collect && IsContainerList(member) && !aboveDeclared.Contains(Here()))
                {
                    undeclared ??= Here();
                }

                FindTemplates(member.Value, collect);
                trail.RemoveAt(trail.Count - 1);
            }
        }
    }

    // A list of containers that carries no image yet is a pod template all the same.
    private static bool IsContainerList(JsonProperty member) =>
        member.Value.ValueKind == JsonValueKind.Array && member.Value.GetArrayLength() > 0 && ContainerLists.Any(list => member.Is(list, StringComparison.OrdinalIgnoreCase));

    // A container (an image beside another field of a container) or an image volume (image: { reference }). Spelled in several cases, each could be the one that counts.
    private static List<(string Suffix, JsonElement Image)> ImagesOfContainer(JsonElement value)
    {
        List<(string, JsonElement)> images = [];
        List<(string, JsonElement)> references = [];
        var hasContainerField = false;
        foreach (var member in value.EnumerateObject())
        {
            if (!member.Is("image", StringComparison.OrdinalIgnoreCase))
            {
                hasContainerField = hasContainerField || ContainerFields.Any(field => member.Is(field, StringComparison.OrdinalIgnoreCase));
            }
            else if (member.Value.ValueKind == JsonValueKind.Object)
            {
                references.AddRange(member.Value.EnumerateObject()
                    .Where(inner => inner.Is("reference", StringComparison.OrdinalIgnoreCase))
                    .Select(inner => ($"/{member.Label()}/{inner.Label()}", inner.Value)));
            }
            else if (member.Value.ValueKind != JsonValueKind.Null)
            {
                images.Add(("/" + member.Label(), member.Value));
            }
        }

        return hasContainerField ? [.. images, .. references] : references;
    }

    // Kubernetes takes field names as written, other readers in any case: a near miss is a place where an image could hide.
    private void CheckSpelling(JsonElement value, string at, params ReadOnlySpan<string> names)
    {
        foreach (var member in value.EnumerateObject())
        {
            foreach (var name in names)
            {
                if (member.Is(name, StringComparison.OrdinalIgnoreCase) && !member.Is(name))
                {
                    CannotRead($"{at}/{member.Label()}", $"differs from '{name}' in case only");
                }
            }
        }
    }

    private string Here()
    {
        var path = new StringBuilder();
        foreach (var (member, index) in trail)
        {
            path.Append('/').Append(member is { } named ? named.Label() : index.ToString(CultureInfo.InvariantCulture));
            if (path.Length > LongestPath)
            {
                return path.Append('…').ToString();
            }
        }

        return path.ToString();
    }

    private void Add(string? text, string path)
    {
        if (images.Count < MostImages)
        {
            images.Add(new(text, path));
        }
        else
        {
            CannotRead(path, $"comes after {MostImages} other images");
        }
    }

    private void CannotRead(string path, string what)
    {
        if (unreadable.Count < MostUnreadable)
        {
            unreadable.Add(new(Rule, $"{(path.Length == 0 ? "the object" : path)} {what}", "send an object that the API server's own schema accepts"));
        }
    }
}
