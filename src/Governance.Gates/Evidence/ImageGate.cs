using System.Collections.Immutable;
using System.Diagnostics;
using Governance.Gates.Images;
using Governance.Gates.Policies;

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

    /// <summary>Decided without looking at evidence.</summary>
    /// <param name="Decision">The decision.</param>
    /// <param name="Mode">The mode of the rule that decided; enforce where no rule did.</param>
    public sealed record Settled(Decision Decision, Mode Mode) : ImageRuling;

    /// <summary>The rule asks for evidence about this subject.</summary>
    /// <param name="Subject">The image, by digest.</param>
    /// <param name="Rule">The rule that matched first.</param>
    public sealed record NeedsEvidence(Subject Subject, ImageRule Rule) : ImageRuling;
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
                            return Rule(reference, rule);
                        case null:
                            return new ImageRuling.Settled(
                                Decision.Unknown(new Reason(rule.Path, $"{reference.Repository} matches a rule for environments, and which cluster this is was not said", "name the cluster by the UID of its kube-system namespace (--cluster-uid)")),
                                rule.Mode);
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
    /// <param name="now">The time of the decision.</param>
    public static Decision Decide(ImageRuling.NeedsEvidence ruling, Claims claims, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(ruling);
        ArgumentNullException.ThrowIfNull(claims);
        return ruling.Rule.Demand is ImageDemand.Require { Signed: { } signed }
            ? DecideSigned(ruling.Subject, signed, ruling.Rule.Path + ".signed", claims, policy, now)
            : throw new ArgumentException("the rule asks for no evidence", nameof(ruling));
    }

    private static ImageRuling Rule(ImageReference reference, ImageRule rule)
    {
        switch (rule.Demand)
        {
            case ImageDemand.Fixed(var verdict):
                var why = new Reason(rule.Path, $"{reference.Repository}: {rule.Why ?? $"the policy answers {verdict} for it"}", verdict == Verdict.Deny ? "use a repository that the policy allows" : null);
                return new ImageRuling.Settled(verdict == Verdict.Allow ? Decision.AllowBecause(why) : new Decision(verdict, [why], []), rule.Mode);
            case ImageDemand.Require(var signed, var pinned):
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

                return signed is null
                    ? new ImageRuling.Settled(Decision.AllowBecause(new Reason(rule.Path + ".pinned", $"{reference.Repository}@{digest} is pinned")), rule.Mode)
                    : new ImageRuling.NeedsEvidence(new(reference.Repository, digest), rule);
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

        return scope.Environments.Select(environment => policy.Environments[environment]).Any(environment =>
            environment.Clusters.Contains(place.Cluster, StringComparer.OrdinalIgnoreCase) && place.Namespace is { } inside && (environment.Namespaces.Contains(inside) || environment.Namespaces.Contains("*")));
    }

    private static string In(Place place) => place.Namespace is { } name ? $" in namespace {name}" : "";

    private static Decision DecideSigned(Subject subject, SignedRequirement required, string rule, Claims claims, Policy policy, DateTimeOffset now)
    {
        var why = ImmutableArray.CreateBuilder<Reason>();
        foreach (var claim in claims.Proven.Where(claim => claim.IsSignature))
        {
            if (claim.Names is { } named && required.Repository == SignedRepository.Same && !IsSameRepository(claim.Repository, subject.Repository, required.Mirrors))
            {
                why.Add(new(rule, $"{subject}: the signature in {claim.Where} is for {Printed(named)}, not for {subject.Repository}", "sign the image in the repository from which it is deployed, or name the other under mirrors"));
                continue;
            }

            foreach (var signer in claim.Signers)
            {
                var (name, mistake) = policy.Accept(signer, required.By, now);
                if (mistake is null)
                {
                    return Decision.AllowBecause(new Reason(rule, $"{subject} is signed by {name} ({claim.Where}, {claim.Evidence})"));
                }

                why.Add(new(rule, $"{subject} is signed by {name}, {mistake}", $"have it signed by {required.By}"));
            }
        }

        foreach (var refused in claims.Refused)
        {
            why.Add(new(rule, $"{subject}: {refused.Where}: {refused.Detail} ({refused.Code})", $"have it signed by {required.By}"));
        }

        // While something could not be read, a missing signature proves nothing: it may be there.
        if (claims.Unread.Length > 0)
        {
            return new(Verdict.Unknown, [.. claims.Unread.Select(reason => reason with { Rule = rule, Message = $"{subject}: {reason.Message}" })], why.ToImmutable());
        }

        if (why.Count == 0)
        {
            why.Add(new(
                rule,
                $"{subject} has no signature",
                $"have it signed by {required.By} (gates sign or cosign sign); where the digest is one platform of a signed index, deploy the index's digest or sign this one too"));
        }

        return new(Verdict.Deny, why.ToImmutable(), []);
    }

    private static bool IsSameRepository(Repository? named, Repository repository, ImmutableArray<RepositoryPattern> mirrors) =>
        named is not null && (named == repository || mirrors.Any(mirror => mirror.Matches(named)));

    // Signed by somebody whom the policy trusts, and still not text that may break a line.
    private static string Printed(string text) => string.Concat(text.Take(255).Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
