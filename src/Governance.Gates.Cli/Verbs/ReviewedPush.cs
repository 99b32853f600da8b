using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;

namespace Governance.Gates.Cli.Verbs;

/// <summary>What <c>gates review</c> says of a push: every commit that it brought must have been reviewed.</summary>
/// <param name="Repository">Owner and name.</param>
/// <param name="Push">What was judged.</param>
/// <param name="PolicyPlace">Where the policy was found, of the commit before a merge.</param>
/// <param name="Record">Where it was recorded; null where it was not to be.</param>
internal sealed record ReviewedPush(RepositoryName Repository, JudgedPush Push, Func<MergedReview, string> PolicyPlace, PushRecord? Record)
{
    public Report ToReport(bool explain)
    {
        var decision = Decision.All([Push.Whole, .. Push.Merges.Select(Named), .. Record is { Why: { } why } ? (Decision[])[Decision.Unknown(why)] : []]);
        return new(
            Reviewed.Schema,
            decision.ExitCode,
            $"{AdmissionAnswer.Name(decision.Verdict)}: push to {Push.Branch} of {Repository} at {Push.Push.After}",
            [
                .. Push.Merges.SelectMany(Commits).Select(one => new Fact("commit", $"{AdmissionAnswer.Name(one.Merge.Decision.Verdict)}: {one.Commit.Id}, {How(one.Merge, one.Commit)}")),
                .. Record is { } record ? [new Fact("ledger", record.ToString())] : (Fact[])[],
                .. Fact.Of(decision),
                .. explain ? Push.Merges.SelectMany(merge => Of(merge)?.Explain().Select(fact => fact with { Text = $"{merge.Merged.Id}: {fact.Text}" }) ?? []) : [],
            ],
            json =>
            {
                // The members of one pull request stand for the push, so that a reader of one understands both.
                new Reviewed(Repository.ToString(), null, [], new(decision, [], []), null).Write(json);
                json.WriteStartObject("push");
                json.WriteString("branch", Push.Branch);
                json.WriteString("before", Push.Push.Before);
                json.WriteString("after", Push.Push.After);
                json.WriteStartArray("commits");
                foreach (var (merge, commit) in Push.Merges.SelectMany(Commits))
                {
                    Write(json, merge, commit);
                }

                json.WriteEndArray();
                Record?.Write(json);
                json.WriteEndObject();
            });
    }

    /// <summary>How a commit came onto its branch, in a few words.</summary>
    public static string How(JudgedMerge merge, BranchCommit commit) => merge.Number is not { } number ? "by no pull request that is known"
        : commit == merge.Merged ? string.Create(CultureInfo.InvariantCulture, $"as which #{number} was merged")
        : string.Create(CultureInfo.InvariantCulture, $"a part of #{number}, which was merged as {merge.Merged.Id}");

    private static IEnumerable<(JudgedMerge Merge, BranchCommit Commit)> Commits(JudgedMerge merge) => merge.Commits.Select(commit => (merge, commit));

    private Reviewed? Of(JudgedMerge merge) => merge is { Review: { } review, Number: { } number }
        ? new(review.Request.Repository, number, [], review.Result, (review.Request, review.Policy.Policy, PolicyPlace(review)))
        : null;

    private void Write(Utf8JsonWriter json, JudgedMerge merge, BranchCommit commit)
    {
        json.WriteStartObject();
        json.WriteString("commit", commit.Id.ToString());
        json.WriteString("tree", commit.Tree.ToString());
        json.WriteString("mergedAs", merge.Number is null ? null : merge.Merged.Id.ToString());
        json.WriteDecision(merge.Decision);
        json.WritePropertyName("review");
        if (commit == merge.Merged && Of(merge) is { } reviewed)
        {
            json.WriteStartObject();
            reviewed.Write(json);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteEndObject();
    }

    private static Decision Named(JudgedMerge merge)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"commit {merge.Merged.Id}{(merge.Number is { } number ? $" (#{number})" : "")}");
        return merge.Decision with
        {
            Reasons = [.. merge.Decision.Reasons.Select(reason => reason with { Message = $"{name}: {reason.Message}" })],
            Notes = [.. merge.Decision.Notes.Select(note => note with { Message = $"{name}: {note.Message}" })],
        };
    }
}
