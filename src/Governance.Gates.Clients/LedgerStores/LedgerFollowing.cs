using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Takes a log somewhere else, entry after entry or checkpoint after checkpoint, and remembers durably where it stands.</summary>
/// <remarks>
/// One that commits its position with its work is given nothing twice and misses nothing, whenever it is killed. One that commits it afterwards is given again what lies between: at least once.
/// </remarks>
public interface ILedgerFollower
{
    /// <summary>Where it stands; <see cref="LedgerPosition.AtBeginning"/> where nothing was taken. Unread where that cannot be told: then nothing is given.</summary>
    Reading<LedgerPosition> ReadPosition();

    /// <summary>Takes what follows its position, or the first part of it, and commits how far it came.</summary>
    /// <param name="advance">The way to the log's checkpoint, which is known to go on from the position.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Why not all of it was taken; null where it was.</returns>
    ValueTask<Reason?> TakeAsync(LedgerAdvance advance, CancellationToken cancellation);
}

/// <summary>Gives a follower what a log publishes. It reads the log as anybody may, and holds up nobody who writes it.</summary>
/// <remarks>A log that is not of the follower's past (another one, an older copy, one whose entries were rewritten) is refused: what was taken of it stays what it was.</remarks>
/// <param name="log">The log.</param>
/// <param name="key">Its key.</param>
/// <param name="follower">Whoever follows it; nobody else gives it anything meanwhile.</param>
public sealed class LedgerFollowing(LedgerFolder log, NoteKey key, ILedgerFollower follower)
{
    // The log publishes once a second at most, so that each checkpoint is seen.
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private Task<Reason?> running = Task.FromResult<Reason?>(null);
    private ReadOnlyMemory<byte> taken;

    /// <summary>Gives what is published and was not taken yet.</summary>
    /// <returns>Why not all of it was taken; null where it was. What the follower throws is told, too.</returns>
    public async Task<Reason?> StepAsync(CancellationToken cancellation)
    {
        try
        {
            if (!log.FindCheckpoint().Try(out var note, out var why))
            {
                return why;
            }

            if (note is not { IsEmpty: false } found || found.Span.SequenceEqual(taken.Span))
            {
                // None is missing: a log that begins has none.
                return null;
            }

            if (!Checkpoint.Open(found, key).Try(out var checkpoint, out why) || !follower.ReadPosition().Try(out var position, out why) || !LedgerAdvance.Between(position, checkpoint, log.Read).Try(out var advance, out why))
            {
                return why;
            }

            why = position.Size < checkpoint.Size ? await follower.TakeAsync(advance, cancellation).ConfigureAwait(false) : null;
            taken = why is null ? found : default;
            return why;
        }
#pragma warning disable CA1031 // A follower may be anyone's code: whatever it throws ends this step, and not the process that writes the log.
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return new("ledger", $"the log could not be followed: {exception.GetType().Name}: {exception.Message}", "see to what follows it; it goes on from where it stands");
        }
    }

    /// <summary>Gives whatever is published, until it is cancelled.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="tell">Is told how each step came out.</param>
    /// <param name="cancellation">Ends it, also where the follower hangs.</param>
    public async Task RunAsync(TimeProvider clock, Action<Reason?> tell, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(tell);
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            tell(await StepWithinAsync(clock, cancellation).ConfigureAwait(false));
        }
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
    }

    /// <summary>One step, or why it is not done within ten seconds: then it goes on, and nothing else is given until it has ended.</summary>
    public async Task<Reason?> StepWithinAsync(TimeProvider clock, CancellationToken cancellation)
    {
        try
        {
            running = running.IsCompleted ? Task.Run(() => StepAsync(cancellation), cancellation) : running;
            return await running.WaitAsync(Longest, clock, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // That was the step of somebody who was cancelled meanwhile.
            return await StepWithinAsync(clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return new("ledger", $"what follows the log does not answer within {Longest.TotalSeconds} s", "see to its disk");
        }
    }
}
