using System.Text;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>An entry that closes a log is its last.</summary>
public sealed class LedgerClosedTests
{
    private static readonly LedgerEntry Closing = TestEntries.Small(9) with { EventType = LedgerEvents.LogClosed };

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(255)]
    [InlineData(256)]
    public void Nothing_is_appended_to_a_log_that_was_closed_also_by_who_opens_it_again(int size)
    {
        var log = TestLog.Of(size);
        log.Append(Closing);
        log.Store();
        foreach (var writer in (LedgerWriter[])[log.Writer, LedgerWriter.Resume(TestLog.Origin, size + 1, log.Source).Found()])
        {
            Assert.True(writer.IsClosed);
            Assert.Contains($"follows entry {size}, which closed the log", writer.Append(TestEntries.Small(10)).Unread().Message, StringComparison.Ordinal);
            Assert.Equal(size + 1, writer.Size);
        }

        Assert.Null(LedgerVerifier.Verify(log.Checkpoint(), log.Source));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(255)]
    [InlineData(256)]
    public void What_was_written_behind_the_end_is_named_whatever_was_verified_before(int size)
    {
        var log = TestLog.Of(size);
        log.Append(Closing);
        log.Store();
        var closed = log.Checkpoint();

        // Another writer, who does not look at what closes a log.
        var later = (TestEntries.Small(10) with { Origin = TestLog.Origin, Epoch = 1, Sequence = size + 1, PreviousHash = log.Writer.Last }).Write().Found();
        var tree = GrowingTree.Restore(size + 1, size + 1, log.Source).Found();
        tree.Append(TreeHash.OfLeaf(later.Span));
        var last = TileAddress.OfEntries((size + 1) / TileAddress.FullWidth, size + 2)!.Value;
        var before = (size + 1) % TileAddress.FullWidth == 0 ? [] : log.Entries(TileAddress.OfEntries(last.Index, size + 1)!.Value.Path);
        log.Replace(last.Path, [.. before, later.ToArray()]);
        foreach (var tile in tree.TakeFull().Concat(tree.Partial()))
        {
            log.Files[tile.Address.Path] = tile.Bytes.ToArray();
        }

        foreach (var since in (Checkpoint?[])[null, closed])
        {
            var fault = LedgerVerifier.Verify(TestLog.Checkpoint(size + 2, tree.Root), log.Source, since);
            Assert.Equal((size + 1, last), (fault?.Entry, fault?.Tile));
            Assert.Contains($"follows entry {size}, which closed the log", fault!.Reason.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_document_that_only_speaks_of_the_end_of_a_log_ends_none()
    {
        var log = TestLog.Of(3);
        log.Append(TestEntries.Small(3) with { Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes("{\"event_type\":\"log.closed\"}")) });
        Assert.False(log.Writer.IsClosed);
        log.Append(TestEntries.Small(4));
    }
}
