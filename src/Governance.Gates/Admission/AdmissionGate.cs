using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Admission;

/// <summary>An image that a request would bring in, and the rule that speaks about it.</summary>
/// <param name="Text">The reference as written.</param>
/// <param name="Path">Where it stands first in the object.</param>
/// <param name="Ruling">Its rule.</param>
public sealed record ImageQuestion(string? Text, string Path, ImageRuling Ruling);

/// <summary>A document that must be approved before a request goes on: an object, its deletion, or a session.</summary>
/// <param name="Subject">The document's digest, and the repository in which approvals of it wait.</param>
/// <param name="Need">What must be approved, and where.</param>
public sealed record DocumentQuestion(Subject Subject, ApprovalNeed Need)
{
    /// <summary>The rules of <c>review.values</c> by which it needs more people than its action alone, such as <c>review.values[0]</c>.</summary>
    public ImmutableArray<string> Values { get; init; } = [];
}

/// <summary>What one request comes down to: answers that stand already, and images that need evidence.</summary>
/// <param name="Request">The request.</param>
/// <param name="Policy">The policy that was in force when the request came.</param>
/// <param name="Mode">The gate's mode for this namespace.</param>
/// <param name="Settled">Answers that need no evidence.</param>
/// <param name="Images">Each distinct image once.</param>
public sealed record AdmissionCase(AdmissionRequest Request, Policy Policy, Mode Mode, ImmutableArray<Answer> Settled, ImmutableArray<ImageQuestion> Images)
{
    /// <summary>The digests whose evidence must be read before <see cref="Decide(IReadOnlyDictionary{Subject, Claims}, Circumstances)"/>.</summary>
    public IEnumerable<Subject> Subjects => Artifacts.Concat(Documents.Select(document => document.Subject)).Distinct();

    /// <summary>Documents that must be approved, all of them.</summary>
    public ImmutableArray<DocumentQuestion> Documents { get; init; } = [];

    private IEnumerable<Subject> Artifacts => Images.Select(image => image.Ruling).OfType<ImageRuling.NeedsEvidence>().Select(ruling => ruling.Subject).Distinct();

    /// <summary>The pod template of the object, where an image must be approved; null where none must be, or where the object has none.</summary>
    public Reading<TemplateProjection>? Template { get; init; }

    /// <summary>The environment in which approvals are needed; null where none are.</summary>
    public string? Environment
    {
        get
        {
            foreach (var image in Images)
            {
                if (image.Ruling is ImageRuling.NeedsEvidence { Approval.Environment: var environment })
                {
                    return environment;
                }
            }

            return Documents.Select(document => document.Need.Environment).OfType<string>().FirstOrDefault();
        }
    }

    /// <summary>Where a record of what was admitted may let this go on without fresh approvals; null where only fresh ones count.</summary>
    /// <remarks>
    /// A Pod goes on whoever makes it: its own template decides. What a controller of the cluster makes goes on, by the name with which the API server
    /// authenticated it, never by an owner reference. An update goes on where it returns to a template that was admitted for the same workload. Anything else begins.
    /// </remarks>
    public AdmittedPlace? MayGoOn => GoesOnAsAny || Request.Operation == "UPDATE" ? Place : null;

    private bool GoesOnAsAny => Request is { Group: "", Kind: "Pod" } || Controllers.Contains(Request.User);

    // Not the request's name, which may be generateName: what the server makes of that is another workload.
    internal string? Workload => AdmissionGate.Name(Request.Object) is { Length: > 0 } name ? $"{Request.Kind}/{name}" : null;

    /// <summary>Where what begins is recorded; null where there is nothing to record it by.</summary>
    public AdmittedPlace? Place => Environment is { } environment && Template is Reading<TemplateProjection>.Found(var template) && Request.Namespace is { } name ? new(environment, name, template.ServiceAccount, template.Digest) : null;

    private static readonly ImmutableArray<string> Controllers =
    [
        "system:kube-controller-manager",
        "system:serviceaccount:kube-system:deployment-controller",
        "system:serviceaccount:kube-system:replicaset-controller",
        "system:serviceaccount:kube-system:statefulset-controller",
        "system:serviceaccount:kube-system:daemon-set-controller",
        "system:serviceaccount:kube-system:cronjob-controller",
        "system:serviceaccount:kube-system:job-controller",
        "system:serviceaccount:kube-system:replication-controller",
    ];

