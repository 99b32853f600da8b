using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates change</c>: what logs say about one change, from who asked for it to what was admitted.</summary>
internal static class ChangeCommand
{
    private const int MostLimit = 10_000;
    private static readonly ImmutableArray<string> Columns = ["time", "log", "entry", "type", "verdict", "who", "what", "says"];

    public static Command Create(Terminal terminal)
    {
        var change = new Argument<string>("ID") { Description = "The change id, as requests and approvals name it.", HelpName = "ID" };
        var folders = new Argument<string[]>("DIR") { Description = "The folder of a log; as many as there are gates.", HelpName = "DIR", Arity = ArgumentArity.OneOrMore };
        var vkeys = new Option<string[]>("--vkey") { Description = "The verifier key of a log, as its owner published it: none, and then DIR.vkey is that of DIR, or one for each DIR, in their order.", HelpName = "FILE" };
        var limit = LedgerQueryCommand.Limit("--limit", "How many entries of each log at most.", 1_000, MostLimit);
        var index = new IndexArguments();
        var form = Report.OutputOption();
        var command = new Command("change", "Prints what logs say about one change, in the order of time: requests and approvals that were seen, decisions with their reasons, and until when what was admitted goes on. Each entry is proven under its log's checkpoint. Entries that cannot be read are told, and then it exits with 2. Example: gates change CHG-4711 /var/lib/gates/gate-0 /var/lib/gates/gate-1")
        {
            change, folders, vkeys, limit, index.Folder, index.Without, form,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(vkeys) is { Length: > 0 } keys && result.GetValue(folders) is { } named && keys.Length != named.Length)
            {
                result.AddError($"--vkey is given {keys.Length} times for {named.Length} logs; give none, or one for each DIR in their order");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var (id, keys) = (parsed.GetRequiredValue(change), parsed.GetValue(vkeys) ?? []);
            var found = new List<(string Folder, OpenLog Log, LedgerScan Scan)>();
            foreach (var (place, folder) in parsed.GetRequiredValue(folders).Index())
            {
                var key = LedgerKeyFiles.ReadVerifierKey(keys.Length > 0 ? keys[place] : LedgerKeyFiles.VerifierKeyOf(folder));
                if (found.Find(one => one.Log.Key.Name == key.Name) is { Folder: { } before })
                {
                    throw new GateException($"'{before}' and '{folder}' are both the log {key.Name}", "name each log once: a copy says the same again");
                }

                using var search = LedgerSearch.Open(folder, key, index.Read(parsed, terminal), terminal);
                found.Add((folder, search.Log, await search.RunAsync(new() { ChangeId = id }, parsed.GetValue(limit), cancellation)));
            }

            return await ToReport(id, [.. found]).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ToReport(string change, ImmutableArray<(string Folder, OpenLog Log, LedgerScan Scan)> logs)
    {
        var events = InOrder(logs);
        ImmutableArray<Reason> unread = [.. logs.SelectMany(one => one.Scan.Unread.Select(why => why with { Message = $"{one.Log.Checkpoint.Origin}: {why.Message}" }))];
        var (unreadCount, hasMore) = (logs.Sum(one => one.Scan.UnreadCount), logs.Any(one => one.Scan.HasMore));
        return new(
            "ledger-change.schema.json",
            unreadCount > 0 ? ExitCode.Unknown : ExitCode.Allowed,
            string.Create(CultureInfo.InvariantCulture, $"change {change}: {Count(events.Length, "entry", "entries")} of {Count(logs.Length, "log", "logs")}{(hasMore ? ", and there may be more: raise --limit" : "")}{(unreadCount > 0 ? $", and {unreadCount} could not be told" : "")}"),
            [.. Facts([.. events.Select(one => one.Shown.Entry)]), .. unread.Select(why => new Fact("unread", why.ToString()))],
            json =>
            {
                json.WriteString("change", change);
                json.WriteStartArray("logs");
                foreach (var (folder, log, _) in logs)
                {
                    json.WriteLogValue(folder, log.Key, log.Checkpoint);
                }

                json.WriteEndArray();
                json.WriteStartArray("entries");
                foreach (var (origin, shown) in events)
                {
                    shown.Write(json, origin);
                }

                json.WriteEndArray();
                json.WriteBoolean("more", hasMore);
                json.WriteNumber("unreadCount", unreadCount);
                json.WriteReasons("unread", unread);
            })
        {
            Table = events.IsEmpty ? null : new(Columns, [.. events.Select(one => Row(one.Origin, one.Shown))]),
        };
    }

    // Within a log its own order holds, whatever its clock did: a decision has the time at which it was begun, and stands behind what it looked at. Of what was seen at once, the request comes first.
    private static ImmutableArray<(string Origin, ShownEntry Shown)> InOrder(ImmutableArray<(string Folder, OpenLog Log, LedgerScan Scan)> logs)
    {
        var timed = new List<(DateTimeOffset Time, string Origin, ShownEntry Shown)>();
        foreach (var (_, log, scan) in logs)
        {
            var latest = DateTimeOffset.MinValue;
            foreach (var shown in scan.Found)
            {
                latest = shown.Entry.Timestamp > latest ? shown.Entry.Timestamp : latest;
                timed.Add((latest, log.Checkpoint.Origin, shown));
            }
        }

        return
        [
            .. timed.OrderBy(one => one.Time).ThenBy(one => one.Origin, StringComparer.Ordinal).ThenByDescending(one => one.Shown.Entry.EventType == LedgerEvents.RequestSeen).ThenBy(one => one.Shown.Sequence)
                .Select(one => (one.Origin, one.Shown)),
        ];
    }

    private static IEnumerable<Fact> Facts(ImmutableArray<LedgerEntry> entries)
    {
        if (string.Join(", ", entries.Where(entry => entry.Verdict is not null).GroupBy(entry => entry.Verdict!.Value).OrderBy(group => group.Key).Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} {AdmissionAnswer.Name(group.Key)}"))) is { Length: > 0 } verdicts)
        {
            yield return new("decided", verdicts);
        }

        if (entries.Select(entry => entry.Admitted).OfType<EntryAdmitted>().ToList() is { Count: > 0 } admitted)
        {
            yield return new("admitted", ShownEntry.Says(new(admitted.Max(one => one.UseBy), admitted.Max(one => one.RunUntil), null)));
        }
    }

    private static ImmutableArray<string> Row(string origin, ShownEntry shown) =>
    [
        shown.Time,
        origin,
        shown.Sequence.ToString(CultureInfo.InvariantCulture),
        shown.Entry.EventType,
        shown.Verdict,
        shown.Actor + (shown.Entry.Actor?.Role is { } role ? $" ({role})" : ""),
        shown.Entry.Resource is null ? shown.Entry.Action ?? "-" : shown.Resource,
        shown.SaysAll,
    ];

    private static string Count(int number, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");
}
