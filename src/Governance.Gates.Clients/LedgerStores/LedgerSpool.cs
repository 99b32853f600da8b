using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>A file of entries that the ledger could not take, as far as it is told of.</summary>
/// <param name="File">Its name in the spool folder.</param>
/// <param name="Entries">How many lines.</param>
/// <param name="Bytes">How many bytes they are, from its beginning.</param>
/// <param name="Digest">The SHA-256 of these bytes.</param>
/// <param name="First">The time of its first entry.</param>
public sealed record SpooledFile(string File, long Entries, long Bytes, Digest Digest, DateTimeOffset First);

/// <summary>
/// Entries of what was let through while the ledger took none, in a folder that should be on another disk: one canonical entry a line, durable when <see cref="Add"/> returns null.
/// A process writes one file. One that the ledger did not name before the process ended is named after the next start.
/// </summary>
public sealed class LedgerSpool : IDisposable
{
    private const long MostBytes = 256L * 1024 * 1024;
    private const int MostFiles = 128;
    private const string Untold = "missed-";
    private const string Told = "told-";

    private readonly string folder;
    private readonly string name;
    private readonly Lock writing = new();
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private ImmutableArray<SpooledFile> before;
    private SafeFileHandle? file;
    private (long Entries, long Bytes) written;
    private DateTimeOffset first;
    private bool isTorn;

    /// <summary>Opens a folder, and reads what former processes left there untold.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="clock">Names the file of this process.</param>
    /// <exception cref="GateException">It cannot be used.</exception>
    public LedgerSpool(string folder, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        this.folder = Path.GetFullPath(folder);
        name = clock.GetUtcNow().ToString($"'{Untold}'yyyyMMdd'T'HHmmss.fffffff'Z.ndjson'", CultureInfo.InvariantCulture);
        try
        {
            Directory.CreateDirectory(this.folder);
            StateDisk.SyncFolder(Path.GetDirectoryName(this.folder)!);
            before = [.. Directory.EnumerateFiles(this.folder, Untold + "*.ndjson").Order(StringComparer.Ordinal).Take(MostFiles).Select(Left)];
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            throw new GateException($"the spool folder {folder} cannot be used: {exception.Message}", "name a folder that the gate may write, on another disk than the ledger");
        }
    }

    /// <summary>Files of former processes that the ledger does not name.</summary>
    public ImmutableArray<SpooledFile> Before => before;

    /// <summary>Adds an entry.</summary>
    /// <param name="entry">The entry as it would be stored.</param>
    /// <param name="time">Its time.</param>
    /// <returns>Null once it is durable; or why it is not.</returns>
    public string? Add(ReadOnlySpan<byte> entry, DateTimeOffset time)
    {
        lock (writing)
        {
            byte[] line = [.. entry, (byte)'\n'];
            if (written.Bytes + line.Length > MostBytes)
            {
                return $"{name} is full";
            }

            try
            {
                if (file is null)
                {
                    file = File.OpenHandle(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write);
                    StateDisk.SyncFolder(folder);
                }

                if (isTorn)
                {
                    RandomAccess.SetLength(file, written.Bytes);
                }

                RandomAccess.Write(file, line, written.Bytes);
                RandomAccess.FlushToDisk(file);
                isTorn = false;
            }
            catch (Exception exception) when (StateDisk.IsOfDisk(exception))
            {
                isTorn = true;
                return exception.Message;
            }

            first = written.Entries == 0 ? time : first;

            hash.AppendData(line);
            written = (written.Entries + 1, written.Bytes + line.Length);
            return null;
        }
    }

    /// <summary>What an entry of the ledger has to name now.</summary>
    public ImmutableArray<SpooledFile> Files()
    {
        lock (writing)
        {
            return written.Entries == 0 ? before : before.Add(new(name, written.Entries, written.Bytes, Digest.FromHash(hash.GetCurrentHash()), first));
        }
    }

    /// <summary>Marks files that the ledger names now: those of former processes are not told again.</summary>
    public void Tell(ImmutableArray<SpooledFile> files)
    {
        lock (writing)
        {
            foreach (var told in before.Intersect(files))
            {
                Rename(told.File);
                before = before.Remove(told);
            }
        }
    }

    /// <summary>Ends the writing.</summary>
    /// <param name="told">Whether the ledger names all of it.</param>
    public void End(bool told)
    {
        lock (writing)
        {
            file?.Dispose();
            if (file is not null && told)
            {
                Rename(name);
            }

            file = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file?.Dispose();
        hash.Dispose();
    }

    // A file that stays as it was is told again after the next start: twice is better than never.
    private void Rename(string untold)
    {
        try
        {
            File.Move(Path.Combine(folder, untold), Path.Combine(folder, Told + untold[Untold.Length..]));
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
        }
    }

    private static SpooledFile Left(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var hashing = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (entries, bytes, buffer) = (0L, 0L, new byte[LedgerEntry.MostBytes + 1]);
        var first = new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero);
        for (int read; (read = stream.Read(buffer)) > 0; bytes += read)
        {
            if (bytes == 0 && buffer.AsSpan(0, read).IndexOf((byte)'\n') is > 0 and var end && LedgerEntry.Read(buffer.AsMemory(0, end)).Try(out var entry, out _))
            {
                first = entry.Timestamp;
            }

            hashing.AppendData(buffer, 0, read);
            entries += buffer.AsSpan(0, read).Count((byte)'\n');
        }

        return new(Path.GetFileName(path), entries, bytes, Digest.FromHash(hashing.GetHashAndReset()), first);
    }
}
