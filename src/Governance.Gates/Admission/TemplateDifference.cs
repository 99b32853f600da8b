using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>Tells people what differs between two projections.</summary>
internal sealed class TemplateDifference
{
    private const int MostLines = 40;
    private const int LongestValue = 120;
    private const int LongestPath = 200;

    // Where two long values differ late, what they share is cut, but for this much.
    private const int SharedBefore = 20;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = CanonicalNode.MaxDepth + 4 };

    private readonly ImmutableArray<string>.Builder lines = ImmutableArray.CreateBuilder<string>();
    private int unsaid;

    // Of what must not be read by everybody, only where it differs is told.
    private readonly bool hidden;

    private TemplateDifference(bool hidden = false) => this.hidden = hidden;

    /// <summary>The differences of two documents; where they are secret, only the places.</summary>
    public static ImmutableArray<string> Of(CanonicalNode.Members before, CanonicalNode.Members after, bool hidden)
    {
        var difference = new TemplateDifference(hidden);
        difference.Compare(before, after, "");
        return difference.unsaid == 0 ? difference.lines.ToImmutable() : [.. difference.lines, $"and {difference.unsaid} more"];
    }

    public static ImmutableArray<string> Of(ReadOnlyMemory<byte> approved, ReadOnlyMemory<byte> actual)
    {
        if (approved.Span.SequenceEqual(actual.Span))
        {
            return [];
        }

        if (Read(approved) is not { } before || Read(actual) is not { } after)
        {
            return ["one of the projections cannot be read"];
        }

        var difference = new TemplateDifference();
        foreach (var metadata in (string[])["annotations", "labels"])
        {
            difference.Compare(before[metadata] ?? new CanonicalNode.Members(), after[metadata] ?? new CanonicalNode.Members(), metadata);
        }

        difference.Compare(before["spec"]!, after["spec"]!, "");
        return difference.unsaid == 0 ? difference.lines.ToImmutable() : [.. difference.lines, $"and {difference.unsaid} more"];
    }

    private static CanonicalNode.Members? Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length > TemplateProjection.MaxBytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return TemplateReader.ReadDocument(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Compare(CanonicalNode before, CanonicalNode after, string at)
    {
        switch (before, after)
        {
            case (CanonicalNode.Members left, CanonicalNode.Members right):
                foreach (var name in left.All.Keys.Union(right.All.Keys).Order(StringComparer.Ordinal))
                {
                    // Names that hold a dot, such as those of annotations and labels, are set apart.
                    var path = at is "annotations" or "labels" ? $"{at}[{name}]" : at.Length == 0 ? name : $"{at}.{name}";
                    CompareMember(left[name], right[name], path);
                }

                break;
            case (CanonicalNode.Items left, CanonicalNode.Items right) when ByName(left) is { } old && ByName(right) is { } @new:
                foreach (var name in old.Keys.Union(@new.Keys).Order(StringComparer.Ordinal))
                {
                    CompareMember(old.GetValueOrDefault(name), @new.GetValueOrDefault(name), $"{at}[{name}]");
                }

                if (old.Count == @new.Count && old.Keys.All(@new.ContainsKey) && !old.Keys.SequenceEqual(@new.Keys))
                {
                    Say(at, "stands in another order");
                }

                break;
            case (CanonicalNode.Items left, CanonicalNode.Items right) when left.All.Concat(right.All).All(item => item is CanonicalNode.Members):
                for (var i = 0; i < Math.Max(left.All.Count, right.All.Count); i++)
                {
                    CompareMember(left.All.ElementAtOrDefault(i), right.All.ElementAtOrDefault(i), string.Create(CultureInfo.InvariantCulture, $"{at}[{i}]"));
                }

                break;
            default:
                if (before.ToString() is var was && after.ToString() is var @is && was != @is)
                {
                    var (from, to) = Cut(was, @is);
                    Say(at, hidden ? "changed" : $"{from} -> {to}");
                }

                break;
        }
    }

    private void CompareMember(CanonicalNode? before, CanonicalNode? after, string at)
    {
        if (before is null && after is not null)
        {
            Say(at, hidden ? "added" : "added " + Shown(after));
        }
        else if (before is not null && after is null)
        {
            Say(at, hidden ? "removed" : "removed " + Shown(before));
        }
        else if (before is not null && after is not null)
        {
            Compare(before, after, at);
        }
    }

    // By name where each item has one of its own; the order is that of the list.
    private static OrderedDictionary<string, CanonicalNode>? ByName(CanonicalNode.Items list)
    {
        var items = new OrderedDictionary<string, CanonicalNode>(StringComparer.Ordinal);
        return list.All.All(item => item is CanonicalNode.Members members && members.TextOf("name") is { } name && items.TryAdd(name, item)) ? items : null;
    }

    // A volume reads as "hostPath /etc"; all else as its JSON.
    private static string Shown(CanonicalNode value)
    {
        if (value is CanonicalNode.Members { All.Count: 2 } named && named.TextOf("name") is not null && named.All.First(member => member.Key != "name") is { Value: CanonicalNode.Members source } only)
        {
            return $"{Safe(only.Key, LongestValue)} {(source.All.Count == 1 && source.All.First().Value is CanonicalNode.Text(var text) ? Safe(text, LongestValue) : Safe(source.ToString(), LongestValue))}";
        }

        return Safe(value.ToString(), LongestValue);
    }

    private static (string From, string To) Cut(string from, string to)
    {
        if (from.Length <= LongestValue && to.Length <= LongestValue)
        {
            return (Safe(from, LongestValue), Safe(to, LongestValue));
        }

        var shared = from.AsSpan().CommonPrefixLength(to) - SharedBefore;
        return shared <= 0
            ? (Safe(from, LongestValue), Safe(to, LongestValue))
            : ("..." + Safe(from[shared..], LongestValue), "..." + Safe(to[shared..], LongestValue));
    }

    private void Say(string at, string what)
    {
        if (lines.Count < MostLines)
        {
            lines.Add($"{Safe(at, LongestPath)}: {what}");
        }
        else
        {
            unsaid++;
        }
    }

    // Printable ASCII on one line: what stands here reaches terminals, logs and the answers of an API server.
    private static string Safe(string text, int longest)
    {
        var safe = new StringBuilder();
        foreach (var c in text)
        {
            if (safe.Length >= longest)
            {
                return safe.Append("...").ToString();
            }

            _ = c is >= ' ' and <= '~' ? safe.Append(c) : safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return safe.ToString();
    }
}
