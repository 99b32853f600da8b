using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>One Kubernetes object as a user would apply it.</summary>
/// <param name="Json">The object as JSON, with <c>apiVersion</c> and <c>kind</c>; no key stands in it twice.</param>
/// <param name="Source">Where it stands, for people: <c>deploy.yaml, document 2</c>, or <c>…, item 3</c> of a list.</param>
public sealed record Manifest(ReadOnlyMemory<byte> Json, string Source);

/// <summary>Kubernetes manifests from files, folders and standard input, read as kubectl reads them and refused where readers could differ.</summary>
public static class Manifests
{
    private const int MaxFileBytes = 10 << 20;
    private const int MaxDocuments = 10_000;

    // Aliases let a small file stand for much: one sum bounds what a whole reading may hold.
    private const long MaxJsonBytes = 256L << 20;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file, every <c>*.yaml</c>, <c>*.yml</c> and <c>*.json</c> of a folder in the order of their names (not of its folders), or <c>-</c> for standard input.</summary>
    /// <remarks>Documents that are empty are left out; lists become their items. A file has at most 10 MiB, a reading at most 10,000 objects.</remarks>
    /// <exception cref="GateException">Something cannot be read, or is no manifest; the message names file, document, line and column.</exception>
    public static async Task<ImmutableArray<Manifest>> ReadAsync(string path, Stream standardInput, CancellationToken cancellation)
    {
        var found = new Collector();
        if (path == "-")
        {
            found.Add(await ReadBoundedAsync(standardInput, "standard input", cancellation), "standard input");
        }
        else
        {
            foreach (var file in Files(path))
            {
                found.Add(await ReadFileAsync(file, cancellation), OneLine.Of(file));
            }
        }

        return found.ToImmutable(path);
    }

    /// <summary>Reads the bytes of one file. A <paramref name="name"/> that ends in <c>.json</c> is JSON; anything else may be YAML or JSON.</summary>
    /// <exception cref="GateException">They hold no manifests; the message names file, document, line and column.</exception>
    public static ImmutableArray<Manifest> Parse(ReadOnlyMemory<byte> bytes, string name)
    {
        var found = new Collector();
        found.Add(bytes, OneLine.Of(name));
        return found.ToImmutable(name);
    }

