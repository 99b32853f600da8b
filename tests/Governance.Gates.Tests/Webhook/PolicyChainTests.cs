using System.Text;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>A policy file that changes under a gate: what may follow what is in force, and what is remembered.</summary>
public sealed class PolicyChainTests : IDisposable
{
    private const string Asking = "- { match: [\"**\"], require: { approved: { action: deploy, covers: [artifact, template] } } }";
    private static readonly string First = Firm.Yaml.Replace("    policy-change:", "    policy-weakening: { require: [{ role: operator, count: 3 }], useBy: 7d }\n    policy-change:", StringComparison.Ordinal);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_policy_that_asks_for_approvals_does_not_start_without_a_state_folder()
    {
        var exception = await Assert.ThrowsAsync<GateException>(() => StartAsync(First.Replace("- { match: [\"**\"], verdict: deny }", Asking, StringComparison.Ordinal), options => options with { State = null }));
        Assert.Contains("--state", exception.Message, StringComparison.Ordinal);
        Assert.Contains("--state", (await Assert.ThrowsAsync<GateException>(() => StartAsync(First, options => options with { State = null }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_policy_that_is_not_the_pinned_one_does_not_start()
    {
        var exception = await Assert.ThrowsAsync<GateException>(() => StartAsync(First, options => options with { PolicyRoot = Digest.Of("another"u8) }));
        Assert.Contains("--policy-root pins", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_leaves_the_state_folder_to_the_next()
    {
        await Assert.ThrowsAsync<GateException>(() => StartAsync(First, options => options with { PolicyRoot = Digest.Of("another"u8) }));
        await using var gate = await StartAsync(First);
    }

    [Fact]
    public async Task A_state_folder_that_another_process_holds_is_told_at_start()
    {
        await using var gate = await StartAsync(First);
        Assert.Contains("in use by another process", (await Assert.ThrowsAsync<GateException>(() => StartAsync(First))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_to_which_nobody_agreed_stays_out_and_is_told_until_enough_agree()
    {
        await using var gate = await StartAsync(First);
        var next = Next("rotate: { require: [{ role: operator, count: 2 }]", "rotate: { require: [{ role: operator, count: 3 }]");
        RunningGate.Replace(gate.PolicyFile, next);
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        Assert.StartsWith("degraded: ", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
        Assert.Contains("policy-change", Assert.Single(gate.Log, entry => entry.Id == 1002).Message, StringComparison.Ordinal);

        Agree(gate, next, "policy-change", "ben");
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 2);
        Agree(gate, next, "policy-change", "ben", "cem");
        await InForceAsync(gate, next);
        Assert.Equal("ready\n", (await gate.GetAsync("/health/ready")).Text);
    }

    [Fact]
    public async Task An_older_version_that_is_put_back_stays_out_also_after_a_restart()
    {
        var next = Next("rotate: { require: [{ role: operator, count: 2 }]", "rotate: { require: [{ role: operator, count: 3 }]");
        await using (var gate = await StartAsync(First))
        {
            Agree(gate, next, "policy-change", "ben", "cem");
            RunningGate.Replace(gate.PolicyFile, next);
            await InForceAsync(gate, next);
            RunningGate.Replace(gate.PolicyFile, First);
            await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
            Assert.Contains("version 1 does not follow version 2", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
        }

        await using var again = await StartAsync(First);
        await InForceAsync(again, next);
        Assert.StartsWith("degraded: ", (await again.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_file_of_the_same_version_stays_out()
    {
        await using var gate = await StartAsync(First);
        RunningGate.Replace(gate.PolicyFile, First + "\n");
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        await InForceAsync(gate, First);
    }

    private static string Next(string from, string to)
    {
        Assert.Contains(from, First, StringComparison.Ordinal);
        return First.Replace("version: 1 }", $"version: 2, previous: \"{Digest.Of(Encoding.UTF8.GetBytes(First))}\" }}", StringComparison.Ordinal).Replace(from, to, StringComparison.Ordinal);
    }

    // Ann asks, and these agree; all of it stands beside the policy.
    private static void Agree(RunningGate gate, string policy, string action, params string[] people)
    {
        var digest = Digest.Of(Encoding.UTF8.GetBytes(policy));
        var now = gate.Clock.GetUtcNow();
        var request = Firm.Request(action: action) with { Scope = new([], [], [], []), Covers = [new(CoveredKind.Artifact, "governance.yaml", digest, default)], CreatedAt = now };
        var lines = new List<string>();
        var asked = new SignedStatement(request, [Firm.Key("ann")], Add(request, "ann"), "line 1");
        foreach (var person in people)
        {
            Add(Firm.Approval(asked, person) with { IssuedAt = now, UseBy = now.AddDays(1) }, person);
        }

        RunningGate.Replace(gate.PolicyFile + ".approvals.jsonl", string.Concat(lines.Select(line => line + "\n")));

        Digest Add(ApprovalStatement statement, string key)
        {
            var payload = ApprovalStatements.WriteStatement(statement, [("governance.yaml", digest)]);
            lines.Add(Encoding.UTF8.GetString(TestPolicy.Wait(SigstoreBundle.SignStatementAsync(payload, Firm.Signer(key), CancellationToken.None)).Json.Span));
            return Digest.Of(payload);
        }
    }

    private static Task InForceAsync(RunningGate gate, string policy)
    {
        var digest = $"digest=\"{Digest.Of(Encoding.UTF8.GetBytes(policy))}\"";
        return RunningGate.UntilAsync(async () => (await gate.GetAsync("/metrics")).Text.Split('\n')
            .Any(line => line.StartsWith("gates_policy_info{", StringComparison.Ordinal) && line.Contains(digest, StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal)));
    }

    private Task<RunningGate> StartAsync(string policy, Func<WebhookOptions, WebhookOptions>? change = null) => RunningGate.StartAsync(options: options =>
    {
        var beside = Path.GetDirectoryName(options.Policy)!;
        foreach (var key in (string[])["ann", "ann-2", "ben", "ben-2", "cem", "dan", "eve", "fay", "gus", "robot"])
        {
            File.WriteAllText(Path.Combine(beside, key), Firm.Signer(key).PublicKey.ToPem() + "\n");
        }

        RunningGate.Replace(options.Policy, policy);
        options = options with { State = folder.PathOf("state"), ClusterUid = Firm.Primary };
        return change?.Invoke(options) ?? options;
    });
}
