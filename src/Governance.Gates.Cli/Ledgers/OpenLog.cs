using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>A log as of one checkpoint that its key signed.</summary>
/// <param name="Folder">Where it is.</param>
/// <param name="Key">Its key.</param>
/// <param name="Checkpoint">What of it is looked at.</param>
internal sealed record OpenLog(LedgerFolder Folder, NoteKey Key, Checkpoint Checkpoint)
{
    /// <summary>A log with its last checkpoint.</summary>
    /// <exception cref="GateException">The checkpoint cannot be read, or is not signed by the key.</exception>
    public static OpenLog Open(string path, NoteKey key)
    {
        var folder = new LedgerFolder(path);
        return new(folder, key, folder.ReadCheckpoint(key).Required());
    }

    /// <summary>The bundles with entries from <paramref name="first"/> to before <paramref name="end"/>, in order; one at a time is in memory.</summary>
    public IEnumerable<BundleReading> Bundles(long first, long end)
    {
        for (var index = first / TileAddress.FullWidth; index * TileAddress.FullWidth < end; index++)
        {
            var address = TileAddress.OfEntries(index, Checkpoint.Size)!.Value;
            var start = Math.Max(first, index * TileAddress.FullWidth);
            var stop = Math.Min(end, (index * TileAddress.FullWidth) + address.Width);
            yield return new(start, (int)(stop - start), ReadBundle(address, (int)(start % TileAddress.FullWidth), (int)(stop - start)));
        }
    }

    /// <summary>One entry as it is stored; not proven.</summary>
    public Reading<ReadOnlyMemory<byte>> ReadEntry(long sequence) => Bundles(sequence, sequence + 1).First().Entries.Try(out var entries, out var why)
        ? new Reading<ReadOnlyMemory<byte>>.Found(entries[0])
        : new Reading<ReadOnlyMemory<byte>>.Unread(why);

    /// <summary>One entry that the checkpoint must cover, as it is stored; not proven.</summary>
    /// <exception cref="GateException">There is none, or it cannot be read.</exception>
    public ReadOnlyMemory<byte> Required(long sequence) => sequence < Checkpoint.Size
        ? ReadEntry(sequence).Required()
        : throw new GateException(string.Create(CultureInfo.InvariantCulture, $"{Checkpoint.Origin} has no entry {sequence}: its checkpoint is of {Checkpoint.Size} entries"), "name an entry below that; the newest are under the next checkpoint, within a second");

    /// <summary>The proof of an entry under the checkpoint; unread where the entry is not the log's.</summary>
    public Reading<LedgerProof> Prove(long sequence, ReadOnlySpan<byte> entry) => LedgerProof.Make(sequence, TreeHash.OfLeaf(entry), Checkpoint, Folder.Read);

    private Reading<ImmutableArray<ReadOnlyMemory<byte>>> ReadBundle(TileAddress address, int skip, int count)
    {
        if (!Folder.Read(address).Try(out var bytes, out var why) || !EntryBundle.Read(bytes).Try(out var entries, out why))
        {
            return new Reading<ImmutableArray<ReadOnlyMemory<byte>>>.Unread(why);
        }

        return entries.Length < skip + count
            ? new Reading<ImmutableArray<ReadOnlyMemory<byte>>>.Unread(new("ledger", $"{address} holds {entries.Length} entries", "restore it from a copy of the log"))
            : new Reading<ImmutableArray<ReadOnlyMemory<byte>>>.Found([.. entries.Skip(skip).Take(count)]);
    }
}

/// <summary>Entries that stand in one bundle.</summary>
/// <param name="First">The sequence of the first.</param>
/// <param name="Count">How many there must be.</param>
/// <param name="Entries">They as they are stored; or why none of them can be read.</param>
internal readonly record struct BundleReading(long First, int Count, Reading<ImmutableArray<ReadOnlyMemory<byte>>> Entries);

/// <summary>Tells how far long work is, to whoever watches: a line now and then.</summary>
internal sealed class LedgerProgress(Terminal terminal, string what, long total) : IProgress<long>
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private long last = terminal.Clock.GetTimestamp();

    public void Report(long value)
    {
        if (terminal.ShowsProgress && terminal.Clock.GetElapsedTime(last) >= Every)
        {
            last = terminal.Clock.GetTimestamp();
            terminal.Error.WriteLine(SafeText.Line($"gates: {what}: {value} of {total} entries …"));
            terminal.Error.Flush();
        }
    }
}
