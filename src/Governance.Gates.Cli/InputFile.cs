namespace Governance.Gates.Cli;

/// <summary>Reads the small files that a command line names.</summary>
internal static class InputFile
{
    /// <summary>All bytes of a file, a pipe included.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it holds, for mistakes: <c>public key</c>.</param>
    /// <param name="most">The most bytes that are read.</param>
    /// <exception cref="GateException">It cannot be read, or is larger.</exception>
    public static byte[] Read(string path, string what, int most)
    {
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[most + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length <= most ? bytes[..length] : throw new GateException($"the {what} '{path}' has more than {most} bytes", "name the right file");
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
