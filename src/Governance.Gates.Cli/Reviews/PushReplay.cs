using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Reviews;

/// <summary>Judges the review of a pushed commit again, from its entry and the snapshot and policy that were kept. What the forge told of the merge is taken as recorded.</summary>
internal static class PushReplay
{
    /// <summary>Whether an entry is about a commit that was pushed.</summary>
    public static bool IsOfPush(LedgerEntry entry) => entry is { EventType: LedgerEvents.Decision, Resource.Kind: PushEntry.CommitKind, Action: { } action } && action.StartsWith(PushEntry.ActionPrefix, StringComparison.Ordinal);

    /// <summary>Makes a recorded decision of any gate again.</summary>
    public static Reading<ReplayedDecision> OfAny(LedgerEntry entry, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept) => IsOfPush(entry) ? Of(entry, kept) : DecisionReplay.Of(entry, kept);

    /// <summary>Judges it again.</summary>
    /// <param name="entry">Its entry.</param>
    /// <param name="kept">The kept bytes of a digest, held against it.</param>
    /// <returns>What comes of it; or what of it is missing, or cannot be read.</returns>
    public static Reading<ReplayedDecision> Of(LedgerEntry entry, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept)
    {
        if (entry is not { Policy: { } named, Evidence: EntryPart<ImmutableArray<EntryEvidence>>.Inline(var evidence), Details: { } details } || evidence.FirstOrDefault(one => one.Type == PushEntry.SnapshotType) is not { } snapshot)
        {
            return Unread("rests on what the forge told alone, of which nothing is kept", "ask the forge again: gates review --pr, where a pull request is named");
        }

        if (!Bytes(details, kept).Try(out var basis, out var why) || !kept(snapshot.Digest).Try(out var bytes, out why) || !PullRequestReader.Read(bytes).Try(out var request, out why) || !ReadPolicy(entry, named, kept).Try(out var policy, out why))
        {
            return new Reading<ReplayedDecision>.Unread(why);
        }

        if (Read(basis) is not var (mergedAt, merge))
        {
            return Unread("has details that cannot be read", "use the version that wrote it, or a later one");
        }

        var again = PushEntry.With(entry, Decision.All(ReviewGate.Decide(request, policy, mergedAt).Decision, merge)).Fit(out _);
        return !entry.Write().Try(out var written, out why) || !again.Write().Try(out var rewritten, out why)
            ? new Reading<ReplayedDecision>.Unread(why)
            : new Reading<ReplayedDecision>.Found(new(again, written.Span.SequenceEqual(rewritten.Span) ? [] : [.. Differences(entry, again)], Decided: 1, Taken: 1));
    }

    private static IEnumerable<string> Differences(LedgerEntry entry, LedgerEntry again)
    {
        if (entry.Verdict != again.Verdict)
        {
            yield return "verdict";
        }

        if (entry.EventId != again.EventId)
        {
            yield return "reasons";
        }

        if (entry.Verdict == again.Verdict && entry.EventId == again.EventId)
        {
            yield return "form";
        }
    }

    private static Reading<ReadOnlyMemory<byte>> Bytes(EntryPart<ReadOnlyMemory<byte>> part, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept) => part switch
    {
        EntryPart<ReadOnlyMemory<byte>>.Inline(var inline) => new Reading<ReadOnlyMemory<byte>>.Found(inline),
        EntryPart<ReadOnlyMemory<byte>>.Kept(var digest, _) => kept(digest),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static (DateTimeOffset MergedAt, Decision Merge)? Read(ReadOnlyMemory<byte> details)
    {
        try
        {
            using var json = JsonDocument.Parse(details);
            var merge = json.RootElement.GetProperty("merge"u8);
            var mergedAt = DateTimeOffset.Parse(json.RootElement.GetProperty("merged_at"u8).GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
            ImmutableArray<Reason> reasons = [.. merge.GetProperty("reasons"u8).EnumerateArray().Select(reason => new Reason(reason.GetProperty("rule"u8).GetString()!, reason.GetProperty("message"u8).GetString()!, reason.TryGetProperty("remedy"u8, out var remedy) ? remedy.GetString() : null))];
            return Enum.TryParse<Verdict>(merge.GetProperty("verdict"u8).GetString(), out var verdict) && Enum.IsDefined(verdict) ? (mergedAt, new(verdict, reasons, [])) : null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static Reading<Policy> ReadPolicy(LedgerEntry entry, EntryPolicy named, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept)
    {
        if (entry.Inputs.FirstOrDefault(input => input.Kind == EntryInputKind.Trust) is not { } trust)
        {
            return new Reading<Policy>.Unread(Reason("does not say which key files its policy had", "use the version that wrote it"));
        }

        if (!kept(named.Digest).Try(out var yaml, out var why) || !kept(trust.Digest).Try(out var document, out why))
        {
            return new Reading<Policy>.Unread(why);
        }

        // The copies of public instances' roots that were there then, not those that this program carries now.
        var files = PolicyFiles.Read(document) ?? ImmutableDictionary<string, Digest>.Empty;
        return PolicyReader.Read(yaml, File, instance => File(SigstoreTrust.FileNameOf(instance))) switch
        {
            PolicyReading.Accepted(var policy, _) => new Reading<Policy>.Found(policy),
            PolicyReading.Refused(var mistakes) => new Reading<Policy>.Unread(Reason($"rests on policy {named.Digest}, which cannot be read again: {mistakes[0]}", "restore the evidence from a copy of the log, or use the version that wrote it")),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

        ReadOnlyMemory<byte>? File(string name) => files.TryGetValue(name, out var digest) && kept(digest).Try(out var bytes, out _) ? bytes : null;
    }

    private static Reading<ReplayedDecision>.Unread Unread(string message, string remedy) => new(Reason(message, remedy));

    private static Reason Reason(string message, string remedy) => new("ledger", $"the entry {message}", remedy);
}
