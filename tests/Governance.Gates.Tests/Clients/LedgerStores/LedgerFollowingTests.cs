using System.Globalization;
using System.Text;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>What follows a log: nothing is missed, nothing is given twice to whoever commits its position with its work, and a log that is not of its past is refused.</summary>
public sealed class LedgerFollowingTests : LedgerInFolder
{
    private string Published => Temporary.PathOf("published");

    [Fact]
    public async Task Whenever_it_is_killed_every_entry_is_taken_once_and_in_order()
    {
        var file = Temporary.PathOf("taken");
        var random = new Random(3);
        await using (var ledger = await OpenAsync())
        {
            for (var round = 0; round < 20; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, random.Next(1, 60)).Select(i => AppendAsync(ledger, $"e-{round}-{i}")));

                // Whatever is published by now, by a process that ends before its work, between two batches, or before it commits.
                _ = await Following(new Taking(file, Signer.Key.Name) { LeftToLive = random.Next(4) }).StepAsync(TestContext.Current.CancellationToken);
            }
        }

        var last = new Taking(file, Signer.Key.Name);
        Assert.Null(await Following(last).StepAsync(TestContext.Current.CancellationToken));
        var sequences = last.Sequences;
        Assert.Equal(Enumerable.Range(0, sequences.Count).Select(n => (long)n), sequences);
        Assert.Equal(Checkpoint().Size, sequences.Count);
    }

    [Fact]
    public async Task A_checkpoint_folder_that_ended_between_its_work_and_its_position_goes_on()
    {
        await FilledAsync(10);
        Assert.Null(await StepAsync());
        await FilledOnAsync(15);

        // The new one stands under its size, and the last cannot be replaced.
        Directory.CreateDirectory(Path.Combine(Published, "checkpoint.new"));
        Assert.Contains("cannot be used", (await StepAsync())!.Message, StringComparison.Ordinal);
        Assert.Equal(["checkpoint", "checkpoint.10", "checkpoint.15"], Files());
        Assert.Equal(10, Last().Size);
        Directory.Delete(Path.Combine(Published, "checkpoint.new"));
        Assert.Null(await StepAsync());
        Assert.Equal(15, Last().Size);
        Assert.Null(await StepAsync());
        Assert.Equal(["checkpoint", "checkpoint.10", "checkpoint.15"], Files());
        foreach (var size in (int[])[10, 15])
        {
            Assert.True(Gates.Ledgers.Checkpoint.Open(File.ReadAllBytes(Path.Combine(Published, $"checkpoint.{size}")), Signer.Key).Try(out var kept, out _));
            Assert.Equal(size, kept.Size);
            Assert.Null(LedgerVerifier.Verify(Checkpoint(), new LedgerFolder(Folder).Read, kept));
        }
    }

    [Fact]
    public async Task A_position_of_another_log_is_refused_and_nothing_is_written_over()
    {
        await FilledAsync(3);
        var other = LogKeys.Ed25519("firm/other", 8);
        await using (var ledger = await OpenAsync(Temporary.PathOf("other"), key: other))
        {
            await AppendAsync(ledger, "e");
        }

        Assert.Null(await new LedgerFollowing(new(Temporary.PathOf("other")), other.Key, new CheckpointFolder(Published, other.Key)).StepAsync(TestContext.Current.CancellationToken));
        Assert.Contains("is none of this log", (await StepAsync())!.Message, StringComparison.Ordinal);
        Assert.Equal(["checkpoint", "checkpoint.1"], Files());

        var file = Temporary.PathOf("taken");
        Assert.Null(await Following(new Taking(file, Signer.Key.Name)).StepAsync(TestContext.Current.CancellationToken));
        var why = await new LedgerFollowing(new(Temporary.PathOf("other")), other.Key, new Taking(file, "firm/other")).StepAsync(TestContext.Current.CancellationToken);
        Assert.Contains("the position is of the log firm/production/c1/gate-0", why!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_lost_entries_or_has_others_is_refused_until_it_is_what_it_was()
    {
        await FilledAsync(10);
        var (older, whole) = (Temporary.PathOf("older"), Temporary.PathOf("whole"));
        Cli.LedgerBench.Copy(Folder, older);
        await FilledOnAsync(20);
        Assert.Null(await StepAsync());
        var following = Following(new CheckpointFolder(Published, Signer.Key));
        Directory.Move(Folder, whole);

        Cli.LedgerBench.Copy(older, Folder);
        Assert.Contains("entry 10 is missing", (await following.StepAsync(TestContext.Current.CancellationToken))!.Message, StringComparison.Ordinal);
        await using (var ledger = await OpenAsync())
        {
            for (var i = 0; i < 15; i++)
            {
                await AppendAsync(ledger, $"other-{i}");
            }
        }

        Assert.Contains("does not begin with the 20 entries", (await following.StepAsync(TestContext.Current.CancellationToken))!.Message, StringComparison.Ordinal);
        Assert.Equal(20, Last().Size);

        Directory.Delete(Folder, recursive: true);
        Directory.Move(whole, Folder);
        Assert.Null(await following.StepAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_checkpoint_that_was_published_is_never_replaced_by_another_of_its_size()
    {
        await FilledAsync(10);
        var older = Temporary.PathOf("older");
        Cli.LedgerBench.Copy(Folder, older);
        Assert.Null(await StepAsync());
        await FilledOnAsync(12);
        Directory.CreateDirectory(Path.Combine(Published, "checkpoint.new"));
        Assert.NotNull(await StepAsync());
        Directory.Delete(Path.Combine(Published, "checkpoint.new"));

        // Of the same size and past, and not what was published.
        Directory.Delete(Folder, recursive: true);
        Cli.LedgerBench.Copy(older, Folder);
        await using (var ledger = await OpenAsync())
        {
            await AppendAsync(ledger, "other-1");
            await AppendAsync(ledger, "other-2");
        }

        Assert.Contains("says something else", (await StepAsync())!.Message, StringComparison.Ordinal);
        Assert.Equal(10, Last().Size);
    }

    [Fact]
    public async Task Entries_that_were_changed_are_not_given()
    {
        await FilledAsync(600);
        var bundle = Path.Combine(Folder, "tile/entries/001");
        var bytes = await File.ReadAllBytesAsync(bundle, TestContext.Current.CancellationToken);
        bytes[300] ^= 1;
        await File.WriteAllBytesAsync(bundle, bytes, TestContext.Current.CancellationToken);
        var taking = new Taking(Temporary.PathOf("taken"), Signer.Key.Name);
        Assert.NotNull(await Following(taking).StepAsync(TestContext.Current.CancellationToken));
        Assert.Equal(256, taking.Sequences.Count);
    }

    [Fact]
    public async Task What_a_follower_throws_is_told()
    {
        await FilledAsync(3);
        var why = await Following(new Taking(Temporary.PathOf("taken"), Signer.Key.Name) { LeftToLive = 0 }).StepAsync(TestContext.Current.CancellationToken);
        Assert.Contains("InvalidOperationException: killed", why!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_follower_that_hangs_is_told_after_ten_seconds_and_given_nothing_else_until_it_answers()
    {
        await FilledAsync(3);
        var (follower, clock) = (new Hanging(Signer.Key.Name), new TimeoutClock());
        var following = Following(follower);
        var step = following.StepWithinAsync(clock, TestContext.Current.CancellationToken);
        await follower.Asked;
        clock.Elapse(TimeSpan.FromSeconds(10));
        Assert.Contains("does not answer within 10 s", (await step)!.Message, StringComparison.Ordinal);

        var next = following.StepWithinAsync(clock, TestContext.Current.CancellationToken);
        clock.Elapse(TimeSpan.FromSeconds(10));
        Assert.NotNull(await next);
        var last = following.StepWithinAsync(clock, TestContext.Current.CancellationToken);
        follower.Answer();
        Assert.Null(await last);
        Assert.Equal(1, follower.Given);
    }

    [Fact]
    public async Task A_step_that_ends_with_somebody_elses_cancellation_is_made_again()
    {
        await FilledAsync(3);
        var (follower, clock) = (new Hanging(Signer.Key.Name), new TimeoutClock());
        var following = Following(follower);
        using var stopping = new CancellationTokenSource();
        var first = following.StepWithinAsync(clock, stopping.Token);
        await follower.Asked;
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        // As at the stop of a gate: what was published last is still given.
        var last = following.StepWithinAsync(clock, TestContext.Current.CancellationToken);
        follower.Answer();
        Assert.Null(await last);
        Assert.Equal(2, follower.Given);
    }

    private async Task FilledOnAsync(int size)
    {
        await using var ledger = await OpenAsync();
        for (var i = (int)ledger.State.Size; i < size; i++)
        {
            await AppendAsync(ledger, $"e-{i}");
        }
    }

    private LedgerFollowing Following(ILedgerFollower follower) => new(new(Folder), Signer.Key, follower);

    // As a process that was started just now.
    private Task<Reason?> StepAsync() => Following(new CheckpointFolder(Published, Signer.Key)).StepAsync(TestContext.Current.CancellationToken);

    private string[] Files() => [.. Directory.EnumerateFiles(Published).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    private Checkpoint Last() => Gates.Ledgers.Checkpoint.Open(File.ReadAllBytes(Path.Combine(Published, "checkpoint")), Signer.Key).Found();

    private Checkpoint Checkpoint() => new LedgerFolder(Folder).ReadCheckpoint(Signer.Key).Found();

    /// <summary>Does not answer, nor end when it is cancelled, until it is let.</summary>
    private sealed class Hanging(string origin) : ILedgerFollower
    {
        private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int given;

        public Task Asked => asked.Task;

        public int Given => Volatile.Read(ref given);

        public void Answer() => answer.SetResult();

        public Reading<LedgerPosition> ReadPosition() => new Reading<LedgerPosition>.Found(LedgerPosition.AtBeginning(origin));

        public async ValueTask<Reason?> TakeAsync(LedgerAdvance advance, CancellationToken cancellation)
        {
            Interlocked.Increment(ref given);
            asked.TrySetResult();
            await answer.Task;
            cancellation.ThrowIfCancellationRequested();
            return null;
        }
    }

    /// <summary>A clock whose timers ring when the test says how much time has passed since they were set.</summary>
    private sealed class TimeoutClock : TimeProvider
    {
        private readonly List<(TimeSpan Due, TimerCallback Ring, object? State)> timers = [];

        public void Elapse(TimeSpan time)
        {
            foreach (var (_, ring, state) in timers.Where(timer => timer.Due <= time).ToList())
            {
                ring(state);
            }

            timers.RemoveAll(timer => timer.Due <= time);
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            timers.Add((dueTime, callback, state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Keeps the sequences that it was given and its position in one file, which is replaced whole.</summary>
    private sealed class Taking(string file, string origin) : ILedgerFollower
    {
        /// <summary>How many steps it goes before its process ends.</summary>
        public int LeftToLive { get; set; } = int.MaxValue;

        public List<long> Sequences => File.Exists(file) ? [.. File.ReadAllLines(file).Skip(3).Select(line => long.Parse(line, CultureInfo.InvariantCulture))] : [];

        public Reading<LedgerPosition> ReadPosition() => new Reading<LedgerPosition>.Found(
            File.Exists(file) && File.ReadAllLines(file) is [var log, var size, var root, ..]
                ? new(log, long.Parse(size, CultureInfo.InvariantCulture), TreeHash.TryParseBase64(root)!.Value)
                : LedgerPosition.AtBeginning(origin));

        public ValueTask<Reason?> TakeAsync(LedgerAdvance advance, CancellationToken cancellation)
        {
            Reason? why = null;
            Live();
            foreach (var reading in advance.Batches())
            {
                if (!reading.Try(out var batch, out why))
                {
                    break;
                }

                var lines = Sequences.Concat(batch.Entries.Select(stored => LedgerEntry.Read(stored).Found().Sequence));
                var text = string.Create(CultureInfo.InvariantCulture, $"{batch.After.Origin}\n{batch.After.Size}\n{batch.After.Root.ToBase64()}\n{string.Join('\n', lines)}\n");
                File.WriteAllText(file + ".draft", text, Encoding.ASCII);
                Live();
                File.Move(file + ".draft", file, overwrite: true);
                Live();
            }

            return ValueTask.FromResult(why);
        }

        private void Live()
        {
            if (LeftToLive-- <= 0)
            {
                throw new InvalidOperationException("killed");
            }
        }
    }
}
