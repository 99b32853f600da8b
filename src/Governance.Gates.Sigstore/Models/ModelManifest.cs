using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;

namespace Governance.Gates.Sigstore.Models;

/// <summary>The files of a model with their digests, as OpenSSF Model Signing 1.0 signs them (section 5.2).</summary>
/// <remarks>
/// The root digest does not hold the names: two models whose files swapped names have the same one. What identifies a model is the whole
/// manifest, so files are always held against that.
/// </remarks>
public sealed class ModelManifest
{
    /// <summary>The most files, or shards, that a manifest lists.</summary>
    public const int MostResources = 100_000;

    /// <summary>The most folders, one in the other, with the file's own name.</summary>
    public const int MostDepth = 64;

    /// <summary>The name of the only file of a model that is no folder, as releases before 1.0.1 of the reference implementation wrote it; its own name is then not signed.</summary>
    public const string NamelessFile = ".";

    private readonly Dictionary<string, ModelFile> byPath;

    private ModelManifest(ModelSerialization serialization, ImmutableArray<ModelFile> files, ReadOnlyMemory<byte> rootSha256)
    {
        Serialization = serialization;
        Files = files;
        RootSha256 = rootSha256;
        byPath = files.ToDictionary(file => file.Path, StringComparer.Ordinal);
    }

    /// <summary>How the files were hashed, and what was left out.</summary>
    public ModelSerialization Serialization { get; }

    /// <summary>The files, by the code points of their paths.</summary>
    public ImmutableArray<ModelFile> Files { get; }

    /// <summary>SHA-256 over the digests in the order in which they are listed (section 6.5): 32 bytes. It does not hold the names.</summary>
    public ReadOnlyMemory<byte> RootSha256 { get; }

    /// <summary>Whether it is of a model of one file whose name is not signed.</summary>
    public bool IsNameless => Files is [{ Path: NamelessFile }];

    /// <summary>The file of a path; null where the manifest has none.</summary>
    public ModelFile? Find(string path) => byPath.GetValueOrDefault(path);

    /// <summary>The manifest of files that were hashed.</summary>
    /// <param name="serialization">How they were.</param>
    /// <param name="files">Each file once, with its length and its digests.</param>
    /// <param name="mistake">What is wrong and what to do, on one line; empty where a manifest is returned.</param>
    /// <returns>The manifest, or null where there is no file, a name is none that everybody reads alike, or there are too many.</returns>
    public static ModelManifest? TryCreate(ModelSerialization serialization, IReadOnlyCollection<ModelFile> files, out string mistake)
    {
        ArgumentNullException.ThrowIfNull(serialization);
        ArgumentNullException.ThrowIfNull(files);
        mistake = files.Count == 0 ? "there is no file to sign; name the folder that has the model's files" : NameFault(files.Select(file => file.Path))?.Detail ?? "";
        if (mistake.Length > 0)
        {
            return null;
        }

        if (files.FirstOrDefault(file => file.Digests.IsEmpty) is { } empty)
        {
            mistake = $"'{OneLine.Show(empty.Path)}' is empty, and shards cover no empty file; sign whole files instead, or leave it out";
            return null;
        }

        if (files.Sum(file => (long)file.Digests.Length) is > MostResources and var count)
        {
            mistake = $"there are {count} files and shards, and at most {MostResources} can be signed; use larger shards, or sign parts of the model";
            return null;
        }

        var manifest = new ModelManifest(serialization, [.. files.OrderBy(file => file.Path, Comparer<string>.Create(ModelPath.Compare))], default);
        return new(serialization, manifest.Files, Root(manifest.Resources().Select(resource => resource.Digest)));
    }

    /// <summary>How files differ from those of the manifest, by path; empty where nothing does.</summary>
    /// <param name="found">The files that there are, each once. One without digests is there and was not hashed.</param>
    public ImmutableArray<ModelDifference> Differences(IReadOnlyCollection<ModelFile> found)
    {
        ArgumentNullException.ThrowIfNull(found);
        var differences = ImmutableArray.CreateBuilder<ModelDifference>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in found)
        {
            seen.Add(file.Path);
            if (Find(file.Path) is not { } signed)
            {
                differences.Add(new(file.Length == 0 && Serialization.ShardSize is not null ? ModelDifferenceKind.Uncovered : ModelDifferenceKind.Unsigned, file.Path));
            }
            else if (!signed.IsSameAs(file))
            {
                differences.Add(new(ModelDifferenceKind.Changed, file.Path));
            }
        }

