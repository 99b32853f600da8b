using System.Buffers.Binary;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Entries that have their order and are not durable yet, and whoever waits for that.</summary>
/// <remarks>One thread's; used again once it was answered.</remarks>
internal sealed class JournalBatch
{
    private const int Most = 4_096;

    private readonly byte[] bytes = new byte[BatchFormat.MostBatchBytes];
    private readonly List<(PendingEntry Waiting, AppendedEntry Entry)> waiting = [];

    /// <summary>How many bytes it has, with its header; 0 where it has no entries.</summary>
    public int Length { get; private set; }

    /// <summary>The sequence of its first entry.</summary>
    public long First { get; private set; }

    /// <summary>How many entries it has.</summary>
    public int Count { get; private set; }

    /// <summary>Where the journal has a place for it.</summary>
    public int Place { get; set; }

    /// <summary>Whether nobody waits for it.</summary>
    public bool IsEmpty => waiting.Count == 0;

    /// <summary>Room for the header, and the entries behind it, each behind its length.</summary>
    public Span<byte> Bytes => bytes.AsSpan(0, Length);

    /// <summary>How many bytes it has with so many more.</summary>
    public int LengthWith(int more) => Math.Max(Length, BatchFormat.HeaderBytes) + more;

    /// <summary>Whether it has room for so many bytes more.</summary>
    public bool HasRoom(int more) => LengthWith(more) <= BatchFormat.MostBatchBytes && waiting.Count < Most;

    /// <summary>Adds an entry, which follows the one that was added last.</summary>
    public void Add(PendingEntry pending, AppendedEntry appended)
    {
        First = Count == 0 ? appended.Sequence : First;
        var at = LengthWith(0);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)appended.Bytes.Length);
        appended.Bytes.Span.CopyTo(bytes.AsSpan(at + sizeof(ushort)));
        Length = at + sizeof(ushort) + appended.Bytes.Length;
        Count++;

        // Its bytes are given back once they are published, and whoever is answered may keep the answer.
        Await(pending, appended with { Bytes = default });
    }

    /// <summary>Has someone answered with this batch whose entry is in it or in one before.</summary>
    public void Await(PendingEntry pending, AppendedEntry entry) => waiting.Add((pending, entry));

    /// <summary>Answers all who wait, and empties it. It is durable, and all before it.</summary>
    public void Answer()
    {
        foreach (var (pending, entry) in waiting)
        {
            pending.Answer.TrySetResult(new Reading<AppendedEntry>.Found(entry));
        }

        waiting.Clear();
        (Length, Count) = (0, 0);
    }
}
