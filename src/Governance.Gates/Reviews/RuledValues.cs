using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>What a YAML or JSON document has at the places that a value rule names, and to whom it belongs there.</summary>
/// <remarks>Both commits of a pull request and both states of an object in a cluster are read by this, so that one definition serves all.</remarks>
internal sealed class RuledValues
{
    private const string AnyNumber = "number";
    private const string SomeNumber = "some number";

    // The core schema of YAML 1.2 (section 10.3.2), and the types int and float of YAML 1.1 (yaml.org/type).
    private static readonly Regex Number = new(@"^[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_,]*(:[0-9_]+)*(\.[0-9_]*)?([eE][-+]?[0-9_]+)?|\.[0-9_]+([eE][-+]?[0-9_]+)?)\z", RegexOptions.NonBacktracking);

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

    // Many readers (Go's encoding/json, .NET's configuration) take a key in whatever case, and of two the later one; those of YAML 1.1 know more numbers and more words for true and false.
    private void LookForAlikes(PolicyNode mapping, string? name, string at)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        if (name is not null)
        {
            Remember(name, isPlain: true);
        }

        foreach (var key in mapping.Items.Select(item => item.Key!))
        {
            // A number of which nobody can say which it is may be any other.
            var readings = Readings(key.Text, key.IsPlain);
            var other = readings.Select(reading => reading == AnyNumber && !readings.Contains(SomeNumber) ? SomeNumber : reading).Select(reading => seen.GetValueOrDefault(reading)).FirstOrDefault(other => other is not null && other != key.Text);
            if (other is not null)
            {
                Unclear ??= Alike(key.Text, other, at);
            }
            else if (name is null)
            {
                Remember(key.Text, key.IsPlain);
            }
        }

        void Remember(string text, bool isPlain)
        {
            foreach (var reading in Readings(text, isPlain))
            {
                seen.TryAdd(reading, text);
            }
        }
    }

    // What readers take a key for. The first character keeps the kinds apart.
    private static List<string> Readings(string text, bool isPlain)
    {
        List<string> readings = [$"t{Folded(text)}"];
        if (!isPlain)
        {
            return readings;
        }

        if (text.ToLowerInvariant() switch { "y" or "yes" or "on" or "true" => "btrue", "n" or "no" or "off" or "false" => "bfalse", "" or "~" or "null" => "bnull", _ => null } is { } word)
        {
            readings.Add(word);
        }

        if (Number.IsMatch(text))
        {
            readings.Add(AnyNumber);
            readings.AddRange(Numbers(text.Replace("_", "", StringComparison.Ordinal)).Select(number => number is { } known ? string.Create(CultureInfo.InvariantCulture, $"n{known:G29}") : SomeNumber));
        }

        return readings;
    }

    // Which numbers a text spells, by one version of YAML or another; null for one that is not known.
    private static IEnumerable<decimal?> Numbers(string text)
    {
        const int Exact = 28;
        var digits = text.AsSpan().TrimStart("+-").ToString();
        var sign = text.StartsWith('-') ? -1 : 1;
        if (digits.Length > Exact)
        {
            return [null];
        }

        if (digits.Contains(':', StringComparison.Ordinal) && digits.Split(':') is var parts && parts.All(part => part.Length > 0 && part.All(char.IsAsciiDigit)) && parts.Length <= 5 && digits.Length <= Exact / 2)
        {
            return [sign * parts.Aggregate(0m, (number, part) => (number * 60) + decimal.Parse(part, CultureInfo.InvariantCulture))];
        }

        if (!decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return [null];
        }

        return digits is ['0', _, ..] && digits.All(digit => digit is >= '0' and <= '7')
            ? [sign * number, sign * digits.Aggregate(0m, (octal, digit) => (octal * 8) + (digit - '0'))]
            : [sign * number];
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
