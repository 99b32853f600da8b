using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>What has to be read beside a pull request so that a policy can judge it. More does no harm, and what is missing is "could not tell".</summary>
public static class ReviewInputs
{
    /// <summary>The files of the two commits whose bytes matter: CODEOWNERS wherever it may lie, and those that <c>review.values</c> looks into.</summary>
    /// <param name="request">Its changed files must be known.</param>
    /// <param name="settings">The policy's rules.</param>
    public static ImmutableArray<(Side Side, string Path)> Contents(PullRequest request, ReviewSettings settings)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(settings);
        var ownersTouched = request.Files.Any(file => file.Paths.Any(Codeowners.Locations.Contains));
        var values = settings.Values.Where(rule => ValueChange.IsTouched(request, rule)).Select(rule => rule.File).Distinct(StringComparer.Ordinal).ToList();
        return
        [
            .. Codeowners.Locations.Concat(values).Distinct(StringComparer.Ordinal).Select(path => (Side.Base, path)),
            .. (ownersTouched ? Codeowners.Locations : []).Concat(values).Distinct(StringComparer.Ordinal).Select(path => (Side.Head, path)),
        ];
    }

    /// <summary>Who owns a changed path by CODEOWNERS of the base commit, where a rule asks for owners.</summary>
    /// <param name="request">Its changed files and the contents of the base commit must be known.</param>
    /// <param name="settings">The policy's rules.</param>
    public static ImmutableArray<CodeOwner> Owners(PullRequest request, ReviewSettings settings)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(settings);
        return OwnersOfBase.AsksForOwners(settings) && OwnersOfBase.Find(request, Side.Base).Try(out var owners, out _)
            ? [.. request.Files.SelectMany(file => file.Paths).Select(path => owners.Decide(path)).OfType<CodeownersRule>().Distinct().SelectMany(rule => rule.Owners).Distinct()]
            : [];
    }

    /// <summary>The teams whose members matter: those that narrow a role that a rule asks for, and those that own a changed path.</summary>
    /// <param name="request">As for <see cref="Owners"/>.</param>
    /// <param name="policy">The policy; it has rules for reviews.</param>
    public static ImmutableArray<string> Teams(PullRequest request, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var settings = policy.Review!;
        IEnumerable<RoleCount> slots =
        [
            .. settings.Paths.SelectMany(rule => rule.Demand is ReviewDemand.Roles(var require) ? require : []),
            .. settings.Values.SelectMany(rule => rule.Test is ValueTest.Moved(_, var require) ? require : []),
            .. policy.Changes?.Emergency is { } emergency ? [.. emergency.Require, .. emergency.Review] : (RoleCount[])[],
        ];
        return [.. slots.SelectMany(slot => policy.Roles[slot.Role].GitHubTeams).Concat(Owners(request, settings).OfType<CodeOwner.Team>().Select(team => team.Name)).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>The reviewers whose permission matters: who asks for changes, and who approved the head commit and is somebody in the policy.</summary>
    public static ImmutableArray<Account> Reviewers(PullRequest request, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        return
        [
            .. request.Reviews
                .Where(review => review.User is { IsRobot: false } user && (review.State == "CHANGES_REQUESTED" || (review.State == "APPROVED" && review.Commit == request.HeadSha && policy.PersonOf(new Identity.GitHubAccount(user.Id)) is not null)))
                .Select(review => review.User!)
                .DistinctBy(user => user.Id),
        ];
    }
}