        differences.AddRange(Files.Where(file => !seen.Contains(file.Path)).Select(file => new ModelDifference(ModelDifferenceKind.Missing, file.Path)));
        differences.Sort((one, other) => ModelPath.Compare(one.Path, other.Path));
        return differences.ToImmutable();
    }

    /// <summary>The in-toto statement that signs the manifest (section 6.6).</summary>
    /// <param name="name">The model's name, which binds nothing: the last part of its path.</param>
    public byte[] ToStatement(string name) => InTotoStatement.Write([Subject.OfSha256(name, RootSha256.Span)], PredicateTypes.ModelSignature, CompactJson.Write(WritePredicate));

    internal static ModelManifest OfRead(ModelSerialization serialization, IEnumerable<ModelFile> files, ReadOnlyMemory<byte> rootSha256) =>
        new(serialization, [.. files.OrderBy(file => file.Path, Comparer<string>.Create(ModelPath.Compare))], rootSha256);

    /// <summary>The first name that is none, or is there twice, also where case is not told apart.</summary>
    internal static (RejectionCode Code, string Detail)? NameFault(IEnumerable<string> paths)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var path in paths)
        {
            if (ModelPath.Fault(path) is { } fault)
            {
                return (RejectionCode.UnsafeName, $"the name '{OneLine.Show(path)}' {fault}");
            }

            if (!seen.Add(path))
            {
                return (RejectionCode.DuplicateName, $"two files have the name '{OneLine.Show(path)}', or differ from it by nothing but case");
            }
        }

        return null;
    }

    internal static byte[] Root(IEnumerable<ReadOnlyMemory<byte>> digests)
    {
        using var root = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var digest in digests)
        {
            root.AppendData(digest.Span);
        }

        return root.GetHashAndReset();
    }

    /// <summary>The resource descriptors in the specification's order: by name, so that a tenth shard stands before a second.</summary>
    private IEnumerable<(string Name, ReadOnlyMemory<byte> Digest)> Resources() => Serialization.ShardSize is { } size
        ? Files.SelectMany(file => file.Digests.Select((digest, place) => (Name: $"{file.Path}:{place * size}:{Math.Min((place + 1) * size, file.Length!.Value)}", Digest: digest)))
            .OrderBy(resource => resource.Name, Comparer<string>.Create(ModelPath.Compare))
        : Files.Select(file => (file.Path, file.Digests[0]));

    private void WritePredicate(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("serialization");
        json.WriteString("method", Serialization.ShardSize is null ? "files" : "shards");
        json.WriteString("hash_type", ModelManifestReader.HashType);
        if (Serialization.ShardSize is { } size)
        {
            json.WriteNumber("shard_size", size);
        }

        json.WriteBoolean("allow_symlinks", false);
        json.WriteStartArray("ignore_paths");
        foreach (var path in Serialization.IgnorePaths)
        {
            json.WriteStringValue(path);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartArray("resources");
        foreach (var (name, digest) in Resources())
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("algorithm", ModelManifestReader.HashType);
            json.WriteString("digest", Convert.ToHexStringLower(digest.Span));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>A file of a model.</summary>
/// <param name="Path">Relative to the model, with <c>/</c>.</param>
/// <param name="Length">Bytes; null where a manifest does not say, as one of whole files does not.</param>
/// <param name="Digests">SHA-256 of the file, or of each of its shards in their order; empty where it was not hashed, or is empty and would have no shard.</param>
public sealed record ModelFile(string Path, long? Length, ImmutableArray<ReadOnlyMemory<byte>> Digests)
{
    internal bool IsSameAs(ModelFile other) =>
        (Length is null || other.Length is null || Length == other.Length)
        && Digests.Length == other.Digests.Length
        && Digests.Zip(other.Digests).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span));
}

/// <summary>A way in which a model differs from what was signed.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Path">The file; may hold anything that a file system takes.</param>
public sealed record ModelDifference(ModelDifferenceKind Kind, string Path);

/// <summary>The ways in which a model differs from what was signed.</summary>
public enum ModelDifferenceKind
{
    /// <summary>A signed file is not there.</summary>
    Missing,

    /// <summary>A file is there that is not signed.</summary>
    Unsigned,

    /// <summary>An empty file is there, and a signature by shards covers none.</summary>
    Uncovered,

    /// <summary>A file has other bytes than were signed.</summary>
    Changed,
}
