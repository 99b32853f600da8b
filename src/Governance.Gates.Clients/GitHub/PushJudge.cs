using System.Collections.Immutable;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>What is said of a push to a branch.</summary>
/// <param name="Branch">The branch, without <c>refs/heads/</c>.</param>
/// <param name="Push">The push.</param>
/// <param name="Whole">What is said of the push as a whole, whatever its commits are.</param>
/// <param name="Merges">What is said of its commits, the oldest first.</param>
public sealed record JudgedPush(string Branch, WorkflowEvent.OfPush Push, Decision Whole, ImmutableArray<JudgedMerge> Merges)
{
    /// <summary>Whether pushes to this branch are judged at all.</summary>
    public bool IsJudged { get; init; } = true;
}

/// <summary>Judges a push to a branch: it may only bring what pull requests brought.</summary>
public static class PushJudge
{
    private const string Rule = "review.push";

    /// <summary>Judges a push.</summary>
    /// <param name="push">The push, of the judge's branch.</param>
    /// <param name="judge">Who judges its commits.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<JudgedPush> JudgeAsync(WorkflowEvent.OfPush push, MergeJudge judge, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(push);
        ArgumentNullException.ThrowIfNull(judge);
        var (branch, history) = (judge.Branch, judge.History);
        if (IsNone(push.After))
        {
            return Whole(Decision.Deny(new Reason(Rule, $"{branch} was deleted at {push.Before}", "find out who deleted it, make it anew at that commit, and let nobody delete it (gates branches)")));
        }

        if (IsNone(push.Before))
        {
            return Whole(Decision.Unknown(new Reason(Rule, $"{branch} was made at {push.After}, and nothing tells what of it is new", "look at whether that commit was reviewed where it comes from; what is pushed from now on is judged")));
        }

        var (before, after) = (GitObjectId.TryParse(push.Before)!, GitObjectId.TryParse(push.After)!);
        if (!(await history.MergeBaseAsync(before, after, cancellation)).Try(out var common, out var why)
            || !(await history.WalkAsync(after, commit => Task.FromResult<Reading<bool>>(new Reading<bool>.Found(commit == common)), cancellation)).Try(out var chain, out why))
        {
            return Whole(Decision.Unknown(why));
        }

        var whole = common != before
            ? Decision.Deny(new Reason(Rule, $"{before} is not under {after}: the history of {branch} was written anew from {common} on", "find out who forced the push and what it took away, restore the branch, and let nobody force a push to it (gates branches)"))
            : chain.End is null
            ? Decision.Deny(new Reason(Rule, $"{before} is under {after}, but not by first parents: the branch goes on along another line", "find out who pushed it, and let changes come by pull requests only (gates branches)"))
            : chain.Commits.IsEmpty
            ? Decision.Unknown(new Reason(Rule, $"the push brought no commit: {branch} was at {after} before", "nothing, where the event was sent again"))
            : Decision.Allow;

        var merges = ImmutableArray.CreateBuilder<JudgedMerge>();
        await foreach (var merge in judge.JudgeAsync(chain.End is null ? [] : chain.Commits, cancellation))
        {
            merges.Add(merge);
        }

        return new(branch, push, whole, merges.ToImmutable());

        JudgedPush Whole(Decision decision) => new(branch, push, decision, []);
    }

    private static bool IsNone(string sha) => sha.All(digit => digit == '0');
}