    /// <summary>Decides with nothing revoked, used or admitted.</summary>
    /// <param name="claims">What is known of each subject; one that is missing was not verified in time.</param>
    /// <param name="now">The time of the decision.</param>
    public AdmissionOutcome Decide(IReadOnlyDictionary<Subject, Claims> claims, DateTimeOffset now) => Decide(claims, new Circumstances(now));

    /// <summary>Decides.</summary>
    /// <param name="claims">What is known of each subject; one that is missing was not verified in time.</param>
    /// <param name="circumstances">The time, and what was revoked, used and admitted.</param>
    public AdmissionOutcome Decide(IReadOnlyDictionary<Subject, Claims> claims, Circumstances circumstances)
    {
        ArgumentNullException.ThrowIfNull(claims);
        ArgumentNullException.ThrowIfNull(circumstances);
        circumstances = circumstances with
        {
            Template = Template switch
            {
                null => null,
                Reading<TemplateProjection>.Found(var template) => new Reading<Covered>.Found(new(CoveredKind.Template, "pod template", template.Digest, template.Json)),
                Reading<TemplateProjection>.Unread(var reason) => new Reading<Covered>.Unread(reason),
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            Workload = Workload,
            Admitted = GoesOnAsAny ? circumstances.Admitted : [.. circumstances.Admitted.Where(record => record.Workload is { } began && began == Workload)],
            Difference = TemplateDifferences,
        };
        var answers = ImmutableArray.CreateBuilder<Answer>(Settled.Length + Images.Length);
        answers.AddRange(Settled);
        var grants = ImmutableArray.CreateBuilder<Grant>();
        var granted = ImmutableArray.CreateBuilder<Digest>();
        var needsUses = false;
        foreach (var image in Images)
        {
            var (decision, mode) = image.Ruling switch
            {
                ImageRuling.Settled settled => (new ImageDecision(settled.Decision, null), settled.Mode),
                ImageRuling.NeedsEvidence needs when claims.TryGetValue(needs.Subject, out var known) => (ImageGate.Decide(needs, known, Policy, circumstances), needs.Rule.Mode),
                ImageRuling.NeedsEvidence needs => (
                    new ImageDecision(Decision.Unknown(new Reason(needs.Rule.Path, $"{needs.Subject} was not verified in time", "try again: verification goes on and the next try finds its result")), null),
                    needs.Rule.Mode),
                _ => throw new System.Diagnostics.UnreachableException(),
            };
            needsUses |= decision.NeedsUses;
            if (ImageGate.DecideRevoked(image.Text, circumstances.Revocations) is { } revoked)
            {
                decision = new(Decision.All(revoked, decision.Decision), null);
            }

            // What is refused did not begin by approval, even where the mode lets it in: it must not find a record of itself later.
            if (decision is { Grant: { } grant, Decision.Verdict: <= Verdict.Warn } && image.Ruling is ImageRuling.NeedsEvidence { Subject.Digest: var digest })
            {
                grants.Add(grant);
                granted.Add(digest);
            }

            answers.Add(At(image.Path, decision.Decision).Answer(Milder(Mode, mode)));
        }

        foreach (var (subject, need) in Documents)
        {
            var decision = claims.TryGetValue(subject, out var known)
                ? ImageGate.Decide(need, known, Policy, circumstances)
                : new(Decision.Unknown(new Reason(need.Path, $"approvals of {need.What} were not verified in time", "try again: verification goes on and the next try finds its result")), null);
            needsUses |= decision.NeedsUses;
            if (decision.Grant is { } grant)
            {
                grants.Add(grant);
            }

            answers.Add(decision.Decision.Answer(Mode));
        }

        return new(answers.ToImmutable()) { Grants = grants.ToImmutable(), Granted = granted.ToImmutable(), Known = claims, Circumstances = circumstances, NeedsUses = needsUses };
    }

    /// <summary>The record of what begins with an outcome that admits; null where nothing begins under an approval, or where nothing will be stored.</summary>
    public AdmittedRecord? Record(AdmissionOutcome outcome, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        // A document names itself where no template does: its digest is that of no template, so no Pod goes on under it.
        if (Request.DryRun || outcome.Grants.IsEmpty || !outcome.Admitted
            || (Place ?? Documents.Select(document => new AdmittedPlace(document.Need.Environment!, Request.Namespace ?? "", "", document.Subject.Digest)).FirstOrDefault()) is not { } place)
        {
            return null;
        }

        return new()
        {
            Id = Request.Uid,
            Environment = place.Environment,
            Cluster = Images.Select(image => (image.Ruling as ImageRuling.NeedsEvidence)?.Approval?.Place.Cluster).Concat(Documents.Select(document => document.Need.Cluster)).OfType<string>().FirstOrDefault(),
            Namespace = place.Namespace,
            Workload = Workload,
            ServiceAccount = place.ServiceAccount,
            Template = place.Template,
            Artifacts = outcome.Granted,
            Policy = Policy.Digest,
            Uses = [.. outcome.Grants.DistinctBy(grant => grant.RequestDigest).Select(grant => new ApprovedUse(grant.Action, grant.RequestId, grant.RequestDigest, [.. grant.Counted.Select(counted => counted.Approval)]) { Signers = grant.Signers })],
            BegunAt = now,
            // Where nothing runs on, the record says how long its use counts.
            RunUntil = Images.IsEmpty ? outcome.Grants.Max(grant => grant.UseBy) : outcome.Grants.Min(grant => grant.RunUntil),
        };
    }

    private static readonly Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, IEnumerable<string>> TemplateDifferences = (approved, actual) => TemplateProjection.Difference(approved, actual);

    private static Decision At(string path, Decision decision) =>
        decision.Verdict == Verdict.Allow ? decision : decision with { Reasons = [.. decision.Reasons.Select(reason => reason with { Message = $"{path}: {reason.Message}" })] };

    private static Mode Milder(Mode one, Mode other) => one < other ? one : other;
}

/// <summary>The answers of one request: one for each image, and those about the object itself.</summary>
/// <param name="Answers">All of them; empty where the request brings in nothing that a rule looks at.</param>
public sealed record AdmissionOutcome(ImmutableArray<Answer> Answers)
{
    /// <summary>All of them; set once, so that the decision over them is theirs.</summary>
    public ImmutableArray<Answer> Answers { get; } = Answers;

