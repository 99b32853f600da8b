using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>What evidence is about: a digest, and the repository from which it would be pulled.</summary>
/// <param name="Repository">The normalised repository.</param>
/// <param name="Digest">The manifest's digest.</param>
public sealed record Subject(Repository Repository, Digest Digest)
{
    // One image is looked up several times in each decision; its texts are long.
    private int hash;

    /// <inheritdoc/>
    public bool Equals(Subject? other) => ReferenceEquals(this, other) || (other is not null && Digest == other.Digest && Repository == other.Repository);

    /// <inheritdoc/>
    public override int GetHashCode() => hash != 0 ? hash : hash = HashCode.Combine(Repository, Digest);

    /// <inheritdoc/>
    public override string ToString() => $"{Repository}@{Digest}";
}

/// <summary>What one verified statement says about one digest. Only <see cref="Claims.Verify"/> makes one.</summary>
public sealed record Claim
{
    internal Claim(string? predicateType, ImmutableArray<Identity> signers, string? names, Digest evidence, string where)
    {
        PredicateType = predicateType;
        Signers = signers;
        Names = names;
        Repository = names is not null && ImageReference.Read(names) is Reading<ImageReference>.Found(var reference) ? reference.Repository : null;
        Evidence = evidence;
        Where = where;
    }

    /// <summary>The signed predicate type; null for cosign simple signing, which has none.</summary>
    public string? PredicateType { get; }

    /// <summary>The trusted keys that signed, each once, or the one subject whose certificate did.</summary>
    public ImmutableArray<Identity> Signers { get; }

    /// <summary>The repository that the signed payload names, as it stands there; null where it names none.</summary>
    public string? Names { get; }

    /// <summary>The repository that <see cref="Names"/> spells, normalised; null where it spells none.</summary>
    public Repository? Repository { get; }

    /// <summary>SHA-256 of the bytes that were verified.</summary>
    public Digest Evidence { get; }

    /// <summary>How many bytes they are.</summary>
    public long Size { get; internal init; }

    /// <summary>The signature in base64, where it stands beside those bytes; null where it is in them.</summary>
    public KeptBytes? Signature { get; internal init; }

    /// <summary>What cosign wrote beside the signature, where a certificate signed and stands there; else null.</summary>
    public KeptBytes? Annotations { get; internal init; }

    /// <summary>When it was signed, by the earliest word of a trusted party; null where nobody was asked.</summary>
    public DateTimeOffset? SignedAt { get; internal init; }

    /// <summary>How the subject was built, where this is SLSA provenance; unread where it cannot be read.</summary>
    public Reading<Provenance>? Provenance { get; internal init; }

    /// <summary>What was said of a commit, where this is a review statement that hangs on the image; null for anything else. It is not about the image: what joins the two is provenance.</summary>
    public ReviewStatement? Review { get; init; }

    /// <summary>Which release was tagged, where the statement says so; null for anything else.</summary>
    public SignedTag? Tag { get; init; }

    /// <summary>Where they were found.</summary>
    public string Where { get; }

    /// <summary>What a request or an approval says, and who signed it; null for anything else.</summary>
    public SignedStatement? Approval { get; internal init; }

    /// <summary>Whether this is a signature over the image itself, in either of cosign's forms.</summary>
    public bool IsSignature => PredicateType is null or PredicateTypes.CosignSign;
}

/// <summary>Evidence that did not become a claim, and why.</summary>
/// <param name="Where">Where it was found.</param>
/// <param name="Code">The verifier's code.</param>
/// <param name="Detail">In words.</param>
public sealed record RefusedEvidence(string Where, RejectionCode Code, string Detail);

/// <summary>Everything that is known of one digest: what was proven, what was refused, what could not be read.</summary>
/// <param name="Proven">Verified statements.</param>
/// <param name="Refused">What did not verify.</param>
/// <param name="Unread">What could not be read; while it is not empty, absence proves nothing.</param>
public sealed record Claims(ImmutableArray<Claim> Proven, ImmutableArray<RefusedEvidence> Refused, ImmutableArray<Reason> Unread)
{
    /// <summary>The requests and approvals among the claims.</summary>
    public ImmutableArray<SignedStatement> Approvals { get; } = [.. Proven.Select(claim => claim.Approval).OfType<SignedStatement>()];

    /// <summary>The ids of the requests among them, each once.</summary>
    public ImmutableArray<string> Requests { get; } = [.. Proven.Select(claim => claim.Approval?.Statement).OfType<ApprovalRequest>().Select(request => request.Id).Distinct(StringComparer.Ordinal)];

    /// <summary>Whether somebody said no, or no longer, to anything.</summary>
    public bool HoldsNo { get; } = Proven.Any(claim => claim.Approval?.Statement is Approval { Decision: ApprovalDecision.Reject or ApprovalDecision.Withdraw });

    internal StandingAllow Standing { get; } = new();

    /// <summary>Nothing is known because nothing could be read.</summary>
    public static Claims CouldNotRead(params ReadOnlySpan<Reason> reasons) => new([], [], [.. reasons]);

