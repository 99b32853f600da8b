namespace Governance.Gates.Testing;

/// <summary>Where the project's own files are, found from where the tests run.</summary>
public static class ProjectTree
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of <c>gates</c> and <c>gates-webhook</c> as <c>make build</c> leaves them; GATES_BIN names another.</summary>
    public static string Bin => Environment.GetEnvironmentVariable("GATES_BIN") is { Length: > 0 } folder ? Path.GetFullPath(folder) : Path.Combine(Root, "bin");

    /// <summary>The folder of public case data, which is no part of the project and may be absent; GATES_CASES names another.</summary>
    public static string Cases => Environment.GetEnvironmentVariable("GATES_CASES") is { Length: > 0 } folder
        ? Path.GetFullPath(folder)
        : Path.GetFullPath(Path.Combine(Root, "..", "shared", "cases"));

    /// <summary>Why a test that reads public case data is skipped; null where the data is there.</summary>
    /// <param name="path">The file or folder below <see cref="Cases"/>.</param>
    public static string? WhyNoCases(string path)
    {
        var full = Path.Combine(Cases, path);
        return Path.Exists(full) ? null : $"no public case data at {full}; name its folder in GATES_CASES";
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Governance.Gates.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds Governance.Gates.sln; run the tests from the project's tree");
    }
}