    private static string[] Files(string path)
    {
        if (!Directory.Exists(path))
        {
            return [path];
        }

        try
        {
            string[] files = [.. Directory.EnumerateFiles(path).Where(file => Path.GetExtension(file) is ".yaml" or ".yml" or ".json").Order(StringComparer.Ordinal)];
            return files is [] ? throw new GateException($"the folder '{OneLine.Of(path)}' holds no *.yaml, *.yml or *.json", "name a folder or a file with manifests") : files;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"the folder '{OneLine.Of(path)}' cannot be read: {OneLine.Of(cause.Message)}", "check its name and its permissions", cause);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadFileAsync(string path, CancellationToken cancellation)
    {
        try
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, useAsync: true);
            return await ReadBoundedAsync(file, OneLine.Of(path), cancellation);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new GateException($"'{OneLine.Of(path)}' cannot be read: {OneLine.Of(cause.Message)}", "check its name and its permissions", cause);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBoundedAsync(Stream stream, string name, CancellationToken cancellation) =>
        await Bounded.ReadAsync(stream, MaxFileBytes, cancellation)
            ?? throw new GateException($"{name} has more than {MaxFileBytes >> 20} MiB", "split it into several files");

    /// <summary>The manifests found so far, and what they weigh.</summary>
    private sealed class Collector
    {
        private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

        private readonly ImmutableArray<Manifest>.Builder manifests = ImmutableArray.CreateBuilder<Manifest>();
        private int documents;
        private long jsonBytes;

        public ImmutableArray<Manifest> ToImmutable(string path) => manifests.Count > 0
            ? manifests.DrainToImmutable()
            : throw new GateException($"{(path == "-" ? "standard input" : $"'{OneLine.Of(path)}'")} holds no manifest", "name what holds Kubernetes objects");

        public void Add(ReadOnlyMemory<byte> bytes, string file)
        {
            if (bytes.Length > MaxFileBytes)
            {
                throw new GateException($"{file} has more than {MaxFileBytes >> 20} MiB", "split it into several files");
            }

            bytes = bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
            var onlyJson = file.EndsWith(".json", StringComparison.Ordinal);
            if (onlyJson || bytes.Span.TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
            {
                try
                {
                    AddJson(Split(bytes), bytes, file);
                    return;
                }
                catch (JsonException broken) when (onlyJson)
                {
                    throw new GateException($"{file}, line {broken.LineNumber + 1}:{broken.BytePositionInLine + 1} is not JSON: {OneLine.Of(broken.Message)}", "correct the syntax", broken);
                }
                catch (JsonException)
                {
                    // YAML can begin with a brace too; kubectl tries JSON first and YAML after it.
                }
            }

            foreach (var (number, json) in YamlDocuments.Read(Decode(bytes, file), file))
            {
                Count(file);
                using var document = JsonDocument.Parse(json, Strict);
                Add(document.RootElement, json, $"{file}, document {number}", null);
            }
        }

        private void AddJson(List<Range> ranges, ReadOnlyMemory<byte> bytes, string file)
        {
            for (var i = 0; i < ranges.Count; i++)
            {
                Count(file);
                var json = bytes[ranges[i]];
                var source = $"{file}, document {i + 1}";
                JsonDocument document;
                try
                {
                    document = JsonDocument.Parse(json, Strict);
                }
                catch (JsonException broken)
                {
                    // The syntax was read through before, so this is a key that stands twice.
                    var line = bytes.Span[..ranges[i].Start.Value].Count((byte)'\n') + 1 + (broken.LineNumber ?? 0);
                    throw new GateException($"{source}, from line {line} has a key twice in one object: {OneLine.Of(broken.Message)}", "keep one of them", broken);
                }

                using (document)
                {
                    Add(document.RootElement, json.ToArray(), source, null);
                }
            }
        }

        private static List<Range> Split(ReadOnlyMemory<byte> bytes)
        {
            var ranges = new List<Range>();
            var reader = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { AllowMultipleValues = true });
            while (reader.Read())
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                ranges.Add(start..(int)reader.BytesConsumed);
            }

            return ranges;
        }

        private void Count(string file)
        {
            if (++documents > MaxDocuments)
            {
                throw new GateException($"{file} takes the reading past {MaxDocuments:N0} documents", "check fewer files at a time");
            }
        }

        private void Add(JsonElement element, ReadOnlyMemory<byte> json, string source, TypeOfItem? type)
        {
            if (element.ValueKind != JsonValueKind.Object)
            {
                throw new GateException($"{source} is not an object", "write apiVersion, kind and metadata");
            }

            if (TypeOfItem.Of(element, type) is not { } typed)
            {
                throw new GateException($"{source} lacks apiVersion or kind, or one of them is not text", "write both, as in 'apiVersion: v1' and 'kind: Pod'");
            }

            var isList = typed.Kind.EndsWith("List", StringComparison.Ordinal);
            if (element.TryGetProperty("items", out var items))
            {
                // kubectl applies the items of whatever has them, without a look at its kind.
                AddItems(items, source, isList ? typed.Element : null, isList);
            }

            // A custom kind may have a name that ends in List, and items of none: that is the object itself.
            if (!isList || items.ValueKind == JsonValueKind.Undefined && typed.Kind != "List")
            {
                Keep(TypeOfItem.Of(element, null) is null ? typed.WriteInto(element) : json, source);
            }
        }

        private void AddItems(JsonElement items, string source, TypeOfItem? type, bool isList)
        {
            if (items.ValueKind == JsonValueKind.Array)
            {
                var number = 0;
                foreach (var item in items.EnumerateArray())
                {
                    number++;
                    Count(source);
                    Add(item, JsonMarshal.GetRawUtf8Value(item).ToArray(), $"{source}, item {number}", type);
                }
            }
            else if (isList && items.ValueKind != JsonValueKind.Null)
            {
                throw new GateException($"{source} is a list whose items are not a sequence", "write a sequence of objects in items");
            }
        }

        private void Keep(ReadOnlyMemory<byte> json, string source)
        {
            jsonBytes += json.Length;
            if (jsonBytes > MaxJsonBytes)
            {
                throw new GateException($"{source} takes the reading past {MaxJsonBytes >> 20} MiB", "check fewer files at a time");
            }

            manifests.Add(new(json, source));
        }

        private static string Decode(ReadOnlyMemory<byte> bytes, string file)
        {
            try
            {
                return StrictUtf8.GetString(bytes.Span);
            }
            catch (DecoderFallbackException broken)
            {
                var at = bytes.Span[..Math.Clamp(broken.Index, 0, bytes.Length)];
                throw new GateException($"{file}, line {at.Count((byte)'\n') + 1}:{at.Length - at.LastIndexOf((byte)'\n')} is not UTF-8", "save the file as UTF-8", broken);
            }
        }
    }

    /// <summary>The apiVersion and kind of an object; the items of a typed list such as PodList leave theirs to the list.</summary>
    private sealed record TypeOfItem(string ApiVersion, string Kind)
    {
        public TypeOfItem? Element => Kind == "List" ? null : this with { Kind = Kind[..^4] };

        public static TypeOfItem? Of(JsonElement element, TypeOfItem? inherited) =>
            (Text(element, "apiVersion") ?? inherited?.ApiVersion) is { } version && (Text(element, "kind") ?? inherited?.Kind) is { } kind ? new(version, kind) : null;

        public byte[] WriteInto(JsonElement element)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                writer.WriteString("apiVersion", ApiVersion);
                writer.WriteString("kind", Kind);
                foreach (var member in element.EnumerateObject().Where(member => member.Name is not ("apiVersion" or "kind")))
                {
                    member.WriteTo(writer);
                }

                writer.WriteEndObject();
            }

            return buffer.WrittenSpan.ToArray();
        }

        private static string? Text(JsonElement element, string name) =>
            element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
    }
}
