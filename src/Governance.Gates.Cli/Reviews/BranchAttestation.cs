using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
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
    private const int MostFollowed = 250;

    // A branch that nobody attested for long is caught up with over several runs: each commit costs questions, and an hour has so many.
    private const int MostWalked = 1_000;

    // What is not signed over, though it does not stand, or stands for something else.
    private readonly Dictionary<GitObjectId, Decision> refused = [];
    private readonly string reference = $"refs/heads/{judge.Branch}";
    private ReviewStatement? end;
    private GitObjectId? last;

    /// <summary>Attests every merge that may be, the oldest first, up to the first that may not: what lies above that holds it too.</summary>
    /// <param name="since">A commit that needs no statement, nor any before it; null where the last statement tells where to begin.</param>
    /// <param name="terminal">Who watches.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GateException">A statement could not be signed or published; those before it are.</exception>
    public async Task<AttestedBranch> RunAsync(GitObjectId? since, Terminal terminal, CancellationToken cancellation)
    {
        if (!(await judge.History.HeadAsync(judge.Branch, cancellation)).Try(out var head, out var why)
            || !(await terminal.WhileAsync($"looking for the last attested commit of {judge.Branch}", judge.History.WalkAsync(head, commit => IsEndAsync(commit, since, cancellation), cancellation, MostWalked))).Try(out var chain, out why))
        {
            return new(head, null, Decision.Unknown(why with { Message = $"nothing is attested: {why.Message}" }), [], 0);
        }

        if (chain.End is null)
        {
            return new(head, null, Decision.Unknown(new Reason(Rule, $"nothing is attested: no statement about a commit of {judge.Branch} stands, back to its first commit", "name with --since the last commit that needs none")), [], chain.Commits.Length);
        }

        if (end is not null && await WhyBrokenAsync(end, cancellation) is { } broken)
        {
            if (end.Commit != since)
            {
                return new(head, null, broken, [], chain.Commits.Length);
            }

            last = null;
        }

        var (before, merges, whole) = (last, ImmutableArray.CreateBuilder<AttestedMerge>(), Decision.Allow);
        await foreach (var merge in judge.JudgeAsync(chain.Commits, cancellation))
        {
            var attested = await AttestAsync(merge, before is null && merges.Count == 0 ? since : null, merges.Count > 0, terminal, cancellation);
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
        if (!(await attester.FindAsync(commit, cancellation)).Try(out var waiting, out var why) || !(await judge.History.CommitAsync(commit, cancellation)).Try(out var held, out why))
        {
            return new Reading<bool>.Unread(why);
        }

        var isAbout = waiting is not null && IsAbout(waiting, commit);
        if (isAbout && waiting is { WhyNot: null, Claim.Review: { Passed: true } review } && review.Tree == held.Tree && review.Policy.WhyNotUnder(policy) is null)
        {
            (end, last) = (review, commit);
            return new Reading<bool>.Found(true);
        }

        if (attester.IsRevoked(address, reference, commit) || (isAbout && waiting!.IsRevoked))
        {
            refused[commit] = Decision.Deny(new Reason(Rule, $"the statement about {commit} was revoked, and is not made anew by itself", "where it may stand again, attest the commit by hand with --snapshot"));
        }
        else if (isAbout && waiting is { WhyNot: null, Claim.Review.Passed: false })
        {
            refused[commit] = Decision.Deny(new Reason(Rule, $"a statement says that {commit} did not pass ({waiting.Claim.Where})", "have the commit taken back; where that statement is wrong, have it revoked, and attest the commit by hand with --snapshot"));
        }
        else if (!isAbout && waiting is { WhyNot: null, Claim.Review: { } other })
        {
            refused[commit] = Decision.Unknown(new Reason(Rule, $"a statement about {other.Ref} of {other.Repository} stands where the one about {commit} belongs ({waiting.Claim.Where})", "let review.commits be another repository for each branch, or begin above the commit with --since"));
        }

        return new Reading<bool>.Found(commit == since);
    }

    private bool IsAbout(WaitingStatement waiting, GitObjectId commit) => waiting.Claim.Review is { } review && review.Commit == commit && review.Repository == address && review.Ref == reference;

    // What is said of a commit rests on what was said of those before it: a revocation there would end here, where no walk comes any more.
    private async Task<Decision?> WhyBrokenAsync(ReviewStatement statement, CancellationToken cancellation)
    {
        for (var followed = 0; attester.HasRevokedReviews && statement.Previous is { } previous; followed++)
        {
            if (followed == MostFollowed)
            {
                return Decision.Unknown(new Reason(Rule, $"nothing is attested: something was revoked, and only the last {MostFollowed} statements under the one about {end!.Commit} were looked at", $"look at those before {previous}, and begin anew with --since {end.Commit}, by the word of whoever answers for the branch"));
            }

            if (!(await attester.FindAsync(previous, cancellation)).Try(out var waiting, out var why))
            {
                return Decision.Unknown(why);
            }

            if (waiting is null || waiting.IsRevoked || !IsAbout(waiting, previous))
            {
                var isRevoked = waiting is { IsRevoked: true } || attester.IsRevoked(address, reference, previous);
                var reason = new Reason(Rule, $"nothing is attested: the statement about {previous}, on which the one about {statement.Commit} rests, {(isRevoked ? "was revoked" : "is not there")}", $"have what came with it taken back or looked at, and begin anew with --since {end!.Commit} or a later commit, by the word of whoever answers for the branch");
                return isRevoked ? Decision.Deny(reason) : Decision.Unknown(reason);
            }

            statement = waiting.Claim.Review!;
        }

        return null;
    }

    private async Task<AttestedMerge> AttestAsync(JudgedMerge merge, GitObjectId? since, bool isOneOfSeveral, Terminal terminal, CancellationToken cancellation)
    {
        var decision = Decision.All(merge.Decision, Counts(merge));
        if (decision.Verdict > Verdict.Warn || merge.Review is not { } review)
        {
            return new(merge, decision, null, null);
        }

        // What was judged has this tree, path by path what was reviewed.
        var (commit, now) = (merge.Merged, terminal.Clock.GetUtcNow());
        var merged = new MergedCommit(address, commit.Id, commit.Tree, commit.Tree) { Previous = last, Since = since, Snapshot = Digest.Of(review.Snapshot.Span) };
        if (!ReviewStatement.Of(ReviewStatement.IdOf(address, reference, commit.Id, 0), review.Request, review.Result, merged, review.Policy.Policy, now).Try(out var statement, out var why))
        {
            return new(merge, Decision.All(decision, Decision.Unknown(why)), null, null);
        }

        try
        {
            return new(merge, decision, statement, await attester.SignAsync(statement, null, cancellation));
        }
        catch (GateException failed) when (isOneOfSeveral)
        {
            // Those before it are signed and published, which must be told.
            return new(merge, Decision.All(decision, Decision.Unknown(new Reason(Rule, failed.Message))), null, null);
        }
    }

    // What no gate would count, or somebody took back, is not signed.
    private Decision Counts(JudgedMerge merge) =>
        refused.GetValueOrDefault(merge.Merged.Id) is { } decision
            ? decision
        : merge.Review is not { } review
            ? Decision.Allow
        : new JudgingPolicy(review.Policy.Policy.Name, review.Policy.Policy.Version, review.Policy.Policy.Digest).WhyNotUnder(policy) is { } why
            ? Decision.Unknown(new Reason(Rule, string.Create(CultureInfo.InvariantCulture, $"the review of #{merge.Number} {why}"), "bring the policy that is in force here and the one of the branch together"))
        : review.Request.Repository != repository.ToString()
            ? Decision.Unknown(new Reason(Rule, $"{repository} is called {review.Request.Repository}", "name it so with --repository"))
        : Decision.Allow;
}
