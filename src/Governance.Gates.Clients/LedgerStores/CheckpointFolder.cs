using System.Globalization;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Publishes the checkpoints of a log in a folder, from where auditors and witnesses fetch them: <c>checkpoint</c> is the last, <c>checkpoint.SIZE</c> each, and none of those is ever changed.</summary>
/// <remarks>Its position is the checkpoint that it published last: it publishes none that does not go on from that.</remarks>
/// <param name="path">The folder; of one log.</param>
/// <param name="key">The log's key.</param>
public sealed class CheckpointFolder(string path, NoteKey key) : ILedgerFollower
{
    private const string LastName = "checkpoint";

    private readonly string folder = Path.GetFullPath(path);

    /// <inheritdoc/>
    public Reading<LedgerPosition> ReadPosition()
    {
        try
        {
            return StateDisk.Read(PathOf(LastName), Checkpoint.MostBytes) is not { } note ? new Reading<LedgerPosition>.Found(LedgerPosition.AtBeginning(key.Name))
                : Checkpoint.Open(note, key).Try(out var last, out var why) ? new Reading<LedgerPosition>.Found(LedgerPosition.Of(last))
                : new Reading<LedgerPosition>.Unread(new("ledger", $"{PathOf(LastName)} is none of this log: {why.Message}", "give the checkpoints of each log a folder of their own"));
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return new Reading<LedgerPosition>.Unread(NotWritten(exception));
        }
    }

    /// <inheritdoc/>
    public ValueTask<Reason?> TakeAsync(LedgerAdvance advance, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(advance);
        return ValueTask.FromResult(Publish(advance.To));
    }

    private Reason? Publish(Checkpoint checkpoint)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var own = PathOf(string.Create(CultureInfo.InvariantCulture, $"{LastName}.{checkpoint.Size}"));
            if (StateDisk.Read(own, Checkpoint.MostBytes) is not { } there)
            {
                StateDisk.Replace(own, checkpoint.Note);
            }
            else if (!Checkpoint.Open(there, key).Try(out var before, out _) || before.Size != checkpoint.Size || before.Root != checkpoint.Root)
            {
                // Somebody may have fetched it: it shows that the log was another one then.
                return new("ledger", $"{own} is there and says something else than the checkpoint of {checkpoint}: entries were rewritten, or the file was", "keep both, and compare them with copies of the log");
            }

            StateDisk.Replace(PathOf(LastName), checkpoint.Note);
            return null;
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return NotWritten(exception);
        }
    }

    private string PathOf(string name) => Path.Combine(folder, name);

    private static Reason NotWritten(Exception exception) => new("ledger", $"the folder of checkpoints cannot be used: {exception.Message}", "make it a folder that this user may write, on a disk with space");
}
