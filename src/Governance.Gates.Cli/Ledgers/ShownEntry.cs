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

    /// <summary>When it happened.</summary>
    public string Time => Instant(Entry.Timestamp);

    /// <summary>What was decided.</summary>
    public string Verdict => Entry.Verdict is { } verdict ? AdmissionAnswer.Name(verdict) : "-";

    /// <summary>Who.</summary>
    public string Actor => Entry.Actor is { } actor ? Text(actor.Id) : "-";

    /// <summary>Of what.</summary>
    public string Resource => Entry.Resource is { } resource ? $"{(Entry.Namespace is { } place ? place + " " : "")}{resource.Kind}{(resource.Group is { } group ? "." + group : "")}/{resource.Name}" : "-";

    /// <summary>What came of it and why.</summary>
    public string SaysAll => string.Join("; ", Says());

    /// <summary>The entry in a row.</summary>
    public ImmutableArray<string> Row => [Sequence.ToString(CultureInfo.InvariantCulture), Time, Entry.EventType, Verdict, Actor, Resource, Entry.CorrelationId ?? "-", SaysAll];

    /// <summary>The entry as a JSON value: its sequence, record hash and what is stored, in the escapes that every output of ours has.</summary>
    /// <param name="json">Where it is written.</param>
    /// <param name="log">Which log it is in, where that has to be told.</param>
    public void Write(Utf8JsonWriter json, string? log = null)
    {
        json.WriteStartObject();
        if (log is not null)
        {
            json.WriteString("log", log);
        }

        json.WriteNumber("sequence", Sequence);
        json.WriteString("hash", TreeHash.OfLeaf(Stored.Span).ToString());
        json.WritePropertyName("entry");
        using (var document = JsonDocument.Parse(Stored))
        {
            document.RootElement.WriteTo(json);
        }

        json.WriteEndObject();
    }

    /// <summary>Until when what was admitted goes on.</summary>
    public static string Says(EntryAdmitted admitted) => string.Join(", ", (string[])
    [
        .. admitted.UseBy is { } use ? (string[])[$"may begin until {Instant(use)}"] : [],
        .. admitted.RunUntil is { } run ? (string[])[$"may go on until {Instant(run)}"] : [],
    ]);

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

        if (Entry.Admitted is { } admitted && Says(admitted) is { Length: > 0 } until)
        {
            yield return until;
        }
    }

    private static string Says(EntryQuorum quorum)
    {
        var counted = quorum.Counted.Select(one => $"{Text(one.Person)}{(one.Role is { } role ? $" ({role})" : "")}");
        var excluded = quorum.Excluded.Select(one => $"{Text(one.Person)} ({one.Why})");
        return string.Create(CultureInfo.InvariantCulture, $"{quorum.Rule}: needed {quorum.Needed}; counted: {Names(counted)}; not counted: {Names(excluded)}");
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names) is { Length: > 0 } text ? text : "nobody";

    private static string Instant(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string Text(PersonalText text) => text switch
    {
        PersonalText.Plain(var plain) => plain,
        PersonalText.Encrypted(var kid, _, _) => $"(encrypted under {kid})",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
