using System.Buffers;
using System.Collections.Immutable;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Governance.Gates.Admission;

namespace Governance.Gates.Cli.Consoles;

/// <summary>What a verb has to say, to be written for people, for a job summary or for a machine.</summary>
/// <param name="Schema">The file name of the published JSON Schema, in <c>docs/formats</c>.</param>
/// <param name="ExitCode">The exit code that goes with it.</param>
/// <param name="Title">The answer in one line.</param>
/// <param name="Facts">What else there is to know, each on its line.</param>
/// <param name="Json">Writes the members of the JSON object.</param>
internal sealed record Report(string Schema, int ExitCode, string Title, ImmutableArray<Fact> Facts, Action<Utf8JsonWriter> Json)
{
    /// <summary>The address below which every published schema has its own.</summary>
    public const string Schemas = "https://governance.gates/schemas/v1alpha1/";

    /// <summary>A table that stands after the facts; null for none.</summary>
    public FactTable? Table { get; init; }

    /// <summary>The option that chooses a form. The first is the default.</summary>
    public static Option<string> OutputOption() =>
        new Option<string>("--output") { Description = "How the answer is written: text for people, json for machines, markdown for job summaries.", DefaultValueFactory = _ => "text" }.OneOf("text", "json", "markdown");

    /// <summary>Writes the report and gives its exit code.</summary>
    public async Task<int> WriteAsync(Terminal terminal, string form)
    {
        await terminal.Output.WriteAsync(form switch
        {
            "json" => ToJson(),
            "markdown" => ToMarkdown(),
            _ => ToText(),
        });
        await terminal.Output.FlushAsync();
        return ExitCode;
    }

    private string ToText()
    {
        var text = new StringBuilder(SafeText.Line(Title)).Append('\n');
        foreach (var fact in Facts)
        {
            text.Append(fact.Label.Length == 0 ? "" : $"  {fact.Label}: ").Append(SafeText.Line(fact.Text)).Append('\n');
        }

        Table?.WriteText(text);
        return text.ToString();
    }

    private string ToMarkdown()
    {
        var text = new StringBuilder("### ").Append(SafeText.Markdown(Title)).Append("\n\n");
        foreach (var fact in Facts)
        {
            text.Append(fact.Label.Length == 0 ? "- " : $"- **{fact.Label}**: ").Append(SafeText.Markdown(fact.Text)).Append('\n');
        }

        if (Facts.Length > 0)
        {
            text.Append('\n');
        }

        Table?.WriteMarkdown(text);
        return text.ToString();
    }

    /// <summary>The JSON object.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = SafeText.Json }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", Schemas + Schema);
            Json(json);
            json.WriteNumber("exitCode", ExitCode);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}

/// <summary>One thing to know.</summary>
/// <param name="Label">A word of ours for it; empty where the text says it all.</param>
/// <param name="Text">It; may hold anything.</param>
internal sealed record Fact(string Label, string Text)
{
    /// <summary>Every reason and note of a decision.</summary>
    public static IEnumerable<Fact> Of(Decision decision) =>
    [
        .. decision.Reasons.Select(reason => new Fact("reason", $"{reason.Rule}: {reason}")),
        .. decision.Notes.Select(note => new Fact(decision.Verdict == Verdict.Allow ? "because" : "note", $"{note.Rule}: {note}")),
    ];
}

/// <summary>Rows of facts.</summary>
internal sealed record FactTable(ImmutableArray<string> Columns, ImmutableArray<ImmutableArray<string>> Rows)
{
    /// <summary>Columns in line; the last one is as long as it is.</summary>
    public void WriteText(StringBuilder text)
    {
        ImmutableArray<string>[] lines = [[.. Columns.Select(column => column.ToUpperInvariant())], .. Rows.Select(row => row.Select(SafeText.Line).ToImmutableArray())];
        var widths = Columns.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in lines)
        {
            for (var column = 0; column < line.Length; column++)
            {
                text.Append(column == line.Length - 1 ? line[column] : line[column].PadRight(widths[column] + 2));
            }

            // A last column without text leaves no blanks behind.
            while (text[^1] == ' ')
            {
                text.Length--;
            }

            text.Append('\n');
        }
    }

    /// <summary>A table of GitHub Flavored Markdown.</summary>
    public void WriteMarkdown(StringBuilder text)
    {
        text.Append("| ").AppendJoin(" | ", Columns).Append(" |\n|").Append(string.Concat(Columns.Select(_ => " --- |"))).Append('\n');
        foreach (var row in Rows)
        {
            text.Append("| ").AppendJoin(" | ", row.Select(SafeText.Markdown)).Append(" |\n");
        }
    }
}

/// <summary>The members that JSON outputs share.</summary>
internal static class DecisionJson
{
    /// <summary><c>verdict</c>, <c>reasons</c> and <c>notes</c>.</summary>
    public static void WriteDecision(this Utf8JsonWriter json, Decision decision)
    {
        json.WriteString("verdict", AdmissionAnswer.Name(decision.Verdict));
        json.WriteReasons("reasons", decision.Reasons);
        json.WriteReasons("notes", decision.Notes);
    }

    /// <summary>A list of reasons.</summary>
    public static void WriteReasons(this Utf8JsonWriter json, string name, IEnumerable<Reason> reasons)
    {
        json.WriteStartArray(name);
        foreach (var reason in reasons)
        {
            json.WriteStartObject();
            json.WriteString("rule", reason.Rule);
            json.WriteString("message", reason.Message);
            json.WriteString("remedy", reason.Remedy);
            if (reason.At is { } at)
            {
                json.WriteStartObject("at");
                json.WriteString("file", at.File);
                Write("line", at.Line);
                Write("column", at.Column);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();

        void Write(string member, int? number)
        {
            if (number is { } from1)
            {
                json.WriteNumber(member, from1);
            }
        }
    }

    /// <summary><c>policy</c>, or another member: which one decided, or is spoken of.</summary>
    public static void WritePolicy(this Utf8JsonWriter json, string file, Policies.Policy policy, string member = "policy")
    {
        json.WriteStartObject(member);
        json.WriteString("file", file);
        json.WriteString("name", policy.Name);
        json.WriteNumber("version", policy.Version);
        json.WriteString("digest", policy.Digest.ToString());
        json.WriteEndObject();
    }
}
