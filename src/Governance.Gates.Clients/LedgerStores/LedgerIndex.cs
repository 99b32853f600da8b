using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Where in a log entries of a term may be: a cache that whoever searches keeps, apart from the log.</summary>
/// <remarks>
/// Never a source of truth: it names candidates, and whoever asks reads each from the log. It is bound to the log by origin, size and root, so that it is of the very entries that the checkpoint is of; whoever can write its
/// folder can hide entries from a search, and from nothing else. Its files are sorted runs of disjoint stretches of the log, merged so that each is more than twice as large as the next: a log-structured merge tree.
/// Not safe for concurrent use; processes may share a folder.
/// </remarks>
public sealed class LedgerIndex : IDisposable
{
    private const string LockName = "lock";
    private const string Suffix = ".run";
    private const int UsualPostings = 2_000_000;
    private const int MostInTime = 65_536;
    private const int Attempts = 5;

    private readonly string folder;
    private readonly string origin;
    private readonly int mostPostings;
    private ImmutableArray<IndexRun> runs = [];

    private LedgerIndex(string folder, string origin, int mostPostings) => (this.folder, this.origin, this.mostPostings) = (folder, origin, mostPostings);

    /// <summary>How many entries it covers, from the first on, once <see cref="CatchUp"/> held it against a checkpoint.</summary>
    public long Covered => Position.Size;

    private LedgerPosition Position => runs is [.., var last] ? last.After : LedgerPosition.AtBeginning(origin);

