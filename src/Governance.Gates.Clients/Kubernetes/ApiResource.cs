namespace Governance.Gates.Clients.Kubernetes;

/// <summary>A resource of the API, as it is listed.</summary>
/// <param name="Group">Its API group; empty is core.</param>
/// <param name="Version">The version that is asked.</param>
/// <param name="Plural">Its plural name, as paths spell it.</param>
/// <param name="Kind">The kind of its objects.</param>
internal sealed record ApiResource(string Group, string Version, string Plural, string Kind)
{
    /// <summary>What every Kubernetes since 1.9 serves and what can start a container; cron jobs are found by discovery.</summary>
    public static IReadOnlyList<ApiResource> Workloads { get; } =
    [
        new("", "v1", "pods", "Pod"),
        new("", "v1", "replicationcontrollers", "ReplicationController"),
        new("apps", "v1", "replicasets", "ReplicaSet"),
        new("apps", "v1", "deployments", "Deployment"),
        new("apps", "v1", "statefulsets", "StatefulSet"),
        new("apps", "v1", "daemonsets", "DaemonSet"),
        new("batch", "v1", "jobs", "Job"),
        new("", "v1", "podtemplates", "PodTemplate"),
        new("apps", "v1", "controllerrevisions", "ControllerRevision"),
    ];

    /// <summary>Cron jobs: <c>batch/v1</c> serves them since Kubernetes 1.21, <c>batch/v1beta1</c> before.</summary>
    public const string CronJobs = "cronjobs.batch";

    /// <summary>What its objects carry as <c>apiVersion</c>.</summary>
    public string ApiVersion => Group is "" ? Version : $"{Group}/{Version}";

    /// <summary>Plural name and group: <c>deployments.apps</c>, and <c>pods</c> in core.</summary>
    public string Name => Group is "" ? Plural : $"{Plural}.{Group}";

    /// <summary>The path of the list over all namespaces.</summary>
    public string Path => Group is "" ? $"/api/{Version}/{Plural}" : $"/apis/{Group}/{Version}/{Plural}";

    /// <summary>Plural and group of <c>plural.group</c>; null where the text is no such name.</summary>
    public static (string Plural, string Group)? Split(string name) =>
        name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && dot < name.Length - 1 && name.Length <= 253
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.') && !name.Contains("..", StringComparison.Ordinal)
            ? (name[..dot], name[(dot + 1)..])
            : null;
}