    /// <summary>The fresh approvals on which the decision rests.</summary>
    public ImmutableArray<Grant> Grants { get; init; } = [];

    /// <summary>What was known of each image and document.</summary>
    internal IReadOnlyDictionary<Subject, Claims> Known { get; init; } = ImmutableDictionary<Subject, Claims>.Empty;

    /// <summary>What else it rests on.</summary>
    internal Circumstances Circumstances { get; init; } = new(default);

    /// <summary>Whether something was left undecided because <see cref="Circumstances.Uses"/> were not asked for: the case must be decided again with them.</summary>
    public bool NeedsUses { get; init; }

    /// <summary>The verified statements that were looked at.</summary>
    public IEnumerable<Claim> Evidence => Known.Values.SelectMany(claims => claims.Proven);

    /// <summary>The time of the decision.</summary>
    public DateTimeOffset DecidedAt => Circumstances.At;

    /// <summary>The same with one answer more, which may refuse: nothing begins under the approvals.</summary>
    public AdmissionOutcome And(Answer answer) => new([.. Answers, answer]) { Known = Known, Circumstances = Circumstances };

    /// <summary>The images that they let begin.</summary>
    public ImmutableArray<Digest> Granted { get; init; } = [];

    /// <summary>The record of what begins; null where nothing does, or where an earlier record says it already.</summary>
    public AdmittedRecord? Began { get; init; }

    /// <summary>Whether the request goes on: every single answer admits it.</summary>
    public bool Admitted => Answers.All(answer => answer.Admitted);

    /// <summary>The decision over all of it, whatever the modes.</summary>
    public Decision Decision { get; } = Decision.All(Answers.Select(answer => answer.Decision));

    /// <summary>Why the request is refused.</summary>
    public IEnumerable<Reason> Refusals => Answers.Where(answer => !answer.Admitted).SelectMany(answer => answer.Decision.Reasons);

    /// <summary>What the user is warned of: what a warning says, and what a rule or gate in warn mode would have refused.</summary>
    public IEnumerable<Reason> Warnings => Answers
        .Where(answer => answer.Admitted && (answer.Decision.Verdict == Verdict.Warn ? answer.Mode != Mode.Audit : answer.Decision.Verdict > Verdict.Warn && answer.Mode == Mode.Warn))
        .SelectMany(answer => answer.Decision.Reasons);
}

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
