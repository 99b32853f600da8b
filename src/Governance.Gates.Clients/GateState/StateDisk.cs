using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.GateState;

/// <summary>The disk under a state folder: files replaced whole, and one failure that ends all writing.</summary>
internal sealed class StateDisk(string folder)
{
    private const string Draft = ".new";
    private const int MostOpen = 128;
    private Reason? failure;

    /// <summary>The right to write, held by one at a time from the check to the durable write.</summary>
    public SemaphoreSlim Writing { get; } = new(1, 1);

    /// <summary>Why nothing is written any more; null while all is well. Read with <see cref="Writing"/> held.</summary>
    /// <remarks>
    /// After a failed write or fsync nobody knows what the disk holds: the kernel may have dropped the dirty pages and say yes the next time.
    /// So nothing more is promised until the files were read again, at the next start.
    /// </remarks>
    public Reason? Failure => failure;

    public string Folder => folder;

    public string PathOf(params ReadOnlySpan<string> names) => Path.Combine([folder, .. names]);

    /// <summary>Ends all writing.</summary>
    public Reason Fail(Exception exception) => failure ??= new Reason(
        "state",
        $"the state folder could not be written; {folder}: {exception.Message}",
        "free space on its disk, make it writable, and start the gate again");

    /// <summary>Ends all writing because the folder is given back.</summary>
    public void Close() => failure ??= new Reason("state", $"the state folder {folder} is closed", "send the request again once the gate has started");

    /// <summary>Whether an exception is the disk's, and not a mistake of the program.</summary>
    public static bool IsOfDisk(Exception exception) => exception is IOException or UnauthorizedAccessException or NotSupportedException;

    /// <summary>Puts a file in its place, whole and durable: after a crash the old one or the new one stands there.</summary>
    public static void Replace(string path, ReadOnlyMemory<byte> bytes)
    {
        ReplaceForNow([new(path, [bytes])]);
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>The same for many files, but after a crash old ones may stand there until their folders were flushed with <see cref="SyncFolder"/>.</summary>
    /// <param name="files">Each file's path, and what it is to hold.</param>
    /// <param name="wrote">Told of each file that is on its way to the disk: how many bytes it has. May wait.</param>
    public static void ReplaceForNow(IEnumerable<KeyValuePair<string, ImmutableArray<ReadOnlyMemory<byte>>>> files, Action<long>? wrote = null)
    {
        foreach (var some in files.Chunk(MostOpen))
        {
            List<SafeFileHandle> drafts = new(some.Length);
            try
            {
                foreach (var (path, pieces) in some)
                {
                    var draft = File.OpenHandle(path + Draft, FileMode.Create, FileAccess.Write, FileShare.None);
                    drafts.Add(draft);
                    RandomAccess.Write(draft, pieces, fileOffset: 0);
                    BeginToFlush(draft);
                    wrote?.Invoke(pieces.Sum(piece => (long)piece.Length));
                }

                // All are on their way: a file system with a journal commits once for all of them, and not for each.
                drafts.ForEach(RandomAccess.FlushToDisk);
                drafts.ForEach(Forget);
            }
            finally
            {
                drafts.ForEach(static draft => draft.Dispose());
            }

            foreach (var (path, _) in some)
            {
                File.Move(path + Draft, path, overwrite: true);
            }
        }
    }

    // Only a hint: whether it worked is asked of the flush.
    private static void BeginToFlush(SafeFileHandle file)
    {
        const int Write = 2;
        if (OperatingSystem.IsLinux())
        {
            _ = sync_file_range(file, 0, 0, Write);
        }
    }

    // Only a hint: the next files take the same memory of the page cache, which costs a fraction of taking fresh memory, and leave that of others alone.
    private static void Forget(SafeFileHandle file)
    {
        const int DontNeed = 4;
        if (OperatingSystem.IsLinux())
        {
            _ = posix_fadvise(file, 0, 0, DontNeed);
        }
    }

    /// <summary>Makes a folder below the state folder, durably.</summary>
    public void CreateFolder(string name)
    {
        Directory.CreateDirectory(PathOf(name));
        SyncFolder(folder);
    }

    /// <summary>Deletes the files of a folder below the state folder that nothing names any more.</summary>
    public void Sweep(string name, IEnumerable<string> named)
    {
        var kept = named.ToHashSet(StringComparer.Ordinal);
        try
        {
            foreach (var file in Directory.EnumerateFiles(PathOf(name)).Where(file => !kept.Contains(file)).ToList())
            {
                File.Delete(file);
            }
        }
        catch (Exception exception) when (IsOfDisk(exception))
        {
            // A file that nothing names harms nobody; the next write tries again.
        }
    }

    /// <summary>The bytes of a file; null where there is none.</summary>
    public static byte[]? Read(string path, long most)
    {
        if (Open(path) is not { } opened)
        {
            return null;
        }

        using var file = opened;
        var length = RandomAccess.GetLength(file);
        if (length > most)
        {
            throw new IOException($"{path} has {length} bytes, more than {most}");
        }

        var bytes = new byte[length];
        var have = 0;
        while (have < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(have), have) is > 0 and var read)
        {
            have += read;
        }

        return bytes[..have];
    }

    // Asked and not looked up before: a file may go in between.
    private static SafeFileHandle? Open(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Makes the names in a folder durable: a new or moved file is only found after a crash once its folder was written (fsync(2)).</summary>
    public static void SyncFolder(string path)
    {
        // Windows has no such call, and journals names itself.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = open([.. Encoding.UTF8.GetBytes(path), 0], 0);
        if (descriptor < 0)
        {
            throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var failed = fsync(descriptor) != 0 ? Marshal.GetLastPInvokeErrorMessage() : null;
        _ = close(descriptor);
        if (failed is not null)
        {
            throw new IOException($"{path}: {failed}");
        }
    }

    // The runtime opens no folder as a file, so there is no handle to flush.
#pragma warning disable IDE1006 // the C library's own names
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int open(byte[] path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int fsync(int descriptor);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int sync_file_range(SafeFileHandle file, long offset, long length, uint flags);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int close(int descriptor);
#pragma warning restore IDE1006
}
