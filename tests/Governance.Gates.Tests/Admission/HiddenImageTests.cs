using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Admission;

/// <summary>Where an image can hide in an object. The numbers are those of the table in docs/threat-model.md.</summary>
public sealed class HiddenImageTests
{
    /// <summary>Custom resources as their projects' examples write them; @ stands for the image.</summary>
    public static TheoryData<string, string, string, string> CustomResources => new()
    {
        { "argo-rollout.json", "argoproj.io", "Rollout", "rollouts" },
        { "argo-workflow.json", "argoproj.io", "Workflow", "workflows" },
        { "kserve-inferenceservice.json", "serving.kserve.io", "InferenceService", "inferenceservices" },
        { "kserve-transformer.json", "serving.kserve.io", "InferenceService", "inferenceservices" },
        { "knative-service.json", "serving.knative.dev", "Service", "services" },
        { "tekton-task.json", "tekton.dev", "Task", "tasks" },
        { "raycluster.json", "ray.io", "RayCluster", "rayclusters" },
        { "jobset.json", "jobset.x-k8s.io", "JobSet", "jobsets" },
        { "leaderworkerset.json", "leaderworkerset.x-k8s.io", "LeaderWorkerSet", "leaderworkersets" },
    };

    [Theory, MemberData(nameof(Workloads.Names), MemberType = typeof(Workloads))]
    public void A_signed_image_is_admitted_and_an_unsigned_one_is_not_in_every_kind(string kind)
    {
        Assert.Equal(Verdict.Allow, Workloads.Review(kind, TestPolicy.Good).Decide().Decision.Verdict);
        AssertRefused(Workloads.Review(kind, TestPolicy.Bad).Decide());
    }

    [Fact, Trait("evasion", "1")]
    public void An_ephemeral_container_added_through_the_subresource_is_judged()
    {
        var after = Workloads.Object("Pod", TestPolicy.Good);
        after["spec"]!["ephemeralContainers"] = new JsonArray(Workloads.Container("debugger", TestPolicy.Bad));
        var review = Review.Pod(after).From(Workloads.Object("Pod", TestPolicy.Good)) with { Subresource = "ephemeralcontainers" };
        AssertRefused(review.Decide());
        after["spec"]!["ephemeralContainers"]![0]!["image"] = TestPolicy.Good;
        Assert.True((review with { Object = after }).Decide().Admitted);
    }

    [Fact, Trait("evasion", "1")]
    public void The_alpha_form_of_the_ephemeral_containers_subresource_is_judged()
    {
        var list = new JsonObject { ["kind"] = "EphemeralContainers", ["ephemeralContainers"] = new JsonArray(Workloads.Container("debugger", TestPolicy.Bad)) };
        AssertRefused(new Review("", "EphemeralContainers", "pods", list) { Operation = "UPDATE", Subresource = "ephemeralcontainers" }.Decide());
    }

    [Theory, MemberData(nameof(Workloads.Names), MemberType = typeof(Workloads)), Trait("evasion", "2")]
    public void An_init_container_and_a_sidecar_are_judged_in_every_kind(string kind)
    {
        var spec = Workloads.Spec(TestPolicy.Good);
        spec["initContainers"] = Workloads.Containers(TestPolicy.Bad);
        AssertRefused(Workloads.Review(kind, spec).Decide());
        var sidecar = Workloads.Spec(TestPolicy.Good);
        sidecar["initContainers"] = Workloads.Containers(TestPolicy.Bad);
        sidecar["initContainers"]![0]!["restartPolicy"] = "Always";
        AssertRefused(Workloads.Review(kind, sidecar).Decide());
    }

    [Theory, MemberData(nameof(Workloads.Names), MemberType = typeof(Workloads)), Trait("evasion", "3")]
    public void An_image_volume_is_judged_in_every_kind(string kind)
    {
        var spec = Workloads.Spec(TestPolicy.Good);
        spec["volumes"] = new JsonArray(
            new JsonObject { ["name"] = "cache", ["emptyDir"] = new JsonObject() },
            new JsonObject { ["name"] = "model", ["image"] = new JsonObject { ["reference"] = TestPolicy.Bad, ["pullPolicy"] = "IfNotPresent" } });
        AssertRefused(Workloads.Review(kind, spec).Decide());
    }

