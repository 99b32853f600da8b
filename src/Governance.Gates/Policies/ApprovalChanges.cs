using System.Globalization;

namespace Governance.Gates.Policies;

/// <summary>What changes in who must agree to what, and in what no longer counts.</summary>
internal static class ApprovalChanges
{
    public static void Compare(PolicyChanges changes)
    {
        foreach (var (action, was, now) in PolicyChanges.Pairs(changes.Older.Approvals, changes.Newer.Approvals))
        {
            var path = $"approvals.{action}";
            if (now is null)
            {
                changes.Weaker(path, "is gone: nobody has to agree to it", []);
            }
            else if (was is null)
            {
                CompareNew(changes, path, now);
            }
            else
            {
                CompareRules(changes, path, was, now);
            }
        }

        CompareRevocations(changes);
        CompareLedgerRecovery(changes, changes.Older.LedgerRecovery, changes.Newer.LedgerRecovery);
    }

    // Who agrees under an action that stays is compared with the action.
    private static void CompareLedgerRecovery(PolicyChanges changes, ApprovalRule? was, ApprovalRule? now)
    {
        const string Path = "ledger.recover";
        if (was is not null && now is null)
        {
            changes.Stronger(Path, "is gone: nobody may let a damaged ledger go on");
        }
        else if (now is not null && was?.Action != now.Action)
        {
            changes.Weaker(Path, $"{was?.Action ?? "nobody"} becomes {now.Action}: {string.Join(" and ", now.Require)} may let a damaged ledger go on", changes.Ids(now));
        }
    }

    // An action is asked for by a rule, which is compared itself; but where nobody could change the policy, somebody now can.
    private static void CompareNew(PolicyChanges changes, string path, ApprovalRule rule)
    {
        if (rule.Action is ApprovalRule.PolicyChange or ApprovalRule.PolicyWeakening)
        {
            changes.Weaker(path, $"is new: {string.Join(" and ", rule.Require)} can agree to what nobody could before", changes.Ids(rule));
        }
        else
        {
            changes.Neutral(path, "is new");
        }
    }

    private static void CompareRules(PolicyChanges changes, string path, ApprovalRule was, ApprovalRule now)
    {
        foreach (var role in was.Require.Concat(now.Require).Select(slot => slot.Role).Distinct().Order(StringComparer.Ordinal))
        {
            // Who is left in the quorum needs fewer others.
            var (before, after) = (Count(was, role), Count(now, role));
            changes.Scale(before.CompareTo(after), path + ".require", $"{before} {role}", $"{after} {role}", changes.Ids(now));
        }

        changes.Scale(now.UseBy.CompareTo(was.UseBy), path + ".useBy", Shown(was.UseBy), Shown(now.UseBy), []);
        changes.Scale((now.RunUntil ?? TimeSpan.MaxValue).CompareTo(was.RunUntil ?? TimeSpan.MaxValue), path + ".runUntil", Shown(was.RunUntil), Shown(now.RunUntil), []);
        changes.Scale((now.MaxUses ?? long.MaxValue).CompareTo(was.MaxUses ?? long.MaxValue), path + ".maxUses", Shown(was.MaxUses), Shown(now.MaxUses), []);
    }

    private static void CompareRevocations(PolicyChanges changes)
    {
        const string Path = "trust.revocations";
        switch (changes.Older.Revocations, changes.Newer.Revocations)
        {
            case (null, null):
                break;
            case (null, { } now):
                changes.Stronger(Path, $"is new: what {now.From} lists counts no more");
                break;
            case ({ } was, null):
                changes.Weaker(Path, $"is gone: what {was.From} lists counts again", []);
                break;
            case ({ } was, { } now):
                if (was.From != now.From)
                {
                    changes.Weaker(Path + ".from", $"{was.From} becomes {now.From}: another list", []);
                }

                changes.Scale(now.MaxAge.CompareTo(was.MaxAge), Path + ".maxAge", Shown(was.MaxAge), Shown(now.MaxAge), []);

                // A list that nobody else signs any more is older than it may be, and then nothing can be told.
                changes.Signers(Path + ".by", was.By, now.By);
                break;
        }
    }

    private static int Count(ApprovalRule rule, string role) => rule.Require.Where(slot => slot.Role == role).Sum(slot => slot.Count);

    private static string Shown(TimeSpan? time) => time switch
    {
        null => "without end",
        { Ticks: var ticks } when ticks % TimeSpan.TicksPerDay == 0 => string.Create(CultureInfo.InvariantCulture, $"{ticks / TimeSpan.TicksPerDay}d"),
        { Ticks: var ticks } => string.Create(CultureInfo.InvariantCulture, $"{ticks / TimeSpan.TicksPerSecond}s"),
    };

    private static string Shown(long? uses) => uses?.ToString(CultureInfo.InvariantCulture) ?? "any number";
}
