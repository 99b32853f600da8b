using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Admission;

/// <summary>What a change of a ConfigMap does to values that reviews rule, in the files that it holds.</summary>
/// <remarks>
/// A file of the repository is the entry of <c>data</c> or <c>binaryData</c> of its name without folders, and it is read and compared as in a pull request. What the cluster
/// has takes the place of the base commit, and what it would have that of the head commit.
/// </remarks>
/// <param name="Decisions">What is wrong whoever approves.</param>
/// <param name="Moved">The rules whose people must approve besides those of the action, and what moves.</param>
internal sealed record DeclaredValues(ImmutableArray<Decision> Decisions, ImmutableArray<(ValueRule Rule, string What)> Moved)
{
    private const int MostShown = 3;

    /// <summary>No rule speaks.</summary>
    public static DeclaredValues None { get; } = new([], []);

    /// <summary>Judges a change of an object.</summary>
    /// <param name="request">The request that would change it.</param>
    /// <param name="review">The rules.</param>
    /// <param name="rule">The rule that declares the object.</param>
    public static DeclaredValues Of(AdmissionRequest request, ReviewSettings review, DeclaredObject rule)
    {
        var was = request.Operation == "CREATE" ? default : request.OldObject;
        var now = request.Operation == "DELETE" ? default : request.Object;
        var decisions = ImmutableArray.CreateBuilder<Decision>();
        var moved = ImmutableArray.CreateBuilder<(ValueRule, string)>();
        var files = review.Values.Select(one => one.FileName).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToDictionary(name => name, name => (Was: FileIn(was, name), Now: FileIn(now, name)));
        if (request.Operation != "DELETE" && files.Values.All(file => !file.Now.IsThere))
        {
            decisions.Add(Decision.Unknown(new Reason($"{rule.Path}.values", $"the {request.Kind} holds none of the files whose values are ruled: {string.Join(", ", files.Keys)}", "name the entry of its data after the file in review.values, or take the object out of the rule")));
        }

        foreach (var one in review.Values)
        {
            var (before, after) = files[one.FileName];
            // What is gone is out of no bounds; who must agree that it goes is asked by the rules of moves.
            if (before.IsSame(after) || (request.Operation == "DELETE" && one.Test is ValueTest.Must))
            {
                continue;
            }

            var change = ValueChange.Judge(one, before.Content, after.Content, new(one.FileName, "before the change", "after the change"));
            if (change.Decision.Verdict > Verdict.Allow)
            {
                decisions.Add(change.Decision);
            }

            if (change.IsMoved)
            {
                moved.Add((one, $"{change.What}{(one.Why is null ? "" : $" ({one.Why})")}"));
            }
        }

        return new(decisions.ToImmutable(), moved.ToImmutable());
    }

    /// <summary>Who must agree by an action and by every rule whose value moves.</summary>
    public ApprovalRule Raise(ApprovalRule rule) => Moved.IsEmpty ? rule : rule.With(Moved.Select(moved => ((ValueTest.Moved)moved.Rule.Test).Require));

    /// <summary>What must be approved, with what moves in it, as the ledger can hold it.</summary>
    public string Tell(string what) => Moved.IsEmpty
        ? what
        : LedgerText.Of($"{what}, with {string.Join(" and ", Moved.Take(MostShown).Select(moved => moved.What))}{(Moved.Length > MostShown ? $" and {Moved.Length - MostShown} more" : "")},")!;

    private static HeldFile FileIn(JsonElement obj, string name)
    {
        if (Member(Member(obj, "data"), name) is { ValueKind: not JsonValueKind.Undefined } text)
        {
            return new(true, text.Text() is { } plain ? Encoding.UTF8.GetBytes(plain) : null);
        }

        return Member(Member(obj, "binaryData"), name) is { ValueKind: not JsonValueKind.Undefined } encoded
            ? new(true, encoded.Text() is { } base64 && Base64.IsValid(base64) ? Convert.FromBase64String(base64) : null)
            : default;
    }

    private static JsonElement Member(JsonElement value, string name) => value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    /// <summary>A file in a ConfigMap.</summary>
    /// <param name="IsThere">Whether there is an entry of its name.</param>
    /// <param name="Content">Its bytes; null where there is none, or where they cannot be read.</param>
    private readonly record struct HeldFile(bool IsThere, byte[]? Content)
    {
        public bool IsSame(HeldFile other) => !IsThere ? !other.IsThere : Content is not null && other.Content is not null && Content.AsSpan().SequenceEqual(other.Content);
    }
}
