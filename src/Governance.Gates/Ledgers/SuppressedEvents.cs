namespace Governance.Gates.Ledgers;

/// <summary>Events that are not appended one by one, summed up: how many, when, and the root of a Merkle tree over them, by which each can be proven to be among them.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
public sealed class SuppressedEvents
{
    private readonly GrowingTree tree = new();
    private DateTimeOffset first;
    private DateTimeOffset last;

    /// <summary>How many they are.</summary>
    public long Count => tree.Size;

    /// <summary>The sum; null where there is nothing.</summary>
    public EntrySuppressed? Sum => Count == 0 ? null : new(Count, tree.Root, first, last);

    /// <summary>Adds an event: a leaf of the tree is the entry as it would be stored first in a log that is called <c>suppressed</c>.</summary>
    public void Add(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        (first, last) = (Count == 0 ? entry.Timestamp : first, entry.Timestamp);
        tree.Append(TreeHash.OfLeaf((entry with { Origin = "suppressed", Epoch = 1 }).Write().Try(out var bytes, out _) ? bytes.Span : []));
    }
}
