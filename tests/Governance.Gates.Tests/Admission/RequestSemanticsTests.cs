using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>What is asked of an object, rather than what is in it: updates, names, owners, labels, size and time.</summary>
public sealed class RequestSemanticsTests
{
    [Fact, Trait("evasion", "24")]
    public void Scaling_is_not_the_gates_question_because_each_pod_that_follows_is()
    {
        var scale = new Review("autoscaling", "Scale", "deployments", new JsonObject { ["kind"] = "Scale", ["spec"] = new JsonObject { ["replicas"] = 5 } }) { Operation = "UPDATE", Subresource = "scale" };
        Assert.True(scale.Decide().Admitted);
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", TestPolicy.Bad).Decide());
    }

    [Fact, Trait("evasion", "25")]
    public void Scaling_down_together_with_a_new_image_is_judged_for_the_image()
    {
        var old = Workloads.Object("Deployment", TestPolicy.Good);
        var scaled = Workloads.Object("Deployment", TestPolicy.Bad);
        scaled["spec"]!["replicas"] = 1;
        HiddenImageTests.AssertRefused(Review.Deployment(scaled).From(old).Decide());
        scaled["spec"]!["replicas"] = 0;
        HiddenImageTests.AssertRefused(Review.Deployment(scaled).From(old).Decide());
    }

    [Fact, Trait("evasion", "25")]
    public void Scaling_down_alone_goes_through_whatever_runs()
    {
        var old = Workloads.Object("Deployment", TestPolicy.Bad);
        var scaled = Workloads.Object("Deployment", TestPolicy.Bad);
        scaled["spec"]!["replicas"] = 0;
        Assert.True(Review.Deployment(scaled).From(old).Decide().Admitted);
    }

    [Theory, MemberData(nameof(Workloads.Names), MemberType = typeof(Workloads)), Trait("evasion", "26")]
    public void An_update_of_labels_of_a_non_compliant_object_is_allowed_because_it_brings_in_nothing(string kind)
    {
        var old = Workloads.Object(kind, TestPolicy.Bad);
        var labelled = Workloads.Review(kind, TestPolicy.Bad);
        labelled.Object!["metadata"]!["labels"] = new JsonObject { ["team"] = "a" };
        Assert.True(labelled.From(old).Decide().Admitted);
    }

    [Theory, Trait("evasion", "26")]
    [InlineData("""{"kind":"Rollout","spec":{"template":[]}}""")]
    [InlineData("""{"kind":"Rollout","spec":{"Template":{"spec":{"containers":[{"name":"a","image":"x"}]}}}}""")]
    [InlineData("""{"kind":"Rollout","spec":{"limit":1e99999999999,"initContainers":[{"name":"a","image":"x"}]}}""")]
    public void An_object_that_the_gate_cannot_read_can_still_lose_its_finalizers(string @object)
    {
        var after = JsonNode.Parse(@object)!;
        var review = new Review("argoproj.io", "Rollout", "rollouts", after);
        HiddenImageTests.AssertRefused(review.Decide());
        var old = after.DeepClone();
        old["metadata"] = new JsonObject { ["finalizers"] = new JsonArray("example.com/hold") };
        Assert.True(review.From(old).Decide().Admitted);
        old["spec"]!["replicas"] = 2;
        HiddenImageTests.AssertRefused(review.From(old).Decide());
    }

    [Fact, Trait("evasion", "26")]
    public void A_template_whose_image_a_controller_fills_in_can_be_labelled_but_not_made()
    {
        var empty = Workloads.Review("Deployment", Workloads.Spec([null]));
        HiddenImageTests.AssertRefused(empty.Decide());
        var labelled = empty with { Object = empty.Object!.DeepClone() };
        labelled.Object!["spec"]!["replicas"] = 1;
        Assert.True(labelled.From(empty.Object).Decide().Admitted);
    }

