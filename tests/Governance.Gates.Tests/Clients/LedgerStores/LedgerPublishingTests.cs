using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>Tiles and checkpoints when the key or the folder fails: entries stay durable, no bad checkpoint replaces a good one, and memory stays bounded.</summary>
public sealed class LedgerPublishingTests : LedgerInFolder
{
    private static readonly NoteSigner Good = LogKeys.Ed25519("firm/production/c1/gate-0", 7);
    private readonly ForwardClock clock = new();
    private Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<byte[]>> sign = SignWell;

    public LedgerPublishingTests() => Signer = new(Good.Key, new DelegateSigner(Good.Key.PublicKey, (data, cancellation) => sign(data, cancellation)));

    [Fact]
    public async Task A_key_that_cannot_be_reached_is_a_warning_and_everything_is_published_once_it_can()
    {
        await using (var ledger = await OpenAsync(clock: clock))
        {
            await AppendAsync(ledger, "first");
            await UntilAsync(() => ledger.State.Published == 1);
            sign = (_, _) => throw new InvalidOperationException("the token was pulled out");
            for (var i = 0; i < 5; i++)
            {
                clock.Advance(TimeSpan.FromSeconds(2));
                await AppendAsync(ledger, $"e-{i}");
                await UntilAsync(() => ledger.State.Warning is not null);
            }

            Assert.Contains("the token was pulled out", ledger.State.Warning!.Message, StringComparison.Ordinal);
            Assert.Equal((6, 1, null), (ledger.State.Size, ledger.State.Published, ledger.State.Fault));
            sign = SignWell;
        }

        AssertVerified(6);

        // Edges of sizes that were never published are not kept, and not written.
        Assert.Equal(["1", "6"], Directory.EnumerateFiles(Path.Combine(Folder, "tile/entries/000.p")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_checkpoint_of_another_key_does_not_replace_the_last_good_one()
    {
        await FilledAsync(3);
        var mixedUp = new NoteSigner(Good.Key, LogKeys.Ed25519("firm/other", 8).Signer);
        await using (var ledger = await OpenAsync(key: mixedUp))
        {
            await AppendAsync(ledger, "next");
            await UntilAsync(() => ledger.State.Warning is not null);
            Assert.Contains("is not signed by", ledger.State.Warning!.Message, StringComparison.Ordinal);
        }

        AssertVerified(3);
        await using var again = await OpenAsync();
        Assert.Equal(4, again.State.Size);
    }

    [Fact]
    public async Task While_nothing_can_be_published_what_waits_for_it_is_bounded_and_more_so_for_what_can_be_refused()
    {
        var (usual, vital) = (0, 0);
        await using (var ledger = await OpenAsync(clock: clock))
        {
            sign = (_, _) => throw new InvalidOperationException("the token was pulled out");
            usual = await FillAsync(ledger, Precedence.Usual);
            vital = await FillAsync(ledger, Precedence.Vital);
            var refused = Assert.IsType<Reading<AppendedEntry>.Unread>(await TryAppendAsync(ledger, "more", Precedence.Usual));
            Assert.Contains("wait to be published", refused.Reason.Message, StringComparison.Ordinal);
            Assert.Contains("the token was pulled out", refused.Reason.Remedy, StringComparison.Ordinal);
            Assert.Null(ledger.State.Fault);
            Assert.InRange((double)vital / usual, 0.8, 1.2);

            sign = SignWell;
            clock.Advance(TimeSpan.FromSeconds(2));
            await UntilAsync(() => ledger.State.Published == usual + vital);
            await AppendAsync(ledger, "again");
        }

        AssertVerified(usual + vital + 1);
    }

    [Fact]
    public async Task A_key_that_never_answers_is_a_warning_and_ends_nothing()
    {
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource<byte[]>();
        var ledger = await OpenAsync(clock: new Hasty());
        await AppendAsync(ledger, "first");
        await UntilAsync(() => ledger.State.Published == 1);
        sign = (_, _) =>
        {
            asked.TrySetResult();
            return new(answer.Task);
        };
        await AppendAsync(ledger, "second");
        await asked.Task;
        await UntilAsync(() => ledger.State.Warning is not null);
        Assert.Contains("takes longer", ledger.State.Warning!.Message, StringComparison.Ordinal);
        await AppendAsync(ledger, "third");
        await Task.WhenAll(ledger.DisposeAsync().AsTask(), ledger.DisposeAsync().AsTask());

        // It may still come back and write: nobody else gets the folder before.
        await Assert.ThrowsAsync<GateException>(() => OpenAsync());
    }

    [Fact]
    public async Task A_ledger_is_closed_once_however_often_it_is_asked()
    {
        var ledger = await OpenAsync(clock: new Still());
        await AppendAsync(ledger, "one");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await ledger.DisposeAsync())));
        await using var next = await OpenAsync();
        await ledger.DisposeAsync();
        await AppendAsync(next, "two");
        Assert.Equal(2, next.State.Size);
    }

    private static ValueTask<byte[]> SignWell(ReadOnlyMemory<byte> data, CancellationToken cancellation) => Good.Signer.SignAsync(data, cancellation);

    private static async Task<int> FillAsync(LocalLedger ledger, Precedence precedence)
    {
        for (var taken = 0; ; taken += 100)
        {
            var answers = await Task.WhenAll(Enumerable.Range(taken, 100).Select(i => TryAppendAsync(ledger, $"{precedence}-{i}", precedence, new string('x', 4_000)).AsTask()));
            if (answers.Count(answer => answer is Reading<AppendedEntry>.Found) is < 100 and var last)
            {
                return taken + last;
            }
        }
    }

    // A clock on which a minute passes in a second.
    private sealed class Hasty : TimeProvider
    {
        private const int Times = 60;

        public override long TimestampFrequency => base.TimestampFrequency / Times;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime / Times, period);
    }
}
