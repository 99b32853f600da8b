using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;

namespace Governance.Gates.Admission;

/// <summary>The admission gate: which images a request brings in, and which rule speaks about each.</summary>
public static class AdmissionGate
{
    /// <summary>The label that keeps a namespace out of the webhook. Only the gate's own namespace may carry it.</summary>
    public const string ExemptLabel = "governance.gates/exempt";

    private const string Rule = "admission";

    /// <summary>Reads a request against a policy. Pure: nothing is fetched.</summary>
    /// <param name="request">The request.</param>
    /// <param name="policy">The policy in force.</param>
    /// <param name="cluster">UID of this cluster's <c>kube-system</c> namespace; null where it was not said.</param>
    /// <param name="memo">Remembers projections of pod templates; null where nothing does.</param>
    public static AdmissionCase Open(AdmissionRequest request, Policy policy, string? cluster, TemplateMemo? memo = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        var settings = policy.Admission;
        var mode = ModeOf(request, settings);
        if (request is { ResourceGroup: "", Resource: "namespaces" })
        {
            // Whatever the mode: a label that slips in while the gate only watches would still be there when it enforces.
            return new(request, policy, mode, GuardNamespace(request, settings) is { } guarded ? [guarded.Answer(Mode.Enforce)] : [], []);
        }

        var declared = DeclaredGate.Open(request, policy, cluster);
        var opened = OpenImages(request, policy, mode, cluster, memo);
        return ReferenceEquals(declared, DeclaredGate.Nothing) ? opened : opened with { Settled = [.. opened.Settled, .. declared.Settled.Select(decision => decision.Answer(mode))], Documents = declared.Documents };
    }

    /// <summary>The gate's mode for a request. A namespace itself is never watched only.</summary>
    internal static Mode ModeOf(AdmissionRequest request, AdmissionSettings settings) =>
        request is not { ResourceGroup: "", Resource: "namespaces" } && request.Namespace is { } name && settings.AuditedNamespaces.Contains(name) ? Mode.Audit : settings.Mode;

    private static AdmissionCase OpenImages(AdmissionRequest request, Policy policy, Mode mode, string? cluster, TemplateMemo? memo)
    {
        var settings = policy.Admission;

        // A subresource that cannot change an image; the Pods that follow from it are judged when they come.
        if (request.Operation is "DELETE" or "CONNECT" || request.Subresource is "status" or "scale" or "binding" or "eviction" or "finalize" or "approval" or "log")
        {
            return new(request, policy, mode, [], []);
        }

        // An update of labels or finalizers brings in nothing, whatever is wrong with the object: it could not even be deleted otherwise.
        if (IsUnchanged(request, settings))
        {
            return new(request, policy, mode, Unreadable(request, ImageScan.Nothing) is { } mismatch ? [mismatch.Answer(mode)] : [], []);
        }

        var now = ImageScanner.Scan(request, request.Object, settings);
        var before = request.Operation == "UPDATE" ? ImageScanner.Scan(request, request.OldObject, settings) : ImageScan.Nothing;

        // The delta comes before any rule that skips: what is new is judged, whatever else the update does. Before an unreadable old object, all is new.
        var old = before.Unreadable.IsEmpty ? before.Images.Select(image => image.Text).ToHashSet(StringComparer.Ordinal) : new HashSet<string?>();
        var place = new Place(request.Namespace, cluster);
        var images = now.Images
            .Where(image => !old.Contains(image.Text))
            .DistinctBy(image => image.Text)
            .Select(image => Question(request, image.Text, image.Path, place, policy))
            .ToImmutableArray();
        if (!policy.Approvals.IsEmpty && old.Count > 0)
        {
            images = images.AddRange(WithAnotherTemplate(request, now.Images.Where(image => old.Contains(image.Text)).DistinctBy(image => image.Text).Select(image => new ImageQuestion(image.Text, image.Path, ImageGate.Rule(image.Text, place, policy))), settings, memo));
        }

        var settled = ImmutableArray.CreateBuilder<Answer>();
        if (Unreadable(request, now) is { } unreadable)
        {
            settled.Add(unreadable.Answer(mode));
        }

        if (now.Undeclared is { } path)
        {
            settled.Add(Undeclared(request, path, settings.UnknownKinds).Answer(mode));
        }

        // Left out of the projection by their names alone, they would run whatever command they like with an image that is approved only as part of a template.
        foreach (var (container, question) in policy.Approvals.IsEmpty || settings.Sidecars.IsEmpty ? [] : Sidecars(request, now.Images, settings.Sidecars).Select(image => (image.Name, new ImageQuestion(image.Image.Text, image.Image.Path, ImageGate.Rule(image.Image.Text, place, policy)))))
        {
            if (question.Ruling is ImageRuling.NeedsEvidence { Approval.CoversTemplate: true } needs)
            {
                settled.Add(Decision.Deny(new Reason(needs.Rule.Path + ".approved", $"{question.Path}: the container {container} has the name of an injected sidecar, which no approval covers, and its image must be approved with its template", "give the container another name, or the sidecar's image a rule of its own")).Answer(mode < needs.Rule.Mode ? mode : needs.Rule.Mode));
            }
        }

        return new(request, policy, mode, settled.ToImmutable(), images) { Template = NeedsTemplate(request, images) ? TemplateProjection.OfObject(request.Group, request.Kind, request.Object, settings.Sidecars, memo) : null };
    }

