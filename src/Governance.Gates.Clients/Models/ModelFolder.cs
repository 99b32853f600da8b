using System.Collections.Concurrent;
using System.Collections.Immutable;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Clients.Models;

/// <summary>Where a model is, and what of it is not looked at.</summary>
/// <param name="Path">A folder, or a file that is the whole model.</param>
/// <param name="Serialization">How it is hashed, and what its signature leaves out.</param>
public sealed record ModelFolder(string Path, ModelSerialization Serialization)
{
    private const string Rule = "model.files";

    /// <summary>The signature's file, which is left out where it lies in the folder; null for none.</summary>
    public string? Signature { get; init; }

    /// <summary>Paths that the user leaves out, relative to the folder.</summary>
    public IReadOnlyCollection<string> Ignored { get; init; } = [];

    /// <summary>The name of a file that is the whole model; its own where null.</summary>
    public string? NameOfOnlyFile { get; init; }

    /// <summary>How many threads hash.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Lists the model's files and hashes those that are wanted, a piece at a time in constant memory. Each is opened once.</summary>
    /// <remarks>
    /// No symbolic link is followed below the folder. What changes while it is read is told by lengths, times of writing and a second
    /// walk; what changes afterwards, or with times set back, is not: that takes a folder that nobody else can write to.
    /// </remarks>
    /// <param name="wanted">Whether a path of this length is hashed; what is not stands in the answer without digests.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<ModelReading> ReadAsync(Func<string, long, bool> wanted, CancellationToken cancellation)
    {
        try
        {
            return await Task.Run(() => Read(wanted, cancellation), cancellation);
        }
        catch (ModelRefusedException refused)
        {
            return new ModelReading.Refused(refused.Decision);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return new ModelReading.Refused(Unreadable(Path, exception));
        }
    }

    internal static Decision Unreadable(string path, Exception exception) =>
        Decision.Unknown(new Reason(Rule, $"'{path}' cannot be read: {exception.Message}", "see that it is there, can be read, and is not being written to"));

    private ModelReading.Hashed Read(Func<string, long, bool> wanted, CancellationToken cancellation)
    {
        if (new FileInfo(System.IO.Path.TrimEndingDirectorySeparator(Path)) is { LinkTarget: not null })
        {
            throw new ModelRefusedException(Decision.Deny(new Reason(Rule, $"'{Path}' is a symbolic link", "name the folder or file itself")));
        }

        var root = ModelDisk.RealPath(Path);
        var isFolder = Directory.Exists(root);
        var own = isFolder && Signature is not null ? RelativePath(root, Signature) : null;
        var (folder, list) = isFolder ? (root, Walk(root, own)) : OnlyFile(root);
        var before = list(cancellation);
        // The largest first: a core that is left with it at the end would work alone.
        var files = before.Files.OrderByDescending(file => file.Value)
            .Select(file => new HashedFile(folder, file.Key, isFolder ? file.Key : NameOfOnlyFile ?? file.Key, file.Value, Serialization.ShardSize, wanted))
            .ToList();
        try
        {
            Hash(files, cancellation);
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }

        return before.IsSameAs(list(cancellation))
            ? new([.. files.Select(file => file.ToModelFile())], before.LeftOut.Remove(own ?? ""), own)
            : throw new IOException("files came, went or grew while it was read");
    }

    private Func<CancellationToken, ModelListing> Walk(string root, string? own)
    {
        var ignored = Ignored.Append(own).ToHashSet(StringComparer.Ordinal);
        return cancellation => ModelListing.Of(root, path => Serialization.Ignores(path) || ignored.Contains(path), cancellation);
    }

    private static (string Folder, Func<CancellationToken, ModelListing> List) OnlyFile(string root)
    {
        var name = System.IO.Path.GetFileName(root);
        return (System.IO.Path.GetDirectoryName(root)!, _ => new(ImmutableDictionary<string, long>.Empty.Add(name, new FileInfo(root).Length), []));
    }

    /// <summary>The path of a file in the folder; null where it lies elsewhere.</summary>
    private static string? RelativePath(string root, string file)
    {
        var full = System.IO.Path.GetFullPath(file);
        var folder = System.IO.Path.GetDirectoryName(full);
        var real = Directory.Exists(folder) ? System.IO.Path.Combine(ModelDisk.RealPath(folder), System.IO.Path.GetFileName(full)) : full;
        var relative = System.IO.Path.GetRelativePath(root, real).Replace(System.IO.Path.DirectorySeparatorChar, '/');
        return relative is "." || relative.StartsWith("../", StringComparison.Ordinal) || System.IO.Path.IsPathRooted(relative) ? null : relative;
    }

    private void Hash(List<HashedFile> files, CancellationToken cancellation)
    {
        var pieces = files.SelectMany(file => Enumerable.Range(0, file.Pieces).Select(place => (File: file, Place: place)));
        try
        {
            Parallel.ForEach(
                Partitioner.Create(pieces, EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellation },
                () => new PieceHasher(),
                (piece, _, hasher) =>
                {
                    piece.File.Hash(piece.Place, hasher, cancellation);
                    return hasher;
                },
                hasher => hasher.Dispose());
        }
        catch (AggregateException several) when (several.Flatten().InnerExceptions is [var first, ..])
        {
            throw first is ModelRefusedException or OperationCanceledException or IOException ? first : new IOException(first.Message, first);
        }
    }
}

/// <summary>What reading a model came to.</summary>
public abstract record ModelReading
{
    private ModelReading()
    {
    }

    /// <summary>The files, hashed.</summary>
    /// <param name="Files">Each file once; without digests where it was not wanted.</param>
    /// <param name="LeftOut">What else is there and was not looked at, a folder for all below it.</param>
    /// <param name="Signature">The path of the signature in the folder, where it lies or would lie in it; null where elsewhere.</param>
    public sealed record Hashed(ImmutableArray<ModelFile> Files, ImmutableArray<string> LeftOut, string? Signature) : ModelReading;

    /// <summary>It was not read to the end: a deny where something is there that no model may have, unknown where it could not be read or changed meanwhile.</summary>
    public sealed record Refused(Decision Decision) : ModelReading;
}
