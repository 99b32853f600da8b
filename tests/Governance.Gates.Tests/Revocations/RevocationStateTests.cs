using Governance.Gates.Revocations;
using Governance.Gates.Tests.Clients.Registries;
using static Governance.Gates.Tests.Revocations.Lists;

namespace Governance.Gates.Tests.Revocations;

public sealed class RevocationStateTests
{
    [Fact]
    public void A_higher_number_takes_the_place_of_a_lower_one()
    {
        var state = RevocationState.Start(null).Advance(List(1)).Found().Advance(List(4)).Found();
        Assert.Equal((4, 4), (state.HighestSeen, state.At(Now, MaxAge).Found().Number));
    }

    [Fact]
    public void A_number_that_goes_backwards_is_refused_and_what_was_seen_before_the_start_counts()
    {
        Assert.Contains("4 was seen before", RevocationState.Start(null).Advance(List(4)).Found().Advance(List(3)).Unread().Message, StringComparison.Ordinal);
        Assert.Contains("9 was seen before", RevocationState.Start(9).Advance(List(8)).Unread().Message, StringComparison.Ordinal);
        Assert.Equal(9, RevocationState.Start(9).Advance(List(9)).Found().HighestSeen);
    }

    [Fact]
    public void The_same_number_with_other_content_is_refused()
    {
        var state = RevocationState.Start(null).Advance(List(4)).Found();
        Assert.Equal(4, state.Advance(List(4)).Found().HighestSeen);
        Assert.Contains("say different things", state.Advance(List(4) with { People = [] }).Unread().Message, StringComparison.Ordinal);
        Assert.Contains("say different things", state.Advance(List(4, Now.AddMinutes(1))).Unread().Message, StringComparison.Ordinal);
    }

    public static TheoryData<int, bool> Ages => new() { { -61, false }, { -60, true }, { 0, true }, { 3600, true }, { 3660, true }, { 3661, false } };

    [Theory, MemberData(nameof(Ages))]
    public void A_list_counts_until_it_is_older_than_the_policy_allows(int seconds, bool counts)
    {
        var reading = RevocationState.Start(null).Advance(List()).Found().At(Now.AddSeconds(seconds), MaxAge);
        if (counts)
        {
            Assert.Equal(1, reading.Found().Number);
        }
        else
        {
            Assert.False(string.IsNullOrEmpty(reading.Unread().Remedy));
        }
    }

    [Fact]
    public void Without_a_list_nothing_is_known_and_a_list_without_end_never_grows_stale()
    {
        Assert.Contains("gates revoke", RevocationState.Start(3).At(Now, MaxAge).Unread().Remedy, StringComparison.Ordinal);
        Assert.Equal(1, RevocationState.Start(null).Advance(List()).Found().At(DateTimeOffset.MaxValue.AddMinutes(-2), TimeSpan.MaxValue).Found().Number);
    }
}