    /// <summary>Whether the pod template of the object decides too.</summary>
    internal static bool NeedsTemplate(AdmissionRequest request, ImmutableArray<ImageQuestion> images) =>
        ImageScanner.TemplatePath(request.Group, request.Kind) is not null && images.Any(image => image.Ruling is ImageRuling.NeedsEvidence { Approval: not null });

    internal static ImageQuestion Question(AdmissionRequest request, string? image, string path, Place place, Policy policy) => WithoutTemplate(request, new ImageQuestion(image, path, ImageGate.Rule(image, place, policy)));

    // Two kinds hold images and no pod template that an approval could name.
    private static ImageQuestion WithoutTemplate(AdmissionRequest request, ImageQuestion image) => (request, image.Ruling) switch
    {
        // A revision starts nothing: the Pods that its controller makes of it are judged, and a use that it took would be missing for them.
        ({ Group: "apps", Kind: "ControllerRevision" }, ImageRuling.NeedsEvidence { Approval: not null, Rule.Demand: ImageDemand.Require { Signed: not null } } needs) => image with { Ruling = needs with { Approval = null } },
        ({ Group: "apps", Kind: "ControllerRevision" }, ImageRuling.NeedsEvidence { Approval: not null } needs) =>
            image with { Ruling = new ImageRuling.Settled(Decision.AllowBecause(new Reason(needs.Rule.Path + ".approved", $"{needs.Subject} is approved when its Pods start")), needs.Rule.Mode) },
        ({ Group: "", Kind: "EphemeralContainers" }, ImageRuling.NeedsEvidence { Approval.CoversTemplate: true } needs) => image with
        {
            Ruling = new ImageRuling.Settled(Decision.Deny(new Reason(needs.Rule.Path + ".approved", $"{needs.Subject} must be approved with its template, and an ephemeral container stands in none that was", "debug in an environment whose rule asks for no template")), needs.Rule.Mode),
        },
        _ => image,
    };

    // An image that stays while its command changes is another thing to approve. Where one of the templates cannot be read, they count as different.
    private static List<ImageQuestion> WithAnotherTemplate(AdmissionRequest request, IEnumerable<ImageQuestion> staying, AdmissionSettings settings, TemplateMemo? memo)
    {
        var bound = staying.Where(image => image.Ruling is ImageRuling.NeedsEvidence { Approval.CoversTemplate: true } or ImageRuling.Settled { Asks.CoversTemplate: true, Decision.Verdict: > Verdict.Warn }).ToList();
        return bound.Count > 0
            && TemplateProjection.OfObject(request.Group, request.Kind, request.Object, settings.Sidecars, memo) is { } template
            && !(template.Try(out var after, out _) && TemplateProjection.OfObject(request.Group, request.Kind, request.OldObject, settings.Sidecars, memo) is { } stored && stored.Try(out var before, out _) && before.Digest == after.Digest)
            ? bound
            : [];
    }

    private static IEnumerable<(string Name, FoundImage Image)> Sidecars(AdmissionRequest request, ImmutableArray<FoundImage> images, ImmutableArray<string> sidecars)
    {
        foreach (var image in images)
        {
            var holder = request.Object;
            foreach (var step in image.Path.Split('/').Skip(1))
            {
                holder = holder.ValueKind == JsonValueKind.Array && int.TryParse(step, out var index) && index < holder.GetArrayLength() ? holder[index]
                    : holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(step, out var member) ? member
                    : default;
            }

            if (holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty("name", out var named) && named.Text() is { } name && sidecars.Contains(name))
            {
                yield return (name, image);
            }
        }
    }

