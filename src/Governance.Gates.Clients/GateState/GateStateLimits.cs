namespace Governance.Gates.Clients.GateState;

/// <summary>How much a state folder holds, and when it is made smaller.</summary>
internal sealed record GateStateLimits
{
    public static GateStateLimits Default { get; } = new();

    /// <summary>The most admitted records that are held in memory and in the file.</summary>
    public int MostRecords { get; init; } = 50_000;

    /// <summary>The most requests whose uses are counted.</summary>
    public int MostRequests { get; init; } = 200_000;

    /// <summary>A file of fewer lines is not made smaller.</summary>
    public int CompactFrom { get; init; } = 1_000;

    /// <summary>How long a record is kept past its end: a review that is sent again finds it, and a clock that was wrong for a while ends nothing.</summary>
    public TimeSpan KeptPastEnd { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The largest file that is read.</summary>
    public long MostFileBytes { get; init; } = 1L << 30;
}
