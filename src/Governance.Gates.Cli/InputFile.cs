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
            var bytes = new byte[most];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return bytes[..length];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            var why = exception switch
            {
                FileNotFoundException or DirectoryNotFoundException => "is not there",
                UnauthorizedAccessException when Directory.Exists(path) => "is a folder",
                _ => $"cannot be read ({exception.GetType().Name})",
            };
            throw new GateException($"the {what} '{path}' {why}", "name a file that exists and can be read", exception);
        }
    }
}
