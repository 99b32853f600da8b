using System.Globalization;
using System.Text;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

// FOLDER KEY ORIGIN NEXT,NEXT,...: as many writers as there are numbers, each with the events w<writer>-<number>, one after another from its number on.
// Says `open SIZE`, `cut WHAT` where something was, and `ack EVENT SEQUENCE` for each entry that is durable: one write for each line, so that a line is there as a whole or not at all.
var (folder, key, origin, next) = (args[0], args[1], args[2], args[3].Split(','));
var console = Console.OpenStandardOutput();
var writing = new Lock();
var component = new EntryComponent("appender", "1", null);
var signer = LedgerKey.TryParse(await File.ReadAllTextAsync(key))!.ForLog(origin);

await using var ledger = await LocalLedger.OpenAsync(folder, signer, component, TimeProvider.System, CancellationToken.None);
Say($"open {ledger.State.Size}");
if (ledger.Recovered is { } cut)
{
    Say($"cut {cut}");
}

await Task.WhenAll(next.Select((first, writer) => Task.Run(() => AppendAsync(writer, long.Parse(first, CultureInfo.InvariantCulture)))));

async Task AppendAsync(int writer, long first)
{
    for (var i = first; ; i++)
    {
        var entry = new LedgerEntry
        {
            Timestamp = DateTimeOffset.UtcNow,
            EventId = $"w{writer}-{i}",
            EventType = LedgerEvents.Decision,
            Component = component,
            Rationale = new EntryPart<PersonalText>.Inline(PersonalText.Of(new string('x', i % 7 == 0 ? 4_000 : 300), LedgerText.LongestMessage)!),
        };
        if (!(await ledger.AppendAsync(entry, Precedence.Usual, CancellationToken.None)).Try(out var appended, out var why))
        {
            throw new InvalidOperationException(why.ToString());
        }

        Say($"ack {entry.EventId} {appended.Sequence}");
    }
}

void Say(string line)
{
    lock (writing)
    {
        console.Write(Encoding.UTF8.GetBytes(line + "\n"));
    }
}
