using System.Collections.Immutable;
using System.Globalization;

namespace Governance.Gates.Policies;

/// <summary>What changes in what pull requests need.</summary>
internal static class ReviewChanges
{
    public static void Compare(PolicyChanges changes)
    {
        if (changes.Older.Review is null || changes.Newer.Review is null)
        {
            if (changes.Older.Review is not null)
            {
                changes.Weaker("review", "is gone: nothing is asked of pull requests", []);
            }
            else if (changes.Newer.Review is not null)
            {
                changes.Stronger("review", "is new");
            }

            return;
        }

        var (was, now) = (changes.Older.Review, changes.Newer.Review);
        changes.Scale(was.OwnersRequired.CompareTo(now.OwnersRequired), "review.codeowners.required", Word(was.OwnersRequired), Word(now.OwnersRequired), []);
        changes.Scale(was.OwnersMistakes.CompareTo(now.OwnersMistakes), "review.codeowners.mistakes", was.OwnersMistakes.ToString().ToLowerInvariant(), now.OwnersMistakes.ToString().ToLowerInvariant(), []);
        changes.Scale(was.Approvals.CompareTo(now.Approvals), "review.approvals.default", was.Approvals.ToString(CultureInfo.InvariantCulture), now.Approvals.ToString(CultureInfo.InvariantCulture), []);
        changes.Words(
            "review.exclude",
            was.Exclude.Select(ReviewRules.Word),
            now.Exclude.Select(ReviewRules.Word),
            (PolicyChangeKind.Stronger, "may approve no more"),
            (PolicyChangeKind.Weaker, "may approve"));
        CompareRules(changes, "review.branches", was.Branches.SelectMany(Demands), now.Branches.SelectMany(Demands));
        CompareRules(changes, "review.tags", was.Tags.SelectMany(Demands), now.Tags.SelectMany(Demands));
        foreach (var name in was.Branches.Concat(now.Branches).Select(branch => branch.Name).Distinct())
        {
            ComparePrefixes(changes, $"review.branches.{name}.prefixes", Of(was), Of(now));

            ImmutableArray<string> Of(ReviewSettings settings) => settings.Branches.FirstOrDefault(branch => branch.Name == name)?.Prefixes ?? [];
        }

        CompareRules(changes, "review.paths", was.Paths.Select(rule => (Shown(rule), rule.Why)), now.Paths.Select(rule => (Shown(rule), rule.Why)));
        CompareRules(changes, "review.values", was.Values.Select(rule => (Shown(rule), rule.Why)), now.Values.Select(rule => (Shown(rule), rule.Why)));
        if (was.Commits != now.Commits)
        {
            // Signed statements count wherever they lie, but whoever looks for one looks there.
            changes.Add(was.Commits is null ? PolicyChangeKind.Neutral : PolicyChangeKind.Weaker, "review.commits", $"{was.Commits?.ToString() ?? "nothing"} becomes {now.Commits?.ToString() ?? "nothing"}", []);
        }

        CompareRules(changes, "review.evidence", was.Evidence.Select(rule => (Shown(rule), rule.Why)), now.Evidence.Select(rule => (Shown(rule), rule.Why)));
    }

    // Another beginning lets more in; where none is asked, every one does.
    private static void ComparePrefixes(PolicyChanges changes, string path, ImmutableArray<string> was, ImmutableArray<string> now)
    {
        if (was.Order(StringComparer.Ordinal).SequenceEqual(now.Order(StringComparer.Ordinal)))
        {
            return;
        }

        var isWeaker = now.IsEmpty || (!was.IsEmpty && now.Except(was).Any());
        changes.Add(isWeaker ? PolicyChangeKind.Weaker : PolicyChangeKind.Stronger, path, $"{Shown(was)} becomes {Shown(now)}", []);

        static string Shown(ImmutableArray<string> prefixes) => prefixes.IsEmpty ? "any" : string.Join(", ", prefixes);
    }

