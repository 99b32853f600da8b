using System.Collections.Immutable;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Webhook;

/// <content>How the gate verifies its own log, and what it says in the log of its process.</content>
internal sealed partial class GateLedger
{
    private async Task VerifyAsync(CancellationToken cancellation)
    {
        try
        {
            await VerifyOnceAsync(cancellation);
        }
#pragma warning disable CA1031 // An exception here would end the process: whatever the folder holds may be told, and must not do that.
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            await VerifiedAsync($"it could not be verified: {exception.GetType().Name}: {exception.Message}", null, cancellation);
        }
    }

    private async Task VerifyOnceAsync(CancellationToken cancellation)
    {
        var folder = new LedgerFolder(options.Ledger!);
        if (!folder.ReadCheckpoint(key!).Try(out var checkpoint, out var unread))
        {
            await VerifiedAsync(unread.ToString(), null, cancellation);
            return;
        }

        var found = await Task.Run(() => LedgerVerifier.Verify(checkpoint, folder.Read, verified, cancellation: cancellation), cancellation);
        await VerifiedAsync(found?.ToString(), checkpoint, cancellation);
    }

    private async Task VerifiedAsync(string? found, Checkpoint? checkpoint, CancellationToken cancellation)
    {
        fault = found;
        verified = found is null ? checkpoint : verified;
        metrics.Verified(found is null);
        if (found is not null)
        {
            LogFault(found);
        }

        await AppendAsync(
            Event(LedgerEvents.Verified) with
            {
                Outcome = found is null ? "verified" : "fault",
                Reasons = found is null ? null : new EntryPart<ImmutableArray<EntryReason>>.Inline([new(Rule, null, PersonalText.Of(found, LedgerText.LongestMessage)!)]),
                Details = checkpoint is null ? null : EntryDocument.Of(json => json.WriteNumber("size", checkpoint.Size)),
            },
            cancellation);
    }

    [LoggerMessage(1201, LogLevel.Information, "Ledger {Folder} ({VerifierKey}) has {Size} entries")]
    private partial void LogOpened(string folder, string verifierKey, long size);

    [LoggerMessage(1202, LogLevel.Warning, "The ledger was recovered: {Cut}")]
    private partial void LogRecovered(string cut);

    [LoggerMessage(1203, LogLevel.Error, "Not in the ledger: {What}")]
    private partial void LogLost(string what);

    [LoggerMessage(1204, LogLevel.Error, "{CorrelationId}: {Action} {Kind} {Namespace}/{Name} was admitted and is not in the ledger")]
    private partial void LogMissed(string correlationId, string action, string kind, string nameSpace, string name);

    [LoggerMessage(1205, LogLevel.Critical, "The ledger does not verify: {Fault}")]
    private partial void LogFault(string fault);

    [LoggerMessage(1206, LogLevel.Error, "Checkpoints of the ledger are not published: {Why}")]
    private partial void LogUnpublished(string why);

    [LoggerMessage(1207, LogLevel.Information, "{CorrelationId}: the API server sent the refused change again; it is in the ledger as {Recorded}")]
    private partial void LogResent(string correlationId, string recorded);
}
