using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>How much a reading of many resources may still hold.</summary>
internal sealed class ReadingBudget(ClusterLimits limits)
{
    public int Objects { get; private set; } = limits.MaxObjects;

    public long Bytes { get; private set; } = limits.MaxBytes;

    /// <summary>Takes what a resource that was read to its end holds; what is thrown away costs nothing.</summary>
    public void Take(int objects, long bytes) => (Objects, Bytes) = (Objects - objects, Bytes - bytes);
}

/// <summary>The list of one resource over all namespaces, page by page (Kubernetes API concepts, "Retrieving large results sets in chunks").</summary>
internal sealed class ResourceList(ApiConnection api, ApiResource resource, string origin, ClusterLimits limits)
{
    private const int PageSize = 500;
    private const int MaxStarts = 3;
    private const int MaxTokenLength = 16 << 10;

    private readonly string asked = $"list {resource.Name}";
    private readonly ImmutableArray<ClusterObject>.Builder objects = ImmutableArray.CreateBuilder<ClusterObject>();
    private long bytes;

    /// <summary>All objects, or why they could not be read: half a list is no list.</summary>
    public async Task<Reading<ImmutableArray<ClusterObject>>> ReadAsync(ReadingBudget budget, CancellationToken cancellation)
    {
        for (var start = 1; start <= MaxStarts; start++)
        {
            switch (await ReadOnceAsync(budget, cancellation))
            {
                // 410: what the token continues was compacted away. The pages so far belong to a state that can no longer be completed.
                case ApiAnswer.Refused { Status: 410 }:
                    continue;
                case ApiAnswer.Refused refused:
                    return new Reading<ImmutableArray<ClusterObject>>.Unread(Permission.Missing(refused, origin, asked, "list", resource.Plural, resource.Group));
                case ApiAnswer.Failed(var reason):
                    return new Reading<ImmutableArray<ClusterObject>>.Unread(reason);
                default:
                    budget.Take(objects.Count, bytes);
                    return new Reading<ImmutableArray<ClusterObject>>.Found(objects.DrainToImmutable());
            }
        }

        return new Reading<ImmutableArray<ClusterObject>>.Unread(Because($"lost its place {MaxStarts} times (410)", "try again when the cluster is less busy"));
    }

    // Null when the list was read to its end.
    private async Task<ApiAnswer?> ReadOnceAsync(ReadingBudget budget, CancellationToken cancellation)
    {
        objects.Clear();
        bytes = 0;
        string? token = null;
        for (var page = 1; page <= limits.MaxPages; page++)
        {
            var answer = await api.GetAsync($"{resource.Path}?limit={PageSize}{(token is null ? "" : $"&continue={Uri.EscapeDataString(token)}")}", asked, cancellation);
            if (answer is not ApiAnswer.Ok(var body))
            {
                return answer;
            }

            using (body)
            {
                if (AddPage(body.RootElement, budget) is { } problem)
                {
                    return new ApiAnswer.Failed(problem);
                }

                var next = ClusterReader.Text(body.RootElement, "metadata", "continue");
                if (string.IsNullOrEmpty(next))
                {
                    return null;
                }

                if (next == token || next.Length > MaxTokenLength)
                {
                    return new ApiAnswer.Failed(Because("answered with a continue token that leads nowhere", "check what stands between here and the API server"));
                }

                token = next;
            }
        }

        return new ApiAnswer.Failed(Because($"has more than {limits.MaxPages:N0} pages of it", "check what stands between here and the API server"));
    }

    private Reason? AddPage(JsonElement list, ReadingBudget budget)
    {
        if (list.ValueKind != JsonValueKind.Object || !list.TryGetProperty("items", out var items) || items.ValueKind is not (JsonValueKind.Array or JsonValueKind.Null))
        {
            return Because("answered with something that is no list", "check that the server of the kubeconfig is a Kubernetes API server");
        }

        // Go writes an empty slice that was never made as null.
        foreach (var item in items.ValueKind == JsonValueKind.Null ? default : items.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object || ClusterReader.Text(item, "metadata", "name") is not { } name)
            {
                return Because("answered with an object that has no name", "check that the server of the kubeconfig is a Kubernetes API server");
            }

            var json = WithType(item);
            bytes += json.Length;
            if (objects.Count == budget.Objects || bytes > budget.Bytes)
            {
                return Because($"holds more than a reading takes ({limits.MaxObjects:N0} objects, {limits.MaxBytes >> 20} MiB in all)", "remove what is not used, such as old Jobs and ReplicaSets");
            }

            objects.Add(new(resource.Name, ClusterReader.Text(item, "metadata", "namespace"), name, json));
        }

        return null;
    }

    // Items of a list lack apiVersion and kind: the list's own resource says them.
    private byte[] WithType(JsonElement item)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", resource.ApiVersion);
            writer.WriteString("kind", resource.Kind);
            foreach (var member in item.EnumerateObject())
            {
                if (member.NameEquals("metadata") && member.Value.ValueKind == JsonValueKind.Object)
                {
                    writer.WriteStartObject("metadata");
                    foreach (var part in member.Value.EnumerateObject().Where(part => !part.NameEquals("managedFields")))
                    {
                        part.WriteTo(writer);
                    }

                    writer.WriteEndObject();
                }
                else if (!member.NameEquals("apiVersion") && !member.NameEquals("kind"))
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private Reason Because(string what, string remedy) => ApiAnswer.Because($"could not {asked}: the cluster of {origin} {what}", remedy);
}
