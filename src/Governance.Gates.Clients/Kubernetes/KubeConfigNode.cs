using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>A mapping in a kubeconfig, which knows where it stands. Its values may be secrets: no message shows one.</summary>
internal sealed class KubeConfigNode(JsonElement element, string where)
{
    private readonly JsonElement element = element.ValueKind == JsonValueKind.Object
        ? element
        : throw new GateException($"{where} is not a mapping", "compare it with 'kubectl config view'");

    /// <summary>Where a key stands, for people.</summary>
    public string At(string key) => $"{where}: {key}";

    /// <summary>Whether the key asks for anything: it is there, and not null, false, or empty.</summary>
    public bool Has(string key) => element.TryGetProperty(key, out var value) && value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => false,
        JsonValueKind.String => value.GetString() is { Length: > 0 },
        JsonValueKind.Array => value.GetArrayLength() > 0,
        _ => true,
    };

    /// <summary>The text of a key; null where it is absent or empty.</summary>
    public string? Text(string key) => !Has(key) ? null
        : element.GetProperty(key) is { ValueKind: JsonValueKind.String } value ? value.GetString()
        : throw new GateException($"{At(key)} is not text", "put it in quotes");

    /// <summary>The text of a key that must be there.</summary>
    public string Required(string key) => Text(key) ?? throw new GateException($"{At(key)} is missing", "compare the file with 'kubectl config view'");

    /// <summary>The mapping that a list such as <c>clusters</c> keeps under a name.</summary>
    public KubeConfigNode Named(string list, string name, string kind)
    {
        if (element.TryGetProperty(list, out var items) && items.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in items.EnumerateArray())
            {
                var entry = new KubeConfigNode(item, At(list));
                if (entry.Text("name") == name)
                {
                    return item.TryGetProperty(kind, out var content)
                        ? new(content, $"{where}, {kind} {OneLine.Of(name)}")
                        : throw new GateException($"{where}, {kind} {OneLine.Of(name)} is empty", $"write its settings under '{kind}'");
                }
            }
        }

        throw new GateException($"{where} has no {kind} named '{OneLine.Of(name)}'", $"choose one that stands in {list}, or add it");
    }
}
