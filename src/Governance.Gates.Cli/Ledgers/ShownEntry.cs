using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>An entry as people and machines are shown it.</summary>
/// <param name="Sequence">Its place in the log.</param>
/// <param name="Stored">The stored bytes.</param>
/// <param name="Entry">What they say.</param>
internal sealed record ShownEntry(long Sequence, ReadOnlyMemory<byte> Stored, LedgerEntry Entry)
{
    /// <summary>What the cells of a row say.</summary>
    public static ImmutableArray<string> Columns { get; } = ["entry", "time", "type", "verdict", "actor", "resource", "correlation id", "says"];

    /// <summary>The entry in a row.</summary>
    public ImmutableArray<string> Row =>
    [
        Sequence.ToString(CultureInfo.InvariantCulture),
        Entry.Timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        Entry.EventType,
        Entry.Verdict is { } verdict ? AdmissionAnswer.Name(verdict) : "-",
        Entry.Actor is { } actor ? Text(actor.Id) : "-",
        Entry.Resource is { } resource ? $"{(Entry.Namespace is { } place ? place + " " : "")}{resource.Kind}{(resource.Group is { } group ? "." + group : "")}/{resource.Name}" : "-",
        Entry.CorrelationId ?? "-",
        string.Join("; ", Says()),
    ];

    /// <summary>The entry as a JSON value: its sequence, record hash and what is stored, in the escapes that every output of ours has.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("sequence", Sequence);
        json.WriteString("hash", TreeHash.OfLeaf(Stored.Span).ToString());
        json.WritePropertyName("entry");
        using (var document = JsonDocument.Parse(Stored))
        {
            document.RootElement.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private IEnumerable<string> Says()
    {
        if (Entry.Outcome is { } outcome)
        {
            yield return outcome;
        }

        switch (Entry.Reasons)
        {
            case EntryPart<ImmutableArray<EntryReason>>.Inline(var reasons):
                foreach (var reason in reasons)
                {
                    yield return $"{reason.Rule}: {Text(reason.Message)}";
                }

                break;
            case EntryPart<ImmutableArray<EntryReason>>.Kept(var digest, _):
                yield return $"reasons kept as {digest}";
                break;
        }

        switch (Entry.Quorum)
        {
            case EntryPart<ImmutableArray<EntryQuorum>>.Inline(var quorums):
                foreach (var quorum in quorums)
                {
                    yield return Says(quorum);
                }

                break;
            case EntryPart<ImmutableArray<EntryQuorum>>.Kept(var digest, _):
                yield return $"quorum kept as {digest}";
                break;
        }

        if (Entry.Rationale is EntryPart<PersonalText>.Inline(var why))
        {
            yield return Text(why);
        }
    }

    private static string Says(EntryQuorum quorum)
    {
        var counted = quorum.Counted.Select(one => $"{Text(one.Person)}{(one.Role is { } role ? $" ({role})" : "")}");
        var excluded = quorum.Excluded.Select(one => $"{Text(one.Person)} ({one.Why})");
        return string.Create(CultureInfo.InvariantCulture, $"{quorum.Rule}: needed {quorum.Needed}; counted: {Names(counted)}; not counted: {Names(excluded)}");
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names) is { Length: > 0 } text ? text : "nobody";

    private static string Text(PersonalText text) => text switch
    {
        PersonalText.Plain(var plain) => plain,
        PersonalText.Encrypted(var kid, _, _) => $"(encrypted under {kid})",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
