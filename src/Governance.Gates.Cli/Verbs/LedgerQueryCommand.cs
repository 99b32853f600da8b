using System.CommandLine;
using System.Globalization;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Images;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates ledger query</c>: the entries of a log that say something certain.</summary>
internal static class LedgerQueryCommand
{
    private const int MostLimit = 100_000;

    public static Command Create(Terminal terminal)
    {
        var (log, index) = (new LedgerArguments(), new IndexArguments());
        var correlation = Text("--correlation-id", "The correlation id, such as the uid of an AdmissionReview.", "ID");
        var change = Text("--change", "The change id.", "ID");
        var digest = Text("--digest", "A digest in the entry: of object, template, artifact, evidence, policy, input, component, or of a part kept beside the log.", "DIGEST").Holds(text => Digest.TryParse(text) is not null, "is no digest: sha256: and 64 lower-case hex digits");
        var resource = Text("--resource", "What was acted on; without GROUP, of any.", "KIND[.GROUP]/NAME").Holds(text => ResourceName.TryParse(text) is not null, "is no KIND/NAME or KIND.GROUP/NAME");
        var place = Text("--namespace", "The namespace.", "NAME");
        var actor = Text("--actor", "Who acted, for whom, or who really authenticated: the id that the entry has.", "ID");
        var verdict = Text("--verdict", "What was decided.", string.Join('|', Verdicts)).Holds(text => Verdicts.Contains(text), $"is none of {string.Join(", ", Verdicts)}");
        var type = Text("--type", "The type of event, such as decision.", "TYPE");
        var since = Moment("--since", "Not before this time");
        var until = Moment("--until", "Before this time");
        var limit = Limit("--limit", "How many entries at most; 64 MiB of them end it too.", 1_000, MostLimit);
        var form = Report.OutputOption();
        var command = new Command("query", "Prints the entries for which all that is given holds, character for character; each is proven under the log's checkpoint. Entries that cannot be read are told, and then it exits with 2. What is searched more than once is found in an index. Example: gates ledger query /var/lib/gates/ledger --correlation-id 5d0a3b6e-0000-4000-8000-000000000001")
        {
            log.Folder, log.Vkey, correlation, change, digest, resource, place, actor, verdict, type, since, until, limit, index.Folder, index.Without, form,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var now = terminal.Clock.GetUtcNow();
            var filter = new EntryFilter
            {
                CorrelationId = parsed.GetValue(correlation),
                ChangeId = parsed.GetValue(change),
                Digest = Digest.TryParse(parsed.GetValue(digest)),
                Resource = parsed.GetValue(resource) is { } named ? ResourceName.TryParse(named) : null,
                Namespace = parsed.GetValue(place),
                Actor = parsed.GetValue(actor),
                Verdict = parsed.GetValue(verdict) is { } word ? (Verdict)Array.IndexOf(Verdicts, word) : null,
                EventType = parsed.GetValue(type),
                Since = ReadMoment(parsed.GetValue(since), now),
                Until = ReadMoment(parsed.GetValue(until), now),
            };
            var folder = parsed.GetRequiredValue(log.Folder);
            using var search = LedgerSearch.Open(folder, log.ReadKey(parsed), index.Read(parsed, terminal), terminal);
            var scan = await search.RunAsync(filter, parsed.GetValue(limit), cancellation);
            return await ToReport(folder, search.Log, scan).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static readonly string[] Verdicts = [.. Enum.GetValues<Verdict>().Select(AdmissionAnswer.Name)];

    /// <summary>How many entries are printed.</summary>
    public static Option<int> Limit(string name, string description, int usual, int most)
    {
        var option = new Option<int>(name) { Description = $"{description} Up to {most}; {usual} unless given.", HelpName = "NUMBER", DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0 || number > most))
            {
                result.AddError($"{name} '{token.Value}' is no whole number from 1 to {most}");
            }
        });
        return option;
    }

    /// <summary>Entries for people and machines.</summary>
    public static Report ToReport(string folder, OpenLog log, LedgerScan scan)
    {
        var count = scan.Found.Count;
        return new(
            "ledger-entries.schema.json",
            scan.UnreadCount > 0 ? ExitCode.Unknown : ExitCode.Allowed,
            string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "entry" : "entries")} of {log.Checkpoint}{(scan.HasMore ? ", and there may be more: narrow the search, or raise --limit" : "")}{(scan.UnreadCount > 0 ? $", and {scan.UnreadCount} could not be told" : "")}"),
            [
                .. scan.Unread.Select(why => new Fact("unread", why.ToString())),
                .. scan.UnreadCount > scan.Unread.Count ? (Fact[])[new Fact("unread", string.Create(CultureInfo.InvariantCulture, $"and {scan.UnreadCount - scan.Unread.Count} more"))] : [],
            ],
            json =>
            {
                json.WriteLog(folder, log.Key, log.Checkpoint);
                json.WriteStartArray("entries");
                foreach (var entry in scan.Found)
                {
                    entry.Write(json);
                }

                json.WriteEndArray();
                json.WriteBoolean("more", scan.HasMore);
                json.WriteNumber("unreadCount", scan.UnreadCount);
                json.WriteReasons("unread", scan.Unread);
            })
        {
            Table = count == 0 ? null : new(ShownEntry.Columns, [.. scan.Found.Select(entry => entry.Row)]),
        };
    }

    private static Option<string?> Text(string name, string description, string value) => new(name) { Description = description, HelpName = value };

    private static Option<string?> Holds(this Option<string?> option, Func<string, bool> isRight, string mistake)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !isRight(token.Value)))
            {
                result.AddError($"{option.Name} '{token.Value}' {mistake}");
            }
        });
        return option;
    }

    private static Option<string?> Moment(string name, string description) =>
        Text(name, $"{description}: RFC 3339, such as 2026-01-31T10:00:00Z, or how long ago: 12h, 7d.", "TIME").Holds(text => ReadMoment(text, DateTimeOffset.MaxValue) is not null, "is neither a time such as 2026-01-31T10:00:00Z nor a duration such as 7d");

    private static DateTimeOffset? ReadMoment(string? text, DateTimeOffset now) => text is null ? null : StatementWords.ReadMoment(text) ?? (StatementWords.ReadSpan(text) is { } span ? now - span : null);
}
