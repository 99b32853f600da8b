using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>Declared objects and sessions: asked for, answered and admitted, with nothing between the verbs and the gate but a registry.</summary>
public sealed class DeclaredApprovalTests : IAsyncLifetime
{
    private const string Limits = """
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: limits-eu, namespace: pay }
        data: { max: "20" }

        """;

    private ApprovalBench firm = null!;

    public async ValueTask InitializeAsync() => firm = await ApprovalBench.StartAsync();

    public ValueTask DisposeAsync() => firm.DisposeAsync();

    [Fact]
    public async Task A_declared_object_is_admitted_once_exactly_it_is_approved()
    {
        var manifest = firm.Bench.Folder.Write("limits.yaml", Limits);
        var before = await AdmitAsync(manifest, "--output", "json");
        Assert.Equal(1, before.ExitCode);
        var answer = Assert.Single(before.Json().GetProperty("objects")[0].GetProperty("answers").EnumerateArray());
        Assert.Equal((JsonValueKind.Null, "deny"), (answer.GetProperty("image").ValueKind, answer.GetProperty("verdict").GetString()));
        var asked = await RequestAsync("--object", manifest, "--action", "deploy");
        Assert.Contains("""covers: object ConfigMap pay/limits-eu sha256:""", asked.Error, StringComparison.Ordinal);
        Assert.Contains("""{"content":{"data":{"max":"20"}},"group":"","kind":"ConfigMap","metadata":{"name":"limits-eu","namespace":"pay"},"type":""", ApprovalBench.OnOneLine(asked.Error), StringComparison.Ordinal);
        var document = asked.Json().GetProperty("subject").GetString()!;

        Assert.Equal(1, (await StandingAsync(document)).ExitCode);
        Assert.Contains("ann, who is the requester", (await firm.AnswerAsync(document, "ann", [])).Error, StringComparison.Ordinal);
        var first = await firm.AnswerAsync(document, "ben", []);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("""{"content":{"data":{"max":"20"}}""", ApprovalBench.OnOneLine(first.Error), StringComparison.Ordinal);
        Assert.Contains("still needed: 1 releaser: cem", (await StandingAsync(document)).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.AnswerAsync(document, "cem", [])).ExitCode);
        var told = await StandingAsync(document, "--output", "json");
        Assert.Equal(0, told.ExitCode);
        Assert.Equal(document, told.Json().GetProperty("subject").GetString());

