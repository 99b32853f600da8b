using System.Buffers.Binary;
using System.Collections.Concurrent;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>A log in memory as a store would hold it: what the writer gave out, path by path. Tests change it as somebody with access to the store would.</summary>
internal sealed class TestLog
{
    public const string Origin = "ledger.example/audit";
    public static readonly NoteSigner Signer = LogKeys.Ed25519(Origin, 7);

    private static readonly ConcurrentDictionary<(long Size, TreeHash Root), Checkpoint> Signed = new();

    private TestLog(int size, Func<int, LedgerEntry> make)
    {
        Writer = LedgerWriter.Begin(Origin, 1);
        for (var i = 0; i < size; i++)
        {
            Append(make(i));
        }

        Store();
    }

    public LedgerWriter Writer { get; private set; }

    public Dictionary<string, byte[]> Files { get; } = [];

    public static TestLog Of(int size) => new(size, TestEntries.Small);

    public static TestLog Of(int size, Func<int, LedgerEntry> make) => new(size, make);

    /// <summary>The same log, but from an entry on everything was written anew.</summary>
    public static TestLog Rewritten(int size, int from) => new(size, n => n < from ? TestEntries.Small(n) : TestEntries.Small(n) with { Outcome = "admitted" });

    public AppendedEntry Append(LedgerEntry entry) => Writer.Append(entry).Found();

    public void Store()
    {
        foreach (var tile in Writer.TakeTiles())
        {
            Files[tile.Address.Path] = tile.Bytes.ToArray();
        }
    }

    public void Restart() => Writer = LedgerWriter.Resume(Origin, Writer.Size, Source).Found();

    public Checkpoint Checkpoint() => Checkpoint(Writer.Size, Writer.Root);

    // The signer of the tests is slow, and most tests sign the same few logs.
    public static Checkpoint Checkpoint(long size, TreeHash root) => Signed.GetOrAdd((size, root), _ =>
        Gates.Ledgers.Checkpoint.Open(Gates.Ledgers.Checkpoint.SignAsync(size, root, [Signer], CancellationToken.None).AsTask().GetAwaiter().GetResult(), Signer.Key).Found());

    public Reading<ReadOnlyMemory<byte>> Source(TileAddress address) => Files.TryGetValue(address.Path, out var bytes)
        ? new Reading<ReadOnlyMemory<byte>>.Found(bytes)
        : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"there is no {address}", "restore it from a copy of the log"));

    public List<byte[]> Entries(string path) => [.. EntryBundle.Read(Files[path]).Found().Select(entry => entry.ToArray())];

    public void Replace(string path, IEnumerable<byte[]> entries) => Files[path] = [.. entries.SelectMany(entry =>
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)entry.Length);
        return (byte[])[.. length, .. entry];
    })];
}
