using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Reviews;

/// <summary>Finds the CODEOWNERS file that a command line means.</summary>
internal static class CodeownersSource
{
    /// <summary>Reads it.</summary>
    /// <param name="path">The file itself, or a folder that holds a repository.</param>
    /// <returns>What it says; <see cref="Codeowners.None"/> where a folder has none in any place.</returns>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static Codeowners Read(string path)
    {
        if (!Directory.Exists(path))
        {
            return Read(path, path);
        }

        foreach (var location in Codeowners.Locations)
        {
            var file = Path.Combine(path, location);
            if (new FileInfo(file).LinkTarget is not null)
            {
                throw new GateException($"{file} is a symbolic link, which GitHub does not follow", "put the file itself there, or name it with --codeowners FILE");
            }

            if (File.Exists(file))
            {
                return Read(location, file);
            }
        }

        return Codeowners.None;
    }

    private static Codeowners Read(string name, string file) => Codeowners.Read(name, InputFile.ReadBeginning(file, "CODEOWNERS file", Codeowners.MostBytes));
}
