using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Admission;

/// <summary>
/// What a pod template runs and what that can reach, as one published JSON document with one spelling. The projection of a template as a user wrote it, of
/// the template as the API server stores it, and of the pod that comes of it are the same. <c>docs/formats/template.md</c> describes it.
/// </summary>
public sealed class TemplateProjection
{
    /// <summary>The type of the document; another version has another type.</summary>
    public const string Type = "https://governance.gates/projections/pod-template/v1";

    /// <summary>The most bytes that a projection has.</summary>
    public const int MaxBytes = 1 << 20;

    private TemplateProjection(byte[] json, CanonicalNode.Members document)
    {
        Json = json;
        Digest = Digest.Of(json);
        ServiceAccount = (document["spec"] as CanonicalNode.Members)?.TextOf("serviceAccountName") ?? "default";
    }

    /// <summary>The document: UTF-8, canonical as RFC 8785 has it.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The SHA-256 of <see cref="Json"/>, which approvals name.</summary>
    public Digest Digest { get; }

    /// <summary>The service account as which its pods run.</summary>
    public string ServiceAccount { get; }

    /// <summary>The projection of a pod.</summary>
    /// <param name="pod">The whole object, as written or as the API server sends it.</param>
    /// <param name="sidecars">Names of containers that admission injects, as the policy says; they and the volumes of theirs are left out where they reach nothing else.</param>
    /// <returns>The projection, or why there is none; never an exception for what stands in the object.</returns>
    public static Reading<TemplateProjection> OfPod(JsonElement pod, ImmutableArray<string> sidecars) =>
        Of(pod, [], TemplateOwner.Pod, sidecars, null);

    /// <summary>The projection of a pod template.</summary>
    /// <param name="podTemplateSpec"><c>{metadata, spec}</c>.</param>
    /// <param name="sidecars">As in <see cref="OfPod"/>.</param>
    /// <remarks>Claims that a StatefulSet makes for its pods stand beside its template: <see cref="OfObject"/> counts them.</remarks>
    public static Reading<TemplateProjection> OfTemplate(JsonElement podTemplateSpec, ImmutableArray<string> sidecars) =>
        Of(podTemplateSpec, [], TemplateOwner.Workload, sidecars, null);

    /// <summary>The projection of the pods that an object makes, or is.</summary>
    /// <param name="group">API group of its kind; empty for the core group.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="obj">The whole object.</param>
    /// <param name="sidecars">As in <see cref="OfPod"/>.</param>
    /// <param name="memo">Remembers projections from one call to the next; null where nothing does.</param>
    /// <returns>The projection, or why there is none; null for a kind whose pod template, if any, this gate does not know.</returns>
    public static Reading<TemplateProjection>? OfObject(string group, string kind, JsonElement obj, ImmutableArray<string> sidecars, TemplateMemo? memo = null) =>
        ImageScanner.TemplatePath(group, kind) is not { } path ? null : (group, kind) switch
        {
            ("", "Pod") => Of(obj, [], TemplateOwner.Pod, sidecars, memo),
            ("apps", "StatefulSet") => Of(obj, path.AsSpan(..^1), TemplateOwner.StatefulSet, sidecars, memo),
            (_, "ReplicaSet") => Of(obj, path.AsSpan(..^1), TemplateOwner.ReplicaSet, sidecars, memo),
            ("batch", "Job") => Of(obj, path.AsSpan(..^1), TemplateOwner.Job, sidecars, memo),
            _ => Of(obj, path.AsSpan(..^1), TemplateOwner.Workload, sidecars, memo),
        };

    /// <summary>A projection that came in a statement, such as what somebody approved.</summary>
    /// <param name="document">The document, in any spelling.</param>
    /// <returns>Its canonical bytes and digest; null where it is no projection of this version, is ambiguous or too large.</returns>
    public static TemplateProjection? TryParse(JsonElement document) => TemplateReader.ReadDocument(document) is { } read && read.Write(MaxBytes) is { } json ? new(json, read) : null;

    /// <summary>What changed, a line a change: <c>containers[app].command: ["run"] -> ["sh","-c","…"]</c>.</summary>
    /// <param name="approved">The projection that was approved.</param>
    /// <param name="actual">The projection that is asked about.</param>
    /// <returns>Lines of printable ASCII, bounded in number and length; none where both are the same.</returns>
    public static ImmutableArray<string> Difference(ReadOnlyMemory<byte> approved, ReadOnlyMemory<byte> actual) => TemplateDifference.Of(approved, actual);

    private static Reading<TemplateProjection> Of(JsonElement obj, ReadOnlySpan<string> path, TemplateOwner owner, ImmutableArray<string> sidecars, TemplateMemo? memo)
    {
        var reader = new TemplateReader(sidecars);
        if (reader.Find(obj, path, owner) is not { } parts)
        {
            return new Reading<TemplateProjection>.Unread(reader.Unread().Reason);
        }

        return memo?.Get(reader, parts, sidecars) ?? Read(reader, parts);
    }

    internal static Reading<TemplateProjection> Read(TemplateReader reader, TemplateParts parts) => reader.Read(parts) switch
    {
        Reading<CanonicalNode.Members>.Found(var document) when document.Write(MaxBytes) is { } json => new Reading<TemplateProjection>.Found(new(json, document)),
        Reading<CanonicalNode.Members>.Unread(var reason) => new Reading<TemplateProjection>.Unread(reason),
        _ => new Reading<TemplateProjection>.Unread(new(TemplateReader.Rule, $"the pod template says more than {MaxBytes >> 10} KiB", "move what it carries into a ConfigMap")),
    };
}
