using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>What went unrecorded is told once, and never forgotten.</summary>
public sealed class LedgerGapTests
{
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_many_who_could_tell_a_gap_one_does()
    {
        var gap = new LedgerGap();
        Parallel.For(0, 1_000, i => gap.Add(1, Noon.AddSeconds(i)));
        var told = Enumerable.Range(0, 64).AsParallel().Select(_ => gap.Take()).OfType<(long Count, DateTimeOffset First)>().ToList();
        Assert.Equal([(1_000L, Noon)], told);
    }

    [Fact]
    public void What_could_not_be_told_is_told_with_what_came_after_it()
    {
        var gap = new LedgerGap();
        gap.Add(2, Noon);
        var taken = gap.Take()!.Value;
        gap.Add(1, Noon.AddMinutes(1));
        gap.Add(taken.Count, taken.First);
        Assert.Equal((3L, Noon), gap.Take());
        Assert.Null(gap.Take());
    }
}
