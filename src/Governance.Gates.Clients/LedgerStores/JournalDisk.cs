using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The three calls on which a journal's promise rests; a test puts faults between them.</summary>
internal class JournalDisk
{
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
#pragma warning restore IDE1006
}
