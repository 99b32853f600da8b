using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Clients.Evidence;

/// <summary>What the judge reads, records and refuses, with real statements and a memory of what was admitted.</summary>
public sealed class AdmissionJudgeTests
{
    private readonly ApprovedCluster cluster = new();
    private readonly Review deployment = ApprovedCluster.Workload("Deployment");
    private readonly Review pod = ApprovedCluster.Workload("Pod");

    [Fact]
    public async Task Nothing_begins_without_its_record()
    {
        cluster.Approved(deployment);
        var outcome = await JudgeAsync(deployment, new Unwritable());
        Assert.Equal((false, Verdict.Unknown), (outcome.Admitted, outcome.Decision.Verdict));
        Assert.Contains("no space left", Assert.Single(outcome.Refusals).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_approved_for_one_use_begins_once_and_its_pods_go_on()
    {
        cluster.Approved(deployment, approval: approval => approval with { MaxUses = 1 });
        var records = new MemoryAdmittedRecords();
        Assert.True((await JudgeAsync(deployment with { Uid = "first" }, records)).Admitted);
        var second = await JudgeAsync(deployment with { Uid = "second" }, records);
        Assert.Equal((false, Verdict.Deny), (second.Admitted, second.Decision.Verdict));
        Assert.True((await JudgeAsync(pod with { Uid = "third" }, records)).Admitted);
        Assert.Equal(1, await records.UsesAsync("request-deploy", CancellationToken.None));
    }

    [Fact]
    public async Task What_began_goes_on_while_nobody_can_tell_how_often_its_approval_was_used_and_nothing_begins()
    {
        cluster.Approved(deployment);
        var records = new Unused(new MemoryAdmittedRecords());
        Assert.True((await JudgeAsync(deployment with { Uid = "first" }, records)).Admitted);
        records.CanTell = false;
        Assert.True((await JudgeAsync(pod with { Uid = "second" }, records)).Admitted);
        var next = await JudgeAsync(deployment with { Uid = "third" }, records);
        Assert.Equal((false, Verdict.Unknown), (next.Admitted, next.Decision.Verdict));
        Assert.Contains("was not read in time", Assert.Single(next.Refusals).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_begins_again_and_again_has_one_record_and_another_approval_a_new_one()
    {
        var policy = cluster.Policy;
        policy = policy with { Approvals = policy.Approvals.SetItem("deploy", policy.Approvals["deploy"] with { MaxUses = null }) };
        var uncounted = new ApprovedCluster(policy);
        uncounted.Approved(deployment);
        var records = new MemoryAdmittedRecords();
        var place = deployment.Open(policy, Firm.Primary).Place!;
        for (var i = 0; i < 5; i++)
        {
            Assert.True((await JudgeAsync(deployment with { Uid = $"uid-{i}" }, records, uncounted)).Admitted);
        }

        Assert.Equal("uid-0", Assert.Single(await records.FindAsync(place, CancellationToken.None)).Id);
        var next = new ApprovedCluster(policy with { Digest = Digest.Of("the next version"u8) });
        next.Approved(deployment);
        Assert.True((await JudgeAsync(deployment with { Uid = "later" }, records, next)).Admitted);
        Assert.Equal(["uid-0", "later"], (await records.FindAsync(place, CancellationToken.None)).Select(record => record.Id));
    }

    [Fact]
    public async Task Of_many_that_ask_for_the_last_use_at_once_one_begins()
    {
        cluster.Approved(deployment, approval: approval => approval with { MaxUses = 1 });
        var records = new MemoryAdmittedRecords();
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => JudgeAsync(deployment with { Uid = $"uid-{i}" }, records))));
        Assert.Single(outcomes, outcome => outcome.Admitted);
    }

    [Fact]
    public async Task A_dry_run_decides_the_same_and_records_nothing()
    {
        cluster.Approved(deployment);
        var records = new MemoryAdmittedRecords();
        Assert.True((await JudgeAsync(deployment with { DryRun = true }, records)).Admitted);
        Assert.Equal(0, await records.UsesAsync("request-deploy", CancellationToken.None));
        Assert.True((await JudgeAsync(deployment, records)).Admitted);
        Assert.Equal(1, await records.UsesAsync("request-deploy", CancellationToken.None));
    }

    [Fact]
    public async Task A_list_of_revocations_that_cannot_be_read_holds_back_what_began_too()
    {
        var watched = new ApprovedCluster(ApprovedCluster.WithImages(ApprovedCluster.Shop) with { Revocations = new("revoked.json", TimeSpan.FromHours(1), new(["ann"], null)) });
        watched.Approved(deployment);
        var records = new MemoryAdmittedRecords();
        Assert.True((await JudgeAsync(deployment with { Uid = "first" }, records, watched, new Reading<RevocationList>.Found(RevocationList.Empty))).Admitted);
        foreach (var review in (Review[])[deployment with { Uid = "second" }, pod with { Uid = "third" }])
        {
            var outcome = await JudgeAsync(review, records, watched, new Reading<RevocationList>.Unread(new("trust.revocations", "the list is too old", "renew it")));
            Assert.Equal((false, Verdict.Unknown), (outcome.Admitted, outcome.Decision.Verdict));
        }
    }

    [Fact]
    public async Task A_command_that_was_approved_for_one_use_can_be_tried_and_is_then_used_once()
    {
        var sessions = new ApprovedCluster(Firm.PolicyWith("  artifacts:", """
              admission:
                statements: registry.example.com/statements
                sessions: { exec: { require: [{ role: operator, count: 2 }] } }
              artifacts:
            """));
        var exec = new Review("", "PodExecOptions", "pods", new JsonObject { ["kind"] = "PodExecOptions", ["apiVersion"] = "v1", ["stdout"] = true, ["container"] = "app", ["command"] = new JsonArray("ls") })
        {
            Operation = "CONNECT",
            Subresource = "exec",
            Namespace = "pay",
            Name = "shop-1",
        };
        var asking = Assert.Single(exec.Open(sessions.Policy, Firm.Primary).Documents);
        var asked = sessions.Attach(Firm.Request() with { Action = asking.Need.Rule.Action, Covers = asking.Need.Covers, CreatedAt = Firm.Now.AddMinutes(-30) }, "ann", asking.Subject.Digest);
        foreach (var by in (string[])["ben", "cem"])
        {
            sessions.Attach(Firm.Approval(asked, by) with { IssuedAt = Firm.Now.AddMinutes(-20), MaxUses = 1 }, by, asking.Subject.Digest);
        }

        var records = new MemoryAdmittedRecords();
        Assert.True((await JudgeAsync(exec with { DryRun = true }, records, sessions)).Admitted);
        Assert.True((await JudgeAsync(exec with { Uid = "first" }, records, sessions)).Admitted);
        Assert.False((await JudgeAsync(exec with { Uid = "second" }, records, sessions)).Admitted);
    }

    [Fact]
    public async Task A_list_of_revocations_that_is_not_read_in_time_is_could_not_tell_and_no_failure()
    {
        var asking = new ApprovedCluster(Firm.PolicyWith("  approvals:\n", "    revocations: { from: \"oci://registry.example.com/trust/revoked\", maxAge: 24h, by: [dan] }\n  approvals:\n"));
        using var cache = new ClaimCache(new Shown(asking), new Stopped());
        var judge = new AdmissionJudge(cache, new MemoryAdmittedRecords(), (_, _, deadline) => ValueTask.FromCanceled<Reading<RevocationList>>(new CancellationToken(canceled: true)), new Stopped());
        var outcome = await judge.JudgeAsync(ApprovedCluster.Workload("Pod").Open(asking.Policy, Firm.Primary), new TrustedSigners(asking.Policy), CancellationToken.None);
        Assert.False(outcome.Admitted);
        Assert.Contains(outcome.Decision.Reasons, reason => reason.Message.Contains("was not read in time", StringComparison.Ordinal));
    }

    private async Task<AdmissionOutcome> JudgeAsync(Review review, IAdmittedRecords records, ApprovedCluster? asked = null, Reading<RevocationList>? revocations = null)
    {
        var gate = asked ?? cluster;
        using var cache = new ClaimCache(new Shown(gate), new Stopped());
        var judge = new AdmissionJudge(cache, records, (_, _, _) => ValueTask.FromResult(revocations ?? throw new InvalidOperationException("the policy names no list")), new Stopped());
        return await judge.JudgeAsync(review.Open(gate.Policy, Firm.Primary), new TrustedSigners(gate.Policy), CancellationToken.None);
    }

    private sealed class Stopped : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Firm.Now;
    }

