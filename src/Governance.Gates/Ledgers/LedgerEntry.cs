using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>One entry of a ledger, version 1: what happened, who did it, what was decided and from what (<c>docs/formats/ledger.md</c>).</summary>
/// <remarks>What has no value is absent. Texts are as <see cref="LedgerText"/> says; <see cref="LedgerText.Of"/> makes them so.</remarks>
public sealed record LedgerEntry
{
    /// <summary>The most bytes of an entry: its length stands in two bytes (C2SP tlog-tiles).</summary>
    public const int MostBytes = 65_535;

    /// <summary>The hash of the entry before, zeros for the first. The writer of the log sets it.</summary>
    public TreeHash PreviousHash { get; init; }

    /// <summary>Names of fields that a reader must know.</summary>
    public ImmutableArray<string> Critical { get; init; } = [];

    /// <summary>Which log. The writer of the log sets it.</summary>
    public string Origin { get; init; } = "";

    /// <summary>Which holder of the log, from 1: one who takes it over counts further. The writer of the log sets it.</summary>
    public long Epoch { get; init; }

    /// <summary>The index in the log, from 0. The writer of the log sets it.</summary>
    public long Sequence { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>How good <see cref="Timestamp"/> is.</summary>
    public EntryClock? Clock { get; init; }

    /// <summary>The event's own id: what happened once is recorded once.</summary>
    public required string EventId { get; init; }

    /// <summary>One of <see cref="LedgerEvents"/>.</summary>
    public required string EventType { get; init; }

    /// <summary>What a user or another system calls the same act, such as the uid of an AdmissionReview.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>The entry that led to this one.</summary>
    public EntryReference? Parent { get; init; }

    /// <summary>The chain from pull request to Pod.</summary>
    public string? ChangeId { get; init; }

    /// <summary>The incident that it belongs to.</summary>
    public string? IncidentId { get; init; }

    /// <summary>What decided, or did.</summary>
    public required EntryComponent Component { get; init; }

    /// <summary>Which of its instances.</summary>
    public string? Instance { get; init; }

    /// <summary>The policy's name of the environment.</summary>
    public string? Environment { get; init; }

    /// <summary>The UID of the cluster's <c>kube-system</c> namespace.</summary>
    public string? Cluster { get; init; }

    /// <summary>The namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Who.</summary>
    public EntryActor? Actor { get; init; }

    /// <summary>From where.</summary>
    public PersonalText? IpAddress { get; init; }

    /// <summary>What was asked.</summary>
    public string? Action { get; init; }

    /// <summary>Of what.</summary>
    public EntryResource? Resource { get; init; }

    /// <summary>The digest of the object's canonical form.</summary>
    public Digest? ObjectDigest { get; init; }

    /// <summary>The digest of the projection of the pod template.</summary>
    public Digest? TemplateDigest { get; init; }

    /// <summary>The images and models.</summary>
    public EntryPart<ImmutableArray<EntryArtifact>>? Artifacts { get; init; }

    /// <summary>What was decided.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>What the gate does with a verdict.</summary>
    public Mode? Mode { get; init; }

    /// <summary>What came of it, such as <c>admitted</c> or <c>refused</c>: a Deny in audit mode was admitted.</summary>
    public string? Outcome { get; init; }

    /// <summary>Whether nothing was to come of it.</summary>
    public bool DryRun { get; init; }

    /// <summary>Why rules did not bind.</summary>
    public EntryExemption? Exemption { get; init; }

    /// <summary>Why the verdict is what it is.</summary>
    public EntryPart<ImmutableArray<EntryReason>>? Reasons { get; init; }

    /// <summary>How the quorums came out.</summary>
    public EntryPart<ImmutableArray<EntryQuorum>>? Quorum { get; init; }

    /// <summary>The policy in force.</summary>
    public EntryPolicy? Policy { get; init; }

    /// <summary>What else decided.</summary>
    public ImmutableArray<EntryInput> Inputs { get; init; } = [];

    /// <summary>The bytes that decided.</summary>
    public EntryPart<ImmutableArray<EntryEvidence>>? Evidence { get; init; }

    /// <summary>What may go on.</summary>
    public EntryAdmitted? Admitted { get; init; }

    /// <summary>What was there before: a JSON object with whole numbers only.</summary>
    public EntryPart<ReadOnlyMemory<byte>>? PreviousState { get; init; }

    /// <summary>What is there now: a JSON object with whole numbers only.</summary>
    public EntryPart<ReadOnlyMemory<byte>>? NewState { get; init; }

    /// <summary>What only this type of event has: a JSON object with whole numbers only.</summary>
    public EntryPart<ReadOnlyMemory<byte>>? Details { get; init; }

    /// <summary>Why somebody did it, in their words; up to <see cref="LedgerText.LongestMessage"/>.</summary>
    public EntryPart<PersonalText>? Rationale { get; init; }

    /// <summary>The rules and standards that ask for the entry.</summary>
    public ImmutableArray<string> ComplianceTags { get; init; } = [];

    /// <summary>How long it and its evidence are kept, as the policy names it.</summary>
    public string? RetentionClass { get; init; }

    /// <summary>The events that it stands for.</summary>
    public EntrySuppressed? Suppressed { get; init; }

    /// <summary>Reads an entry as it is stored. Never throws for what it is given.</summary>
    /// <param name="stored">At most <see cref="MostBytes"/> bytes, in the one canonical spelling.</param>
    /// <remarks>Fields that are not known are ignored, unless <c>critical</c> names one: then the entry is refused.</remarks>
    public static Reading<LedgerEntry> Read(ReadOnlyMemory<byte> stored) => EntryReader.Read(stored);

    /// <summary>The entry as it is stored; or what of it cannot be.</summary>
    public Reading<ReadOnlyMemory<byte>> Write() => EntryWriter.Write(this);

    /// <summary>The same entry, small enough to be stored: parts that are too large are kept beside the log.</summary>
    /// <param name="kept">What has to be kept, each under the digest of its bytes.</param>
    public LedgerEntry Fit(out ImmutableArray<ReadOnlyMemory<byte>> kept) => EntryFit.Fit(this, out kept);
}
