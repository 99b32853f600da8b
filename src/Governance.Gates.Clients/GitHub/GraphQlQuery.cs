using System.Text.Json;

namespace Governance.Gates.Clients.GitHub;

/// <summary>A GraphQL request's body.</summary>
internal static class GraphQlQuery
{
    /// <summary>The query with its variables; what comes from outside is a variable and never part of the text.</summary>
    public static ReadOnlyMemory<byte> Of(string query, params ReadOnlySpan<(string Name, string Value)> variables)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("query", query);
            json.WriteStartObject("variables");
            foreach (var (name, value) in variables)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}
