using System.Collections.Immutable;

namespace Governance.Gates.Sigstore.Models;

/// <summary>How the files of a model become digests, and which of them do not (OMS 1.0, section 5.2.2). Always SHA-256, and never through symbolic links.</summary>
public sealed class ModelSerialization
{
    /// <summary>The shard size that section 6.3.2 recommends: 1 GB.</summary>
    public const long DefaultShardSize = 1_000_000_000;

    // A protobuf Struct, in which the reference implementation writes it, has doubles only.
    private const long MostShardSize = 1L << 53;
    private const int MostIgnorePaths = 1024;

    private readonly HashSet<string> ignored;

    private ModelSerialization(long? shardSize, ImmutableArray<string> ignorePaths)
    {
        ShardSize = shardSize;
        IgnorePaths = ignorePaths;
        ignored = new(ignorePaths.Concat(AlwaysIgnored), StringComparer.Ordinal);
    }

    /// <summary>What no signature covers, whatever it says (section 6.2).</summary>
    public static ImmutableArray<string> AlwaysIgnored { get; } = [".git", ".gitattributes", ".github", ".gitignore"];

    /// <summary>Bytes of a shard; null where each file has one digest.</summary>
    public long? ShardSize { get; }

    /// <summary>The paths that are left out and signed as such, each with all below it.</summary>
    public ImmutableArray<string> IgnorePaths { get; }

    /// <summary>Whether a path of a file or folder is itself left out.</summary>
    public bool Ignores(string path) => ignored.Contains(path);

    /// <summary>Checks what is to be signed, or was.</summary>
    /// <param name="shardSize">Bytes of a shard; null for one digest a file.</param>
    /// <param name="ignorePaths">Paths relative to the model, with <c>/</c>; no patterns.</param>
    /// <param name="mistake">What is wrong, on one line; empty where a serialization is returned.</param>
    public static ModelSerialization? TryCreate(long? shardSize, IReadOnlyCollection<string> ignorePaths, out string mistake)
    {
        ArgumentNullException.ThrowIfNull(ignorePaths);
        mistake = shardSize is < 1 or > MostShardSize ? $"shards of {shardSize} bytes cannot be; they have 1 to {MostShardSize}"
            : ignorePaths.Count > MostIgnorePaths ? $"{ignorePaths.Count} paths are ignored and at most {MostIgnorePaths} may be"
            : ignorePaths.Select(path => ModelPath.IgnoreFault(path) is { } fault ? $"the ignored path '{OneLine.Show(path)}' {fault}" : null).FirstOrDefault(fault => fault is not null) ?? "";
        return mistake.Length == 0 ? new(shardSize, [.. ignorePaths.Distinct(StringComparer.Ordinal).Order(Comparer<string>.Create(ModelPath.Compare))]) : null;
    }
}
