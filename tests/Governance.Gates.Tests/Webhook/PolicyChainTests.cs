using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Webhook;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>A policy file that changes under a gate: what may follow what is in force, and what is remembered.</summary>
public sealed class PolicyChainTests : IDisposable
{
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

    public static TheoryData<string, string, string> Remembering => new()
    {
        { "trust.revocations", "  trust:\n", "  trust:\n    revocations: { from: revocations.json, maxAge: 1h, by: [dan] }\n" },
        { "admission.objects", "  artifacts:\n", "  admission:\n    statements: registry.example.com/statements\n    objects:\n      - { resource: configmaps, names: [limits], require: { approved: { action: deploy } } }\n  artifacts:\n" },
        { "admission.sessions", "  artifacts:\n", "  admission:\n    statements: registry.example.com/statements\n    sessions: { exec: { require: [{ role: operator, count: 2 }] } }\n  artifacts:\n" },
    };

    [Theory, MemberData(nameof(Remembering))]
    public async Task A_policy_that_names_a_revocation_list_or_approved_objects_or_sessions_does_not_start_without_a_state_folder(string named, string from, string to)
    {
        var plain = string.Join('\n', Firm.Yaml.Split('\n').Where(line => !line.Contains("policy-change:", StringComparison.Ordinal)));
        await (await StartAsync(plain, options => options with { State = null })).DisposeAsync();

        Assert.Contains(from, plain, StringComparison.Ordinal);
        var asking = plain.Replace(from, to, StringComparison.Ordinal);
        var exception = await Assert.ThrowsAsync<GateException>(() => StartAsync(asking, options => options with { State = null }));
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
        Assert.Contains("--state", exception.Message, StringComparison.Ordinal);
        await using var gate = await StartAsync(asking);

        // A change to it comes into force no more than it starts.
        await using var running = await FirmGate.StartAsync(plain, folder.PathOf("other"), options => options with { State = null });
        RunningGate.Replace(running.PolicyFile, asking.Replace("version: 1 }", $"version: 2, previous: \"{Digest.Of(Encoding.UTF8.GetBytes(plain))}\" }}", StringComparison.Ordinal));
        await RunningGate.UntilAsync(async () => await running.MetricAsync("gates_policy_refusals_total") == 1);
        await InForceAsync(running, plain);
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

    private Task<RunningGate> StartAsync(string policy, Func<WebhookOptions, WebhookOptions>? change = null) => FirmGate.StartAsync(policy, folder.PathOf("state"), change);
}