    /// <summary>Opens what there is of an index. Call it before the checkpoint is read that is searched under: then no other process can have gone beyond it.</summary>
    /// <param name="root">The folder of all indexes. Each log has its own in it, and each copy of a log too.</param>
    /// <param name="key">The log's key.</param>
    /// <param name="log">The log's folder.</param>
    public static LedgerIndex Open(string root, NoteKey key, string log)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Open(root, key, log, UsualPostings);
    }

    internal static LedgerIndex Open(string root, NoteKey key, string log, int mostPostings)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key}\n{Path.GetFullPath(log)}")));
        var index = new LedgerIndex(Path.Combine(Path.GetFullPath(root), name), key.Name, mostPostings);
        index.runs = index.Load();
        return index;
    }

    /// <summary>Takes the entries in that it does not cover yet; what is not of this log any more is dropped and made again.</summary>
    /// <param name="checkpoint">The log's checkpoint.</param>
    /// <param name="source">Its tiles and bundles.</param>
    /// <param name="behind">By how many entries it may be behind: a search reads those in the log.</param>
    /// <param name="progress">Is told how many entries are covered.</param>
    /// <param name="cancellation">Ends it; what was done stays.</param>
    /// <returns>Why it covers less than the checkpoint; null where nothing stands against it.</returns>
    public Reason? CatchUp(Checkpoint checkpoint, TileSource source, int behind = 0, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        for (var isAgain = false; ; isAgain = true)
        {
            try
            {
                return CatchUpOnce(checkpoint, source, behind, progress, cancellation);
            }
            catch (InvalidDataException) when (!isAgain)
            {
                // What was to be merged is damaged.
                Discard();
            }
            catch (Exception exception) when (StateDisk.IsOfDisk(exception) || exception is InvalidDataException)
            {
                return new("ledger", $"the index of the log cannot be kept: {exception.Message}", "name a folder for it that can be written, or go without");
            }
        }
    }

    /// <summary>The entries that may be wanted, in order, of those that it covers.</summary>
    /// <param name="wanted">Of each of these lists an entry has at least one term.</param>
    /// <param name="since">It happened not before the hour of this.</param>
    /// <param name="until">Nor after the hour of this.</param>
    /// <exception cref="InvalidDataException">A file is not as it was written: see <see cref="Discard"/>.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public IEnumerable<long> Find(ImmutableArray<ImmutableArray<ulong>> wanted, DateTimeOffset? since = null, DateTimeOffset? until = null)
    {
        foreach (var run in runs)
        {
            List<Func<long, long?>[]> lists = [.. wanted.Select(list => list.Select(term => Next(run, term)).ToArray())];

            // So many are read in the log about as soon.
            if ((since ?? until) is not null && new IndexCursor(run).Between(IndexTerms.Hour(since ?? DateTimeOffset.MinValue), IndexTerms.Hour(until ?? DateTimeOffset.MaxValue), MostInTime) is { } inTime)
            {
                lists.Add([Next(inTime), Next(run, IndexTerms.Unreadable)]);
            }

            for (var at = Common(lists, run.Before.Size); at < run.After.Size; at = Common(lists, at + 1))
            {
                yield return at;
            }
        }
    }

    /// <summary>Deletes it: the next <see cref="CatchUp"/> makes it again.</summary>
    public void Discard()
    {
        Drop();
        try
        {
            Sweep();
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            // Whoever comes next meets the same and goes without it too.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Drop();

    private static Func<long, long?> Next(IndexRun run, ulong term)
    {
        var cursor = new IndexCursor(run);
        return from => cursor.Next(term, from);
    }

    private static Func<long, long?> Next(long[] sorted) => from =>
    {
        var at = Array.BinarySearch(sorted, from);
        at = at < 0 ? ~at : at;
        return at < sorted.Length ? sorted[at] : null;
    };

    // The first entry from here on that stands in every list, each the union of some; beyond all where there is none.
    private static long Common(List<Func<long, long?>[]> lists, long from)
    {
        for (var (at, agreed) = (from, 0); ; agreed++)
        {
            if (agreed == lists.Count)
            {
                return at;
            }

            var next = lists[agreed].Min(one => one(at) ?? long.MaxValue);
            if (next == long.MaxValue)
            {
                return next;
            }

            (at, agreed) = next > at ? (next, -1) : (at, agreed);
        }
    }

    private Reason? CatchUpOnce(Checkpoint checkpoint, TileSource source, int behind, IProgress<long>? progress, CancellationToken cancellation)
    {
        var seen = Position;
        if (!IsBefore(seen, checkpoint, source))
        {
            Drop();
        }

        if (checkpoint.Size - Covered <= behind)
        {
            return null;
        }

        Directory.CreateDirectory(folder);
        using var held = new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        var there = Load();
        var position = there is [.., var last] ? last.After : LedgerPosition.AtBeginning(origin);
        if (IsBefore(position, checkpoint, source))
        {
            Drop();
            runs = there;
        }
        else
        {
            Close(there);
            if (position != seen)
            {
                // Another process knows a later checkpoint by now: what it made is right, and not for this one.
                return null;
            }
        }

        return Extend(checkpoint, source, progress, cancellation);
    }

    private static bool IsBefore(LedgerPosition position, Checkpoint checkpoint, TileSource source) => LedgerAdvance.Between(position, checkpoint, source) is Reading<LedgerAdvance>.Found;

    private Reason? Extend(Checkpoint checkpoint, TileSource source, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (!LedgerAdvance.Between(Position, checkpoint, source).Try(out var advance, out var why))
        {
            return why;
        }

        Sweep();
        var postings = new List<Posting>();
        var reached = Position;
        foreach (var reading in advance.Batches())
        {
            if (cancellation.IsCancellationRequested || !reading.Try(out var batch, out why))
            {
                break;
            }

            // Reading entries is what takes the time, and they wait for nothing of each other.
            foreach (var (sequence, terms) in batch.Entries.Select((entry, place) => (batch.First + place, entry)).AsParallel().Select(one => (one.Item1, IndexTerms.Of(one.entry))))
            {
                postings.AddRange(terms.Select(term => new Posting(term, sequence)));
            }

            reached = batch.After;
            progress?.Report(reached.Size);
            if (postings.Count >= mostPostings)
            {
                Add(reached, postings);
                postings.Clear();
            }
        }

        if (postings.Count > 0)
        {
            Add(reached, postings);
        }

        cancellation.ThrowIfCancellationRequested();
        return why;
    }

    private void Add(LedgerPosition reached, List<Posting> postings)
    {
        postings.Sort();
        Put(Position, reached, postings);
        while (runs is [.., var left, var right] && right.Blocks * 2 >= left.Blocks)
        {
            Put(left.Before, right.After, Merge(left.All(), right.All()));
        }
    }

    // Writes a run in the place of those whose stretch it is of, or behind the last.
    private void Put(LedgerPosition before, LedgerPosition after, IEnumerable<Posting> postings)
    {
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{before.Size}-{after.Size}{Suffix}"));
        IndexRun.Write(path, before, after, postings);
        var written = IndexRun.Open(path, origin) ?? throw new InvalidDataException($"{path} is damaged");
        ImmutableArray<IndexRun> replaced = [.. runs.Where(run => run.Before.Size >= before.Size)];
        runs = [.. runs.Where(run => run.Before.Size < before.Size), written];
        Close(replaced);
        foreach (var run in replaced)
        {
            File.Delete(run.Path);
        }
    }

    private static IEnumerable<Posting> Merge(IEnumerable<Posting> left, IEnumerable<Posting> right)
    {
        using var rest = right.GetEnumerator();
        var isLeft = rest.MoveNext();
        foreach (var posting in left)
        {
            for (; isLeft && rest.Current.CompareTo(posting) < 0; isLeft = rest.MoveNext())
            {
                yield return rest.Current;
            }

            yield return posting;
        }

        for (; isLeft; isLeft = rest.MoveNext())
        {
            yield return rest.Current;
        }
    }

    // Deletes what a crash left behind, and what is of no use any more.
    private void Sweep()
    {
        if (Directory.Exists(folder))
        {
            var used = runs.Select(run => run.Path).ToHashSet(StringComparer.Ordinal);
            foreach (var file in Directory.GetFiles(folder, "*" + Suffix + "*").Where(file => !used.Contains(file)))
            {
                File.Delete(file);
            }
        }
    }

    // The runs that follow each other from the first entry on, the longest first where they overlap: whoever merges writes the whole before it deletes the parts.
    private ImmutableArray<IndexRun> Load()
    {
        for (var attempt = 1; ; attempt++)
        {
            List<IndexRun> opened = [];
            try
            {
                foreach (var file in Directory.Exists(folder) ? Directory.GetFiles(folder, "*" + Suffix) : [])
                {
                    if (IndexRun.Open(file, origin) is { } run)
                    {
                        opened.Add(run);
                    }
                }

                var chain = ImmutableArray.CreateBuilder<IndexRun>();
                var at = LedgerPosition.AtBeginning(origin);
                while (opened.Where(run => run.Before == at).MaxBy(run => run.After.Size) is { } next)
                {
                    chain.Add(next);
                    at = next.After;
                }

                Close(opened.Except(chain));
                return chain.ToImmutable();
            }
            catch (Exception exception) when (StateDisk.IsOfDisk(exception))
            {
                Close(opened);
                if (attempt == Attempts || exception is not FileNotFoundException)
                {
                    // None that can be read is none.
                    return [];
                }
            }
        }
    }

    private void Drop()
    {
        Close(runs);
        runs = [];
    }

    private static void Close(IEnumerable<IndexRun> unused)
    {
        foreach (var run in unused)
        {
            run.Dispose();
        }
    }
}
