using System.Collections.Immutable;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>Do the forge's rulesets protect tags as the policy asks?</summary>
/// <remarks>Who may bypass a ruleset that restricts creation is who may create; of one that blocks moves or deletion it is who may do those. So one ruleset for both lets whoever tags releases also move them.</remarks>
internal static class TagAudit
{
    public static IEnumerable<BranchFinding> Findings(BranchSnapshot snapshot, ImmutableArray<TagRule> rules)
    {
        foreach (var rule in rules)
        {
            if (rule.RestrictsCreation)
            {
                yield return Of(snapshot, rule, "creation", $"not everybody may create tags {rule.Names}", mayBypass: true);
            }

            if (rule.BlocksUpdate)
            {
                yield return Of(snapshot, rule, "update", $"nobody moves tags {rule.Names} in place", mayBypass: false);
            }

            if (rule.BlocksDeletion)
            {
                yield return Of(snapshot, rule, "deletion", $"nobody deletes tags {rule.Names}", mayBypass: false);
            }
        }
    }

    private static BranchFinding Of(BranchSnapshot snapshot, TagRule rule, string type, string what, bool mayBypass)
    {
        var path = $"{rule.Path}.{type}";
        return new(path, what, Decide());

        Decision Decide()
        {
            if (snapshot.TagRulesets is not { } reading)
            {
                return Decision.Unknown(new Reason(path, $"{what}: the snapshot says nothing of tags", "write it anew"));
            }

            if (!reading.Try(out var rulesets, out var why))
            {
                return Decision.Unknown(why with { Rule = path, Message = $"{what}: {why.Message}" });
            }

            var decisions = rulesets.Where(ruleset => ruleset.Rules.Contains(type) && ruleset.Covers(rule.Names)).Select(Judge).ToList();
            return decisions is [var first, .. var others]
                ? Decision.AnyOf(first, others)
                : Decision.Deny(new Reason(path, $"{what}: no ruleset that is surely for all of them says so", $"add a ruleset of tags for {rule.Names}, without exclusions, that restricts this"));
        }

        Decision Judge(TagGuard ruleset)
        {
            var by = OneLine.Show(ruleset.Name);
            if (!ruleset.Bypass.Try(out var actors, out var why))
            {
                return Decision.Unknown(why with { Rule = path, Message = $"{what}: {why.Message}" });
            }

            var free = string.Join(", ", actors.Take(16).Select(actor => OneLine.Show(actor.Who)));
            return mayBypass && actors.Where(actor => actor.IsEveryWriter).ToList() is [_, ..] writers ? Decision.Deny(new Reason(path, $"{what}: {by} lets {string.Join(", ", writers.Select(actor => OneLine.Show(actor.Who)))}, as if it were not there", "let a team or an app bypass it, and not whoever may write"))
                : mayBypass ? Decision.AllowBecause(new Reason(path, $"{what}, by {by}: {(free.Length == 0 ? "nobody may" : $"{free} may")}"))
                : actors.IsEmpty ? Decision.AllowBecause(new Reason(path, $"{what}, by {by}"))
                : Decision.Deny(new Reason(path, $"{what}: {by} does not bind {free}", "take them out of those who may bypass it; who may create tags goes into a ruleset of its own"));
        }
    }
}
