using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Cli;

namespace Governance.Gates.Tests.Approvals;

/// <summary>Requests and approvals as documents: what was written once is read with the same meaning by every later reader.</summary>
public sealed class StatementFormatTests
{
    private const int Seed = 20260302;
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly PublishedSchema RequestSchema = PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/request.schema.json");
    private static readonly PublishedSchema ApprovalSchema = PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/approval.schema.json");

    [Fact]
    public void A_request_of_the_first_version_is_read_with_its_meaning_and_written_back_byte_for_byte()
    {
        var request = Assert.IsType<ApprovalRequest>(Golden("request", out var bytes));
        Assert.Equal(("01JNK7", "change-1", "deploy", "emergency"), (request.Id, request.ChangeId, request.Action, request.Category));
        Assert.Equal(new Party("p-1", new Identity.Key(Filled('1'))), request.Requester);
        AssertShared(request);
        Assert.Equal("""{"limit":{"old":1.5,"new":2}}""", Encoding.UTF8.GetString(request.Parameters.Span));
        Assert.Equal((Time("2026-03-02T06:00:00Z"), Time("2026-03-02T18:00:00Z")), (request.NotBefore!.Value, request.NotAfter!.Value));
        Assert.Equal((Filled('2'), Filled('3'), Filled('4')), (request.Impact!, request.Risk!, request.Rollback!));
        Assert.Equal([new ComplianceCheck("limits", "pass", Filled('5')), new ComplianceCheck("freeze", "none", null)], request.Checks);
        Assert.Equal(Time("2026-03-01T09:00:00Z"), request.CreatedAt);
        Assert.Equal(bytes, Written(request));
    }

    [Fact]
    public void An_approval_of_the_first_version_is_read_with_its_meaning_and_written_back_byte_for_byte()
    {
        var approval = Assert.IsType<Approval>(Golden("approval", out var bytes));
        _ = Golden("request", out var request);
        Assert.Equal(("01JNK8", "01JNK7", "change-1", "deploy"), (approval.Id, approval.RequestId, approval.ChangeId, approval.Action));
        Assert.Equal(Digest.Of(request), approval.RequestDigest);
        Assert.Equal(ApprovalDecision.Approve, approval.Decision);
        Assert.Equal(new Approver("p-4", "operator", new Identity.Key(Filled('6')), "p-5", "hardware"), approval.Approver);
        Assert.Equal(new Party("p-1", new Identity.Key(Filled('1'))), approval.Requester);
        AssertShared(approval);
        Assert.Equal([new EvidenceSeen("https://slsa.dev/provenance/v1", Filled('7'))], approval.EvidenceSeen);
        Assert.Equal((Time("2026-03-01T10:00:00Z"), Time("2026-03-08T10:00:00Z")), (approval.IssuedAt, approval.UseBy));
        Assert.Equal((Time("2026-09-01T00:00:00Z"), Time("2026-03-05T00:00:00Z")), (approval.RunUntil!.Value, approval.ReviewBy!.Value));
        Assert.Equal((1L, 3L), (approval.MaxUses!.Value, approval.RevocationVersion!.Value));
        Assert.Equal(["provenance"], approval.Waives);
        Assert.Equal((null, "01JNK6", Filled('8')), (approval.Withdraws, approval.Supersedes, approval.Rationale!));
        Assert.Equal(bytes, Written(approval));
    }

    [Fact]
    public void What_is_written_validates_against_the_published_schemas_and_is_read_back_as_it_was()
    {
        var random = new Random(Seed);
        for (var i = 0; i < 400; i++)
        {
            ApprovalStatement statement = i % 2 == 0 ? RandomRequest(random) : RandomApproval(random);
            var written = ApprovalStatements.Write(statement);
            using var document = JsonDocument.Parse(written);
            SchemaOf(statement).Check(document.RootElement);
            var read = ApprovalStatements.Read(TypeOf(statement), written);
            Assert.True(read is Reading<ApprovalStatement>.Found(var again) && ApprovalStatements.Write(again).AsSpan().SequenceEqual(written), $"seed {Seed}, statement {i}: {Encoding.UTF8.GetString(written)}: {read}");
        }
    }

    public static TheoryData<string, string> Kinds => new() { { "request", ApprovalStatement.RequestType }, { "approval", ApprovalStatement.ApprovalType } };

