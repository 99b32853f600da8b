namespace Governance.Gates.Cli;

/// <summary>Writes files that a command line names; what stands there already is never written over.</summary>
internal static class OutputFile
{
    /// <summary>Makes a file with these bytes, durably; where that fails, none.</summary>
    /// <exception cref="GateException">There is one, or it cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = Create(path);
        try
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        catch (Exception exception) when (IsOfDisk(exception))
        {
            var failed = Failed(path, exception);
            // It is ours: nothing stood there before.
            File.Delete(path);
            throw failed;
        }
    }

    /// <summary>Makes a file to be written.</summary>
    /// <exception cref="GateException">There is one, or it cannot be made.</exception>
    public static FileStream Create(string path)
    {
        try
        {
            return new(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (Exception exception) when (IsOfDisk(exception))
        {
            throw Failed(path, exception);
        }
    }

    /// <summary>Makes a folder that was not there, or was empty.</summary>
    /// <exception cref="GateException">Something stands there, or it cannot be made.</exception>
    public static void CreateFolder(string path)
    {
        RefuseTaken(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception exception) when (IsOfDisk(exception))
        {
            throw Failed(path, exception);
        }
    }

    /// <summary>Ends where a folder cannot be made because something stands there that is no empty folder.</summary>
    /// <exception cref="GateException">It does, or cannot be looked at.</exception>
    public static void RefuseTaken(string path)
    {
        try
        {
            if (Path.Exists(path) && (!Directory.Exists(path) || Directory.EnumerateFileSystemEntries(path).Any()))
            {
                throw new GateException($"'{path}' is there already", "name a folder that is not there yet, or is empty");
            }
        }
        catch (Exception exception) when (IsOfDisk(exception))
        {
            throw Failed(path, exception);
        }
    }

    /// <summary>Whether an exception is the disk's, or of a name that no file can have.</summary>
    public static bool IsOfDisk(Exception exception) => exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    /// <summary>What to say when a file cannot be written.</summary>
    public static GateException Failed(string path, Exception exception) => Path.Exists(path) && exception is IOException and not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException)
        ? new($"'{path}' is there already, or cannot be written ({exception.GetType().Name})", "name a file that is not there yet, on a disk with space", exception)
        : new($"'{path}' cannot be written ({exception.GetType().Name})", "name a file in a folder that is there and can be written", exception);
}
