using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Governance.Gates.Policies;

/// <summary>The policy language's structure as a JSON Schema (draft 2020-12), for editors. What it cannot say, such as whether a name is known, only <see cref="PolicyReader"/> checks.</summary>
public static class PolicySchema
{
    /// <summary>The schema as JSON, indented, ending with a line feed.</summary>
    public static string Json()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            var words = new SortedDictionary<string, Shape.Word>(StringComparer.Ordinal);
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("$id", "https://governance.gates/schemas/v1alpha1/policy.schema.json");
            json.WriteString("title", "Governance policy");
            WriteBody(json, PolicyGrammar.Policy, words);
            json.WriteStartObject("$defs");
            foreach (var (name, word) in words)
            {
                json.WriteStartObject(name);
                json.WriteString("description", $"{char.ToUpperInvariant(word.What[0])}{word.What[1..]}: {word.Spelling}");
                json.WriteString("type", "string");
                json.WriteString("pattern", word.Pattern);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, Shape shape, string? doc, SortedDictionary<string, Shape.Word> words)
    {
        json.WriteStartObject();
        if (doc is not null)
        {
            json.WriteString("description", doc);
        }

        WriteBody(json, shape, words);
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, Shape shape, SortedDictionary<string, Shape.Word> words)
    {
        switch (shape)
        {
            case Shape.Word word:
                words[word.Definition] = word;
                json.WriteString("$ref", $"#/$defs/{word.Definition}");
                break;
            case Shape.Choice choice:
                WriteStrings(json, "enum", choice.Words);
                break;
            case Shape.Count:
                json.WriteString("type", "integer");
                json.WriteNumber("minimum", 1);
                json.WriteNumber("maximum", Shape.Count.Most);
                break;
            case Shape.Flag:
                json.WriteString("type", "boolean");
                break;
            case Shape.Number:
                json.WriteString("type", "number");
                break;
            case Shape.List list:
                json.WriteString("type", "array");
                json.WritePropertyName("items");
                Write(json, list.Item, null, words);
                json.WriteNumber("minItems", 1);
                json.WriteNumber("maxItems", list.Most);
                if (list.Item is Shape.Word)
                {
                    json.WriteBoolean("uniqueItems", true);
                }

                break;
            case Shape.Named named:
                json.WriteString("type", "object");
                json.WritePropertyName("propertyNames");
                Write(json, named.Name, null, words);
                json.WritePropertyName("additionalProperties");
                Write(json, named.Value, null, words);
                break;
            case Shape.Fields fields:
                WriteFields(json, fields, words);
                break;
            case Shape.Either either:
                json.WriteStartArray("oneOf");
                Write(json, either.Plain, null, words);
                Write(json, either.Mapping, null, words);
                json.WriteEndArray();
                break;
        }
    }

    private static void WriteFields(Utf8JsonWriter json, Shape.Fields fields, SortedDictionary<string, Shape.Word> words)
    {
        json.WriteString("type", "object");
        json.WriteStartObject("properties");
        foreach (var field in fields.All.Where(field => field.Shape is not null))
        {
            json.WritePropertyName(field.Name);
            Write(json, field.Shape!, field.Doc, words);
        }

        json.WriteEndObject();
        WriteStrings(json, "required", fields.All.Where(field => field.Need == Need.Required).Select(field => field.Name));
        WriteAlternatives(json, "oneOf", fields.All.Where(field => field.Need == Need.OneOf));
        WriteAlternatives(json, "anyOf", fields.All.Where(field => field.Need == Need.AnyOf));
        if (fields.NotEmpty)
        {
            json.WriteNumber("minProperties", 1);
        }

        json.WriteBoolean("additionalProperties", false);
    }

    private static void WriteAlternatives(Utf8JsonWriter json, string keyword, IEnumerable<Field> fields)
    {
        if (fields.ToArray() is not [_, ..] alternatives)
        {
            return;
        }

        json.WriteStartArray(keyword);
        foreach (var field in alternatives)
        {
            json.WriteStartObject();
            WriteStrings(json, "required", [field.Name]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
