using System.Buffers.Binary;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A journal into which somebody wrote what looks like the beginnings of many large batches: the search for sound ones ends, and what it did not look at is not taken for empty.</summary>
public sealed class JournalSearchTests : IDisposable
{
    private const int FileBytes = 1024 * 1024;
    private readonly TemporaryFolder temporary = new();

    [Fact]
    public void The_search_sums_no_more_than_it_was_allowed_and_one_batch()
    {
        const int Allowed = 128 * 1024;
        var left = (long)Allowed;
        Assert.Null(BatchFormat.NextSound(Beginnings(64 * 1024), 0, 0, ref left));
        Assert.InRange(left, -32 * 1024 - BatchFormat.HeaderBytes, -1);
    }

    [Fact]
    public void What_follows_the_magic_in_a_text_costs_nothing()
    {
        var bytes = new byte[64 * 1024];
        for (var at = 0; at < bytes.Length; at += 8)
        {
            "GGJ1 GGJ"u8.CopyTo(bytes.AsSpan(at));
        }

        var left = 1L;
        Assert.Null(BatchFormat.NextSound(bytes, 0, 0, ref left));
        Assert.Equal(1, left);
    }

    [Fact]
    public void A_journal_that_was_not_searched_to_its_end_is_damaged_and_no_ledger_starts_on_it()
    {
        File.WriteAllBytes(temporary.PathOf(EntryJournal.NameOf(0)), Beginnings(FileBytes));
        Assert.Contains("is not as it was written", JournalSurvey.Read(temporary.Path, TestContext.Current.CancellationToken, FileBytes).Fault, StringComparison.Ordinal);
        var refused = Assert.Throws<FormatException>(() => EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (_, _) => { }, FileBytes).Dispose());
        Assert.Contains("the batch at byte 0 is not as it was written", refused.Message, StringComparison.Ordinal);
        Assert.Equal(Beginnings(FileBytes), File.ReadAllBytes(temporary.PathOf(EntryJournal.NameOf(0))));
    }

    [Fact]
    public void More_files_than_a_ledger_leaves_are_not_read()
    {
        for (var i = 0; i <= JournalSurvey.MostFiles; i++)
        {
            temporary.Write(EntryJournal.NameOf(i), "");
        }

        var refused = Assert.Throws<GateException>(() => JournalSurvey.Read(temporary.Path, TestContext.Current.CancellationToken, FileBytes));
        Assert.Contains($"has {JournalSurvey.MostFiles + 1} files", refused.Message, StringComparison.Ordinal);
    }

    public void Dispose() => temporary.Dispose();

    // Each eight bytes begin a batch of half the file, as far as those fit.
    private static byte[] Beginnings(int size)
    {
        var bytes = new byte[size];
        for (var at = 0; at < size / 2; at += 8)
        {
            "GGJ1"u8.CopyTo(bytes.AsSpan(at));
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at + 4), (size / 2) - BatchFormat.HeaderBytes);
        }

        return bytes;
    }
}
