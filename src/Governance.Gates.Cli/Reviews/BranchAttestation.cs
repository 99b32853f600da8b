using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Reviews;

/// <summary>What came of the attestation of one merge.</summary>
/// <param name="Merge">The merge.</param>
/// <param name="Decision">Whether it may be attested.</param>
/// <param name="Statement">What was said; null where nothing was.</param>
/// <param name="Signed">The signed statement; null likewise.</param>
internal sealed record AttestedMerge(JudgedMerge Merge, Decision Decision, ReviewStatement? Statement, SignedReview? Signed);

/// <summary>What came of the attestation of a branch.</summary>
/// <param name="Head">The commit that the branch was at; null where that could not be read.</param>
/// <param name="Last">The commit that was attested last before; null where there is none.</param>
/// <param name="Whole">What is to be said of the branch, whatever its commits are.</param>
/// <param name="Merges">What was judged, the oldest first.</param>
/// <param name="Left">How many newer commits were not judged.</param>
internal sealed record AttestedBranch(GitObjectId? Head, GitObjectId? Last, Decision Whole, ImmutableArray<AttestedMerge> Merges, int Left);

/// <summary>Attests what was merged into a branch since the last statement that stands: it asks the forge itself and believes nobody else.</summary>
/// <param name="repository">Whose branch.</param>
/// <param name="address">The repository's address, as statements name it.</param>
/// <param name="policy">The policy in force.</param>
/// <param name="judge">Who judges the branch.</param>
/// <param name="attester">Who signs.</param>
internal sealed class BranchAttestation(RepositoryName repository, string address, Policy policy, MergeJudge judge, ReviewAttester attester)
{
    private const string Rule = "review.commits";
    private readonly HashSet<GitObjectId> revoked = [];
    private GitObjectId? last;

    /// <summary>Attests every merge that may be, the oldest first, up to the first that may not: what lies above that holds it too.</summary>
    /// <param name="since">A commit that needs no statement, nor any before it; null where the last statement tells where to begin.</param>
    /// <param name="terminal">Who watches.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GateException">A statement could not be signed or published; those before it are.</exception>
    public async Task<AttestedBranch> RunAsync(GitObjectId? since, Terminal terminal, CancellationToken cancellation)
    {
        if (!(await judge.History.HeadAsync(judge.Branch, cancellation)).Try(out var head, out var why)
            || !(await terminal.WhileAsync($"looking for the last attested commit of {judge.Branch}", judge.History.WalkAsync(head, commit => IsEndAsync(commit, since, cancellation), cancellation))).Try(out var chain, out why))
        {
            return new(head, null, Decision.Unknown(why with { Message = $"nothing is attested: {why.Message}" }), [], 0);
        }

        if (chain.End is null)
        {
            return new(head, null, Decision.Unknown(new Reason(Rule, $"nothing is attested: no statement about a commit of {judge.Branch} stands, back to its first commit", "name with --since the last commit that needs none")), [], chain.Commits.Length);
        }

        var (before, merges, whole) = (last, ImmutableArray.CreateBuilder<AttestedMerge>(), Decision.Allow);
        await foreach (var merge in judge.JudgeAsync(chain.Commits, cancellation))
        {
            var attested = await AttestAsync(merge, terminal, cancellation);
            merges.Add(attested);
            if (attested.Statement is null)
            {
                whole = new(attested.Decision.Verdict, [new(Rule, $"nothing is said of {merge.Merged.Id}, nor of what comes after it on {judge.Branch}: continuity is broken there", "have it taken back or reviewed, and then begin anew behind it with --since, by the word of whoever answers for the branch")], []);
                break;
            }

            last = merge.Merged.Id;
        }

        return new(head, before, whole, merges.ToImmutable(), chain.Commits.Length - merges.Sum(one => one.Merge.Commits.Length));
    }

    private async Task<Reading<bool>> IsEndAsync(GitObjectId commit, GitObjectId? since, CancellationToken cancellation)
    {
        if (!(await attester.FindAsync(commit, cancellation)).Try(out var waiting, out var why))
        {
            return new Reading<bool>.Unread(why);
        }

        var isAbout = waiting?.Claim.Review is { } review && review.Commit == commit && review.Repository == address && review.Ref == $"refs/heads/{judge.Branch}";
        if (isAbout && waiting is { WhyNot: null, Claim.Review.Passed: true })
        {
            last = commit;
            return new Reading<bool>.Found(true);
        }

        if (isAbout && waiting!.IsRevoked)
        {
            revoked.Add(commit);
        }

        return new Reading<bool>.Found(commit == since);
    }

    private async Task<AttestedMerge> AttestAsync(JudgedMerge merge, Terminal terminal, CancellationToken cancellation)
    {
        var decision = Decision.All(merge.Decision, Counts(merge));
        if (decision.Verdict > Verdict.Warn || merge.Review is not { } review)
        {
            return new(merge, decision, null, null);
        }

        // What was judged has this tree, path by path what was reviewed.
        var (commit, now) = (merge.Merged, terminal.Clock.GetUtcNow());
        var merged = new MergedCommit(address, commit.Id, commit.Tree, commit.Tree) { Previous = last, Snapshot = Digest.Of(review.Snapshot.Span) };
        return ReviewStatement.Of(StatementWords.NewId('v'), review.Request, review.Result, merged, review.Policy.Policy, now).Try(out var statement, out var why)
            ? new(merge, decision, statement, await attester.SignAsync(statement, null, cancellation))
            : new(merge, Decision.All(decision, Decision.Unknown(why)), null, null);
    }

    // What no gate would count, or somebody took back, is not signed.
    private Decision Counts(JudgedMerge merge) =>
        revoked.Contains(merge.Merged.Id)
            ? Decision.Deny(new Reason(Rule, $"the statement about {merge.Merged.Id} was revoked, and is not made anew by itself", "where it may stand again, attest the commit by hand with --snapshot"))
        : merge.Review is not { } review
            ? Decision.Allow
        : new JudgingPolicy(review.Policy.Policy.Name, review.Policy.Policy.Version, review.Policy.Policy.Digest).WhyNotUnder(policy) is { } why
            ? Decision.Unknown(new Reason(Rule, string.Create(CultureInfo.InvariantCulture, $"the review of #{merge.Number} {why}"), "bring the policy that is in force here and the one of the branch together"))
        : review.Request.Repository != repository.ToString()
            ? Decision.Unknown(new Reason(Rule, $"{repository} is called {review.Request.Repository}", "name it so with --repository"))
        : Decision.Allow;
}
