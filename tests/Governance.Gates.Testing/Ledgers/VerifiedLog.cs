using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Testing.Ledgers;

/// <summary>A log in a folder as anybody may read it, with the verifier key that lies beside it.</summary>
public static class VerifiedLog
{
    /// <summary>All entries of its last checkpoint.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InvalidOperationException">It does not verify, or an entry cannot be read.</exception>
    public static IReadOnlyList<LedgerEntry> Read(string folder)
    {
        var log = new LedgerFolder(folder);
        var checkpoint = Found(log.ReadCheckpoint(LedgerKeyFiles.ReadVerifierKey(LedgerKeyFiles.VerifierKeyOf(folder))));
        if (LedgerVerifier.Verify(checkpoint, log.Read) is { } fault)
        {
            throw new InvalidOperationException(fault.ToString());
        }

        var entries = new List<LedgerEntry>();
        for (var i = 0L; TileAddress.OfEntries(i, checkpoint.Size) is { } bundle; i++)
        {
            // A bundle may have grown since the checkpoint was read.
            entries.AddRange(Found(EntryBundle.Read(Found(log.Read(bundle)))).Take(bundle.Width).Select(stored => Found(LedgerEntry.Read(stored))));
        }

        return entries;
    }

    private static T Found<T>(Reading<T> reading) => reading.Try(out var value, out var why) ? value : throw new InvalidOperationException(why.ToString());
}
