using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Admission;

/// <summary>An AdmissionReview as the API server writes it, about one object.</summary>
internal sealed record Review(string Group, string Kind, string Resource, JsonNode? Object)
{
    public const string UsualUid = "705ab4f5-6393-11e8-b7cc-42010a800002";

    public string Uid { get; init; } = UsualUid;

    public string Operation { get; init; } = "CREATE";

    public JsonNode? Old { get; init; }

    public string? Subresource { get; init; }

    public string? Namespace { get; init; } = "shop";

    public bool DryRun { get; init; }

    public string Name { get; init; } = "api";

    public string User { get; init; } = "developer";

    public static Review Pod(JsonNode? @object) => new("", "Pod", "pods", @object);

    public static Review Deployment(JsonNode? @object) => new("apps", "Deployment", "deployments", @object);

    public static Review OfNamespace(string name, JsonNode? @object) => new("", "Namespace", "namespaces", @object) { Namespace = name, Name = name };

    /// <summary>An update from one object to this one.</summary>
    public Review From(JsonNode? old) => this with { Operation = "UPDATE", Old = old };

    public string Json() => new JsonObject
    {
        ["kind"] = "AdmissionReview",
        ["apiVersion"] = "admission.k8s.io/v1",
        ["request"] = new JsonObject
        {
            ["uid"] = Uid,
            ["kind"] = new JsonObject { ["group"] = Group, ["version"] = "v1", ["kind"] = Kind },
            ["resource"] = new JsonObject { ["group"] = Group, ["version"] = "v1", ["resource"] = Resource },
            ["subResource"] = Subresource,
            ["requestKind"] = new JsonObject { ["group"] = Group, ["version"] = "v1", ["kind"] = Kind },
            ["requestResource"] = new JsonObject { ["group"] = Group, ["version"] = "v1", ["resource"] = Resource },
            ["name"] = Name,
            ["namespace"] = Namespace,
            ["operation"] = Operation,
            ["userInfo"] = new JsonObject { ["username"] = User, ["groups"] = new JsonArray("system:authenticated") },
            ["object"] = Object?.DeepClone(),
            ["oldObject"] = Old?.DeepClone(),
            ["dryRun"] = DryRun,
            ["options"] = new JsonObject { ["kind"] = "CreateOptions", ["apiVersion"] = "meta.k8s.io/v1" },
        },
    }.ToJsonString();

    public AdmissionCase Open(Policy? policy = null, string? cluster = null) => Open(Json(), policy, cluster);

    public static AdmissionCase Open(string json, Policy? policy = null, string? cluster = null)
    {
        var reading = AdmissionReview.Read(Encoding.UTF8.GetBytes(json));
        return AdmissionGate.Open(Assert.IsType<ReviewReading.Request>(reading).Value, policy ?? TestPolicy.Standard, cluster);
    }

    /// <summary>Decides with what <see cref="TestPolicy.Known"/> says of each image.</summary>
    public AdmissionOutcome Decide(Policy? policy = null, string? cluster = null) => Decide(Open(policy, cluster));

    public static AdmissionOutcome Decide(AdmissionCase @case, Func<Subject, Claims>? known = null) =>
        @case.Decide(@case.Subjects.ToDictionary(subject => subject, known ?? (subject => TestPolicy.Known(subject, @case.Policy))), TestPolicy.Now);
}
