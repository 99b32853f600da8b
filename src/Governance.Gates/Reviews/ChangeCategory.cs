using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Identities;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>The kind of a change to a repository.</summary>
public enum ChangeCategory
{
    /// <summary>It was approved before: it may happen at any time.</summary>
    Standard,

    /// <summary>It may happen in the windows of the policy.</summary>
    Normal,

    /// <summary>It cannot wait: fewer let it in, and others look at it afterwards.</summary>
    Emergency,
}

/// <summary>Which kind of change a pull request is, and what that means for it.</summary>
/// <remarks>
/// Nothing that its author says decides. A standard change is one by its paths. An emergency is one by a label that somebody set whose approval the emergency needs: an approval that was
/// given to a normal change does not become one to an emergency because another person sets a label. What guards the repository is never changed but by a normal change.
/// </remarks>
/// <param name="Category">The kind.</param>
/// <param name="Emergency">What it needs, and who says that it is one; null where it is none.</param>
/// <param name="Decision">What is to be said about its kind and its time.</param>
internal sealed record CategoryRuling(ChangeCategory Category, (EmergencyRule Rule, Person By)? Emergency, Decision Decision)
{
    private const string Rule = "changes";
    private const int MostShown = 5;

    // What decides about the next change: the policy by its usual name in whatever folder, who owns what, and what runs with the forge's rights.
    private static readonly ImmutableArray<PathPattern> Guards = [.. ((string[])[.. Codeowners.Locations, "**/governance.yaml", ".github/workflows/**", ".github/actions/**"]).Select(text => PathPattern.TryParse(text, out _)!)];

    /// <summary>The kind of a pull request; null where the policy tells none apart.</summary>
    /// <param name="request">The pull request.</param>
    /// <param name="policy">The policy; it has rules for reviews.</param>
    /// <param name="approvers">Who counts.</param>
    /// <param name="now">The time at which it would be merged, where it is not merged yet.</param>
    public static CategoryRuling? Of(PullRequest request, Policy policy, Approvers approvers, DateTimeOffset now)
    {
        if (policy.Changes is not { } settings)
        {
            return null;
        }

        var doubt = Decision.Allow;
        if (settings.Emergency is { } emergency && request.Labels.Where(label => string.Equals(label.Name, emergency.Label, StringComparison.OrdinalIgnoreCase)).ToList() is [_, ..] labels)
        {
            var guard = Guard(request);
            if (guard is null && labels is [{ By: { IsRobot: false } account }] && policy.PersonOf(new Identity.GitHubAccount(account.Id)) is { } person && approvers.MayCount(person.Name) && emergency.Require.Any(slot => policy.Roles[slot.Role].People.Contains(person.Name)))
            {
                return new(ChangeCategory.Emergency, (emergency, person), Decision.Allow);
            }

            // It is judged as what it is without the label, and nobody wonders why.
            var why = guard is not null ? $"it changes {OneLine.Show(guard)}, which guards the repository or may stand for what does" : labels is [{ By: { } setter }] ? $"{setter.Login} set it, who could not approve one" : "who set it is not known";
            doubt = Decision.Warn(new Reason($"{Rule}.emergency", $"the label '{emergency.Label}' makes no emergency of it, since {why}", guard is not null ? "change that in a pull request of its own" : $"have the label taken off, and set by one who approves it: {string.Join(" and ", emergency.Require)}"));
        }

        if (IsStandard(request, policy.Review!, settings))
        {
            return new(ChangeCategory.Standard, null, doubt);
        }

        return new(ChangeCategory.Normal, null, Decision.All(doubt, InWindow(settings, request.MergedAt ?? now)));
    }

    /// <summary>What is to follow an emergency, and what stands in its way when that does not come.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="mergedAt">When it was merged; null where it is not yet.</param>
    /// <param name="reviewed">Whether enough others approved it besides those who let it in.</param>
    /// <param name="besides">What is asked of those others besides.</param>
    /// <param name="now">The time.</param>
    public static Decision Afterwards(EmergencyRule rule, DateTimeOffset? mergedAt, Fit reviewed, string besides, DateTimeOffset now)
    {
        var who = $"{string.Join(" and ", rule.Review)} besides those who let it in{besides}";
        if (reviewed == Fit.Yes)
        {
            return Decision.AllowBecause(new Reason($"{Rule}.emergency.review", $"an emergency, approved by {who}"));
        }

        if (mergedAt is not { } merged)
        {
            return Decision.Warn(new Reason($"{Rule}.emergency.review", $"an emergency: {who} must approve it within {Shown(rule.Within)} of the merge", "have the head commit approved, before the merge or after it"));
        }

        var due = DateTimeOffset.MaxValue - merged > rule.Within ? merged + rule.Within : DateTimeOffset.MaxValue;
        var reason = new Reason($"{Rule}.emergency.review", $"an emergency: {who} must approve it by {Shown(due)}", "have the head commit approved");
        return now <= due ? Decision.Warn(reason)
            : reviewed == Fit.No ? Decision.Deny(reason with { Message = $"{reason.Message}, and did not" })
            : Decision.Unknown(reason with { Message = $"{reason.Message}, and whether they did depends on a team that could not be read", Remedy = "let the gate read the teams of the policy's roles" });
    }

    private static string? Guard(PullRequest request) => request.Files.SelectMany(file => file.Paths.Where(path => file.StandsForOthers || Guards.Any(guard => guard.Matches(path)))).FirstOrDefault();

    // What stands for others may be any path. Files that are not known may be too, and then nothing is allowed anyway.
    private static bool IsStandard(PullRequest request, ReviewSettings review, ChangeSettings settings) =>
        !request.Files.IsEmpty
        && Guard(request) is null
        && request.Files.All(file => file.Paths.All(path => settings.PreApproved.Any(pattern => pattern.Matches(path)) && !review.Paths.Any(rule => rule.Paths.Any(pattern => pattern.Matches(path)))))
        && !review.Values.Any(rule => ValueChange.IsTouched(request, rule));

    private static Decision InWindow(ChangeSettings settings, DateTimeOffset at)
    {
        if (settings.Windows.IsEmpty || settings.Windows.Any(window => window.Contains(at)))
        {
            return Decision.Allow;
        }

        var next = settings.Windows.Select(window => window.NextAfter(at)).OfType<DateTimeOffset>().Select(opens => (DateTimeOffset?)opens).Min();
        var windows = $"{string.Join(", ", settings.Windows.Take(MostShown))}{(settings.Windows.Length > MostShown ? ", and others" : "")}";
        return Decision.Deny(new Reason($"{Rule}.normal.windows", $"a normal change may be merged {windows} (UTC), and it is {at.UtcDateTime.ToString("ddd", CultureInfo.InvariantCulture)} {Shown(at)}", next is { } opening ? $"run the gate again and merge from {opening.UtcDateTime.ToString("ddd", CultureInfo.InvariantCulture)} {Shown(opening)} on" : "have the policy changed"));
    }

    private static string Shown(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string Shown(TimeSpan span) => span.Ticks % TimeSpan.TicksPerDay == 0 && span.TotalDays > 2
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays} days")
        : span.Ticks % TimeSpan.TicksPerHour == 0 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours} h") : string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.##} min");
}
