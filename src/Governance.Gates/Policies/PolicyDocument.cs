using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Governance.Gates.Policies;

/// <summary>Reads bytes as one YAML document of plain data: no anchors, aliases, tags, merge keys, directives or second document, and bounded in everything.</summary>
/// <remarks>
/// Events are read instead of a model because only they carry places, styles and anchors. What two YAML readers in use could read
/// differently is refused: the line breaks that only YAML 1.1 knows, directives, keys that stand twice.
/// </remarks>
internal sealed class PolicyDocument
{
    // Tab, line feed, carriage return and printable characters (YAML 1.2, section 5.1) without U+0085, U+2028 and U+2029, which end a
    // line in YAML 1.1 only, without byte order marks, and without the marks that change the direction in which a reviewer sees a line.
    private static readonly Regex Unprintable = new(@"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u2028-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]", RegexOptions.NonBacktracking);

    private static readonly Regex CoreInteger = new(@"^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\z", RegexOptions.NonBacktracking);
    private static readonly Regex CoreFloat = new(@"^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.NonBacktracking);

    private readonly PolicyMistakes mistakes;
    private readonly Parser parser;
    private int nodes;

    private PolicyDocument(string text, PolicyMistakes mistakes)
    {
        this.mistakes = mistakes;
        parser = new Parser(new StringReader(text));
    }

    /// <summary>The document's root; null where it could not be read to its end, and then a mistake says why.</summary>
    public static PolicyNode? Read(ReadOnlySpan<byte> bytes, PolicyMistakes mistakes)
    {
        if (Decode(bytes, mistakes) is not { } text)
        {
            return null;
        }

        var document = new PolicyDocument(text, mistakes);
        try
        {
            return document.ReadStream();
        }
        catch (YamlException e)
        {
            // Its own messages speak of scanner states; the place is what helps.
            mistakes.Add((int)Math.Max(e.Start.Line, 1), (int)Math.Max(e.Start.Column, 1), "", $"not YAML: {PolicyNode.Shown(e.InnerException?.Message ?? e.Message)}", "correct the line: indentation by spaces, quotes and brackets closed");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // What YamlDotNet throws where a state or an escape surprises it, such as "\UFFFFFFFF".
            var near = document.parser.Current?.End ?? Mark.Empty;
            mistakes.Add((int)Math.Max(near.Line, 1), (int)Math.Max(near.Column, 1), "", "not YAML from about here on", "correct the line, or one of the next: indentation by spaces, quotes and brackets closed");
            return null;
        }
        catch (TooMuchException e)
        {
            mistakes.Add((int)e.Start.Line, (int)e.Start.Column, "", e.Message, "a policy is smaller than that; split nothing, remove what is not policy");
            return null;
        }
    }

    private static string? Decode(ReadOnlySpan<byte> bytes, PolicyMistakes mistakes)
    {
        if (bytes.Length > PolicyReader.MostBytes)
        {
            mistakes.Add(1, 1, "", $"the file has {bytes.Length} bytes, more than {PolicyReader.MostBytes}", "a policy is smaller than that");
            return null;
        }

        // The digest of the policy is over these bytes: one policy has one spelling, without a byte order mark.
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            mistakes.Add(1, 1, "", "the file begins with a byte order mark", "save it as UTF-8 without one");
            return null;
        }

        var characters = new char[bytes.Length];
        var status = Utf8.ToUtf16(bytes, characters, out var read, out var written, replaceInvalidSequences: false);
        var text = new string(characters, 0, written);
        if (status != System.Buffers.OperationStatus.Done)
        {
            var (line, column) = Place(text, text.Length);
            mistakes.Add(line, column, "", $"the byte 0x{bytes[read]:x2} is not UTF-8", "save the file as UTF-8");
            return null;
        }

        if (Unprintable.Match(text) is { Success: true } odd)
        {
            var (line, column) = Place(text, odd.Index);
            mistakes.Add(line, column, "", $"the character U+{(int)text[odd.Index]:X4} does not belong into a policy", "remove it: it is invisible, or readers of YAML disagree about it");
            return null;
        }

        return text;
    }

