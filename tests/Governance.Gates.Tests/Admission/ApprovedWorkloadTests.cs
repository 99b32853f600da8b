using System.Text.Json.Nodes;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Admission;

/// <summary>What may begin under approvals, what may go on, and what stops it.</summary>
public sealed class ApprovedWorkloadTests
{
    private const string ReplicaSetController = "system:serviceaccount:kube-system:replicaset-controller";
    private static readonly DateTimeOffset AfterUseBy = Firm.Now.AddDays(4);
    private static readonly DateTimeOffset AfterRunUntil = Firm.Now.AddDays(7 * 27);

    private readonly ApprovedCluster cluster = new();
    private readonly Review deployment = ApprovedCluster.Workload("Deployment");
    private readonly Review pod = ApprovedCluster.Workload("Pod") with { Name = "api-7f9c-x2" };

    public static TheoryData<string, string> Changes => new()
    {
        { """{ "command": ["sh", "-c", "curl evil"] }""", "command" },
        { """{ "args": ["--drain"] }""", "args" },
        { """{ "env": [{ "name": "LIMIT", "value": "1000000" }] }""", "env" },
        { """{ "envFrom": [{ "secretRef": { "name": "exchange-keys" } }] }""", "envFrom" },
        { """{ "securityContext": { "privileged": true } }""", "privileged" },
        { """{ "spec": { "serviceAccountName": "admin" } }""", "serviceAccountName" },
        { """{ "spec": { "hostNetwork": true } }""", "hostNetwork" },
        { """{ "spec": { "volumes": [{ "name": "root", "hostPath": { "path": "/" } }] } }""", "volumes" },
        { """{ "spec": { "initContainers": [{ "name": "first", "image": "IMAGE", "command": ["sh"] }] } }""", "initContainers" },
    };

    [Fact]
    public void An_approved_deployment_begins_and_its_pods_and_replica_sets_start()
    {
        cluster.Goes(cluster.Approved(deployment));
        var record = Assert.Single(cluster.Records);
        Assert.Equal(("production", Firm.Primary, "pay", "default"), (record.Environment, record.Cluster, record.Namespace, record.ServiceAccount));
        Assert.Equal([ImageReference.Parse(ApprovedCluster.Api).Digest!], record.Artifacts);
        Assert.Equal(["p-1", "p-2", "p-3"], record.Uses.Single().Signers.Select(signer => signer.Person).Order());

        cluster.Goes(ApprovedCluster.Workload("ReplicaSet") with { User = ReplicaSetController });
        cluster.Goes(pod);
        Assert.Single(cluster.Records);
    }

    [Fact]
    public void Without_an_approval_nothing_begins() => cluster.Refused(deployment, "has no request for deploy");

