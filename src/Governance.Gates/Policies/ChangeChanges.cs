namespace Governance.Gates.Policies;

/// <summary>What changes in the kinds of change, and in when they may happen.</summary>
internal static class ChangeChanges
{
    private static readonly ChangeSettings None = new();

    public static void Compare(PolicyChanges changes)
    {
        var (was, now) = (changes.Older.Changes ?? None, changes.Newer.Changes ?? None);
        changes.Words(
            "changes.standard.preApproved",
            was.PreApproved.Select(pattern => pattern.Text),
            now.PreApproved.Select(pattern => pattern.Text),
            (PolicyChangeKind.Weaker, "may change at any time"),
            (PolicyChangeKind.Stronger, "may change in windows only"));
        CompareWindows(changes, was, now);
        CompareEmergencies(changes, was.Emergency, now.Emergency);
    }

    // No window is any time.
    private static void CompareWindows(PolicyChanges changes, ChangeSettings was, ChangeSettings now)
    {
        const string Path = "changes.normal.windows";
        if (was.Windows.IsEmpty != now.Windows.IsEmpty)
        {
            changes.Scale(now.Windows.IsEmpty ? 1 : -1, Path, Shown(was), Shown(now), []);
            return;
        }

        changes.Words(Path, was.Windows.Select(window => window.Text), now.Windows.Select(window => window.Text), (PolicyChangeKind.Weaker, "is a window"), (PolicyChangeKind.Stronger, "is no window any more"));
    }

    // An emergency goes around windows and counts: another one than before is a way that was not there.
    private static void CompareEmergencies(PolicyChanges changes, EmergencyRule? was, EmergencyRule? now)
    {
        const string Path = "changes.emergency";
        if (was is not null && now is null)
        {
            changes.Stronger(Path, "there are no emergencies any more");
        }
        else if (now is not null && (was is null || Shown(was) != Shown(now)))
        {
            changes.Weaker(Path, $"{(was is null ? "nothing" : Shown(was))} becomes {Shown(now)}", changes.Ids(now.Require.SelectMany(slot => changes.Newer.Roles.GetValueOrDefault(slot.Role)?.People ?? [])));
        }
    }

    private static string Shown(ChangeSettings settings) => settings.Windows.IsEmpty ? "any time" : string.Join(", ", settings.Windows);

    private static string Shown(EmergencyRule rule) =>
        $"{string.Join(" and ", rule.Require.OrderBy(slot => slot.Role, StringComparer.Ordinal))} by the label '{rule.Label}', reviewed by {string.Join(" and ", rule.Review.OrderBy(slot => slot.Role, StringComparer.Ordinal))} within {rule.Within}";
}
