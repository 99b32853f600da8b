using System.Collections.Concurrent;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Clients.Evidence;

/// <summary>
/// Keeps claims, never verdicts: what is proven of (repository, digest) under one set of signers. What was found is kept for minutes,
/// what was not found or not readable for seconds; one verification at a time for each, and it goes on when its asker's time is over.
/// </summary>
/// <param name="registry">What has the evidence.</param>
/// <param name="clock">The clock.</param>
/// <param name="keep">Keeps the bytes of what was proven, before anything rests on them; or says why it cannot. Null: nobody keeps them.</param>
public sealed class ClaimCache(IRegistry registry, TimeProvider clock, Func<Claim, ReadOnlyMemory<byte>, Reason?>? keep = null) : IDisposable
{
    /// <summary>How long an answer without any proof counts, so that a signature made now is found now.</summary>
    public static readonly TimeSpan Absent = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Found = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);
    private const int MostEntries = 10_000;
    private const int MostUnderWay = 1_000;

    // Each may hold the evidence of one image in memory until it is verified.
    private const int AtOnce = 16;
    private readonly ConcurrentDictionary<(Subject, Digest), Flight> flights = new();
    private readonly SemaphoreSlim places = new(AtOnce);
    private int underWay;

    /// <summary>Verifications now under way.</summary>
    public int UnderWay => Volatile.Read(ref underWay);

    /// <summary>Subjects of which something is kept.</summary>
    public int Count => flights.Count;

    /// <summary>What is known of a subject.</summary>
    /// <param name="subject">The image, by digest.</param>
    /// <param name="signers">Who may sign.</param>
    /// <param name="oldest">An answer older than this is not used.</param>
    /// <param name="deadline">When the asker must answer.</param>
    /// <returns>The claims, or null where the deadline came first; verification then goes on, and a later call finds its result.</returns>
    public Task<Claims?> GetAsync(Subject subject, TrustedSigners signers, TimeSpan oldest, CancellationToken deadline)
    {
        ArgumentNullException.ThrowIfNull(signers);
        var key = (subject, signers.Version);
        var now = clock.GetTimestamp();
        if (!flights.TryGetValue(key, out var flight) || !flight.IsFresh(clock, now, oldest))
        {
            var fresh = new Flight();
            var current = flight is null
                ? flights.GetOrAdd(key, fresh)
                : flights.TryUpdate(key, fresh, flight) ? fresh : flights.GetOrAdd(key, fresh);
            if (ReferenceEquals(current, fresh))
            {
                Start(fresh, subject, signers);
            }

            flight = current;
        }

        return flight.GetAsync(deadline);
    }

    /// <inheritdoc/>
    public void Dispose() => places.Dispose();

    private void Start(Flight flight, Subject subject, TrustedSigners signers)
    {
        MakeRoom();
        if (Interlocked.Increment(ref underWay) > MostUnderWay)
        {
            Interlocked.Decrement(ref underWay);
            flight.Land(Claims.CouldNotRead(new Reason("registry", $"{MostUnderWay} verifications are under way", "try again in a few seconds")), clock.GetTimestamp(), TimeSpan.FromSeconds(1));
            return;
        }

        _ = Task.Run(async () =>
        {
            try
            {
                var claims = await VerifyAsync(subject, signers).ConfigureAwait(false);
                flight.Land(claims, clock.GetTimestamp(), claims.Proven.IsEmpty || !claims.Unread.IsEmpty ? Absent : Found);
            }
            finally
            {
                Interlocked.Decrement(ref underWay);
            }
        });
    }

    private async Task<Claims> VerifyAsync(Subject subject, TrustedSigners signers)
    {
        using var ending = new CancellationTokenSource(Longest, clock);
        try
        {
            await places.WaitAsync(ending.Token).ConfigureAwait(false);
            try
            {
                return await registry.FindEvidenceAsync(subject.Repository, subject.Digest, ending.Token).ConfigureAwait(false) switch
                {
                    Reading<AttachedEvidence>.Found(var attached) => Kept(Claims.Verify(subject.Digest, attached, signers), attached),
                    Reading<AttachedEvidence>.Unread(var reason) => Claims.CouldNotRead(reason),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            }
            finally
            {
                places.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return Claims.CouldNotRead(new Reason("registry", $"{subject.Repository.Host} did not answer within {Longest.TotalSeconds:0} s", "look at the registry, then try again"));
        }
#pragma warning disable CA1031 // Whoever waits for this flight must get an answer, and a defect of ours is "could not tell", never an allow.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Claims.CouldNotRead(new Reason("registry", $"verification of {subject} failed with {exception.GetType().Name}", "report this defect with the image's digest"));
        }
    }

    private Claims Kept(Claims claims, AttachedEvidence attached)
    {
        if (keep is null || claims.Proven.IsEmpty)
        {
            return claims;
        }

        return claims.Proven.Select(claim => keep(claim, attached.Items.First(item => item.Digest == claim.Evidence).Bytes)).FirstOrDefault(reason => reason is not null) is { } reason ? Claims.CouldNotRead(reason) : claims;
    }

    private void MakeRoom()
    {
        if (flights.Count < MostEntries)
        {
            return;
        }

        var now = clock.GetTimestamp();
        foreach (var (key, flight) in flights)
        {
            if (flight.HasLanded && !flight.IsFresh(clock, now, Found))
            {
                flights.TryRemove(new(key, flight));
            }
        }

        // All fresh: any of them goes, since each can be verified again.
        foreach (var entry in flights.Where(entry => entry.Value.HasLanded).Take(Math.Max(0, flights.Count - (MostEntries * 9 / 10))))
        {
            flights.TryRemove(entry);
        }
    }

    private sealed class Flight
    {
        private readonly TaskCompletionSource<Claims> landing = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Landed? landed;

        public bool HasLanded => Volatile.Read(ref landed) is not null;

        public void Land(Claims claims, long at, TimeSpan lifetime)
        {
            Volatile.Write(ref landed, new(Task.FromResult<Claims?>(claims), at, lifetime));
            landing.SetResult(claims);
        }

        public Task<Claims?> GetAsync(CancellationToken deadline) => Volatile.Read(ref landed)?.Claims ?? WaitAsync(deadline);

        // What is still under way is as fresh as can be.
        public bool IsFresh(TimeProvider clock, long now, TimeSpan oldest) =>
            Volatile.Read(ref landed) is not { } known || clock.GetElapsedTime(known.At, now) is var age && age < known.Lifetime && age <= oldest;

        private async Task<Claims?> WaitAsync(CancellationToken deadline)
        {
            try
            {
                return await landing.Task.WaitAsync(deadline).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }

        private sealed record Landed(Task<Claims?> Claims, long At, TimeSpan Lifetime);
    }
}