    [Fact, Trait("evasion", "4")]
    public void The_last_of_fifty_containers_is_judged() =>
        AssertRefused(Workloads.Review("Deployment", [.. Enumerable.Repeat(TestPolicy.Good, 49), TestPolicy.Bad]).Decide());

    [Fact, Trait("evasion", "4")]
    public void What_comes_after_more_images_than_are_read_is_never_admitted()
    {
        var images = Enumerable.Range(0, 2_500).Select(i => $"docker.io/library/nginx:{i}").ToArray();
        Assert.Equal(Verdict.Unknown, Workloads.Review("Pod", images).Decide().Decision.Verdict);
    }

    [Fact, Trait("evasion", "5")]
    public void Two_containers_of_one_name_are_both_judged()
    {
        var spec = new JsonObject { ["containers"] = new JsonArray(Workloads.Container("api", TestPolicy.Bad), Workloads.Container("api", TestPolicy.Good)) };
        AssertRefused(Workloads.Review("Deployment", spec).Decide());
        var rollout = new Review("argoproj.io", "Rollout", "rollouts", new JsonObject { ["kind"] = "Rollout", ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = spec.DeepClone() } } });
        AssertRefused(rollout.Decide());
    }

    [Theory, MemberData(nameof(CustomResources)), Trait("evasion", "6")]
    public void A_custom_resource_that_holds_a_pod_template_is_found_wherever_it_stands(string file, string group, string kind, string resource)
    {
        var review = new Review(group, kind, resource, Recorded(file, TestPolicy.Bad));
        AssertRefused(review.Decide());
        if (resource != "rollouts")
        {
            Assert.Equal("admission.unknownKinds", Assert.Single(review.Decide().Decision.Reasons).Rule);
        }
    }

    [Fact, Trait("evasion", "6")]
    public void A_declared_custom_resource_is_judged_by_its_images()
    {
        Assert.True(new Review("argoproj.io", "Rollout", "rollouts", Recorded("argo-rollout.json", TestPolicy.Good)).Decide().Admitted);
        var workflow = new Review("argoproj.io", "Workflow", "workflows", Recorded("argo-workflow.json", TestPolicy.Good));
        var declared = TestPolicy.WithImages(
            "      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [builder] } }\n",
            "    customResources:\n      - { resource: workflows.argoproj.io, images: [/spec/templates/*/container/image, /spec/templates/*/script/image] }\n");
        Assert.True(workflow.Decide(declared).Admitted);
        AssertRefused((workflow with { Object = Recorded("argo-workflow.json", TestPolicy.Bad) }).Decide(declared));
    }

    [Fact, Trait("evasion", "6")]
    public void A_pod_template_beside_the_declared_places_is_not_overlooked()
    {
        var rollout = Recorded("argo-rollout.json", TestPolicy.Good);
        rollout["spec"]!["template"]!["spec"]!["initContainers"] = Workloads.Containers(TestPolicy.Bad);
        AssertRefused(new Review("argoproj.io", "Rollout", "rollouts", rollout).Decide());
    }

    [Fact, Trait("evasion", "6")]
    public void A_member_whose_name_holds_a_slash_is_not_taken_for_a_declared_place()
    {
        var map = new JsonObject
        {
            ["kind"] = "Map",
            ["spec"] = new JsonObject
            {
                ["containers"] = new JsonArray(Workloads.Container("good", TestPolicy.Good)),
                ["templates"] = new JsonObject { ["x"] = new JsonObject { ["image"] = TestPolicy.Good } },
                ["templates/x"] = new JsonObject { ["name"] = "evil", ["image"] = TestPolicy.Bad },
            },
        };
        AssertRefused(new Review("example.com", "Map", "maps", map).Decide());
    }

    [Theory, Trait("evasion", "7")]
    [InlineData("PodTemplate")]
    [InlineData("ControllerRevision")]
    public void A_stored_template_is_judged_before_anything_rolls_back_to_it(string kind) => AssertRefused(Workloads.Review(kind, TestPolicy.Bad).Decide());

    [Fact, Trait("evasion", "7")]
    public void A_controller_revision_that_spells_image_twice_is_judged_by_both()
    {
        var spec = Workloads.Spec(TestPolicy.Bad);
        spec["containers"]![0]!["Image"] = TestPolicy.Good;
        AssertRefused(Workloads.Review("ControllerRevision", spec).Decide());
        var volume = Workloads.Spec(TestPolicy.Bad);
        volume["containers"]![0]!["IMAGE"] = new JsonObject { ["reference"] = TestPolicy.Good };
        AssertRefused(Workloads.Review("ControllerRevision", volume).Decide());
    }

    [Theory, Trait("evasion", "8")]
    [InlineData("ReplicationController")]
    [InlineData("ReplicaSet")]
    public void A_bare_replica_controller_is_judged(string kind) => AssertRefused(Workloads.Review(kind, TestPolicy.Bad).Decide());

    [Fact, Trait("evasion", "10")]
    public void A_pull_policy_of_never_changes_nothing()
    {
        var spec = Workloads.Spec(TestPolicy.Bad);
        spec["containers"]![0]!["imagePullPolicy"] = "Never";
        AssertRefused(Workloads.Review("Pod", spec).Decide());
    }

    [Fact, Trait("evasion", "11")]
    public void An_old_api_version_is_judged_like_the_current_one()
    {
        var old = Workloads.Review("Deployment", TestPolicy.Bad) with { Group = "extensions" };
        AssertRefused(old.Decide());
    }

    [Theory, Trait("evasion", "11")]
    [InlineData("""{"kind":"Pod","spec":[]}""")]
    [InlineData("""{"kind":"Pod"}""")]
    [InlineData("""{"kind":"Pod","spec":{}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":null}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":{"api":{"image":"docker.io/library/nginx"}}}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":["docker.io/library/nginx"]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":["docker.io/library/nginx"]}]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}],"volumes":{}}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}],"volumes":[{"image":"x"}]}}""")]
    [InlineData("""{"kind":"Deployment","spec":{"containers":[{"image":"docker.io/library/nginx"}]}}""")]
    [InlineData("""[]""")]
    [InlineData("null")]
    public void A_pod_that_cannot_be_read_is_unknown_and_refused(string @object)
    {
        var outcome = Review.Pod(JsonNode.Parse(@object)).Decide();
        Assert.False(outcome.Admitted);
        Assert.Equal(Verdict.Unknown, outcome.Decision.Verdict);
    }

    [Theory, Trait("evasion", "11"), Trait("evasion", "42")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx","Image":"evil.example.com/x"}]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}],"Containers":[{"image":"evil.example.com/x"}]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}],"container\u017f":[{"image":"evil.example.com/x"}]}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}]},"Spec":{}}""")]
    [InlineData("""{"kind":"Pod","spec":{"containers":[{"image":"docker.io/library/nginx"}],"volumes":[{"image":{"reference":"docker.io/library/nginx","Reference":"evil.example.com/x"}}]}}""")]
    public void A_field_that_differs_in_case_only_is_never_overlooked(string @object) =>
        Assert.Equal(Verdict.Unknown, Review.Pod(JsonNode.Parse(@object)).Decide().Decision.Verdict);

    [Fact, Trait("evasion", "42")]
    public void An_escaped_name_is_the_name_that_it_spells()
    {
        var json = Workloads.Review("Pod", TestPolicy.Bad).Json().Replace("\"containers\"", "\"c\\u006fntainers\"", StringComparison.Ordinal);
        AssertRefused(Review.Decide(Review.Open(json)));
    }

    internal static JsonObject Recorded(string file, string image) =>
        (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Admission/testdata", file)).Replace("@IMAGE@", image, StringComparison.Ordinal))!;

    internal static void AssertRefused(AdmissionOutcome outcome)
    {
        Assert.False(outcome.Admitted, string.Join(" | ", outcome.Decision.Reasons));
        Assert.NotEmpty(outcome.Refusals);
    }
}
