using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The calls on which a journal's promise rests; a test puts faults between them.</summary>
internal class JournalDisk
{
    /// <summary>What writes past the page cache begin at and are multiples of, in the file and in memory.</summary>
    public const int BlockBytes = 4096;

    private const int SetStatusFlags = 4;
    private static readonly byte[] Zeros = new byte[256 * 1024];

    /// <summary>A new file of this many zeros, durable: writes into it change no length, and need no space that is not there.</summary>
    public virtual void Allocate(string path, int bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.None);
        for (var at = 0; at < bytes; at += Zeros.Length)
        {
            RandomAccess.Write(file, Zeros.AsSpan(0, Math.Min(Zeros.Length, bytes - at)), at);
        }

        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Memory that begins where a write past the page cache may begin, and stays there.</summary>
    public static Memory<byte> Aligned(int bytes)
    {
        var pinned = GC.AllocateArray<byte>(bytes + BlockBytes, pinned: true);
        return pinned.AsMemory((int)(-Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0) & (BlockBytes - 1)), bytes);
    }

    /// <summary>Opens a file to be written in whole blocks of <see cref="BlockBytes"/>, past the page cache where the file system can.</summary>
    /// <remarks>Nobody reads what is written, so that it need not be copied, and the flush has no pages to look for (open(2), O_DIRECT).</remarks>
    public virtual SafeFileHandle Open(string path)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        var direct = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 0x4000, Architecture.Arm64 => 0x10000, _ => 0 };
        if (OperatingSystem.IsLinux() && direct != 0 && fcntl(file, SetStatusFlags, direct) == 0)
        {
            try
            {
                // Blocks of another size may be asked for, and only a read or write says so.
                RandomAccess.Read(file, Aligned(BlockBytes).Span, 0);
            }
            catch (IOException)
            {
                _ = fcntl(file, SetStatusFlags, 0);
            }
        }

        return file;
    }

    /// <summary>Writes into a file.</summary>
    public virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long at) => RandomAccess.Write(file, bytes, at);

    /// <summary>Makes what was written durable.</summary>
    public virtual void Sync(SafeFileHandle file)
    {
        // fdatasync(2) leaves out times, which nobody needs: the runtime offers fsync only.
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
        }
        else if (fdatasync(file) != 0)
        {
            throw new IOException($"fdatasync: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

#pragma warning disable IDE1006 // the C library's own name
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int fdatasync(SafeFileHandle file);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int fcntl(SafeFileHandle file, int command, int argument);
#pragma warning restore IDE1006
}
