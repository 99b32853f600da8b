using Governance.Gates.Policies;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether a person whom the rule names tagged the release from which an image was built.</summary>
internal static class TaggedRule
{
    private const string Tags = "refs/tags/";

    public static Decision Decide(SourceQuestion question, TaggedRequirement required) => question.Decide(
        (source, why) =>
        {
            var (subject, provenance) = (question.Subject, source.Provenance);
            if (provenance.Ref?.StartsWith(Tags, StringComparison.Ordinal) != true || provenance.Commit is null)
            {
                why.Add(new(question.Rule, $"{subject} was built from {(provenance.Ref is { } other ? OneLine.Show(other) : "no ref")}{(provenance.Commit is null ? " at no commit" : "")}, which is no tagged release", "build it from a tag, by a builder that tells ref and commit"));
                return null;
            }

            foreach (var claim in question.Claims.Proven)
            {
                if (claim.Tag is not { } tag || question.SignedBy(claim, required.By, "the tag", why) is not { } name)
                {
                    continue;
                }

                if (WhyNot(tag, provenance) is { } wrong)
                {
                    why.Add(new(question.Rule, $"{subject}: {name} tagged {wrong} ({claim.Where})", $"have {OneLine.Show(provenance.Ref)} at {OneLine.Show(provenance.Commit)} tagged by {required.By}"));
                }
                else if (question.Revocations.Approvals.Contains(tag.Id))
                {
                    why.Add(new(question.Rule, $"{subject}: the tag {OneLine.Show(tag.Id)} by {name} was revoked in list {question.Revocations.Number}", $"have it tagged again by {required.By}"));
                }
                else
                {
                    return new(question.Rule, $"{subject} was built from {OneLine.Show(tag.Ref)} at {tag.Commit}, tagged by {name} ({claim.Where}, {claim.Evidence})");
                }
            }

            return null;
        },
        source => new(question.Rule, $"{question.Subject} was built from {OneLine.Show(source.Provenance.Ref ?? "")}, and nobody signed that tag", $"have it signed by {required.By}, and attach it to the image (gates attest --type {SignedTag.PredicateType})"));

    private static string? WhyNot(SignedTag tag, Provenance provenance) =>
        tag.Repository != provenance.Source ? $"a release of {OneLine.Show(tag.Repository)}, and it was built from {OneLine.Show(provenance.Source ?? "nothing that is told")}"
        : tag.Ref != provenance.Ref ? $"{OneLine.Show(tag.Ref)}, and it was built from {OneLine.Show(provenance.Ref!)}"
        : tag.Commit.Hex != provenance.Commit ? $"commit {tag.Commit}, and it was built from {OneLine.Show(provenance.Commit!)}"
        : null;
}
