using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Tests.Clients.Evidence;

public sealed class ClaimCacheTests : IDisposable
{
    private static readonly TimeSpan AnyAge = TimeSpan.MaxValue;
    private readonly ForwardClock clock = new();
    private readonly EcdsaSigner signer;
    private readonly Policy policy;
    private readonly TrustedSigners keys;

    public ClaimCacheTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        signer = EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), []);
        policy = PolicyOf(signer);
        keys = new(policy);
    }

    public void Dispose() => signer.Dispose();

    [Fact]
    public async Task What_was_found_is_kept_for_minutes()
    {
        var registry = new Evidence(this) { IsSigned = true };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        Assert.NotEmpty((await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))!.Proven);

        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.NotEmpty((await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))!.Proven);
        Assert.Single(registry.Asked);

        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.NotEmpty((await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))!.Proven);
        Assert.Equal(2, registry.Asked.Count);
    }

    [Fact]
    public async Task Of_what_stands_beside_a_proven_statement_only_what_proved_it_is_kept()
    {
        // Anybody who can push lays the same payload beside it, with whatever they like for a signature.
        var registry = new Evidence(this) { IsSigned = true, HasJunk = true };
        var kept = new List<Claim>();
        using var cache = new ClaimCache(registry, clock, (claim, bytes) =>
        {
            Assert.Equal(claim.Evidence, Digest.Of(bytes.Span));
            kept.Add(claim);
            return null;
        });
        var claims = (await cache.GetAsync(NewSubject(), keys, AnyAge, CancellationToken.None))!;
        var one = Assert.Single(kept);
        Assert.NotNull(one.Signature);
        Assert.Same(Assert.Single(claims.Proven).Signature, one.Signature);
        Assert.Null(one.Annotations);
    }

    public static TheoryData<string> Nothing => ["no signature", "part unread", "unread"];

    [Theory, MemberData(nameof(Nothing))]
    public async Task What_was_not_found_or_not_read_is_kept_for_seconds(string what)
    {
        var registry = new Evidence(this) { IsSigned = what == "part unread", IsPartUnread = what == "part unread", IsUnread = what == "unread" };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None);
        clock.Advance(ClaimCache.Absent / 2);
        await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None);
        Assert.Single(registry.Asked);

        clock.Advance(ClaimCache.Absent);
        await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None);
        Assert.Equal(2, registry.Asked.Count);
    }

    [Fact]
    public async Task An_answer_older_than_the_asker_allows_is_not_used()
    {
        var registry = new Evidence(this) { IsSigned = true };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None);
        clock.Advance(ClaimCache.Absent * 2);
        await cache.GetAsync(subject, keys, ClaimCache.Absent, CancellationToken.None);
        Assert.Equal(2, registry.Asked.Count);
    }

    [Fact]
    public async Task One_verification_at_a_time_serves_everybody_who_asks()
    {
        var registry = new Evidence(this) { IsSigned = true, Release = new() };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        var asked = Enumerable.Range(0, 50).Select(_ => Task.Run(() => cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))).ToArray();
        registry.Release.SetResult();
        Assert.All(await Task.WhenAll(asked), claims => Assert.NotEmpty(claims!.Proven));
        Assert.Single(registry.Asked);
    }

    [Fact]
    public async Task When_the_asker_has_no_time_the_verification_goes_on_without_it()
    {
        var registry = new Evidence(this) { IsSigned = true, Release = new() };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        Assert.Null(await cache.GetAsync(subject, keys, AnyAge, new CancellationToken(canceled: true)));
        Assert.Equal(1, cache.UnderWay);

        registry.Release.SetResult();

        Assert.NotEmpty((await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))!.Proven);
        Assert.Single(registry.Asked);
    }

    [Fact]
    public async Task Other_keys_are_another_question()
    {
        var registry = new Evidence(this) { IsSigned = true };
        using var cache = new ClaimCache(registry, clock);
        var subject = NewSubject();
        Assert.NotEmpty((await cache.GetAsync(subject, keys, AnyAge, CancellationToken.None))!.Proven);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), []);

        Assert.Empty((await cache.GetAsync(subject, new(PolicyOf(other)), AnyAge, CancellationToken.None))!.Proven);
    }

    public static TheoryData<string, Exception> Defects => new()
    {
        { "InvalidOperationException", new InvalidOperationException("a defect") },
        { "FormatException", new FormatException() },
        { "did not answer", new OperationCanceledException() },
    };

    [Theory, MemberData(nameof(Defects))]
    public async Task A_registry_client_that_throws_is_could_not_tell_and_the_request_is_refused(string says, Exception thrown)
    {
        using var cache = new ClaimCache(new Evidence(this) { Thrown = thrown }, clock);
        var request = new AdmissionRequest
        {
            Uid = "u",
            Group = "",
            Kind = "Pod",
            Resource = "pods",
            ResourceGroup = "",
            Operation = "CREATE",
            Object = System.Text.Json.JsonDocument.Parse($$$"""{"kind":"Pod","spec":{"containers":[{"name":"c","image":"{{{NewSubject()}}}"}]}}""").RootElement,
        };

        var outcome = await new AdmissionJudge(cache, new MemoryAdmittedRecords(), (_, _, _) => throw new InvalidOperationException("the policy names no list"), clock).JudgeAsync(AdmissionGate.Open(request, policy, null), keys, CancellationToken.None);

        Assert.Equal(Verdict.Unknown, outcome.Decision.Verdict);
        Assert.False(outcome.Admitted);
        Assert.Contains(says, Assert.Single(outcome.Refusals).Message, StringComparison.Ordinal);
        await UntilNothingIsUnderWayAsync(cache);
    }

    [Fact]
    public async Task Entries_are_bounded_however_many_images_are_asked_for()
    {
        using var cache = new ClaimCache(new Evidence(this), clock);
        for (var i = 0; i < 10_500; i++)
        {
            await cache.GetAsync(NewSubject(), keys, AnyAge, CancellationToken.None);
        }

        Assert.InRange(cache.Count, 1, 10_001);
    }

    [Fact]
    public async Task Verifications_under_way_are_bounded_and_what_is_too_much_is_told_to_try_again()
    {
        var registry = new Evidence(this) { Release = new() };
        using var cache = new ClaimCache(registry, clock);
        var asked = Enumerable.Range(0, 1_200).Select(_ => cache.GetAsync(NewSubject(), keys, AnyAge, CancellationToken.None)).ToArray();
        Assert.InRange(cache.UnderWay, 1, 1_000);
        Assert.Equal(200, asked.Count(one => one.IsCompletedSuccessfully));
        Assert.Contains("try again", Assert.Single((await asked[^1])!.Unread).ToString(), StringComparison.Ordinal);

        registry.Release.SetResult();
        Assert.All(await Task.WhenAll(asked), claims => Assert.NotNull(claims));
        await UntilNothingIsUnderWayAsync(cache);
    }

    private static async Task UntilNothingIsUnderWayAsync(ClaimCache cache)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (cache.UnderWay > 0)
        {
            await interval.WaitForNextTickAsync(limit.Token);
        }
    }

    private static Subject NewSubject() => new(new("registry.example.com", "team/app"), Digest.Of(RandomNumberGenerator.GetBytes(8)));

    private static Policy PolicyOf(EcdsaSigner signer)
    {
        var text = $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: test, version: 1 }
            spec:
              robots:
                release: { keys: [release], why: signs }
              trust:
                keys:
                  release: { spki: "sha256:{{Convert.ToHexStringLower(signer.PublicKey.SpkiSha256.Span)}}", file: release.pub }
              artifacts:
                images:
                  - match: ["registry.example.com/**"]
                    require: { signed: { by: [release] } }
                  - match: ["**"]
                    verdict: deny
                    why: not ours
              admission: { mode: enforce }
            """;
        return Assert.IsType<PolicyReading.Accepted>(PolicyReader.Read(Encoding.UTF8.GetBytes(text), _ => Encoding.ASCII.GetBytes(signer.PublicKey.ToPem()))).Policy;
    }

    /// <summary>Answers for any image at once, when released, or by throwing.</summary>
    private sealed class Evidence(ClaimCacheTests test) : IRegistry
    {
        public ConcurrentQueue<Digest> Asked { get; } = new();

        public bool IsSigned { get; init; }

        public bool HasJunk { get; init; }

        public bool IsPartUnread { get; init; }

        public bool IsUnread { get; init; }

        public Exception? Thrown { get; init; }

        public TaskCompletionSource? Release { get; init; }

        public async Task<Reading<AttachedEvidence>> FindEvidenceAsync(Repository repository, Digest digest, CancellationToken cancellation)
        {
            Asked.Enqueue(digest);
            await (Release?.Task.WaitAsync(cancellation) ?? Task.CompletedTask);
            if (Thrown is not null)
            {
                throw Thrown;
            }

            if (IsUnread)
            {
                return new Reading<AttachedEvidence>.Unread(new("registry", "down", "wait"));
            }

            var payload = SimpleSigning.Payload(repository.ToString(), digest.ToString());
            var signed = await SimpleSigning.SignAsync(payload, test.signer, cancellation);
            var junk = new CosignAnnotations("junk", new string('x', 1_000), "junk");
            return new Reading<AttachedEvidence>.Found(new(
                [
                    .. HasJunk ? (EvidenceItem[])[new(new SignedEntity.CosignSignature(payload, "anVuaw==") { Annotations = junk }, Digest.Of(payload), "tag, layer 1")] : [],
                    .. IsSigned ? (EvidenceItem[])[new(HasJunk ? signed with { Annotations = junk } : signed, Digest.Of(payload), "tag")] : [],
                ],
                IsPartUnread ? [new("registry", "one part is down", "wait")] : []));
        }

        public Task<Reading<ReadOnlyMemory<byte>>> ReadManifestAsync(Repository repository, Digest digest, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> ResolveAsync(ImageReference reference, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> AttachToTagAsync(Repository repository, Digest subject, CosignTag tag, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> AttachReferrerAsync(Repository repository, Digest subject, string artifactType, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<EvidenceLayer?>> ReadTaggedAsync(Repository repository, string tag, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> PushTaggedAsync(Repository repository, string tag, string artifactType, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
