using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Governance.Gates.Policies;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Governance.Gates.Tests.Policies;

public sealed class PolicySchemaTests
{
    private static readonly JsonObject Schema = JsonNode.Parse(PolicySchema.Json())!.AsObject();

    [Fact]
    public void The_committed_schema_is_the_one_that_the_reader_obeys()
    {
        var committed = File.ReadAllText(Path.Combine(PolicyDocuments.Root(), "docs", "policy.schema.json"));
        Assert.True(committed == PolicySchema.Json(), "docs/policy.schema.json is stale: run gates policy schema > docs/policy.schema.json");
    }

    [Theory, MemberData(nameof(PolicyMistakeTests.Structure), MemberType = typeof(PolicyMistakeTests))]
    public void What_is_wrong_in_structure_is_wrong_for_editors_too(string from, string to, string message)
    {
        var yaml = PolicyDocuments.Changed(from, to).Yaml;
        Assert.True(StructuralMistakes(yaml).Any && !IsValid(ToJson(yaml)), message);
    }

    [Theory, MemberData(nameof(PolicyMistakeTests.Meaning), MemberType = typeof(PolicyMistakeTests))]
    public void What_is_wrong_in_meaning_only_is_fine_in_structure(string from, string to, string message)
    {
        var yaml = PolicyDocuments.Changed(from, to).Yaml;
        Assert.True(!StructuralMistakes(yaml).Any && IsValid(ToJson(yaml)), message);
    }

    /// <summary>Every value of a sound policy is replaced by every kind of value, removed, and joined by a stranger; JSON is YAML, so both read the same text.</summary>
    [Fact]
    public void The_schema_and_the_reader_agree_on_every_change_of_structure()
    {
        var sound = ToJson(PolicyDocuments.Sound)!;
        Assert.True(IsValid(sound));
        string[] values = ["null", "true", "7", "-1", "1.5", "\"x\"", "\"*\"", "\"\"", "\"2026-01-01\"", "\"enforce\"", "\"a\\nb\"", "[]", "{}", "[1]", "[\"x\"]", "[\"x\",\"x\"]", "{\"x\":1}", "{\"role\":\"x\"}", "{\"x\":{}}"];
        var compared = 0;
        foreach (var path in Paths(sound).ToList())
        {
            foreach (var change in values.Append("remove").Append("join"))
            {
                var changed = Changed(sound, path, change);
                var text = changed?.ToJsonString() ?? "null";
                var mistakes = StructuralMistakes(text);
                Assert.True(IsValid(changed) == !mistakes.Any, $"{string.Join('/', path)} {change}: schema says {IsValid(changed)}, the reader\n{string.Join('\n', mistakes.All)}");
                compared++;
            }
        }

        Assert.True(compared > 2_000);
    }

    private static PolicyMistakes StructuralMistakes(string yaml)
    {
        var mistakes = new PolicyMistakes();
        PolicyReader.ReadStructure(Encoding.UTF8.GetBytes(yaml), mistakes);
        return mistakes;
    }

    private static IEnumerable<object[]> Paths(JsonNode? node)
    {
        yield return [];
        IEnumerable<(object Key, JsonNode? Value)> members = node switch
        {
            JsonObject map => map.Select(member => ((object)member.Key, member.Value)),
            JsonArray list => list.Select((item, index) => ((object)index, item)),
            _ => [],
        };
        foreach (var (key, value) in members)
        {
            foreach (var rest in Paths(value))
            {
                yield return [key, .. rest];
            }
        }
    }

    private static JsonNode? Changed(JsonNode sound, object[] path, string change)
    {
        var root = new JsonArray(sound.DeepClone());
        JsonNode parent = root;
        object last = 0;
        foreach (var key in path)
        {
            parent = Member(parent, last)!;
            last = key;
        }

        switch (change, parent)
        {
            case ("remove", JsonObject map):
                map.Remove((string)last);
                break;
            case ("remove", JsonArray list) when list != root:
                list.RemoveAt((int)last);
                break;
            case ("remove", _):
                break;
            case ("join", _) when Member(parent, last) is JsonObject map:
                map["stranger"] = 1;
                break;
            case ("join", _) when Member(parent, last) is JsonArray list:
                list.Add(list.Count > 0 ? list[0]!.DeepClone() : 1);
                break;
            case ("join", _):
                break;
            case (_, JsonObject map):
                map[(string)last] = JsonNode.Parse(change);
                break;
            case (_, JsonArray list):
                list[(int)last] = JsonNode.Parse(change);
                break;
        }

        return root[0]?.DeepClone();
    }

