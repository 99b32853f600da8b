using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Images;

namespace Governance.Gates.Approvals;

/// <summary>What a person signs about one change: a request, or an answer to one. The formats are in <c>docs/formats/approvals.md</c>.</summary>
/// <remarks>Everything in it is a claim of its signer. <see cref="Quorum"/> decides what counts.</remarks>
public abstract record ApprovalStatement
{
    /// <summary>The predicate type of a <see cref="ApprovalRequest"/>.</summary>
    public const string RequestType = "https://governance.gates/request/v1";

    /// <summary>The predicate type of an <see cref="Approval"/>.</summary>
    public const string ApprovalType = "https://governance.gates/approval/v1";

    private protected ApprovalStatement()
    {
    }

    /// <summary>The statement's own id: target of a withdrawal or revocation.</summary>
    public required string Id { get; init; }

    /// <summary>The chain from pull request to pod; null where there is none.</summary>
    public string? ChangeId { get; init; }

    /// <summary>The key of the policy's <c>approvals</c>.</summary>
    public required string Action { get; init; }

    /// <summary>Where it may be used. What is absent is nothing, never everything.</summary>
    public required ApprovalScope Scope { get; init; }

    /// <summary>What exactly it is about.</summary>
    public required ImmutableArray<Covered> Covers { get; init; }

    /// <summary>Who asked, by person id and by the identity that signed the request.</summary>
    public required Party Requester { get; init; }

    /// <summary>Ids of persons who made what is asked for, and so cannot count.</summary>
    public ImmutableArray<string> Contributors { get; init; } = [];

    /// <summary>The policy as the signer saw it: information, not a condition.</summary>
    public PolicySeen? Policy { get; init; }

    /// <summary>Change tickets.</summary>
    public ImmutableArray<Ticket> Tickets { get; init; } = [];
}

/// <summary>One person's wish to do something.</summary>
public sealed record ApprovalRequest : ApprovalStatement
{
    /// <summary><c>standard</c>, <c>normal</c>, <c>emergency</c> or <c>break-glass</c>.</summary>
    public required string Category { get; init; }

    /// <summary>When its signer says it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Old and new value, as a JSON object; empty where there is none.</summary>
    public ReadOnlyMemory<byte> Parameters { get; init; }

    /// <summary>Before this nothing may begin; null: at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>After this nothing may begin; null: the times of the approvals alone.</summary>
    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>Digest of the impact assessment.</summary>
    public Digest? Impact { get; init; }

    /// <summary>Digest of the risk assessment.</summary>
    public Digest? Risk { get; init; }

    /// <summary>Digest of the rollback plan.</summary>
    public Digest? Rollback { get; init; }

    /// <summary>Compliance checks that were made.</summary>
    public ImmutableArray<ComplianceCheck> Checks { get; init; } = [];
}

/// <summary>One person's answer to one request.</summary>
public sealed record Approval : ApprovalStatement
{
    /// <summary>Id of the request.</summary>
    public required string RequestId { get; init; }

    /// <summary>SHA-256 of the request's signed payload.</summary>
    public required Digest RequestDigest { get; init; }

    /// <summary>Yes, no, or no longer.</summary>
    public required ApprovalDecision Decision { get; init; }

    /// <summary>Who answers.</summary>
    public required Approver Approver { get; init; }

    /// <summary>What the approver looked at.</summary>
    public ImmutableArray<EvidenceSeen> EvidenceSeen { get; init; } = [];

    /// <summary>When its signer says it was given.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>The end of the right to begin; the policy may end it sooner, never later.</summary>
    public required DateTimeOffset UseBy { get; init; }

    /// <summary>The end of the right to go on starting; null: the policy's.</summary>
    public DateTimeOffset? RunUntil { get; init; }

    /// <summary>How often the request may be used; null: the policy's number.</summary>
    public long? MaxUses { get; init; }

    /// <summary>Rules that a break-glass approval waives.</summary>
    public ImmutableArray<string> Waives { get; init; } = [];

    /// <summary>By when a break-glass approval must be reviewed.</summary>
    public DateTimeOffset? ReviewBy { get; init; }

    /// <summary>The statement that is taken back.</summary>
    public string? Withdraws { get; init; }

    /// <summary>The approval of the same person that this one replaces.</summary>
    public string? Supersedes { get; init; }