    [Fact]
    public void After_use_by_evicted_and_further_pods_still_start()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.Goes(pod, AfterUseBy);
        cluster.Goes(ApprovedCluster.Workload("ReplicaSet") with { User = ReplicaSetController }, AfterUseBy);
        cluster.Goes(deployment.From(With(deployment.Object!, """{ "replicas": 1 }""")), AfterUseBy);
    }

    [Fact]
    public void After_use_by_nothing_new_begins()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.Refused(deployment with { Name = "another" }, "to be used by", AfterUseBy);
        cluster.Refused(ApprovedCluster.Workload("ReplicaSet"), "to be used by", AfterUseBy);
    }

    [Fact]
    public void After_run_until_its_pods_start_no_more()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.Goes(pod, Firm.Now.AddDays(7 * 25));
        cluster.Refused(pod, "is not approved", AfterRunUntil);
    }

    [Theory, MemberData(nameof(Changes))]
    public void An_approved_image_with_anything_else_about_it_is_refused_with_the_difference(string change, string shown)
    {
        cluster.Goes(cluster.Approved(deployment));
        var spec = Changed(change);
        foreach (var review in (Review[])
        [
            ApprovedCluster.Workload("Deployment", spec),
            ApprovedCluster.Workload("Deployment", spec).From(deployment.Object),
            ApprovedCluster.Workload("Pod", spec),
            ApprovedCluster.Workload("ReplicaSet", spec) with { User = ReplicaSetController },
        ])
        {
            var refusal = cluster.Refused(review, "does not cover the pod template");
            Assert.Contains(refusal.Decision.Reasons, reason => reason.Message.Contains(shown, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void An_update_that_returns_to_an_admitted_template_goes_through_after_use_by()
    {
        cluster.Goes(cluster.Approved(deployment));
        var next = ApprovedCluster.Workload("Deployment", Changed("""{ "args": ["v2"] }"""));
        cluster.Approved(next, request: request => request with { Id = "next" });
        cluster.Goes(next.From(deployment.Object));
        Assert.Equal(2, cluster.Records.Count);
        cluster.Goes(deployment.From(next.Object), AfterUseBy);
        Assert.Equal(2, cluster.Records.Count);
    }

    [Fact]
    public void An_owner_reference_and_annotations_make_no_pod_admitted()
    {
        cluster.Goes(cluster.Approved(deployment));
        var forged = ApprovedCluster.Workload("Pod", Changed("""{ "command": ["sh"] }"""));
        forged.Object!["metadata"]!["ownerReferences"] = JsonNode.Parse("""[{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-7f9c", "uid": "1", "controller": true }]""");
        forged.Object!["metadata"]!["annotations"] = JsonNode.Parse($$"""{ "governance.gates/admitted": "{{cluster.Records[0].Id}}" }""");
        cluster.Refused(forged, "does not cover the pod template");
        cluster.Refused(forged with { User = ReplicaSetController }, "does not cover the pod template");
    }

    [Fact]
    public void An_approval_for_staging_lets_nothing_begin_in_production()
    {
        cluster.Approved(deployment, request: request => request with { Scope = new(["staging"], [], [], []) });
        cluster.Refused(deployment, "it is for staging, not for production");
        cluster.Goes(deployment with { Namespace = "try" });
        cluster.Refused(pod, "it is for staging, not for production");
    }

    [Fact]
    public void An_approval_for_another_cluster_or_namespace_or_workload_lets_nothing_begin()
    {
        foreach (var (scope, because) in (IEnumerable<(ApprovalScope, string)>)
        [
            (new(["production"], [Firm.Standby], [], []), "another cluster"),
            (new(["production"], [], ["try"], []), "namespace try"),
            (new(["production"], [], [], ["Deployment/other"]), "Deployment/other"),
            (new([], [], [], []), "names no environment"),
        ])
        {
            var there = new ApprovedCluster();
            there.Approved(deployment, request: request => request with { Scope = scope });
            there.Refused(deployment, because);
        }
    }

    [Fact]
    public void A_generated_name_is_not_the_workload_that_was_approved()
    {
        cluster.Approved(deployment, request: request => request with { Scope = new(["production"], [], [], ["Pod/api"]) });
        var generated = ApprovedCluster.Workload("Pod") with { Name = "" };
        generated.Object!["metadata"] = new JsonObject { ["generateName"] = "api" };
        cluster.Refused(generated, "it is for Pod/api");
    }

    [Fact]
    public void A_namespace_of_no_environment_is_refused_and_so_is_a_changed_template_there()
    {
        cluster.Approved(deployment);
        cluster.Refused(deployment with { Namespace = "elsewhere" }, "the policy names none");
        cluster.Refused((ApprovedCluster.Workload("Deployment", Changed("""{ "command": ["sh"] }""")) with { Namespace = "elsewhere" }).From(deployment.Object), "the policy names none");
    }

    [Fact]
    public void A_namespace_of_no_environment_escapes_no_rule_that_asks_for_approval_in_some_environments()
    {
        var there = new ApprovedCluster(ApprovedCluster.WithImages("- { match: [registry.example.com/shop/**], require: { approved: { action: deploy, covers: [artifact], in: { environments: [production] } } } }"));
        there.Refused(deployment with { Namespace = "made-this-morning" }, "the policy names none");
    }

    [Fact]
    public void A_cluster_that_was_not_named_is_unknown_for_what_begins_and_for_what_changes()
    {
        var unnamed = new ApprovedCluster(cluster: null);
        unnamed.Approved(deployment);
        unnamed.Refused(deployment, "which cluster this is was not said", verdict: Verdict.Unknown);
        unnamed.Refused(ApprovedCluster.Workload("Deployment", Changed("""{ "command": ["sh"] }""")).From(deployment.Object), "which cluster this is was not said", verdict: Verdict.Unknown);
    }

    [Fact]
    public void A_record_of_another_cluster_admits_nothing_here()
    {
        cluster.Goes(cluster.Approved(deployment));
        var standby = new ApprovedCluster(cluster: Firm.Standby);
        standby.Records.AddRange(cluster.Records);
        standby.Refused(pod, "has no request");
    }

    [Fact]
    public void What_was_withdrawn_or_rejected_after_it_was_admitted_starts_no_more()
    {
        foreach (var change in (Func<Approval, Approval>[])
        [
            answer => answer with { Id = "no longer", Decision = ApprovalDecision.Withdraw, Withdraws = answer.Id },
            answer => answer with { Id = "no", Decision = ApprovalDecision.Reject },
        ])
        {
            var there = new ApprovedCluster();
            var asked = there.Asked(deployment, ApprovedCluster.Api);
            there.Answer(asked, "ben");
            there.Answer(asked, "cem");
            there.Goes(deployment);
            there.Answer(asked, "ben", change: change);
            there.Refused(pod, "ben ");
        }
    }

    [Fact]
    public void A_twin_of_the_request_stops_nothing_that_began()
    {
        var asked = cluster.Asked(deployment, ApprovedCluster.Api);
        cluster.Answer(asked, "ben");
        cluster.Answer(asked, "cem");
        cluster.Goes(deployment);
        var request = (ApprovalRequest)asked.Statement;
        var twin = cluster.Attach(request with { Requester = request.Requester with { Person = "p-7", Identity = Firm.Key("gus") } }, "gus", ImageReference.Parse(ApprovedCluster.Api).Digest!);
        cluster.Answer(twin, "gus", change: answer => answer with { Id = "no longer", Decision = ApprovalDecision.Withdraw, Withdraws = request.Id });
        cluster.Goes(pod);
    }

    [Fact]
    public void A_rejection_of_what_began_is_taken_back_only_with_a_key_that_counts_now()
    {
        var asked = cluster.Asked(deployment, ApprovedCluster.Api);
        cluster.Answer(asked, "ben");
        cluster.Answer(asked, "cem");
        cluster.Goes(deployment);
        cluster.Answer(asked, "fay", change: answer => answer with { Id = "no", Decision = ApprovalDecision.Reject });
        cluster.Answer(asked, "fay", change: answer => answer with { Id = "yes again", Decision = ApprovalDecision.Withdraw, Withdraws = "no" });
        cluster.Refused(pod, "fay rejected", new DateTimeOffset(2026, 6, 22, 0, 0, 0, TimeSpan.Zero));
    }

    [Fact]
    public void An_update_of_another_workload_begins_and_needs_its_own_approval()
    {
        cluster.Goes(cluster.Approved(deployment));
        var other = ApprovedCluster.Workload("Deployment");
        other.Object!["metadata"]!["name"] = "other";
        var before = ApprovedCluster.Workload("Deployment", Changed("""{ "args": ["v2"] }"""));
        before.Object!["metadata"]!["name"] = "other";
        cluster.Refused(other.From(before.Object), "to be used by", AfterUseBy);
    }

    [Fact]
    public void Nobody_else_takes_a_rejection_back()
    {
        var asked = cluster.Asked(deployment, ApprovedCluster.Api);
        cluster.Answer(asked, "ben");
        cluster.Answer(asked, "cem");
        cluster.Goes(deployment);
        cluster.Answer(asked, "dan", change: answer => answer with { Id = "no", Decision = ApprovalDecision.Reject });

        // The robot's key signs it in the name of Dan.
        cluster.Answer(asked, "dan", change: answer => answer with { Id = "yes again", Decision = ApprovalDecision.Withdraw, Withdraws = "no" }, key: "robot");
        cluster.Refused(pod, "dan rejected");
    }

    [Fact]
    public void What_the_revocation_list_names_starts_no_more_though_it_was_admitted_and_the_registry_hides_everything()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.Hide();
        cluster.Goes(pod);
        var none = RevocationList.Empty;
        foreach (var list in (RevocationList[])
        [
            none with { Artifacts = [ImageReference.Parse(ApprovedCluster.Api).Digest!] },
            none with { People = ["p-2"] },
            none with { Keys = [Firm.Key("cem").Spki] },
            none with { People = ["p-1"] },
            none with { Approvals = ["request-deploy"] },
            none with { Approvals = ["ben as operator of request-deploy"] },
        ])
        {
            cluster.Revocations = list;
            cluster.Refused(pod, "revoked");
        }

        cluster.Revocations = none with { People = ["p-4"], Keys = [Firm.Key("dan").Spki], Approvals = ["other"] };
        cluster.Goes(pod);
    }

    [Fact]
    public void While_the_revocation_list_cannot_be_read_nothing_starts_whatever_its_rule_says()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.RevocationsRead = new Reading<RevocationList>.Unread(new("trust.revocations", "the list is 3 days old"));
        cluster.Refused(pod, "3 days old", verdict: Verdict.Unknown);
        cluster.Refused(deployment, "3 days old", verdict: Verdict.Unknown);
        cluster.Refused(ApprovedCluster.Workload("Pod", Workloads.Spec(ApprovedCluster.Api.Replace("/shop/", "/open/", StringComparison.Ordinal))), "3 days old", verdict: Verdict.Unknown);
    }

    [Fact]
    public void Of_one_use_the_second_begin_is_refused_and_the_pods_of_the_first_go_on()
    {
        cluster.Approved(deployment, approval: approval => approval with { MaxUses = 1 });
        cluster.Goes(deployment with { DryRun = true });
        Assert.Empty(cluster.Records);
        cluster.Goes(deployment);
        cluster.Refused(deployment with { Name = "again" }, "it was used 1 times");
        cluster.Goes(pod);
    }

    [Theory, InlineData("StatefulSet"), InlineData("DaemonSet")]
    public void The_revision_that_a_controller_keeps_of_a_begun_workload_takes_no_use(string kind)
    {
        var set = ApprovedCluster.Workload(kind);
        cluster.Goes(cluster.Approved(set, approval: approval => approval with { MaxUses = 1 }));
        cluster.Goes(ApprovedCluster.Workload("ControllerRevision") with { User = "system:serviceaccount:kube-system:statefulset-controller" }, AfterUseBy);
        Assert.Single(cluster.Records);
        cluster.Goes(pod, AfterUseBy);
    }

    [Fact]
    public void A_job_of_an_admitted_cron_job_starts_for_its_controller_after_use_by_and_for_nobody_else()
    {
        var spec = Workloads.Spec(ApprovedCluster.Api);
        spec["restartPolicy"] = "Never";
        cluster.Goes(cluster.Approved(ApprovedCluster.Workload("CronJob", spec)));
        var job = ApprovedCluster.Workload("Job", spec);
        cluster.Goes(job with { User = "system:serviceaccount:kube-system:cronjob-controller" }, AfterUseBy);
        cluster.Refused(job, "to be used by", AfterUseBy);
    }

    [Fact]
    public void Two_images_under_two_requests_leave_one_record_that_ends_with_the_earlier()
    {
        var risk = ApprovedCluster.ImageOf("risk");
        var both = ApprovedCluster.Workload("Deployment", Workloads.Spec(ApprovedCluster.Api, risk));
        cluster.Approved(both, approval: approval => approval with { RunUntil = Firm.Now.AddDays(90) });
        cluster.Approved(both, risk, request => request with { Id = "second" }, approval => approval with { RunUntil = Firm.Now.AddDays(30) });
        cluster.Goes(both);
        var record = Assert.Single(cluster.Records);
        Assert.Equal(["request-deploy", "second"], record.Requests.Order());
        Assert.Equal((2, Firm.Now.AddDays(30)), (record.Artifacts.Length, record.RunUntil));
    }

    [Fact]
    public void An_unapproved_image_that_a_mode_lets_in_beside_an_approved_one_finds_no_record_of_itself()
    {
        var audited = new ApprovedCluster(ApprovedCluster.WithImages(ApprovedCluster.Shop, "  admission: { mode: audit }\n"));
        var bad = ApprovedCluster.ImageOf("bad");
        var both = ApprovedCluster.Workload("Deployment", Workloads.Spec(ApprovedCluster.Api, bad));
        audited.Approved(both);
        Assert.True(audited.Ask(both).Admitted);
        Assert.Equal([ImageReference.Parse(ApprovedCluster.Api).Digest!], Assert.Single(audited.Records).Artifacts);

        cluster.Records.AddRange(audited.Records);
        cluster.Refused(ApprovedCluster.Workload("Pod", Workloads.Spec(ApprovedCluster.Api, bad)), "has no request");
    }

    [Fact]
    public void A_refused_workload_leaves_no_record()
    {
        var both = ApprovedCluster.Workload("Deployment", Workloads.Spec(ApprovedCluster.Api, ApprovedCluster.ImageOf("bad")));
        cluster.Approved(both);
        cluster.Refused(both, "has no request");
    }

    [Fact]
    public void An_image_that_needs_approval_in_staging_only_needs_none_in_production_and_the_reverse()
    {
        foreach (var (named, asked, free) in (IEnumerable<(string, string, string)>)[("staging", "try", "pay"), ("production", "pay", "try")])
        {
            var there = new ApprovedCluster(ApprovedCluster.WithImages($$"""- { match: [registry.example.com/shop/**], require: { approved: { action: deploy, covers: [artifact], in: { environments: [{{named}}] } } } }"""));
            there.Refused(deployment with { Namespace = asked }, "has no request");
            there.Goes(deployment with { Namespace = free });
            Assert.Empty(there.Records);
        }
    }

    [Fact]
    public void An_ephemeral_container_in_an_approved_pod_is_refused_in_both_forms_of_the_subresource()
    {
        cluster.Goes(cluster.Approved(deployment));
        cluster.Goes(pod);
        var spec = Workloads.Spec(ApprovedCluster.Api);
        spec["ephemeralContainers"] = new JsonArray(new JsonObject { ["name"] = "debug", ["image"] = ApprovedCluster.Api, ["command"] = new JsonArray("sh") });
        cluster.Refused((ApprovedCluster.Workload("Pod", spec) with { Subresource = "ephemeralcontainers" }).From(pod.Object), "does not cover the pod template");

        var list = new JsonObject { ["kind"] = "EphemeralContainers", ["metadata"] = new JsonObject { ["name"] = "api" }, ["ephemeralContainers"] = spec["ephemeralContainers"]!.DeepClone() };
        cluster.Refused(new Review("", "EphemeralContainers", "pods", list) { Namespace = "pay", Subresource = "ephemeralcontainers", Operation = "UPDATE" }, "an ephemeral container stands in none");
    }

    [Fact]
    public void An_approved_image_under_the_name_of_an_injected_sidecar_is_refused()
    {
        var injecting = new ApprovedCluster(ApprovedCluster.WithImages(ApprovedCluster.Shop, "  admission: { sidecars: [mesh] }\n"));
        injecting.Goes(injecting.Approved(deployment));
        var spec = Workloads.Spec(ApprovedCluster.Api);
        spec["containers"]!.AsArray().Add(new JsonObject { ["name"] = "mesh", ["image"] = ApprovedCluster.Api, ["command"] = new JsonArray("sh") });
        injecting.Refused(ApprovedCluster.Workload("Pod", spec), "has the name of an injected sidecar");
        injecting.Refused(ApprovedCluster.Workload("Deployment", spec).From(deployment.Object), "has the name of an injected sidecar");

        spec["containers"]![1]!["image"] = ApprovedCluster.Api.Replace("/shop/", "/open/", StringComparison.Ordinal);
        injecting.Goes(ApprovedCluster.Workload("Pod", spec));

        spec["containers"]![1]!["envFrom"] = JsonNode.Parse("""[{ "secretRef": { "name": "exchange-keys" } }]""");
        var refusal = injecting.Refused(ApprovedCluster.Workload("Pod", spec), "does not cover the pod template");
        Assert.Contains(refusal.Decision.Reasons, reason => reason.Message.Contains("containers[mesh]: added", StringComparison.Ordinal));
    }

    // What runs is the same and its image too; what it is told is not.
    [Fact]
    public void An_approved_image_that_reads_another_label_is_refused_with_the_difference()
    {
        var spec = Workloads.Spec(ApprovedCluster.Api);
        spec["containers"]![0]!["env"] = JsonNode.Parse("""[{ "name": "MODE", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['app']" } } }]""");
        var approved = ApprovedCluster.Workload("Deployment", spec);
        cluster.Goes(cluster.Approved(approved));
        var changed = ApprovedCluster.Workload("Deployment", spec);
        changed.Object!["spec"]!["template"]!["metadata"]!["labels"]!["app"] = "live";
        var refusal = cluster.Refused(changed.From(approved.Object), "does not cover the pod template");
        Assert.Contains(refusal.Decision.Reasons, reason => reason.Message.Contains("labels[app]: \"api\" -> \"live\"", StringComparison.Ordinal));

        var started = ApprovedCluster.Workload("Pod", spec);
        started.Object!["metadata"]!["labels"] = new JsonObject { ["app"] = "live", ["pod-template-hash"] = "6cbc96d6b5" };
        cluster.Refused(started, "does not cover the pod template");
        started.Object!["metadata"]!["labels"]!["app"] = "api";
        cluster.Goes(started);
    }

    [Fact]
    public void The_requesters_own_approval_and_two_keys_of_one_person_do_not_suffice()
    {
        var asked = cluster.Asked(deployment, ApprovedCluster.Api);
        cluster.Answer(asked, "ann");
        cluster.Answer(asked, "ben");
        cluster.Answer(asked, "ben", change: answer => answer with { Id = "twice" }, key: "ben-2");
        cluster.Refused(deployment, "still needed: 1 operator");
        cluster.Answer(asked, "cem");
        cluster.Goes(deployment);
    }

    private static JsonObject Changed(string change)
    {
        var spec = Workloads.Spec(ApprovedCluster.Api);
        var members = JsonNode.Parse(change.Replace("IMAGE", ApprovedCluster.Api, StringComparison.Ordinal))!.AsObject();
        var (target, from) = members["spec"] is JsonObject whole ? (spec, whole) : (spec["containers"]![0]!.AsObject(), members);
        foreach (var (name, value) in from)
        {
            target[name] = value!.DeepClone();
        }

        return spec;
    }

    private static JsonNode With(JsonNode @object, string spec)
    {
        var copy = @object.DeepClone();
        foreach (var (name, value) in JsonNode.Parse(spec)!.AsObject())
        {
            copy["spec"]![name] = value!.DeepClone();
        }

        return copy;
    }
}