    [Theory, Trait("evasion", "25")]
    [InlineData("""{"kind":"Deployment"}""")]
    [InlineData("""{"kind":"Deployment","spec":{"template":{"spec":{"containers":"registry.example.com/x"}}}}""")]
    [InlineData("[]")]
    [InlineData("null")]
    public void Against_an_old_object_that_says_nothing_every_image_is_new(string old) =>
        HiddenImageTests.AssertRefused(Workloads.Review("Deployment", TestPolicy.Bad).From(JsonNode.Parse(old)).Decide());

    [Fact, Trait("evasion", "25")]
    public void An_image_of_the_old_object_excuses_only_itself()
    {
        var old = Workloads.Object("Deployment", TestPolicy.Good, TestPolicy.Bad);
        HiddenImageTests.AssertRefused(Review.Deployment(Workloads.Object("Deployment", TestPolicy.Good, $"registry.example.com/shop/other@{TestPolicy.UnsignedDigest}")).From(old).Decide());
        HiddenImageTests.AssertRefused(Workloads.Review("Deployment", TestPolicy.Bad).Decide());
        HiddenImageTests.AssertRefused((Workloads.Review("Deployment", TestPolicy.Bad) with { Old = old }).Decide());
    }

    [Theory, Trait("evasion", "27")]
    [InlineData("PatchOptions", "kubectl-patch")]
    [InlineData("PatchOptions", "argocd-controller")]
    [InlineData("UpdateOptions", "kubectl")]
    public void Whichever_way_an_object_was_changed_the_result_is_judged(string options, string manager)
    {
        var after = Workloads.Object("Deployment", TestPolicy.Bad);
        after["metadata"]!["managedFields"] = new JsonArray(new JsonObject { ["manager"] = manager, ["operation"] = "Apply", ["fieldsV1"] = new JsonObject { ["f:spec"] = new JsonObject() } });
        var json = JsonNode.Parse(Review.Deployment(after).From(Workloads.Object("Deployment", TestPolicy.Good)).Json())!;
        json["request"]!["options"] = new JsonObject { ["kind"] = options, ["fieldManager"] = manager, ["force"] = true };
        HiddenImageTests.AssertRefused(Review.Decide(Review.Open(json.ToJsonString())));
    }

    [Fact, Trait("evasion", "28")]
    public void An_object_without_a_name_is_judged_and_called_by_what_its_name_will_begin_with()
    {
        var pod = Workloads.Object("Pod", TestPolicy.Bad);
        pod["metadata"] = new JsonObject { ["generateName"] = "api-" };
        var @case = (Review.Pod(pod) with { Name = "" }).Open();
        Assert.Equal("api-", @case.Request.Name);
        HiddenImageTests.AssertRefused(Review.Decide(@case));
        pod.Remove("metadata");
        HiddenImageTests.AssertRefused((Review.Pod(pod) with { Name = "", Namespace = null }).Decide());
    }

