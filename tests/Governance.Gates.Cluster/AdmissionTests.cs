using System.Diagnostics;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Cluster;

/// <summary>The gate in front of a real API server, asked by a real kubectl.</summary>
public sealed class AdmissionTests(GatedCluster cluster) : IClassFixture<GatedCluster>
{
    [Fact]
    public async Task A_pod_whose_image_is_signed_is_created()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Signed))).Succeeded();
    }

    [Fact]
    public async Task A_pod_whose_image_is_not_signed_is_refused_and_told_what_to_do()
    {
        GatedCluster.SkipWhereMissing();
        var refusal = Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", cluster.Unsigned)));
        Assert.Contains("has no signature", refusal, StringComparison.Ordinal);
        Assert.Contains("have it signed by release-workflow", refusal, StringComparison.Ordinal);
        Assert.Contains("pods.admission.governance.gates", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_by_a_key_that_the_policy_does_not_know_counts_for_nothing()
    {
        GatedCluster.SkipWhereMissing();
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", cluster.WrongKey)), "SignatureMismatch");
    }

    [Fact]
    public async Task An_image_signed_without_a_key_is_admitted_for_the_right_workflow_and_refused_for_a_forks_and_for_another_issuer()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Keyless))).Succeeded();
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("fork", cluster.KeylessOfFork)), "signed by models as https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main, whom the rule does not name");
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("issuer", cluster.KeylessOfOtherIssuer)), "whom the rule does not name");
    }

    [Fact]
    public async Task An_image_signed_without_a_key_is_refused_once_the_trusted_root_drops_the_log()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, GatedCluster.PodNamed("before", cluster.Keyless))).Succeeded();
        var restore = cluster.DropLog();
        await cluster.Admin.WaitForRefusalAsync(ns, GatedCluster.PodNamed("probe", cluster.Keyless));
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("after", cluster.Keyless)), "UnknownLog");
        await restore();
    }

    [Fact]
    public async Task An_image_of_a_reviewed_commit_is_admitted_once_it_is_released_and_one_of_an_unreviewed_commit_never()
    {
        GatedCluster.SkipWhereMissing();
        var (ns, reviewed, unreviewed) = (await cluster.CreateNamespaceAsync(), new string('4', 40), new string('9', 40));
        var image = await cluster.Released.BuildAsync("good", reviewed);
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("early", image)), $"was built from commit {reviewed} of https://github.com/example/trading, and no review of it hangs on the image");
        (await cluster.Released.AttestAsync(cluster.PolicyFile, reviewed, "bob")).Succeeded();
        (await cluster.Released.ReleaseAsync(cluster.PolicyFile, image, reviewed)).Succeeded();

        // For some seconds the gate takes what it did not find for what is not there.
        await cluster.Admin.WaitForAdmissionAsync(ns, GatedCluster.PodNamed("web", image));
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", image))).Succeeded();

        // Nobody reviewed it, so that nothing is attested and nothing released; the review of another commit does not help.
        var other = await cluster.Released.BuildAsync("bad", unreviewed);
        Assert.Equal(1, (await cluster.Released.AttestAsync(cluster.PolicyFile, unreviewed, "ann")).ExitCode);
        Assert.Equal(1, (await cluster.Released.ReleaseAsync(cluster.PolicyFile, other, unreviewed)).ExitCode);
        Assert.Equal(1, (await cluster.Released.ReleaseAsync(cluster.PolicyFile, other, reviewed)).ExitCode);
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("bad", other)), $"was built from commit {unreviewed}");

        // Both are in the ledger, and made again from what was kept they come out the same.
        var entries = await EntriesAsync(ns, "bad");
        foreach (var (name, outcome) in ((string, string)[])[("web", "admitted"), ("bad", "refused")])
        {
            var entry = entries.Single(entry => entry.Resource!.Name == name);
            Assert.Equal(outcome, entry.Outcome);
            (await ReleasedImages.GatesAsync("ledger", "replay", $"{entry.Sequence}", cluster.LedgerFolder)).Succeeded();
        }
    }

    [Fact]
    public async Task A_signature_copied_from_another_repository_is_refused()
    {
        GatedCluster.SkipWhereMissing();
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", cluster.Moved)), "trading/strategy");
    }

    [Fact]
    public async Task A_tag_is_refused_with_the_way_to_write_a_digest()
    {
        GatedCluster.SkipWhereMissing();
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", cluster.ByTag)), "@sha256:");
    }

    [Fact]
    public async Task A_repository_that_no_rule_names_is_refused()
    {
        GatedCluster.SkipWhereMissing();
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", $"nginx@{cluster.Signed[(cluster.Signed.IndexOf('@', StringComparison.Ordinal) + 1)..]}")), "docker.io/library/nginx");
    }

    [Fact]
    public async Task An_unsigned_init_container_beside_a_signed_container_is_refused()
    {
        GatedCluster.SkipWhereMissing();
        var init = $$""","initContainers":[{"name":"setup","image":"{{cluster.Unsigned}}"}]""";
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), GatedCluster.PodNamed("web", cluster.Signed, init)), "/spec/initContainers/0");
    }

    [Fact]
    public async Task An_unsigned_ephemeral_container_is_refused_and_a_signed_one_is_added()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Signed))).Succeeded();
        Refused(await AddEphemeralAsync(ns, cluster.Unsigned), "/ephemeralContainers/0");
        (await AddEphemeralAsync(ns, cluster.SignedToo)).Succeeded();
    }

    [Fact]
    public async Task The_last_of_fifty_containers_is_looked_at()
    {
        GatedCluster.SkipWhereMissing();
        var containers = string.Join(",", Enumerable.Range(1, 50).Select(i => $$"""{"name":"c{{i}}","image":"{{(i == 50 ? cluster.Unsigned : cluster.Signed)}}"}"""));
        var pod = $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"many"},"spec":{"containers":[{{{containers}}}]}}""";
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), pod), "/spec/containers/49");
    }

    [Theory]
    [InlineData("v1", "ReplicationController", "")]
    [InlineData("apps/v1", "ReplicaSet", "")]
    [InlineData("apps/v1", "Deployment", "")]
    [InlineData("apps/v1", "StatefulSet", """ "serviceName":"web",""")]
    [InlineData("apps/v1", "DaemonSet", "")]
    [InlineData("batch/v1", "Job", "")]
    [InlineData("batch/v1beta1", "CronJob", "")]
    [InlineData("v1", "PodTemplate", "")]
    public async Task A_parent_is_judged_as_its_pods_will_be(string apiVersion, string kind, string more)
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        Refused(await ApplyAsync(ns, Workload(apiVersion, kind, cluster.Unsigned, more)), "has no signature");
        (await ApplyAsync(ns, Workload(apiVersion, kind, cluster.Signed, more))).Succeeded();
    }

    [Fact]
    public async Task A_signed_deployment_gets_its_pods_through_the_real_controllers()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Signed, ""))).Succeeded();
        await cluster.Admin.WaitForAsync(output => output == "Pending", TimeSpan.FromSeconds(30), "get", "pods", "-n", ns, "-o", "jsonpath={.items[*].status.phase}");
    }

    [Fact]
    public async Task A_new_image_is_judged_even_in_an_update_that_scales_down()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Signed, """ "replicas":3,"""))).Succeeded();
        var patch = """{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"main","image":""" + "\"" + cluster.Unsigned + "\"}]}}}}";
        Refused(await cluster.Admin.RunAsync("patch", "deployment", "web", "-n", ns, "--type", "strategic", "-p", patch), "has no signature");
        (await cluster.Admin.RunAsync("scale", "deployment", "web", "-n", ns, "--replicas", "1")).Succeeded();
    }

    [Theory]
    [InlineData("json")]
    [InlineData("merge")]
    public async Task Every_kind_of_patch_is_judged(string type)
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Signed, ""))).Succeeded();
        var patch = type == "json"
            ? $$"""[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"{{cluster.Unsigned}}"}]"""
            : """{"spec":{"template":{"spec":{"containers":[{"name":"main","image":""" + "\"" + cluster.Unsigned + "\"}]}}}}";
        Refused(await cluster.Admin.RunAsync("patch", "deployment", "web", "-n", ns, "--type", type, "-p", patch));
    }

    [Fact]
    public async Task Server_side_apply_by_a_second_manager_is_judged()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Signed, ""), "--server-side", "--field-manager", "one")).Succeeded();
        Refused(await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Unsigned, ""), "--server-side", "--field-manager", "two", "--force-conflicts"));
    }

    [Fact]
    public async Task Labels_of_an_object_from_before_the_gate_can_still_be_changed_and_it_can_be_deleted()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();

        // A workload in an audited namespace stands for one from before: it came in, and its image is not signed.
        await cluster.Admin.RunAsync("create", "namespace", "watched");
        (await ApplyAsync("watched", Workload("apps/v1", "Deployment", cluster.Unsigned, """ "replicas":0,"""))).Succeeded();
        (await cluster.Admin.RunAsync("label", "deployment", "web", "-n", "watched", "team=risk", "--overwrite")).Succeeded();
        (await cluster.Admin.RunAsync("delete", "deployment", "web", "-n", "watched")).Succeeded();
        Refused(await ApplyAsync(ns, Workload("apps/v1", "Deployment", cluster.Unsigned, """ "replicas":0,""")));
    }

    [Fact]
    public async Task Owner_references_and_annotations_of_the_client_change_nothing()
    {
        GatedCluster.SkipWhereMissing();
        var pod = $$$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"forged","annotations":{"governance.gates/verified":"true","kyverno.io/verify-images":"{}"},
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"00000000-0000-4000-8000-000000000000","controller":true}]},
            "spec":{"containers":[{"name":"main","image":"{{{cluster.Unsigned}}}"}]}}
            """;
        Refused(await ApplyAsync(await cluster.CreateNamespaceAsync(), pod), "has no signature");
    }

    [Fact]
    public async Task A_namespace_cannot_be_taken_out_of_the_gate_by_its_label()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        Refused(await cluster.Admin.RunAsync("label", "namespace", ns, "governance.gates/exempt=true"), "governance.gates/exempt");
        Refused(await cluster.Admin.ApplyAsync("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"sneaky","labels":{"governance.gates/exempt":"true"}}}"""), "governance.gates/exempt");
        (await cluster.Admin.RunAsync("label", "namespace", ns, "team=risk")).Succeeded();
    }

    [Fact]
    public async Task A_dry_run_is_decided_as_the_real_run_is()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Unsigned), "--dry-run=server"), "has no signature");
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Signed), "--dry-run=server")).Succeeded();
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Unsigned)), "has no signature");
    }

    [Fact]
    public async Task A_pod_without_a_name_of_its_own_is_judged()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        var pod = GatedCluster.PodNamed("x", cluster.Unsigned).Replace("\"name\":\"x\"", "\"generateName\":\"x-\"", StringComparison.Ordinal);
        Refused(await cluster.Admin.RunAsync(["create", "-n", ns, "-f", "-"], pod), "has no signature");
    }

    [Fact]
    public async Task A_declared_custom_resource_is_judged_by_its_paths_and_elsewhere_by_its_shape()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await cluster.Admin.ApplyAsync("""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"pipelines.example.com"},
            "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"pipelines","singular":"pipeline","kind":"Pipeline"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """)).Succeeded();
        await cluster.Admin.WaitForAsync(output => output.Contains("pipelines", StringComparison.Ordinal), TimeSpan.FromSeconds(30), "get", "--raw", "/apis/example.com/v1");
        Refused(await ApplyAsync(ns, Pipeline($$""" "steps":[{"name":"a","image":"{{cluster.Unsigned}}"}]""")), "/spec/steps/0/image");
        Refused(await ApplyAsync(ns, Pipeline($$""" "steps":[{"name":"a","image":"{{cluster.Signed}}"}],"hidden":{"containers":[{"name":"b","image":"{{cluster.Unsigned}}"}]}""")), "/spec/hidden");
        (await ApplyAsync(ns, Pipeline($$""" "steps":[{"name":"a","image":"{{cluster.Signed}}"}]"""))).Succeeded();
    }

    [Theory]
    [InlineData("strategic")]
    [InlineData("json")]
    public async Task A_patch_that_is_refused_is_one_entry_of_the_ledger_though_the_api_server_asks_twice(string type)
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", cluster.Signed))).Succeeded();
        var patch = type == "json" ? $$"""[{"op":"replace","path":"/spec/containers/0/image","value":"{{cluster.Unsigned}}"}]""" : $$$"""{"spec":{"containers":[{"name":"main","image":"{{{cluster.Unsigned}}}"}]}}""";
        Refused(await cluster.Admin.RunAsync("patch", "pod", "web", "-n", ns, "--type", type, "-p", patch), "has no signature");

        // What comes later shows that nothing more comes of the patch.
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("later", cluster.Unsigned)), "has no signature");
        var entries = await EntriesAsync(ns, "later");
        Assert.Equal(["create pods admitted", "update pods refused", "create pods refused"], entries.Select(entry => $"{entry.Action} {entry.Outcome}"));
    }

    [Fact]
    public async Task A_webhook_that_is_killed_under_load_lets_nothing_bad_in_and_serves_again()
    {
        GatedCluster.SkipWhereMissing();
        var ns = await cluster.CreateNamespaceAsync();
        using var done = new CancellationTokenSource();
        var good = Task.WhenAll(Enumerable.Range(0, 4).Select(worker => ApplyUntilAsync($"good-{worker}", cluster.Signed)));
        var bad = Task.WhenAll(Enumerable.Range(0, 2).Select(worker => ApplyUntilAsync($"bad-{worker}", cluster.Unsigned)));
        for (var round = 0; round < 3; round++)
        {
            await cluster.Webhook.KillAsync();
            await cluster.Webhook.StartAgainAsync();

            // Between two kills the gate serves again: one admission of each kind goes all the way.
            (await ApplyAsync(ns, GatedCluster.PodNamed($"between-{round}", cluster.Signed))).Succeeded();
            Refused(await ApplyAsync(ns, GatedCluster.PodNamed($"between-bad-{round}", cluster.Unsigned)), "has no signature");
        }

        await done.CancelAsync();
        Assert.All((await bad).SelectMany(runs => runs), run => Assert.NotEqual(0, run.ExitCode));

        // What failed among the good ones was in flight, or came while nobody listened: the API server could not call, and said so.
        Assert.All((await good).SelectMany(runs => runs).Where(run => run.ExitCode != 0), run => Assert.Contains("failed calling webhook", run.Error, StringComparison.Ordinal));
        Assert.Contains((await good).SelectMany(runs => runs), run => run.ExitCode == 0);
        var pods = (await cluster.Admin.RunAsync("get", "pods", "-n", ns, "-o", "jsonpath={.items[*].spec.containers[*].image}")).Succeeded().Output;
        Assert.DoesNotContain(cluster.Unsigned, pods, StringComparison.Ordinal);

        // Every answer that kubectl saw is in the ledger, whenever the gate was killed; what follows it comes under a checkpoint within a second.
        HashSet<string> answered = [.. (await good).Concat(await bad).SelectMany(runs => runs).Where(run => run.ExitCode == 0 || run.Error.Contains("denied the request", StringComparison.Ordinal)).Select(run => $"{run.Name} {(run.ExitCode == 0 ? "admitted" : "refused")}")];
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var since = Stopwatch.GetTimestamp();
        IEnumerable<string> missing;
        while ((missing = answered.Except(cluster.Ledger().Where(entry => entry.EventType == LedgerEvents.Decision && entry.Namespace == ns).Select(entry => $"{entry.Resource!.Name} {entry.Outcome}"))).Any())
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), string.Join(", ", missing));
            await interval.WaitForNextTickAsync();
        }

        async Task<List<(string Name, int ExitCode, string Error)>> ApplyUntilAsync(string prefix, string image)
        {
            var runs = new List<(string, int, string)>();
            for (var i = 0; !done.IsCancellationRequested; i++)
            {
                var run = await ApplyAsync(ns, GatedCluster.PodNamed($"{prefix}-{i}", image));
                runs.Add(($"{prefix}-{i}", run.ExitCode, run.Error));
            }

            return runs;
        }
    }

    private static string Workload(string apiVersion, string kind, string image, string more)
    {
        var restart = kind is "Job" or "CronJob" ? ",\"restartPolicy\":\"Never\"" : "";
        var template = """ "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"main","image":" """.Trim() + image + "\"}]" + restart + "}}";
        var rest = kind switch
        {
            "PodTemplate" => template,
            "CronJob" => """ "spec":{"schedule":"0 0 1 1 *","jobTemplate":{"spec":{""" + template + "}}}",
            "Job" => """ "spec":{""" + template + "}",
            "ReplicationController" => """ "spec":{"selector":{"app":"web"},""" + template + "}",
            _ => """ "spec":{"selector":{"matchLabels":{"app":"web"}},""" + more + template + "}",
        };
        return $$"""{"apiVersion":"{{apiVersion}}","kind":"{{kind}}","metadata":{"name":"web"},""" + rest + "}";
    }

    private static string Pipeline(string spec) => """{"apiVersion":"example.com/v1","kind":"Pipeline","metadata":{"name":"one"},"spec":{""" + spec + "}}";

    private static string Refused(Command run, string because = "")
    {
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("denied the request", run.Error, StringComparison.Ordinal);
        Assert.True(run.Error.Contains(because, StringComparison.Ordinal), run.Error);
        return run.Error;
    }

    // The decisions of a namespace, up to the one about a Pod: it comes under a checkpoint within a second.
    private async Task<List<LedgerEntry>> EntriesAsync(string ns, string last)
    {
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var since = Stopwatch.GetTimestamp();
        List<LedgerEntry> entries;
        while ((entries = [.. cluster.Ledger().Where(entry => entry.EventType == LedgerEvents.Decision && entry.Namespace == ns)]).All(entry => entry.Resource!.Name != last))
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(20), $"the decision about {last} is not published");
            await interval.WaitForNextTickAsync();
        }

        return entries;
    }

    private Task<Command> ApplyAsync(string ns, string manifest, params string[] more) => cluster.Admin.ApplyAsync(manifest, ["-n", ns, .. more]);

    // Kubernetes 1.20 serves the list alone under the subresource.
    private Task<Command> AddEphemeralAsync(string ns, string image) => cluster.Admin.RunAsync(
        ["replace", "--raw", $"/api/v1/namespaces/{ns}/pods/web/ephemeralcontainers", "-f", "-"],
        $$"""{"apiVersion":"v1","kind":"EphemeralContainers","metadata":{"name":"web"},"ephemeralContainers":[{"name":"debug","image":"{{image}}","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}]}""");
}
