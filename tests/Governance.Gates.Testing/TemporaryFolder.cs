namespace Governance.Gates.Testing;

/// <summary>A folder that only this user can read and that is gone when the test is.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private const string Prefix = "governance-gates-";

    private TemporaryFolder(string path) => Path = path;

    /// <summary>One where temporary files are.</summary>
    public TemporaryFolder()
        : this(Directory.CreateTempSubdirectory(Prefix).FullName)
    {
    }

    /// <summary>The folder's full path.</summary>
    public string Path { get; }

    /// <summary>One for measuring a disk: where temporary files are may be memory, and ext4 makes files slowly beside thousands that tests deleted within five minutes.</summary>
    public static TemporaryFolder OnDisk() => OperatingSystem.IsWindows()
        ? new()
        : new(Directory.CreateDirectory($"/var/tmp/{Prefix}{Guid.NewGuid():N}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName);

    /// <summary>The full path of a name in the folder, whether there is such a file or not.</summary>
    public string PathOf(params ReadOnlySpan<string> names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>Writes a text file and gives its full path.</summary>
    public string Write(string name, string content)
    {
        var path = PathOf(name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Makes a folder in the folder and gives its full path.</summary>
    public string Folder(string name) => Directory.CreateDirectory(PathOf(name)).FullName;

    /// <summary>Removes the folder with all it holds.</summary>
    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
