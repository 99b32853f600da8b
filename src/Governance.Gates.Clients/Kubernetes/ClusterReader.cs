using System.Collections.Immutable;
using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>One object that stands in a cluster.</summary>
/// <param name="Resource">Its resource: <c>pods</c>, <c>deployments.apps</c>.</param>
/// <param name="Namespace">Its namespace; null where it has none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Json">The object with <c>apiVersion</c> and <c>kind</c>, without <c>metadata.managedFields</c>, which hold no value of it.</param>
public sealed record ClusterObject(string Resource, string? Namespace, string Name, ReadOnlyMemory<byte> Json);

/// <summary>What was read of one resource.</summary>
/// <param name="Resource">The resource: <c>pods</c>, <c>deployments.apps</c>.</param>
/// <param name="ApiVersion">The version that was asked; null where none is known. With <c>Found</c> it then means that the cluster does not serve this custom resource.</param>
/// <param name="Objects">Every object of every namespace, or why they could not be read.</param>
public sealed record ResourceReading(string Resource, string? ApiVersion, Reading<ImmutableArray<ClusterObject>> Objects);

/// <summary>Reads what runs in a cluster: every workload and given custom resources, over all namespaces.</summary>
/// <remarks>Nothing that a cluster sends makes a member throw; only cancellation does. It reads in order, one request at a time, and each within 30 seconds.</remarks>
public sealed class ClusterReader : IDisposable
{
    private readonly ClusterAccess access;
    private readonly ApiConnection api;
    private readonly ResourceDiscovery discovery;
    private readonly ClusterLimits limits;

    /// <summary>A reader with the identity that <paramref name="access"/> holds.</summary>
    public ClusterReader(ClusterAccess access)
        : this(access, new())
    {
    }

    internal ClusterReader(ClusterAccess access, ClusterLimits limits)
    {
        this.access = access;
        this.limits = limits;
        api = new(access, limits);
        discovery = new(api, access.Origin);
    }

    /// <summary>The UID of the namespace kube-system, by which policies name a cluster.</summary>
    public async Task<Reading<string>> ReadClusterUidAsync(CancellationToken cancellation)
    {
        const string Asked = "get namespaces kube-system";
        switch (await api.GetAsync("/api/v1/namespaces/kube-system", Asked, cancellation))
        {
            case ApiAnswer.Ok(var body):
                using (body)
                {
                    return Text(body.RootElement, "metadata", "uid") is { Length: > 0 } uid
                        ? new Reading<string>.Found(uid)
                        : new Reading<string>.Unread(ApiAnswer.Because($"could not {Asked}: the cluster of {access.Origin} answered without a uid", "check that the server of the kubeconfig is a Kubernetes API server"));
                }

            case ApiAnswer.Refused refused:
                return new Reading<string>.Unread(Permission.Missing(refused, access.Origin, Asked, "get", "namespaces", ""));
            case ApiAnswer.Failed(var reason):
                return new Reading<string>.Unread(reason);
            case var other:
                throw new InvalidOperationException($"{other} is no answer");
        }
    }

    /// <summary>
    /// Lists Pods, ReplicationControllers, ReplicaSets, Deployments, StatefulSets, DaemonSets, Jobs, PodTemplates, ControllerRevisions,
    /// CronJobs and the given custom resources; what cannot be read of one does not lose the others.
    /// </summary>
    /// <remarks>At most 200,000 objects and 2 GiB in all, and 32 MiB a page.</remarks>
    /// <param name="customResources">Plural name and group of each, such as <c>rollouts.argoproj.io</c>. The served version is discovered.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<ImmutableArray<ResourceReading>> ReadAsync(IEnumerable<string> customResources, CancellationToken cancellation)
    {
        var readings = ImmutableArray.CreateBuilder<ResourceReading>();
        var budget = new ReadingBudget(limits);
        foreach (var resource in ApiResource.Workloads)
        {
            readings.Add(await ListAsync(resource, budget, cancellation));
        }

        readings.Add(await FindAndListAsync(ApiResource.CronJobs, budget, cancellation) switch
        {
            { ApiVersion: null, Objects: Reading<ImmutableArray<ClusterObject>>.Found } => Unread(ApiResource.CronJobs, null, ApiAnswer.Because($"the cluster of {access.Origin} serves no {ApiResource.CronJobs}", "check that the server of the kubeconfig is a Kubernetes API server")),
            var reading => reading,
        });
        foreach (var name in customResources.Distinct(StringComparer.Ordinal).Where(name => readings.All(reading => reading.Resource != name)).ToList())
        {
            readings.Add(await FindAndListAsync(name, budget, cancellation));
        }

        return readings.ToImmutable();
    }

    /// <inheritdoc/>
    public void Dispose() => api.Dispose();

    /// <summary>The text at a path of members, or null.</summary>
    internal static string? Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return null;
            }
        }

        return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
    }

    private async Task<ResourceReading> FindAndListAsync(string name, ReadingBudget budget, CancellationToken cancellation) => await discovery.FindAsync(name, cancellation) switch
    {
        Reading<ApiResource?>.Found(null) => new(name, null, new Reading<ImmutableArray<ClusterObject>>.Found([])),
        Reading<ApiResource?>.Found(var resource) => await ListAsync(resource, budget, cancellation),
        Reading<ApiResource?>.Unread(var reason) => Unread(name, null, reason),
        var other => throw new InvalidOperationException($"{other} is no reading"),
    };

    private async Task<ResourceReading> ListAsync(ApiResource resource, ReadingBudget budget, CancellationToken cancellation) =>
        new(resource.Name, resource.ApiVersion, await new ResourceList(api, resource, access.Origin, limits).ReadAsync(budget, cancellation));

    private static ResourceReading Unread(string name, string? version, Reason reason) => new(name, version, new Reading<ImmutableArray<ClusterObject>>.Unread(reason));
}
