using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Approvals;

/// <summary>Reads and writes requests and approvals: in-toto predicates with an order of fields that never changes.</summary>
/// <remarks>Unknown fields are ignored, unless <c>critical</c> names one: then a reader that does not know it refuses the statement.</remarks>
public static class ApprovalStatements
{
    private const int MostDocumentBytes = 1024 * 1024;
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly ImmutableArray<string> Decisions = ["approve", "reject", "withdraw", "acknowledge"];
    private static readonly ImmutableArray<string> Kinds = ["artifact", "template", "object", "command"];
    private static readonly ImmutableArray<string> Categories = ["standard", "normal", "emergency", "break-glass"];

    /// <summary>Reads a predicate. Never throws for what it is given.</summary>
    /// <param name="predicateType">Its type.</param>
    /// <param name="predicate">Its JSON object.</param>
    public static Reading<ApprovalStatement> Read(string predicateType, ReadOnlyMemory<byte> predicate)
    {
        var fields = new JsonFields();
        ApprovalStatement? statement = null;
        if (!Utf8.IsValid(predicate.Span))
        {
            fields.Fail("the predicate is not UTF-8");
        }

        try
        {
            using var document = JsonDocument.Parse(predicate, Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                fields.Fail("the predicate is no object");
            }

            ReadVersion(root, predicateType, fields);
            statement = predicateType switch
            {
                ApprovalStatement.RequestType => ReadRequest(root, fields),
                ApprovalStatement.ApprovalType => ReadApproval(root, fields),
                _ => null,
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate.
            fields.Fail("the predicate is no strict JSON");
        }

        return fields.Fault is null && statement is not null
            ? new Reading<ApprovalStatement>.Found(statement)
            : new Reading<ApprovalStatement>.Unread(new("statement", $"{(predicateType == ApprovalStatement.RequestType ? "a request" : predicateType == ApprovalStatement.ApprovalType ? "an approval" : "a statement")} cannot be read: {fields.Fault ?? "its type is unknown"}", "have it signed again by this version of gates, or bring the gate up to date"));
    }

    /// <summary>The predicate's bytes.</summary>
    public static byte[] Write(ApprovalStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            json.WriteStartArray("critical");
            json.WriteEndArray();
            json.WriteString("id", statement.Id);
            switch (statement)
            {
                case ApprovalRequest request:
                    WriteRequest(json, request);
                    break;
                case Approval approval:
                    WriteApproval(json, approval);
                    break;
            }

            json.WriteEndObject();
        });
    }

    /// <summary>The whole in-toto statement: what is signed.</summary>
    /// <param name="statement">The request or approval.</param>
    /// <param name="subjects">The artifacts by name and digest; at least one.</param>
    public static byte[] WriteStatement(ApprovalStatement statement, IEnumerable<(string? Name, Digest Digest)> subjects) => InTotoStatement.Write(
        [.. subjects.Select(subject => Subject.OfSha256(subject.Name, Convert.FromHexString(subject.Digest.Hex)))],
        statement is ApprovalRequest ? ApprovalStatement.RequestType : ApprovalStatement.ApprovalType,
        Write(statement));

    /// <summary>What an answer must repeat of its request: by it an approval cannot be carried over to another action, place or thing.</summary>
    internal static byte[] Binding(ApprovalStatement statement) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("change_id", statement.ChangeId);
        json.WriteString("action", statement.Action);
        WriteScope(json, statement.Scope);
        WriteCovers(json, statement.Covers);
        WriteParty(json, statement.Requester);
        WriteTexts(json, "contributors", statement.Contributors);
        json.WriteEndObject();
    });

    private static void ReadVersion(JsonElement root, string type, JsonFields fields)
    {
        if (fields.OptionalCount(root, "v") != 1)
        {
            fields.Fail("'v' is not 1");
        }

        foreach (var name in fields.Texts(root, "critical"))
        {
            if (!Known(type).Contains(name))
            {
                fields.Fail($"it must not be read without knowing '{new string([.. name.Take(64)])}'");
            }
        }
    }

    private static ImmutableArray<string> Known(string type) =>
    [
        "v", "critical", "id", "change_id", "action", "scope", "covers", "requester", "contributors", "policy", "tickets",
        .. type == ApprovalStatement.RequestType
            ? (ImmutableArray<string>)["category", "parameters", "window", "impact", "risk", "rollback", "checks", "createdAt"]
            : ["request", "decision", "approver", "evidenceSeen", "issuedAt", "useBy", "runUntil", "maxUses", "waives", "reviewBy", "withdraws", "supersedes", "rationale", "revocationVersion"],
    ];

    private static ApprovalRequest ReadRequest(JsonElement root, JsonFields fields)
    {
        var window = fields.Object(root, "window") ?? default;
        var request = new ApprovalRequest
        {
            Id = fields.RequiredText(root, "id"),
            ChangeId = fields.OptionalText(root, "change_id"),
            Action = fields.RequiredText(root, "action"),
            Category = fields.RequiredText(root, "category"),
            Requester = ReadParty(fields.RequiredObject(root, "requester"), fields),
            Contributors = fields.Texts(root, "contributors"),
            Scope = ReadScope(root, fields),
            Covers = ReadCovers(root, fields),
            Parameters = ReadDocument(root, "parameters", fields),
            NotBefore = fields.OptionalTime(window, "notBefore"),
            NotAfter = fields.OptionalTime(window, "notAfter"),
            Impact = fields.OptionalDigest(root, "impact"),
            Risk = fields.OptionalDigest(root, "risk"),
            Rollback = fields.OptionalDigest(root, "rollback"),
            Checks = fields.List(root, "checks", check => new ComplianceCheck(fields.RequiredText(check, "name"), fields.RequiredText(check, "result"), fields.OptionalDigest(check, "digest"))),
            Tickets = ReadTickets(root, fields),
            Policy = ReadPolicy(root, fields),
            CreatedAt = fields.RequiredTime(root, "createdAt"),
        };
        if (!Categories.Contains(request.Category))
        {
            fields.Fail($"'category' is none of {string.Join(", ", Categories)}");
        }

        return request;
    }

    private static Approval ReadApproval(JsonElement root, JsonFields fields)
    {
        var request = fields.RequiredObject(root, "request");
        var approver = fields.RequiredObject(root, "approver");
        var approval = new Approval
        {
            Id = fields.RequiredText(root, "id"),
            RequestId = fields.RequiredText(request, "id"),
            RequestDigest = fields.RequiredDigest(request, "digest"),
            ChangeId = fields.OptionalText(root, "change_id"),
            Decision = (ApprovalDecision)ReadChoice(root, "decision", Decisions, fields),
            Action = fields.RequiredText(root, "action"),
            Scope = ReadScope(root, fields),
            Covers = ReadCovers(root, fields),
            Approver = new(
                fields.RequiredText(approver, "person"),
                fields.RequiredText(approver, "role"),
                ReadIdentity(fields.RequiredObject(approver, "identity"), fields),
                fields.OptionalText(approver, "onBehalfOf"),
                fields.OptionalText(approver, "custody")),
            Requester = ReadParty(fields.RequiredObject(root, "requester"), fields),
            Contributors = fields.Texts(root, "contributors"),
            EvidenceSeen = fields.List(root, "evidenceSeen", seen => new EvidenceSeen(fields.RequiredText(seen, "type"), fields.RequiredDigest(seen, "digest"))),
            Policy = ReadPolicy(root, fields),
            IssuedAt = fields.RequiredTime(root, "issuedAt"),
            UseBy = fields.RequiredTime(root, "useBy"),
            RunUntil = fields.OptionalTime(root, "runUntil"),
            MaxUses = fields.OptionalCount(root, "maxUses"),
            Waives = fields.Texts(root, "waives"),
            ReviewBy = fields.OptionalTime(root, "reviewBy"),
            Withdraws = fields.OptionalText(root, "withdraws"),
            Supersedes = fields.OptionalText(root, "supersedes"),
            Tickets = ReadTickets(root, fields),
            Rationale = fields.Object(root, "rationale") is { } rationale ? fields.RequiredDigest(rationale, "digest") : null,
            RevocationVersion = fields.OptionalCount(root, "revocationVersion"),
        };
        if ((approval.Decision == ApprovalDecision.Withdraw) != (approval.Withdraws is not null))
        {
            fields.Fail("'withdraws' goes with the decision withdraw, and only with it");
        }

        return approval;
    }

    private static Party ReadParty(JsonElement party, JsonFields fields) =>
        new(fields.RequiredText(party, "person"), ReadIdentity(fields.RequiredObject(party, "identity"), fields));

    private static Identity ReadIdentity(JsonElement identity, JsonFields fields)
    {
        switch (fields.RequiredText(identity, "kind"))
        {
            case "key":
                return new Identity.Key(fields.RequiredDigest(identity, "spki"));
            case "oidc":
                return new Identity.OidcSubject(fields.RequiredText(identity, "issuer"), fields.RequiredText(identity, "subject"));
            case "github":
                return new Identity.GitHubAccount(fields.RequiredCount(identity, "id"));
            default:
                fields.Fail("an identity is of the kind key, oidc or github");
                return new Identity.GitHubAccount(0);
        }
    }

    private static ApprovalScope ReadScope(JsonElement root, JsonFields fields)
    {
        var scope = fields.RequiredObject(root, "scope");
        return new(fields.Texts(scope, "environments"), fields.Texts(scope, "clusters"), fields.Texts(scope, "namespaces"), fields.Texts(scope, "workloads"));
    }

    private static ImmutableArray<Covered> ReadCovers(JsonElement root, JsonFields fields)
    {
        var covers = fields.List(root, "covers", entry =>
        {
            var covered = new Covered((CoveredKind)ReadChoice(entry, "kind", Kinds, fields), fields.OptionalText(entry, "name"), fields.RequiredDigest(entry, "digest"), ReadDocument(entry, "projection", fields));
            if (!covered.Projection.IsEmpty && Digest.Of(covered.Projection.Span) != covered.Digest)
            {
                // Else an approver could be shown one thing and sign another.
                fields.Fail("a projection is not the document whose digest stands beside it");
            }

            return covered;
        });
        if (covers.IsEmpty)
        {
            fields.Fail("'covers' is missing or empty");
        }

        return covers;
    }

    private static ReadOnlyMemory<byte> ReadDocument(JsonElement element, string name, JsonFields fields)
    {
        var document = fields.Raw(element, name);
        if (document.Length > MostDocumentBytes)
        {
            fields.Fail($"'{name}' has more than {MostDocumentBytes} bytes");
        }

        return document;
    }

    private static ImmutableArray<Ticket> ReadTickets(JsonElement root, JsonFields fields) =>
        fields.List(root, "tickets", ticket => new Ticket(fields.RequiredText(ticket, "system"), fields.RequiredText(ticket, "id"), fields.OptionalDigest(ticket, "digest")));

    private static PolicySeen? ReadPolicy(JsonElement root, JsonFields fields) =>
        fields.Object(root, "policy") is { } policy
        ? new(fields.RequiredText(policy, "name"), fields.RequiredCount(policy, "version"), fields.RequiredDigest(policy, "digest"))
        {
            Inputs = fields.Members(policy, "inputs", (name, input) => new PolicyInput(name, fields.RequiredDigest(input, "digest"), fields.RequiredTime(input, "time"))),
        }
        : null;

    private static int ReadChoice(JsonElement element, string name, ImmutableArray<string> words, JsonFields fields)
    {
        var index = words.IndexOf(fields.RequiredText(element, name));
        if (index < 0)
        {
            fields.Fail($"'{name}' is none of {string.Join(", ", words)}");
        }

        return Math.Max(index, 0);
    }

    private static void WriteRequest(Utf8JsonWriter json, ApprovalRequest request)
    {
        WriteOptional(json, "change_id", request.ChangeId);
        json.WriteString("action", request.Action);
        json.WriteString("category", request.Category);
        WriteParty(json, request.Requester);
        WriteTexts(json, "contributors", request.Contributors);
        WriteScope(json, request.Scope);
        WriteCovers(json, request.Covers);
        if (!request.Parameters.IsEmpty)
        {
            json.WritePropertyName("parameters");
            json.WriteRawValue(request.Parameters.Span);
        }

        if (request.NotBefore is not null || request.NotAfter is not null)
        {
            json.WriteStartObject("window");
            WriteTime(json, "notBefore", request.NotBefore);
            WriteTime(json, "notAfter", request.NotAfter);
            json.WriteEndObject();
        }

        WriteOptional(json, "impact", request.Impact?.ToString());
        WriteOptional(json, "risk", request.Risk?.ToString());
        WriteOptional(json, "rollback", request.Rollback?.ToString());
        WriteList(json, "checks", request.Checks, check =>
        {
            json.WriteString("name", check.Name);
            json.WriteString("result", check.Result);
            WriteOptional(json, "digest", check.Digest?.ToString());
        });
        WriteTickets(json, request.Tickets);
        WritePolicy(json, request.Policy);
        WriteTime(json, "createdAt", request.CreatedAt);
    }

    private static void WriteApproval(Utf8JsonWriter json, Approval approval)
    {
        json.WriteStartObject("request");
        json.WriteString("id", approval.RequestId);
        json.WriteString("digest", approval.RequestDigest.ToString());
        json.WriteEndObject();
        WriteOptional(json, "change_id", approval.ChangeId);
        json.WriteString("decision", Decisions[(int)approval.Decision]);
        json.WriteString("action", approval.Action);
        WriteScope(json, approval.Scope);
        WriteCovers(json, approval.Covers);
        json.WriteStartObject("approver");
        json.WriteString("person", approval.Approver.Person);
        json.WriteString("role", approval.Approver.Role);
        WriteIdentity(json, approval.Approver.Identity);
        WriteOptional(json, "onBehalfOf", approval.Approver.OnBehalfOf);
        WriteOptional(json, "custody", approval.Approver.Custody);
        json.WriteEndObject();
        WriteParty(json, approval.Requester);
        WriteTexts(json, "contributors", approval.Contributors);
        WriteList(json, "evidenceSeen", approval.EvidenceSeen, seen =>
        {
            json.WriteString("type", seen.Type);
            json.WriteString("digest", seen.Digest.ToString());
        });
        WritePolicy(json, approval.Policy);
        WriteTime(json, "issuedAt", approval.IssuedAt);
        WriteTime(json, "useBy", approval.UseBy);
        WriteTime(json, "runUntil", approval.RunUntil);
        if (approval.MaxUses is { } most)
        {
            json.WriteNumber("maxUses", most);
        }

        WriteTexts(json, "waives", approval.Waives);
        WriteTime(json, "reviewBy", approval.ReviewBy);
        WriteOptional(json, "withdraws", approval.Withdraws);
        WriteOptional(json, "supersedes", approval.Supersedes);
        WriteTickets(json, approval.Tickets);
        if (approval.Rationale is { } rationale)
        {
            json.WriteStartObject("rationale");
            json.WriteString("digest", rationale.ToString());
            json.WriteEndObject();
        }

        if (approval.RevocationVersion is { } version)
        {
            json.WriteNumber("revocationVersion", version);
        }
    }

    private static void WriteScope(Utf8JsonWriter json, ApprovalScope scope)
    {
        json.WriteStartObject("scope");
        WriteTexts(json, "environments", scope.Environments);
        WriteTexts(json, "clusters", scope.Clusters);
        WriteTexts(json, "namespaces", scope.Namespaces);
        WriteTexts(json, "workloads", scope.Workloads);
        json.WriteEndObject();
    }

    private static void WriteCovers(Utf8JsonWriter json, ImmutableArray<Covered> covers) => WriteList(json, "covers", covers, covered =>
    {
        json.WriteString("kind", Kinds[(int)covered.Kind]);
        WriteOptional(json, "name", covered.Name);
        json.WriteString("digest", covered.Digest.ToString());
        if (!covered.Projection.IsEmpty)
        {
            json.WritePropertyName("projection");
            json.WriteRawValue(covered.Projection.Span);
        }
    });

    private static void WriteParty(Utf8JsonWriter json, Party party)
    {
        json.WriteStartObject("requester");
        json.WriteString("person", party.Person);
        WriteIdentity(json, party.Identity);
        json.WriteEndObject();
    }

    private static void WriteIdentity(Utf8JsonWriter json, Identity identity)
    {
        json.WriteStartObject("identity");
        switch (identity)
        {
            case Identity.Key(var spki):
                json.WriteString("kind", "key");
                json.WriteString("spki", spki.ToString());
                break;
            case Identity.OidcSubject(var issuer, var subject):
                json.WriteString("kind", "oidc");
                json.WriteString("issuer", issuer);
                json.WriteString("subject", subject);
                break;
            case Identity.GitHubAccount(var id):
                json.WriteString("kind", "github");
                json.WriteNumber("id", id);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteTickets(Utf8JsonWriter json, ImmutableArray<Ticket> tickets) => WriteList(json, "tickets", tickets, ticket =>
    {
        json.WriteString("system", ticket.System);
        json.WriteString("id", ticket.Id);
        WriteOptional(json, "digest", ticket.Digest?.ToString());
    });

    private static void WritePolicy(Utf8JsonWriter json, PolicySeen? policy)
    {
        if (policy is null)
        {
            return;
        }

        json.WriteStartObject("policy");
        json.WriteString("name", policy.Name);
        json.WriteNumber("version", policy.Version);
        json.WriteString("digest", policy.Digest.ToString());
        if (!policy.Inputs.IsEmpty)
        {
            json.WriteStartObject("inputs");
            foreach (var input in policy.Inputs)
            {
                json.WriteStartObject(input.Name);
                json.WriteString("digest", input.Digest.ToString());
                WriteTime(json, "time", input.Time);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    // What is not given is absent, never null or empty.
    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time) =>
        WriteOptional(json, name, time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));

    private static void WriteTexts(Utf8JsonWriter json, string name, ImmutableArray<string> texts)
    {
        if (texts.IsEmpty)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void WriteList<T>(Utf8JsonWriter json, string name, ImmutableArray<T> items, Action<T> write)
    {
        if (items.IsEmpty)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            write(json);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
