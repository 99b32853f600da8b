using System.Text.Json;
using System.Text.RegularExpressions;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Cli;

/// <summary>A JSON Schema of <c>docs/formats</c>, read in the few keywords that those use.</summary>
internal sealed class PublishedSchema
{
    private static readonly string[] Known = ["$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "additionalProperties", "unevaluatedProperties", "properties", "items", "enum", "const", "oneOf", "anyOf", "pattern", "minimum", "minItems"];
    private readonly JsonElement root;

    private PublishedSchema(JsonElement root) => this.root = root;

    public static PublishedSchema Of(string id)
    {
        var file = Path.Combine(ProjectTree.Root, "docs", "formats", id[(id.LastIndexOf('/') + 1)..]);
        var schema = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        Assert.Equal(id, schema.GetProperty("$id").GetString());
        return new(schema);
    }

    /// <summary>Fails with the place of the first thing that the schema does not allow.</summary>
    public void Check(JsonElement value) => Assert.Null(Fault(value, root, "$"));

    private string? Fault(JsonElement value, JsonElement schema, string at)
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            Assert.Contains(keyword.Name, Known);
            var rule = keyword.Value;
            var fault = keyword.Name switch
            {
                "$ref" => Fault(value, Referred(rule), at),
                "type" => (rule.ValueKind == JsonValueKind.Array ? [.. rule.EnumerateArray().Select(one => one.GetString())] : (string?[])[rule.GetString()]).Any(type => Is(value, type)) ? null : $"{at} is no {rule}",
                "required" => rule.EnumerateArray().Select(name => name.GetString()!).Where(name => !value.TryGetProperty(name, out _)).Select(name => $"{at} lacks {name}").FirstOrDefault(),
                "additionalProperties" => value.EnumerateObject().Where(member => !schema.GetProperty("properties").TryGetProperty(member.Name, out _)).Select(member => $"{at} has {member.Name}").FirstOrDefault(),
                "unevaluatedProperties" => value.EnumerateObject().Where(member => !Names(schema).Contains(member.Name)).Select(member => $"{at} has {member.Name}").FirstOrDefault(),
                "properties" => rule.EnumerateObject().Select(property => value.TryGetProperty(property.Name, out var member) ? Fault(member, property.Value, $"{at}.{property.Name}") : null).FirstOrDefault(found => found is not null),
                "items" => value.EnumerateArray().Select((item, index) => Fault(item, rule, $"{at}[{index}]")).FirstOrDefault(found => found is not null),
                "enum" => rule.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)) ? null : $"{at} is {value}",
                "const" => JsonElement.DeepEquals(rule, value) ? null : $"{at} is {value}",
                "oneOf" or "anyOf" => rule.EnumerateArray().Any(one => Fault(value, one, at) is null) ? null : $"{at} is none of the alternatives",
                "pattern" => Regex.IsMatch(value.GetString()!, rule.GetString()!, RegexOptions.NonBacktracking) ? null : $"{at} is {value}",
                "minimum" => value.GetInt64() >= rule.GetInt64() ? null : $"{at} is {value}",
                "minItems" => value.GetArrayLength() >= rule.GetInt32() ? null : $"{at} is too short",
                _ => null,
            };
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    // What this schema and those that it refers to name.
    private IEnumerable<string> Names(JsonElement schema) =>
    [
        .. schema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().Select(property => property.Name) : [],
        .. schema.TryGetProperty("$ref", out var reference) ? Names(Referred(reference)) : [],
    ];

    private JsonElement Referred(JsonElement reference) => root.GetProperty("$defs").GetProperty(reference.GetString()!["#/$defs/".Length..]);

    private static bool Is(JsonElement value, string? type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => throw new InvalidOperationException($"the schema names the type {type}"),
    };
}