    private static (int Line, int Column) Place(string text, int index)
    {
        var line = 1;
        var start = 0;
        for (var i = 0; i < index; i++)
        {
            if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.Length || text[i + 1] != '\n')))
            {
                line++;
                start = i + 1;
            }
        }

        return (line, index - start + 1);
    }

    private PolicyNode? ReadStream()
    {
        Next();
        if (Next() is StreamEnd)
        {
            mistakes.Add(1, 1, "", "the file holds no document", "write a policy: apiVersion, kind, metadata, spec");
            return null;
        }

        var start = (DocumentStart)parser.Current!;
        if (start.Version is not null)
        {
            mistakes.Add(Line(start), Column(start), "", "a %YAML directive changes how other readers read the file", "remove it: a policy is YAML 1.2");
        }

        var root = ReadNode(Next(), null, null, 0);
        while (parser.Current is not DocumentEnd)
        {
            Next();
        }

        if (Next() is not StreamEnd)
        {
            mistakes.Add(Line(parser.Current!), Column(parser.Current!), "", "a second document begins here", "a policy is one document in one file: remove the rest");
            return null;
        }

        return root;
    }

    private PolicyNode ReadNode(ParsingEvent at, PolicyNode? parent, PolicyNode? key, int depth)
    {
        if (++nodes > PolicyReader.MostNodes)
        {
            throw new TooMuchException($"the document has more than {PolicyReader.MostNodes} nodes", at.Start);
        }

        if (depth >= PolicyReader.MostDepth)
        {
            throw new TooMuchException($"the document is nested more than {PolicyReader.MostDepth} deep", at.Start);
        }

        return at switch
        {
            AnchorAlias alias => Unreadable(alias, parent, key, $"the alias {PolicyNode.Shown("*" + alias.Value.Value)} stands for something elsewhere", "write the value out"),
            NodeEvent node when IsOdd(node, parent) => ReadPast(node, parent, key, depth),
            Scalar scalar => ReadScalar(scalar, parent, key),
            SequenceStart start => ReadSequence(start, parent, key, depth),
            MappingStart start => ReadMapping(start, parent, key, depth),
            _ => throw new YamlException(at.Start, at.End, "a value is missing"),
        };
    }

    private bool IsOdd(NodeEvent node, PolicyNode? parent)
    {
        if (!node.Anchor.IsEmpty)
        {
            mistakes.Add(Line(node), Column(node), parent?.Path ?? "", $"the anchor {PolicyNode.Shown("&" + node.Anchor.Value)} lets a value be used twice", "remove it, and write the value out where it is needed");
        }

        if (!node.Tag.IsEmpty)
        {
            mistakes.Add(Line(node), Column(node), parent?.Path ?? "", $"the tag {PolicyNode.Shown(node.Tag.Value)} changes a value's type", "remove it: quote what is a string");
        }

        return !node.Tag.IsEmpty;
    }

    /// <summary>Reads a tagged value for the mistakes inside it only; what it would be is unknown.</summary>
    private PolicyNode ReadPast(NodeEvent node, PolicyNode? parent, PolicyNode? key, int depth)
    {
        _ = node switch
        {
            SequenceStart start => ReadSequence(start, parent, key, depth),
            MappingStart start => ReadMapping(start, parent, key, depth),
            _ => null,
        };
        return new(NodeKind.Unreadable, Line(node), Column(node), parent, key) { Refused = true };
    }

    private PolicyNode ReadScalar(Scalar scalar, PolicyNode? parent, PolicyNode? key)
    {
        if (Encoding.UTF8.GetByteCount(scalar.Value) > PolicyReader.MostScalarBytes)
        {
            return Unreadable(scalar, parent, key, $"the value {PolicyNode.Shown(scalar.Value)} has more than {PolicyReader.MostScalarBytes} bytes", "shorten it");
        }

        if (scalar.Style == ScalarStyle.Plain && scalar.Start.Line != scalar.End.Line)
        {
            return Unreadable(scalar, parent, key, "a plain value goes on over several lines", "quote it, or put it on one line");
        }

        var kind = scalar.Style == ScalarStyle.Plain ? CoreKind(scalar.Value) : NodeKind.Text;
        return new(kind, Line(scalar), Column(scalar), parent, key) { Text = scalar.Value, IsPlain = scalar.Style == ScalarStyle.Plain };
    }

    private PolicyNode ReadSequence(SequenceStart start, PolicyNode? parent, PolicyNode? key, int depth)
    {
        var sequence = new PolicyNode(NodeKind.Sequence, Line(start), Column(start), parent, key);
        while (Next() is not SequenceEnd)
        {
            sequence.Add(ReadNode(parser.Current!, sequence, null, depth + 1));
        }

        return sequence;
    }

    private PolicyNode ReadMapping(MappingStart start, PolicyNode? parent, PolicyNode? key, int depth)
    {
        var mapping = new PolicyNode(NodeKind.Mapping, Line(start), Column(start), parent, key);
        while (Next() is not MappingEnd)
        {
            var keyStart = parser.Current!;
            var name = ReadNode(keyStart, mapping, null, depth + 1);
            var value = ReadNode(Next(), mapping, name, depth + 1);
            if (name.Kind is NodeKind.Mapping or NodeKind.Sequence)
            {
                mistakes.Add(name.Line, name.Column, mapping.Path, "a key is a word, not a list or mapping", "write 'key: value'");
            }
            else if (keyStart is Scalar { Value: "<<" })
            {
                // Also in quotes: some readers merge by those too.
                mistakes.Add(name.Line, name.Column, mapping.Path, "the merge key '<<' takes values from elsewhere", "write them out");
            }
            else if (name.Kind != NodeKind.Unreadable && !mapping.TryAddField(value))
            {
                mistakes.AddAtKey(value, $"the key {PolicyNode.Shown(name.Text)} stands twice, first in line {mapping.Find(name.Text)!.Key!.Line}", "keep one");
            }
        }

        return mapping;
    }

    private PolicyNode Unreadable(ParsingEvent at, PolicyNode? parent, PolicyNode? key, string message, string remedy)
    {
        var node = new PolicyNode(NodeKind.Unreadable, Line(at), Column(at), parent, key) { Refused = true };
        mistakes.Add(node.Line, node.Column, node.Path, message, remedy);
        return node;
    }

    private ParsingEvent Next() =>
        parser.MoveNext() ? parser.Current! : throw new YamlException("the file ends in the middle");

    private static int Line(ParsingEvent at) => (int)at.Start.Line;

    private static int Column(ParsingEvent at) => (int)at.Start.Column;

    private static NodeKind CoreKind(string plain) => plain switch
    {
        "" or "~" or "null" or "Null" or "NULL" => NodeKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => NodeKind.Boolean,
        _ when CoreInteger.IsMatch(plain) => NodeKind.Integer,
        _ when CoreFloat.IsMatch(plain) => NodeKind.Float,
        _ => NodeKind.Text,
    };

    private sealed class TooMuchException(string message, Mark start) : Exception(message)
    {
        public Mark Start { get; } = start;
    }
}
