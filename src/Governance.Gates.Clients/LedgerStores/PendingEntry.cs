using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>An entry that waits for its place in the log, and whoever waits for it.</summary>
internal sealed record PendingEntry(TreeHash Event, EntryDraft Draft, Precedence Precedence)
{
    public TaskCompletionSource<Reading<AppendedEntry>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