    // Every rule that matches must hold: another one asks for more, and one that is gone for less. A rule that differs is both.
    private static void CompareRules(PolicyChanges changes, string path, IEnumerable<(string Rule, string? Why)> was, IEnumerable<(string Rule, string? Why)> now)
    {
        ImmutableArray<(string Rule, string? Why)> before = [.. was], after = [.. now];
        foreach (var (rule, _) in before.Where(rule => !after.Any(other => other.Rule == rule.Rule)))
        {
            changes.Weaker(path, $"{rule} is asked for no more as it was", []);
        }

        foreach (var (rule, _) in after.Where(rule => !before.Any(other => other.Rule == rule.Rule)))
        {
            changes.Stronger(path, $"{rule} is asked for");
        }

        // Reasons decide nothing.
        foreach (var (rule, why) in after.Where(rule => before.Any(other => other.Rule == rule.Rule) && !before.Contains(rule)))
        {
            changes.Neutral(path, $"{rule}: the reason is {why ?? "gone"}");
        }
    }

    // Each demand is a rule of its own: one more asks for more. A branch of fewer merge methods asks for more too, and one of others is both.
    private static IEnumerable<(string Rule, string? Why)> Demands(BranchRule branch)
    {
        IEnumerable<string> demands =
        [
            .. branch.BlocksDirectPush ? (string[])["no direct push"] : [],
            .. branch.BlocksForcePush ? (string[])["no force push"] : [],
            .. branch.BlocksDeletion ? (string[])["no deletion"] : [],
            .. Enumerable.Range(1, (int)branch.Reviewers).Select(count => string.Create(CultureInfo.InvariantCulture, $"reviewer {count}")),
            .. branch.NeedsCodeOwner ? (string[])["a code owner"] : [],
            .. branch.DismissesStale ? (string[])["no stale approval"] : [],
            .. branch.NeedsLastPushApproval ? (string[])["approval of the last push"] : [],
            .. branch.NeedsSignatures ? (string[])["signed commits"] : [],
            .. branch.NeedsMergeQueue ? (string[])["the merge queue"] : [],
            .. branch.ResolvesThreads ? (string[])["resolved conversations"] : [],
            .. branch.Merge.IsEmpty ? [] : ((string[])["merge", "squash", "rebase"]).Except(branch.Merge).Select(method => $"no merge by {method}"),
            .. branch.Checks.SelectMany(check => (string[])[$"the check {check.Name}", .. check.App is { } app ? (string[])[string.Create(CultureInfo.InvariantCulture, $"the check {check.Name} of app {app}")] : []]),
        ];
        return demands.Select(demand => ($"{demand} on {branch.Name}", (string?)null));
    }

    private static IEnumerable<(string Rule, string? Why)> Demands(TagRule tag)
    {
        IEnumerable<string> demands =
        [
            .. tag.RestrictsCreation ? (string[])["restricted creation"] : [],
            .. tag.BlocksUpdate ? (string[])["no move"] : [],
            .. tag.BlocksDeletion ? (string[])["no deletion"] : [],
        ];
        return demands.Select(demand => ($"{demand} of tags {tag.Names}", (string?)null));
    }

    private static string Shown(PathRule rule) => $"{rule.Demand} on {Shown(rule.Paths)}";

    private static string Shown(EvidenceRule rule) => $"{Shown(rule.Files)} with {Shown(rule.Paths)}";

    private static string Shown(ValueRule rule) => rule.Test switch
    {
        ValueTest.Moved(var move, var require) => $"{string.Join(" and ", require.OrderBy(slot => slot.Role, StringComparer.Ordinal))} when {rule.At} of {rule.File} {move.ToString().ToLowerInvariant()}",
        ValueTest.Must(var least, var most) => string.Create(CultureInfo.InvariantCulture, $"{(least is null ? "" : $"at least {least} ")}{(most is null ? "" : $"at most {most} ")}at {rule.At} of {rule.File}"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string Shown(ImmutableArray<PathPattern> patterns) => string.Join(", ", patterns.Select(pattern => pattern.Text).Order(StringComparer.Ordinal));

    private static string Word(bool value) => value ? "true" : "false";
}
