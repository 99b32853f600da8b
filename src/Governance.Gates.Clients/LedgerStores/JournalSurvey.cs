using Governance.Gates.Clients.GateState;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>What a journal that may be damaged still holds: every sound batch, wherever it stands. Changes nothing.</summary>
internal sealed class JournalSurvey
{
    /// <summary>The most files: vital entries may wait in twice as many as others, and no file need be full.</summary>
    internal const int MostFiles = 4 * LocalLedger.MostUnpublishedFiles;

    // Also a file that grew is read. All of it is in memory.
    private const long MostBytes = 2L * EntryJournal.FileBytes;

    private readonly Dictionary<long, ReadOnlyMemory<byte>> entries = [];

    /// <summary>One after the last entry that it tells of.</summary>
    public long End { get; private set; }

    /// <summary>Why a ledger does not start on it; null where it would.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads what is there; no folder is an empty journal.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="fileBytes">The size of its files.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="GateException">It has more files than a ledger leaves.</exception>
    public static JournalSurvey Read(string folder, CancellationToken cancellation, int fileBytes = EntryJournal.FileBytes)
    {
        var survey = new JournalSurvey();
        long[] firsts = Directory.Exists(folder) ? [.. EntryJournal.Firsts(folder)] : [];
        if (firsts.Length > MostFiles)
        {
            throw new GateException($"the journal {folder} has {firsts.Length} files, and a ledger leaves no more than {MostFiles}", "move those away that no gate wrote, and look again");
        }

        for (var i = 0; i < firsts.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            survey.ReadFile(Path.Combine(folder, EntryJournal.NameOf(firsts[i])), firsts[i], i == firsts.Length - 1 ? null : firsts[i + 1], fileBytes);
        }

        return survey;
    }

    /// <summary>The last entry that it holds; null where it holds none.</summary>
    public ReadOnlyMemory<byte>? Last => entries.Count == 0 ? default(ReadOnlyMemory<byte>?) : entries[entries.Keys.Max()];

    /// <summary>An entry as it is stored; null where it is not here.</summary>
    public ReadOnlyMemory<byte>? Find(long sequence) => entries.TryGetValue(sequence, out var stored) ? stored : default(ReadOnlyMemory<byte>?);

    private void ReadFile(string path, long named, long? next, int fileBytes)
    {
        var name = Path.GetFileName(path);
        var length = new FileInfo(path).Length;
        if (length != fileBytes)
        {
            Fail($"file {name} of the journal has {length} bytes, and was made with {fileBytes}");
        }

        var bytes = StateDisk.Read(path, MostBytes) ?? [];

        // All before the entry after which a file is named was there.
        End = Math.Max(End, named);
        var (left, expected) = (BatchFormat.MostSummed, named);
        for (var at = 0; at < bytes.Length;)
        {
            // Nothing sound after it in the last file: a write that was not finished, which a start cuts.
            var sound = BatchFormat.NextSound(bytes, at, named, ref left);
            if (left < 0 || (sound is null ? next is { } following && expected != following : sound.Value.At != at))
            {
                Fail($"the batch at byte {at} of file {name} of the journal is not as it was written");
            }

            if (sound is not { } batch)
            {
                return;
            }

            expected = Take(bytes.AsMemory(batch.At, batch.Length), name, expected, next);
            at = batch.At + batch.Length;
        }
    }

    // One after the last entry of the batch.
    private long Take(ReadOnlyMemory<byte> batch, string name, long expected, long? next)
    {
        try
        {
            var (first, after) = BatchFormat.Take(batch, (sequence, stored) => entries.TryAdd(sequence, stored));
            End = Math.Max(End, after);
            if (first != expected || after > (next ?? long.MaxValue))
            {
                Fail($"entries {first} to {after - 1} stand in file {name} of the journal, and not where its name and the next say");
            }

            return after;
        }
        catch (FormatException exception)
        {
            Fail(exception.Message);
            return expected;
        }
    }

    private void Fail(string fault) => Fault ??= fault;
}
