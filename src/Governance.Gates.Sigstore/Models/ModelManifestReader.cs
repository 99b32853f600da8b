using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Models;

/// <summary>Reads the manifest out of a statement whose signature holds (OMS 1.0, sections 5.2 and 8.3), and refuses every one that could mean two things.</summary>
internal static class ModelManifestReader
{
    public const string HashType = "sha256";
    private const string Step = "predicate";
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    public static bool TryRead(SignedContent.Statement statement, [NotNullWhen(true)] out ModelManifest? manifest, [NotNullWhen(false)] out Rejected? rejected)
    {
        manifest = null;
        if (!statement.IsV1)
        {
            rejected = new(RejectionCode.UnsupportedStatementType, "statement", $"a model is signed in a statement of type '{StatementReader.TypeV1}'");
            return false;
        }

        if (statement.Subjects is not [var subject])
        {
            rejected = new(RejectionCode.SubjectMismatch, "subject", $"the statement has {statement.Subjects.Length} subjects, and a model is exactly one");
            return false;
        }

        if (!StrictJson.TryParse(statement.Predicate, Step, out var document, out rejected))
        {
            return false;
        }

        using (document)
        {
            var shape = new JsonShape(Step);
            RefuseUnknown(shape, document.RootElement, "resources", "serialization");
            var serialization = ReadSerialization(shape, shape.Object(document.RootElement, "serialization"));
            var resources = shape.Array(document.RootElement, "resources");
            if (shape.Fault is null)
            {
                manifest = ReadResources(shape, resources, serialization!);
            }

            if (manifest is not null && subject.Digests.GetValueOrDefault(HashType) != Convert.ToHexStringLower(manifest.RootSha256.Span))
            {
                shape.Fail(RejectionCode.SubjectMismatch, "the statement's subject is not the digest of the files that it lists");
            }

            rejected = shape.Fault;
            manifest = rejected is null ? manifest : null;
            return rejected is null;
        }
    }

    private static ModelSerialization? ReadSerialization(JsonShape shape, JsonElement json)
    {
        if (shape.Fault is not null)
        {
            return null;
        }

        RefuseUnknown(shape, json, "method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths");
        var (method, hash) = (shape.Text(json, "method"), shape.Text(json, "hash_type"));
        if (hash != HashType)
        {
            shape.Fail(RejectionCode.UnsupportedDigestAlgorithm, $"the files are hashed with '{OneLine.Show(hash)}', and only '{HashType}' is read");
        }

        if (method is not ("files" or "shards"))
        {
            shape.Fail(RejectionCode.UnsupportedModelFormat, $"serialization.method is '{OneLine.Show(method)}', and only 'files' and 'shards' are read");
        }

        if (!json.TryGetProperty("allow_symlinks", out var links) || links.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            shape.Fail(RejectionCode.MissingField, "serialization.allow_symlinks is no boolean");
        }
        else if (links.ValueKind == JsonValueKind.True)
        {
            shape.Fail(RejectionCode.SymbolicLinksAllowed, "the model was hashed through symbolic links (allow_symlinks), which can be pointed elsewhere; sign it without them");
        }

        var sized = shape.Optional(json, JsonValueKind.Number, "shard_size");
        long? size = null;
        if ((sized.ValueKind == JsonValueKind.Number) != (method == "shards"))
        {
            shape.Fail(RejectionCode.WrongShape, "serialization.shard_size goes with the method 'shards', and only with that");
        }
        else if (sized.ValueKind == JsonValueKind.Number)
        {
            // A whole number, which the reference implementation may write as 8.0.
            size = sized.TryGetDecimal(out var number) && number == decimal.Truncate(number) && number is >= 0 and <= long.MaxValue ? (long)number : 0;
        }

        var paths = shape.Optional(json, JsonValueKind.Array, "ignore_paths");
        string[] ignored = paths.ValueKind == JsonValueKind.Array ? [.. paths.EnumerateArray().Select(path => shape.Text(path))] : [];
        if (shape.Fault is not null)
        {
            return null;
        }

        var serialization = ModelSerialization.TryCreate(size, ignored, out var mistake);
        if (serialization is null)
        {
            shape.Fail(RejectionCode.UnsafeName, mistake);
        }

        return serialization;
    }

