using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Identities;

namespace Governance.Gates.Cli.Verbs;

/// <summary>What <c>gates review attest --branch</c> says.</summary>
internal static class AttestedBranchReport
{
    public static Report Of(RepositoryName repository, string branch, Robot robot, AttestedBranch attested)
    {
        var decision = Decision.All([.. attested.Merges.Select(Named), attested.Whole]);
        var signed = attested.Merges.Count(merge => merge.Statement is not null);
        return new(
            "branch-attestation.schema.json",
            decision.ExitCode,
            string.Create(CultureInfo.InvariantCulture, $"{AdmissionAnswer.Name(decision.Verdict)}: {signed} {(signed == 1 ? "commit" : "commits")} of {branch} of {repository} attested{(attested.Head is { } head ? $", which is at {head}" : "")}"),
            [
                new("by", robot.Name),
                .. attested.Last is { } last ? [new Fact("attested before", last.ToString())] : (Fact[])[],
                .. attested.Merges.Select(ToFact),
                .. attested.Left > 0 ? [new Fact("not judged", string.Create(CultureInfo.InvariantCulture, $"{attested.Left} newer {(attested.Left == 1 ? "commit" : "commits")}"))] : (Fact[])[],
                .. Fact.Of(decision),
            ],
            json =>
            {
                json.WriteDecision(decision);
                json.WriteString("repository", repository.ToString());
                json.WriteString("branch", branch);
                json.WriteString("head", attested.Head?.ToString());
                json.WriteString("previous", attested.Last?.ToString());
                json.WriteString("robot", robot.Name);
                json.WriteNumber("left", attested.Left);
                json.WriteStartArray("commits");
                foreach (var merge in attested.Merges)
                {
                    Write(json, merge);
                }

                json.WriteEndArray();
            });
    }

    private static Fact ToFact(AttestedMerge merge) => merge is { Statement: { } statement, Signed: { } signed }
        ? new("attested", $"{merge.Merge.Merged.Id}, {ReviewedPush.How(merge.Merge, merge.Merge.Merged)}: {string.Join(" and ", statement.Properties)}; statement {statement.Id}, {signed.Evidence}, in {signed.Where}")
        : new("not attested", $"{merge.Merge.Merged.Id}, {ReviewedPush.How(merge.Merge, merge.Merge.Merged)}: {AdmissionAnswer.Name(merge.Decision.Verdict)}");

    private static void Write(Utf8JsonWriter json, AttestedMerge merge)
    {
        json.WriteStartObject();
        json.WriteDecision(merge.Decision);
        json.WriteString("commit", merge.Merge.Merged.Id.ToString());
        json.WriteString("tree", merge.Merge.Merged.Tree.ToString());
        if (merge.Merge.Number is { } number)
        {
            json.WriteNumber("number", number);
        }
        else
        {
            json.WriteNull("number");
        }

        json.WriteString("id", merge.Statement?.Id);
        json.WriteString("previous", merge.Statement?.Previous?.ToString());
        json.WriteString("evidence", merge.Signed?.Evidence.ToString());
        json.WriteString("pushed", merge.Signed?.Pushed?.ToString());
        json.WriteStartArray("properties");
        foreach (var property in merge.Statement?.Properties ?? [])
        {
            json.WriteStringValue(property);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static Decision Named(AttestedMerge merge) => merge.Decision with
    {
        Reasons = [.. merge.Decision.Reasons.Select(reason => reason with { Message = $"commit {merge.Merge.Merged.Id}: {reason.Message}" })],
        Notes = [.. merge.Decision.Notes.Select(note => note with { Message = $"commit {merge.Merge.Merged.Id}: {note.Message}" })],
    };
}
