using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Finds the version in which a cluster serves a resource (Kubernetes API concepts, "API discovery").</summary>
internal sealed class ResourceDiscovery(ApiConnection api, string origin)
{
    private const int MaxVersions = 20;

    /// <summary>The resource in its group's preferred version that serves it; null where the cluster serves it in none.</summary>
    /// <param name="name">Plural name and group, such as <c>rollouts.argoproj.io</c>.</param>
    /// <param name="cancellation">Ends the search.</param>
    public async Task<Reading<ApiResource?>> FindAsync(string name, CancellationToken cancellation)
    {
        if (ApiResource.Split(name) is not var (plural, group))
        {
            return Unread($"'{OneLine.Of(name)}' is no custom resource", "write plural name and group, such as rollouts.argoproj.io");
        }

        var (versions, problem) = await VersionsAsync(group, cancellation);
        foreach (var version in versions)
        {
            (var found, problem) = await KindAsync(group, version, plural, cancellation);
            if (problem is not null)
            {
                break;
            }

            if (found is not null)
            {
                return new Reading<ApiResource?>.Found(new(group, version, plural, found));
            }
        }

        return problem is null ? new Reading<ApiResource?>.Found(null) : new Reading<ApiResource?>.Unread(problem);
    }

    private async Task<(List<string> Versions, Reason? Problem)> VersionsAsync(string group, CancellationToken cancellation)
    {
        var asked = $"discover the API group {group}";
        switch (await api.GetAsync($"/apis/{group}", asked, cancellation))
        {
            case ApiAnswer.Ok(var body):
                using (body)
                {
                    List<string> versions = [.. Members(body.RootElement, "versions").Select(version => ClusterReader.Text(version, "version")).Prepend(ClusterReader.Text(body.RootElement, "preferredVersion", "version")).OfType<string>().Distinct(StringComparer.Ordinal)];
                    return versions is { Count: > 0 and <= MaxVersions } && versions.All(version => version.Length is > 0 and <= 63 && version.All(char.IsAsciiLetterOrDigit))
                        ? (versions, null)
                        : ([], NoDiscovery(asked));
                }

            case ApiAnswer.Refused { Status: 404 }:
                return ([], null);
            case ApiAnswer.Refused refused:
                return ([], Permission.MissingPath(refused, origin, asked, $"/apis/{group}"));
            case var failed:
                return ([], ((ApiAnswer.Failed)failed).Reason);
        }
    }

    private async Task<(string? Kind, Reason? Problem)> KindAsync(string group, string version, string plural, CancellationToken cancellation)
    {
        var asked = $"discover {group}/{version}";
        switch (await api.GetAsync($"/apis/{group}/{version}", asked, cancellation))
        {
            case ApiAnswer.Ok(var body):
                using (body)
                {
                    return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("resources", out var list) && list.ValueKind == JsonValueKind.Array
                        ? (list.EnumerateArray().Where(resource => ClusterReader.Text(resource, "name") == plural).Select(resource => ClusterReader.Text(resource, "kind")).FirstOrDefault(), null)
                        : (null, NoDiscovery(asked));
                }

            // A version that went between the two requests serves nothing.
            case ApiAnswer.Refused { Status: 404 }:
                return (null, null);
            case ApiAnswer.Refused refused:
                return (null, Permission.MissingPath(refused, origin, asked, $"/apis/{group}/{version}"));
            case var failed:
                return (null, ((ApiAnswer.Failed)failed).Reason);
        }
    }

    private static JsonElement.ArrayEnumerator Members(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : default;

    private Reason NoDiscovery(string asked) =>
        ApiAnswer.Because($"could not {asked}: the cluster of {origin} answered something else", "check that the server of the kubeconfig is a Kubernetes API server");

    private static Reading<ApiResource?>.Unread Unread(string message, string remedy) => new(ApiAnswer.Because(message, remedy));
}
