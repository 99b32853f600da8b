using System.Security.Cryptography;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Where a log in a folder goes on: from its tiles, as far as a checkpoint covers them, and from its journal beyond.</summary>
internal static class LedgerResumption
{
    /// <summary>The end of the log that the tiles hold, and its last events.</summary>
    /// <exception cref="FormatException">They are not as they were published.</exception>
    public static async Task<LedgerWriter> ResumeAsync(LedgerFolder folder, NoteSigner signer, RecentEvents recent, CancellationToken cancellation)
    {
        // A log without a checkpoint is new, or lost it: then what was published before would be forgotten.
        if (!File.Exists(folder.PathOf(LedgerFolder.CheckpointName)))
        {
            foreach (var name in (string[])[LedgerFolder.TileName, LocalLedger.JournalName])
            {
                if (Path.Exists(folder.PathOf(name)))
                {
                    throw new FormatException($"the checkpoint is missing, and {folder.PathOf(name)} is there");
                }
            }

            folder.Publish([], await Checkpoint.SignAsync(0, TreeHash.OfEmptyTree, [signer], cancellation));
        }

        if (!folder.ReadCheckpoint(signer.Key).Try(out var checkpoint, out var why) || !LedgerWriter.Resume(signer.Key.Name, checkpoint.Size, folder.Read).Try(out var writer, out why))
        {
            throw new FormatException(why.ToString());
        }

        if (writer.Root != checkpoint.Root)
        {
            throw new FormatException($"its tiles do not lead to the checkpoint of {checkpoint.Size} entries");
        }

        return recent.AddLast(checkpoint.Size, folder.Read) is { } missing ? throw new FormatException(missing.ToString()) : writer;
    }

    /// <summary>Takes an entry of the journal where the tiles do not hold it.</summary>
    /// <returns>How many bytes were taken.</returns>
    /// <exception cref="FormatException">It does not follow.</exception>
    public static int Replay(LedgerWriter writer, RecentEvents recent, long sequence, ReadOnlyMemory<byte> bytes)
    {
        if (sequence > writer.Size)
        {
            throw new FormatException($"entry {writer.Size} is missing: the journal goes on with entry {sequence}");
        }

        if (sequence < writer.Size)
        {
            return 0;
        }

        if (writer.Replay(bytes.Span) is { } wrong)
        {
            throw new FormatException(wrong.Message);
        }

        recent.Add(sequence, bytes);
        return bytes.Length;
    }

    /// <summary>Why a log could not be opened, for people.</summary>
    public static Exception Explain(string path, Exception exception) => exception switch
    {
        FormatException => new GateException($"the ledger {path} is not as it was written: {exception.Message}", "keep it as it is, and compare it with copies and checkpoints kept elsewhere; gates ledger recover tells what is whole, and how the log may go on", exception),
        CryptographicException => new GateException($"the ledger {path} cannot be signed: {exception.Message}", "name the key of the log", exception),
        _ when StateDisk.IsOfDisk(exception) => new GateException($"the ledger {path} cannot be used: {exception.Message}", "name a folder that this user may write and no other process has, on a disk with space", exception),
        _ => exception,
    };
}
