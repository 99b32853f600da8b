namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Makes writes of whole blocks of batches that follow each other in a file: what stands before a batch in its first block is written again as it is, and zeros follow it in its last.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
internal sealed class WholeBlocks
{
    private const int Block = JournalDisk.BlockBytes;

    private readonly Memory<byte> room = JournalDisk.Aligned(BatchFormat.MostBatchBytes + (3 * Block));

    // Where the block stands in the room into which the next batch goes.
    private int last;

    private Span<byte> Room => room.Span;

    /// <summary>Where the block begins in which a place is.</summary>
    public static int Floor(int place) => place & ~(Block - 1);

    /// <summary>Goes on in a file.</summary>
    /// <param name="file">What it holds.</param>
    /// <param name="place">Where the next batch goes.</param>
    public void Begin(ReadOnlySpan<byte> file, int place)
    {
        file[Floor(place)..place].CopyTo(Room);
        last = 0;
    }

    /// <summary>What to write at <see cref="Floor"/> of a batch's place: with at least as many zeros behind it as a header is long.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="place">Where the one before it ends, or 0 at the beginning of a file.</param>
    /// <returns>They stay as they are until the next call.</returns>
    public ReadOnlySpan<byte> With(ReadOnlySpan<byte> batch, int place)
    {
        var before = place - Floor(place);
        var end = before + batch.Length;
        var length = Floor(end + BatchFormat.HeaderBytes + Block - 1);
        Room.Slice(last, before).CopyTo(Room);
        batch.CopyTo(Room[before..]);
        Room[end..length].Clear();
        last = Floor(end);
        return Room[..length];
    }
}
