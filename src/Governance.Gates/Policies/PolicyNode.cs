using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Governance.Gates.Policies;

/// <summary>What a node of the document is, scalars by the core schema of YAML 1.2 (section 10.3.2).</summary>
internal enum NodeKind
{
    /// <summary>A string: quoted, a block, or plain and nothing else.</summary>
    Text,
    Null,
    Boolean,
    Integer,
    Float,
    Mapping,
    Sequence,

    /// <summary>An alias, or a value with a tag or over several plain lines: reported while the document was read.</summary>
    Unreadable,
}

/// <summary>A node of the policy document with its place in the file.</summary>
/// <param name="parent">The list or mapping in which it stands, not yet among its items; null for the root.</param>
/// <param name="key">Its key, where the parent is a mapping.</param>
internal sealed class PolicyNode(NodeKind kind, int line, int column, PolicyNode? parent, PolicyNode? key)
{
    private readonly Dictionary<string, PolicyNode> fields = new(StringComparer.Ordinal);
    private readonly List<PolicyNode> items = [];

    public NodeKind Kind { get; } = kind;

    public int Line { get; } = line;

    public int Column { get; } = column;

    /// <summary>The text of a scalar.</summary>
    public string Text { get; init; } = "";

    /// <summary>Whether a text stands without quotes, so that readers of YAML 1.1 may take it for something else: yes, no, 1:30.</summary>
    public bool IsPlain { get; init; }

    /// <summary>The key of this node in its mapping, in its own place; null in a sequence and at the root.</summary>
    public PolicyNode? Key { get; } = key;

    /// <summary>Members of a sequence, or values of a mapping in the order of the file.</summary>
    public IReadOnlyList<PolicyNode> Items => items;

    /// <summary>Whether its shape was found wrong and reported, so that nothing more is to be said about it.</summary>
    public bool Refused { get; set; }

    /// <summary>Where it stands, such as <c>spec.people.alice.keys[0]</c>.</summary>
    public string Path
    {
        get
        {
            if (parent is null)
            {
                return "";
            }

            if (Key is null)
            {
                return $"{parent.Path}[{Index.ToString(CultureInfo.InvariantCulture)}]";
            }

            var simple = Key.Text.Length is > 0 and <= 63 && Key.Text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
            return simple ? (parent.Path.Length == 0 ? Key.Text : $"{parent.Path}.{Key.Text}") : $"{parent.Path}[{Shown(Key.Text)}]";
        }
    }

    private int Index { get; } = parent?.items.Count ?? 0;

    /// <summary>The value of a field, where the mapping has one of the right shape.</summary>
    public PolicyNode? this[string name] => fields.TryGetValue(name, out var value) && !value.Refused ? value : null;

    /// <summary>The value of a field, whatever its shape.</summary>
    public PolicyNode? Find(string name) => fields.GetValueOrDefault(name);

    /// <summary>Members that have the right shape.</summary>
    public IEnumerable<PolicyNode> Sound => items.Where(item => !item.Refused);

    /// <summary>The words of a list field, where it is there and sound.</summary>
    public ImmutableArray<string> Words(string field) => this[field] is { } list ? [.. list.Sound.Select(item => item.Text)] : [];

    /// <summary>The number that a <see cref="Shape.Count"/> is.</summary>
    public long Number() => long.Parse(Text, CultureInfo.InvariantCulture);

    /// <summary>The number that a scalar spells in decimal digits; null where it spells none, one that a <see cref="decimal"/> would round, or one that readers of YAML 1.1 take for octal.</summary>
    public decimal? Decimal()
    {
        const int Exact = 28;
        var digits = Text.Count(char.IsAsciiDigit);
        return Kind is NodeKind.Integer or NodeKind.Float && digits is > 0 and <= Exact && Text.AsSpan().TrimStart("+-") is not ['0', >= '0' and <= '9', ..] && decimal.TryParse(Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>The time that a <see cref="Shape.Word"/> for durations spells.</summary>
    public TimeSpan Duration() => long.Parse(Text.AsSpan(0, Text.Length - 1), CultureInfo.InvariantCulture) * Text[^1] switch
    {
        's' => TimeSpan.FromSeconds(1),
        'm' => TimeSpan.FromMinutes(1),
        'h' => TimeSpan.FromHours(1),
        'd' => TimeSpan.FromDays(1),
        'w' => TimeSpan.FromDays(7),
        _ => TimeSpan.FromDays(365),
    };

    public void Add(PolicyNode item) => items.Add(item);

    /// <summary>Adds a value under its key, unless there is one.</summary>
    public bool TryAddField(PolicyNode value)
    {
        if (!fields.TryAdd(value.Key!.Text, value))
        {
            return false;
        }

        items.Add(value);
        return true;
    }

    /// <summary>A value from the file in quotes, on one line and not too long for one.</summary>
    public static string Shown(string text)
    {
        var shown = new StringBuilder("'");
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, 80)))
        {
            if (c is >= ' ' and <= '~')
            {
                shown.Append(c);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
        }

        return shown.Append(text.Length > 80 ? "…'" : "'").ToString();
    }
}