        var admitted = await AdmitAsync(manifest);
        Assert.True(admitted.ExitCode == 0, admitted.Output);
        var changed = await AdmitAsync(firm.Bench.Folder.Write("changed.yaml", Limits.Replace("20", "2000", StringComparison.Ordinal)));
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("limits-eu", changed.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await firm.AnswerAsync(document, "cem", ["--reject"])).ExitCode);
        Assert.Equal(1, (await AdmitAsync(manifest)).ExitCode);
    }

    [Fact]
    public async Task Who_must_agree_to_a_value_may_answer_though_the_action_does_not_ask_for_them()
    {
        var policy = await File.ReadAllTextAsync(firm.PolicyFile);
        firm.Bench.Folder.Write("governance.yaml", policy
            .Replace("{ people: [ann, ben, cem] }", "{ people: [ann, ben, cem] }\n    risk: { people: [ben, dan] }", StringComparison.Ordinal)
            .Replace("{ id: p-2,", "{ id: p-2, github: { login: ben, id: 2 },", StringComparison.Ordinal)
            .Replace("{ id: p-4,", "{ id: p-4, github: { login: dan, id: 4 },", StringComparison.Ordinal)
            .Replace("  admission:\n", "  review: { approvals: { default: 1 }, values: [{ file: config/limits.yaml, at: /max, when: increases, require: [{ role: risk, count: 1 }] }] }\n  admission:\n", StringComparison.Ordinal)
            .Replace("names: [limits*], require", "names: [limits*], values: same-as-review, require", StringComparison.Ordinal));
        var manifest = firm.Bench.Folder.Write("limits.yaml", Limits.Replace("max: \"20\"", "limits.yaml: 'max: 20'", StringComparison.Ordinal));
        var asked = await RequestAsync("--object", manifest, "--action", "deploy");
        Assert.Contains("needs: 2 releaser; 2 releaser and 1 risk where all ruled values move", asked.Error, StringComparison.Ordinal);
        var document = asked.Json().GetProperty("subject").GetString()!;
        await firm.AnswerAsync(document, "ben", ["--role", "releaser"]);
        await firm.AnswerAsync(document, "cem", []);
        Assert.Contains("still needed: 1 risk: dan", (await StandingAsync(document)).Output, StringComparison.Ordinal);
        Assert.Contains("with limits.yaml, which cannot be read before the change", (await AdmitAsync(manifest)).Output, StringComparison.Ordinal);
        var answered = await firm.AnswerAsync(document, "dan", []);
        Assert.True(answered.ExitCode == 0, answered.Error);
        var admitted = await AdmitAsync(manifest);
        Assert.True(admitted.ExitCode == 0, admitted.Output);
    }

    [Fact]
    public async Task An_action_that_asks_for_all_that_values_do_is_told_once()
    {
        var policy = await File.ReadAllTextAsync(firm.PolicyFile);
        firm.Bench.Folder.Write("governance.yaml", policy
            .Replace("{ id: p-2,", "{ id: p-2, github: { login: ben, id: 2 },", StringComparison.Ordinal)
            .Replace("{ id: p-3,", "{ id: p-3, github: { login: cem, id: 3 },", StringComparison.Ordinal)
            .Replace("  admission:\n", "  review: { approvals: { default: 1 }, values: [{ file: config/limits.yaml, at: /max, when: increases, require: [{ role: releaser, count: 1 }] }] }\n  admission:\n", StringComparison.Ordinal)
            .Replace("names: [limits*], require", "names: [limits*], values: same-as-review, require", StringComparison.Ordinal));
        var asked = await RequestAsync("--object", firm.Bench.Folder.Write("limits.yaml", Limits), "--action", "deploy");
        Assert.Contains("needs: 2 releaser", asked.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("where all ruled values move", asked.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deletion_is_another_document_than_what_is_deleted()
    {
        var manifest = firm.Bench.Folder.Write("limits.yaml", Limits);
        var stays = (await RequestAsync("--object", manifest, "--action", "deploy")).Json().GetProperty("subject").GetString();
        var asked = await RequestAsync("--object", manifest, "--deletion", "--action", "deploy");
        var goes = asked.Json().GetProperty("subject").GetString()!;
        Assert.NotEqual(stays, goes);
        Assert.Contains("\"operation\":\"delete\"", ApprovalBench.OnOneLine(asked.Error), StringComparison.Ordinal);
        await firm.AnswerAsync(goes, "ben", []);
        await firm.AnswerAsync(goes, "cem", []);
        Assert.Equal(1, (await AdmitAsync(manifest)).ExitCode);
        using var stored = JsonDocument.Parse("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"limits-eu","namespace":"pay","uid":"7"},"data":{"max":"20"}}""");
        Assert.True((await JudgeAsync(new() { Uid = "u", Group = "", Kind = "ConfigMap", Resource = "configmaps", ResourceGroup = "", Operation = "DELETE", Namespace = "pay", Name = "limits-eu", OldObject = stored.RootElement })).Admitted);
    }

    [Fact]
    public async Task A_session_is_admitted_once_exactly_it_is_approved()
    {
        using var options = JsonDocument.Parse("""{"apiVersion":"v1","kind":"PodExecOptions","stdout":true,"stderr":true,"container":"app","command":["ls","-l","/proc/1"]}""");
        using var shell = JsonDocument.Parse("""{"apiVersion":"v1","kind":"PodExecOptions","stdin":true,"tty":true,"stdout":true,"container":"app","command":["sh"]}""");
        Assert.False((await JudgeAsync(Exec(options.RootElement))).Admitted);
        var asked = await RequestAsync("--session", "exec", "--pod", "shop-1", "--namespace", "pay", "--container", "app", "--", "ls", "-l", "/proc/1");
        Assert.Contains("""{"command":["ls","-l","/proc/1"],"container":"app","namespace":"pay","pod":"shop-1",""", ApprovalBench.OnOneLine(asked.Error), StringComparison.Ordinal);
        var json = asked.Json();
        Assert.Equal("session-exec", json.GetProperty("action").GetString());
        var document = json.GetProperty("subject").GetString()!;
        Assert.False((await JudgeAsync(Exec(options.RootElement))).Admitted);
        Assert.Equal(0, (await firm.AnswerAsync(document, "ben", [])).ExitCode);
        Assert.Equal(0, (await StandingAsync(document)).ExitCode);
        Assert.True((await JudgeAsync(Exec(options.RootElement))).Admitted);
        Assert.False((await JudgeAsync(Exec(options.RootElement) with { Name = "shop-2" })).Admitted);
        Assert.False((await JudgeAsync(Exec(shell.RootElement))).Admitted);

        var open = (await RequestAsync("--session", "exec", "--pod", "shop-1", "--namespace", "pay", "--container", "app", "--stdin", "--tty", "--", "sh")).Json().GetProperty("subject").GetString()!;
        Assert.Equal(0, (await firm.AnswerAsync(open, "cem", [])).ExitCode);
        Assert.True((await JudgeAsync(Exec(shell.RootElement))).Admitted);
    }

    [Fact]
    public async Task What_is_signed_elsewhere_for_a_document_is_attached_where_the_gate_looks()
    {
        var manifest = firm.Bench.Folder.Write("limits.yaml", Limits);
        var payload = firm.Bench.Folder.PathOf("payload");
        var printed = await firm.GatesAsync("request", "--object", manifest, "--action", "deploy", "--environment", "production", "--policy", firm.PolicyFile, "--signer", "ann", "--payload", payload, "--output", "json");
        Assert.True(printed.ExitCode == 0, printed.Error);
        var document = printed.Json().GetProperty("subject").GetString()!;
        await SignAsync("ann", payload);
        Assert.Equal(0, (await firm.GatesAsync("request", "--object", manifest, "--policy", firm.PolicyFile, "--payload", payload, "--signature", payload + ".sig", "--yes")).ExitCode);
        await firm.AnswerAsync(document, "ben", []);
        Assert.Equal(0, (await firm.GatesAsync("approve", document, "--policy", firm.PolicyFile, "--signer", "cem", "--payload", payload)).ExitCode);
        await SignAsync("cem", payload);
        var attached = await firm.GatesAsync("approve", document, "--policy", firm.PolicyFile, "--payload", payload, "--signature", payload + ".sig", "--yes");
        Assert.True(attached.ExitCode == 0, attached.Error);
        Assert.Equal(0, (await AdmitAsync(manifest)).ExitCode);
    }

    public static TheoryData<string, string, string> NotAskedFor => new()
    {
        { "metadata: { name: limits }", "", "does not say in which namespace ConfigMap limits stands" },
        { "metadata: { name: limits, namespace: pay }", "try", "stands in the namespace pay, and --namespace says try" },
        { "metadata: { generateName: limits }", "pay", "has no name" },
        { "metadata: { name: limits, namespace: pay }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: more, namespace: pay }", "", "holds 2 objects" },
        { "metadata: { name: limits, namespace: pay }\nratio: 0.5", "", "whole numbers" },
    };

    [Theory, MemberData(nameof(NotAskedFor))]
    public async Task An_object_that_no_gate_could_recognise_is_not_asked_for(string manifest, string inside, string why)
    {
        var file = firm.Bench.Folder.Write("object.yaml", $"apiVersion: v1\nkind: ConfigMap\n{manifest}\n");
        var refused = await firm.GatesAsync(["request", "--object", file, .. inside.Length > 0 ? ["--namespace", inside] : (string[])[], "--action", "deploy", "--environment", "production", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Empty(refused.Output);
    }

    [Fact]
    public async Task Whether_a_gate_will_look_for_it_is_told()
    {
        var manifest = firm.Bench.Folder.Write("limits.yaml", Limits);
        const string Remark = "no rule of admission.objects asks for ";
        Assert.DoesNotContain(Remark, (await RequestAsync("--object", manifest, "--action", "deploy")).Error, StringComparison.Ordinal);
        Assert.Contains($"{Remark}key-rotation of configmaps limits-eu", (await RequestAsync("--object", manifest, "--action", "key-rotation")).Error, StringComparison.Ordinal);
        var other = firm.Bench.Folder.Write("other.yaml", Limits.Replace("limits-eu", "colours", StringComparison.Ordinal));
        Assert.Contains($"{Remark}deploy of configmaps colours", (await RequestAsync("--object", other, "--action", "deploy")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_that_needs_no_approval_is_not_asked_for()
    {
        var refused = await firm.GatesAsync("request", "--session", "attach", "--pod", "shop-1", "--container", "app", "--namespace", "pay", "--environment", "production", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("'session-attach' is no action of the policy firm version 1; use one of deploy, key-rotation, policy-change, policy-weakening, session-exec", refused.Error, StringComparison.Ordinal);
    }

    private static AdmissionRequest Exec(JsonElement options) => new() { Uid = "u", Group = "", Kind = "PodExecOptions", Resource = "pods", ResourceGroup = "", Subresource = "exec", Operation = "CONNECT", Namespace = "pay", Name = "shop-1", Object = options };

    private async Task SignAsync(string key, string file) => await File.WriteAllBytesAsync(file + ".sig", firm.Sign(key, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)), TestContext.Current.CancellationToken);

    private async Task<Ended> RequestAsync(params string[] what)
    {
        // What follows -- is the command, and comes last.
        var asked = await firm.GatesAsync(["request", "--environment", "production", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes", "--output", "json", .. what]);
        Assert.True(asked.ExitCode == 0, asked.Error);
        return asked;
    }

    private Task<Ended> StandingAsync(string document, params string[] more) => firm.GatesAsync(["approvals", document, "--environment", "production", "--policy", firm.PolicyFile, .. more]);

    private Task<Ended> AdmitAsync(string manifest, params string[] more) => firm.GatesAsync(["admit", "-f", manifest, "--cluster-uid", ApprovalBench.Cluster, "--policy", firm.PolicyFile, .. more]);

    // The path of the webhook: a fresh cache each time, so that nothing is remembered.
    private async Task<AdmissionOutcome> JudgeAsync(AdmissionRequest request)
    {
        var policy = PolicyFile.Load(firm.PolicyFile).Policy;
        using var registry = RegistryReadings.Client();
        using var claims = new ClaimCache(registry, TimeProvider.System);
        var judge = new AdmissionJudge(claims, new MemoryAdmittedRecords(), (_, _, _) => ValueTask.FromResult<Reading<RevocationList>>(new Reading<RevocationList>.Found(RevocationList.Empty)), TimeProvider.System);
        return await judge.JudgeAsync(AdmissionGate.Open(request, policy, ApprovalBench.Cluster), new TrustedSigners(policy), TestContext.Current.CancellationToken);
    }
}
