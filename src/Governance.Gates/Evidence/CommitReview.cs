using System.Collections.Immutable;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether a commit was reviewed by the word of a robot that may say so, without an image: by the same rule as for one that was built from it.</summary>
public static class CommitReview
{
    private const string Rule = "reviewed";

    /// <summary>What the policy's image rules ask of the commits of a repository, each once; empty where none asks anything.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="source">The repository's address, as in <c>https://github.com/example/app</c>.</param>
    public static ImmutableArray<ReviewedRequirement> Asked(Policy policy, string source)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(source);
        return
        [
            .. policy.Images.Select(rule => rule.Demand).OfType<ImageDemand.Require>().Where(demand => demand.Provenance?.Source is not { } from || from.Matches(source)).Select(demand => demand.Reviewed).OfType<ReviewedRequirement>()
                .DistinctBy(required => $"{required.By} {string.Join(' ', required.Properties)}"),
        ];
    }

    /// <summary>Decides: all that is asked of the repository's commits must hold, as nobody knows of which rule the images will be.</summary>
    /// <param name="tag">The tag that names the commit.</param>
    /// <param name="source">The address of its repository.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="items">The signed statement that is meant, and others that may say no.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="circumstances">The time, and what no longer counts.</param>
    public static Decision Decide(string tag, string source, GitObjectId commit, ImmutableArray<EvidenceItem> items, Policy policy, Circumstances circumstances)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentNullException.ThrowIfNull(circumstances);
        if (Asked(policy, source) is not [_, ..] asked)
        {
            return Decision.Unknown(new Reason(Rule, $"no image rule asks for reviewed of {OneLine.Show(source)}, so that nobody may say what was", "name that address as the source of an image rule's provenance"));
        }

        if (!circumstances.Revocations.Try(out var revocations, out var unread))
        {
            return Decision.Unknown(unread);
        }

        // One that nobody can read may be a "no" of whoever may say so.
        var signers = new TrustedSigners(policy);
        var claims = ImmutableArray.CreateBuilder<Claim>();
        foreach (var item in items)
        {
            if (!Claims.VerifyReview(item, signers).Try(out var claim, out var why))
            {
                return Decision.Deny(why with { Rule = Rule });
            }

            // Beside the one that is meant only a "no" is of weight.
            if (claims.Count == 0 || claim.Review is not { Passed: true })
            {
                claims.Add(claim);
            }
        }

        var question = new ClaimQuestion($"the tag {OneLine.Show(tag)}", Rule, new(claims.ToImmutable(), [], []), policy, revocations, circumstances.Now);
        return Decision.All(asked.Select(Judge));

        Decision Judge(ReviewedRequirement required)
        {
            var told = ImmutableArray.CreateBuilder<Reason>();
            var words = new ReviewedWords($"{question.About} names {commit}", "the tag is of", $"have commit {commit} reviewed, and attested by {required.By} (gates review attest)", "tag a reviewed commit; or have that statement revoked, where it was wrong");
            return ReviewedRule.Judge(question, required, source, commit, words, told, out _) is { } holds ? Decision.AllowBecause(holds) : new(Verdict.Deny, told.ToImmutable(), []);
        }
    }
}