    /// <summary>Digest of the reasons, which are kept elsewhere.</summary>
    public Digest? Rationale { get; init; }

    /// <summary>Number of the revocation list that the approver saw.</summary>
    public long? RevocationVersion { get; init; }
}

/// <summary>What an answer says.</summary>
public enum ApprovalDecision
{
    /// <summary>Yes.</summary>
    Approve,

    /// <summary>No: the request is dead.</summary>
    Reject,

    /// <summary>An earlier statement no longer counts.</summary>
    Withdraw,

    /// <summary>A review after the fact; it counts for nothing beforehand.</summary>
    Acknowledge,
}

/// <summary>Where something may be used. An empty list of environments is nowhere; the others narrow it further.</summary>
/// <param name="Environments">Names of the policy's environments.</param>
/// <param name="Clusters">UIDs of clusters; empty: those of the environments.</param>
/// <param name="Namespaces">Namespaces; empty: those of the environments.</param>
/// <param name="Workloads"><c>Kind/name</c>; empty: any.</param>
public sealed record ApprovalScope(ImmutableArray<string> Environments, ImmutableArray<string> Clusters, ImmutableArray<string> Namespaces, ImmutableArray<string> Workloads);

/// <summary>What one entry of <c>covers</c> is.</summary>
public enum CoveredKind
{
    /// <summary>An image or a model, by its manifest's digest.</summary>
    Artifact,

    /// <summary>A pod template, by the digest of its projection.</summary>
    Template,

    /// <summary>A whole object, by the digest of its canonical JSON.</summary>
    Object,

    /// <summary>Something to be done, by the digest of its canonical document.</summary>
    Command,
}

/// <summary>One thing that is covered.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">For people; null where it has none.</param>
/// <param name="Digest">Its digest.</param>
/// <param name="Projection">The document of which <paramref name="Digest"/> is the SHA-256, byte for byte, so that an approver sees it and a refusal can show what differs; empty where it is not given.</param>
public sealed record Covered(CoveredKind Kind, string? Name, Digest Digest, ReadOnlyMemory<byte> Projection);

/// <summary>A person and the identity that acts for them.</summary>
/// <param name="Person">The id that the policy gives them.</param>
/// <param name="Identity">The identity.</param>
public sealed record Party(string Person, Identity Identity);

/// <summary>Who answers a request, and as what.</summary>
/// <param name="Person">The id that the policy gives them.</param>
/// <param name="Role">The role in which they answer.</param>
/// <param name="Identity">The identity that signed.</param>
/// <param name="OnBehalfOf">Id of the person whom they stand in for; null: themselves.</param>
/// <param name="Custody">How the key is kept, in the signer's words.</param>
public sealed record Approver(string Person, string Role, Identity Identity, string? OnBehalfOf, string? Custody);

/// <summary>A policy as somebody saw it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
public sealed record PolicySeen(string Name, long Version, Digest Digest)
{
    /// <summary>What decides besides the policy's own bytes, such as <c>revocations</c>.</summary>
    public ImmutableArray<PolicyInput> Inputs { get; init; } = [];
}

/// <summary>An input of decisions as somebody saw it.</summary>
/// <param name="Name">What it is, such as <c>revocations</c>.</param>
/// <param name="Digest">SHA-256 of its bytes.</param>
/// <param name="Time">When it was read.</param>
public sealed record PolicyInput(string Name, Digest Digest, DateTimeOffset Time);

/// <summary>A change ticket.</summary>
public sealed record Ticket(string System, string Id, Digest? Digest);

/// <summary>A compliance check and its result.</summary>
public sealed record ComplianceCheck(string Name, string Result, Digest? Digest);

/// <summary>A piece of evidence that an approver looked at.</summary>
public sealed record EvidenceSeen(string Type, Digest Digest);

/// <summary>A statement whose signature holds.</summary>
/// <param name="Statement">What it says.</param>
/// <param name="Signers">Who signed it; each is a key or a subject that the policy trusts.</param>
/// <param name="Digest">SHA-256 of the signed payload; by it an approval names its request.</param>
/// <param name="Where">Where it was found, for people.</param>
public sealed record SignedStatement(ApprovalStatement Statement, ImmutableArray<Identity> Signers, Digest Digest, string Where);
