using Governance.Gates.Clients.Registries;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Clients.Revocations;

/// <summary>Gives the list of revocations that counts now, from where the policy says, and looks there again in time.</summary>
/// <remarks>
/// A file is looked at every two seconds and read when it changed; a repository is asked every quarter of <c>maxAge</c>, 60 seconds at most.
/// While nothing newer can be read, the last good list goes on counting until it is older than <c>maxAge</c>. One look at a time, which
/// callers wait for only where no list counts yet. Every look verifies anew, so that a key that ended or a person who left ends the list too.
/// Also a list that ended, or was accepted before this process began, is the one before the next: it is not followed by whom it revokes, by a lower number,
/// or by another list of its number.
/// </remarks>
public sealed class RevocationFeed : IDisposable
{
    private static readonly TimeSpan FileLook = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly RevocationStore store;
    private readonly Func<AcceptedRevocations, CancellationToken, ValueTask<Reason?>>? keep;
    private readonly CancellationTokenSource ending = new();

    // Guards known and flight: one look at a time, and what it found is seen whole.
    private readonly Lock looking = new();
    private Known known;
    private Task? flight;

    /// <summary>Prepares to read; nothing is asked yet.</summary>
    /// <param name="folder">The policy's folder, from which a file is named.</param>
    /// <param name="registry">What is asked where the policy names a repository.</param>
    /// <param name="last">The list that was accepted last before this process began; null where none was.</param>
    /// <param name="keep">Given each newly accepted list before it counts, so that it can be kept; null once it is, else why it may not count. What it throws keeps the list from counting too.</param>
    public RevocationFeed(string folder, IRegistry registry, AcceptedRevocations? last = null, Func<AcceptedRevocations, CancellationToken, ValueTask<Reason?>>? keep = null)
    {
        store = new(folder, registry);
        this.keep = keep;
        var state = RevocationState.Start(null);
        known = new(last is not null && state.Advance(last.List).Try(out var after, out _) ? after : state, last?.Signed, Counts: false, null, null, null, default, default);
    }

    /// <summary>The highest number seen; null where none was.</summary>
    public long? HighestSeen => Current.State.HighestSeen is > 0 and var number ? number : null;

    /// <summary>Ends when no look is under way.</summary>
    internal Task Settled
    {
        get
        {
            lock (looking)
            {
                return flight ?? Task.CompletedTask;
            }
        }
    }

    private Known Current
    {
        get
        {
            lock (looking)
            {
                return known;
            }
        }
    }

    /// <summary>The list that counts at a time under a policy; an empty one where the policy names none, unread with a remedy where it cannot be told.</summary>
    /// <param name="policy">The policy in force.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Ends the waiting, not the look.</param>
    public ValueTask<Reading<RevocationList>> CurrentAsync(Policy policy, DateTimeOffset now, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Revocations is not { } source)
        {
            return new(new Reading<RevocationList>.Found(RevocationList.Empty));
        }

        Task look;
        lock (looking)
        {
            var answer = known.Answer(policy, source, now);
            if (!known.IsDue(policy, source, now, answer))
            {
                return new(answer);
            }

            // A file is quick; a registry may be slow, and what counts until then counts meanwhile.
            var before = known;
            look = flight ??= Task.Run(() => LookAsync(before, policy, source, now), CancellationToken.None);
            if (answer is Reading<RevocationList>.Found && RevocationStore.IsRepository(source.From))
            {
                return new(answer);
            }
        }