    [Fact, Trait("evasion", "29")]
    public void A_claim_to_be_owned_by_a_controller_changes_nothing()
    {
        var pod = Workloads.Object("Pod", TestPolicy.Bad);
        pod["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "ReplicaSet", ["name"] = "api", ["uid"] = "0c3331b6-1812-11ea-b3fc-02897404852e", ["controller"] = true });
        HiddenImageTests.AssertRefused(Review.Pod(pod).Decide());
    }

    [Theory, Trait("evasion", "30")]
    [InlineData("")]
    [InlineData("status")]
    [InlineData("finalize")]
    public void No_namespace_but_the_gates_own_can_take_the_label_that_exempts_it(string subresource)
    {
        HiddenImageTests.AssertRefused((Review.OfNamespace("shop", Namespace("shop", exempt: true)).From(Namespace("shop", exempt: false)) with { Subresource = subresource }).Decide());
        Assert.True((Review.OfNamespace("gates", Namespace("gates", exempt: true)).From(Namespace("gates", exempt: false)) with { Subresource = subresource }).Decide().Admitted);
    }

    [Fact, Trait("evasion", "30")]
    public void A_namespace_made_with_the_exempting_label_is_refused()
    {
        HiddenImageTests.AssertRefused(Review.OfNamespace("shop", Namespace("shop", exempt: true)).Decide());
        Assert.True(Review.OfNamespace("shop", Namespace("shop", exempt: false)).Decide().Admitted);
    }

    [Fact, Trait("evasion", "30")]
    public void A_namespace_whose_generated_name_would_begin_like_the_gates_own_is_not_the_gates_own()
    {
        var generated = Namespace("gates", exempt: true);
        generated["metadata"]!.AsObject().Remove("name");
        generated["metadata"]!["generateName"] = "gates";
        HiddenImageTests.AssertRefused((Review.OfNamespace("", generated) with { Namespace = null }).Decide());
    }

    [Fact, Trait("evasion", "30")]
    public void A_namespace_that_is_only_audited_cannot_leave_the_audit() =>
        HiddenImageTests.AssertRefused(Review.OfNamespace("kube-system", Namespace("kube-system", exempt: true)).From(Namespace("kube-system", exempt: false)).Decide());

    [Fact, Trait("evasion", "30")]
    public void A_namespace_that_carried_the_label_before_the_gate_came_can_still_be_changed_and_deleted()
    {
        var outcome = Review.OfNamespace("shop", Namespace("shop", exempt: true)).From(Namespace("shop", exempt: true)).Decide();
        Assert.True(outcome.Admitted);
        Assert.NotEmpty(outcome.Warnings);
    }

    [Theory, Trait("evasion", "30")]
    [InlineData("""{"kind":"Namespace","metadata":[]}""")]
    [InlineData("""{"kind":"Namespace","metadata":{"labels":[]}}""")]
    [InlineData("null")]
    public void A_namespace_whose_labels_cannot_be_read_is_refused(string @object) => HiddenImageTests.AssertRefused(Review.OfNamespace("shop", JsonNode.Parse(@object)).Decide());

    [Fact, Trait("evasion", "31")]
    public void Annotations_that_say_verified_change_nothing()
    {
        var pod = Workloads.Object("Pod", TestPolicy.Bad);
        pod["metadata"]!["annotations"] = new JsonObject
        {
            ["governance.gates/verdict"] = "allow",
            ["kyverno.io/verify-images"] = $$"""{"{{TestPolicy.Bad}}":"pass"}""",
            ["kubectl.kubernetes.io/last-applied-configuration"] = Workloads.Object("Pod", TestPolicy.Good).ToJsonString(),
        };
        pod["metadata"]!["labels"] = new JsonObject { [AdmissionGate.ExemptLabel] = "true", ["policy.sigstore.dev/include"] = "false" };
        HiddenImageTests.AssertRefused(Review.Pod(pod).Decide());
    }

    [Fact, Trait("evasion", "32")]
    public void What_another_webhook_put_in_is_judged_like_the_rest()
    {
        var injected = Workloads.Object("Pod", TestPolicy.Good);
        injected["spec"]!["containers"]!.AsArray().Add((JsonNode)Workloads.Container("istio-proxy", "docker.io/istio/proxyv2:1.25"));
        HiddenImageTests.AssertRefused(Review.Pod(injected).Decide());
    }

    [Theory, Trait("evasion", "33")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_dry_run_is_decided_like_the_real_one(bool dryRun)
    {
        var @case = (Workloads.Review("Pod", TestPolicy.Bad) with { DryRun = dryRun }).Open();
        Assert.Equal(dryRun, @case.Request.DryRun);
        HiddenImageTests.AssertRefused(Review.Decide(@case));
        Assert.True((Workloads.Review("Pod", TestPolicy.Good) with { DryRun = dryRun }).Decide().Admitted);
    }

    [Fact, Trait("evasion", "34")]
    public void A_review_of_more_than_three_mebibytes_is_read_and_judged()
    {
        var pod = Workloads.Object("Pod", TestPolicy.Bad);
        pod["metadata"]!["annotations"] = new JsonObject { ["padding"] = new string('x', 5 * 1024 * 1024) };
        HiddenImageTests.AssertRefused(Review.Pod(pod).Decide());
    }

    [Fact, Trait("evasion", "34")]
    public void The_uid_is_found_in_the_part_that_was_read_of_a_review_that_is_too_large()
    {
        var json = Workloads.Review("Pod", TestPolicy.Bad).Json();
        Assert.Equal(Review.UsualUid, AdmissionReview.FindUid(Encoding.UTF8.GetBytes(json).AsSpan(0, 300)));
        Assert.Null(AdmissionReview.FindUid(Encoding.UTF8.GetBytes(json).AsSpan(0, 20)));
    }

    [Fact, Trait("evasion", "35"), Trait("evasion", "36")]
    public void An_image_that_was_not_verified_in_time_is_unknown_and_the_others_keep_their_answers()
    {
        var @case = Workloads.Review("Deployment", [.. Enumerable.Range(0, 100).Select(i => $"registry.example.com/shop/api-{i}@{TestPolicy.SignedDigest}"), "evil.example.com/x"]).Open();
        Assert.Equal(100, @case.Subjects.Count());
        var outcome = @case.Decide(new Dictionary<Governance.Gates.Evidence.Subject, Governance.Gates.Evidence.Claims>(), TestPolicy.Now);
        Assert.False(outcome.Admitted);
        Assert.Equal(Verdict.Deny, outcome.Decision.Verdict);
        Assert.Equal(100, outcome.Decision.Reasons.Count(reason => reason.Message.Contains("was not verified in time", StringComparison.Ordinal)));
    }

    [Fact, Trait("evasion", "36")]
    public void A_registry_that_could_not_be_read_is_unknown_never_unsigned_and_never_allowed()
    {
        var outcome = Review.Decide(Workloads.Review("Pod", TestPolicy.Bad).Open(), _ => Governance.Gates.Evidence.Claims.CouldNotRead(new Reason("registry", "registry.example.com does not answer", "try again")));
        Assert.False(outcome.Admitted);
        Assert.Equal(Verdict.Unknown, outcome.Decision.Verdict);
    }

    [Fact, Trait("evasion", "37")]
    public void A_rule_in_warn_mode_softens_nothing_beside_it()
    {
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", TestPolicy.Watched, TestPolicy.Bad).Decide());
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", TestPolicy.Bad, TestPolicy.Watched).Decide());
        var watched = Workloads.Review("Pod", TestPolicy.Watched).Decide();
        Assert.True(watched.Admitted);
        Assert.Equal(Verdict.Deny, watched.Decision.Verdict);
        Assert.NotEmpty(watched.Warnings);
    }

    [Fact, Trait("evasion", "38")]
    public void An_object_that_is_being_deleted_brings_in_no_new_image_either()
    {
        var dying = Workloads.Object("Deployment", TestPolicy.Bad);
        dying["metadata"]!["deletionTimestamp"] = "2026-06-15T12:00:00Z";
        HiddenImageTests.AssertRefused(Review.Deployment(dying).From(Workloads.Object("Deployment", TestPolicy.Good)).Decide());
        Assert.True(Review.Deployment(dying).From(Workloads.Object("Deployment", TestPolicy.Bad)).Decide().Admitted);
    }

    [Fact, Trait("evasion", "39")]
    public void A_changed_cron_job_is_judged()
    {
        var review = Workloads.Review("CronJob", TestPolicy.Bad);
        HiddenImageTests.AssertRefused(review.From(Workloads.Object("CronJob", TestPolicy.Good)).Decide());
    }

    [Theory]
    [InlineData("DELETE", null)]
    [InlineData("CONNECT", "exec")]
    [InlineData("UPDATE", "status")]
    public void Deletion_status_and_connections_go_through(string operation, string? subresource) =>
        Assert.True((Workloads.Review("Pod", TestPolicy.Bad) with { Operation = operation, Subresource = subresource }).Decide().Admitted);

    [Theory, Trait("evasion", "42")]
    [InlineData("\"uid\":", "\"uid\":\"x\",\"uid\":")]
    [InlineData("\"containers\":", "\"containers\":[],\"containers\":")]
    [InlineData("\"containers\":", "\"c\\u006fntainers\":[],\"containers\":")]
    [InlineData("\"containers\":", "\"\\ud800\":1,\"containers\":")]
    [InlineData("\"imagePullPolicy\":", "\"image\":\"docker.io/library/nginx\",\"imagePullPolicy\":")]
    [InlineData("\"namespace\":\"shop\",\"operation\"", "\"namespace\":7,\"operation\"")]
    [InlineData("\"namespace\":\"shop\",\"operation\"", "\"namespace\":\"\\ud800\",\"operation\"")]
    [InlineData("\"operation\":\"CREATE\"", "\"operation\":\"create\"")]
    [InlineData("\"subResource\":null", "\"subResource\":[\"status\"]")]
    [InlineData("\"dryRun\":false", "\"dryRun\":\"false\"")]
    [InlineData("\"group\":\"\"", "\"group\":{}")]
    [InlineData("admission.k8s.io/v1", "admission.k8s.io/v1beta1")]
    public void A_review_that_says_two_things_or_none_is_refused_with_its_uid(string part, string instead)
    {
        var json = Workloads.Review("Pod", TestPolicy.Good).Json();
        Assert.Contains(part, json, StringComparison.Ordinal);
        var unreadable = Assert.IsType<ReviewReading.Unreadable>(AdmissionReview.Read(Encoding.UTF8.GetBytes(json.Replace(part, instead, StringComparison.Ordinal))));
        var answer = new ArrayBufferWriter<byte>();
        AdmissionAnswer.WriteRefusal(answer, unreadable.Uid, unreadable.Reason);
        Assert.False(JsonDocument.Parse(answer.WrittenMemory).RootElement.GetProperty("response").GetProperty("allowed").GetBoolean());
    }

    [Theory, Trait("evasion", "42")]
    [InlineData("imagePullPolicy")]
    [InlineData("IfNotPresent")]
    public void A_review_with_bytes_that_are_no_text_is_refused_with_its_uid(string where)
    {
        var body = Encoding.UTF8.GetBytes(Workloads.Review("Pod", TestPolicy.Good).Json());
        body[body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(where)) + 1] = 0xE1;
        Assert.Equal(Review.UsualUid, Assert.IsType<ReviewReading.Unreadable>(AdmissionReview.Read(body)).Uid);
    }

    [Fact, Trait("evasion", "42")]
    public void An_object_nested_deeper_than_any_reader_goes_is_refused()
    {
        var deep = new StringBuilder().Insert(0, "{\"a\":", 200).Append('1').Append('}', 200).ToString();
        var json = Workloads.Review("Pod", TestPolicy.Good).Json().Replace("\"metadata\":{", $"\"deep\":{deep},\"metadata\":{{", StringComparison.Ordinal);
        Assert.Equal(Review.UsualUid, Assert.IsType<ReviewReading.Unreadable>(AdmissionReview.Read(Encoding.UTF8.GetBytes(json))).Uid);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"request":null}""")]
    [InlineData("""{"request":[]}""")]
    [InlineData("""{"request":{"uid":""}}""")]
    [InlineData("""{"request":{"uid":7}}""")]
    [InlineData("""{"request":{"uid":"\ud800"}}""")]
    public void Without_a_uid_there_is_nothing_to_answer_with(string body) => Assert.IsType<ReviewReading.WithoutUid>(AdmissionReview.Read(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void A_custom_resource_of_a_hundred_thousand_empty_containers_below_declared_paths_is_decided()
    {
        // Linear; the square of it would not end within this test's life.
        var groups = new JsonObject { ["kind"] = "Rollout", ["spec"] = new JsonObject { ["groups"] = new JsonArray([.. Enumerable.Range(0, 100_000).Select(_ => JsonNode.Parse("""{"containers":[{"image":null}]}"""))]) } };
        var policy = TestPolicy.WithImages("      - match: [\"**\"]\n        verdict: deny\n", "    customResources:\n      - { resource: rollouts.argoproj.io, images: [/spec/groups/*/containers/*/image] }\n");
        HiddenImageTests.AssertRefused(new Review("argoproj.io", "Rollout", "rollouts", groups).Decide(policy));
    }

    private static JsonObject Namespace(string name, bool exempt) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Namespace",
        ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = exempt ? new JsonObject { [AdmissionGate.ExemptLabel] = "true" } : [] },
    };
}
