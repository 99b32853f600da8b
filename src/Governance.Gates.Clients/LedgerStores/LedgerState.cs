namespace Governance.Gates.Clients.LedgerStores;

/// <summary>How a ledger stands.</summary>
/// <param name="Size">How many entries are durable.</param>
/// <param name="Published">How many of them the checkpoint in the folder covers.</param>
/// <param name="Fault">Why nothing is appended any more; null while all is well.</param>
/// <param name="Warning">What could not be done for now and is tried again, such as publishing on a full disk; null where nothing.</param>
public sealed record LedgerState(long Size, long Published, Reason? Fault, Reason? Warning);
