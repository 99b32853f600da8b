using System.Collections.Immutable;
using System.Text.Json;

namespace Governance.Gates.Cli.Actions;

/// <summary>What the verb of an action answered, read from its JSON: whatever verb it is, verdict, reasons and needs have the same names.</summary>
/// <param name="Action">The action.</param>
/// <param name="ExitCode">The exit code that goes with it; see <see cref="Gates.ExitCode"/>.</param>
/// <param name="Verdict">allow, warn, unknown or deny.</param>
/// <param name="Facts">What was judged: names of ours with text from outside.</param>
/// <param name="Reasons">Why; of a verb that gave no answer, what it told instead.</param>
/// <param name="Notes">What carries no weight.</param>
/// <param name="Needs">Who must approve what.</param>
internal sealed record ActionAnswer(GateAction Action, int ExitCode, string Verdict, ImmutableArray<(string Name, string Text)> Facts, ImmutableArray<Reason> Reasons, ImmutableArray<Reason> Notes, ImmutableArray<ActionNeed> Needs)
{
    private const int MostTold = 20;
    private JsonElement root;

    /// <summary>Reads an answer.</summary>
    /// <param name="action">The action.</param>
    /// <param name="exitCode">The exit code of the verb.</param>
    /// <param name="output">What it wrote to standard output.</param>
    /// <param name="error">What it wrote to standard error.</param>
    public static ActionAnswer Read(GateAction action, int exitCode, string output, string error)
    {
        if (output.Length == 0)
        {
            // Nothing but an answer is a yes.
            return new(action, exitCode == Gates.ExitCode.Allowed ? Gates.ExitCode.Unknown : exitCode, "unknown", [], [.. Told(error)], [], []);
        }

        using var document = JsonDocument.Parse(output);
        var root = document.RootElement.Clone();
        var verdict = exitCode switch
        {
            Gates.ExitCode.Allowed => root.TryGetProperty("verdict", out var word) && word.GetString() == "warn" ? "warn" : "allow",
            Gates.ExitCode.Denied => "deny",
            _ => "unknown",
        };
        return new(action, exitCode, verdict, [.. FactsOf(root)], ReasonsOf(root, "reasons"), ReasonsOf(root, "notes"), NeedsOf(root)) { root = root };
    }

    /// <summary>The value of an output: digests, commits and words of ours, and nothing that a person could have written.</summary>
    /// <returns>null: there is none.</returns>
    public string? ValueOf(ActionOutput output)
    {
        var at = root;
        foreach (var name in output.Path)
        {
            at = at.ValueKind switch
            {
                JsonValueKind.Object when at.TryGetProperty(name, out var member) => member,
                JsonValueKind.Array => at.EnumerateArray().ElementAtOrDefault(int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)),
                _ => default,
            };
        }

        return at.ValueKind == JsonValueKind.String && at.GetString()! is { Length: <= 71 } value && value.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character == ':') ? value : null;
    }

    private static IEnumerable<Reason> Told(string error)
    {
        var lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 0 ? [new Reason("gates", "there was no answer")] : lines.TakeLast(MostTold).Select(line => new Reason("gates", line.StartsWith("gates: ", StringComparison.Ordinal) ? line[7..] : line));
    }

    private static IEnumerable<(string Name, string Text)> FactsOf(JsonElement root)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number && member.Name is not ("$schema" or "verdict" or "exitCode"))
            {
                yield return (member.Name, member.Value.ToString());
            }
            else if (member is { Name: "policy", Value.ValueKind: JsonValueKind.Object })
            {
                yield return ("policy", $"{Text(member.Value, "file")}, {Text(member.Value, "name")} version {Text(member.Value, "version")}, {Text(member.Value, "digest")}");
            }
            else if (member.Name == "push")
            {
                yield return ("branch", Text(member.Value, "branch") ?? "");
                foreach (var commit in Items(member.Value, "commits"))
                {
                    yield return ("commit", $"{Text(commit, "verdict")}: {Text(commit, "commit")}, {HowMerged(commit)}");
                }
            }
            else if (member.Name == "subjects")
            {
                foreach (var subject in member.Value.EnumerateArray())
                {
                    yield return ("image", Text(subject, "repository") is { } repository ? $"{repository}@{Text(subject, "digest")}" : Text(subject, "image") ?? "");
                }
            }
        }
    }

    private static ImmutableArray<Reason> ReasonsOf(JsonElement root, string name) =>
    [
        .. Items(root, name).Select(reason => new Reason(Text(reason, "rule") ?? "", Text(reason, "message") ?? "", Text(reason, "remedy"))
        {
            At = reason.TryGetProperty("at", out var at) ? new(Text(at, "file")!, Number(at, "line"), Number(at, "column")) : null,
        }),
    ];

    private static string HowMerged(JsonElement commit) => Text(commit, "mergedAs") is not { } merged ? "by no pull request that is known"
        : merged != Text(commit, "commit") ? $"a part of what was merged as {merged}"
        : commit.GetProperty("review") is { ValueKind: JsonValueKind.Object } review ? $"as which #{Text(review, "number")} was merged"
        : "as which a pull request was merged";

    // Of a group of pull requests, each has its own, and so has each that a push brought.
    private static ImmutableArray<ActionNeed> NeedsOf(JsonElement root, string of = "") =>
    [
        .. Items(root, "needs").Select(need => new ActionNeed($"{of}{Text(need, "what")}", Text(need, "verdict") ?? "", [.. Items(need, "by").Select(name => name.ToString())], [.. Items(need, "missing").Select(name => name.ToString())])),
        .. Items(root, "group").SelectMany(member => NeedsOf(member, $"#{Text(member, "number")}: ")),
        .. (root.TryGetProperty("push", out var push) ? Items(push, "commits") : default).Select(commit => commit.GetProperty("review")).Where(review => review.ValueKind == JsonValueKind.Object).SelectMany(review => NeedsOf(review, $"#{Text(review, "number")}: ")),
    ];

    private static JsonElement.ArrayEnumerator Items(JsonElement from, string name) => from.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default;

    private static string? Text(JsonElement from, string name) => from.TryGetProperty(name, out var text) && text.ValueKind is JsonValueKind.String or JsonValueKind.Number ? text.ToString() : null;

    private static int? Number(JsonElement from, string name) => from.TryGetProperty(name, out var number) ? number.GetInt32() : null;
}

/// <summary>One thing that persons must approve.</summary>
/// <param name="What">Who must approve what.</param>
/// <param name="Verdict">allow, unknown or deny.</param>
/// <param name="By">Who has.</param>
/// <param name="Missing">Who could still.</param>
internal sealed record ActionNeed(string What, string Verdict, ImmutableArray<string> By, ImmutableArray<string> Missing);
