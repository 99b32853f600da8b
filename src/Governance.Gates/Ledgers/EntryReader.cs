using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;

namespace Governance.Gates.Ledgers;

/// <summary>Reads an entry, version 1, and refuses all that is not its one canonical spelling.</summary>
internal static class EntryReader
{
    public const int MaxDepth = 32;

    public static readonly ImmutableArray<string> Verdicts = ["allow", "warn", "unknown", "deny"];
    public static readonly ImmutableArray<string> Modes = ["audit", "warn", "enforce"];

    // In the order of EntryInputKind.
    public static readonly ImmutableArray<string> InputNames = ["feeds", "freezes", "revocations", "rosters", "trust"];

    private const int MostEncrypted = 32 * 1024;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "previous_hash", "v", "critical", "origin", "epoch", "sequence", "timestamp", "clock", "event_id", "event_type", "correlation_id", "parent", "change_id", "incident_id",
        "component", "instance", "environment", "cluster", "namespace", "actor", "ip_address", "action", "resource", "object_digest", "template_digest", "artifacts",
        "verdict", "mode", "outcome", "dry_run", "exemption", "reasons", "quorum", "policy", "inputs", "evidence", "admitted", "previous_state", "new_state", "details",
        "rationale", "compliance_tags", "retention_class", "suppressed",
    };

    public static Reading<LedgerEntry> Read(ReadOnlyMemory<byte> stored)
    {
        var fields = new EntryFields();
        LedgerEntry? entry = null;
        if (stored.Length > LedgerEntry.MostBytes || !Utf8.IsValid(stored.Span))
        {
            fields.Fail(stored.Length > LedgerEntry.MostBytes ? $"it has {stored.Length} bytes, more than {LedgerEntry.MostBytes}" : "it is not UTF-8");
        }
        else
        {
            try
            {
                using var document = JsonDocument.Parse(stored, Strict);
                entry = Read(document.RootElement, fields);
                CheckSpelling(document.RootElement, stored.Span, fields);
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                // InvalidOperationException: an escaped lone surrogate.
                fields.Fail("it is no strict JSON");
            }
        }

        return fields.Fault is null && entry is not null
            ? new Reading<LedgerEntry>.Found(entry)
            : new Reading<LedgerEntry>.Unread(new(
                "ledger",
                $"the entry cannot be read: {fields.Fault}",
                "read it with the version of gates that wrote it, or a later one; if that cannot either, verify the log"));
    }

    /// <summary>Whether an object says where something is kept, and is not the thing itself.</summary>
    public static bool IsKept(JsonElement value) => value.TryGetProperty("digest"u8, out _) && value.TryGetProperty("size"u8, out _);

    public static bool IsEncrypted(string nonce, string ciphertext) =>
        nonce.Length <= LedgerText.Longest && ciphertext.Length <= MostEncrypted && NoteText.TryDecode(nonce) is { Length: > 0 } && NoteText.TryDecode(ciphertext) is { Length: > 0 };

    /// <summary>Which holder of the log wrote a stored entry, read without the rest of it; null where it does not say.</summary>
    public static long? EpochOf(ReadOnlySpan<byte> stored)
    {
        var reader = Reader(stored);
        return IsAtMember(ref reader, "epoch"u8) && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var epoch) && epoch is > 0 and < CanonicalWriter.LargestNumber ? epoch : null;
    }

    /// <summary>Whether a stored entry closes its log, read without the rest of it.</summary>
    public static bool Closes(ReadOnlySpan<byte> stored)
    {
        // Every entry is asked, and hardly one holds these bytes; those that do may hold them in a document of theirs.
        if (stored.IndexOf("\"event_type\":\"log.closed\""u8) < 0)
        {
            return false;
        }

        var reader = Reader(stored);
        return IsAtMember(ref reader, "event_type"u8) && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(LedgerEvents.LogClosed);
    }

    private static Utf8JsonReader Reader(ReadOnlySpan<byte> stored) => new(stored, new JsonReaderOptions { MaxDepth = MaxDepth });

    private static bool IsAtMember(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        try
        {
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(name))
                {
                    return reader.Read();
                }
            }
        }
        catch (JsonException)
        {
            // What is no JSON says nothing.
        }

        return false;
    }

    // One entry has one spelling, also where it has fields that are not known here.
    private static void CheckSpelling(JsonElement root, ReadOnlySpan<byte> stored, EntryFields fields)
    {
        using var json = CanonicalWriter.Rent();
        json.Element(root, first: "previous_hash");
        if (json.Fault is { } fault)
        {
            fields.Fail(fault);
        }
        else if (!json.Written.SequenceEqual(stored))
        {
            fields.Fail("it is not in canonical form: previous_hash first, then the other members in their order, without white space");
        }
    }

    private static LedgerEntry? Read(JsonElement root, EntryFields fields)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            fields.Fail("it is no object");
            return null;
        }

        if (fields.Required(fields.Whole(root, "v", 0), "v") != EntryWriter.Version)
        {
            fields.Fail($"its version is not {EntryWriter.Version}");
        }

        if (fields.Find(root, "critical") is null)
        {
            fields.Fail("'critical' is missing");
        }

        var critical = fields.Texts(root, "critical");
        if (critical.FirstOrDefault(name => !Known.Contains(name)) is { } unknown)
        {
            fields.Fail($"it must not be read without knowing '{LedgerText.Of(unknown, 64)}'");
        }

        var entry = new LedgerEntry
        {
            PreviousHash = fields.Required(fields.Hash(root, "previous_hash"), "previous_hash"),
            Critical = critical,
            Origin = fields.RequiredText(root, "origin"),
            Epoch = fields.RequiredCount(root, "epoch"),
            Sequence = fields.Required(fields.Whole(root, "sequence", 0), "sequence"),
            Timestamp = fields.Required(fields.Instant(root, "timestamp"), "timestamp"),
            Clock = fields.Object(root, "clock") is { } clock ? new(fields.RequiredText(clock, "source"), fields.Whole(clock, "error", 0)) : null,
            EventId = fields.RequiredText(root, "event_id"),
            EventType = fields.RequiredText(root, "event_type"),
            CorrelationId = fields.OptionalText(root, "correlation_id"),
            Parent = fields.Object(root, "parent") is { } parent
                ? new(fields.RequiredText(parent, "origin"), fields.Required(fields.Whole(parent, "sequence", 0), "sequence"))
                : null,
            ChangeId = fields.OptionalText(root, "change_id"),
            IncidentId = fields.OptionalText(root, "incident_id"),
            Component = Component(fields.RequiredObject(root, "component"), fields),
            Instance = fields.OptionalText(root, "instance"),
            Environment = fields.OptionalText(root, "environment"),
            Cluster = fields.OptionalText(root, "cluster"),
            Namespace = fields.OptionalText(root, "namespace"),
            Actor = fields.Object(root, "actor") is { } actor ? Actor(actor, fields) : null,
            IpAddress = fields.Personal(root, "ip_address"),
            Action = fields.OptionalText(root, "action"),
            Resource = fields.Object(root, "resource") is { } resource ? Resource(resource, fields) : null,
            ObjectDigest = fields.OptionalDigest(root, "object_digest"),
            TemplateDigest = fields.OptionalDigest(root, "template_digest"),
            Artifacts = fields.ListPart(root, "artifacts", item => Artifact(item, fields)),
            Verdict = (Verdict?)fields.Choice(root, "verdict", Verdicts),
            Mode = (Mode?)fields.Choice(root, "mode", Modes),
            Outcome = fields.OptionalText(root, "outcome"),
            DryRun = fields.IsTrue(root, "dry_run"),
            Exemption = fields.Object(root, "exemption") is { } exemption
                ? new(fields.RequiredText(exemption, "kind"), fields.OptionalText(exemption, "ref"), fields.SomeTexts(exemption, "waived"))
                : null,
            Reasons = fields.ListPart(root, "reasons", item => Reason(item, fields)),
            Quorum = fields.ListPart(root, "quorum", item => Quorum(item, fields)),
            Policy = fields.Object(root, "policy") is { } policy
                ? new(fields.RequiredText(policy, "name"), fields.RequiredCount(policy, "version"), fields.RequiredDigest(policy, "digest"))
                : null,
            Inputs = Inputs(root, fields),
            Evidence = fields.ListPart(root, "evidence", item => Evidence(item, fields)),
            Admitted = fields.Object(root, "admitted") is { } admitted
                ? new(fields.Instant(admitted, "use_by"), fields.Instant(admitted, "run_until"), fields.OptionalText(admitted, "ref"))
                : null,
            PreviousState = fields.DocumentPart(root, "previous_state"),
            NewState = fields.DocumentPart(root, "new_state"),
            Details = fields.DocumentPart(root, "details"),
            Rationale = fields.Part(root, "rationale", value => fields.Personal(value, "rationale", LedgerText.LongestMessage)!),
            ComplianceTags = fields.SomeTexts(root, "compliance_tags"),
            RetentionClass = fields.OptionalText(root, "retention_class"),
            Suppressed = fields.Object(root, "suppressed") is { } suppressed
                ? new(fields.RequiredCount(suppressed, "count"), fields.Hash(suppressed, "root"), fields.Instant(suppressed, "first"), fields.Instant(suppressed, "last"))
                : null,
        };
        if (!LedgerEvents.IsType(entry.EventType))
        {
            fields.Fail("'event_type' is no type of event");
        }

        return entry;
    }

    private static EntryComponent Component(JsonElement value, EntryFields fields) =>
        new(fields.RequiredText(value, "name"), fields.RequiredText(value, "version"), fields.OptionalDigest(value, "digest"));

    private static EntryActor Actor(JsonElement value, EntryFields fields) => new(
        fields.RequiredPersonal(value, "id"),
        fields.RequiredText(value, "kind"),
        fields.OptionalText(value, "role"),
        fields.Personal(value, "on_behalf_of"),
        fields.Personal(value, "impersonated_by"));

    private static EntryResource Resource(JsonElement value, EntryFields fields) => new(
        fields.OptionalText(value, "group"),
        fields.RequiredText(value, "kind"),
        fields.OptionalText(value, "name"),
        fields.OptionalText(value, "uid"),
        fields.Whole(value, "generation", 0));

    private static EntryArtifact Artifact(JsonElement value, EntryFields fields) =>
        new(fields.RequiredText(value, "uri"), fields.RequiredDigest(value, "digest"), fields.RequiredText(value, "kind"));

    private static EntryReason Reason(JsonElement value, EntryFields fields) =>
        new(fields.RequiredText(value, "rule"), fields.OptionalText(value, "code"), fields.RequiredPersonal(value, "message", LedgerText.LongestMessage));

    private static EntryQuorum Quorum(JsonElement value, EntryFields fields) => new(
        fields.RequiredText(value, "rule"),
        fields.Required(fields.Whole(value, "needed", 0), "needed"),
        fields.Some(value, "counted", item => new CountedPerson(fields.RequiredPersonal(item, "person"), fields.OptionalText(item, "role"))),
        fields.Some(value, "excluded", item => new ExcludedPerson(fields.RequiredPersonal(item, "person"), fields.RequiredText(item, "why"))));

    private static EntryEvidence Evidence(JsonElement value, EntryFields fields) => new(
        fields.RequiredText(value, "type"),
        fields.RequiredDigest(value, "digest"),
        fields.Required(fields.Whole(value, "size", 0), "size"),
        fields.Personal(value, "signer"),
        fields.Instant(value, "verified_time"));

    private static ImmutableArray<EntryInput> Inputs(JsonElement root, EntryFields fields)
    {
        if (fields.Object(root, "inputs") is not { } inputs)
        {
            return [];
        }

        return
        [
            .. InputNames.Index().SelectMany(kind => fields.Some(inputs, kind.Item, input => new EntryInput(
                (EntryInputKind)kind.Index,
                fields.RequiredText(input, "name"),
                fields.RequiredDigest(input, "digest"),
                fields.Required(fields.Instant(input, "time"), "time")))),
        ];
    }
}