    private sealed class Unwritable : IAdmittedRecords
    {
        public ValueTask<ImmutableArray<AdmittedRecord>> FindAsync(AdmittedPlace place, CancellationToken cancellation) => ValueTask.FromResult(ImmutableArray<AdmittedRecord>.Empty);

        public ValueTask<int> UsesAsync(string requestId, CancellationToken cancellation) => ValueTask.FromResult(0);

        public ValueTask<Reading<AdmittedRecord>> AppendAsync(AdmittedRecord record, int? mostUses, CancellationToken cancellation) =>
            ValueTask.FromResult<Reading<AdmittedRecord>>(new Reading<AdmittedRecord>.Unread(new("state", "no space left", "make room")));
    }

    private sealed class Unused(IAdmittedRecords records) : IAdmittedRecords
    {
        public bool CanTell { get; set; } = true;

        public ValueTask<ImmutableArray<AdmittedRecord>> FindAsync(AdmittedPlace place, CancellationToken cancellation) => records.FindAsync(place, cancellation);

        public ValueTask<int> UsesAsync(string requestId, CancellationToken cancellation) => CanTell ? records.UsesAsync(requestId, cancellation) : ValueTask.FromCanceled<int>(new CancellationToken(canceled: true));

        public ValueTask<Reading<AdmittedRecord>> AppendAsync(AdmittedRecord record, int? mostUses, CancellationToken cancellation) => records.AppendAsync(record, mostUses, cancellation);
    }

    private sealed class Shown(ApprovedCluster cluster) : IRegistry
    {
        public Task<Reading<AttachedEvidence>> FindEvidenceAsync(Repository repository, Digest digest, CancellationToken cancellation) =>
            Task.FromResult<Reading<AttachedEvidence>>(new Reading<AttachedEvidence>.Found(cluster.On(digest)));

        public Task<Reading<ReadOnlyMemory<byte>>> ReadManifestAsync(Repository repository, Digest digest, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> ResolveAsync(ImageReference reference, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> AttachToTagAsync(Repository repository, Digest subject, CosignTag tag, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> AttachReferrerAsync(Repository repository, Digest subject, string artifactType, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<EvidenceLayer?>> ReadTaggedAsync(Repository repository, string tag, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Reading<Digest>> PushTaggedAsync(Repository repository, string tag, string artifactType, EvidenceLayer layer, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
