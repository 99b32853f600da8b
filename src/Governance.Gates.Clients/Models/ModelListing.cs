using System.Collections.Immutable;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Clients.Models;

/// <summary>The regular files of a model, as a walk found them.</summary>
/// <param name="Files">Length by path, relative, with <c>/</c>.</param>
/// <param name="LeftOut">What was there and left out, a folder for all below it.</param>
internal sealed record ModelListing(ImmutableDictionary<string, long> Files, ImmutableArray<string> LeftOut)
{
    private const string Rule = "model.files";

    // Folders count too: they are in no manifest that would bound them.
    private const int MostEntries = 2 * ModelManifest.MostResources;

    // Hidden and system files are part of a model, and what cannot be read must not be passed over.
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false, RecurseSubdirectories = false };

    /// <summary>Walks a folder, each time anew.</summary>
    /// <param name="root">The folder's path without links.</param>
    /// <param name="ignores">Whether a path is left out with all below it.</param>
    /// <exception cref="ModelRefusedException">Something is there that no model may have.</exception>
    public static ModelListing Of(string root, Func<string, bool> ignores, CancellationToken cancellation)
    {
        var files = ImmutableDictionary.CreateBuilder<string, long>(StringComparer.Ordinal);
        var leftOut = ImmutableArray.CreateBuilder<string>();
        var seen = 0;
        var folders = new Stack<(string Path, int Depth)>([("", 1)]);
        while (folders.TryPop(out var folder))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var entry in new DirectoryInfo(Path.Combine(root, folder.Path)).EnumerateFileSystemInfos("*", Everything))
            {
                var path = folder.Path.Length == 0 ? entry.Name : $"{folder.Path}/{entry.Name}";
                if (++seen > MostEntries)
                {
                    throw Refused($"there are more than {MostEntries} files and folders", "name the folder that has the model alone");
                }

                if (ignores(path))
                {
                    leftOut.Add(path);
                }
                else if (entry.Name.Contains('\uFFFD'))
                {
                    throw Refused($"the name '{path}' is not UTF-8, or has the character that stands for what is not", "rename it");
                }
                else if ((entry.Attributes & FileAttributes.ReparsePoint) != 0)
                {
                    throw Refused($"'{path}' is a symbolic link, which can be pointed elsewhere after the model was verified", "put the file itself there, or leave the path out when the model is signed");
                }
                else if ((entry.Attributes & FileAttributes.Directory) != 0)
                {
                    if (folder.Depth == ModelManifest.MostDepth)
                    {
                        throw Refused($"'{path}' lies deeper than {ModelManifest.MostDepth} folders", "name the folder that has the model alone");
                    }

                    folders.Push((path, folder.Depth + 1));
                }
                else
                {
                    files.Add(path, ((FileInfo)entry).Length);
                }
            }
        }

        return new(files.ToImmutable(), [.. leftOut.Order(StringComparer.Ordinal)]);
    }

    /// <summary>Whether another walk found the same files with the same lengths.</summary>
    public bool IsSameAs(ModelListing other) => Files.Count == other.Files.Count && Files.All(file => other.Files.TryGetValue(file.Key, out var length) && length == file.Value);

    private static ModelRefusedException Refused(string message, string remedy) => new(Decision.Deny(new Reason(Rule, message, remedy)));
}

/// <summary>Ends the reading of a model, from whichever thread, with the decision that it comes to.</summary>
internal sealed class ModelRefusedException(Decision decision) : Exception
{
    public Decision Decision => decision;
}
