namespace Governance.Gates.Tests.Ledgers;

/// <summary>What a reading must be.</summary>
internal static class LedgerReadings
{
    /// <summary>Why nothing was read; what to do about it must be said too.</summary>
    public static string Why<T>(this Reading<T> reading)
    {
        var why = Assert.IsType<Reading<T>.Unread>(reading).Reason;
        Assert.False(string.IsNullOrEmpty(why.Message));
        return why.Message;
    }
}
