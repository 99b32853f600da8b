using System.Text;
using System.Text.Json;
using Governance.Gates.Clients.Kubernetes;

namespace Governance.Gates.Tests.Clients.Kubernetes;

public sealed class ManifestsTests
{
    private const string Head = "apiVersion: v1\nkind: ConfigMap\n";

    // Written beside what kubectl 1.32 makes of the same lines.
    public static TheoryData<string, string> Scalars => new()
    {
        { "y", "true" }, { "Yes", "true" }, { "on", "true" }, { "TRUE", "true" }, { "tRUE", "\"tRUE\"" },
        { "n", "false" }, { "NO", "false" }, { "off", "false" }, { "False", "false" },
        { "", "null" }, { "~", "null" }, { "Null", "null" }, { "nULL", "\"nULL\"" }, { "''", "\"\"" },
        { "1", "1" }, { "+1", "1" }, { "-0", "0" }, { "017", "15" }, { "08", "8" }, { "0o17", "15" }, { "0x1F", "31" }, { "-0x10", "-16" }, { "0b11", "3" }, { "1_000", "1000" },
        { "18446744073709551615", "18446744073709551615" }, { "-9223372036854775808", "-9223372036854775808" },
        { "1.5", "1.5" }, { ".5", "0.5" }, { "5.", "5" }, { "-.5", "-0.5" }, { "1e3", "1000" }, { "1e999", "\"1e999\"" },
        { "0x", "\"0x\"" }, { "0o8", "\"0o8\"" }, { "0b2", "\"0b2\"" }, { "1.2.3", "\"1.2.3\"" }, { "1e", "\"1e\"" }, { "+", "\"+\"" }, { ".", "\".\"" }, { "--1", "\"--1\"" },
        { "2001-01-01", "\"2001-01-01\"" }, { "12:30:45", "\"12:30:45\"" },
        { "\"yes\"", "\"yes\"" }, { "'1'", "\"1\"" }, { "!!str 12", "\"12\"" }, { "!!int \"7\"", "7" }, { "!!float 1", "1" }, { "!!bool \"on\"", "true" },
        { "|\n    a\n     b\n", "\"a\\n b\\n\"" }, { ">-\n    a\n    b\n", "\"a b\"" }, { "\"\\x41\\u00e9\"", "\"A\u00e9\"" },
    };

    [Theory, MemberData(nameof(Scalars))]
    public void A_scalar_means_what_kubectl_takes_it_for(string yaml, string json)
    {
        var manifest = Assert.Single(Parse($"{Head}v: {yaml}"));

        using var document = JsonDocument.Parse(manifest.Json);
        Assert.Equal(json, document.RootElement.GetProperty("v").GetRawText());
    }

    [Theory]
    [InlineData("yes: 1", "true")]
    [InlineData("0x10: 1", "16")]
    [InlineData("'yes': 1", "yes")]
    public void A_key_becomes_text_as_kubectl_makes_it(string member, string name) =>
        Assert.Contains($"\"{name}\":1", Text(Assert.Single(Parse(Head + member))), StringComparison.Ordinal);

    [Fact]
    public void Documents_are_numbered_as_they_stand_and_empty_ones_are_left_out()
    {
        var manifests = Parse($"# only a comment\n---\n{Head}---\n---\nnull\n--- # last\n{Head}", "deploy.yaml");

        Assert.Equal(["deploy.yaml, document 1", "deploy.yaml, document 4"], manifests.Select(manifest => manifest.Source));
    }

