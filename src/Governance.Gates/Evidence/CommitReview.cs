using System.Collections.Immutable;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether a commit was reviewed by the word of a robot that may say so, without an image: by the same rule as for one that was built from it.</summary>
public static class CommitReview
{
    private const string Rule = "reviewed";

    /// <summary>What the policy's image rules ask of the commit of an image, each once; one of them must hold. Empty where none asks anything.</summary>
    public static ImmutableArray<ReviewedRequirement> Asked(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return [.. policy.Images.Select(rule => (rule.Demand as ImageDemand.Require)?.Reviewed).OfType<ReviewedRequirement>().DistinctBy(required => $"{required.By} {string.Join(' ', required.Properties)}")];
    }

    /// <summary>Decides.</summary>
    /// <param name="tag">The tag that names the commit.</param>
    /// <param name="source">The address of its repository, as in <c>https://github.com/example/app</c>.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="item">The signed statement.</param>
    /// <param name="policy">The policy; <see cref="Asked"/> is not empty.</param>
    /// <param name="circumstances">The time, and what no longer counts.</param>
    public static Decision Decide(string tag, string source, GitObjectId commit, EvidenceItem item, Policy policy, Circumstances circumstances)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(circumstances);
        if (!circumstances.Revocations.Try(out var revocations, out var unread))
        {
            return Decision.Unknown(unread);
        }

        if (!Claims.VerifyReview(item, new TrustedSigners(policy)).Try(out var claim, out var why))
        {
            return Decision.Deny(why with { Rule = Rule });
        }

        var question = new ClaimQuestion($"the tag {OneLine.Show(tag)}", Rule, new([claim], [], []), policy, revocations, circumstances.Now);
        var decisions = Asked(policy).Select(Judge).ToList();
        return Decision.AnyOf(decisions[0], decisions.Skip(1));

        Decision Judge(ReviewedRequirement required)
        {
            var told = ImmutableArray.CreateBuilder<Reason>();
            var words = new ReviewedWords($"{question.About} names {commit}", "the tag is of", $"have commit {commit} reviewed, and attested by {required.By} (gates review attest)", "tag a reviewed commit; or have that statement revoked, where it was wrong");
            return ReviewedRule.Judge(question, required, source, commit, words, told, out _) is { } holds ? Decision.AllowBecause(holds) : new(Verdict.Deny, told.ToImmutable(), []);
        }
    }
}