    private static Decision? Unreadable(AdmissionRequest request, ImageScan scan)
    {
        if (request.Object.ValueKind != JsonValueKind.Object)
        {
            return Decision.Unknown(new Reason(Rule, $"the {request.Operation} of {Named(request)} carries no object", "send the object as the API server does"));
        }

        var reasons = scan.Unreadable;
        if (request.Object.TryGetProperty("kind", out var kind) && kind.Text() != request.Kind)
        {
            reasons = reasons.Add(new(Rule, $"the request is about a {request.Kind} and its object is not one", "send the object as the API server does"));
        }

        return reasons.IsEmpty ? null : new(Verdict.Unknown, reasons, []);
    }

    private static Decision Undeclared(AdmissionRequest request, string path, Verdict verdict) =>
        new(verdict, [new($"{Rule}.unknownKinds", $"{Named(request)} holds what looks like a pod template at {path}, and the policy does not say where its images stand", $"declare {request.Resource}.{request.ResourceGroup} under admission.customResources")], []);

    // Everything but metadata and status is the same, byte for byte: the API server wrote both objects. What only means the same counts as changed.
    private static bool IsUnchanged(AdmissionRequest request, AdmissionSettings settings)
    {
        if (request.Operation != "UPDATE" || request.OldObject.ValueKind != JsonValueKind.Object || request.Object.ValueKind != JsonValueKind.Object
            || ImageScanner.Declared(request, settings).Any(path => path.StartsWith("/metadata", StringComparison.Ordinal) || path.StartsWith("/status", StringComparison.Ordinal) || path.StartsWith("/*", StringComparison.Ordinal)))
        {
            return false;
        }

        return Content(request.OldObject) is { } before && Content(request.Object) is { } after && before.Count == after.Count
            && after.All(member => before.TryGetValue(member.Key, out var old) && JsonMarshal.GetRawUtf8Value(member.Value).SequenceEqual(JsonMarshal.GetRawUtf8Value(old)));

        // null: names that cannot be told apart, so nothing can be said to be unchanged.
        static Dictionary<string, JsonElement>? Content(JsonElement value)
        {
            var content = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
            return value.EnumerateObject().Where(member => !member.Is("metadata") && !member.Is("status")).All(member => member.Text() is { } name && content.TryAdd(name, member.Value)) ? content : null;
        }
    }

    // Every subresource is looked at: an update of a namespace's status or finalizers stores its labels too (registry/core/namespace, PrepareForUpdate).
    private static Decision? GuardNamespace(AdmissionRequest request, AdmissionSettings settings)
    {
        if (request.Operation is not ("CREATE" or "UPDATE"))
        {
            return null;
        }

        if (Unreadable(request, ImageScan.Nothing) is { } unreadable)
        {
            return unreadable;
        }

        if (!TryFindExemption(request.Object, out var exemption))
        {
            return Decision.Unknown(new Reason(Rule, $"the metadata or labels of {Named(request)} are no object", "send the object as the API server does"));
        }

        // Only a name that stands: from generateName the server makes another one.
        if (exemption is not { } label || (settings.OwnNamespace is { } own && Name(request.Object) == own))
        {
            return null;
        }

        var reason = new Reason($"{Rule}.namespaces", $"namespace {request.Name} may not carry the label {ExemptLabel}, which would keep it out of this gate", "remove the label; a namespace that is only watched is named under admission.namespaces.audit");
        return request.Operation == "UPDATE" && TryFindExemption(request.OldObject, out var old) && old is { } before && JsonMarshal.GetRawUtf8Value(before).SequenceEqual(JsonMarshal.GetRawUtf8Value(label))
            ? Decision.Warn(reason)
            : Decision.Deny(reason);
    }

    // false: the labels cannot be read. null: there is no such label.
    private static bool TryFindExemption(JsonElement value, out JsonElement? exemption)
    {
        exemption = null;
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("metadata", out var metadata) || metadata.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (metadata.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (!metadata.TryGetProperty("labels", out var labels) || labels.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        if (labels.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        exemption = labels.TryGetProperty(ExemptLabel, out var found) ? found : null;
        return true;
    }

    internal static string? Name(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("name", out var name) ? name.Text() : null;

    private static string Named(AdmissionRequest request) => $"{request.Kind} {(request.Namespace is null ? "" : request.Namespace + "/")}{request.Name}";
}
