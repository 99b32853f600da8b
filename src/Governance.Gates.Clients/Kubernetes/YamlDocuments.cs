using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>A YAML stream as Kubernetes reads it, document by document, turned into JSON.</summary>
/// <remarks>
/// Anchors and aliases are expanded under a cap. What readers understand differently is refused: duplicate keys, merge keys,
/// tags outside YAML's core schema, keys that are not text once converted.
/// </remarks>
internal sealed class YamlDocuments
{
    private const int MaxNodes = 100_000;
    private const int MaxDepth = 64;
    private const int MaxJsonBytes = 32 << 20;
    private const string CoreTags = "tag:yaml.org,2002:";

    private readonly string file;
    private readonly Parser parser;
    private readonly Dictionary<string, Node?> anchors = new(StringComparer.Ordinal);
    private int document;
    private int nodes;
    private Mark position = Mark.Empty;

    private YamlDocuments(string text, string file)
    {
        this.file = file;
        parser = new Parser(new StringReader(text));
    }

    /// <summary>Each document's number, from 1, and its JSON; empty documents are left out.</summary>
    /// <exception cref="GateException">The text is not YAML, or not such as manifests may have.</exception>
    public static IEnumerable<(int Number, ReadOnlyMemory<byte> Json)> Read(string text, string file)
    {
        var stream = new YamlDocuments(text, file);
        while (stream.Next() is { } root)
        {
            if (root is not ScalarNode { Value: PlainScalar.Null })
            {
                yield return (stream.document, stream.ToJson(root));
            }
        }
    }

    private Node? Next()
    {
        if (document == 0)
        {
            Take<StreamStart>();
        }

        if (Take<ParsingEvent>() is StreamEnd)
        {
            return null;
        }

        document++;
        nodes = 0;
        anchors.Clear();
        var root = Read(Take<ParsingEvent>(), depth: 1);
        Take<DocumentEnd>();
        return root;
    }

    private T Take<T>() where T : ParsingEvent
    {
        try
        {
            if (parser.MoveNext() && parser.Current is T found)
            {
                position = found.Start;
                return found;
            }
        }
        catch (YamlException broken)
        {
            // Some of the parser's errors point at the start of the mapping around the mistake: the last good place is nearer then.
            throw Mistake(broken.End.Index >= position.Index ? broken.End : position, $"is not YAML: {OneLine.Of(broken.Message)}", "correct the syntax", broken);
        }
        catch (Exception broken) when (broken is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The parser lets these through for some malformed escapes and directives, which hostile text can hold.
            throw Mistake(position, "is not YAML", "correct the syntax after this place", broken);
        }

        throw Mistake(position, "is not YAML: it ends too early", "correct the syntax");
    }

    private Node Read(ParsingEvent start, int depth)
    {
        if (++nodes > MaxNodes)
        {
            throw Mistake(start.Start, $"has more than {MaxNodes:N0} nodes", "split the document");
        }

        if (depth > MaxDepth && start is MappingStart or SequenceStart)
        {
            throw TooDeep(start.Start);
        }

        return start switch
        {
            AnchorAlias alias => Resolve(alias),
            Scalar scalar => Anchored(scalar, () => Typed(scalar)),
            SequenceStart sequence => Anchored(sequence, () => ReadSequence(sequence, depth)),
            MappingStart mapping => Anchored(mapping, () => ReadMapping(mapping, depth)),
            _ => throw Mistake(start.Start, "is not YAML: a value is missing", "correct the syntax"),
        };
    }

    private Node Resolve(AnchorAlias alias) => anchors.TryGetValue(alias.Value.Value, out var node) switch
    {
        false => throw Mistake(alias.Start, $"names the anchor '{OneLine.Of(alias.Value.Value)}', which stands nowhere before", "define the anchor first, or write the value out"),
        _ => node ?? throw Mistake(alias.Start, $"has the anchor '{OneLine.Of(alias.Value.Value)}', whose value contains itself", "write the value out"),
    };

    private Node Anchored(NodeEvent start, Func<Node> read)
    {
        if (start.Anchor.IsEmpty)
        {
            return read();
        }

        anchors[start.Anchor.Value] = null;
        return anchors[start.Anchor.Value] = read();
    }

    private SequenceNode ReadSequence(SequenceStart start, int depth)
    {
        RequireTag(start.Tag, start.Start, "seq");
        var items = new List<Node>();
        while (Take<ParsingEvent>() is var next and not SequenceEnd)
        {
            items.Add(Read(next, depth + 1));
        }

        return new(start.Start, items);
    }

    private MappingNode ReadMapping(MappingStart start, int depth)
    {
        RequireTag(start.Tag, start.Start, "map");
        var members = new List<(string, Node)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (Take<ParsingEvent>() is var next and not MappingEnd)
        {
            var name = Key(Read(next, depth + 1), next.Start);
            if (!names.Add(name))
            {
                throw Mistake(next.Start, $"has the key '{OneLine.Of(name)}' twice in one mapping", "keep one of them");
            }

            members.Add((name, Read(Take<ParsingEvent>(), depth + 1)));
        }

        return new(start.Start, members);
    }

    private string Key(Node node, Mark at) => node switch
    {
        ScalarNode { Text: "<<" } => throw Mistake(at, "has the merge key '<<', which readers treat differently", "write the merged members out"),
        ScalarNode { Value: PlainScalar.Text, Text: var text } => text,
        ScalarNode { Value: PlainScalar.Truth(var truth) } => truth ? "true" : "false",
        ScalarNode { Value: PlainScalar.Whole whole } => whole.ToString(),
        ScalarNode { Text: var text } => throw Mistake(at, $"has the key '{OneLine.Of(text)}', which is not text", "put the key in quotes"),
        _ => throw Mistake(at, "has a key that is a mapping or a sequence", "write a key that is text"),
    };

