using System.Buffers.Text;

namespace Governance.Gates.Ledgers;

/// <summary>An entry that is written but for its place in the log and its link to the entry before.</summary>
public sealed class EntryDraft
{
    private const int SequenceLength = 1;
    private const int MostDigits = 20;
    private readonly byte[] bytes;
    private readonly int sequenceAt;

    /// <summary>A draft.</summary>
    /// <param name="bytes">The entry as the first of a log.</param>
    /// <param name="sequenceAt">Where its sequence stands, which is the one digit 0.</param>
    internal EntryDraft(byte[] bytes, int sequenceAt) => (this.bytes, this.sequenceAt) = (bytes, sequenceAt);

    /// <summary>How many bytes it has, with a sequence of one digit.</summary>
    public int Length => bytes.Length;

    /// <summary>How many bytes the entry has at a place; or why it cannot stand there.</summary>
    internal Reading<int> SizeAt(long sequence)
    {
        if (sequence is < 0 or > CanonicalWriter.LargestNumber)
        {
            return new Reading<int>.Unread(CannotBeWritten($"'sequence' is {sequence}, and not from 0 to {CanonicalWriter.LargestNumber}"));
        }

        Span<byte> digits = stackalloc byte[MostDigits];
        Utf8Formatter.TryFormat(sequence, digits, out var length);
        var size = bytes.Length - SequenceLength + length;
        return size > LedgerEntry.MostBytes
            ? new Reading<int>.Unread(CannotBeWritten($"it has {size} bytes, more than {LedgerEntry.MostBytes}"))
            : new Reading<int>.Found(size);
    }

    /// <summary>Writes the entry as it is stored at a place.</summary>
    /// <param name="previous">The hash of the entry before it.</param>
    /// <param name="sequence">The place.</param>
    /// <param name="room">As many bytes as it has there.</param>
    internal void Place(TreeHash previous, long sequence, Span<byte> room)
    {
        bytes.AsSpan(0, sequenceAt).CopyTo(room);
        Utf8Formatter.TryFormat(sequence, room[sequenceAt..], out var length);
        bytes.AsSpan(sequenceAt + SequenceLength).CopyTo(room[(sequenceAt + length)..]);
        EntryChain.Link(room, previous);
    }

    internal static Reason CannotBeWritten(string fault) => new("ledger", $"the entry cannot be written: {fault}", "make texts fit with LedgerText.Of, and the entry with Fit");
}
