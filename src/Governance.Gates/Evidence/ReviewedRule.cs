using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether a robot whom the rule names vouches for the review of the commit from which an image was built.</summary>
/// <remarks>
/// The statement is about the commit, not about the image. Its own bytes hang on the image, where anybody may put them: they count only for the commit and the repository that the provenance names.
/// </remarks>
internal static class ReviewedRule
{
    private const int MostShown = 16;
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(60);

    /// <summary>Decides.</summary>
    /// <param name="question">The image and its source.</param>
    /// <param name="required">What the rule asks.</param>
    /// <param name="contributors">Ids of the persons who contributed to the reviewed change; none where it does not hold.</param>
    public static Decision Decide(SourceQuestion question, ReviewedRequirement required, out ImmutableHashSet<string> contributors)
    {
        var wrote = ImmutableHashSet<string>.Empty;
        var decision = question.Decide((source, why) => Judge(question, required, source, why, out wrote), source => Absent(question, required, source));
        contributors = decision.Verdict == Verdict.Allow ? wrote : [];

        // A "no", or a statement that names more contributors, may stand in what could not be read.
        return decision.Verdict > Verdict.Allow || question.Claims.Unread.IsEmpty ? decision
            : new(Verdict.Unknown, [.. question.Claims.Unread.Select(reason => reason with { Rule = question.Rule, Message = $"{question.Subject}: {reason.Message}" })], decision.Reasons);
    }

    private static Reason? Judge(SourceQuestion question, ReviewedRequirement required, AcceptedProvenance source, ImmutableArray<Reason>.Builder why, out ImmutableHashSet<string> contributors)
    {
        contributors = [];
        var (subject, provenance) = (question.Subject, source.Provenance);
        if (GitObjectId.TryParse(provenance.Commit) is not { } commit)
        {
            why.Add(new(question.Rule, $"{subject}: {source.By} tells {(provenance.Commit is null ? "no commit" : $"the commit {OneLine.Show(provenance.Commit)}, which is the name of none,")} from which it was built ({source.Claim.Where})", "build it with a builder that tells the commit in full"));
            return null;
        }

        return Judge(
            question,
            required,
            provenance.Source,
            commit,
            new($"{subject} was built from {commit}", "the image was built from", $"have commit {commit} reviewed, and the statement about it by {required.By} attached to the image (gates release)", "build from a reviewed commit; or have that statement revoked, where it was wrong"),
            why,
            out contributors);
    }

    /// <summary>The first statement that holds of a commit; null where none does, and then it tells why.</summary>
    /// <param name="question">What is asked about, and what is known of it.</param>
    /// <param name="required">What the rule asks.</param>
    /// <param name="source">The repository's address.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="words">How it is told.</param>
    /// <param name="why">Where it is told why not.</param>
    /// <param name="contributors">Ids of the persons who contributed to the reviewed change.</param>
    public static Reason? Judge(ClaimQuestion question, ReviewedRequirement required, string? source, GitObjectId commit, ReviewedWords words, ImmutableArray<Reason>.Builder why, out ImmutableHashSet<string> contributors)
    {
        contributors = [];
        Reason? holds = null;
        foreach (var claim in question.Claims.Proven)
        {
            if (claim.Review is not { } review || question.SignedBy(claim, required.By, "the review statement", why) is not { } name)
            {
                continue;
            }

            var wrong = WhyNotAbout(review, source, commit, words);
            if (wrong is null && !review.Passed && !question.Revocations.Approvals.Contains(review.Id))
            {
                // A "no" of whoever may say yes stands beside any yes.
                why.Add(new(question.Rule, $"{question.About}: {name} says that commit {commit} did not pass ({claim.Where})", words.AfterNo));
                return null;
            }

            wrong ??= WhyNotCounted(question, review, required);
            if (wrong is not null)
            {
                why.Add(new(question.Rule, $"{question.About}: the review statement of {name} {wrong} ({claim.Where})", words.Remedy));
                continue;
            }

            contributors = contributors.Union(review.Contributors);
            holds ??= new(question.Rule, $"{words.Joined}, reviewed in pull request {review.PullRequest.Number} of {OneLine.Show(review.Repository)}{By(question.Policy, review)}, by the word of {name} ({claim.Where}, {claim.Evidence})");
        }

        return holds;
    }