    [Theory, MemberData(nameof(Kinds))]
    public void Fields_that_a_reader_does_not_know_are_ignored_wherever_they_stand(string kind, string type)
    {
        var statement = Golden(kind, out _);
        var predicate = Predicate(kind);
        foreach (var place in Objects(predicate).ToList())
        {
            place["later"] = new JsonObject { ["environments"] = new JsonArray("everywhere") };
        }

        var read = Found(ApprovalStatements.Read(type, Bytes(predicate)));
        Assert.Equal(ApprovalStatements.Write(statement), ApprovalStatements.Write(read));
        SchemaOf(statement).Check(JsonDocument.Parse(Bytes(predicate)).RootElement);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_field_that_is_critical_and_not_known_refuses_the_statement_with_a_reason(string kind, string type)
    {
        foreach (var name in (string[])["later", "V", "scope.regions", kind == "request" ? "useBy" : "createdAt"])
        {
            var predicate = Predicate(kind);
            predicate["later"] = "2027-01-01";
            predicate["critical"] = new JsonArray("scope", name);
            var why = Admitted.Unread(ApprovalStatements.Read(type, Bytes(predicate)));
            Assert.Contains($"it must not be read without knowing '{name}'", why.Message, StringComparison.Ordinal);
            AssertNotInSchema(kind, predicate);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void The_schema_names_exactly_the_fields_that_the_reader_knows(string kind, string type)
    {
        using var schema = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(ProjectTree.Root, "docs", "formats", $"{kind}.schema.json")));
        var names = schema.RootElement.GetProperty("properties").EnumerateObject().Select(property => property.Name).ToList();
        var all = Predicate(kind);
        all["critical"] = new JsonArray([.. names.Select(name => (JsonNode)name)]);
        Found(ApprovalStatements.Read(type, Bytes(all)));
        SchemaNamed(kind).Check(JsonDocument.Parse(Bytes(all)).RootElement);

        // The golden file holds each field but the one that excludes another.
        Assert.Equal(names.Where(name => name != "withdraws").Order(StringComparer.Ordinal), all.Select(member => member.Key).Order(StringComparer.Ordinal));
        var required = schema.RootElement.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).ToList();
        foreach (var name in all.Select(member => member.Key).ToList())
        {
            var without = Predicate(kind);
            without.Remove(name);
            Assert.True(ApprovalStatements.Read(type, Bytes(without)) is Reading<ApprovalStatement>.Unread == required.Contains(name), name);
        }
    }