    private ScalarNode Typed(Scalar scalar)
    {
        if (scalar.Tag.IsEmpty)
        {
            return new(scalar.Start, scalar.Value, scalar.Style == ScalarStyle.Plain ? Plain(scalar) : new PlainScalar.Text());
        }

        var tag = scalar.Tag.IsNonSpecific ? "!" : scalar.Tag.Value;
        PlainScalar? value = (tag, PlainScalar.Of(scalar.Value)) switch
        {
            (CoreTags + "str", _) => new PlainScalar.Text(),
            (CoreTags + "null", PlainScalar.Null plain) => plain,
            (CoreTags + "bool", PlainScalar.Truth plain) => plain,
            (CoreTags + "int", PlainScalar.Whole plain) => plain,
            (CoreTags + "float", PlainScalar.Whole or PlainScalar.Real) => Plain(scalar),
            (CoreTags + "null" or CoreTags + "bool" or CoreTags + "int" or CoreTags + "float", _) =>
                throw Mistake(scalar.Start, $"has the tag '!!{tag[CoreTags.Length..]}' on '{OneLine.Of(scalar.Value)}', which is none", "correct the value, or remove the tag"),
            _ => throw UnknownTag(tag, scalar.Start),
        };
        return new(scalar.Start, scalar.Value, value);
    }

    private PlainScalar Plain(Scalar scalar) => PlainScalar.Of(scalar.Value) switch
    {
        PlainScalar.Real(var value) when !double.IsFinite(value) =>
            throw Mistake(scalar.Start, $"has '{OneLine.Of(scalar.Value)}', a number that JSON cannot hold", "put it in quotes if it is text"),
        var plain => plain,
    };

    private void RequireTag(TagName tag, Mark at, string kind)
    {
        if (!tag.IsEmpty && (tag.IsNonSpecific || tag.Value != CoreTags + kind))
        {
            throw UnknownTag(tag.IsNonSpecific ? "!" : tag.Value, at);
        }
    }

    private GateException UnknownTag(string tag, Mark at) =>
        Mistake(at, $"has the tag '{OneLine.Of(tag)}', which is not one of YAML's core schema here", "remove the tag");

    private GateException TooDeep(Mark at) => Mistake(at, $"nests deeper than {MaxDepth} levels", "flatten the document");

    private ReadOnlyMemory<byte> ToJson(Node root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        // The JSON is parsed again, never put into a page: only what JSON itself asks to escape is escaped.
        using var writer = new Utf8JsonWriter(buffer, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        nodes = 0;
        Write(writer, root, depth: 1);
        writer.Flush();
        return buffer.WrittenMemory;
    }

    // Aliases are expanded here, so nodes, depth and bytes count once more: a few lines of aliases can stand for billions of nodes.
    private void Write(Utf8JsonWriter writer, Node node, int depth)
    {
        if (++nodes > MaxNodes)
        {
            throw Mistake(node.At, $"has more than {MaxNodes:N0} nodes once its aliases are expanded", "use fewer aliases, or split the document");
        }

        switch (node)
        {
            case ScalarNode scalar:
                Require(writer, scalar.At, scalar.Text.Length);
                Write(writer, scalar);
                break;
            case SequenceNode or MappingNode when depth > MaxDepth:
                throw TooDeep(node.At);
            case SequenceNode sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Items)
                {
                    Write(writer, item, depth + 1);
                }

                writer.WriteEndArray();
                break;
            case MappingNode mapping:
                writer.WriteStartObject();
                foreach (var (name, value) in mapping.Members)
                {
                    Require(writer, value.At, name.Length);
                    writer.WritePropertyName(name);
                    Write(writer, value, depth + 1);
                }

                writer.WriteEndObject();
                break;
        }
    }

    private static void Write(Utf8JsonWriter writer, ScalarNode scalar)
    {
        switch (scalar.Value)
        {
            case PlainScalar.Null:
                writer.WriteNullValue();
                break;
            case PlainScalar.Truth(var value):
                writer.WriteBooleanValue(value);
                break;
            case PlainScalar.Whole whole:
                writer.WriteRawValue(whole.ToString(), skipInputValidation: true);
                break;
            case PlainScalar.Real(var value):
                writer.WriteNumberValue(value);
                break;
            default:
                writer.WriteStringValue(scalar.Text);
                break;
        }
    }

    private void Require(Utf8JsonWriter writer, Mark at, int coming)
    {
        if (writer.BytesCommitted + writer.BytesPending + coming > MaxJsonBytes)
        {
            throw Mistake(at, $"has more than {MaxJsonBytes >> 20} MiB once its aliases are expanded", "use fewer aliases, or split the document");
        }
    }

    private GateException Mistake(Mark at, string what, string remedy, Exception? cause = null) =>
        new($"{file}, document {Math.Max(document, 1)}, line {at.Line}:{at.Column} {what}", remedy, cause);

    private abstract record Node(Mark At);

    private sealed record ScalarNode(Mark At, string Text, PlainScalar Value) : Node(At);

    private sealed record SequenceNode(Mark At, List<Node> Items) : Node(At);

    private sealed record MappingNode(Mark At, List<(string Name, Node Value)> Members) : Node(At);
}