    private static string? WhyNotAbout(ReviewStatement review, string? source, GitObjectId commit, ReviewedWords words) =>
        review.Repository != source ? $"is about {OneLine.Show(review.Repository)}, and {words.Whence} {OneLine.Show(source ?? "nothing that is told")}"
        : review.Commit != commit ? $"is about commit {review.Commit}, and {words.Whence} {commit}"
        : null;

    private static string? WhyNotCounted(ClaimQuestion question, ReviewStatement review, ReviewedRequirement required)
    {
        var (policy, revocations) = (question.Policy, question.Revocations);
        if (revocations.Approvals.Contains(review.Id))
        {
            return $"was revoked in list {revocations.Number}";
        }

        if (review.TimeVerified > question.Now + Tolerance)
        {
            return "is from a time that is still to come";
        }

        if (review.Policy.WhyNotUnder(policy) is { } other)
        {
            return other;
        }

        if (required.Properties.FirstOrDefault(property => !review.Properties.Contains(property)) is { } missing)
        {
            return $"does not say {missing}";
        }

        // The robot counted them then; who is revoked since then counts no more, and what the statement itself tells must bear out what it says.
        var reviewers = review.Reviewers.Where(id => PersonOf(policy, id) is not null && !revocations.People.Contains(id));
        return required.Properties.Contains(ReviewStatement.TwoPartyReviewed) && !ReviewStatement.IsTwoParty(PersonOf(policy, review.Author ?? "")?.Id, review.Contributors, reviewers)
            ? $"names no reviewer who counts beside {(review.Author is null ? "another" : "those who wrote it")}: {(review.Reviewers.IsEmpty ? "nobody" : string.Join(", ", review.Reviewers.Take(MostShown).Select(id => WhyNotReviewer(question, review, id))))}"
            : null;
    }

    private static string WhyNotReviewer(ClaimQuestion question, ReviewStatement review, string id) => PersonOf(question.Policy, id) is not { } person ? $"{OneLine.Show(id)} is nobody of the policy"
        : question.Revocations.People.Contains(id) ? $"{person.Name} was revoked"
        : review.Contributors.Contains(id) ? $"{person.Name} wrote a part of it"
        : $"{person.Name} alone";

    private static Reason Absent(SourceQuestion question, ReviewedRequirement required, AcceptedProvenance source) => new(
        question.Rule,
        $"{question.Subject} was built from commit {OneLine.Show(source.Provenance.Commit ?? "")} of {OneLine.Show(source.Provenance.Source ?? "")}, and no review of it hangs on the image",
        $"have the commit reviewed, and the statement about it by {required.By} attached to the image (gates release)");

    private static string By(Policy policy, ReviewStatement review) =>
        review.IndependentReviewers.Select(id => PersonOf(policy, id)?.Name).OfType<string>().ToArray() is [_, ..] names ? $" by {string.Join(" and ", names.Take(MostShown))}" : "";

    private static Person? PersonOf(Policy policy, string id) => policy.People.Values.FirstOrDefault(person => person.Id == id);
}

/// <summary>How it is told that a commit was, or was not, reviewed.</summary>
/// <param name="Joined">How what is asked about comes to the commit, as in <c>X was built from COMMIT</c>.</param>
/// <param name="Whence">The same to stand before another name, as in <c>the image was built from</c>.</param>
/// <param name="Remedy">What to do where the statement does not count.</param>
/// <param name="AfterNo">What to do where the review said no.</param>
internal sealed record ReviewedWords(string Joined, string Whence, string Remedy, string AfterNo);
