using System.Buffers.Binary;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>Journal files that are used again as they are: what stood in them before counts for nothing, and hides nothing.</summary>
public sealed class JournalReuseTests : IDisposable
{
    private const int FileBytes = 8 * 1024;
    private const int PerBatch = 3;
    private const int BatchBytes = BatchFormat.HeaderBytes + (PerBatch * (sizeof(ushort) + 300));
    private readonly TemporaryFolder temporary = new();

    public void Dispose() => temporary.Dispose();

    [Fact]
    public void A_file_whose_entries_are_published_is_written_again_instead_of_a_new_one()
    {
        var disk = new FaultyDisk();
        using var journal = EntryJournal.Open(temporary.Path, disk, 0, (_, _) => { }, FileBytes);
        var next = WriteFiles(journal, 0, 3);
        journal.Forget(next);

        // The next file is made ahead; the two after it can only be old ones.
        disk.IsFull = true;
        WriteFiles(journal, next, 3);
    }

    [Fact]
    public void Entries_that_stood_in_a_file_before_are_none_of_the_log()
    {
        var (first, end) = CrashedInUsedFile();
        var (taken, cut) = Reopen();
        Assert.Equal((first, end), (taken[0], taken[^1] + 1));
        Assert.Null(cut);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(BatchFormat.HeaderBytes)]
    [InlineData(BatchBytes - 1)]
    public void A_write_over_them_that_was_not_finished_is_cut_and_told(int written)
    {
        var (_, end) = CrashedInUsedFile();
        var (file, at) = (Last(), Used(Last()));
        var bytes = File.ReadAllBytes(file);
        Batch(end)[..written].CopyTo(bytes, at);
        if (written >= BatchFormat.HeaderBytes)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(at + 4), BatchBytes - BatchFormat.HeaderBytes);
        }

        File.WriteAllBytes(file, bytes);
        var (taken, cut) = Reopen();
        Assert.Equal(end, taken[^1] + 1);
        Assert.Contains($"from byte {at} on", cut, StringComparison.Ordinal);
        var (again, told) = Reopen();
        Assert.Equal(taken, again);
        Assert.Equal(cut, told);
    }

    [Fact]
    public void A_batch_that_was_changed_is_no_unfinished_write_though_older_ones_stand_there_too()
    {
        CrashedInUsedFile();
        var bytes = File.ReadAllBytes(Last());
        bytes[BatchFormat.HeaderBytes + 5] ^= 1;
        File.WriteAllBytes(Last(), bytes);
        Assert.Contains("the batch at byte 0 is not as it was written", Assert.Throws<FormatException>(() => Reopen()).Message, StringComparison.Ordinal);
        Assert.Contains("the batch at byte 0", JournalSurvey.Read(temporary.Path, TestContext.Current.CancellationToken, FileBytes).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_looks_for_what_is_whole_finds_no_more_in_them_than_a_start_does()
    {
        var (first, end) = CrashedInUsedFile();
        var survey = JournalSurvey.Read(temporary.Path, TestContext.Current.CancellationToken, FileBytes);
        Assert.Equal((null, end), (survey.Fault, survey.End));
        Assert.Null(survey.Find(first - 1));
        Assert.NotNull(survey.Find(end - 1));
    }

    [Fact]
    public void A_file_that_lost_its_last_batch_is_missed_though_an_older_one_stands_in_its_place()
    {
        using (var journal = EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (_, _) => { }, FileBytes))
        {
            var next = WriteFiles(journal, 0, 3);
            journal.Forget(next);
            WriteFiles(journal, next, 3);
        }

        var file = Files().First(name => BinaryPrimitives.ReadInt64BigEndian(File.ReadAllBytes(name).AsSpan(8)) > 0);
        var bytes = File.ReadAllBytes(file);
        Batch(0)[..BatchFormat.HeaderBytes].CopyTo(bytes, Used(file) - BatchBytes);
        File.WriteAllBytes(file, bytes);
        Assert.Contains("not", Assert.Throws<FormatException>(() => Reopen()).Message, StringComparison.Ordinal);
        Assert.NotNull(JournalSurvey.Read(temporary.Path, TestContext.Current.CancellationToken, FileBytes).Fault);
    }

    [Fact]
    public void A_file_that_can_be_neither_moved_nor_deleted_leaves_no_gap_behind_it()
    {
        using (var journal = EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (_, _) => { }, FileBytes))
        {
            var next = WriteFiles(journal, 0, 4);

            // A folder in its place: neither a name to move to nor a file to delete.
            var first = Files()[0];
            var kept = File.ReadAllBytes(first);
            File.Delete(first);
            Directory.CreateDirectory(Path.Combine(first, "full"));
            Directory.CreateDirectory(Path.Combine(temporary.Path, $"spare-{Path.GetFileName(first)}", "full"));
            journal.Forget(next);
            Directory.Delete(first, recursive: true);
            Directory.Delete(Path.Combine(temporary.Path, $"spare-{Path.GetFileName(first)}"), recursive: true);
            File.WriteAllBytes(first, kept);
        }

        Assert.NotEmpty(Reopen().Taken);
    }

    [Fact]
    public void A_burst_leaves_no_more_files_than_the_time_after_it_needs()
    {
        using var journal = EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (_, _) => { }, FileBytes);
        var next = WriteFiles(journal, 0, 10);
        journal.Forget(next);
        Assert.InRange(Files().Length, 8, 12);
        next = WriteFiles(journal, next, 1);
        journal.Forget(next);
        journal.Forget(next);
        Assert.InRange(Files().Length, 1, 3);
    }

    // The entries of the last file, which was used before, as a process left it that was killed.
    private (long First, long End) CrashedInUsedFile()
    {
        using var journal = EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (_, _) => { }, FileBytes);
        var first = WriteFiles(journal, 0, 4);
        journal.Forget(first);
        var end = first;
        for (var i = 0; i < 4; i++)
        {
            end = Write(journal, end);
        }

        // The first entry that is left is that after which the oldest file is named.
        return (long.Parse(Path.GetFileName(Files()[0])), end);
    }

    private static long WriteFiles(EntryJournal journal, long next, int files)
    {
        for (var i = 0; i < files * (FileBytes / BatchBytes); i++)
        {
            next = Write(journal, next);
        }

        return next;
    }

    private static long Write(EntryJournal journal, long next)
    {
        Assert.Null(journal.Reserve(BatchBytes, next, Precedence.Vital));
        journal.Write(Batch(next), journal.Claim(BatchBytes), next, PerBatch);
        return next + PerBatch;
    }

    // Without the fields that the journal writes, but for the sequence.
    private static byte[] Batch(long first)
    {
        var batch = new byte[BatchBytes];
        "GGJ1"u8.CopyTo(batch);
        BinaryPrimitives.WriteInt64BigEndian(batch.AsSpan(8), first);
        for (var i = 0; i < PerBatch; i++)
        {
            var at = BatchFormat.HeaderBytes + (i * (sizeof(ushort) + 300));
            BinaryPrimitives.WriteUInt16BigEndian(batch.AsSpan(at), 300);
            batch.AsSpan(at + sizeof(ushort), 300).Fill((byte)('a' + ((first + i) % 26)));
        }

        return batch;
    }

    private (List<long> Taken, string? Cut) Reopen()
    {
        var taken = new List<long>();
        using var journal = EntryJournal.Open(temporary.Path, new JournalDisk(), 0, (sequence, _) => taken.Add(sequence), FileBytes);
        return (taken, journal.Cut);
    }

    private string[] Files() => [.. Directory.EnumerateFiles(temporary.Path).Where(file => Path.GetFileName(file) is not "spare" and not "cut").Order(StringComparer.Ordinal)];

    private string Last() => Files().Last(file => Path.GetFileName(file).Length == 20);

    // Where the batches end that count: behind the last one whose entries come after the file's name.
    private static int Used(string file)
    {
        var (bytes, at) = (File.ReadAllBytes(file), 0);
        while (at + BatchFormat.HeaderBytes <= bytes.Length && BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(at + 8)) >= long.Parse(Path.GetFileName(file)) && bytes[at] != 0)
        {
            at += BatchFormat.HeaderBytes + BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 4));
        }

        return at;
    }
}
