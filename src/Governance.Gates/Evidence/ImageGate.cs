using System.Collections.Immutable;
using System.Diagnostics;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Evidence;

/// <summary>Where an image would run.</summary>
/// <param name="Namespace">The namespace; null for an object without one.</param>
/// <param name="Cluster">UID of the cluster's <c>kube-system</c> namespace; null where nobody said it.</param>
public sealed record Place(string? Namespace, string? Cluster);

/// <summary>The rule that decides an image, or the decision where none is needed.</summary>
public abstract record ImageRuling
{
    private ImageRuling()
    {
    }

    /// <summary>The approval that the rule asks for, wherever it is needed; null where it asks for none.</summary>
    public ApprovedRequirement? Asks { get; init; }

    /// <summary>Decided without looking at evidence.</summary>
    /// <param name="Decision">The decision.</param>
    /// <param name="Mode">The mode of the rule that decided; enforce where no rule did.</param>
    public sealed record Settled(Decision Decision, Mode Mode) : ImageRuling;

    /// <summary>The rule asks for evidence about this subject.</summary>
    /// <param name="Subject">The image, by digest.</param>
    /// <param name="Rule">The rule that matched first.</param>
    public sealed record NeedsEvidence(Subject Subject, ImageRule Rule) : ImageRuling
    {
        /// <summary>Where the approval is needed that the rule asks for; null where it asks for none there.</summary>
        public NeededApproval? Approval { get; init; }
    }
}

/// <summary>An approval that a rule asks for in one environment.</summary>
/// <param name="Rule">Who must agree.</param>
/// <param name="CoversTemplate">Whether the pod template must be named too.</param>
/// <param name="Environment">The environment.</param>
/// <param name="Place">Where in it.</param>
public sealed record NeededApproval(ApprovalRule Rule, bool CoversTemplate, string Environment, Place Place);

/// <summary>What a decision rests on besides policy and claims. Its default: nothing is revoked, nothing was used or admitted, and there is no pod template.</summary>
/// <param name="At">The time of the decision.</param>
public sealed record Circumstances(DateTimeOffset At)
{
    /// <summary>The second of the decision: all decisions of one second rest on the same time.</summary>
    public DateTimeOffset Now { get; } = At.AddTicks(-(At.Ticks % TimeSpan.TicksPerSecond));

    private static readonly Reading<RevocationList> NothingRevoked = new Reading<RevocationList>.Found(RevocationList.Empty);
    private static readonly Reading<IReadOnlyDictionary<string, long>> NothingUsed = new Reading<IReadOnlyDictionary<string, long>>.Found(ImmutableDictionary<string, long>.Empty);

    /// <summary>What no longer counts; unread where the list is missing or too old.</summary>
    public Reading<RevocationList> Revocations { get; init; } = NothingRevoked;

    /// <summary>How often each request was used, by id; unread where nobody can tell, null where nobody was asked yet: then what begins waits for it (<see cref="ImageDecision.NeedsUses"/>).</summary>
    public Reading<IReadOnlyDictionary<string, long>>? Uses { get; init; } = NothingUsed;

    /// <summary>The projection of the object's pod template; null for an object without one, unread for one that cannot be projected.</summary>
    public Reading<Covered>? Template { get; init; }

    /// <summary><c>Kind/name</c> of the object; null where it has no name.</summary>
    public string? Workload { get; init; }

    /// <summary>Live records of what began here with the same template and may go on.</summary>
    public ImmutableArray<AdmittedRecord> Admitted { get; init; } = [];

    /// <summary>Tells how an approved template differs from another.</summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, IEnumerable<string>>? Difference { get; init; }
}

/// <summary>A decision about one image.</summary>
/// <param name="Decision">The decision.</param>
/// <param name="Grant">The fresh approval on which it rests; null where it rests on none.</param>
public sealed record ImageDecision(Decision Decision, Grant? Grant)
{
    /// <summary>Whether it is Unknown because <see cref="Circumstances.Uses"/> were not asked for.</summary>
    public bool NeedsUses { get; init; }
}

