using System.Globalization;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>What a change does to a value in a YAML or JSON file. What cannot be shown to be harmless counts as the worst.</summary>
/// <param name="IsMoved">Whether the value moves as the rule says, or cannot be shown not to.</param>
/// <param name="What">What moves, on one line.</param>
/// <param name="Decision">What is wrong with the value whoever approves.</param>
internal sealed record ValueChange(bool IsMoved, string What, Decision Decision)
{
    private const int MostShown = 3;
    private static readonly ValueChange None = new(false, "", Decision.Allow);

    /// <summary>What a pull request does to it.</summary>
    public static ValueChange Judge(PullRequest request, ValueRule rule)
    {
        if (!IsTouched(request, rule))
        {
            return None;
        }

        var isLink = request.Files.Any(file => file.Path == rule.File && file.StandsForOthers);
        return Judge(rule, Content(request, Side.Base, rule), isLink ? null : Content(request, Side.Head, rule), new(rule.File, "at the base commit", "at the head commit") { At = new(rule.File) });
    }

    /// <summary>What a change of a file does to it.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="was">The file before; null where there is none, or where it cannot be read.</param>
    /// <param name="now">The file afterwards, likewise.</param>
    /// <param name="words">How to speak of it.</param>
    public static ValueChange Judge(ValueRule rule, ReadOnlyMemory<byte>? was, ReadOnlyMemory<byte>? now, ValueWords words)
    {
        var after = RuledValues.Read(now, rule.At);
        return rule.Test switch
        {
            ValueTest.Must must => new(false, "", Bounds(rule, must, after, words)),
            ValueTest.Moved(var move, _) => Moved(rule, move, RuledValues.Read(was, rule.At), after, words),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>Whether the pull request changes the rule's file. A folder on the way may have become something else.</summary>
    public static bool IsTouched(PullRequest request, ValueRule rule) =>
        request.Files.Any(file => file.Paths.Any(path => path == rule.File || rule.File.StartsWith($"{path}/", StringComparison.Ordinal)));

    private static ReadOnlyMemory<byte>? Content(PullRequest request, Side side, ValueRule rule) => OwnersOfBase.ContentOf(request, side, rule.File) is Reading<ReadOnlyMemory<byte>?>.Found({ } bytes) ? bytes : null;

    private static ValueChange Moved(ValueRule rule, ValueMove move, RuledValues was, RuledValues now, ValueWords words)
    {
        if ((now.Unclear ?? was.Unclear) is { } unclear)
        {
            return new(true, $"{words.File}, which {unclear} {(now.Unclear is null ? words.Was : words.Now)} and may hold anything at {rule.At}", Decision.Allow);
        }

        IEnumerable<string> lists = was.Lists.Keys.Union(now.Lists.Keys).Order(StringComparer.Ordinal)
            .Where(at => was.Lists.GetValueOrDefault(at) != now.Lists.GetValueOrDefault(at))
            .Select(at => $"{(at.Length == 0 ? "the list" : OneLine.Show(at))}, whose items changed besides that, so that a value may belong to another");
        var moved = lists.Concat(was.Found.Keys.Union(now.Found.Keys).Order(StringComparer.Ordinal)
            .Where(at => Moves(move, was.Found.GetValueOrDefault(at), now.Found.GetValueOrDefault(at)))
            .Select(at => $"{OneLine.Show(at)} from {Shown(was.Found.GetValueOrDefault(at))} to {Shown(now.Found.GetValueOrDefault(at))}")).ToList();
        return moved.Count == 0
            ? None
            : new(true, string.Create(CultureInfo.InvariantCulture, $"{words.File} {string.Join(", ", moved.Take(MostShown))}{(moved.Count > MostShown ? $" and {moved.Count - MostShown} more" : "")}"), Decision.Allow);
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

        return RuledValues.Spelled(was) != RuledValues.Spelled(now);
    }

    private static Decision Bounds(ValueRule rule, ValueTest.Must must, RuledValues values, ValueWords words)
    {
        if (values.Unclear is not null || values.Found.Count == 0)
        {
            return Decision.Unknown(new Reason(rule.Path, $"{words.File} {values.Unclear ?? $"has nothing at {rule.At}"} {words.Now}{Because(rule)}", "let the file be plain YAML or JSON that has the value") { At = words.At });
        }

        return Decision.All(values.Found.Select(value => value.Value.Decimal() switch
        {
            null => Decision.Unknown(new Reason(rule.Path, $"{OneLine.Show(value.Key)} of {words.File} is {Shown(value.Value)} and no number{Because(rule)}", "write a number in decimal digits") { At = words.At }),
            { } number when number < must.AtLeast || number > must.AtMost => Decision.Deny(new Reason(
                rule.Path,
                string.Create(CultureInfo.InvariantCulture, $"{OneLine.Show(value.Key)} of {words.File} is {Shown(value.Value)}, and must be{(must.AtLeast is null ? "" : $" at least {must.AtLeast}")}{(must.AtMost is null ? "" : $" at most {must.AtMost}")}{Because(rule)}"),
                "change the value: no approval allows it")
            { At = words.At }),
            _ => Decision.Allow,
        }));
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

/// <summary>How to speak of a file whose values change.</summary>
/// <param name="File">The file.</param>
/// <param name="Was">Where or when it is as it was.</param>
/// <param name="Now">Where or when it is as it becomes.</param>
internal sealed record ValueWords(string File, string Was, string Now)
{
    /// <summary>Its place in the repository; null outside of one.</summary>
    public SourcePlace? At { get; init; }
}
