using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Governance.Gates.Reviews;

/// <summary>What GitHub's REST API answers about a branch, each answer as it came, or why there is none.</summary>
public sealed record BranchAnswers
{
    /// <summary>Owner and name.</summary>
    public required string Repository { get; init; }

    /// <summary>The branch.</summary>
    public required string Branch { get; init; }

    /// <summary>The active rules of the branch, of whatever ruleset.</summary>
    public required Reading<ImmutableArray<JsonObject>> Rules { get; init; }

    /// <summary>Those rulesets, by their numbers.</summary>
    public required ImmutableArray<(long Id, Reading<JsonObject> Ruleset)> Rulesets { get; init; }

    /// <summary>The classic protection; null where there is none.</summary>
    public required Reading<JsonObject?> Protection { get; init; }

    /// <summary>The merge methods that the repository offers.</summary>
    public required Reading<JsonObject> Settings { get; init; }

    /// <summary>What workflows may do.</summary>
    public required Reading<JsonObject> Actions { get; init; }

    /// <summary>Which workflow posts which check.</summary>
    public required Reading<ImmutableArray<WorkflowCheck>> Workflows { get; init; }

    /// <summary>The active rulesets of tags.</summary>
    public required Reading<ImmutableArray<JsonObject>> TagRulesets { get; init; }
}

/// <summary>Writes a snapshot of a branch's protection, version 1 (<c>docs/formats/branch.schema.json</c>), as <see cref="BranchReader"/> reads it.</summary>
public static class BranchWriter
{
    /// <summary>The snapshot's bytes: one JSON object in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Write(BranchAnswers answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var buffer = new ArrayBufferWriter<byte>(16 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            json.WriteStartArray("critical");
            json.WriteEndArray();
            json.WriteString("repository", answers.Repository);
            json.WriteString("branch", answers.Branch);
            Write(json, "rules", answers.Rules, rules => Write(json, rules));
            json.WriteStartArray("rulesets");
            foreach (var (id, ruleset) in answers.Rulesets)
            {
                Write(json, id, ruleset);
            }

            json.WriteEndArray();
            Write(json, "protection", answers.Protection, protection => Write(json, protection));
            Write(json, "settings", answers.Settings, settings => Write(json, settings));
            Write(json, "actions", answers.Actions, actions => Write(json, actions));
            Write(json, "workflows", answers.Workflows, checks => Write(json, checks));
            Write(json, "tagRulesets", answers.TagRulesets, rulesets => Write(json, rulesets));
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, long id, Reading<JsonObject> ruleset)
    {
        if (ruleset.Try(out var found, out var why))
        {
            Write(json, found);
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WritePropertyName("unread");
        PullRequestWriter.Write(json, why);
        json.WriteEndObject();
    }

    private static void Write<T>(Utf8JsonWriter json, string name, Reading<T> reading, Action<T> write)
    {
        json.WritePropertyName(name);
        if (reading.Try(out var found, out var why))
        {
            write(found);
            return;
        }

        json.WriteStartObject();
        json.WritePropertyName("unread");
        PullRequestWriter.Write(json, why);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ImmutableArray<JsonObject> items)
    {
        json.WriteStartArray();
        foreach (var item in items)
        {
            Write(json, item);
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, JsonObject? item)
    {
        if (item is null)
        {
            json.WriteNullValue();
        }
        else
        {
            item.WriteTo(json);
        }
    }

    // A name that the reader would not take is no name that a rule could ask for.
    private static void Write(Utf8JsonWriter json, ImmutableArray<WorkflowCheck> checks)
    {
        json.WriteStartArray();
        foreach (var workflow in checks.Where(check => check.Check.Length is > 0 and <= JsonFields.LongestText && check.Check.EnumerateRunes().All(rune => rune != Rune.ReplacementChar)).GroupBy(check => check.Workflow, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("path", workflow.Key);
            json.WriteStartArray("checks");
            foreach (var check in workflow)
            {
                json.WriteStartObject();
                json.WriteString("name", check.Check);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
