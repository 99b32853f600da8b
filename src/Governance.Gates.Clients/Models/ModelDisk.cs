using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.Models;

/// <summary>Opens what is read of a model: never through a link, and never waiting for one who writes into a pipe.</summary>
internal static class ModelDisk
{
    // fcntl.h of Linux, the same on every processor that .NET runs on.
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    /// <summary>Opens a file by the path that <see cref="RealPath"/> gave its folder.</summary>
    /// <exception cref="IOException">It cannot be opened, or some part of its path has become a link.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            // A link that takes the file's place after this look is followed.
            return new FileInfo(path).LinkTarget is null
                ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read)
                : throw new IOException("it is a symbolic link");
        }

        var file = OpenOnLinux(path, out var real);
        if (real != path)
        {
            file.Dispose();
            throw new IOException("a part of its path is a symbolic link, or was moved while the model was read");
        }

        return file;
    }

    /// <summary>The path of a file or folder without links, as far as the system says it.</summary>
    /// <exception cref="IOException">There is none that can be read.</exception>
    public static string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (!OperatingSystem.IsLinux())
        {
            return full;
        }

        using var file = OpenOnLinux(full, out var real);
        return real;
    }

    // The kernel says by which path it opened what the descriptor stands for, which O_NOFOLLOW would ensure for the last part of the path alone.
    private static SafeFileHandle OpenOnLinux(string path, out string real)
    {
        var descriptor = open([.. Encoding.UTF8.GetBytes(path), 0], NonBlocking | CloseOnExec);
        if (descriptor < 0)
        {
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget is { } target)
        {
            real = target;
            return file;
        }

        file.Dispose();
        throw new IOException("/proc is not mounted, so nothing says whether a link was followed");
    }

    // The runtime opens with O_NONBLOCK never, and without it a pipe that nobody writes into would be waited for.
#pragma warning disable IDE1006 // the C library's own name
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int open(byte[] path, int flags);
#pragma warning restore IDE1006
}
