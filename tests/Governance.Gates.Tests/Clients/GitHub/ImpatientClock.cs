namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>A clock for which waiting takes no time: whoever waits finds that the time has passed.</summary>
internal sealed class ImpatientClock(DateTimeOffset start) : TimeProvider
{
    // Guards now and waits.
    private readonly Lock waiting = new();
    private readonly List<TimeSpan> waits = [];
    private DateTimeOffset now = start;

    /// <summary>Every wait so far.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (waiting)
            {
                return [.. waits];
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (waiting)
        {
            return now;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime > TimeSpan.Zero)
        {
            lock (waiting)
            {
                waits.Add(dueTime);
                now += dueTime;
            }

            dueTime = TimeSpan.Zero;
        }

        return base.CreateTimer(callback, state, dueTime, period);
    }
}
