using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Admission;

/// <summary>Workloads of every kind that Kubernetes itself starts, around one pod specification.</summary>
internal static class Workloads
{
    /// <summary>The kinds by name: group, plural, and the object around a pod specification.</summary>
    private static readonly Dictionary<string, (string Group, string Resource, Func<JsonObject, JsonObject> Around)> Kinds = new()
    {
        ["Pod"] = ("", "pods", spec => new() { ["spec"] = spec }),
        ["ReplicationController"] = ("", "replicationcontrollers", spec => new() { ["spec"] = new JsonObject { ["replicas"] = 1, ["template"] = Template(spec) } }),
        ["PodTemplate"] = ("", "podtemplates", spec => new() { ["template"] = Template(spec) }),
        ["ReplicaSet"] = ("apps", "replicasets", InTemplate),
        ["Deployment"] = ("apps", "deployments", InTemplate),
        ["StatefulSet"] = ("apps", "statefulsets", InTemplate),
        ["DaemonSet"] = ("apps", "daemonsets", InTemplate),
        ["ControllerRevision"] = ("apps", "controllerrevisions", Revision),
        ["Job"] = ("batch", "jobs", InTemplate),
        ["CronJob"] = ("batch", "cronjobs", spec => new() { ["spec"] = new JsonObject { ["schedule"] = "*/5 * * * *", ["jobTemplate"] = InTemplate(spec) } }),
    };

    public static TheoryData<string> Names => [.. Kinds.Keys];

    public static Review Review(string kind, params string[] images) => Review(kind, Spec(images));

    public static Review Review(string kind, JsonObject spec)
    {
        var (group, resource, around) = Kinds[kind];
        var body = around(spec);
        body["apiVersion"] = group.Length == 0 ? "v1" : $"{group}/v1";
        body["kind"] = kind;
        body["metadata"] = new JsonObject { ["name"] = "api", ["namespace"] = "shop" };
        return new(group, kind, resource, body);
    }

    public static JsonObject Object(string kind, params string[] images) => (JsonObject)Review(kind, images).Object!;

    public static JsonObject Spec(params string?[] images) => new() { ["containers"] = Containers(images) };

    public static JsonArray Containers(params string?[] images) => [.. images.Select((image, i) => Container($"c{i}", image))];

    public static JsonObject Container(string name, string? image) =>
        image is null ? new() { ["name"] = name } : new() { ["name"] = name, ["image"] = image, ["imagePullPolicy"] = "IfNotPresent" };

    private static JsonObject Template(JsonObject spec) => new() { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = "api" } }, ["spec"] = spec };

    // As the StatefulSet controller writes it: a patch that replaces the whole template.
    private static JsonObject Revision(JsonObject spec)
    {
        var template = Template(spec);
        template["$patch"] = "replace";
        return new() { ["data"] = new JsonObject { ["spec"] = new JsonObject { ["template"] = template } }, ["revision"] = 2 };
    }

    private static JsonObject InTemplate(JsonObject spec) => new() { ["spec"] = new JsonObject { ["replicas"] = 3, ["template"] = Template(spec) } };
}
