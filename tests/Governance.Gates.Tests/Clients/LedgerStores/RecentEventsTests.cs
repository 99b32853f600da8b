using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>Who asks again is answered with the entry that is there, and with no other.</summary>
public sealed class RecentEventsTests
{
    private const int Most = 65_536;

    [Theory]
    [InlineData(1)]
    [InlineData(Most)]
    [InlineData(Most + 1)]
    [InlineData((3 * Most) + 1_000)]
    public void The_last_65536_are_remembered_where_they_stand_and_none_before(int count)
    {
        var recent = new RecentEvents();
        var keys = Enumerable.Range(0, count).Select(number => RecentEvents.KeyOf($"event-{number}")).ToList();
        for (var number = 0; number < count; number++)
        {
            recent.Add(keys[number], number, keys[count - 1 - number]);
            Assert.Equal(number, recent.Find(keys[number])?.Sequence);
        }

        for (var number = 0; number < count; number++)
        {
            Assert.Equal(number < count - Most ? null : new AppendedEntry(number, keys[count - 1 - number], default), recent.Find(keys[number]));
        }

        Assert.Null(recent.Find(RecentEvents.KeyOf("another")));
    }

    [Fact]
    public void One_that_is_remembered_stays_where_it_was_first()
    {
        var recent = new RecentEvents();
        var key = RecentEvents.KeyOf("event");
        recent.Add(key, 1, key);
        recent.Add(key, 2, default);
        Assert.Equal(new AppendedEntry(1, key, default), recent.Find(key));
    }
}
