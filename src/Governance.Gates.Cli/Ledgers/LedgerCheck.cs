using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>What a check of a whole log came to. Neither fault nor <paramref name="Unknown"/>: it is verified.</summary>
/// <param name="Checkpoint">The log's last checkpoint; null where none can be trusted.</param>
/// <param name="Fault">Where the log is not what its checkpoint, or one kept elsewhere, says.</param>
/// <param name="Unknown">Why it cannot be told.</param>
internal sealed record LedgerFindings(Checkpoint? Checkpoint, LedgerFault? Fault, Reason? Unknown)
{
    public int ExitCode => Fault is not null ? Gates.ExitCode.Denied : Unknown is not null ? Gates.ExitCode.Unknown : Gates.ExitCode.Allowed;
}

/// <summary>Verifies a whole log, within a deadline.</summary>
internal static class LedgerCheck
{
    private const string Remedy = "keep this copy as it is, and compare it with other copies and with every checkpoint kept elsewhere";

    /// <summary>Runs the check.</summary>
    /// <param name="folder">The log.</param>
    /// <param name="key">Its key.</param>
    /// <param name="since">A checkpoint up to which it was verified before.</param>
    /// <param name="kept">Checkpoints that were kept elsewhere, with the names of their files: each must be of the log's past.</param>
    /// <param name="deadline">How long it may take.</param>
    /// <param name="terminal">Whoever watches.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="GateException">There is no checkpoint, so that there is no log.</exception>
    public static async Task<LedgerFindings> RunAsync(LedgerFolder folder, NoteKey key, Checkpoint? since, IReadOnlyList<(string File, Checkpoint Checkpoint)> kept, TimeSpan deadline, Terminal terminal, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(deadline, terminal.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            // A file that is none, such as a pipe, may keep a read waiting for ever: so the wait ends, if not the read.
            return await Task.Run(() => Run(folder, key, since, kept, terminal, both.Token), CancellationToken.None).WaitAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new(null, null, new("ledger", $"it was not verified within {deadline.TotalSeconds:0} s", "give it longer with --deadline, or go on from a checkpoint that was verified before with --since"));
        }
    }

    private static LedgerFindings Run(LedgerFolder folder, NoteKey key, Checkpoint? since, IReadOnlyList<(string File, Checkpoint Checkpoint)> kept, Terminal terminal, CancellationToken cancellation)
    {
        if (folder.FindCheckpoint().Required() is not { } note)
        {
            throw new GateException($"{folder.Path} has no checkpoint", "name the folder of a log, or restore it from a copy");
        }

        if (!Checkpoint.Open(note, key).Try(out var checkpoint, out var why))
        {
            return new(null, new(null, null, why), null);
        }

        Reason? unreadable = null;
        Reading<ReadOnlyMemory<byte>> Source(TileAddress address)
        {
            // What is missing is a fault of the log; what cannot be read is none.
            var read = folder.Read(address);
            unreadable ??= read is Reading<ReadOnlyMemory<byte>>.Unread && folder.Find(address) is Reading<ReadOnlyMemory<byte>?>.Unread(var reason) ? reason : null;
            return read;
        }

        var fault = LedgerVerifier.Verify(checkpoint, Source, since, new LedgerProgress(terminal, $"verifying {key.Name}", checkpoint.Size), cancellation);
        foreach (var (file, earlier) in kept)
        {
            fault ??= Compare(checkpoint, file, earlier, Source) is { } apart ? Explained(apart, new(folder, key, checkpoint), earlier, cancellation) : null;
        }

        return unreadable is null ? new(checkpoint, fault, null) : new(checkpoint, null, unreadable);
    }

    // An entry that explains it makes nothing consistent: whoever kept the checkpoint has to look at what was given up.
    private static LedgerFault Explained(LedgerFault fault, OpenLog log, Checkpoint kept, CancellationToken cancellation) => RecoveryExplanation.Of(log, kept, cancellation) is { } explanation
        ? fault with { Reason = fault.Reason with { Message = $"{fault.Reason.Message}; {explanation.Message}", Remedy = explanation.Remedy } }
        : fault;

    private static LedgerFault? Compare(Checkpoint checkpoint, string file, Checkpoint kept, TileSource source)
    {
        if (kept.Size > checkpoint.Size)
        {
            return new(checkpoint.Size, null, new("ledger", $"it is missing: the checkpoint in {file} is of {kept.Size} entries, and this log has {checkpoint.Size}: entries were removed, or this is an older copy", Remedy));
        }

        return !checkpoint.GoesOnFrom(LedgerPosition.Of(kept), source).Try(out var goesOn, out var why) ? new(null, null, why)
            : goesOn ? null
            : new(null, null, new("ledger", $"it does not begin as the checkpoint in {file} says: entries before entry {kept.Size} were rewritten, or two logs have one key", Remedy));
    }
}
