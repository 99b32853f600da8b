using System.Collections.Concurrent;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The bytes that decided, beside the log that names them: <c>evidence/sha256/&lt;hex&gt;</c>, each once and never changed.</summary>
/// <param name="path">The log's folder.</param>
public sealed class EvidenceStore(string path)
{
    private const string FolderName = "evidence/sha256";
    private const int MostRemembered = 100_000;
    private const long MostBytes = 64 * 1024 * 1024;

    private readonly string folder = Path.Combine(Path.GetFullPath(path), FolderName);
    private readonly ConcurrentDictionary<string, byte> kept = new(StringComparer.Ordinal);

    // One at a time: two who keep the same bytes at once would write the same file.
    private readonly Lock writing = new();

    /// <summary>Whether bytes were kept here lately.</summary>
    public bool IsKept(Digest digest)
    {
        ArgumentNullException.ThrowIfNull(digest);
        return kept.ContainsKey(digest.Hex);
    }

    /// <summary>Keeps bytes.</summary>
    /// <param name="digest">Their SHA-256, as whoever hands them over computed it.</param>
    /// <param name="bytes">They.</param>
    /// <returns>Null once they are durable; or why they are not.</returns>
    public Reason? Keep(Digest digest, ReadOnlyMemory<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(digest);
        if (IsKept(digest))
        {
            return null;
        }

        try
        {
            lock (writing)
            {
                Directory.CreateDirectory(folder);
                var file = Path.Combine(folder, digest.Hex);
                if (new FileInfo(file) is not { Exists: true } there || there.Length != bytes.Length)
                {
                    StateDisk.Replace(file, bytes);
                }
            }

            if (kept.Count >= MostRemembered)
            {
                kept.Clear();
            }

            kept[digest.Hex] = 0;
            return null;
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return new("ledger", $"evidence could not be kept: {exception.Message}", "free space on the ledger's disk");
        }
    }

    /// <summary>Keeps many, one after the other.</summary>
    /// <returns>Null once all are durable; or why one is not.</returns>
    public Reason? Keep(IEnumerable<KeptBytes> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return parts.Select(part => Keep(part.Digest, part.Bytes)).FirstOrDefault(lost => lost is not null);
    }

    /// <summary>Bytes that were kept, held against their digest; or why there are none.</summary>
    public Reading<ReadOnlyMemory<byte>> Read(Digest digest) => !Find(digest).Try(out var bytes, out var why) ? new Reading<ReadOnlyMemory<byte>>.Unread(why)
        : bytes is { } found ? new Reading<ReadOnlyMemory<byte>>.Found(found)
        : new Reading<ReadOnlyMemory<byte>>.Unread(Restore($"{Path.Combine(folder, digest.Hex)} is not there"));

    /// <summary>Bytes that were kept, held against their digest; null where they are not kept.</summary>
    public Reading<ReadOnlyMemory<byte>?> Find(Digest digest)
    {
        ArgumentNullException.ThrowIfNull(digest);
        var file = Path.Combine(folder, digest.Hex);
        try
        {
            return StateDisk.Read(file, MostBytes) is not { } bytes ? new Reading<ReadOnlyMemory<byte>?>.Found(null)
                : Digest.Of(bytes) != digest ? new Reading<ReadOnlyMemory<byte>?>.Unread(Restore($"{file} is not what its name says"))
                : new Reading<ReadOnlyMemory<byte>?>.Found(bytes);
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return new Reading<ReadOnlyMemory<byte>?>.Unread(Restore(exception.Message));
        }
    }

    private static Reason Restore(string message) => new("ledger", message, "restore the evidence from a copy of the log");
}
