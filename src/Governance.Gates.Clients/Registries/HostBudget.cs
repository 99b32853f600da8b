namespace Governance.Gates.Clients.Registries;

/// <summary>How many requests one registry gets at a time, and whether it asked to be left alone.</summary>
internal sealed class HostBudget(RegistryLimits limits, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ShortestCoolDown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan UsualCoolDown = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim slots = new(limits.ConcurrentRequests, limits.ConcurrentRequests);

    // Guards until: a struct of two words is not read in one step.
    private readonly Lock judging = new();
    private DateTimeOffset until;

    /// <summary>Until when nothing is sent; null where requests may go.</summary>
    public DateTimeOffset? CoolingUntil
    {
        get
        {
            lock (judging)
            {
                return until > time.GetUtcNow() ? until : null;
            }
        }
    }

    /// <summary>Whether nobody uses it.</summary>
    public bool IsIdle => slots.CurrentCount == limits.ConcurrentRequests && CoolingUntil is null;

    public Task EnterAsync(CancellationToken cancellation) => slots.WaitAsync(cancellation);

    public void Leave() => slots.Release();

    /// <summary>One request was answered 429 as often as it is tried, or was asked to wait longer than it waits: the registry is left alone.</summary>
    public void CoolDown(TimeSpan? retryAfter)
    {
        var pause = retryAfter ?? UsualCoolDown;
        pause = pause < ShortestCoolDown ? ShortestCoolDown : pause > limits.LongestCoolDown ? limits.LongestCoolDown : pause;
        lock (judging)
        {
            until = time.GetUtcNow() + pause;
        }
    }

    public void Dispose() => slots.Dispose();
}

/// <summary>The budgets of all registries. Image names choose the hosts, so the idle ones are forgotten.</summary>
internal sealed class HostBudgets(RegistryLimits limits, TimeProvider time) : IDisposable
{
    private const int Remembered = 1024;

    // Guards budgets.
    private readonly Lock choosing = new();
    private readonly Dictionary<string, HostBudget> budgets = new(StringComparer.Ordinal);

    public HostBudget For(string host)
    {
        lock (choosing)
        {
            if (!budgets.TryGetValue(host, out var budget))
            {
                if (budgets.Count >= Remembered)
                {
                    // Not disposed: a request may just have been handed one of them. A semaphore without a wait handle holds nothing but memory.
                    foreach (var idle in budgets.Where(one => one.Value.IsIdle).Select(one => one.Key).ToList())
                    {
                        budgets.Remove(idle);
                    }
                }

                budgets[host] = budget = new(limits, time);
            }

            return budget;
        }
    }

    public void Dispose()
    {
        lock (choosing)
        {
            foreach (var budget in budgets.Values)
            {
                budget.Dispose();
            }
        }
    }
}
