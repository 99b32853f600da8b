using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary>What <c>gates review</c> says of one pull request.</summary>
/// <param name="Repository">Owner and name.</param>
/// <param name="Number">Its number; null where a push as a whole is meant.</param>
/// <param name="Simulated">Who was taken to have approved.</param>
/// <param name="Result">What was decided.</param>
/// <param name="Judged">What was judged, and the policy with its place; null where it could not be read.</param>
internal sealed record Reviewed(string Repository, long? Number, ImmutableArray<string> Simulated, ReviewResult Result, (PullRequest Request, Policy Policy, string File)? Judged)
{
    public const string Schema = "review.schema.json";

    public Decision Decision => Result.Decision;

    /// <summary>Whether it is none of those that this gate judges: then it leaves no check, which could stand in the way of another pull request of the same commit.</summary>
    public bool IsElsewhere { get; init; }

    public static Reviewed Of(PullRequest request, Policy policy, string file, ImmutableArray<string> simulated, ReviewResult result) =>
        new(request.Repository, request.Number, simulated, result, (request, policy, file));

    /// <summary>A pull request that could not be read.</summary>
    public static Reviewed Unread(RepositoryName repository, long number, Reason why) => new(repository.ToString(), number, [], new(Decision.Unknown(why), [], []), null);

    /// <summary>The report for people and machines.</summary>
    public Report ToReport(bool explain) => new(
        Schema,
        Decision.ExitCode,
        $"{AdmissionAnswer.Name(Decision.Verdict)}: {Name}",
        [
            .. Judged is (_, var policy, var file) ? [new Fact("policy", $"{file}, {policy.Name} version {policy.Version}, {policy.Digest}")] : (Fact[])[],
            .. Simulated.Select(login => new Fact("as if", $"{login} approved")),
            .. Fact.Of(Decision),
            .. explain ? Explain() : [],
        ],
        Write);

    /// <summary>Repository, number and, where it is known, the head commit.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Repository}#{Number}{(Judged is ({ } request, _, _) ? $" at {request.HeadSha}" : "")}");

    /// <summary>Every review and every rule.</summary>
    public IEnumerable<Fact> Explain() =>
    [
        .. Result.Category is { } category ? [new Fact("category", Word(category))] : (Fact[])[],
        .. Result.Approvals.Select(one => new Fact("review", $"{(one.Login.Length == 0 ? "nobody" : one.Login)}: {one.State}, {(one.WhyNot is null ? $"counts as {one.Person}" : $"does not count: {one.WhyNot}")}")),
        .. Result.Needs.Select(need => new Fact("rule", $"{need.Rule}: {need.What}: {AdmissionAnswer.Name(need.Verdict)}{(need.By.IsEmpty ? "" : $", by {string.Join(", ", need.By)}")}")),
    ];

    /// <summary>The members of the JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteDecision(Decision);
        json.WriteString("repository", Repository);
        if (Number is { } number)
        {
            json.WriteNumber("number", number);
        }
        else
        {
            json.WriteNull("number");
        }

        json.WriteString("base", Judged?.Request.BaseSha);
        json.WriteString("head", Judged?.Request.HeadSha);
        json.WriteString("category", Result.Category is { } category ? Word(category) : null);
        if (Judged is (_, var policy, var file))
        {
            json.WritePolicy(file, policy);
        }
        else
        {
            json.WriteNull("policy");
        }

        WriteTexts(json, "simulated", Simulated);
        json.WriteStartArray("reviews");
        foreach (var one in Result.Approvals)
        {
            json.WriteStartObject();
            json.WriteString("login", one.Login.Length == 0 ? null : one.Login);
            json.WriteString("state", one.State);
            json.WriteString("person", one.Person);
            json.WriteString("whyNot", one.WhyNot);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("needs");
        foreach (var need in Result.Needs)
        {
            json.WriteStartObject();
            json.WriteString("rule", need.Rule);
            json.WriteString("what", need.What);
            json.WriteString("verdict", AdmissionAnswer.Name(need.Verdict));
            WriteTexts(json, "by", need.By);
            WriteTexts(json, "missing", need.Missing);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Word(ChangeCategory category) => category.ToString().ToLowerInvariant();

    private static void WriteTexts(Utf8JsonWriter json, string name, ImmutableArray<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}

/// <summary>What <c>gates review</c> says of a merge group: every pull request in it must be allowed.</summary>
internal sealed record ReviewedGroup(RepositoryName Repository, WorkflowEvent.OfMergeGroup Group, ImmutableArray<Reviewed> Members)
{
    /// <summary>How its check was published.</summary>
    public Decision Published { get; init; } = Decision.Allow;

    public Report ToReport(bool explain)
    {
        var decision = Decision.All([.. Members.Select(Named), Published]);
        return new(
            Reviewed.Schema,
            decision.ExitCode,
            $"{AdmissionAnswer.Name(decision.Verdict)}: merge group of {Repository} into {Group.Branch} at {Group.HeadSha}",
            [
                .. Members.Select(member => new Fact("pull request", $"{AdmissionAnswer.Name(member.Decision.Verdict)}: {member.Name}")),
                .. Fact.Of(decision),
                .. explain ? Members.SelectMany(member => member.Explain().Select(fact => fact with { Text = $"#{member.Number}: {fact.Text}" })) : [],
            ],
            json =>
            {
                // The members of one pull request stand for the group, so that a reader of one understands both.
                new Reviewed(Repository.ToString(), Group.Number, [], new(decision, [], []), null).Write(json);
                json.WriteStartArray("group");
                foreach (var member in Members)
                {
                    json.WriteStartObject();
                    member.Write(json);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
    }

    private static Decision Named(Reviewed member) => member.Decision with
    {
        Reasons = [.. member.Decision.Reasons.Select(reason => reason with { Message = $"#{member.Number}: {reason.Message}" })],
        Notes = [.. member.Decision.Notes.Select(note => note with { Message = $"#{member.Number}: {note.Message}" })],
    };
}
