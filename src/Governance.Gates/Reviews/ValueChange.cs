using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>What a pull request does to a value in a YAML or JSON file. What cannot be shown to be harmless counts as the worst.</summary>
/// <param name="IsMoved">Whether the value moves as the rule says, or cannot be shown not to.</param>
/// <param name="What">What moves, on one line.</param>
/// <param name="Decision">What is wrong with the value whoever approves.</param>
internal sealed record ValueChange(bool IsMoved, string What, Decision Decision)
{
    private const int MostShown = 3;
    private static readonly ValueChange None = new(false, "", Decision.Allow);

    public static ValueChange Judge(PullRequest request, ValueRule rule)
    {
        if (!IsTouched(request, rule))
        {
            return None;
        }

        var isLink = request.Files.Any(file => file.Path == rule.File && file.StandsForOthers);
        var head = isLink ? null : Values(request, Side.Head, rule);
        return rule.Test switch
        {
            ValueTest.Must must => new(false, "", Bounds(rule, must, head)),
            ValueTest.Moved(var move, _) => Moved(rule, move, Values(request, Side.Base, rule), head),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>Whether the pull request changes the rule's file. A folder on the way may have become something else.</summary>
    public static bool IsTouched(PullRequest request, ValueRule rule) =>
        request.Files.Any(file => file.Paths.Any(path => path == rule.File || rule.File.StartsWith($"{path}/", StringComparison.Ordinal)));

    private static ValueChange Moved(ValueRule rule, ValueMove move, SortedDictionary<string, PolicyNode>? was, SortedDictionary<string, PolicyNode>? now)
    {
        if (was is null || now is null)
        {
            return new(true, $"{rule.File}, which cannot be read at the {(now is null ? "head" : "base")} commit and may hold anything at {rule.At}", Decision.Allow);
        }

        var moved = was.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Where(at => Moves(move, was.GetValueOrDefault(at), now.GetValueOrDefault(at)))
            .Select(at => $"{at} from {Shown(was.GetValueOrDefault(at))} to {Shown(now.GetValueOrDefault(at))}")
            .ToList();
        return moved.Count == 0
            ? None
            : new(true, string.Create(CultureInfo.InvariantCulture, $"{rule.File} {string.Join(", ", moved.Take(MostShown))}{(moved.Count > MostShown ? $" and {moved.Count - MostShown} more" : "")}"), Decision.Allow);
    }

    private static bool Moves(ValueMove move, PolicyNode? was, PolicyNode? now)
    {
        if (was is null || now is null)
        {
            return true;
        }

        if (was.Decimal() is { } before && now.Decimal() is { } after)
        {
            return move switch
            {
                ValueMove.Increases => after > before,
                ValueMove.Decreases => after < before,
                _ => after != before,
            };
        }

        return Spelled(was) != Spelled(now);
    }

    private static Decision Bounds(ValueRule rule, ValueTest.Must must, SortedDictionary<string, PolicyNode>? values)
    {
        if (values is null || values.Count == 0)
        {
            return Decision.Unknown(new Reason(rule.Path, $"{rule.File} {(values is null ? "cannot be read" : $"has nothing at {rule.At}")} at the head commit{Because(rule)}", "let the file be plain YAML or JSON that has the value") { At = new(rule.File) });
        }

        return Decision.All(values.Select(value => value.Value.Decimal() switch
        {
            null => Decision.Unknown(new Reason(rule.Path, $"{value.Key} of {rule.File} is {Shown(value.Value)} and no number{Because(rule)}", "write a number in decimal digits") { At = new(rule.File) }),
            { } number when number < must.AtLeast || number > must.AtMost => Decision.Deny(new Reason(
                rule.Path,
                string.Create(CultureInfo.InvariantCulture, $"{value.Key} of {rule.File} is {Shown(value.Value)}, and must be{(must.AtLeast is null ? "" : $" at least {must.AtLeast}")}{(must.AtMost is null ? "" : $" at most {must.AtMost}")}{Because(rule)}"),
                "change the value: no approval allows it")
            { At = new(rule.File) }),
            _ => Decision.Allow,
        }));
    }

    /// <summary>What stands at the places that the rule names; null where the file is not there, or not one that everybody reads alike.</summary>
    private static SortedDictionary<string, PolicyNode>? Values(PullRequest request, Side side, ValueRule rule)
    {
        if (OwnersOfBase.ContentOf(request, side, rule.File) is not Reading<ReadOnlyMemory<byte>?>.Found({ } bytes))
        {
            return null;
        }

        var mistakes = new PolicyMistakes();
        if (PolicyDocument.Read(bytes.Span, mistakes) is not { } root || mistakes.Any)
        {
            return null;
        }

        var found = new SortedDictionary<string, PolicyNode>(StringComparer.Ordinal);
        Collect(root, rule.At.Split('/').AsSpan(1), "", found);
        return found;
    }

    private static void Collect(PolicyNode node, ReadOnlySpan<string> rest, string at, SortedDictionary<string, PolicyNode> found)
    {
        if (rest.IsEmpty)
        {
            found[at] = node;
            return;
        }

        // RFC 6901, section 4: first ~1, then ~0.
        var name = rest[0].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        foreach (var (index, item) in node.Items.Index())
        {
            var key = node.Kind == NodeKind.Mapping ? item.Key!.Text : index.ToString(CultureInfo.InvariantCulture);
            if (rest[0] == "*" || key == name)
            {
                Collect(item, rest[1..], $"{at}/{key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}", found);
            }
        }
    }

    // The same for what means the same to everybody: the order of a mapping says nothing, and quotes do.
    private static string Spelled(PolicyNode node)
    {
        var text = new StringBuilder();
        Spell(node, text);
        return text.ToString();
    }

    private static void Spell(PolicyNode node, StringBuilder text)
    {
        text.Append((int)node.Kind).Append(node.IsPlain ? 'p' : 'q').Append(':').Append(node.Text.Length).Append(':').Append(node.Text).Append('{');
        foreach (var item in node.Kind == NodeKind.Mapping ? node.Items.OrderBy(item => item.Key!.Text, StringComparer.Ordinal) : (IEnumerable<PolicyNode>)node.Items)
        {
            text.Append(item.Key?.Text.Length ?? 0).Append(item.Key is { IsPlain: true } ? 'p' : ':').Append(item.Key?.Text);
            Spell(item, text);
        }

        text.Append('}');
    }

    private static string Shown(PolicyNode? node) => node?.Kind switch
    {
        null => "nothing",
        NodeKind.Mapping => "a mapping",
        NodeKind.Sequence => "a list",
        NodeKind.Null => "null",
        NodeKind.Integer or NodeKind.Float or NodeKind.Boolean => node.Text.Length <= 40 ? node.Text : "a long number",
        _ => PolicyNode.Shown(node.Text),
    };

    private static string Because(ValueRule rule) => rule.Why is null ? "" : $" ({rule.Why})";
}
