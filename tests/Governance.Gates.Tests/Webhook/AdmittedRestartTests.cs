using System.Text.Json.Nodes;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Testing;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>What was admitted is known to the webhook that comes after this one, by the state folder and by nothing else.</summary>
[Trait("attack", "approvals")]
public sealed class AdmittedRestartTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task After_a_restart_past_use_by_the_pods_of_what_began_start_and_nothing_else_does()
    {
        await using var gate = await StartAsync(AskingPolicy, folder.PathOf("state"));
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        var pod = Workload("Pod", image) with { Name = "api-7f9c-x2" };
        await RefusedAsync(gate, deployment, "has no request for deploy");
        await ApproveAsync(gate, deployment, image);
        gate.Clock.Advance(ClaimCache.Absent);
        await AllowedAsync(gate, deployment);

        gate.Clock.Advance(TimeSpan.FromDays(2));
        await gate.RestartAsync();
        await AllowedAsync(gate, pod);
        await RefusedAsync(gate, Workload("Pod", image, container => container["command"] = new JsonArray("sh")), "does not cover the pod template");
        await RefusedAsync(gate, deployment with { Name = "another" }, "to be used by");
    }

    [Fact]
    public async Task An_empty_state_folder_remembers_nothing_that_began()
    {
        await using var gate = await StartAsync(AskingPolicy, folder.PathOf("state"));
        var image = gate.UnsignedImage();
        var pod = Workload("Pod", image) with { Name = "api-7f9c-x2" };
        await ApproveAsync(gate, pod, image);
        await AllowedAsync(gate, Workload("Deployment", image));

        gate.Clock.Advance(TimeSpan.FromDays(2));
        await gate.RestartAsync(options => options with { State = folder.PathOf("empty") });
        await RefusedAsync(gate, pod, "to be used by");
        await gate.RestartAsync(options => options with { State = folder.PathOf("state") });
        await AllowedAsync(gate, pod);
    }

    [Fact]
    public async Task After_run_until_the_pods_of_what_began_start_no_more()
    {
        await using var gate = await StartAsync(AskingPolicy, folder.PathOf("state"));
        var image = gate.UnsignedImage();
        var pod = Workload("Pod", image);
        await ApproveAsync(gate, pod, image);
        await AllowedAsync(gate, Workload("Deployment", image));
        gate.Clock.Advance(TimeSpan.FromDays(25 * 7));
        await AllowedAsync(gate, pod);
        gate.Clock.Advance(TimeSpan.FromDays(14));
        await RefusedAsync(gate, pod, "is not approved");
    }
}
