using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Approvals;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>A version that weakens the policy comes into force by the quorum for weakening, of which nobody who gains counts.</summary>
[Trait("attack", "approvals")]
public sealed class PolicyWeakeningTests : IDisposable
{
    private const string Roles = "auditor: { people: [ben, fay, gus] }";
    private static readonly string First = Firm.Yaml.Replace(
        "    policy-change: { require: [{ role: operator, count: 2 }], useBy: 7d }",
        "    policy-change: { require: [{ role: operator, count: 1 }], useBy: 7d }\n    policy-weakening: { require: [{ role: operator, count: 2 }], useBy: 7d }",
        StringComparison.Ordinal);

    // Dan becomes an auditor: he gains, and nobody else does.
    private static readonly string Weaker = Next(Roles, "auditor: { people: [ben, fay, gus, dan] }");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_weakening_needs_its_own_quorum_and_who_gains_by_it_does_not_count()
    {
        await using var gate = await StartAsync(First, folder.PathOf("state"));
        await RefusedAsync(gate, 1, "policy-change", ["ben", "cem"], "has no request for policy-weakening");
        await RefusedAsync(gate, 2, "policy-weakening", ["ben"], "still needed: 1 operator");
        await RefusedAsync(gate, 3, "policy-weakening", ["ben", "dan"], "dan, who gains by the change");
        await RefusedAsync(gate, 4, "policy-weakening", ["ben", "ann"], "ann, who is the requester");
        await InForceAsync(gate, First);

        Agree(gate, Weaker, "policy-weakening", "ben", "cem");
        await InForceAsync(gate, Weaker);
        await RunningGate.UntilAsync(async () => (await gate.GetAsync("/health/ready")).Text == "ready\n");
        await gate.RestartAsync();
        await InForceAsync(gate, Weaker);
    }

    [Fact]
    public async Task What_only_strengthens_the_policy_needs_the_quorum_for_changes()
    {
        await using var gate = await StartAsync(First, folder.PathOf("state"));
        var stronger = Next("rotate: { require: [{ role: operator, count: 2 }]", "rotate: { require: [{ role: operator, count: 3 }]");
        Agree(gate, stronger, "policy-change", "ben");
        RunningGate.Replace(gate.PolicyFile, stronger);
        await InForceAsync(gate, stronger);
    }

    private static string Next(string from, string to)
    {
        Assert.Contains(from, First, StringComparison.Ordinal);
        return First.Replace("version: 1 }", $"version: 2, previous: \"{Digest.Of(Encoding.UTF8.GetBytes(First))}\" }}", StringComparison.Ordinal).Replace(from, to, StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(RunningGate gate, int refusals, string action, string[] people, string because)
    {
        Agree(gate, Weaker, action, people);
        RunningGate.Replace(gate.PolicyFile, Weaker);
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == refusals);
        Assert.Contains(because, gate.Log.Last(entry => entry.Id == 1002).Message, StringComparison.Ordinal);
        Assert.StartsWith("degraded: ", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
    }
}
