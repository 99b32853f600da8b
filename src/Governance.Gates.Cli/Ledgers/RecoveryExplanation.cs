using System.Globalization;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>The entry of a recovery that tells why a log does not go on from a checkpoint of its past.</summary>
internal static class RecoveryExplanation
{
    private const string Remedy = "the two are not consistent all the same: look at who agreed (gates ledger query --type recovered), and compare the checkpoint with the folder that was kept aside";

    // As every entry of this type spells it; the same bytes within a text would have escaped quotes.
    private static ReadOnlySpan<byte> Recovered => "\"event_type\":\"recovered\""u8;

    /// <summary>What the log itself says; null where it says nothing about this checkpoint.</summary>
    /// <param name="log">The log, verified.</param>
    /// <param name="kept">The checkpoint from which it does not go on.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Reason? Of(OpenLog log, Checkpoint kept, CancellationToken cancellation)
    {
        Reason? explanation = null;
        foreach (var bundle in log.Bundles(0, log.Checkpoint.Size))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!bundle.Entries.Try(out var entries, out _))
            {
                continue;
            }

            foreach (var stored in entries)
            {
                // A later recovery knows more of what was there than an earlier one.
                explanation = stored.Span.IndexOf(Recovered) >= 0 && LedgerEntry.Read(stored).Try(out var entry, out _) ? Of(entry, kept) ?? explanation : explanation;
            }
        }

        return explanation;
    }

    private static Reason? Of(LedgerEntry entry, Checkpoint kept)
    {
        if (entry.Details is not EntryPart<ReadOnlyMemory<byte>>.Inline(var details) || RecoveryDocument.TryParse(details) is not { } document || kept.Size <= document.Whole.Size)
        {
            return null;
        }

        var told = string.Create(CultureInfo.InvariantCulture, $"{document.Lost} by the recovery {document.Digest} of {entry.Timestamp.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
        return kept.Size == document.Checkpoint.Size && kept.Root == document.Checkpoint.Root
            ? new("ledger", $"entry {entry.Sequence} explains it: {told}, and this is the last checkpoint from before it", Remedy)
            : kept.Size <= Math.Max(document.Checkpoint.Size, (document.LastLost ?? -1) + 1) ? new("ledger", $"entry {entry.Sequence} may explain it: {told}, if this checkpoint is from before it", Remedy) : null;
    }
}
