using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
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
        var policy = Firm.Read(Firm.Yaml.Replace("  approvals:\n", "    revocations: { from: revocations.json, by: [ann], maxAge: 24h }\n  approvals:\n", StringComparison.Ordinal)
            .Replace("- { match: [\"**\"], verdict: deny }\n", ApprovedCluster.Shop.Trim() + "\n", StringComparison.Ordinal));
        var revoking = new ApprovedCluster(policy);
        var deployment = revoking.Approved(ApprovedCluster.Workload("Deployment"));
        var list = new RevocationList(1, Firm.Now.AddHours(-1), [], [Firm.Key("ben").Spki], [], []);
        var signed = TestPolicy.Wait(SigstoreBundle.SignStatementAsync(RevocationStatement.Write(list, policy.Name), Firm.Signer("ann"), CancellationToken.None)).Json;
        revoking.RevocationsRead = RevocationListReader.Read(signed, policy, Firm.Now);
        Assert.True(revoking.RevocationsRead.Try(out _, out var why), why?.Message);

        // The cluster decides again whatever it decided: here that it refused, because one of the two is revoked.
        revoking.Refused(deployment, "revoked");
    }

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

            var replayed = Replay(entry with { Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes(text.ToString())) }, kept);
            Assert.True(replayed.Try(out var again, out _) ? again.Again.Details is not null : true);
        }
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
