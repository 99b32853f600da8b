using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Actions;

/// <summary>The summary of a job: verdict, what was judged, who must still approve, and every reason with its remedy.</summary>
/// <remarks>GitHub shows the summary of a step up to 1 MiB, and none at all of a larger one.</remarks>
internal static class JobSummary
{
    /// <summary>The most bytes of a summary, with room below GitHub's bound.</summary>
    public const int MostBytes = 1_000_000;

    // For the lines that say what was left out.
    private const int Reserved = 1_000;
    private const int MostNames = 20;

    /// <summary>The summary, in GitHub Flavored Markdown.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="mostBytes">The most bytes of it, in UTF-8.</param>
    public static string Of(ActionAnswer answer, int mostBytes = MostBytes)
    {
        var page = new Page(mostBytes - Reserved);
        page.Add($"### gates {answer.Action.Name}: {answer.Verdict}\n\n");
        foreach (var (name, text) in answer.Facts)
        {
            page.Add($"- **{SafeText.Markdown(name)}**: {SafeText.Markdown(text)}\n");
        }

        page.Table("Who must approve", ["", "what", "approved by", "could still approve"], [.. answer.Needs.OrderByDescending(need => need.Verdict != "allow").Select(Row)]);
        page.Table(answer.Verdict is "allow" or "warn" ? "To know" : "Why", ["rule", "what was found", "what to do"], [.. answer.Reasons.Select(Row)]);
        page.Table("Also", ["rule", "what was found", "what to do"], [.. answer.Notes.Select(Row)]);
        return page.ToString();
    }

    private static ImmutableArray<string> Row(ActionNeed need) => [need.Verdict switch { "allow" => "●", "deny" => "○", _ => "?" }, need.What, Names(need.By), Names(need.Missing)];

    private static ImmutableArray<string> Row(Reason reason) => [reason.Rule, reason.Message, reason.Remedy ?? ""];

    private static string Names(ImmutableArray<string> names) => names.Length <= MostNames
        ? string.Join(", ", names)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", names.Take(MostNames))} and {names.Length - MostNames} more");

    /// <summary>Markdown that grows by whole rows as long as there is room.</summary>
    private sealed class Page(int mostBytes)
    {
        private readonly StringBuilder text = new();
        private int bytes;

        public bool Add(string more)
        {
            var size = Encoding.UTF8.GetByteCount(more);
            if (bytes + size > mostBytes)
            {
                return false;
            }

            bytes += size;
            text.Append(more);
            return true;
        }

        public void Table(string title, ImmutableArray<string> columns, ImmutableArray<ImmutableArray<string>> rows)
        {
            if (rows.IsEmpty || !Add($"\n#### {title}\n\n| {string.Join(" | ", columns)} |\n|{string.Concat(columns.Select(_ => " --- |"))}\n"))
            {
                return;
            }

            var shown = rows.TakeWhile(row => Add($"| {string.Join(" | ", row.Select(SafeText.Markdown))} |\n")).Count();
            if (shown < rows.Length)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n{rows.Length - shown} more; the report has them all.\n");
            }
        }

        public override string ToString() => text.ToString();
    }
}
