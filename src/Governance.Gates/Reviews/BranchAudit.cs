using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>How one demand on a branch stands.</summary>
/// <param name="Rule">The rule, as the policy names it.</param>
/// <param name="What">What is asked, on one line.</param>
/// <param name="Decision">How it stands.</param>
public sealed record BranchFinding(string Rule, string What, Decision Decision);

/// <summary>What was decided about a branch.</summary>
/// <param name="Decision">The decision.</param>
/// <param name="Findings">Each demand, in the order of the policy's language.</param>
public sealed record BranchResult(Decision Decision, ImmutableArray<BranchFinding> Findings);

/// <summary>The branch audit: does the forge protect a branch as the policy asks, by rulesets and classic protection together?</summary>
/// <remarks>
/// Both bind at once, so one that holds a demand is enough, unless somebody is not bound by it. What one of them says is not known may hold it too: then nobody can tell.
/// </remarks>
public static class BranchAudit
{
    /// <summary>Decides about a branch.</summary>
    /// <param name="snapshot">How it is protected.</param>
    /// <param name="policy">The policy.</param>
    public static BranchResult Decide(BranchSnapshot snapshot, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Review?.Branches.FirstOrDefault(branch => branch.Name == snapshot.Branch) is not { } rule)
        {
            return new(Decision.Unknown(new Reason("review.branches", $"the policy says nothing about the branch {OneLine.Show(snapshot.Branch)}", "add it under review.branches, or name another branch")), []);
        }

