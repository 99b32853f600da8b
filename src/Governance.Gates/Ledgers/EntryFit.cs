using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>Makes an entry small enough to be stored: parts over their share are kept beside the log.</summary>
internal static class EntryFit
{
    // Eight parts of this size leave a quarter of an entry for the fields around them.
    private const int Share = 6 * 1024;

    public static LedgerEntry Fit(LedgerEntry entry, out ImmutableArray<ReadOnlyMemory<byte>> kept)
    {
        var away = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        var fitted = entry with
        {
            Artifacts = Move(entry.Artifacts, EntryWriter.Artifacts, IsTooLong, away),
            Reasons = Move(entry.Reasons, EntryWriter.Reasons, IsTooLong, away),
            Quorum = Move(entry.Quorum, EntryWriter.Quorum, IsTooLong, away),
            Evidence = Move(entry.Evidence, EntryWriter.Evidence, IsTooLong, away),
            PreviousState = Move(entry.PreviousState, away),
            NewState = Move(entry.NewState, away),
            Details = Move(entry.Details, away),
            Rationale = Move(entry.Rationale, EntryWriter.Rationale, static _ => false, away),
        };
        kept = away.ToImmutable();
        return fitted;
    }

    /// <summary>Whether a list has more members than a reader takes.</summary>
    public static bool IsTooLong<T>(ImmutableArray<T> items) => items.Length > JsonFields.MostInList;

    /// <summary>Whether a document would be taken for one that is kept elsewhere.</summary>
    public static bool IsLikeKept(ReadOnlyMemory<byte> document)
    {
        if (!MayBeLikeKept(document.Span))
        {
            return false;
        }

        using var parsed = JsonDocument.Parse(document);
        return parsed.RootElement.ValueKind == JsonValueKind.Object && EntryReader.IsKept(parsed.RootElement);
    }

    // Most are not, and show it without being parsed: a name can be spelled otherwise only with a backslash.
    private static bool MayBeLikeKept(ReadOnlySpan<byte> document) => document.IndexOf("\"size\""u8) >= 0 || document.IndexOf((byte)'\\') >= 0;

    // The canonical spelling of a document is never longer than another.
    private static EntryPart<ReadOnlyMemory<byte>>? Move(EntryPart<ReadOnlyMemory<byte>>? part, ImmutableArray<ReadOnlyMemory<byte>>.Builder away) =>
        part is EntryPart<ReadOnlyMemory<byte>>.Inline(var document) && document.Length <= Share && !MayBeLikeKept(document.Span) ? part : Move(part, EntryWriter.Document, IsLikeKept, away);

    // What cannot be written stays: writing the entry says why.
    private static EntryPart<T>? Move<T>(EntryPart<T>? part, Action<CanonicalWriter, T> write, Func<T, bool> cannotStay, ImmutableArray<ReadOnlyMemory<byte>>.Builder away)
    {
        if (part is not EntryPart<T>.Inline(var value))
        {
            return part;
        }

        using var json = CanonicalWriter.Rent();
        write(json, value);
        if (json.Fault is not null || (json.Written.Length <= Share && !cannotStay(value)))
        {
            return part;
        }

        var bytes = json.Written.ToArray();
        away.Add(bytes);
        return new EntryPart<T>.Kept(Digest.Of(bytes), bytes.Length);
    }
}