/// <summary>Decides about one image: first which rule speaks, then whether what it asks for is proven.</summary>
public static class ImageGate
{
    /// <summary>Finds the first rule that matches. No match denies.</summary>
    /// <param name="image">The reference as the workload writes it.</param>
    /// <param name="place">Where it would run.</param>
    /// <param name="policy">The policy.</param>
    public static ImageRuling Rule(string? image, Place place, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(policy);
        switch (ImageReference.Read(image))
        {
            case Reading<ImageReference>.Unread(var reason):
                return new ImageRuling.Settled(Decision.Deny(reason), Mode.Enforce);
            case Reading<ImageReference>.Found(var reference):
                foreach (var rule in policy.Images)
                {
                    if (!rule.Match.Any(pattern => pattern.Matches(reference.Repository)))
                    {
                        continue;
                    }

                    switch (IsIn(rule, place, policy))
                    {
                        case true:
                            return Rule(reference, rule, place, policy) with { Asks = (rule.Demand as ImageDemand.Require)?.Approved };
                        case null:
                            return new ImageRuling.Settled(
                                Decision.Unknown(new Reason(rule.Path, $"{reference.Repository} matches a rule for environments, and which cluster this is was not said", "name the cluster by the UID of its kube-system namespace (--cluster-uid)")),
                                rule.Mode)
                            {
                                Asks = (rule.Demand as ImageDemand.Require)?.Approved,
                            };
                    }
                }

                return new ImageRuling.Settled(
                    Decision.Deny(new Reason("artifacts.images", $"no rule of policy {policy.Name} version {policy.Version} is for {reference.Repository}{In(place)}", "use a repository that the policy names, or have a rule added")),
                    Mode.Enforce);
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>Decides an image whose rule asks for evidence.</summary>
    /// <param name="ruling">What <see cref="Rule(string?, Place, Policy)"/> found.</param>
    /// <param name="claims">What is known of the image.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="circumstances">The time, and what was revoked, used and admitted.</param>
    public static ImageDecision Decide(ImageRuling.NeedsEvidence ruling, Claims claims, Policy policy, Circumstances circumstances)
    {
        ArgumentNullException.ThrowIfNull(ruling);
        ArgumentNullException.ThrowIfNull(claims);
        ArgumentNullException.ThrowIfNull(circumstances);
        if (!circumstances.Revocations.Try(out var revocations, out var unread))
        {
            return new(Decision.Unknown(unread with { Rule = ruling.Rule.Path }), null);
        }

        if (claims.Standing.Find(claims, ruling, policy, revocations, circumstances) is { } standing)
        {
            return new(standing, null);
        }

        var parts = new List<Decision>();
        if (ruling.Rule.Demand is ImageDemand.Require { Signed: { } signed })
        {
            parts.Add(SignatureRule.Decide(ruling.Subject, signed, ruling.Rule.Path + ".signed", claims, policy, revocations, circumstances.Now));
        }

        ImmutableHashSet<string> contributors = [];
        if (ruling.Rule.Demand is ImageDemand.Require { Provenance: { } provenance } require)
        {
            parts.Add(ProvenanceRule.Decide(ruling.Subject, provenance, ruling.Rule.Path + ".provenance", claims, policy, revocations, circumstances.Now));
            var source = new SourceQuestion(ruling.Subject, provenance, ruling.Rule.Path, claims, policy, revocations, circumstances.Now);
            if (require.Tagged is { } tagged)
            {
                parts.Add(TaggedRule.Decide(source with { Rule = ruling.Rule.Path + ".tagged" }, tagged));
            }

            if (require.Reviewed is { } reviewed)
            {
                parts.Add(ReviewedRule.Decide(source with { Rule = ruling.Rule.Path + ".reviewed" }, reviewed, out contributors));
            }
        }

        var approved = ruling.Approval is { } needed ? DecideApproved(ruling, needed, contributors, claims, policy, revocations, circumstances) : null;
        if (approved is not null)
        {
            parts.Add(approved.Decision);
        }

        var decided = parts.Count > 0 ? new ImageDecision(Decision.All(parts), approved?.Grant) { NeedsUses = approved?.NeedsUses ?? false } : throw new ArgumentException("the rule asks for no evidence", nameof(ruling));
        claims.Standing.Keep(claims, ruling, policy, revocations, circumstances, decided);
        return decided;
    }

    /// <summary>The refusal of an image whose digest was revoked, whatever its rule says, and Unknown for any digest while the list cannot be read; null for any other.</summary>
    public static Decision? DecideRevoked(string? image, Reading<RevocationList> list)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (!list.Try(out var revocations, out var unread))
        {
            return ImageReference.Read(image) is Reading<ImageReference>.Found({ Digest: not null }) ? Decision.Unknown(unread) : null;
        }

        return !revocations.Artifacts.IsEmpty && ImageReference.Read(image) is Reading<ImageReference>.Found({ Digest: { } digest } reference) && revocations.Artifacts.Contains(digest)
            ? Decision.Deny(new Reason("trust.revocations", $"{reference.Repository}@{digest} was revoked in list {revocations.Number}", "deploy another version"))
            : null;
    }

    private static ImageRuling Rule(ImageReference reference, ImageRule rule, Place place, Policy policy)
    {
        switch (rule.Demand)
        {
            case ImageDemand.Fixed(var verdict):
                var why = new Reason(rule.Path, $"{reference.Repository}: {rule.Why ?? $"the policy answers {verdict} for it"}", verdict == Verdict.Deny ? "use a repository that the policy allows" : null);
                return new ImageRuling.Settled(verdict == Verdict.Allow ? Decision.AllowBecause(why) : new Decision(verdict, [why], []), rule.Mode);
            case ImageDemand.Require(var signed, var pinned) { Approved: var approved, Provenance: var provenance }:
                if (reference.Digest is not { } digest)
                {
                    return new ImageRuling.Settled(
                        Decision.Deny(new Reason(rule.Path, $"{reference} is named by tag, and a tag can move after it was checked", $"deploy it by digest: {reference.Repository}@sha256:…")),
                        rule.Mode);
                }

                var isPinned = pinned is null || pinned.Images.Any(image => image.Repository == reference.Repository && image.Digest == digest);
                if (!isPinned)
                {
                    return new ImageRuling.Settled(
                        Decision.Deny(new Reason(rule.Path + ".pinned", $"{reference.Repository}@{digest} is not among the {pinned!.Images.Length} pinned digests", "deploy a pinned digest, or have this one added to the policy")),
                        rule.Mode);
                }

                NeededApproval? needed = null;
                if (approved is not null)
                {
                    if (string.IsNullOrWhiteSpace(place.Cluster))
                    {
                        return new ImageRuling.Settled(
                            Decision.Unknown(new Reason(rule.Path + ".approved", $"{reference.Repository} must be approved for its environment, and which cluster this is was not said", "name the cluster by the UID of its kube-system namespace (--cluster-uid)")),
                            rule.Mode);
                    }

                    var environment = policy.EnvironmentOf(place.Cluster, place.Namespace);
                    // Where it would run is nowhere that the policy knows, so nobody can say that no approval is needed there.
                    if (environment is null)
                    {
                        return new ImageRuling.Settled(
                            Decision.Deny(new Reason(rule.Path + ".approved", $"{reference.Repository} must be approved for its environment, and the policy names none{In(place)} of this cluster", "deploy it to an environment of the policy, or name the namespace under environments")),
                            rule.Mode);
                    }

                    needed = approved.Environments.IsEmpty || approved.Environments.Contains(environment.Name) ? new(policy.Approvals[approved.Action], approved.CoversTemplate, environment.Name, place) : null;
                }

                return ((object?)signed ?? provenance, needed, pinned) switch
                {
                    (null, null, null) => new ImageRuling.Settled(Decision.AllowBecause(new Reason(rule.Path + ".approved", $"{reference.Repository}@{digest} needs no approval here")), rule.Mode),
                    (null, null, _) => new ImageRuling.Settled(Decision.AllowBecause(new Reason(rule.Path + ".pinned", $"{reference.Repository}@{digest} is pinned")), rule.Mode),
                    _ => new ImageRuling.NeedsEvidence(new(reference.Repository, digest), rule) { Approval = needed },
                };
            default:
                throw new UnreachableException();
        }
    }

    // null: the rule is for environments, and the cluster is not known.
    private static bool? IsIn(ImageRule rule, Place place, Policy policy)
    {
        if (rule.In is not { } scope)
        {
            return true;
        }

        if (scope.Namespaces.Length > 0 && !(place.Namespace is { } name && scope.Namespaces.Contains(name)))
        {
            return false;
        }

        if (scope.Environments.Length == 0)
        {
            return true;
        }

        if (string.IsNullOrWhiteSpace(place.Cluster))
        {
            return null;
        }

        return scope.Environments.Any(environment => policy.Environments[environment].Contains(place.Cluster, place.Namespace));
    }

    private static string In(Place place) => place.Namespace is { } name ? $" in namespace {name}" : "";

    private static ImageDecision DecideApproved(ImageRuling.NeedsEvidence ruling, NeededApproval needed, ImmutableHashSet<string> contributors, Claims claims, Policy policy, RevocationList revocations, Circumstances circumstances)
    {
        var path = ruling.Rule.Path + ".approved";
        var covers = ImmutableArray.Create(new Covered(CoveredKind.Artifact, ruling.Subject.ToString(), ruling.Subject.Digest, default));
        if (needed.CoversTemplate && circumstances.Template is { } template)
        {
            if (!template.Try(out var projected, out var unread))
            {
                return new(Decision.Unknown(unread with { Rule = path }), null);
            }

            covers = covers.Add(projected);
        }

        // What began may go on, unless somebody took it back. A registry that hides that somebody did changes nothing where the revocation list says it.
        var notes = new List<Reason>();
        foreach (var record in circumstances.Admitted.Where(record => record.IsLiveAt(circumstances.Now) && record.Artifacts.Contains(ruling.Subject.Digest) && string.Equals(record.Cluster, needed.Place.Cluster, StringComparison.OrdinalIgnoreCase)))
        {
            var uses = record.Uses.Where(use => use.Action == needed.Rule.Action).ToList();
            var takenBack = uses.Select(use => Quorum.TakenBack(use, claims.HoldsNo ? claims.Approvals : [], needed.Rule, policy, revocations, circumstances.Now)).OfType<string>().FirstOrDefault();
            if (uses.Count > 0 && takenBack is null)
            {
                return new(Decision.AllowBecause(new Reason(path, $"{ruling.Subject} goes on under what was admitted as {record.Id}")), null);
            }

            if (takenBack is not null)
            {
                notes.Add(new(path, $"{ruling.Subject} was admitted as {record.Id}, and {takenBack}"));
            }
        }

        var need = new ApprovalNeed(needed.Rule, path, ruling.Subject.ToString(), covers, needed.Environment, needed.Place.Cluster, needed.Place.Namespace, circumstances.Workload) { Difference = circumstances.Difference, Wrote = contributors };
        var decided = DecideFresh(need, claims, policy, revocations, circumstances);
        return decided.Grant is not null ? decided : decided with { Decision = decided.Decision with { Notes = [.. decided.Decision.Notes, .. notes] } };
    }

    /// <summary>Decides what must be approved afresh, such as a whole object or a session.</summary>
    /// <param name="need">What must be approved.</param>
    /// <param name="claims">What is known of its document.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="circumstances">The time, and what was revoked and used.</param>
    public static ImageDecision Decide(ApprovalNeed need, Claims claims, Policy policy, Circumstances circumstances)
    {
        ArgumentNullException.ThrowIfNull(need);
        ArgumentNullException.ThrowIfNull(claims);
        ArgumentNullException.ThrowIfNull(circumstances);
        return circumstances.Revocations.Try(out var revocations, out var unread)
            ? DecideFresh(need, claims, policy, revocations, circumstances)
            : new(Decision.Unknown(unread with { Rule = need.Path }), null);
    }

    private static ImageDecision DecideFresh(ApprovalNeed need, Claims claims, Policy policy, RevocationList revocations, Circumstances circumstances)
    {
        if (circumstances.Uses is not { } uses)
        {
            return new(Decision.Unknown(new Reason(need.Path, $"how often the approvals of {need.What} were used was not asked", "try again")), null) { NeedsUses = true };
        }

        if (!uses.Try(out var used, out var unknown))
        {
            return new(Decision.Unknown(unknown with { Rule = need.Path }), null);
        }

        var outcome = Quorum.Decide(need, claims.Approvals, policy, revocations, used, circumstances.Now);

        // A rejection or a withdrawal may stand in what could not be read, and so may an approval.
        return claims.Unread.IsEmpty
            ? new(outcome.Decision, outcome.Grant)
            : new(new(Verdict.Unknown, [.. claims.Unread.Select(reason => reason with { Rule = need.Path, Message = $"{need.What}: {reason.Message}" })], outcome.Decision.Reasons), null);
    }
}
