using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>Entries to test with.</summary>
internal static class TestEntries
{
    public static readonly DateTimeOffset Now = Time("2026-03-02T10:00:00.123Z");

    /// <summary>The least that an entry has.</summary>
    public static LedgerEntry Small(int number) => new()
    {
        Timestamp = Now.AddSeconds(number),
        EventId = string.Create(CultureInfo.InvariantCulture, $"event-{number}"),
        EventType = LedgerEvents.Heartbeat,
        Component = new("gates-webhook", "0.1.0", null),
    };

    /// <summary>A value in each field, each different from all others where its type allows.</summary>
    public static LedgerEntry Whole { get; } = new()
    {
        PreviousHash = TreeHash.OfLeaf("before"u8),
        Critical = ["verdict"],
        Origin = "shop/production/9f1c7e9e/0",
        Epoch = 2,
        Sequence = 41,
        Timestamp = Now,
        Clock = new("ntp", 12),
        EventId = "01JNKA",
        EventType = LedgerEvents.Decision,
        CorrelationId = "5d0a3b6e-0000-4000-8000-000000000001",
        Parent = new("shop/production/9f1c7e9e/1", 7),
        ChangeId = "change-1",
        IncidentId = "incident-1",
        Component = new("gates-webhook", "0.1.0", Filled('1')),
        Instance = "gates-webhook-0",
        Environment = "production",
        Cluster = "9f1c7e9e-0000-4000-8000-000000000001",
        Namespace = "pay",
        Actor = new(Plain("p-1"), "person", "operator", Plain("p-2"), Plain("system:admin")),
        IpAddress = Plain("192.0.2.7"),
        Action = "deploy",
        Resource = new("apps", "Deployment", "shop", "7c0f5f6a-0000-4000-8000-000000000001", 3),
        ObjectDigest = Filled('2'),
        TemplateDigest = Filled('3'),
        Artifacts = Inline(new EntryArtifact("registry.example/shop", Filled('4'), "image"), new EntryArtifact("registry.example/模型/𠮷", Filled('5'), "model")),
        Verdict = Verdict.Deny,
        Mode = Mode.Audit,
        Outcome = "admitted",
        DryRun = true,
        Exemption = new("break-glass", "01JNK8", ["provenance", "signed"]),
        Reasons = Inline(new EntryReason("artifacts.images[2].signed", "not-signed", Plain("no signature \"counts\" \\ für 5 €")), new EntryReason("approvals.deploy", null, Plain("one person is missing"))),
        Quorum = Inline(new EntryQuorum("approvals.deploy", 2, [new(Plain("p-3"), "operator"), new(Plain("p-4"), null)], [new(Plain("p-1"), "requester")]), new EntryQuorum("approvals.risk", 0, [], [])),
        Policy = new("shop", 7, Filled('6')),
        Inputs =
        [
            new(EntryInputKind.Feeds, "osv", Filled('7'), Time("2026-03-02T09:00:00Z")),
            new(EntryInputKind.Freezes, "year-end", Filled('8'), Time("2026-03-02T09:00:01Z")),
            new(EntryInputKind.Revocations, "main", Filled('9'), Time("2026-03-02T09:00:02.5Z")),
            new(EntryInputKind.Revocations, "second", Filled('a'), Time("2026-03-02T09:00:03Z")),
            new(EntryInputKind.Rosters, "team", Filled('b'), Time("2026-03-02T09:00:04Z")),
            new(EntryInputKind.Trust, "root", Filled('c'), Time("2026-03-02T09:00:05.0000001Z")),
        ],
        Evidence = Inline(new EntryEvidence("https://slsa.dev/provenance/v1", Filled('d'), 4_321, Plain("release@shop"), Time("2026-03-01T08:00:00Z")), new EntryEvidence("https://governance.gates/request/v1", Filled('e'), 0, null, null)),
        Admitted = new(Time("2026-03-08T10:00:00Z"), Time("2026-09-01T00:00:00Z"), "01JNK9"),
        PreviousState = Document("""{"replicas":2}"""),
        NewState = new EntryPart<ReadOnlyMemory<byte>>.Kept(Filled('f'), 70_000),
        Details = Document("""{"a":[1,null,true,{"c":"ü","d":-5}],"b":{"sequence":99}}"""),
        Rationale = new EntryPart<PersonalText>.Inline(Plain("the release of the week")),
        ComplianceTags = ["MiFID II RTS 6", "SOX 404"],
        RetentionClass = "seven-years",
        Suppressed = new(3, TreeHash.OfLeaf("flood"u8), Time("2026-03-02T09:59:00Z"), Time("2026-03-02T09:59:59Z")),
    };

    /// <summary>The same with personal values encrypted, and with all that can be kept beside the log.</summary>
    public static LedgerEntry Encrypted { get; } = Whole with
    {
        Actor = new(Secret, "person", null, Secret, Secret),
        IpAddress = Secret,
        Artifacts = new EntryPart<ImmutableArray<EntryArtifact>>.Kept(Filled('1'), 1),
        Reasons = Inline(new EntryReason("artifacts.images[2].signed", null, Secret)),
        Quorum = Inline(new EntryQuorum("approvals.deploy", 2, [new(Secret, "operator")], [new(Secret, "requester")])),
        Evidence = Inline(new EntryEvidence("https://slsa.dev/provenance/v1", Filled('d'), 4_321, Secret, null)),
        PreviousState = new EntryPart<ReadOnlyMemory<byte>>.Kept(Filled('2'), 2),
        Details = new EntryPart<ReadOnlyMemory<byte>>.Kept(Filled('3'), 3),
        Rationale = new EntryPart<PersonalText>.Inline(Secret),
    };

    private static PersonalText.Encrypted Secret => new("subject-7", "AAECAwQFBgcICQoL", "c2VjcmV0IGFuZCBpdHMgdGFn");

    public static PersonalText Plain(string text) => new PersonalText.Plain(text);

    public static EntryPart<ImmutableArray<T>> Inline<T>(params ImmutableArray<T> items) => new EntryPart<ImmutableArray<T>>.Inline(items);

    public static EntryPart<ReadOnlyMemory<byte>> Document(string json) => new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes(json));

    public static Digest Filled(char digit) => Digest.Parse($"sha256:{new string(digit, 64)}");

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
