using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Admission;

/// <summary>Decisions made again from their entries. That every decision comes out the same is asked of all that <see cref="ApprovedCluster"/> decides; here is what must not.</summary>
public sealed class DecisionReplayTests
{
    private readonly ApprovedCluster cluster = new();

    [Fact]
    public void A_decision_of_which_any_kept_part_is_gone_cannot_be_made_again_and_names_it()
    {
        var (entry, kept) = Approved();
        Assert.Equal([], Replayed(entry, kept).Differences);
        var needed = kept.Keys.Where(digest => !Replay(entry, kept, digest).Try(out _, out _)).ToHashSet();

        // The policy, the document that names its keys, a key, the template, a request and two approvals of it.
        Assert.All([entry.Policy!.Digest, entry.TemplateDigest!, .. entry.Inputs.Select(input => input.Digest)], digest => Assert.Contains(digest, needed));
        Assert.True(needed.Count >= 7, string.Join('\n', needed));
        Assert.All(needed, digest => Assert.Contains(digest.ToString(), Unread(Replay(entry, kept, digest)).Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Verdict.Deny, "admitted")]
    [InlineData(Verdict.Allow, "refused")]
    public void An_entry_that_says_something_else_than_its_evidence_comes_out_different(Verdict verdict, string outcome)
    {
        var (entry, kept) = Approved();
        var differences = Replayed(entry with { Verdict = verdict, Outcome = outcome }, kept).Differences;
        Assert.Contains(verdict == Verdict.Deny ? "verdict" : "outcome", differences);
    }

    [Fact]
    public void A_quorum_that_the_evidence_does_not_give_comes_out_different()
    {
        var (entry, kept) = Approved();
        var details = Details(entry);
        var approvals = details["subjects"]![0]!["proven"]!.AsArray();
        approvals.RemoveAt(approvals.Count - 1);
        var differences = Replayed(With(entry, details), kept).Differences;
        Assert.Contains("verdict", differences);
        Assert.Contains("quorum", differences);
    }

    [Fact]
    public void What_is_no_decision_is_not_made_again()
    {
        var (entry, kept) = Approved();
        Assert.Contains("no decision", Unread(Replay(entry with { EventType = LedgerEvents.Heartbeat }, kept)).Message, StringComparison.Ordinal);
        Assert.Contains("no decision", Unread(Replay(entry with { Details = null }, kept)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decision_under_a_list_of_revocations_is_made_again_under_that_list()
    {
        var policy = PolicyWithRevocations();
        var revoking = new ApprovedCluster(policy);
        var deployment = revoking.Approved(ApprovedCluster.Workload("Deployment"));
        revoking.RevocationsRead = Read(policy, Listed(policy, Firm.Key("ben").Spki));
        Assert.True(revoking.RevocationsRead.Try(out _, out var why), why?.Message);

        // The cluster decides again whatever it decided: here that it refused, because one of the two is revoked.
        revoking.Refused(deployment, "revoked");
    }

    private static Policy PolicyWithRevocations() =>
        Firm.Read(Firm.Yaml.Replace("  approvals:\n", "    revocations: { from: revocations.json, by: [ann], maxAge: 24h }\n  approvals:\n", StringComparison.Ordinal)
            .Replace("- { match: [\"**\"], verdict: deny }\n", ApprovedCluster.Shop.Trim() + "\n", StringComparison.Ordinal));

    private static ReadOnlyMemory<byte> Listed(Policy policy, params Digest[] keys) =>
        TestPolicy.Wait(SigstoreBundle.SignStatementAsync(RevocationStatement.Write(new(1, Firm.Now.AddHours(-1), [], [.. keys], [], []), policy.Name), Firm.Signer("ann"), CancellationToken.None)).Json;

    private static Reading<RevocationList> Read(Policy policy, ReadOnlyMemory<byte> signed) => RevocationListReader.Read(signed, policy, Firm.Now);

    [Fact]
    public void Whatever_stands_in_the_details_there_is_an_answer_and_never_an_exception()
    {
        var (entry, kept) = Approved();
        var details = Encoding.UTF8.GetString(((EntryPart<ReadOnlyMemory<byte>>.Inline)entry.Details!).Value.Span);
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var text = new StringBuilder(details);
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(text.Length);
                text.Remove(at, random.Next(2)).Insert(at, "{}[]\",:0a".AsSpan(random.Next(9), random.Next(2)));
            }

            // Where an image was found is taken as recorded; what was decided never is.
            var replayed = Replay(entry with { Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes(text.ToString())) }, kept);
            Assert.True(!replayed.Try(out var again, out _) || !again.Differences.IsEmpty || again.Again.Verdict == entry.Verdict, text.ToString());
        }
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    public void A_time_at_the_end_of_time_is_an_answer_too(string time)
    {
        var (entry, kept) = Approved();
        Unread(Replay(entry with { Timestamp = DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture) }, kept));
    }

    [Fact]
    public void A_subject_that_is_named_twice_is_an_answer_too()
    {
        var (entry, kept) = Approved();
        var details = Details(entry);
        details["subjects"]!.AsArray().Add(details["subjects"]![0]!.DeepClone());
        Unread(Replay(With(entry, details), kept));
    }

    [Fact]
    public void A_mode_that_the_policy_does_not_give_comes_out_different()
    {
        cluster.Refused(ApprovedCluster.Workload("Deployment"), "has no request for deploy");
        var (entry, kept) = cluster.Last!.Value;
        Assert.Contains("mode", Replayed(entry with { Mode = Mode.Audit, Outcome = "admitted" }, kept).Differences);
    }

    [Fact]
    public void A_record_of_another_template_lets_nothing_go_on_again()
    {
        cluster.Goes(cluster.Approved(ApprovedCluster.Workload("Deployment")));
        cluster.Goes(ApprovedCluster.Workload("Pod") with { Name = "api-7f9c-x2" });
        var (went, kept) = cluster.Last!.Value;
        var spec = Workloads.Spec(ApprovedCluster.Api);
        spec["hostNetwork"] = true;
        cluster.Refused(ApprovedCluster.Workload("Pod", spec) with { Name = "api-7f9c-x3" }, "hostNetwork");
        var (refused, more) = cluster.Last!.Value;
        foreach (var (digest, bytes) in kept)
        {
            more[digest] = bytes;
        }

        var details = Details(refused);
        details["admitted"] = Details(went)["admitted"]!.DeepClone();
        Assert.Contains("verdict", Replayed(With(refused, details) with { Verdict = Verdict.Allow, Outcome = "admitted" }, more).Differences);
    }

    [Fact]
    public void A_decision_that_rested_on_a_template_or_a_list_is_not_made_again_without_it()
    {
        var (entry, kept) = Approved();
        Assert.Contains("no pod template", Unread(Replay(entry with { TemplateDigest = null }, kept)).Message, StringComparison.Ordinal);
        var policy = PolicyWithRevocations();
        var revoking = new ApprovedCluster(policy) { RevocationsRead = Read(policy, Listed(policy)) };
        revoking.Goes(revoking.Approved(ApprovedCluster.Workload("Deployment")));
        var (listed, bytes) = revoking.Last!.Value;
        Assert.Contains("no list of revocations", Unread(Replay(listed with { Inputs = [.. listed.Inputs.Where(input => input.Kind != EntryInputKind.Revocations)] }, bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_images_than_an_entry_names_are_not_said_to_come_out_different()
    {
        var spec = new JsonObject { ["containers"] = new JsonArray([.. Enumerable.Range(0, 300).Select(i => new JsonObject { ["name"] = $"c{i}", ["image"] = $"registry.example.com/open/i{i}:v1" })]) };
        cluster.ReplaysAll = false;
        cluster.Ask(ApprovedCluster.Workload("Deployment", spec));
        var (entry, kept) = cluster.Last!.Value;
        Assert.Contains("more than 256", Unread(Replay(entry, kept)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("registry.example.com/open/a\u200bb:v1")]
    [InlineData("")]
    public void An_image_that_no_entry_can_hold_comes_out_the_same(string image) =>
        cluster.Ask(ApprovedCluster.Workload("Deployment", Workloads.Spec(image.Length > 0 ? image : new string('a', 1_100))));

    [Fact]
    public void A_generation_that_no_entry_can_hold_is_left_out()
    {
        var review = ApprovedCluster.Workload("Deployment");
        review.Object!["metadata"]!["generation"] = 9_007_199_254_740_993;
        cluster.Refused(review, "has no request for deploy");
        Assert.Null(cluster.Last!.Value.Entry.Resource!.Generation);
    }

    [Fact]
    public void With_much_evidence_the_record_of_what_began_is_made_again_too()
    {
        var containers = Enumerable.Range(0, 12).Select(i => ApprovedCluster.ImageOf($"part-{i}")).ToList();
        var spec = new JsonObject { ["containers"] = new JsonArray([.. containers.Select((image, i) => new JsonObject { ["name"] = $"c{i}", ["image"] = image })]) };
        var deployment = ApprovedCluster.Workload("Deployment", spec);
        foreach (var image in containers)
        {
            cluster.Approved(deployment, image, request => request with { Id = $"request for {image}" });
        }

        cluster.Goes(deployment);
        Assert.IsType<EntryPart<System.Collections.Immutable.ImmutableArray<EntryEvidence>>.Kept>(cluster.Last!.Value.Entry.Evidence);
    }

    private (LedgerEntry Entry, Dictionary<Digest, ReadOnlyMemory<byte>> Kept) Approved()
    {
        var review = cluster.Approved(ApprovedCluster.Workload("Deployment"));
        cluster.Goes(review);
        return cluster.Last!.Value;
    }

    private static JsonObject Details(LedgerEntry entry) => JsonNode.Parse(((EntryPart<ReadOnlyMemory<byte>>.Inline)entry.Details!).Value.Span)!.AsObject();

    private static LedgerEntry With(LedgerEntry entry, JsonObject details) => entry with { Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes(details.ToJsonString())) };

    private static Reading<ReplayedDecision> Replay(LedgerEntry entry, Dictionary<Digest, ReadOnlyMemory<byte>> kept, Digest? without = null) =>
        DecisionReplay.Of(entry, digest => digest != without && kept.TryGetValue(digest, out var bytes) ? new Reading<ReadOnlyMemory<byte>>.Found(bytes) : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"{digest} is not kept", "restore it")));

    private static ReplayedDecision Replayed(LedgerEntry entry, Dictionary<Digest, ReadOnlyMemory<byte>> kept) => Replay(entry, kept).Try(out var again, out var why) ? again : throw new Xunit.Sdk.XunitException(why.ToString());

    private static Reason Unread(Reading<ReplayedDecision> replayed) => Assert.IsType<Reading<ReplayedDecision>.Unread>(replayed).Reason;
}
