namespace Governance.Gates.Testing;

/// <summary>A clock that a test puts forward. Between that it goes as the system's does, and its timers run in real time unless the test wants no short waits.</summary>
public sealed class ForwardClock : TimeProvider
{
    private long ahead;

    /// <summary>Puts the clock forward.</summary>
    public void Advance(TimeSpan by) => Interlocked.Add(ref ahead, by.Ticks);

    /// <summary>Whether nobody waits for less than ten seconds: the clock is put forward instead. Whatever comes round again, and what ends after longer, goes on in real time.</summary>
    public bool SkipsShortWaits { get; set; }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (SkipsShortWaits && dueTime > TimeSpan.Zero && dueTime < TimeSpan.FromSeconds(10) && period == Timeout.InfiniteTimeSpan)
        {
            Advance(dueTime);
            dueTime = TimeSpan.Zero;
        }

        return base.CreateTimer(callback, state, dueTime, period);
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    /// <inheritdoc/>
    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    private TimeSpan Ahead => TimeSpan.FromTicks(Interlocked.Read(ref ahead));
}
