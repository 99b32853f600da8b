using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Admission;

/// <summary>A decision of the admission gate as an entry of the ledger. It holds no object and no secret: what was asked is named by kind, name and digests.</summary>
public static class DecisionEntry
{
    /// <summary>What came of a request that goes on.</summary>
    public const string Admitted = "admitted";

    /// <summary>What came of a request that does not.</summary>
    public const string Refused = "refused";

    /// <summary>The type of an admitted record among the evidence of the decision by which it began.</summary>
    public const string AdmittedRecordType = "https://governance.gates/admitted-record/v1";

    // The annotation in which cosign keeps the signature.
    private const string SimpleSigningSignature = "dev.cosignproject.cosign/signature";
    private const int MostNamed = 256;
    private const int LongestUid = 256;
    private const int HashDigits = 16;

    /// <summary>The entry of a decision; null where no rule looked at the request, or nothing is to come of it.</summary>
    /// <param name="case">What was asked.</param>
    /// <param name="outcome">What was decided.</param>
    /// <param name="component">What decided.</param>
    /// <param name="cluster">UID of this cluster's <c>kube-system</c> namespace; null where it was not said.</param>
    /// <param name="trust">The key files of the policy; null where nobody keeps them.</param>
    public static LedgerEntry? Of(AdmissionCase @case, AdmissionOutcome outcome, EntryComponent component, string? cluster, EntryInput? trust)
    {
        ArgumentNullException.ThrowIfNull(@case);
        ArgumentNullException.ThrowIfNull(outcome);
        var (request, policy, decision) = (@case.Request, @case.Policy, outcome.Decision);
        if (request.DryRun || outcome.Answers.IsEmpty)
        {
            return null;
        }

        var artifacts = @case.Images.Select(image => image.Ruling).OfType<ImageRuling.NeedsEvidence>().Select(ruling => new EntryArtifact(ruling.Subject.Repository.ToString(), ruling.Subject.Digest, "image")).Distinct().Take(MostNamed);
        return new()
        {
            Timestamp = outcome.DecidedAt,
            EventId = $"{LedgerText.Of(request.Uid, LongestUid)}-{What(@case, outcome)}",
            EventType = LedgerEvents.Decision,
            CorrelationId = LedgerText.Of(request.Uid),
            ChangeId = LedgerText.Of(outcome.Evidence.Select(claim => claim.Approval).OfType<SignedStatement>().Where(signed => outcome.Grants.Any(grant => grant.RequestDigest == signed.Digest)).Select(signed => signed.Statement.ChangeId).FirstOrDefault()),
            Component = component,
            RetentionClass = RetentionClasses.Audit,
            Environment = @case.Environment ?? (cluster is null ? null : policy.EnvironmentOf(cluster, request.Namespace)?.Name),
            Cluster = LedgerText.Of(cluster),
            Namespace = LedgerText.Of(request.Namespace),
            Actor = PersonalText.Of(request.User) is { } user ? new(user, KindOf(request.User), null, null, null) : null,
            Action = LedgerText.Of($"{request.Operation.ToLowerInvariant()} {request.Resource}{(request.Subresource.Length > 0 ? "/" + request.Subresource : "")}"),
            Resource = new(LedgerText.Of(request.Group), LedgerText.Of(request.Kind)!, LedgerText.Of(request.Name), Metadata(request, "uid") is { ValueKind: JsonValueKind.String } uid ? LedgerText.Of(uid.Text()) : null, Metadata(request, "generation") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var generation) && generation is >= 0 and <= CanonicalWriter.LargestNumber ? generation : null),
            TemplateDigest = (@case.Template as Reading<TemplateProjection>.Found)?.Value.Digest,
            Artifacts = Part([.. artifacts]),
            Verdict = decision.Verdict,
            Mode = @case.Mode,
            Outcome = outcome.Admitted ? Admitted : Refused,
            Exemption = request.Namespace is { } name && policy.Admission.AuditedNamespaces.Contains(name) ? new("audited-namespace", LedgerText.Of(name), []) : null,
            Reasons = Part([.. decision.Reasons.Concat(decision.Verdict <= Verdict.Warn ? decision.Notes : []).Take(MostNamed).Select(reason => new EntryReason(LedgerText.Of(reason.Rule) ?? "none", null, PersonalText.Of(reason.ToString(), LedgerText.LongestMessage)!))]),
            Quorum = Part([.. outcome.Grants.DistinctBy(grant => grant.RequestDigest).Select(Quorum)]),
            Policy = new(policy.Name, policy.Version, policy.Digest),
            Inputs = [.. Inputs(outcome, trust)],
            Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(DecisionBasis.Write(@case, outcome)),
            Evidence = Part([.. Began(outcome), .. outcome.Evidence.SelectMany(Evidence).DistinctBy(one => one.Digest).Take(MostNamed - 1)]),
            Admitted = outcome.Grants.IsEmpty || !outcome.Admitted ? null : new(outcome.Grants.Min(grant => grant.UseBy), outcome.Grants.Min(grant => grant.RunUntil), LedgerText.Of(request.Uid)),
        };
    }

    /// <summary>The entry of a review that was refused because it could not be read.</summary>
    /// <param name="uid">Its uid.</param>
    /// <param name="reason">What is wrong with it.</param>
    /// <param name="component">What refused it.</param>
    /// <param name="cluster">UID of this cluster's <c>kube-system</c> namespace; null where it was not said.</param>
    /// <param name="now">When.</param>
    public static LedgerEntry OfUnreadable(string uid, Reason reason, EntryComponent component, string? cluster, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(reason);
        var message = PersonalText.Of(reason.ToString(), LedgerText.LongestMessage)!;
        return new()
        {
            Timestamp = now,
            EventId = $"{LedgerText.Of(uid, LongestUid)}-{Digest.Of(Encoding.UTF8.GetBytes(reason.ToString())).Hex[..HashDigits]}",
            EventType = LedgerEvents.Decision,
            CorrelationId = LedgerText.Of(uid),
            Component = component,
            RetentionClass = RetentionClasses.Audit,
            Cluster = LedgerText.Of(cluster),
            Action = "review",
            Verdict = Gates.Verdict.Unknown,
            Mode = Gates.Mode.Enforce,
            Outcome = Refused,
            Reasons = Part([new EntryReason(LedgerText.Of(reason.Rule) ?? "none", null, message)]),
        };
    }

    /// <summary>The entry that tells when a request or an answer to one was seen first; null for any other claim.</summary>
    /// <param name="claim">What was proven.</param>
    /// <param name="component">What saw it.</param>
    /// <param name="now">When.</param>
    public static LedgerEntry? OfSeen(Claim claim, EntryComponent component, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(claim);
        if (claim.Approval is not { Statement: var statement } signed)
        {
            return null;
        }

        var (approval, person) = (statement as Approval, statement is Approval { Approver: var approver } ? approver.Person : statement.Requester.Person);
        return new()
        {
            Timestamp = now,
            EventId = $"seen-{signed.Digest.Hex}",
            EventType = approval is null ? LedgerEvents.RequestSeen : LedgerEvents.ApprovalSeen,
            CorrelationId = LedgerText.Of(approval?.RequestId ?? statement.Id),
            ChangeId = LedgerText.Of(statement.ChangeId),
            Component = component,
            RetentionClass = RetentionClasses.Approvals,
            Environment = LedgerText.Of(statement.Scope.Environments.FirstOrDefault()),
            Actor = PersonalText.Of(person) is { } id ? new(id, "person", LedgerText.Of(approval?.Approver.Role), PersonalText.Of(approval?.Approver.OnBehalfOf), null) : null,
            Action = LedgerText.Of(statement.Action),
            Artifacts = Part([.. statement.Covers.Where(covered => covered.Kind == CoveredKind.Artifact).Take(MostNamed).Select(covered => new EntryArtifact(LedgerText.Of(covered.Name) ?? "artifact", covered.Digest, "image"))]),
            TemplateDigest = statement.Covers.FirstOrDefault(covered => covered.Kind == CoveredKind.Template)?.Digest,
            Outcome = approval?.Decision.ToString().ToLowerInvariant() ?? "request",
            Evidence = Part([.. Evidence(claim)]),
        };
    }

    private static IEnumerable<EntryInput> Inputs(AdmissionOutcome outcome, EntryInput? trust)
    {
        if (outcome.Circumstances.Revocations is Reading<Revocations.RevocationList>.Found({ Signed: { } signed } list))
        {
            yield return new(EntryInputKind.Revocations, $"{list.Number}", signed.Digest, list.IssuedAt);
        }

        if (trust is not null)
        {
            yield return trust;
        }
    }

    private static IEnumerable<EntryEvidence> Began(AdmissionOutcome outcome)
    {
        if (outcome.Began is { } began && DecisionBasis.Kept(began) is var record)
        {
            yield return new(AdmittedRecordType, record.Digest, record.Bytes.Length, null, null);
        }
    }

    private static IEnumerable<EntryEvidence> Evidence(Claim claim)
    {
        var signer = PersonalText.Of(string.Join(' ', claim.Signers));
        yield return new(LedgerText.Of(claim.PredicateType) ?? MediaTypes.SimpleSigning, claim.Evidence, claim.Size, signer, claim.SignedAt);
        if (claim.Signature is { } signature)
        {
            yield return new(SimpleSigningSignature, signature.Digest, signature.Bytes.Length, signer, claim.SignedAt);
        }

        if (claim.Annotations is { } annotations)
        {
            yield return new(LayerAnnotations.Type, annotations.Digest, annotations.Bytes.Length, signer, claim.SignedAt);
        }
    }

    // A review that is sent again and comes out the same is one event. Under its uid nothing else may pass for it.
    private static string What(AdmissionCase @case, AdmissionOutcome outcome)
    {
        var words = string.Join('\n', [.. @case.Images.Select(image => DecisionBasis.Written(image) ?? image.Path), $"{(@case.Template as Reading<TemplateProjection>.Found)?.Value.Digest}", $"{outcome.Admitted} {outcome.Decision.Verdict}", .. outcome.Decision.Reasons.Select(reason => LedgerText.Of(reason.ToString(), LedgerText.LongestMessage))]);
        return Digest.Of(Encoding.UTF8.GetBytes(words)).Hex[..HashDigits];
    }

    private static EntryQuorum Quorum(Grant grant) => new(grant.Action, grant.Counted.Length, [.. grant.Counted.Select(counted => new CountedPerson(PersonalText.Of(counted.Person)!, counted.Role))], []);

    private static EntryPart<ImmutableArray<T>>? Part<T>(ImmutableArray<T> items) => items.IsEmpty ? null : new EntryPart<ImmutableArray<T>>.Inline(items);

    /// <summary>The kind of an actor, by the name with which the API server authenticated it.</summary>
    public static string KindOf(string user) => user.StartsWith("system:serviceaccount:", StringComparison.Ordinal) ? "service-account" : user.StartsWith("system:", StringComparison.Ordinal) ? "system" : "user";

    private static JsonElement Metadata(AdmissionRequest request, string name) =>
        (request.Object.ValueKind == JsonValueKind.Object ? request.Object : request.OldObject) is { ValueKind: JsonValueKind.Object } value
        && value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty(name, out var found) ? found : default;
}
