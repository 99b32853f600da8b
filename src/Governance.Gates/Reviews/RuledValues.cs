using System.Globalization;
using System.Text;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>What a YAML or JSON document has at the places that a value rule names, and to whom it belongs there.</summary>
/// <remarks>Both commits of a pull request and both states of an object in a cluster are read by this, so that one definition serves all.</remarks>
internal sealed class RuledValues
{
    private readonly SortedDictionary<string, PolicyNode> found = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PolicyNode> lists = new(StringComparer.Ordinal);

    private RuledValues()
    {
    }

    /// <summary>The values by the pointers to them.</summary>
    public IReadOnlyDictionary<string, PolicyNode> Found => found;

    /// <summary>The outermost lists on the way to values, by the pointers to them, each with all that it says besides the values: an item's place and its other members are what tells whose a value is.</summary>
    public IReadOnlyDictionary<string, string> Lists { get; private set; } = new Dictionary<string, string>();

    /// <summary>Why readers may find something else there; null where all find the same.</summary>
    public string? Unclear { get; private set; }

    /// <summary>Reads a document.</summary>
    /// <param name="bytes">The document; null where there is none.</param>
    /// <param name="pointer">Where values stand.</param>
    public static RuledValues Read(ReadOnlyMemory<byte>? bytes, string pointer)
    {
        var values = new RuledValues();
        var mistakes = new PolicyMistakes();
        if (bytes is not { } document || PolicyDocument.Read(document.Span, mistakes) is not { } root || mistakes.Any)
        {
            values.Unclear = "cannot be read";
            return values;
        }

        values.Collect(root, pointer.Split('/').AsSpan(1), "", isInList: false);
        var ruled = values.found.Values.ToHashSet();
        values.Lists = values.lists.ToDictionary(list => list.Key, list => Spelled(list.Value, ruled), StringComparer.Ordinal);
        return values;
    }

    /// <summary>The same for what means the same to everybody: the order of a mapping says nothing, and quotes do.</summary>
    public static string Spelled(PolicyNode node) => Spelled(node, []);

    private void Collect(PolicyNode node, ReadOnlySpan<string> rest, string at, bool isInList)
    {
        if (rest.IsEmpty)
        {
            found[at] = node;
            return;
        }

        // RFC 6901, section 4: first ~1, then ~0.
        var name = rest[0].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        if (node.Kind == NodeKind.Mapping)
        {
            LookForAlikes(node, rest[0] == "*" ? null : name, at);
        }
        else if (node.Kind == NodeKind.Sequence && !isInList)
        {
            lists[at] = node;
        }

        foreach (var (index, item) in node.Items.Index())
        {
            var key = node.Kind == NodeKind.Mapping ? item.Key!.Text : index.ToString(CultureInfo.InvariantCulture);
            if (rest[0] == "*" || key == name)
            {
                Collect(item, rest[1..], $"{at}/{key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", isInList || node.Kind == NodeKind.Sequence);
            }
        }
    }

    // Many readers (Go's encoding/json, .NET's configuration) take a key in whatever case, and of two the later one.
    private void LookForAlikes(PolicyNode mapping, string? name, string at)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        if (name is not null)
        {
            seen.Add(Folded(name), name);
        }

        var number = decimal.TryParse(name, NumberStyles.Integer, CultureInfo.InvariantCulture, out var parsed) ? parsed : (decimal?)null;
        foreach (var (node, key) in mapping.Items.Select(item => (item.Key!, item.Key!.Text)))
        {
            // 1, 01, 1.0 and 0x1 are one key to some readers.
            if (number is not null && key != name && node.Kind is NodeKind.Integer or NodeKind.Float && (node.Decimal() ?? number) == number)
            {
                Unclear ??= Alike(key, name!, at);
            }

            var folded = Folded(key);
            if (seen.TryGetValue(folded, out var other))
            {
                if (other != key)
                {
                    Unclear ??= Alike(key, other, at);
                }
            }
            else if (name is null)
            {
                seen.Add(folded, key);
            }
        }
    }

    private static string Alike(string key, string other, string at) => $"has {PolicyNode.Shown(key)} at {(at.Length == 0 ? "its root" : OneLine.Show(at))}, which many readers take for {PolicyNode.Shown(other)},";

    // Letters that fold to those of ASCII in some readers, and that .NET leaves as they are.
    private static string Folded(string key) => string.Create(key.Length, key, static (folded, key) =>
    {
        for (var i = 0; i < key.Length; i++)
        {
            folded[i] = key[i] switch
            {
                '\u017f' => 's',
                '\u212a' => 'k',
                '\u0130' or '\u0131' => 'i',
                var other => char.ToLowerInvariant(char.ToUpperInvariant(other)),
            };
        }
    });

    private static string Spelled(PolicyNode node, HashSet<PolicyNode> without)
    {
        var text = new StringBuilder();
        Spell(node, without, text);
        return text.ToString();
    }

    private static void Spell(PolicyNode node, HashSet<PolicyNode> without, StringBuilder text)
    {
        if (without.Contains(node))
        {
            text.Append('*');
            return;
        }

        text.Append((int)node.Kind).Append(node.IsPlain ? 'p' : 'q').Append(':').Append(node.Text.Length).Append(':').Append(node.Text).Append('{');
        foreach (var item in node.Kind == NodeKind.Mapping ? node.Items.OrderBy(item => item.Key!.Text, StringComparer.Ordinal) : (IEnumerable<PolicyNode>)node.Items)
        {
            text.Append(item.Key?.Text.Length ?? 0).Append(item.Key is { IsPlain: true } ? 'p' : ':').Append(item.Key?.Text);
            Spell(item, without, text);
        }

        text.Append('}');
    }
}
