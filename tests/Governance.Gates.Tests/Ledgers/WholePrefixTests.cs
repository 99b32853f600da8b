using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>What of a damaged log is whole, and which policy all of it still proves.</summary>
public sealed class WholePrefixTests
{
    private static readonly EntryPolicy One = Policy(1);
    private static readonly EntryPolicy Seven = Policy(7);

    [Fact]
    public void Of_two_signed_views_only_what_both_say_is_whole()
    {
        var log = Log(40, (10, LedgerEvents.PolicyLoaded, One), (25, LedgerEvents.PolicyLoaded, Seven));
        var other = TestLog.Checkpoint(30, TreeHash.OfLeaf("another log"u8));
        var prefix = Find(log, TestLog.Checkpoint(20, RootOf(log, 20)), other);
        Assert.Equal(new TreeHead(20, RootOf(log, 20)), prefix.Head);
        Assert.Equal("entries before entry 30 are not those of a checkpoint of 30 entries", prefix.Why);
        Assert.Equal([One], prefix.LastPolicies);
        Assert.Equal(20, prefix.Entries().Count());

        // One of the views goes on: then its entries are not whole, and what they tell of the policy counts all the same.
        var longer = Find(log, TestLog.Checkpoint(20, RootOf(log, 20)), other, log.Checkpoint());
        Assert.Equal(20, longer.Head.Size);
        Assert.Equal([Seven], longer.LastPolicies);
    }

