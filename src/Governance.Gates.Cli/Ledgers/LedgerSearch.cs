using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>A log that is searched, with an index where one can be kept.</summary>
internal sealed class LedgerSearch : IDisposable
{
    // Fewer are read in the log sooner than taken in.
    private const int MostBehind = 64;

    private readonly Terminal terminal;
    private readonly LedgerIndex? index;

    private LedgerSearch(OpenLog log, LedgerIndex? index, Terminal terminal) => (Log, this.index, this.terminal) = (log, index, terminal);

    /// <summary>What is searched.</summary>
    public OpenLog Log { get; }

    /// <summary>Opens a log.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="key">Its key.</param>
    /// <param name="indexes">Where indexes are kept; null for nowhere.</param>
    /// <param name="terminal">Whoever watches.</param>
    /// <exception cref="GateException">The checkpoint cannot be read, or is not signed by the key.</exception>
    public static LedgerSearch Open(string folder, NoteKey key, string? indexes, Terminal terminal)
    {
        // First the index and then the checkpoint: a log that is written goes on meanwhile.
        var index = indexes is null ? null : LedgerIndex.Open(indexes, key, folder);
        try
        {
            return new(OpenLog.Open(folder, key), index, terminal);
        }
        catch
        {
            index?.Dispose();
            throw;
        }
    }

    /// <summary>The entries that are looked for.</summary>
    /// <param name="filter">Which are looked for.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<LedgerScan> RunAsync(EntryFilter filter, int limit, CancellationToken cancellation) => Task.Run(() => Run(filter, limit, cancellation), CancellationToken.None).WaitAsync(cancellation);

    /// <summary>The same, on this thread.</summary>
    public LedgerScan Run(EntryFilter filter, int limit, CancellationToken cancellation)
    {
        var (indexing, reading) = (new LedgerProgress(terminal, "indexing", Log.Checkpoint.Size), new LedgerProgress(terminal, "reading", Log.Checkpoint.Size));
        if (index is null || filter.IsForAll)
        {
            return LedgerScan.Run(Log, 0, filter, limit, reading, cancellation);
        }

        for (var isAgain = false; ; isAgain = true)
        {
            if (index.CatchUp(Log.Checkpoint, Log.Folder.Read, MostBehind, indexing, cancellation) is { } why)
            {
                Say($"the log is searched without an index from entry {index.Covered} on: {why}");
            }

            try
            {
                return LedgerScan.Run(Log, index, filter, limit, reading, cancellation);
            }
            catch (Exception exception) when (exception is InvalidDataException or IOException)
            {
                Say($"{exception.Message}: {(isAgain ? "the whole log is read" : "the index is made again")}");
                index.Discard();
                if (isAgain)
                {
                    return LedgerScan.Run(Log, 0, filter, limit, reading, cancellation);
                }
            }
        }
    }

    public void Dispose() => index?.Dispose();

    private void Say(string message) => terminal.SayAsync(message).GetAwaiter().GetResult();
}