    public static TheoryData<string, string, string> Malformed => new()
    {
        { "request", "\"v\":1", "\"v\":2" },
        { "request", "\"category\":\"emergency\"", "\"category\":\"usual\"" },
        { "request", "\"id\":\"01JNK7\"", "\"id\":\"\"" },
        { "request", "\"id\":\"01JNK7\"", "\"id\":\"a\\nb\"" },
        { "request", "\"id\":\"01JNK7\"", "\"id\":7" },
        { "request", "\"id\":\"01JNK7\"", "\"id\":null" },
        { "request", "\"kind\":\"key\"", "\"kind\":\"oidc\"" },
        { "request", "\"kind\":\"key\"", "\"kind\":\"person\"" },
        { "request", "\"kind\":\"artifact\"", "\"kind\":\"everything\"" },
        { "request", "\"environments\":[\"production\",\"staging\"]", "\"environments\":\"production\"" },
        { "request", "2026-03-02T06:00:00Z", "2026-03-02T06:00:00+00:00" },
        { "request", "2026-03-02T06:00:00Z", "2026-03-02" },
        { "request", "\"version\":7", "\"version\":0" },
        { "request", "\"version\":7", "\"version\":7.5" },
        { "approval", "\"decision\":\"approve\"", "\"decision\":\"yes\"" },
        { "approval", "\"decision\":\"approve\"", "\"decision\":\"withdraw\"" },
        { "approval", "\"supersedes\"", "\"withdraws\"" },
        { "approval", "\"maxUses\":1", "\"maxUses\":0" },
        { "approval", "\"maxUses\":1", "\"maxUses\":\"1\"" },
        { "approval", "\"waives\":[\"provenance\"]", "\"waives\":[[]]" },
        { "approval", "\"rationale\":{\"digest\"", "\"rationale\":{\"text\"" },
        { "approval", "\"revocationVersion\":3", "\"revocationVersion\":-3" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_not_of_the_format_is_refused_by_the_reader_and_by_the_schema(string kind, string from, string to)
    {
        var text = Predicate(kind).ToJsonString(Relaxed);
        Assert.Contains(from, text, StringComparison.Ordinal);
        var changed = text.Replace(from, to, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(Admitted.Unread(ApprovalStatements.Read(kind == "request" ? ApprovalStatement.RequestType : ApprovalStatement.ApprovalType, Encoding.UTF8.GetBytes(changed))).Message));
        AssertNotInSchema(kind, JsonNode.Parse(changed)!.AsObject());
    }

    private static void AssertShared(ApprovalStatement statement)
    {
        Assert.Equal(["p-2", "p-3"], statement.Contributors);
        var scope = statement.Scope;
        Assert.Equal(["production", "staging"], scope.Environments);
        Assert.Equal(["9f1c7e9e-0000-4000-8000-000000000001", "pay", "Deployment/shop"], [Assert.Single(scope.Clusters), Assert.Single(scope.Namespaces), Assert.Single(scope.Workloads)]);
        Assert.Equal(
            [(CoveredKind.Artifact, "registry.example/shop"), (CoveredKind.Template, null), (CoveredKind.Object, "limits"), (CoveredKind.Command, null)],
            statement.Covers.Select(covered => (covered.Kind, covered.Name)));
        Assert.Equal([Filled('a'), Digest.Of(statement.Covers[1].Projection.Span), Filled('b'), Filled('c')], statement.Covers.Select(covered => covered.Digest));
        Assert.EndsWith("\"note\":\"für 5 €\"}", Encoding.UTF8.GetString(statement.Covers[1].Projection.Span), StringComparison.Ordinal);
        Assert.Equal(("shop", 7L, Filled('d')), (statement.Policy!.Name, statement.Policy.Version, statement.Policy.Digest));
        Assert.Equal([new PolicyInput("revocations", Filled('e'), Time("2026-03-01T08:00:00Z"))], statement.Policy.Inputs);
        Assert.Equal([new Ticket("jira", "OPS-1", Filled('f')), new Ticket("board", "2026-03", null)], statement.Tickets);
    }

    private static ApprovalStatement Golden(string kind, out byte[] bytes)
    {
        bytes = File.ReadAllBytes(Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Approvals/testdata", $"{kind}-v1.json"));
        using var statement = JsonDocument.Parse(bytes);
        var predicate = statement.RootElement.GetProperty("predicate");
        SchemaNamed(kind).Check(predicate);
        return Found(ApprovalStatements.Read(statement.RootElement.GetProperty("predicateType").GetString()!, Encoding.UTF8.GetBytes(predicate.GetRawText())));
    }

    private static JsonObject Predicate(string kind) =>
        JsonNode.Parse(File.ReadAllBytes(Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Approvals/testdata", $"{kind}-v1.json")))!["predicate"]!.DeepClone().AsObject();

    // A projection and the parameters are documents of others: nothing is unknown in them.
    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject one => one.Where(member => member.Key is not ("projection" or "parameters" or "inputs")).SelectMany(member => Objects(member.Value)).Prepend(one),
        JsonArray many => many.SelectMany(Objects),
        _ => [],
    };

    private static byte[] Written(ApprovalStatement statement) => ApprovalStatements.WriteStatement(statement, [("registry.example/shop", Filled('a'))]);

    private static byte[] Bytes(JsonObject predicate) => Encoding.UTF8.GetBytes(predicate.ToJsonString(Relaxed));

    private static void AssertNotInSchema(string kind, JsonObject predicate) =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => SchemaNamed(kind).Check(JsonDocument.Parse(Bytes(predicate)).RootElement));

    private static PublishedSchema SchemaNamed(string kind) => kind == "request" ? RequestSchema : ApprovalSchema;

    private static PublishedSchema SchemaOf(ApprovalStatement statement) => statement is ApprovalRequest ? RequestSchema : ApprovalSchema;

    private static string TypeOf(ApprovalStatement statement) => statement is ApprovalRequest ? ApprovalStatement.RequestType : ApprovalStatement.ApprovalType;

    private static ApprovalStatement Found(Reading<ApprovalStatement> reading) =>
        reading is Reading<ApprovalStatement>.Found(var statement) ? statement : throw new Xunit.Sdk.XunitException(reading.ToString());

    private static Digest Filled(char digit) => Digest.Parse($"sha256:{new string(digit, 64)}");

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static ApprovalRequest RandomRequest(Random random) => new()
    {
        Id = Text(random),
        ChangeId = Maybe(random, Text),
        Action = Text(random),
        Category = random.GetItems((string[])["standard", "normal", "emergency", "break-glass"], 1)[0],
        Requester = new(Text(random), RandomIdentity(random)),
        Contributors = Many(random, Text),
        Scope = RandomScope(random),
        Covers = RandomCovers(random),
        Parameters = random.Next(2) == 0 ? default : Document(random),
        NotBefore = random.Next(2) == 0 ? null : Moment(random),
        NotAfter = random.Next(2) == 0 ? null : Moment(random),
        Impact = Maybe(random, AnyDigest),
        Risk = Maybe(random, AnyDigest),
        Rollback = Maybe(random, AnyDigest),
        Checks = Many(random, any => new ComplianceCheck(Text(any), Text(any), Maybe(any, AnyDigest))),
        Tickets = Many(random, any => new Ticket(Text(any), Text(any), Maybe(any, AnyDigest))),
        Policy = RandomPolicy(random),
        CreatedAt = Moment(random),
    };

    private static Approval RandomApproval(Random random)
    {
        var decision = (ApprovalDecision)random.Next(4);
        return new()
        {
            Id = Text(random),
            RequestId = Text(random),
            RequestDigest = AnyDigest(random),
            ChangeId = Maybe(random, Text),
            Decision = decision,
            Action = Text(random),
            Scope = RandomScope(random),
            Covers = RandomCovers(random),
            Approver = new(Text(random), Text(random), RandomIdentity(random), Maybe(random, Text), Maybe(random, Text)),
            Requester = new(Text(random), RandomIdentity(random)),
            Contributors = Many(random, Text),
            EvidenceSeen = Many(random, any => new EvidenceSeen(Text(any), AnyDigest(any))),
            Policy = RandomPolicy(random),
            IssuedAt = Moment(random),
            UseBy = Moment(random),
            RunUntil = random.Next(2) == 0 ? null : Moment(random),
            MaxUses = random.Next(2) == 0 ? null : random.NextInt64(1, long.MaxValue),
            Waives = Many(random, Text),
            ReviewBy = random.Next(2) == 0 ? null : Moment(random),
            Withdraws = decision == ApprovalDecision.Withdraw ? Text(random) : null,
            Supersedes = Maybe(random, Text),
            Tickets = Many(random, any => new Ticket(Text(any), Text(any), Maybe(any, AnyDigest))),
            Rationale = Maybe(random, AnyDigest),
            RevocationVersion = random.Next(2) == 0 ? null : random.NextInt64(1, long.MaxValue),
        };
    }

    private static ApprovalScope RandomScope(Random random) => new(Many(random, Text), Many(random, Text), Many(random, Text), Many(random, Text));

    private static ImmutableArray<Covered> RandomCovers(Random random) => Many(random, any =>
    {
        var document = any.Next(2) == 0 ? default : Document(any);
        return new Covered((CoveredKind)any.Next(4), Maybe(any, Text), document.IsEmpty ? AnyDigest(any) : Digest.Of(document.Span), document);
    }, least: 1);

    private static PolicySeen? RandomPolicy(Random random) => random.Next(2) == 0
        ? null
        : new(Text(random), random.NextInt64(1, long.MaxValue), AnyDigest(random)) { Inputs = [.. Many(random, any => new PolicyInput(Text(any), AnyDigest(any), Moment(any))).DistinctBy(input => input.Name)] };

    private static Identity RandomIdentity(Random random) => random.Next(3) switch
    {
        0 => new Identity.Key(AnyDigest(random)),
        1 => new Identity.OidcSubject(Text(random), Text(random)),
        _ => new Identity.GitHubAccount(random.NextInt64(1, long.MaxValue)),
    };

    private static string Text(Random random) => new(random.GetItems<char>("abcdefghijklmnop 0123456789 \"\\/<>&'=-_.:@ äé中\u00a0", random.Next(1, 24)));

    private static ReadOnlyMemory<byte> Document(Random random) => Bytes(new JsonObject { [Text(random)] = Text(random), ["n"] = random.Next() });

    private static Digest AnyDigest(Random random) => Digest.Of(BitConverter.GetBytes(random.NextInt64()));

    private static DateTimeOffset Moment(Random random) => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(random.Next(-5, 6))).AddSeconds(random.Next());

    private static T? Maybe<T>(Random random, Func<Random, T> make)
        where T : class => random.Next(2) == 0 ? null : make(random);

    private static ImmutableArray<T> Many<T>(Random random, Func<Random, T> make, int least = 0) => [.. Enumerable.Range(0, random.Next(least, 4)).Select(_ => make(random))];
}
