using System.Diagnostics;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Cluster;

/// <summary>Approvals in front of a real API server: real kubectl, real controllers, real rolling updates; only the kubelet is played.</summary>
public sealed class ApprovalTests(ApprovalCluster cluster) : IClassFixture<ApprovalCluster>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private Kubectl Admin => cluster.Admin;

    [Fact]
    public async Task What_nobody_approved_does_not_begin_and_the_refusal_says_who_must()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ImageAsync("unasked");
        var refusal = Refused(await ApplyAsync(ns, Deployment(image)), "production-deployment");
        Assert.Contains("2 system-admin", refusal, StringComparison.Ordinal);
        Refused(await ApplyAsync(ns, GatedCluster.PodNamed("web", image)), "production-deployment");
    }

    [Theory]
    [InlineData("Deployment")]
    [InlineData("StatefulSet")]
    [InlineData("DaemonSet")]
    [InlineData("Job")]
    public async Task What_two_approved_rolls_out_with_no_refusal_of_its_own_Pods(string kind)
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("app", app => Workload(kind, app));
        (await ApplyAsync(ns, Workload(kind, image))).Succeeded();
        await PodsRunAsync(ns, kind is "DaemonSet" or "Job" ? 1 : 3);
        Assert.Empty(await RefusedPodsAsync(ns));
    }

    [Fact]
    public async Task What_began_outlives_the_end_of_the_right_to_begin_and_nothing_new_begins()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("lasting", app => Deployment(app), answered: ["--use-by", "20s"]);
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        await PodsRunAsync(ns, 3);
        await WaitForRefusalAsync(ns, Deployment(image, name: "late"), "use");

        // Eviction or node loss, a webhook that is killed, and a scale-up as an autoscaler does it.
        (await Admin.RunAsync("delete", "pods", "--all", "-n", ns)).Succeeded();
        await PodsRunAsync(ns, 3);
        await cluster.Webhook.KillAsync();
        await cluster.Webhook.StartAgainAsync();
        (await Admin.RunAsync("delete", "pods", "--all", "-n", ns, "--grace-period=0", "--force")).Succeeded();
        (await Admin.RunAsync("scale", "deployment", "web", "--replicas=5", "-n", ns)).Succeeded();
        await PodsRunAsync(ns, 5);
        Assert.Empty(await RefusedPodsAsync(ns));

        Refused(await ApplyAsync(ns, Deployment(image, name: "late")), "use");
        Refused(await ApplyAsync(ns, Deployment(image, command: "sh")), "command");
    }

    [Fact]
    public async Task When_the_right_to_run_ends_no_further_Pod_starts()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("ending", app => Deployment(app), answered: ["--use-by", "20s", "--run-until", "20s"]);
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        await PodsRunAsync(ns, 3);
        await WaitForRefusalAsync(ns, Deployment(image, name: "late"), "use");
        (await Admin.RunAsync("delete", "pods", "--all", "-n", ns)).Succeeded();
        await Admin.WaitForAsync(output => output.Contains("denied the request", StringComparison.Ordinal), Patience, FailedCreates(ns));
        Assert.Equal("", await PodsAsync(ns));
    }

    [Theory]
    [InlineData("""{"containers":[{"name":"main","command":["sh"]}]}""", "containers[main].command: [\"trade\"] -> [\"sh\"]")]
    [InlineData("""{"containers":[{"name":"main","env":[{"name":"VENUE","value":"live"}]}]}""", "VENUE")]
    [InlineData("""{"serviceAccountName":"other"}""", "other")]
    [InlineData("""{"containers":[{"name":"main","volumeMounts":[{"name":"root","mountPath":"/host"}]}],"volumes":[{"name":"root","hostPath":{"path":"/"}}]}""", "hostPath")]
    [InlineData("""{"hostNetwork":true}""", "hostNetwork")]
    [InlineData("""{"containers":[{"name":"main","securityContext":{"privileged":true}}]}""", "privileged")]
    [InlineData("""{"containers":[{"name":"main","image":"ANOTHER"}]}""", "production-deployment")]
    public async Task What_was_approved_is_not_changed_without_a_new_approval(string spec, string says)
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("fixed", app => Deployment(app));
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        var patch = """{"spec":{"template":{"spec":""" + spec.Replace("ANOTHER", await cluster.ImageAsync("another"), StringComparison.Ordinal) + "}}}";
        Refused(await Admin.RunAsync("patch", "deployment", "web", "-n", ns, "--type", "strategic", "-p", patch), says);
        (await Admin.RunAsync("label", "deployment", "web", "-n", ns, "team=risk")).Succeeded();
        await PodsRunAsync(ns, 3);
        Assert.Empty(await RefusedPodsAsync(ns));
    }

    [Fact]
    public async Task A_new_approval_lets_the_next_version_roll_out_and_the_one_before_comes_back_without_another()
    {
        var ns = await NamespaceAsync();
        var first = await cluster.ApprovedAsync("rolling", app => Deployment(app), answered: ["--use-by", "20s"]);
        (await ApplyAsync(ns, Deployment(first))).Succeeded();
        (await Admin.RunAsync("rollout", "status", "deployment", "web", "-n", ns, "--timeout=60s")).Succeeded();
        var second = await cluster.ApprovedAsync("rolling", app => Deployment(app, command: "trade-2"));
        (await ApplyAsync(ns, Deployment(second, command: "trade-2"))).Succeeded();
        (await Admin.RunAsync("rollout", "status", "deployment", "web", "-n", ns, "--timeout=60s")).Succeeded();
        await WaitForRefusalAsync(ns, Deployment(first, name: "late"), "use");

        (await Admin.RunAsync("rollout", "undo", "deployment", "web", "-n", ns)).Succeeded();
        (await Admin.RunAsync("rollout", "status", "deployment", "web", "-n", ns, "--timeout=60s")).Succeeded();
        Assert.Equal(3, (await Admin.WaitForAsync(
            output => output.Split(' ').All(image => image == first),
            Patience,
            "get", "pods", "-n", ns, "-o", "jsonpath={.items[*].spec.containers[*].image}")).Output.Split(' ').Length);
        Assert.Empty(await RefusedPodsAsync(ns));
    }

    [Fact]
    public async Task An_approval_for_staging_does_not_count_in_production()
    {
        var image = await cluster.ApprovedAsync("lab", app => Deployment(app), asked: ["--environment", "staging"]);
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "staging");
    }

    [Fact]
    public async Task An_approval_for_another_cluster_does_not_count_here()
    {
        var image = await cluster.ApprovedAsync("far", app => Deployment(app), asked: ["--cluster", ApprovalCluster.Standby]);
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "cluster");
        image = await cluster.ApprovedAsync("near", app => Deployment(app), asked: ["--cluster", cluster.Uid]);
        (await ApplyAsync(await NamespaceAsync(), Deployment(image))).Succeeded();
    }

    [Fact]
    public async Task An_approval_for_another_namespace_or_workload_does_not_count()
    {
        var (ns, other) = (await NamespaceAsync(), await NamespaceAsync());
        var image = await cluster.ApprovedAsync("here", app => Deployment(app), asked: ["--namespace", ns, "--workload", "Deployment/web"]);
        Refused(await ApplyAsync(other, Deployment(image)), "namespace");
        Refused(await ApplyAsync(ns, Deployment(image, name: "twin")), "workload");
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
    }

    [Fact]
    public async Task Who_asked_does_not_count()
    {
        var image = await cluster.ImageAsync("own");
        await cluster.RequestAsync(image, Deployment(image));
        await cluster.ApproveAsync(image, "bob");
        Assert.NotEqual(0, (await cluster.GatesAsync("approve", image, "--policy", cluster.PolicyFile, "--key", cluster.Key("alice"), "--yes")).ExitCode);
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "1 system-admin");
    }

    [Fact]
    public async Task Two_keys_of_one_person_count_once()
    {
        var image = await cluster.ImageAsync("twice");
        await cluster.RequestAsync(image, Deployment(image));
        await cluster.ApproveAsync(image, "bob");
        await cluster.ApproveAsync(image, "bob-2");
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "1 system-admin");
    }

    [Fact]
    public async Task An_approval_that_was_taken_back_does_not_count()
    {
        var image = await cluster.ImageAsync("taken-back");
        await cluster.RequestAsync(image, Deployment(image));
        var id = $"a-{Guid.NewGuid():N}";
        await cluster.ApproveAsync(image, "bob", "--id", id);
        await cluster.ApproveAsync(image, "carol");
        await cluster.ApproveAsync(image, "bob", "--withdraw", id);
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "1 system-admin");
    }

    [Fact]
    public async Task A_single_no_is_a_no()
    {
        var image = await cluster.ImageAsync("rejected");
        await cluster.RequestAsync(image, Deployment(image));
        await cluster.ApproveAsync(image, "bob");
        await cluster.ApproveAsync(image, "carol");
        await cluster.ApproveAsync(image, "dave", "--reject");
        Refused(await ApplyAsync(await NamespaceAsync(), Deployment(image)), "dave");
    }

    [Fact]
    public async Task An_approval_for_one_use_begins_one_workload()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("once", app => Deployment(app), answered: ["--max-uses", "1"]);
        (await ApplyAsync(ns, Deployment(image), "--dry-run=server")).Succeeded();
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        await PodsRunAsync(ns, 3);
        Refused(await ApplyAsync(ns, Deployment(image, name: "twin")), "use");
        (await Admin.RunAsync("delete", "pods", "--all", "-n", ns)).Succeeded();
        await PodsRunAsync(ns, 3);
        Assert.Empty(await RefusedPodsAsync(ns));
    }

    [Fact]
    public async Task An_owner_reference_to_what_was_admitted_opens_nothing()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("owner", app => Deployment(app));
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        await PodsRunAsync(ns, 3);
        var owner = (await Admin.RunAsync("get", "replicasets", "-n", ns, "-o", "jsonpath={.items[0].metadata.name} {.items[0].metadata.uid}")).Succeeded().Output.Split(' ');
        Refused(await ApplyAsync(ns, Forged(image, "sh")), "containers[main].command");
        Refused(await ApplyAsync(ns, Forged(await cluster.ImageAsync("stranger"), "trade")), "production-deployment");
        (await ApplyAsync(ns, Forged(image, "trade"))).Succeeded();

        string Forged(string image, string command) => $$$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"forged","labels":{"app":"web"},"annotations":{"governance.gates/admitted":"true"},
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"{{{owner[0]}}}","uid":"{{{owner[1]}}}","controller":true}]},
            "spec":{"containers":[{"name":"main","image":"{{{image}}}","command":["{{{command}}}"]}]}}
            """;
    }

    [Fact]
    public async Task The_Pods_of_a_revoked_image_do_not_come_back_whatever_the_registry_still_shows()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("revoked", app => Deployment(app));
        (await ApplyAsync(ns, Deployment(image))).Succeeded();
        await PodsRunAsync(ns, 3);
        await cluster.RevokeAsync("--artifact", image[(image.IndexOf('@', StringComparison.Ordinal) + 1)..]);
        await WaitForRefusalAsync(ns, Deployment(image, name: "late"), "revoked");
        (await Admin.RunAsync("delete", "pods", "--all", "-n", ns)).Succeeded();
        await Admin.WaitForAsync(output => output.Contains("denied the request", StringComparison.Ordinal), Patience, FailedCreates(ns));
        Assert.Equal("", await PodsAsync(ns));
    }

    [Fact]
    public async Task Nobody_redefines_who_approves_without_those_who_do()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ImageAsync("half", "trial");
        await cluster.RequestAsync(image, Deployment(image));
        await cluster.ApproveAsync(image, "bob");
        var inForce = await File.ReadAllTextAsync(cluster.PolicyFile);
        var weaker = Next(inForce).Replace("trial-deployment: { require: [{ role: system-admin, count: 2 }]", "trial-deployment: { require: [{ role: system-admin, count: 1 }]", StringComparison.Ordinal);
        Assert.NotEqual(Next(inForce), weaker);

        // Swapped on disk: refused, told, and the old one decides.
        await PutAsync(weaker);
        await ReadyAsync(text => text.Contains("degraded", StringComparison.Ordinal));
        Refused(await ApplyAsync(ns, Deployment(image)), "1 system-admin");

        // Those who would stay in the smaller quorum gain by it; the risk officers do not, and the policy in force wants both.
        var before = cluster.Write(inForce, "yaml");
        (await cluster.GatesAsync("request", cluster.PolicyFile, "--action", "policy-weakening", "--policy", before, "--key", cluster.Key("alice"), "--yes")).Succeeded();
        await AgreeAsync("erin");
        await ReadyAsync(text => text.Contains("still needed: 1 risk", StringComparison.Ordinal));
        await AgreeAsync("frank");
        await ReadyAsync(text => !text.Contains("degraded", StringComparison.Ordinal));
        (await ApplyAsync(ns, Deployment(image))).Succeeded();

        // The old one put back: refused, though it is stricter, and the new one decides on.
        await PutAsync(inForce);
        await ReadyAsync(text => text.Contains("degraded", StringComparison.Ordinal));
        await PutAsync(weaker);
        await ReadyAsync(text => !text.Contains("degraded", StringComparison.Ordinal));

        async Task AgreeAsync(string person) => (await cluster.GatesAsync("approve", cluster.PolicyFile, "--policy", before, "--key", cluster.Key(person), "--yes")).Succeeded();
    }

    [Fact]
    public async Task A_session_into_an_approved_Pod_opens_once_exactly_it_is_approved()
    {
        var ns = await NamespaceAsync();
        var image = await cluster.ApprovedAsync("shell", app => GatedCluster.PodNamed("web", app));
        (await ApplyAsync(ns, GatedCluster.PodNamed("web", image))).Succeeded();
        await PodsRunAsync(ns, 1);
        string[] exec = ["exec", "web", "-n", ns, "-c", "main", "--", "cat", "/proc/1/status"];
        Refused(await Admin.RunAsync(exec), "session-exec");
        var document = await AskedAsync("--session", "exec", "--namespace", ns, "--pod", "web", "--container", "main", "--", "cat", "/proc/1/status");
        Refused(await Admin.RunAsync(exec), "1 system-admin");
        await cluster.ApproveAsync(document, "bob");

        // No container runs here: what answers is the API server that finds no kubelet, and no longer the gate.
        Assert.DoesNotContain("denied the request", await AdmittedAsync(() => Admin.RunAsync(exec)), StringComparison.Ordinal);
        Refused(await Admin.RunAsync([.. exec[..^2], "sh"]), "session-exec");
        Refused(await Admin.RunAsync("exec", "-i", "web", "-n", ns, "-c", "main", "--", "cat", "/proc/1/status"), "session-exec");
    }

    [Fact]
    public async Task A_declared_ConfigMap_is_made_changed_and_deleted_only_as_it_is_approved()
    {
        var ns = await NamespaceAsync();
        Refused(await ApplyAsync(ns, Limits("20")), "limit-change");
        (await ApplyAsync(ns, Limits("20").Replace("limits-eu", "colours", StringComparison.Ordinal))).Succeeded();
        await AgreedAsync("--object", cluster.Write(Limits("20")));
        Assert.Equal("", await AdmittedAsync(() => ApplyAsync(ns, Limits("20"))));

        // Past what was approved, by whatever verb; and its deletion, which is another thing to approve.
        Refused(await ApplyAsync(ns, Limits("2000")), "limit-change");
        Refused(await Admin.RunAsync("patch", "configmap", "limits-eu", "-n", ns, "--type", "merge", "-p", """{"data":{"max":"2000"}}"""), "limit-change");
        Refused(await Admin.RunAsync("delete", "configmap", "limits-eu", "-n", ns), "limit-change");
        Assert.Equal("20", (await Admin.RunAsync("get", "configmap", "limits-eu", "-n", ns, "-o", "jsonpath={.data.max}")).Succeeded().Output);
        await AgreedAsync("--object", cluster.Write(Limits("20")), "--deletion");
        Assert.Equal("", await AdmittedAsync(() => Admin.RunAsync("delete", "configmap", "limits-eu", "-n", ns)));

        string Limits(string max) => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"limits-eu","namespace":"{{{ns}}}"},"data":{"max":"{{{max}}}"}}""";

        async Task AgreedAsync(params string[] what) => await AgreeAsync(["--action", "limit-change", .. what]);
    }

    [Fact]
    public async Task A_limit_in_a_declared_ConfigMap_is_raised_only_with_those_who_agree_to_it_in_a_review()
    {
        var ns = await NamespaceAsync();
        var document = await AgreeAsync("--action", "limit-change", "--object", cluster.Write(Caps(5, "1.0")));
        Refused(await ApplyAsync(ns, Caps(5, "1.0")), "still needed: 1 risk");
        await cluster.ApproveAsync(document, "erin");
        Assert.Equal("", await AdmittedAsync(() => ApplyAsync(ns, Caps(5, "1.0"))));

        await AgreeAsync("--action", "limit-change", "--object", cluster.Write(Caps(4, "1.0")));
        Assert.Equal("", await AdmittedAsync(() => ApplyAsync(ns, Caps(4, "1.0"))));

        var raised = await AgreeAsync("--action", "limit-change", "--object", cluster.Write(Caps(6, "1.0")));
        Refused(await ApplyAsync(ns, Caps(6, "1.0")), "caps.yaml /position/btc/max from 4 to 6 (risk limit raised), is not approved");
        await cluster.ApproveAsync(raised, "frank");
        Assert.Equal("", await AdmittedAsync(() => ApplyAsync(ns, Caps(6, "1.0"))));

        // No approval lifts a bound; lower it may go as before.
        await cluster.ApproveAsync(await AgreeAsync("--action", "limit-change", "--object", cluster.Write(Caps(6, "1.5"))), "erin");
        Refused(await ApplyAsync(ns, Caps(6, "1.5")), "must be at most 1.0");
        Assert.Equal("", await AdmittedAsync(() => ApplyAsync(ns, Caps(4, "1.0"))));
        Assert.Equal("position: { btc: { max: 4 } }\nleverage: { cap: 1.0 }", (await Admin.RunAsync("get", "configmap", "caps", "-n", ns, "-o", "jsonpath={.data.caps\\.yaml}")).Succeeded().Output);

        string Caps(int max, string cap) => $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"caps","namespace":"{{{ns}}}"},"data":{"caps.yaml":"position: { btc: { max: {{{max}}} } }\nleverage: { cap: {{{cap}}} }"}}""";
    }

    // Alice asks for an object, and Bob and Carol agree to it.
    private async Task<string> AgreeAsync(params string[] what)
    {
        var document = await AskedAsync(what);
        await cluster.ApproveAsync(document, "bob");
        await cluster.ApproveAsync(document, "carol");
        return document;
    }

    // Alice asks for an object or a session; what is to be answered is its document.
    private async Task<string> AskedAsync(params string[] what)
    {
        var asked = (await cluster.GatesAsync(["request", "--environment", "production", "--policy", cluster.PolicyFile, "--key", cluster.Key("alice"), "--yes", "--output", "json", .. what])).Succeeded();
        using var json = JsonDocument.Parse(asked.Output);
        return json.RootElement.GetProperty("subject").GetString()!;
    }

    // What was not found a moment ago is known for a few seconds: the gate is asked until it lets it through. Gives what else went wrong.
    private static async Task<string> AdmittedAsync(Func<Task<Command>> runAsync)
    {
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var since = Stopwatch.GetTimestamp();
        Command run;
        while ((run = await runAsync()).Error.Contains("denied the request", StringComparison.Ordinal) && Stopwatch.GetElapsedTime(since) < Patience)
        {
            await interval.WaitForNextTickAsync();
        }

        return run.Error;
    }

    private static string Next(string policy) => policy.Replace(
        "  version: 1\n", $"  version: 2\n  previous: \"{Digest.Of(System.Text.Encoding.UTF8.GetBytes(policy))}\"\n", StringComparison.Ordinal);

    private static string Deployment(string image, string command = "trade", string name = "web") => Workload("Deployment", image, command, name);

    private static string Workload(string kind, string image, string command = "trade", string name = "web")
    {
        var restart = kind == "Job" ? ",\"restartPolicy\":\"Never\"" : "";
        var template = $$$"""{"metadata":{"labels":{"app":"{{{name}}}"}},"spec":{"containers":[{"name":"main","image":"{{{image}}}","command":["{{{command}}}"]}]{{{restart}}}}}""";
        var selector = $$$""" "selector":{"matchLabels":{"app":"{{{name}}}"}}, """;
        var spec = kind switch
        {
            "Deployment" => selector + "\"replicas\":3,",
            "StatefulSet" => selector + "\"replicas\":3,\"serviceName\":\"web\",",
            "DaemonSet" => selector,
            _ => "",
        };
        return $$"""{"apiVersion":"{{(kind == "Job" ? "batch/v1" : "apps/v1")}}","kind":"{{kind}}","metadata":{"name":"{{name}}"},"spec":{""" + spec + "\"template\":" + template + "}}";
    }

    private static string Refused(Command run, string because)
    {
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("denied the request", run.Error, StringComparison.Ordinal);
        Assert.True(run.Error.Contains(because, StringComparison.Ordinal), run.Error);
        return run.Error;
    }

    private static string[] FailedCreates(string ns) => ["get", "events", "-n", ns, "--field-selector", "reason=FailedCreate", "-o", "jsonpath={.items[*].message}"];

    private async Task<string> NamespaceAsync()
    {
        GatedCluster.SkipWhereMissing();
        return await Admin.CreateNamespaceAsync("live");
    }

    private Task<Command> ApplyAsync(string ns, string manifest, params string[] more) => Admin.ApplyAsync(manifest, ["-n", ns, .. more]);

    // What the controllers' own Pods were refused for.
    private async Task<string> RefusedPodsAsync(string ns) => (await Admin.RunAsync(FailedCreates(ns))).Succeeded().Output;

    private async Task<string> PodsAsync(string ns) => (await Admin.RunAsync("get", "pods", "-n", ns, "-o", "jsonpath={.items[*].metadata.name}")).Succeeded().Output;

    private Task<Command> PodsRunAsync(string ns, int count) => Admin.WaitForAsync(
        output => output.Split(' ', StringSplitOptions.RemoveEmptyEntries) is var pods && pods.Length == count && pods.All(pod => pod == "Running:"),
        Patience,
        "get", "pods", "-n", ns, "-o", "jsonpath={range .items[*]}{.status.phase}:{.metadata.deletionTimestamp} {end}");

    // Time passes and lists are read again: the gate is asked until it says no.
    private async Task WaitForRefusalAsync(string ns, string manifest, string because) => Refused(await Admin.WaitForRefusalAsync(ns, manifest), because);

    private async Task PutAsync(string policy)
    {
        await File.WriteAllTextAsync(cluster.PolicyFile + ".new", policy);
        File.Move(cluster.PolicyFile + ".new", cluster.PolicyFile, overwrite: true);
    }

    private async Task ReadyAsync(Func<string, bool> isAwaited)
    {
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        var since = Stopwatch.GetTimestamp();
        string said;
        while (!isAwaited(said = await cluster.Webhook.Client.GetStringAsync(new Uri(cluster.Webhook.Address, "/health/ready"))))
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Patience, $"{said}\n{string.Join('\n', cluster.Webhook.Lines.TakeLast(5))}");
            await interval.WaitForNextTickAsync();
        }
    }
}
