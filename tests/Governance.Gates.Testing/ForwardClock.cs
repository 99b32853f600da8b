namespace Governance.Gates.Testing;

/// <summary>A clock that a test puts forward. Between that it goes as the system's does, and its timers run in real time.</summary>
public sealed class ForwardClock : TimeProvider
{
    private long ahead;

    /// <summary>Puts the clock forward.</summary>
    public void Advance(TimeSpan by) => Interlocked.Add(ref ahead, by.Ticks);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    /// <inheritdoc/>
    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    private TimeSpan Ahead => TimeSpan.FromTicks(Interlocked.Read(ref ahead));
}
