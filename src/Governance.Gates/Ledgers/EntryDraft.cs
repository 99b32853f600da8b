using System.Buffers.Text;

namespace Governance.Gates.Ledgers;

/// <summary>An entry that is written but for its place in the log and its link to the entry before.</summary>
public sealed class EntryDraft
{
    private const int SequenceLength = 1;
    private readonly byte[] bytes;
    private readonly int sequenceAt;

    /// <summary>A draft.</summary>
    /// <param name="bytes">The entry as the first of a log.</param>
    /// <param name="sequenceAt">Where its sequence stands, which is the one digit 0.</param>
    internal EntryDraft(byte[] bytes, int sequenceAt) => (this.bytes, this.sequenceAt) = (bytes, sequenceAt);

    /// <summary>How many bytes it has, with a sequence of one digit.</summary>
    public int Length => bytes.Length;

    /// <summary>The entry as it is stored at a place, behind its length as a bundle has it.</summary>
    internal Reading<ReadOnlyMemory<byte>> Place(TreeHash previous, long sequence)
    {
        if (sequence is < 0 or > CanonicalWriter.LargestNumber)
        {
            return new Reading<ReadOnlyMemory<byte>>.Unread(CannotBeWritten($"'sequence' is {sequence}, and not from 0 to {CanonicalWriter.LargestNumber}"));
        }

        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(sequence, digits, out var length);
        var size = bytes.Length - SequenceLength + length;
        if (size > LedgerEntry.MostBytes)
        {
            return new Reading<ReadOnlyMemory<byte>>.Unread(CannotBeWritten($"it has {size} bytes, more than {LedgerEntry.MostBytes}"));
        }

        var placed = EntryBundle.Frame(size, out var framed);
        bytes.AsSpan(0, sequenceAt).CopyTo(placed);
        digits[..length].CopyTo(placed[sequenceAt..]);
        bytes.AsSpan(sequenceAt + SequenceLength).CopyTo(placed[(sequenceAt + length)..]);
        EntryChain.Link(placed, previous);
        return new Reading<ReadOnlyMemory<byte>>.Found(framed);
    }

    internal static Reason CannotBeWritten(string fault) => new("ledger", $"the entry cannot be written: {fault}", "make texts fit with LedgerText.Of, and the entry with Fit");
}