    [Fact]
    public void Of_two_checkpoints_of_one_size_that_say_different_things_neither_stands_for_anything()
    {
        var log = Log(40, (10, LedgerEvents.PolicyLoaded, One));
        var prefix = Find(log, TestLog.Checkpoint(20, RootOf(log, 20)), log.Checkpoint(), TestLog.Checkpoint(40, TreeHash.OfLeaf("another log"u8)));
        Assert.Equal(20, prefix.Head.Size);
        Assert.Equal("entries before entry 40 are not those of a checkpoint of 40 entries", prefix.Why);
        Assert.Equal([One], prefix.LastPolicies);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public void The_policy_that_came_into_force_last_is_proven_also_behind_a_hole(int hole)
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (400, LedgerEvents.PolicyLoaded, Seven));
        Change(log, "tile/entries/000", hole);
        var prefix = Find(log, log.Checkpoint());
        Assert.Equal(hole, prefix.Head.Size);
        Assert.Equal([Seven], prefix.LastPolicies);
    }

    [Fact]
    public void A_checkpoint_kept_elsewhere_proves_it_where_the_last_one_is_of_other_tiles()
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (400, LedgerEvents.PolicyLoaded, Seven));
        Change(log, "tile/entries/000", 3);
        var other = TestLog.Checkpoint(700, TreeHash.OfLeaf("another log"u8));
        Assert.Empty(Find(log, other).LastPolicies);
        Assert.Equal([Seven], Find(log, log.Checkpoint(), other).LastPolicies);
    }

    [Fact]
    public void A_policy_in_an_entry_of_the_journal_is_proven_by_the_tiles()
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (400, LedgerEvents.PolicyLoaded, Seven));
        Change(log, "tile/entries/000", 3);
        ReadOnlyMemory<byte> stored = log.Entries("tile/entries/001")[400 - 256];
        log.Files.Remove("tile/entries/001");
        Assert.Equal([One], Find(log, log.Checkpoint()).LastPolicies);
        Assert.Equal([Seven], WholePrefix.Find([log.Checkpoint()], Source(log), sequence => sequence == 400 ? stored : default(ReadOnlyMemory<byte>?)).LastPolicies);
    }

    [Fact]
    public void Where_the_entry_that_told_of_it_is_lost_a_decision_under_it_still_tells()
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (300, LedgerEvents.PolicyLoaded, Seven), (500, LedgerEvents.Decision, Seven));
        Change(log, "tile/entries/001", 300 - 256);
        var prefix = Find(log, log.Checkpoint());
        Assert.Equal(300, prefix.Head.Size);
        Assert.Equal([One, Seven], prefix.LastPolicies);
    }

    [Fact]
    public void What_leads_to_no_checkpoint_tells_of_no_policy()
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (400, LedgerEvents.PolicyLoaded, Seven));
        Change(log, "tile/entries/000", 3);

        // As somebody writes it into the folder who does not have the key.
        var entries = log.Entries("tile/entries/001");
        entries[500 - 256] = (TestEntries.Small(500) with { Origin = TestLog.Origin, Epoch = 9, Sequence = 500, EventType = LedgerEvents.PolicyLoaded, Policy = Policy(9) }).Write().Found().ToArray();
        log.Replace("tile/entries/001", entries);
        var prefix = Find(log, log.Checkpoint());
        Assert.Equal([Seven], prefix.LastPolicies);
        Assert.Equal(1, prefix.Epoch);
    }

    [Fact]
    public void A_policy_under_which_the_log_was_recovered_is_one_that_was_in_force()
    {
        var log = Log(40, (1, LedgerEvents.PolicyLoaded, One), (20, LedgerEvents.Recovered, Seven));
        Assert.Equal([Seven], Find(log, log.Checkpoint()).LastPolicies);
    }

    [Theory]
    [InlineData(1L << 60)]
    [InlineData(long.MaxValue)]
    public void A_checkpoint_of_more_entries_than_anybody_could_walk_costs_no_more_than_what_is_there(long size)
    {
        var log = Log(600, (1, LedgerEvents.PolicyLoaded, One), (400, LedgerEvents.PolicyLoaded, Seven));
        Change(log, "tile/entries/000", 3);
        var asked = 0;
        var prefix = WholePrefix.Find(
            [log.Checkpoint(), TestLog.Checkpoint(size, TreeHash.OfLeaf("a log of somebody with the key"u8))],
            address => ++asked < 100_000 ? Source(log)(address) : throw new InvalidOperationException("asked for more and more"),
            _ => null);
        Assert.Equal(0, prefix.Head.Size);
        Assert.Equal([Seven], prefix.LastPolicies);
    }

    [Fact]
    public void Behind_tiles_that_are_missing_the_policy_is_proven_as_far_as_tiles_lead_to_the_checkpoint()
    {
        var log = Log(1_400, (1, LedgerEvents.PolicyLoaded, One), (1_300, LedgerEvents.PolicyLoaded, Seven));
        log.Files.Remove("tile/0/000");
        log.Files.Remove("tile/0/001");
        log.Files.Remove("tile/entries/000");
        Assert.Equal([Seven], Find(log, log.Checkpoint()).LastPolicies);
    }

    [Fact]
    public void A_refused_policy_and_a_document_that_looks_like_an_entry_tell_of_none()
    {
        var log = TestLog.Of(40, n => n switch
        {
            1 => TestEntries.Small(n) with { EventType = LedgerEvents.PolicyLoaded, Policy = One },
            20 => TestEntries.Small(n) with { EventType = LedgerEvents.PolicyRefused, Policy = Seven },
            30 => TestEntries.Small(n) with { EventType = LedgerEvents.Queried, Policy = Seven, Details = TestEntries.Document("""{"event_type":"policy.loaded"}""") },
            _ => TestEntries.Small(n),
        });
        Assert.Equal([One], Find(log, log.Checkpoint()).LastPolicies);
    }

    private static TestLog Log(int size, params (int At, string Type, EntryPolicy Policy)[] told) =>
        TestLog.Of(size, n => told.FirstOrDefault(one => one.At == n) is { Type: { } type, Policy: var policy } ? TestEntries.Small(n) with { EventType = type, Policy = policy } : TestEntries.Small(n));

    private static WholePrefix Find(TestLog log, params Checkpoint[] checkpoints) => WholePrefix.Find(checkpoints, Source(log), _ => null, cancellation: TestContext.Current.CancellationToken);

    // A bundle at the edge stands there in the width that it has.
    private static TileSource Source(TestLog log) => address =>
        address.IsEntries && log.Files.FirstOrDefault(file => file.Key.StartsWith(address.Path + ".p/", StringComparison.Ordinal)) is { Value: { } bytes } ? new Reading<ReadOnlyMemory<byte>>.Found(bytes) : log.Source(address);

    private static void Change(TestLog log, string bundle, int place)
    {
        var entries = log.Entries(bundle);
        entries[place][^2] ^= 1;
        log.Replace(bundle, entries);
    }

    private static TreeHash RootOf(TestLog log, int size)
    {
        var tree = new GrowingTree();
        foreach (var entry in log.Entries(log.Files.Keys.Single(path => path.StartsWith("tile/entries/000", StringComparison.Ordinal))).Take(size))
        {
            tree.Append(TreeHash.OfLeaf(entry));
        }

        return tree.Root;
    }

    private static EntryPolicy Policy(int version) => new("firm", version, Digest.Of([(byte)version]));
}
