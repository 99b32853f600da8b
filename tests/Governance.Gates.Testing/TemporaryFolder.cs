namespace Governance.Gates.Testing;

/// <summary>A folder that only this user can read and that is gone when the test is.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder's full path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("governance-gates-").FullName;

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
