using System.Diagnostics;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Spreads what is written beside the journal over a while: a disk that is told to flush waits for all that it was given before, and whoever appends waits with it.</summary>
/// <param name="total">How many bytes will be written.</param>
/// <param name="over">Over how long, where they are many.</param>
/// <param name="hurry">Ends once nobody appends any more.</param>
internal sealed class WritePace(long total, TimeSpan over, Task hurry)
{
    // A disk takes as much without a wait that anybody notices.
    private const long Few = 1024 * 1024;
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private readonly long began = Stopwatch.GetTimestamp();
    private long written;

    /// <summary>Waits until it is time for more.</summary>
    /// <param name="bytes">How many were written.</param>
    public void Wrote(long bytes)
    {
        written += bytes;
        var ahead = (over * written / total) - Stopwatch.GetElapsedTime(began);
        if (total > Few && ahead >= Shortest)
        {
            hurry.Wait(ahead);
        }
    }
}