    private static JsonNode? Member(JsonNode node, object key) => key is string name ? node[name] : node[(int)key];

    private static JsonNode? ToJson(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return ToJson(stream.Documents[0].RootNode);
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(member => KeyValuePair.Create(((YamlScalarNode)member.Key).Value!, ToJson(member.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" } => null,
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } scalar => scalar.Value == "true",
        YamlScalarNode { Style: ScalarStyle.Plain } scalar when decimal.TryParse(scalar.Value, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) => number,
        YamlScalarNode scalar => scalar.Value,
        _ => throw new InvalidOperationException("the table has no other nodes"),
    };

    private static bool IsValid(JsonNode? value) => IsValid(value, Schema);

    /// <summary>Evaluates the keywords that the schema uses, and fails on any other.</summary>
    private static bool IsValid(JsonNode? value, JsonObject schema) => schema.All(keyword => keyword.Key switch
    {
        "$schema" or "$id" or "$defs" or "title" or "description" or "properties" => true,
        "$ref" => IsValid(value, Schema["$defs"]![keyword.Value!.GetValue<string>()["#/$defs/".Length..]]!.AsObject()),
        "type" => keyword.Value!.GetValue<string>() switch
        {
            "object" => value is JsonObject,
            "array" => value is JsonArray,
            "string" => Text(value) is not null,
            "integer" => Number(value) is { } number && number == decimal.Truncate(number),
            var other => throw new NotSupportedException(other),
        },
        "pattern" => Text(value) is not { } text || Regex.IsMatch(text, keyword.Value!.GetValue<string>(), RegexOptions.ECMAScript),
        "enum" => keyword.Value!.AsArray().Any(word => JsonNode.DeepEquals(word, value)),
        "minimum" => Number(value) is not { } number || number >= keyword.Value!.GetValue<long>(),
        "maximum" => Number(value) is not { } number || number <= keyword.Value!.GetValue<long>(),
        "minItems" => value is not JsonArray list || list.Count >= keyword.Value!.GetValue<int>(),
        "maxItems" => value is not JsonArray list || list.Count <= keyword.Value!.GetValue<int>(),
        "uniqueItems" => value is not JsonArray list || list.Select(item => item?.ToJsonString()).Distinct().Count() == list.Count,
        "items" => value is not JsonArray list || list.All(item => IsValid(item, keyword.Value!.AsObject())),
        "minProperties" => value is not JsonObject map || map.Count >= keyword.Value!.GetValue<int>(),
        "required" => value is not JsonObject map || keyword.Value!.AsArray().All(name => map.ContainsKey(name!.GetValue<string>())),
        "propertyNames" => value is not JsonObject map || map.All(member => IsValid(JsonValue.Create(member.Key), keyword.Value!.AsObject())),
        "additionalProperties" => value is not JsonObject map || map.All(member => schema["properties"]?[member.Key] is JsonObject known
            ? IsValid(member.Value, known)
            : keyword.Value is JsonObject others && IsValid(member.Value, others)),
        "anyOf" => keyword.Value!.AsArray().Any(alternative => IsValid(value, alternative!.AsObject())),
        "oneOf" => keyword.Value!.AsArray().Count(alternative => IsValid(value, alternative!.AsObject())) == 1,
        var other => throw new NotSupportedException(other),
    });

    private static string? Text(JsonNode? value) => value is JsonValue scalar && scalar.TryGetValue<string>(out var text) ? text : null;

    private static decimal? Number(JsonNode? value) =>
        value is JsonValue scalar && scalar.GetValueKind() == System.Text.Json.JsonValueKind.Number ? decimal.Parse(scalar.ToJsonString(), CultureInfo.InvariantCulture) : null;
}
