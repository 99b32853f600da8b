using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Governance.Gates.Cluster;

/// <summary>Plays scheduler and kubelet: binds each Pod to the one node, calls it running and ready, and removes it when its deletion began.</summary>
/// <remarks>Nothing runs. With it the real controllers go through with rolling updates, evictions and deletions.</remarks>
internal sealed class FakeKubelet : IAsyncDisposable
{
    private const string Node = "fake-0";
    private readonly HttpClient api;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task following;

    private FakeKubelet(HttpClient api) => (this.api, following) = (api, Task.Run(FollowAsync));

    /// <summary>Makes the node and begins to look after its Pods.</summary>
    /// <param name="api">The API server, as somebody who may do this.</param>
    public static async Task<FakeKubelet> StartAsync(HttpClient api)
    {
        using var made = await api.PostAsJsonAsync("/api/v1/nodes", new JsonObject { ["metadata"] = new JsonObject { ["name"] = Node } });
        made.EnsureSuccessStatusCode();

        // The API server marks a new node as not ready, and no controller here takes that back.
        using var ready = await api.PatchAsync($"/api/v1/nodes/{Node}", Merge(new JsonObject { ["spec"] = new JsonObject { ["taints"] = null } }));
        ready.EnsureSuccessStatusCode();
        return new(api);
    }

    /// <summary>Lets the Pods be.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await following;
        stopping.Dispose();
        api.Dispose();
    }

    private async Task FollowAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                // Without a version a watch begins with what there is.
                await using var stream = await api.GetStreamAsync("/api/v1/pods?watch=1", stopping.Token);
                using var lines = new StreamReader(stream);
                while (await lines.ReadLineAsync(stopping.Token) is { } line)
                {
                    var change = JsonNode.Parse(line)!;
                    if ((string?)change["type"] is "ADDED" or "MODIFIED")
                    {
                        await LookAfterAsync(change["object"]!);
                    }
                }
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or JsonException)
            {
                // The API server ends a watch when it likes, and the test ends this one.
            }
        }
    }

    private async Task LookAfterAsync(JsonNode pod)
    {
        var metadata = pod["metadata"]!;
        var path = $"/api/v1/namespaces/{metadata["namespace"]}/pods/{metadata["name"]}";
        if (metadata["deletionTimestamp"] is not null)
        {
            using var gone = await api.DeleteAsync(path + "?gracePeriodSeconds=0", stopping.Token);
        }
        else if (pod["spec"]!["nodeName"] is null)
        {
            using var bound = await api.PostAsJsonAsync(path + "/binding", new JsonObject { ["metadata"] = new JsonObject { ["name"] = metadata["name"]!.DeepClone() }, ["target"] = new JsonObject { ["kind"] = "Node", ["name"] = Node } }, stopping.Token);
            var now = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            var conditions = new JsonArray([.. ((string[])["PodScheduled", "Initialized", "ContainersReady", "Ready"]).Select(type => new JsonObject { ["type"] = type, ["status"] = "True", ["lastTransitionTime"] = now })]);
            using var running = await api.PatchAsync(path + "/status", Merge(new JsonObject { ["status"] = new JsonObject { ["phase"] = "Running", ["startTime"] = now, ["conditions"] = conditions } }), stopping.Token);
        }
    }

    private static JsonContent Merge(JsonObject patch) => JsonContent.Create(patch, new MediaTypeHeaderValue("application/merge-patch+json"));
}
