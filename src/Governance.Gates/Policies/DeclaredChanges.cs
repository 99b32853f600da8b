using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>What changes in sessions, declared objects and where approvals of them wait.</summary>
internal static class DeclaredChanges
{
    public static void Compare(PolicyChanges changes)
    {
        var (was, now) = (changes.Older.Admission, changes.Newer.Admission);
        if (was.Statements != now.Statements)
        {
            // A "no" that waits in the old place is seen no more.
            changes.Add(was.Statements is null ? PolicyChangeKind.Neutral : PolicyChangeKind.Weaker, "admission.statements", $"{was.Statements?.ToString() ?? "nothing"} becomes {now.Statements?.ToString() ?? "nothing"}", []);
        }

        CompareSessions(changes, "admission.sessions.exec", was.Sessions.Exec, now.Sessions.Exec);
        CompareSessions(changes, "admission.sessions.attach", was.Sessions.Attach, now.Sessions.Attach);
        CompareSessions(changes, "admission.sessions.portForward", was.Sessions.PortForward, now.Sessions.PortForward);

        // Every rule that matches must hold: another one asks for more, and one less for less.
        foreach (var rule in was.Objects.Where(rule => !now.Objects.Any(other => AsksAsMuch(other, rule))))
        {
            changes.Weaker("admission.objects", $"{Shown(rule)} is asked for no more as it was", []);
        }

        foreach (var rule in now.Objects.Where(rule => !was.Objects.Any(other => AsksAsMuch(other, rule))))
        {
            changes.Stronger("admission.objects", $"{Shown(rule)} is asked for");
        }
    }

    private static void CompareSessions(PolicyChanges changes, string path, SessionRule was, SessionRule now)
    {
        if (was is SessionRule.Require(var before) && now is SessionRule.Require(var after))
        {
            foreach (var role in before.Require.Concat(after.Require).Select(slot => slot.Role).Distinct().Order(StringComparer.Ordinal))
            {
                var (fewer, more) = (Count(before, role), Count(after, role));
                changes.Scale(fewer.CompareTo(more), path, $"{fewer} {role}", $"{more} {role}", changes.Ids(after));
            }

            return;
        }

        changes.Scale(Strictness(was).CompareTo(Strictness(now)), path, Word(was), Word(now), now is SessionRule.Require(var rule) ? changes.Ids(rule) : []);
    }

    // A refusal asks for more than a quorum, and that for more than a warning.
    private static int Strictness(SessionRule rule) => rule switch
    {
        SessionRule.Fixed(Verdict.Allow) => 0,
        SessionRule.Fixed(Verdict.Warn) => 1,
        SessionRule.Require => 2,
        _ => 3,
    };

    private static string Word(SessionRule rule) => rule switch
    {
        SessionRule.Require(var approval) => string.Join(" and ", approval.Require),
        SessionRule.Fixed(Verdict.Allow) => "allow",
        SessionRule.Fixed(Verdict.Warn) => "warn",
        _ => "deny",
    };

    private static bool AsksAsMuch(DeclaredObject one, DeclaredObject other) =>
        one.Resource == other.Resource
        && other.Names.All(one.Names.Contains)
        && one.Approved.Action == other.Approved.Action
        && (one.ValuesAsInReviews || !other.ValuesAsInReviews)
        && Holds(one.In?.Namespaces, other.In?.Namespaces)
        && Holds(one.In?.Environments, other.In?.Environments)
        && Holds(one.Approved.Environments, other.Approved.Environments);

    // Nothing named is everywhere.
    private static bool Holds(ImmutableArray<string>? one, ImmutableArray<string>? other) =>
        one is null or { IsEmpty: true } || (other is { IsEmpty: false } narrower && narrower.All(one.Value.Contains));

    private static int Count(ApprovalRule rule, string role) => rule.Require.Where(slot => slot.Role == role).Sum(slot => slot.Count);

    private static string Shown(DeclaredObject rule) => $"{rule.Approved.Action} of {rule.Resource} {string.Join(", ", rule.Names)}{(rule.ValuesAsInReviews ? ", with values as in reviews," : "")}";
}