        return new(WaitAsync(look, policy, source, now, cancellation));
    }

    /// <inheritdoc/>
    public void Dispose() => ending.Cancel();

    private async Task<Reading<RevocationList>> WaitAsync(Task look, Policy policy, RevocationSource source, DateTimeOffset now, CancellationToken cancellation)
    {
        await look.WaitAsync(cancellation).ConfigureAwait(false);
        var found = Current;

        // The look that was under way may have been for the policy before this one.
        return !found.IsFor(policy) && !cancellation.IsCancellationRequested && !ending.IsCancellationRequested
            ? await CurrentAsync(policy, now, cancellation).ConfigureAwait(false)
            : found.Answer(policy, source, now);
    }

    private async Task LookAsync(Known before, Policy policy, RevocationSource source, DateTimeOffset now)
    {
        var after = before;
        try
        {
            after = await LookAgainAsync(before, policy, source, now).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Whoever waits must get an answer, and a defect of ours is "could not tell", never "nothing is revoked".
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // Under another policy nothing was verified yet.
            after = (before with { Counts = before.Counts && before.IsFor(policy) }).Failed(policy, now, new("trust.revocations", $"the list of revocations could not be taken over: {exception.GetType().Name}", "look at where the list is kept, then report this defect"));
        }
        finally
        {
            lock (looking)
            {
                known = after;
                flight = null;
            }
        }
    }

    private async Task<Known> LookAgainAsync(Known before, Policy policy, RevocationSource source, DateTimeOffset now)
    {
        var trace = RevocationStore.IsRepository(source.From) ? null : store.Look(source.From);
        if (trace is not null && trace == before.Trace && before.IsFor(policy) && now >= before.Read && now - before.Read < Longest)
        {
            return before with { Looked = now };
        }

        // What was accepted before must still be signed by somebody who counts.
        var held = before with { Counts = before.Bytes is { } accepted && RevocationListReader.Read(accepted, policy, now) is Reading<RevocationList>.Found };
        if (!(await FetchAsync(source).ConfigureAwait(false)).Try(out var found, out var why))
        {
            return held.Failed(policy, now, why);
        }

        if (found is not { } bytes)
        {
            return held.Failed(policy, now, new("trust.revocations", $"there is no list of revocations in {source.From}", "publish one with gates revoke"));
        }

        held = held with { Trace = trace, Read = now };
        if (held.Counts && held.Bytes is { } same && same.Span.SequenceEqual(bytes.Span))
        {
            return held with { Policy = policy, Looked = now, Failure = null };
        }

        if (!RevocationListReader.Read(bytes, policy, now, held.State.Last).Try(out var list, out why) || !held.State.Advance(list).Try(out var state, out why))
        {
            return held.Failed(policy, now, why) with { Trace = trace };
        }

        return keep is not null && await keep(new(bytes, list), ending.Token).ConfigureAwait(false) is { } refused
            ? held.Failed(policy, now, refused)
            : held with { State = state, Bytes = bytes, Counts = true, Policy = policy, Looked = now, Failure = null };
    }

    private async Task<Reading<ReadOnlyMemory<byte>?>> FetchAsync(RevocationSource source)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ending.Token);
        patience.CancelAfter(Patience);
        try
        {
            return await store.ReadAsync(source.From, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new Reading<ReadOnlyMemory<byte>?>.Unread(new("trust.revocations", $"{source.From} did not answer within {Patience.TotalSeconds:0} s", "look at the registry, then try again"));
        }
    }

    /// <summary>What the last look left.</summary>
    /// <param name="State">The list that was accepted last, and the highest number.</param>
    /// <param name="Bytes">Its signed bytes; null where none was accepted.</param>
    /// <param name="Counts">Whether one who may sign it under the policy signed it.</param>
    /// <param name="Policy">The policy under which they were verified last.</param>
    /// <param name="Failure">Why the last look brought nothing new; null where it did not fail.</param>
    /// <param name="Trace">What the file looked like when it was read.</param>
    /// <param name="Looked">When the place was looked at.</param>
    /// <param name="Read">When it was read.</param>
    private sealed record Known(RevocationState State, ReadOnlyMemory<byte>? Bytes, bool Counts, Policy? Policy, Reason? Failure, (DateTime Written, long Length)? Trace, DateTimeOffset Looked, DateTimeOffset Read)
    {
        public bool IsFor(Policy policy) => Policy?.Digest == policy.Digest;

        public bool IsDue(Policy policy, RevocationSource source, DateTimeOffset now, Reading<RevocationList> answer)
        {
            TimeSpan[] waits = RevocationStore.IsRepository(source.From)
                ? [source.MaxAge / 4, Failure is null && answer is Reading<RevocationList>.Found ? Longest : AfterFailure]
                : [FileLook];
            return !IsFor(policy) || now < Looked || now - Looked >= waits.Min();
        }

        /// <summary>The list, or the nearest reason why there is none: a failure explains better than the age that it let the list come to.</summary>
        public Reading<RevocationList> Answer(Policy policy, RevocationSource source, DateTimeOffset now)
        {
            if (!IsFor(policy))
            {
                return new Reading<RevocationList>.Unread(new("trust.revocations", "the list of revocations has not been read under this policy", "try again in a few seconds"));
            }

            var counting = Counts ? State : State.Forget();
            var answer = counting.At(now, source.MaxAge);
            return answer is Reading<RevocationList>.Unread(var why) && Failure is { } failure
                ? new Reading<RevocationList>.Unread(counting.Last is null ? failure : why with { Message = $"{why.Message}; {failure.Message}", Remedy = failure.Remedy })
                : answer;
        }

        public Known Failed(Policy policy, DateTimeOffset now, Reason failure) => this with { Policy = policy, Looked = now, Failure = failure };
    }
}
