using System.Collections.Immutable;
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
