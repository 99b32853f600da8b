using System.Globalization;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A log in a folder as anyone may read it: <c>checkpoint</c> and <c>tile/…</c> (C2SP tlog-tiles).</summary>
/// <remarks>Reading takes no lock: files are replaced whole, and a tile that is full never changes.</remarks>
/// <param name="path">The folder.</param>
public sealed class LedgerFolder(string path)
{
    internal const string CheckpointName = "checkpoint";
    internal const string TileName = "tile";
    private const string LockName = "lock";

    // A bundle of 256 entries of the largest size, with their lengths.
    private const long MostBytes = TileAddress.FullWidth * (LedgerEntry.MostBytes + 2L);
    private const string Partial = ".p/";

    /// <summary>The folder.</summary>
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The checkpoint that was published last, verified with the log's key; unread where there is none.</summary>
    public Reading<Checkpoint> ReadCheckpoint(NoteKey key) => !FindCheckpoint().Try(out var note, out var why) ? new Reading<Checkpoint>.Unread(why)
        : note is { } found ? Checkpoint.Open(found, key)
        : Unread<Checkpoint>($"{PathOf(CheckpointName)} is not there", "name the folder of a log, or restore it from a copy");

    /// <summary>The checkpoint that was published last, whoever signed it; null where there is none.</summary>
    public Reading<ReadOnlyMemory<byte>?> FindCheckpoint() => Find(PathOf(CheckpointName), Checkpoint.MostBytes);

    /// <summary>A tile or bundle, or the full one that stands there by now; null where there is neither.</summary>
    public Reading<ReadOnlyMemory<byte>?> Find(TileAddress address)
    {
        var file = PathOf(address.Path);
        var found = Find(file, MostBytes);
        return found is Reading<ReadOnlyMemory<byte>?>.Found(null) && file.LastIndexOf(Partial, StringComparison.Ordinal) is >= 0 and var at ? Find(file[..at], MostBytes) : found;
    }

    /// <summary>A tile or bundle, or the full one that stands there by now; a <see cref="TileSource"/>.</summary>
    public Reading<ReadOnlyMemory<byte>> Read(TileAddress address) => !Find(address).Try(out var bytes, out var why) ? new Reading<ReadOnlyMemory<byte>>.Unread(why)
        : bytes is { } found ? new Reading<ReadOnlyMemory<byte>>.Found(found)
        : Unread<ReadOnlyMemory<byte>>($"{PathOf(address.Path)} is not there", "restore it from a copy of the log");

    /// <summary>A tile or bundle, or of a bundle that is not there the widest that there is of it; null where there is none.</summary>
    internal Reading<ReadOnlyMemory<byte>?> FindAsFarAs(TileAddress address)
    {
        var found = Find(address);
        if (!address.IsEntries || found is not Reading<ReadOnlyMemory<byte>?>.Found(null))
        {
            return found;
        }

        var parts = PathOf(TileAddress.OfEntries(address.Index, (address.Index + 1) * TileAddress.FullWidth)!.Value.Path) + ".p";
        return Directory.Exists(parts) && Directory.EnumerateFiles(parts).MaxBy(file => int.TryParse(System.IO.Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out var width) ? width : 0) is { } widest ? Find(widest, MostBytes) : found;
    }

    /// <summary>Writes tiles, and then the checkpoint that needs them; all of them are durable before it stands there.</summary>
    /// <param name="tiles">They.</param>
    /// <param name="checkpoint">It.</param>
    /// <param name="wrote">Told of each tile that is on its way to the disk: how many bytes it has. May wait.</param>
    internal void Publish(IReadOnlyList<Tile> tiles, ReadOnlyMemory<byte> checkpoint, Action<long>? wrote = null)
    {
        Write(tiles, wrote);
        StateDisk.Replace(PathOf(CheckpointName), checkpoint);
    }

    /// <summary>Writes tiles; all of them are durable when it returns.</summary>
    internal void Write(IReadOnlyList<Tile> tiles, Action<long>? wrote = null)
    {
        var folders = tiles.Select(tile => System.IO.Path.GetDirectoryName(PathOf(tile.Address.Path))!).ToHashSet(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            CreateFolder(folder);
        }

        StateDisk.ReplaceForNow(tiles.Select(tile => KeyValuePair.Create(PathOf(tile.Address.Path), tile.Pieces)), wrote);
        foreach (var folder in folders)
        {
            StateDisk.SyncFolder(folder);
        }

        foreach (var tile in tiles)
        {
            // The widths that it had before are asked for by nobody who sees that it is full.
            var partial = PathOf(tile.Address.Path) + ".p";
            if (tile.Address.Width == TileAddress.FullWidth && Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }
        }
    }

    /// <summary>Keeps every other process from writing into it, until this is disposed.</summary>
    internal FileStream Hold()
    {
        var path = PathOf(LockName);
        var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            // Where locks mean nothing, as on some network disks, a second one is given out.
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
        }
        catch (IOException)
        {
            return held;
        }

        held.Dispose();
        throw new IOException($"{path} cannot be locked on this disk");
    }

    internal string PathOf(string name) => System.IO.Path.Combine(Path, name);

    private static Reading<ReadOnlyMemory<byte>?> Find(string file, long most)
    {
        try
        {
            // A null array would be empty memory, and not nothing.
            return new Reading<ReadOnlyMemory<byte>?>.Found(StateDisk.Read(file, most) is { } bytes ? bytes : default(ReadOnlyMemory<byte>?));
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return Unread<ReadOnlyMemory<byte>?>(exception.Message, "make the folder readable");
        }
    }

    // Each folder of the way is only found after a crash once the one above it was written.
    private static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var above = System.IO.Path.GetDirectoryName(folder)!;
        CreateFolder(above);
        Directory.CreateDirectory(folder);
        StateDisk.SyncFolder(above);
    }

    private static Reading<T>.Unread Unread<T>(string message, string remedy) => new(new("ledger", message, remedy));
}
