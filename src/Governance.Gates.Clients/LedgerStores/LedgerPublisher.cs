using System.Collections.Immutable;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Puts tiles and a signed checkpoint beside the journal, once a second at most, and beside the appends: those never wait for it.</summary>
/// <remarks>
/// What could not be published is tried again, and is in memory until then: <see cref="WhyNot"/> bounds that. One thread at a time calls <see cref="IsDue"/>, <see cref="Publish"/>, <see cref="WhyNot"/> and
/// <see cref="CloseAsync"/>; any may read how it stands.
/// </remarks>
/// <param name="folder">The log.</param>
/// <param name="signer">Its key.</param>
/// <param name="journal">What forgets the entries that are published.</param>
/// <param name="clock">The clock.</param>
/// <param name="published">How many entries the checkpoint in the folder covers.</param>
/// <param name="warning">What could not be done at opening and is tried again; null where nothing.</param>
/// <param name="mostBytes">How many bytes of entries may wait before usual ones are refused; vital ones are at twice as many.</param>
internal sealed class LedgerPublisher(LedgerFolder folder, NoteSigner signer, EntryJournal journal, TimeProvider clock, long published, Reason? warning, long mostBytes)
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    private readonly TaskCompletionSource closing = new();

    private volatile Outcome last = new(published, 0, warning);
    private volatile Task<bool> running = Task.FromResult(true);
    private ImmutableArray<Tile> unwritten = [];
    private long attempted;
    private long began;

    /// <summary>How many entries the checkpoint in the folder covers.</summary>
    public long Published => last.Size;

    /// <summary>What could not be done and is tried again; null where nothing.</summary>
    public Reason? Warning => last.Warning ?? (!running.IsCompleted && clock.GetElapsedTime(Volatile.Read(ref began)) >= Longest ? CouldNot($"it takes longer than {Longest.TotalSeconds} s") : null);

    /// <summary>Why an entry may not be added to what waits; null where it may.</summary>
    /// <param name="bytes">How many bytes of entries were appended, from the beginning on.</param>
    /// <param name="precedence">Whether twice as much may wait.</param>
    public Reason? WhyNot(long bytes, Precedence precedence) => bytes - last.Bytes > (precedence == Precedence.Vital ? 2 * mostBytes : mostBytes)
        ? new("ledger", $"{(bytes - last.Bytes) >> 20} MiB of entries wait to be published, and no more are taken", Warning?.ToString() ?? "slow down, or give the ledger a faster disk")
        : null;

    /// <summary>Whether there is something to publish, and a second has passed since the last time.</summary>
    /// <param name="size">How many entries the log has.</param>
    public bool IsDue(long size) => running.IsCompleted && size > last.Size && clock.GetElapsedTime(began) >= Every;

    /// <summary>Begins to publish. Nothing is being published now.</summary>
    /// <param name="writer">The end of the log, all of it durable.</param>
    /// <param name="bytes">How many bytes of entries were appended to it, from the beginning on.</param>
    public void Publish(LedgerWriter writer, long bytes)
    {
        Volatile.Write(ref began, clock.GetTimestamp());
        var (size, root) = (writer.Size, writer.Root);

        // What was at the right edge of a size that could not be published is nothing that a larger one needs.
        IEnumerable<Tile> left = running.Result ? [] : size == attempted ? unwritten : unwritten.Where(tile => tile.Address.Width == TileAddress.FullWidth);
        var tiles = unwritten = [.. left, .. writer.TakeTiles()];
        attempted = size;

        // On a thread of its own: it waits for the disk, and the pool's few threads answer requests meanwhile.
        running = Task.Factory.StartNew(() => PublishAsync(size, bytes, root, tiles).GetAwaiter().GetResult(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Publishes what is left.</summary>
    /// <param name="writer">The end of the log, all of it durable; null where that is not known.</param>
    /// <param name="bytes">How many bytes of entries were appended to it, from the beginning on.</param>
    /// <returns>Whether nothing is written into the folder any more: not where a signer or a disk hangs.</returns>
    public async Task<bool> CloseAsync(LedgerWriter? writer, long bytes)
    {
        closing.TrySetResult();
        if (!await EndedAsync().ConfigureAwait(false))
        {
            return false;
        }

        if (writer?.Size > last.Size)
        {
            Publish(writer, bytes);
        }

        return await EndedAsync().ConfigureAwait(false);
    }

    private static Reason CouldNot(string why) => new("ledger", $"tiles and checkpoint could not be published: {why}", "see to the ledger's disk and key; entries are kept in its journal");

    private async Task<bool> EndedAsync()
    {
        try
        {
            await running.WaitAsync(2 * Longest, clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<bool> PublishAsync(long size, long bytes, TreeHash root, ImmutableArray<Tile> tiles)
    {
        try
        {
            using var limit = new CancellationTokenSource(Longest, clock);
            var note = await Checkpoint.SignAsync(size, root, [signer], limit.Token).ConfigureAwait(false);

            // A checkpoint that nobody can verify may not replace the last one that everybody can.
            if (!Checkpoint.Open(note, signer.Key).Try(out _, out var why))
            {
                last = last with { Warning = CouldNot(why.Message) };
                return false;
            }

            folder.Publish(tiles, note, new WritePace(tiles.Sum(tile => tile.Pieces.Sum(piece => (long)piece.Length)), Every / 2, closing.Task).Wrote);
            last = new(size, bytes, null);
        }
        catch (OperationCanceledException)
        {
            last = last with { Warning = CouldNot($"the key did not answer within {Longest.TotalSeconds} s") };
            return false;
        }
#pragma warning disable CA1031 // A signer may be anyone's code. Whatever it or the disk throws, entries are durable in the journal, and this is tried again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            last = last with { Warning = CouldNot(exception.Message) };
            return false;
        }

        foreach (var tile in tiles)
        {
            tile.Release();
        }

        journal.Forget(size);
        last = last with { Warning = journal.MakeSpare() };
        return true;
    }

    private sealed record Outcome(long Size, long Bytes, Reason? Warning);
}
