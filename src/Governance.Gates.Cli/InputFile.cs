using System.Security.Cryptography;

namespace Governance.Gates.Cli;

/// <summary>Reads the small files that a command line names.</summary>
internal static class InputFile
{
    /// <summary>All bytes of a file, a pipe included.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it holds, for mistakes: <c>public key</c>.</param>
    /// <param name="most">The most bytes that are read.</param>
    /// <exception cref="GateException">It cannot be read, or is larger.</exception>
    public static byte[] Read(string path, string what, int most) =>
        ReadBeginning(path, what, most + 1) is var bytes && bytes.Length <= most ? bytes : throw new GateException($"the {what} '{path}' has more than {most} bytes", "name the right file");

    /// <summary>The first bytes of a file, a pipe included; all of one that has no more than <paramref name="most"/>.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static byte[] ReadBeginning(string path, string what, int most)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var bytes = new MemoryStream();
            var chunk = new byte[Math.Min(most, 64 * 1024)];
            for (int read; (read = file.Read(chunk, 0, (int)Math.Min(chunk.Length, most - bytes.Length))) > 0;)
            {
                bytes.Write(chunk, 0, read);
            }

            return bytes.ToArray();
        }
        catch (Exception exception) when (IsOfFile(exception))
        {
            throw Unreadable(path, what, exception);
        }
    }

    /// <summary>SHA-256 of a file of any size.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static async Task<byte[]> HashAsync(string path, string what, CancellationToken cancellation)
    {
        try
        {
            await using var file = File.OpenRead(path);
            return await SHA256.HashDataAsync(file, cancellation);
        }
        catch (Exception exception) when (IsOfFile(exception))
        {
            throw Unreadable(path, what, exception);
        }
    }

    private static bool IsOfFile(Exception exception) => exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private static GateException Unreadable(string path, string what, Exception cause)
    {
        var why = cause switch
        {
            FileNotFoundException or DirectoryNotFoundException => "is not there",
            UnauthorizedAccessException when Directory.Exists(path) => "is a folder",
            _ => $"cannot be read ({cause.GetType().Name})",
        };
        return new($"the {what} '{path}' {why}", "name a file that exists and can be read", cause);
    }
}
