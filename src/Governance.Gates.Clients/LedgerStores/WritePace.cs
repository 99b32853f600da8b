using System.Diagnostics;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Spreads what is written beside the journal over a while: a disk that is told to flush waits for all that it was given before, and whoever appends waits with it.</summary>
/// <param name="total">How many bytes will be written.</param>
/// <param name="over">Over how long, where they are many.</param>
/// <param name="hurry">Ends once nobody appends any more.</param>
internal sealed class WritePace(long total, TimeSpan over, Task hurry)
{
    // In few steps: between them the disk is left to those who append. A step's worth is taken without a wait that anybody notices.
    private const int Steps = 8;
    private const long Least = 1024 * 1024;
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private readonly long began = Stopwatch.GetTimestamp();
    private readonly long step = Math.Max(Least, total / Steps);
    private long written;
    private long inStep;

    /// <summary>Waits after each step until it is time for the next.</summary>
    /// <param name="bytes">How many were written.</param>
    public void Wrote(long bytes)
    {
        written += bytes;
        inStep += bytes;
        if (inStep < step)
        {
            return;
        }

        inStep = 0;
        var ahead = (over * written / total) - Stopwatch.GetElapsedTime(began);
        if (ahead >= Shortest)
        {
            hurry.Wait(ahead);
        }
    }
}
