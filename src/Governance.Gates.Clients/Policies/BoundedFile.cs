namespace Governance.Gates.Clients.Policies;

/// <summary>Reads files that somebody else may have written.</summary>
internal static class BoundedFile
{
    /// <summary>The bytes; null where the file is absent, not readable, no regular file, or larger than the cap.</summary>
    public static ReadOnlyMemory<byte>? Read(string path, int most)
    {
        try
        {
            // A mounted ConfigMap is a link into a folder that is swapped whole: following links is how it is read.
            using var file = File.OpenRead(path);
            using var bytes = new MemoryStream();
            var chunk = new byte[16 * 1024];
            for (int read; (read = file.Read(chunk)) > 0;)
            {
                bytes.Write(chunk, 0, read);
                if (bytes.Length > most)
                {
                    return null;
                }
            }

            return bytes.ToArray();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }
}
