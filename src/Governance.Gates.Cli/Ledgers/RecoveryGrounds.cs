using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>What a recovery rests on.</summary>
/// <param name="Document">What is kept and given up.</param>
/// <param name="Standing">The request that stands.</param>
/// <param name="Claims">Everything that was said about the document.</param>
/// <param name="Items">The bytes in which it was said.</param>
/// <param name="Policy">The policy under which it stands.</param>
/// <param name="PolicyBytes">The policy's bytes.</param>
internal sealed record RecoveryGrounds(RecoveryDocument Document, RequestStanding Standing, Claims Claims, ImmutableArray<EvidenceItem> Items, Policy Policy, ReadOnlyMemory<byte> PolicyBytes)
{
    private const string DocumentMedia = "governance.gates/ledger-recovery";
    private const string PolicyMedia = "governance.gates/policy";

    /// <summary>The statements of the request that stands, whoever's and whatever they say.</summary>
    private ImmutableArray<Claim> Statements =>
        [.. Claims.Proven.Where(claim => claim.Approval is { } signed && (signed.Digest == Standing.Request.Digest || (signed.Statement as Approval)?.RequestDigest == Standing.Request.Digest)).DistinctBy(claim => claim.Evidence)];

    /// <summary>The bytes to be kept beside the log.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Evidence => [Document.Json, PolicyBytes, .. Statements.Select(claim => (Items.FirstOrDefault(item => item.Digest == claim.Evidence) ?? throw new GateException("the file of statements was changed while it was read", "try again")).Bytes)];

    /// <summary>The entry that tells of the recovery: the first of the log's next holder.</summary>
    /// <param name="now">When it is done.</param>
    public LedgerEntry ToEntry(DateTimeOffset now)
    {
        var (request, grant) = ((ApprovalRequest)Standing.Request.Statement, Standing.Grant!);
        return new()
        {
            Timestamp = now,
            EventId = $"recovered-{Document.Digest.Hex}",
            EventType = LedgerEvents.Recovered,
            CorrelationId = LedgerText.Of(request.Id),
            ChangeId = LedgerText.Of(request.ChangeId),
            Component = LedgerReadings.Component,
            Environment = LedgerText.Of(request.Scope.Environments.FirstOrDefault()),
            Actor = new(PersonalText.Of(request.Requester.Person)!, "person", null, null, null),
            Action = LedgerText.Of(grant.Action),
            ObjectDigest = Document.Digest,
            Verdict = Verdict.Allow,
            Outcome = Document.LastLost is null ? "mended" : "gave-up",
            Reasons = new EntryPart<ImmutableArray<EntryReason>>.Inline([new("ledger.recover", null, PersonalText.Of($"{Document.Lost}: {Document.Damage}", LedgerText.LongestMessage)!)]),
            Quorum = new EntryPart<ImmutableArray<EntryQuorum>>.Inline(
            [
                new(
                    LedgerText.Of(grant.Action)!,
                    Policy.LedgerRecovery!.Require.Sum(slot => slot.Count),
                    [.. grant.Counted.Select(counted => new CountedPerson(PersonalText.Of(counted.Person)!, LedgerText.Of(counted.Role)))],
                    [new(PersonalText.Of(Policy.People.Values.FirstOrDefault(person => person.Id == request.Requester.Person)?.Name ?? request.Requester.Person)!, "requester")]),
            ]),
            Policy = new(Policy.Name, Policy.Version, Policy.Digest),
            Evidence = new EntryPart<ImmutableArray<EntryEvidence>>.Inline(
            [
                new(DocumentMedia, Document.Digest, Document.Json.Length, null, null),
                new(PolicyMedia, Policy.Digest, PolicyBytes.Length, null, null),
                .. Statements.Select(claim => new EntryEvidence(LedgerText.Of(claim.PredicateType)!, claim.Evidence, claim.Size, PersonalText.Of(string.Join(' ', claim.Signers)), null)),
            ]),
            Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Document.Json),
        };
    }
}