    private static ModelManifest? ReadResources(JsonShape shape, JsonElement list, ModelSerialization serialization)
    {
        if (list.GetArrayLength() is 0 or > ModelManifest.MostResources)
        {
            var (code, what) = list.GetArrayLength() == 0 ? (RejectionCode.EmptyModel, "no files") : (RejectionCode.TooManyResources, $"{list.GetArrayLength()} files and shards, and at most {ModelManifest.MostResources} are read");
            shape.Fail(code, $"the signed model has {what}");
            return null;
        }

        var sharded = $"{HashType}-sharded-{serialization.ShardSize}";
        var digests = new List<ReadOnlyMemory<byte>>(list.GetArrayLength());
        var files = new Dictionary<string, List<Piece>>(StringComparer.Ordinal);
        foreach (var item in list.EnumerateArray())
        {
            var (name, algorithm, hex) = (shape.Text(item, "name"), shape.Text(item, "algorithm"), shape.Text(item, "digest"));
            // Older releases of the reference implementation name the shards' size here once more.
            if (algorithm != HashType && (serialization.ShardSize is null || algorithm != sharded))
            {
                shape.Fail(RejectionCode.UnsupportedDigestAlgorithm, $"'{OneLine.Show(name)}' is hashed with '{OneLine.Show(algorithm)}', and the model with '{HashType}'");
            }

            if (hex.Length != 64 || hex.AsSpan().ContainsAnyExcept(LowerHex))
            {
                shape.Fail(RejectionCode.WrongShape, $"the digest of '{OneLine.Show(name)}' is not 64 lower-case hex digits");
            }

            if (shape.Fault is not null)
            {
                return null;
            }

            var digest = Convert.FromHexString(hex);
            digests.Add(digest);
            if (Piece.TryRead(name, digest, serialization.ShardSize is not null, out var path) is not { } piece)
            {
                shape.Fail(RejectionCode.ShardMismatch, $"'{OneLine.Show(name)}' does not end in ':start:end'");
                return null;
            }

            if (files.TryGetValue(path, out var pieces) && serialization.ShardSize is null)
            {
                shape.Fail(RejectionCode.DuplicateName, $"the file '{OneLine.Show(path)}' is listed twice");
                return null;
            }

            (pieces ?? (files[path] = [])).Add(piece);
        }

        return Assemble(shape, files, digests, serialization);
    }

    private static ModelManifest? Assemble(JsonShape shape, Dictionary<string, List<Piece>> files, List<ReadOnlyMemory<byte>> digests, ModelSerialization serialization)
    {
        // Alone, the name '.' is a model that is one file; beside others it names nothing.
        var isNameless = files.Count == 1 && files.ContainsKey(ModelManifest.NamelessFile);
        if (!isNameless && ModelManifest.NameFault(files.Keys) is { } fault)
        {
            shape.Fail(fault.Code, fault.Detail);
            return null;
        }

        foreach (var (path, pieces) in files)
        {
            pieces.Sort((one, other) => one.Start.CompareTo(other.Start));
            if (serialization.ShardSize is { } size && !Covers(pieces, size))
            {
                shape.Fail(RejectionCode.ShardMismatch, $"the shards of '{OneLine.Show(path)}' leave a gap, overlap, or are not of {size} bytes");
                return null;
            }
        }

        var read = files.Select(file => new ModelFile(file.Key, serialization.ShardSize is null ? null : file.Value[^1].End, [.. file.Value.Select(piece => piece.Digest)]));
        return ModelManifest.OfRead(serialization, read, ModelManifest.Root(digests));
    }

    /// <summary>Section 6.3.2: consecutive, each of the size but the last, which may be shorter and is never empty.</summary>
    private static bool Covers(List<Piece> pieces, long size)
    {
        for (var place = 0; place < pieces.Count; place++)
        {
            var (start, end, _) = pieces[place];
            if (start != place * size || end <= start || end - start > size || (place < pieces.Count - 1 && end - start != size))
            {
                return false;
            }
        }

        return true;
    }

    private static void RefuseUnknown(JsonShape shape, JsonElement json, params ReadOnlySpan<string> known)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var field in json.EnumerateObject())
        {
            if (!known.Contains(field.Name))
            {
                // What it would say about the files is not known, and so it is not known whether they are these.
                shape.Fail(RejectionCode.UnsupportedModelFormat, $"the field '{OneLine.Show(field.Name)}' is none of version 1.0");
            }
        }
    }

    private sealed record Piece(long Start, long End, ReadOnlyMemory<byte> Digest)
    {
        /// <summary>A file's digest or a shard's. A file's name may have colons of its own, so the last two count (section 6.3.2).</summary>
        public static Piece? TryRead(string name, byte[] digest, bool isShard, out string path)
        {
            path = name;
            if (!isShard)
            {
                return new(0, 0, digest);
            }

            var last = name.LastIndexOf(':');
            var middle = last > 0 ? name.LastIndexOf(':', last - 1) : -1;
            if (middle < 0 || ReadOffset(name.AsSpan(middle + 1, last - middle - 1)) is not { } start || ReadOffset(name.AsSpan(last + 1)) is not { } end)
            {
                return null;
            }

            path = name[..middle];
            return new(start, end, digest);
        }

        private static long? ReadOffset(ReadOnlySpan<char> text) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && (text[0] != '0' || text.Length == 1) ? offset : null;
    }
}
