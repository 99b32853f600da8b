using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary>One object and what the gate answers.</summary>
/// <param name="Source">Where the object was found.</param>
/// <param name="Case">What it comes down to.</param>
/// <param name="Outcome">The answers: first those about the object itself, then one for each image, then those about the object as a whole.</param>
internal sealed record JudgedObject(string Source, AdmissionCase Case, AdmissionOutcome Outcome)
{
    /// <summary>Kind, namespace and name.</summary>
    public string Name => $"{Case.Request.Kind} {(Case.Request.Namespace is { } inside ? inside + "/" : "")}{Case.Request.Name}";

    /// <summary>Each answer with the image that it is about; none for the object itself.</summary>
    public IEnumerable<(ImageQuestion? Image, Answer Answer)> Answers =>
        Outcome.Answers.Select((answer, index) => (Case.Images.ElementAtOrDefault(index - Case.Settled.Length), answer));
}

/// <summary>What <c>gates admit</c> found out about all objects.</summary>
/// <param name="File">The policy file.</param>
/// <param name="Policy">The policy.</param>
/// <param name="Cluster">UID of the cluster; null where it is not known.</param>
/// <param name="Objects">Every object.</param>
/// <param name="Unread">What could not be read and may hold objects.</param>
internal sealed record AdmissionReport(string File, Policy Policy, string? Cluster, ImmutableArray<JudgedObject> Objects, ImmutableArray<Reason> Unread)
{
    private Decision Decision => Decision.All([.. Objects.Select(one => one.Outcome.Decision), Unread.IsEmpty ? Decision.Allow : new(Verdict.Unknown, Unread, [])]);

    /// <summary>A table with a row for each image, and for each object without one that a rule speaks about.</summary>
    public Report ToReport()
    {
        var decision = Decision;
        var counts = Objects.GroupBy(one => one.Outcome.Decision.Verdict).OrderBy(group => group.Key).Select(group => $"{group.Count()} {AdmissionAnswer.Name(group.Key)}");
        return new(
            "admission-report.schema.json",
            decision.ExitCode,
            $"{AdmissionAnswer.Name(decision.Verdict)}: {Objects.Length} {(Objects.Length == 1 ? "object" : "objects")}{(Objects.IsEmpty ? "" : $" ({string.Join(", ", counts)})")}",
            [
                new("policy", $"{File}, {Policy.Name} version {Policy.Version}, {Policy.Digest}"),
                .. Cluster is null ? [] : (Fact[])[new("cluster", Cluster)],
                .. Unread.Select(reason => new Fact("unread", $"{reason.Rule}: {reason}")),
            ],
            Write)
        {
            Table = Objects.IsEmpty ? null : new(["verdict", "object", "image", "reason"], [.. Objects.SelectMany(Rows)]),
        };
    }

    private static IEnumerable<ImmutableArray<string>> Rows(JudgedObject one)
    {
        if (one.Outcome.Answers.IsEmpty)
        {
            return [[AdmissionAnswer.Name(Verdict.Allow), one.Name, "-", "no image that a rule looks at"]];
        }

        return one.Answers.Select(pair => (ImmutableArray<string>)
        [
            AdmissionAnswer.Name(pair.Answer.Decision.Verdict),
            one.Name,
            pair.Image is { } image ? image.Text ?? "?" : "-",
            Why(pair.Answer),
        ]);
    }

    private static string Why(Answer answer)
    {
        var (decision, mode) = answer;
        var reasons = decision.Verdict == Verdict.Allow ? decision.Notes : decision.Reasons;
        var admitted = decision.Verdict > Verdict.Warn && answer.Admitted ? $" (admitted in mode {mode.ToString().ToLowerInvariant()})" : "";
        return string.Join(" | ", reasons.Select(reason => $"{reason.Rule}: {reason}")) + admitted;
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteString("verdict", AdmissionAnswer.Name(Decision.Verdict));
        json.WritePolicy(File, Policy);
        json.WriteString("cluster", Cluster);
        json.WriteStartArray("objects");
        foreach (var one in Objects)
        {
            json.WriteStartObject();
            json.WriteString("source", one.Source);
            json.WriteString("kind", one.Case.Request.Kind);
            json.WriteString("group", one.Case.Request.Group);
            json.WriteString("namespace", one.Case.Request.Namespace);
            json.WriteString("name", one.Case.Request.Name);
            json.WriteString("verdict", AdmissionAnswer.Name(one.Outcome.Decision.Verdict));
            json.WriteBoolean("admitted", one.Outcome.Admitted);
            json.WriteStartArray("answers");
            foreach (var (image, answer) in one.Answers)
            {
                json.WriteStartObject();
                json.WriteString("image", image?.Text);
                json.WriteString("path", image?.Path);
                json.WriteDecision(answer.Decision);
                json.WriteString("mode", answer.Mode.ToString().ToLowerInvariant());
                json.WriteBoolean("admitted", answer.Admitted);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteReasons("unread", Unread);
    }
}
