using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Reviews;

/// <summary>What became of the record of a push.</summary>
/// <param name="Folder">The log's folder.</param>
/// <param name="Origin">The log.</param>
/// <param name="Entries">The entries, in the order of the commits.</param>
/// <param name="Why">Why something is not recorded; null where all is.</param>
internal sealed record PushRecord(string Folder, string Origin, ImmutableArray<long> Entries, Reason? Why)
{
    public override string ToString() => Entries.IsEmpty ? $"nothing in {Folder}" : string.Create(CultureInfo.InvariantCulture, $"{(Entries.Length == 1 ? "entry" : "entries")} {string.Join(", ", Entries)} of {Origin} in {Folder}");

    /// <summary><c>ledger</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("ledger");
        json.WriteString("folder", Folder);
        json.WriteString("origin", Origin);
        json.WriteStartArray("entries");
        foreach (var entry in Entries)
        {
            json.WriteNumberValue(entry);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>The ledger in which the verdicts about a push are recorded, with what they rest on.</summary>
internal sealed class PushLedger : IAsyncDisposable
{
    private readonly string folder;
    private readonly LocalLedger ledger;
    private readonly EvidenceStore evidence;
    private readonly TimeProvider clock;
    private readonly string? run;

    private PushLedger(string folder, LocalLedger ledger, TimeProvider clock, string? run) => (this.folder, this.ledger, evidence, this.clock, this.run) = (folder, ledger, new(folder), clock, run);

    /// <summary>Opens the log and keeps every other process out.</summary>
    /// <param name="folder">The folder that <c>gates ledger init</c> made.</param>
    /// <param name="terminal">Whose clock counts.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GateException">It cannot be opened.</exception>
    public static async Task<PushLedger> OpenAsync(string folder, Terminal terminal, CancellationToken cancellation) =>
        new(folder, await LocalLedger.OpenAsync(folder, LedgerKeyFiles.Read(folder), LedgerReadings.Component, terminal.Clock, cancellation), terminal.Clock, RunOf(terminal));

    /// <summary>Records every verdict about a push: an entry for each commit, and one for the push where something is to be said of it as a whole.</summary>
    public async Task<PushRecord> RecordAsync(RepositoryName repository, JudgedPush push, CancellationToken cancellation)
    {
        var entries = ImmutableArray.CreateBuilder<long>();
        IEnumerable<(LedgerEntry Entry, ImmutableArray<KeptBytes> Kept)> all =
        [
            .. push.Whole.Verdict > Verdict.Allow ? [(PushEntry.Of(repository, push, LedgerReadings.Component, run, clock.GetUtcNow()), [])] : Array.Empty<(LedgerEntry, ImmutableArray<KeptBytes>)>(),
            .. push.Merges.SelectMany(merge => merge.Commits.Select(commit => PushEntry.Of(repository, push.Branch, merge, commit, LedgerReadings.Component, run, clock.GetUtcNow()))),
        ];
        foreach (var (entry, kept) in all)
        {
            if (!(await AppendAsync(entry, kept, cancellation)).Try(out var appended, out var why))
            {
                return Record(why with { Message = $"not every verdict could be recorded: {why.Message}" });
            }

            entries.Add(appended.Sequence);
        }

        return Record(null);

        PushRecord Record(Reason? why) => new(folder, ledger.Origin, entries.ToImmutable(), why);
    }

    public ValueTask DisposeAsync() => ledger.DisposeAsync();

    // "A unique number for each workflow run", and one "for each attempt of a particular workflow run" (GitHub documentation, "Variables").
    private static string? RunOf(Terminal terminal) => terminal.Variable("GITHUB_RUN_ID") is { Length: > 0 } run ? $"{run}/{terminal.Variable("GITHUB_RUN_ATTEMPT")}" : null;

    private async Task<Reading<AppendedEntry>> AppendAsync(LedgerEntry entry, ImmutableArray<KeptBytes> kept, CancellationToken cancellation)
    {
        var fitted = entry.Fit(out var parts);

        // What an entry names is durable before the entry is.
        return evidence.Keep(kept.Concat(parts.Select(KeptBytes.Of))) is { } lost ? new Reading<AppendedEntry>.Unread(lost) : await ledger.AppendAsync(fitted, Precedence.Usual, cancellation);
    }
}