    /// <summary>Verifies everything that hangs on a digest for all whom the policy trusts. The one place where evidence becomes claims.</summary>
    /// <param name="subject">The digest that the evidence must be about.</param>
    /// <param name="attached">What was found on it.</param>
    /// <param name="signers">Who may sign. When each of them counts, and for what, is judged at the decision, not here.</param>
    public static Claims Verify(Digest subject, AttachedEvidence attached, TrustedSigners signers)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(attached);
        ArgumentNullException.ThrowIfNull(signers);
        var policy = signers.PolicyFor(Convert.FromHexString(subject.Hex));
        var proven = ImmutableArray.CreateBuilder<Claim>();
        var refused = ImmutableArray.CreateBuilder<RefusedEvidence>();
        foreach (var item in attached.Items)
        {
            switch (SigstoreVerifier.Verify(item.Entity, policy))
            {
                case VerificationOutcome.Rejected { Code: RejectionCode.SubjectMismatch or RejectionCode.WeakDigest } when AboutCommit(item, signers) is { } review:
                    if (review.Try(out var proof, out var why))
                    {
                        proven.Add(proof);
                    }
                    else
                    {
                        refused.Add(new(item.Where, RejectionCode.WrongShape, why.Message));
                    }

                    break;
                case VerificationOutcome.Verified verified:
                    var (type, names) = verified.Content switch
                    {
                        SignedContent.Statement statement => (statement.PredicateType, RepositoryOf(statement, subject)),
                        SignedContent.ImageSignature image => (null, string.IsNullOrEmpty(image.DockerReference) ? null : image.DockerReference),
                        _ => ("", null),
                    };
                    var claim = Of(item, verified, type, names);
                    SignedStatement? approval = null;
                    if (verified.Content is SignedContent.Statement { PredicateType: ApprovalStatement.RequestType or ApprovalStatement.ApprovalType } answer)
                    {
                        if (!ApprovalStatements.Read(answer.PredicateType, answer.Predicate).Try(out var read, out var unreadable))
                        {
                            refused.Add(new(item.Where, RejectionCode.WrongShape, unreadable.Message));
                            break;
                        }

                        approval = new(read, claim.Signers, Digest.Of(answer.Payload.Span), item.Where);
                    }

                    SignedTag? tag = null;
                    if (verified.Content is SignedContent.Statement tagging && SignedTag.Read(tagging) is { } reading && !reading.Try(out tag, out var illegible))
                    {
                        refused.Add(new(item.Where, RejectionCode.WrongShape, illegible.Message));
                        break;
                    }

                    proven.Add(claim with
                    {
                        Approval = approval,
                        Tag = tag,
                        Provenance = verified.Content is SignedContent.Statement built ? ProvenanceReader.Read(built) : null,
                    });
                    break;
                case VerificationOutcome.Rejected rejected:
                    refused.Add(new(item.Where, rejected.Code, rejected.Detail));
                    break;
            }
        }

        return new(proven.ToImmutable(), refused.ToImmutable(), attached.Unread);
    }

    /// <summary>Verifies a review statement that hangs on nothing yet.</summary>
    /// <param name="item">The statement, signed.</param>
    /// <param name="signers">Who may sign. Whether they may say this is judged at the decision, not here.</param>
    public static Reading<Claim> VerifyReview(EvidenceItem item, TrustedSigners signers)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(signers);
        return AboutCommit(item, signers) ?? new Reading<Claim>.Unread(new(
            "statement",
            $"{item.Where} is no review statement of somebody whom the policy trusts{(SigstoreVerifier.Verify(item.Entity, signers.PolicyForStatement(ReviewStatement.PredicateType)) is VerificationOutcome.Rejected rejected ? $": {rejected.Detail} ({rejected.Code})" : "")}",
            "have it signed by a robot that the policy lets review"));
    }

    /// <summary>The review statement in a place where one may lie.</summary>
    /// <param name="item">What lies there, signed.</param>
    /// <param name="signers">Who may sign.</param>
    /// <returns>Null where nobody whom the policy trusts with statements signed it, so that it says nothing; unread where somebody did, and it cannot be read: it may be a "no".</returns>
    public static Reading<Claim?> FindReview(EvidenceItem item, TrustedSigners signers)
    {
        ArgumentNullException.ThrowIfNull(item);
        ArgumentNullException.ThrowIfNull(signers);
        return SigstoreVerifier.Verify(item.Entity, signers.PolicyForStatement(ReviewStatement.PredicateType)) is not VerificationOutcome.Verified ? new Reading<Claim?>.Found(null)
            : VerifyReview(item, signers).Try(out var claim, out var why) ? new Reading<Claim?>.Found(claim)
            : new Reading<Claim?>.Unread(why);
    }

    // A review is about a commit, whatever it hangs on: no image has its digest.
    private static Reading<Claim>? AboutCommit(EvidenceItem item, TrustedSigners signers)
    {
        if (SigstoreVerifier.Verify(item.Entity, signers.PolicyForStatement(ReviewStatement.PredicateType)) is not VerificationOutcome.Verified { Content: SignedContent.Statement statement } verified || ReviewStatements.Read(statement) is not { } reading)
        {
            return null;
        }

        return reading.Try(out var review, out var unreadable)
            ? new Reading<Claim>.Found(Of(item, verified, statement.PredicateType, null) with { Review = review })
            : new Reading<Claim>.Unread(unreadable);
    }

    private static Claim Of(EvidenceItem item, VerificationOutcome.Verified verified, string? predicateType, string? names) => new(predicateType, TrustedSigners.SignersOf(verified), names, item.Digest, item.Where)
    {
        Size = item.Bytes.Length,
        Signature = Beside(item.Signature),
        Annotations = verified.Certificate is null ? null : Beside(item.Annotations),
        SignedAt = verified.Times.IsEmpty ? null : verified.Times.Min(time => time.Time),
    };

    private static KeptBytes? Beside(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? null : KeptBytes.Of(bytes);

    // in-toto leaves a subject's name to its maker. cosign writes the repository there, with its host; a bare file name says nothing about a repository.
    private static string? RepositoryOf(SignedContent.Statement statement, Digest subject)
    {
        var name = statement.Subjects.FirstOrDefault(candidate => candidate.Digests.TryGetValue("sha256", out var hex) && hex == subject.Hex)?.Name;
        var slash = name?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        return slash > 0 && name!.AsSpan(0, slash).ContainsAny('.', ':') ? name : null;
    }
}