        ImmutableArray<BranchFinding> findings = [.. new Audit(snapshot, rule).Findings(policy.Review.Paths.Any(path => path.Demand is ReviewDemand.Approvals)), .. TagAudit.Findings(snapshot, policy.Review.Tags)];
        return new(Decision.All(findings.Select(finding => finding.Decision)), findings);
    }

    private sealed class Audit
    {
        private readonly BranchSnapshot snapshot;
        private readonly BranchRule rule;
        private readonly List<BranchGuard> guards = [];
        private readonly List<Reason> unread = [];

        public Audit(BranchSnapshot snapshot, BranchRule rule)
        {
            (this.snapshot, this.rule) = (snapshot, rule);
            if (snapshot.Rulesets.Try(out var rulesets, out var why))
            {
                guards.AddRange(rulesets);
            }
            else
            {
                unread.Add(why);
            }

            if (!snapshot.Protection.Try(out var protection, out why))
            {
                unread.Add(why);
            }
            else if (protection is not null)
            {
                guards.Add(protection);
            }
        }

        public IEnumerable<BranchFinding> Findings(bool countsByPath) =>
        [
            .. If(rule.BlocksDirectPush, "directPush", "changes come by a pull request", guard => guard.NeedsPullRequest, BypassReach.ByPullRequest),
            .. If(rule.BlocksForcePush, "forcePush", "nobody pushes over what is there", guard => guard.BlocksForcePush, BypassReach.ByPullRequest, BypassReach.PullRequestRules),
            .. If(rule.BlocksDeletion, "deletion", "nobody deletes it", guard => guard.BlocksDeletion, BypassReach.ByPullRequest, BypassReach.PullRequestRules),
            .. If(rule.Reviewers > 0, "reviewers", string.Create(CultureInfo.InvariantCulture, $"{rule.Reviewers} must approve"), guard => guard.Approvals >= rule.Reviewers),
            .. rule.Reviewers > 0 ? [Robots()] : (BranchFinding[])[],
            .. If(rule.NeedsCodeOwner, "codeowners", "a code owner must approve", guard => guard.NeedsCodeOwner),
            .. If(rule.DismissesStale, "stale", "approvals end with the next push", guard => guard.DismissesStale),
            .. If(rule.NeedsLastPushApproval, "lastPush", "somebody else than who pushed last must approve", guard => guard.NeedsLastPushApproval),
            .. If(rule.NeedsSignatures, "signatures", "commits are signed", guard => guard.NeedsSignatures, BypassReach.PullRequestRules),
            .. If(rule.NeedsMergeQueue, "mergeQueue", "changes go through the merge queue", guard => guard.NeedsMergeQueue),
            .. If(rule.ResolvesThreads, "threads", "conversations about a change are resolved", guard => guard.ResolvesThreads),
            .. countsByPath ? PathReviewers() : [],
            .. rule.Merge.IsEmpty ? [] : (BranchFinding[])[Merge()],
            .. rule.Checks.Select(Check),
        ];

        private IEnumerable<BranchFinding> If(bool isAsked, string name, string what, Func<BranchGuard, bool> holds, params ImmutableArray<BypassReach> bound)
        {
            if (isAsked)
            {
                yield return new(Path(name), what, Held(name, what, holds, bound));
            }
        }

        // One that holds and binds everybody is enough; one that could not be read might. Those who are free in something else are bound in this.
        private Decision Held(string name, string what, Func<BranchGuard, bool> holds, params ImmutableArray<BypassReach> bound)
        {
            var (bypassed, unknown) = (new List<Reason>(), new List<Reason>(unread));
            foreach (var guard in guards.Where(holds))
            {
                if (!guard.Bypass.Try(out var actors, out var why))
                {
                    unknown.Add(why);
                }
                else if (actors.Where(actor => !bound.Contains(actor.Reach)).ToArray() is [_, ..] free)
                {
                    bypassed.Add(new(Path(name), $"{what}: {Shown(guard)} does not bind {string.Join(", ", free.Take(16).Select(actor => OneLine.Show(actor.Who)))}", "take them out of those who may bypass it"));
                }
                else
                {
                    return Decision.AllowBecause(new Reason(Path(name), $"{what}, by {Shown(guard)}"));
                }
            }

            return unknown.Count > 0
                ? new(Verdict.Unknown, [.. unknown.Select(reason => reason with { Rule = Path(name), Message = $"{what}: {reason.Message}" })], [.. bypassed])
                : bypassed.Count > 0 ? new(Verdict.Deny, [.. bypassed], [])
                : Decision.Deny(new Reason(Path(name), $"{what}: neither a ruleset nor the classic protection of {OneLine.Show(snapshot.Branch)} says so", "add it to a ruleset of the branch that nobody may bypass"));
        }

        // What workflows approve counts on the forge, though no gate here counts it.
        private BranchFinding Robots()
        {
            const string What = "no workflow approves";
            var path = Path("reviewers");
            return new(path, What, snapshot.WorkflowsApprove.Try(out var approve, out var why)
                ? approve ? Decision.Deny(new Reason(path, "workflows may approve pull requests, so that who may change one approves their own", "switch off \"Allow GitHub Actions to create and approve pull requests\"")) : Decision.AllowBecause(new Reason(path, "workflows may not approve pull requests"))
                : Decision.Unknown(why with { Rule = path, Message = $"{What}: {why.Message}" }));
        }

        // What the policy counts by path, the forge may count too, of its own teams: to know, and no demand.
        private IEnumerable<BranchFinding> PathReviewers() => guards.Where(guard => !guard.PathReviewers.IsEmpty).Select(guard => new BranchFinding(
            Path("reviewers"),
            "who must approve paths on the forge too",
            Decision.AllowBecause(new Reason(Path("reviewers"), $"{Shown(guard)} asks for {string.Join("; ", guard.PathReviewers.Take(16).Select(OneLine.Show))}"))));

        private BranchFinding Merge()
        {
            var what = $"it is merged by {string.Join(" or ", rule.Merge)} only";
            bool Narrows(BranchGuard guard) => guard.MergeMethods is { } allowed && !allowed.Except(rule.Merge, StringComparer.Ordinal).Any();
            if (snapshot.MergeMethods.Try(out var offered, out var why) && !offered.Except(rule.Merge, StringComparer.Ordinal).Any())
            {
                return new(Path("merge"), what, Decision.All(Decision.AllowBecause(new Reason(Path("merge"), $"{what}, by the repository's settings")), Signed()));
            }

            var held = Held("merge", what, Narrows);
            if (held.Verdict == Verdict.Deny && why is not null)
            {
                held = new(Verdict.Unknown, [why with { Rule = Path("merge"), Message = $"{what}: {why.Message}" }], held.Reasons);
            }

            return new(Path("merge"), what, Decision.All(held, Signed()));
        }

        // GitHub, "About commit signature verification": a rebase on the forge makes commits that nobody signed.
        private Decision Signed() => rule.Merge.Contains("rebase") && guards.Any(guard => guard.NeedsSignatures)
            ? Decision.Warn(new Reason(Path("merge"), "commits must be signed, and a rebase on the forge leaves them unsigned, so that it fails", "leave rebase out"))
            : Decision.Allow;

        private BranchFinding Check(CheckRule check)
        {
            var what = $"the check {OneLine.Show(check.Name)} must have passed";
            bool Requires(BranchGuard guard) => guard.Checks.Any(required => required.Name == check.Name && (check.App is null || required.App == check.App));
            var held = Held("checks", what, Requires, BypassReach.PullRequestRules);
            if (held.Verdict == Verdict.Deny && guards.Any(guard => guard.Checks.Any(required => required.Name == check.Name)) && check.App is not null)
            {
                held = held with { Reasons = [.. held.Reasons, new(Path("checks"), $"{what}, and it is asked for from anybody or from another app than {Number(check.App.Value)}", "bind it to the app in the ruleset")] };
            }

            return new(Path("checks"), what, held.Verdict == Verdict.Allow ? Decision.All(held, Forgeable(check, Requires)) : held);
        }

        // A required check is worth as much as whoever can post it.
        private Decision Forgeable(CheckRule check, Func<BranchGuard, bool> requires)
        {
            var required = guards.Where(requires).SelectMany(guard => guard.Checks).Where(one => one.Name == check.Name).ToList();
            if (required.Exists(one => one.App is { } app && app != RequiredCheck.GitHubActions))
            {
                return Decision.Allow;
            }

            var by = required.Exists(one => one.App == RequiredCheck.GitHubActions)
                ? "every workflow of the repository can post it with its GITHUB_TOKEN, also one that a pull request brings along"
                : "anybody who may write statuses can post it";
            var reason = new Reason(Path("checks"), $"the check {OneLine.Show(check.Name)} is forgeable: {by}{Posters(check.Name)}", "have an app of its own post it, and bind it to that app in the ruleset and in the policy (app)");
            return check.App is null ? Decision.Warn(reason) : Decision.Deny(reason);
        }

        private string Posters(string check)
        {
            if (!snapshot.Workflows.Try(out var workflows, out var why))
            {
                return $" (which do could not be read: {OneLine.Show(why.Message)})";
            }

            var files = workflows.Where(claim => claim.Check == check).Select(claim => OneLine.Show(claim.Workflow)).Distinct().ToList();
            return files.Count == 0 ? " (no job of the branch's workflows is named so)" : $" (now posted by {string.Join(", ", files.Take(16))})";
        }

        private string Path(string name) => $"{rule.Path}.{name}";

        private static string Shown(BranchGuard guard) => OneLine.Show(guard.Name);

        private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
    }
}