    [Fact]
    public void A_list_becomes_its_items_and_a_typed_list_gives_them_its_kind()
    {
        var manifests = Parse("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: a}}
            - {apiVersion: apps/v1, kind: DeploymentList, items: [{metadata: {name: b}}]}
            """);

        Assert.Equal(["t.yaml, document 1, item 1", "t.yaml, document 1, item 2, item 1"], manifests.Select(manifest => manifest.Source));
        Assert.Contains("\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"", Text(manifests[1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Items_cannot_hide_in_an_object_of_another_kind()
    {
        // kubectl applies the items and not the object around them, whatever its kind says.
        var manifests = Parse("""{"apiVersion":"v1","kind":"ConfigMap","items":[{"apiVersion":"v1","kind":"Pod"}]}""");

        Assert.Equal(2, manifests.Length);
        Assert.Equal("""{"apiVersion":"v1","kind":"Pod"}""", Text(manifests[0]));
    }

    [Fact]
    public void JSON_may_hold_several_objects_and_YAML_may_begin_with_a_brace()
    {
        Assert.Equal(2, Parse("""{"apiVersion":"v1","kind":"A"} {"apiVersion":"v1","kind":"B"}""", "a.json").Length);
        Assert.Equal("""{"apiVersion":"v1","kind":"A"}""", Text(Assert.Single(Parse("{apiVersion: v1, kind: A}"))));
    }

    [Fact]
    public void Aliases_are_expanded() =>
        Assert.EndsWith("""{"a":{"x":1},"b":{"x":1}}}""", Text(Assert.Single(Parse(Head + "data: {a: &a {x: 1}, b: *a}"))), StringComparison.Ordinal);

    // Each says where, what and what to do: the fragment is part of the message.
    public static TheoryData<string, string> Mistakes => new()
    {
        { "a: 1\na: 2", "t.yaml, document 1, line 4:1 has the key 'a' twice" },
        { "yes: 1\n\"true\": 2", "line 4:1 has the key 'true' twice" },
        { "a: {<<: {b: c}}", "line 3:5 has the merge key '<<'" },
        { "a: !binary eA==", "line 3:4 has the tag '!binary'" },
        { "a: !!binary eA==", "has the tag 'tag:yaml.org,2002:binary'" },
        { "a: !!timestamp 2001-01-01", "has the tag 'tag:yaml.org,2002:timestamp'" },
        { "a: !!set {b}", "has the tag 'tag:yaml.org,2002:set'" },
        { "a: ! b", "has the tag '!'" },
        { "a: !!int b", "has the tag '!!int' on 'b'" },
        { "a: .inf", "a number that JSON cannot hold" },
        { "~: a", "has the key '~', which is not text" },
        { "1.5: a", "put the key in quotes" },
        { "? [a]\n: b", "line 3:3 has a key that is a mapping or a sequence" },
        { "a: *b", "line 3:4 names the anchor 'b', which stands nowhere before" },
        { "a: &a [*a]", "line 3:8 has the anchor 'a', whose value contains itself" },
        { "a: \"b", "is not YAML" },
        { "a: b: c", "line 3:5 is not YAML" },
        { "a: [b\nc: d", "is not YAML" },
        { "\ta: b", "is not YAML" },
        { "a: \"\\U00110000\"", "is not YAML" },
        { "---\n- a", "document 2 is not an object" },
        { "---\nkind: Pod", "document 2 lacks apiVersion or kind" },
        { "---\napiVersion: v1\nkind: 5", "or one of them is not text" },
        { "---\napiVersion: v1\nkind: List\nitems: {}", "document 2 is a list whose items are not a sequence" },
        { "---\napiVersion: v1\nkind: List\nitems: [5]", "document 2, item 1 is not an object" },
        { "a: " + new string('[', 100) + new string(']', 100), "nests deeper than 64 levels" },
        { "a: " + new string('[', 200_000), "nests deeper than 64 levels" },
        { Nested(70), "nests deeper than 64 levels" },
        { Laughs(), "has more than 100,000 nodes once its aliases are expanded" },
        { "a: [" + string.Join(',', Enumerable.Repeat("1", 100_001)) + "]", "has more than 100,000 nodes" },
        { "a: &a " + new string('x', 1 << 20) + "\nb: [" + string.Join(',', Enumerable.Repeat("*a", 40)) + "]", "has more than 32 MiB once its aliases are expanded" },
    };

    [Theory, MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_with_its_place(string tail, string told)
    {
        var mistake = Assert.Throws<GateException>(() => Parse(Head + tail));

        Assert.Contains(told, mistake.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', mistake.Message);
        Assert.NotEmpty(mistake.Remedy);
    }

    [Theory]
    [InlineData("{\"apiVersion\":\"v1\",\n\"kind\":}", "t.json, line 2:8 is not JSON")]
    [InlineData("{}\n{\"a\":1,\"\\u0061\":2}", "t.json, document 1 lacks apiVersion or kind")]
    [InlineData("{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n{\"a\":1,\"\\u0061\":2}", "t.json, document 2, from line 2 has a key twice")]
    [InlineData("[]", "t.json, document 1 is not an object")]
    [InlineData("", "holds no manifest")]
    public void A_mistake_in_JSON_is_told_with_its_place(string json, string told) =>
        Assert.Contains(told, Assert.Throws<GateException>(() => Parse(json, "t.json")).Message, StringComparison.Ordinal);

    [Fact]
    public void Text_that_is_not_UTF8_is_refused_with_its_place() =>
        Assert.Contains("line 3:4 is not UTF-8", Assert.Throws<GateException>(() => Manifests.Parse((byte[])[.. Encoding.UTF8.GetBytes(Head + "a: "), 0xff], "t.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void Files_and_documents_have_caps()
    {
        Assert.Contains("more than 10 MiB", Assert.Throws<GateException>(() => Parse(Head + "a: " + new string('x', 10 << 20))).Message, StringComparison.Ordinal);
        Assert.Contains("past 10,000 documents", Assert.Throws<GateException>(() => Parse(string.Concat(Enumerable.Repeat("---\n" + Head, 10_001)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_is_read_in_the_order_of_its_names()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            foreach (var name in (string[])["b.yml", "a.json", "c.yaml", "notes.txt"])
            {
                await File.WriteAllTextAsync(Path.Combine(folder.FullName, name), """{"apiVersion":"v1","kind":"Pod"}""", TestContext.Current.CancellationToken);
            }

            var manifests = await Manifests.ReadAsync(folder.FullName, Stream.Null, TestContext.Current.CancellationToken);

            Assert.Equal(["a.json", "b.yml", "c.yaml"], manifests.Select(manifest => Path.GetFileName(manifest.Source.Split(',')[0])));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_dash_is_standard_input()
    {
        using var input = new MemoryStream(Encoding.UTF8.GetBytes(Head));

        Assert.Equal("standard input, document 1", Assert.Single(await Manifests.ReadAsync("-", input, TestContext.Current.CancellationToken)).Source);
    }

    [Fact]
    public async Task What_is_not_there_and_what_is_empty_is_a_mistake()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            await Assert.ThrowsAsync<GateException>(() => Manifests.ReadAsync(Path.Combine(folder.FullName, "none.yaml"), Stream.Null, TestContext.Current.CancellationToken));
            await Assert.ThrowsAsync<GateException>(() => Manifests.ReadAsync(folder.FullName, Stream.Null, TestContext.Current.CancellationToken));
            await Assert.ThrowsAsync<GateException>(() => Manifests.ReadAsync("-", Stream.Null, TestContext.Current.CancellationToken));
        }
        finally
        {
            folder.Delete();
        }
    }

    [Fact]
    public void Broken_text_never_ends_in_anything_but_a_told_mistake()
    {
        // A fixed seed: the same 20,000 texts each run.
        var random = new Random(7);
        string[] pieces = [.. "{ } [ ] : - ? , & * ! | > ' \" % @ ` # \n \t a b 0 ~ << --- ... \\ \\x \\u12 &a *a !!str !<a> %YAML %TAG \r \u2028 \0 \ud83d\ude00 apiVersion: kind:".Split(' '), " ", "  ", "\n  ", "\n- "];
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(random.GetItems(pieces, random.Next(1, 30)));
            try
            {
                Parse(i % 2 == 0 ? text : Head + text);
            }
            catch (GateException told)
            {
                Assert.DoesNotContain('\n', told.Message);
            }
        }
    }

    private static System.Collections.Immutable.ImmutableArray<Manifest> Parse(string text, string name = "t.yaml") => Manifests.Parse(Encoding.UTF8.GetBytes(text), name);

    private static string Text(Manifest manifest) => Encoding.UTF8.GetString(manifest.Json.Span);

    // Each anchor holds the one before it: flat in the text, deep once expanded.
    private static string Nested(int levels) => "a0: &a0 [1]\n" + string.Concat(Enumerable.Range(1, levels).Select(level => $"a{level}: &a{level} [*a{level - 1}]\n"));

    private static string Laughs() => "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + string.Concat(Enumerable.Range(1, 9).Select(level => $"a{level}: &a{level} [{string.Join(',', Enumerable.Repeat($"*a{level - 1}", 10))}]\n"));
}
