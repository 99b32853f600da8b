using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Cli;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>Entries as stored bytes: what was written once is read with the same meaning by every later reader.</summary>
public sealed class LedgerEntryTests
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly PublishedSchema Schema = PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/ledger-entry.schema.json");

    public static TheoryData<string> Goldens => ["entry", "entry-encrypted", "entry-small"];

    [Theory, MemberData(nameof(Goldens))]
    public void An_entry_of_the_first_version_is_read_with_its_meaning_and_written_back_byte_for_byte(string name)
    {
        var golden = Golden(name);
        Assert.Equal(golden, Encoding.UTF8.GetString(Made(name).Write().Found().Span));
        var read = Read(golden);
        Assert.Equal(golden, Encoding.UTF8.GetString(read.Write().Found().Span));
        Schema.Check(Parse(golden));
    }

    [Fact]
    public void What_is_read_is_what_was_written()
    {
        var (entry, read) = (TestEntries.Whole, Read(Golden("entry")));
        Assert.Equal((entry.PreviousHash, entry.Origin, entry.Epoch, entry.Sequence, entry.Timestamp), (read.PreviousHash, read.Origin, read.Epoch, read.Sequence, read.Timestamp));
        Assert.Equal((entry.Clock, entry.Parent, entry.Component, entry.Actor, entry.IpAddress), (read.Clock, read.Parent, read.Component, read.Actor, read.IpAddress));
        Assert.Equal((entry.Verdict, entry.Mode, entry.Outcome, entry.DryRun, entry.Policy), (read.Verdict, read.Mode, read.Outcome, read.DryRun, read.Policy));
        Assert.Equal((entry.Resource, entry.Admitted, entry.Suppressed, entry.NewState, entry.Rationale), (read.Resource, read.Admitted, read.Suppressed, read.NewState, read.Rationale));
        Assert.Equal(entry.Inputs, read.Inputs);
        Assert.Equal(entry.ComplianceTags, read.ComplianceTags);
        Assert.Equal((entry.ObjectDigest, entry.TemplateDigest), (read.ObjectDigest, read.TemplateDigest));
    }

    [Fact]
    public void The_link_stands_first_and_the_other_members_follow_in_the_order_of_their_names()
    {
        foreach (var name in Goldens.Select(row => row.Data))
        {
            var members = Parse(Golden(name)).EnumerateObject().Select(member => member.Name).ToList();
            Assert.Equal("previous_hash", members[0]);
            Assert.Equal(members[1..].Order(StringComparer.Ordinal), members[1..]);
            Assert.StartsWith($"{{\"previous_hash\":\"{Made(name).PreviousHash}\",", Golden(name), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_schema_names_exactly_the_fields_that_the_reader_knows()
    {
        using var schema = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(ProjectTree.Root, "docs/formats/ledger-entry.schema.json")));
        var names = schema.RootElement.GetProperty("properties").EnumerateObject().Select(property => property.Name).ToList();
        var all = Node("entry");
        Assert.Equal(names.Order(StringComparer.Ordinal), all.Select(member => member.Key).Order(StringComparer.Ordinal));
        all["critical"] = new JsonArray([.. names.Select(name => (JsonNode)name)]);
        Read(Canonical(all));
        Schema.Check(Parse(Canonical(all)));

        var required = schema.RootElement.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).ToList();
        foreach (var name in names)
        {
            var without = Node("entry");
            without.Remove(name);
            Assert.True(LedgerEntry.Read(Bytes(Canonical(without))) is Reading<LedgerEntry>.Unread == required.Contains(name), name);
        }
    }

    // Every member of every object of the format: one that the reader does not look at would be lost when it is written back.
    [Theory, InlineData("entry"), InlineData("entry-encrypted")]
    public void The_schema_and_the_reader_know_the_same_members_of_nested_objects(string name)
    {
        var all = Node(name);
        foreach (var (path, place) in Objects(all, "").ToList())
        {
            foreach (var member in place.Select(member => member.Key).ToList())
            {
                var value = place[member];
                place[member] = new JsonArray(new JsonArray());
                Assert.True(LedgerEntry.Read(Bytes(Canonical(all))) is Reading<LedgerEntry>.Unread, $"{path}.{member} is read as anything");
                Assert.True(Record.Exception(() => Schema.Check(Parse(Canonical(all)))) is not null, $"{path}.{member} is anything in the schema");
                place[member] = value;
            }
        }
    }

    [Fact]
    public void Fields_that_a_reader_does_not_know_are_ignored_wherever_they_stand()
    {
        var all = Node("entry");
        foreach (var (_, place) in Objects(all, "").ToList())
        {
            place["later"] = new JsonObject { ["environments"] = new JsonArray("everywhere"), ["sequence"] = 5 };
        }

        var read = Read(Canonical(all));
        Assert.Equal(Golden("entry"), Encoding.UTF8.GetString(read.Write().Found().Span));
        Schema.Check(Parse(Canonical(all)));
    }

    [Theory]
    [InlineData("later")]
    [InlineData("Verdict")]
    [InlineData("actor.id")]
    public void A_field_that_is_critical_and_not_known_refuses_the_entry_with_a_reason(string name)
    {
        var all = Node("entry");
        all["later"] = "2027-01-01";
        all["critical"] = new JsonArray("verdict", name);
        Assert.Contains($"it must not be read without knowing '{name}'", LedgerEntry.Read(Bytes(Canonical(all))).Why(), StringComparison.Ordinal);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Schema.Check(Parse(Canonical(all))));
    }

    public static TheoryData<string, string> Malformed => new()
    {
        { "\"v\":1", "\"v\":2" },
        { "\"v\":1", "\"v\":\"1\"" },
        { "\"sequence\":41", "\"sequence\":-1" },
        { "\"sequence\":41", "\"sequence\":41.5" },
        { "\"epoch\":2", "\"epoch\":0" },
        { "\"event_id\":\"01JNKA\"", "\"event_id\":\"\"" },
        { "\"event_id\":\"01JNKA\"", "\"event_id\":\"a\\nb\"" },
        { "\"event_id\":\"01JNKA\"", "\"event_id\":null" },
        { "\"event_type\":\"decision\"", "\"event_type\":\"Decision\"" },
        { "\"verdict\":\"deny\"", "\"verdict\":\"no\"" },
        { "\"mode\":\"audit\"", "\"mode\":\"off\"" },
        { "\"dry_run\":true", "\"dry_run\":false" },
        { "2026-03-02T10:00:00.123Z", "2026-03-02T10:00:00.1230Z" },
        { "2026-03-02T10:00:00.123Z", "2026-03-02T10:00:00.123+00:00" },
        { "2026-03-02T10:00:00.123Z", "2026-03-02" },
        { "\"object_digest\":\"sha256:2", "\"object_digest\":\"sha256:G" },
        { "\"compliance_tags\":[\"MiFID II RTS 6\",\"SOX 404\"]", "\"compliance_tags\":[]" },
        { "\"waived\":[\"provenance\",\"signed\"]", "\"waived\":[]" },
        { "\"rationale\":\"the release of the week\"", "\"rationale\":{\"kid\":\"k\",\"nonce\":\"\"}" },
        { "\"size\":4321", "\"size\":-1" },
        { "\"size\":4321", "\"size\":\"4321\"" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_not_of_the_format_is_refused_by_the_reader_and_by_the_schema(string from, string to)
    {
        var text = Golden("entry");
        Assert.Contains(from, text, StringComparison.Ordinal);
        var changed = text.Replace(from, to, StringComparison.Ordinal);
        _ = LedgerEntry.Read(Bytes(changed)).Why();
        Assert.True(Record.Exception(() => Schema.Check(Parse(changed))) is not null);
    }

    // To a schema any object is a document.
    [Theory]
    [InlineData("\"size\":70000", "\"size\":-1")]
    [InlineData("\"size\":70000", "\"size\":\"70000\"")]
    [InlineData("\"previous_state\":{\"replicas\":2}", "\"previous_state\":[]")]
    public void A_document_is_an_object_or_says_where_it_is_kept(string from, string to) =>
        _ = LedgerEntry.Read(Bytes(Golden("entry").Replace(from, to, StringComparison.Ordinal))).Why();

    public static TheoryData<string, string, string> SecondSpellings => new()
    {
        { "white space", "\"v\":1", "\"v\": 1" },
        { "white space before", "{\"previous_hash\"", " {\"previous_hash\"" },
        { "an escape that is not needed", "\"outcome\":\"admitted\"", "\"outcome\":\"\\u0061dmitted\"" },
        { "a number in another form", "\"sequence\":41", "\"sequence\":4.1e1" },
        { "a fraction in a document", "\"replicas\":2", "\"replicas\":2.0" },
        { "a number on which readers differ", "\"replicas\":2", "\"replicas\":9007199254740993" },
        { "minus zero", "\"replicas\":2", "\"replicas\":-0" },
        { "members in another order", "\"mode\":\"audit\",\"namespace\":\"pay\"", "\"namespace\":\"pay\",\"mode\":\"audit\"" },
        { "members of a part in another order", "\"error\":12,\"source\":\"ntp\"", "\"source\":\"ntp\",\"error\":12" },
        { "a member twice", "\"mode\":\"audit\"", "\"mode\":\"audit\",\"mode\":\"audit\"" },
        { "a comment", "\"v\":1", "\"v\":1/**/" },
        { "something after the end", "\"verdict\":\"deny\"}", "\"verdict\":\"deny\"}\n" },
        { "a lone surrogate", "\"outcome\":\"admitted\"", "\"outcome\":\"\\ud800\"" },
    };

    [Theory, MemberData(nameof(SecondSpellings))]
    public void An_entry_has_one_spelling(string because, string from, string to)
    {
        var text = Golden("entry");
        Assert.Contains(from, text, StringComparison.Ordinal);
        Assert.True(LedgerEntry.Read(Bytes(text.Replace(from, to, StringComparison.Ordinal))) is Reading<LedgerEntry>.Unread, because);
    }

    [Fact]
    public void The_link_must_stand_first()
    {
        var link = $"\"previous_hash\":\"{TestEntries.Whole.PreviousHash}\",";
        var sorted = Golden("entry").Replace(link, "", StringComparison.Ordinal).Replace("\"previous_state\"", link + "\"previous_state\"", StringComparison.Ordinal);
        Assert.Contains("previous_hash first", LedgerEntry.Read(Bytes(sorted)).Why(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_entry_are_refused_and_never_thrown_at()
    {
        var random = new Random(20261127);
        var golden = Bytes(Golden("entry"));
        foreach (var bytes in (byte[][])[[], "null"u8.ToArray(), "[]"u8.ToArray(), "{}"u8.ToArray(), new byte[LedgerEntry.MostBytes + 1], [.. Enumerable.Repeat((byte)'[', 60_000)], [0xff, .. golden]])
        {
            _ = LedgerEntry.Read(bytes).Why();
        }

        for (var i = 0; i < 5_000; i++)
        {
            var changed = golden.ToArray();
            changed[random.Next(changed.Length)] = (byte)random.Next(256);
            _ = LedgerEntry.Read(changed.AsMemory(0, random.Next(2) == 0 ? changed.Length : random.Next(changed.Length)));
        }
    }

    [Fact]
    public void Texts_from_outside_are_made_fit_to_stand_in_an_entry()
    {
        Assert.Null(LedgerText.Of(null));
        Assert.Null(LedgerText.Of(""));
        Assert.Equal("a\ufffdb\ufffdc\ufffd\ufffd", LedgerText.Of("a\nb\u202ec\ud800\u0007"));
        Assert.Equal("𠮷野家", LedgerText.Of("𠮷野家"));
        Assert.Equal(LedgerText.Longest, LedgerText.Of(new string('x', 5_000))!.Length);
        Assert.EndsWith("x…", LedgerText.Of(new string('x', 5_000)), StringComparison.Ordinal);
        Assert.EndsWith("…", LedgerText.Of(string.Concat(Enumerable.Repeat("𠮷", 600))), StringComparison.Ordinal);
        foreach (var hostile in (string[])["\r\n::error::x", "\u001b[2J", "\ud800", new string('€', 2_000), "a\"b\\c"])
        {
            var entry = TestEntries.Small(1) with { Namespace = LedgerText.Of(hostile) };
            Assert.Equal(entry.Namespace, Read(Encoding.UTF8.GetString(Placed(entry).Write().Found().Span)).Namespace);
        }
    }

    [Fact]
    public void An_entry_that_cannot_be_stored_says_what_of_it_cannot()
    {
        var small = Placed(TestEntries.Small(1));
        Assert.Contains("'event_type' is not registered", (small with { EventType = "lunch" }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("not one line", (small with { Action = "a\nb" }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("'epoch' is 0", (small with { Epoch = 0 }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("no object", (small with { Details = TestEntries.Document("[]") }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("no strict JSON", (small with { Details = TestEntries.Document("{\"a\":1,\"a\":2}") }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("not whole", (small with { Details = TestEntries.Document("{\"a\":0.5}") }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("'details' has to be kept", (small with { Details = TestEntries.Document("{\"digest\":1,\"size\":2}") }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("more than 65535", (small with { Details = TestEntries.Document($"{{\"a\":\"{new string('x', 65_535)}\"}}") }).Write().Why(), StringComparison.Ordinal);
        Assert.Contains("no base64", (small with { IpAddress = new PersonalText.Encrypted("k", "AAAA", "?") }).Write().Why(), StringComparison.Ordinal);
    }

    // A document that is canonical already is copied. The reader, which writes what it read anew, tells whether it was.
    [Fact]
    public void Whatever_document_is_taken_is_stored_in_the_spelling_that_readers_ask_for()
    {
        string[] documents =
        [
            """{"a":[],"b":{},"c":[{"d":"e"},-12,0,true,false,null],"f":999999999999999,"g":""}""",
            """{"":1,"A":"~ !#'","a":{"a":{"a":[[["x"]]]}},"é":"€"}""",
            """{ "b" : 1 , "a" : [ 1 , "\u0041\n" ] }""",
            $"{{\"a\":{string.Concat(Enumerable.Repeat("[", 30))}{string.Concat(Enumerable.Repeat("]", 30))}}}",
        ];
        const string others = "{}[]\",:0-19.e \\\n\u007fatfnruel";
        var small = Placed(TestEntries.Small(1));
        var (random, taken) = (new Random(1), 0);
        for (var i = 0; i < 40_000; i++)
        {
            var document = Bytes(documents[i % documents.Length]).ToList();
            for (var changes = random.Next(3); changes > 0; changes--)
            {
                var at = random.Next(document.Count);
                var other = (byte)others[random.Next(others.Length)];
                switch (random.Next(3))
                {
                    case 0: document[at] = other; break;
                    case 1: document.Insert(at, other); break;
                    default: document.RemoveAt(at); break;
                }
            }

            var details = new EntryPart<ReadOnlyMemory<byte>>.Inline(document.ToArray());
            if ((small with { Details = details }).Write().Try(out var stored, out _))
            {
                taken++;
                Assert.True(LedgerEntry.Read(stored).Try(out _, out var why), $"{Encoding.UTF8.GetString([.. document])}: {why}");
            }
        }

        Assert.InRange(taken, 5_000, 35_000);
    }

    [Fact]
    public void Parts_that_are_too_large_for_an_entry_are_kept_beside_the_log_under_their_digest()
    {
        var large = TestEntries.Whole with
        {
            Artifacts = new EntryPart<System.Collections.Immutable.ImmutableArray<EntryArtifact>>.Inline([.. Enumerable.Range(0, 300).Select(n => new EntryArtifact($"registry.example/{n}", TestEntries.Filled('4'), "image"))]),
            PreviousState = TestEntries.Document($$"""{"z":"{{new string('x', 70_000)}}","a":1}"""),
            Details = TestEntries.Document("""{"size":2,"digest":1}"""),
            Rationale = new EntryPart<PersonalText>.Inline(TestEntries.Plain(new string('€', LedgerText.LongestMessage))),
        };
        _ = large.Write().Why();
        var fitted = large.Fit(out var kept);
        var read = Read(Encoding.UTF8.GetString(fitted.Write().Found().Span));
        Assert.Equal(4, kept.Length);
        Assert.Equal(new EntryPart<ReadOnlyMemory<byte>>.Kept(Digest.Of(kept[1].Span), kept[1].Length), read.PreviousState);
        Assert.StartsWith("""{"a":1,"z":"xxx""", Encoding.UTF8.GetString(kept[1].Span), StringComparison.Ordinal);
        Assert.Equal("""{"digest":1,"size":2}""", Encoding.UTF8.GetString(kept[2].Span));
        Assert.IsType<EntryPart<System.Collections.Immutable.ImmutableArray<EntryReason>>.Inline>(read.Reasons);
        Assert.Same(TestEntries.Whole.Reasons, TestEntries.Whole.Fit(out var none).Reasons);
        Assert.Empty(none);
    }

    [Fact]
    public void The_registered_types_of_events_are_those_of_the_documentation()
    {
        var documented = File.ReadLines(Path.Combine(ProjectTree.Root, "docs/formats/ledger.md")).SkipWhile(line => line != "## Types of events").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]);
        Assert.Equal(LedgerEvents.All.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static LedgerEntry Made(string name) => name switch
    {
        "entry" => TestEntries.Whole,
        "entry-encrypted" => TestEntries.Encrypted,
        _ => Placed(TestEntries.Small(1)),
    };

    private static LedgerEntry Placed(LedgerEntry entry) => entry with { Origin = "shop/production/9f1c7e9e/0", Epoch = 1 };

    private static string Golden(string name) => File.ReadAllText(Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Ledgers/testdata", $"{name}-v1.json")).TrimEnd('\n');

    private static JsonObject Node(string name) => JsonNode.Parse(Golden(name))!.AsObject();

    // A document is of others: nothing is unknown in it.
    private static IEnumerable<(string Path, JsonObject Place)> Objects(JsonNode? node, string path) => node switch
    {
        JsonObject one => one.Where(member => member.Key is not ("details" or "previous_state" or "new_state")).SelectMany(member => Objects(member.Value, $"{path}.{member.Key}")).Prepend((path, one)),
        JsonArray many => many.SelectMany((item, index) => Objects(item, $"{path}[{index}]")),
        _ => [],
    };

    // Built of the platform's own pieces, and not of the writer that is tested.
    private static string Canonical(JsonNode? node, bool isEntry = true) => node switch
    {
        JsonObject one => "{" + string.Join(',', one.OrderBy(member => !isEntry || member.Key != "previous_hash").ThenBy(member => member.Key, StringComparer.Ordinal).Select(member => $"{JsonSerializer.Serialize(member.Key, Relaxed)}:{Canonical(member.Value, false)}")) + "}",
        JsonArray many => "[" + string.Join(',', many.Select(item => Canonical(item, false))) + "]",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => "\"" + value.GetValue<string>().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"",
        _ => node?.ToJsonString(Relaxed) ?? "null",
    };

    private static LedgerEntry Read(string stored) => LedgerEntry.Read(Bytes(stored)).Found();

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
