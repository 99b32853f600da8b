using System.Runtime.InteropServices;
using System.Text;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Two folders that take each other's place in one step: at no moment, and after no crash, is one of the two names without a folder.</summary>
internal static class FolderExchange
{
    private const int WorkingFolder = -100;
    private const uint Exchange = 2;

    /// <summary>Exchanges two folders of one disk (renameat2(2), RENAME_EXCHANGE).</summary>
    /// <exception cref="IOException">The disk, or the system, cannot: then nothing was done.</exception>
    public static void Of(string one, string other)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new IOException("folders are exchanged in one step on Linux only");
        }

        if (renameat2(WorkingFolder, Name(one), WorkingFolder, Name(other), Exchange) != 0)
        {
            throw new IOException($"{one} and {other} cannot be exchanged: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private static byte[] Name(string path) => [.. Encoding.UTF8.GetBytes(path), 0];

#pragma warning disable IDE1006 // the C library's own name
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int renameat2(int oldFolder, byte[] oldPath, int newFolder, byte[] newPath, uint flags);
#pragma warning restore IDE1006
}
