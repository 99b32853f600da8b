using System.Net;
using System.Net.Sockets;

namespace Governance.Gates.Tests.Webhook;

/// <summary>How the gate ends.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task A_request_under_way_is_finished_and_then_the_port_is_closed()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        var release = gate.HoldRegistry();
        var asked = gate.AskAsync(image);
        await RunningGate.UntilAsync(() => Task.FromResult(!gate.Registry.Log.IsEmpty));

        var stopping = gate.App.StopAsync();
        Assert.False(stopping.IsCompleted);
        release.SetResult();

        Assert.True((await asked).Allowed);
        await stopping;
        using var late = new TcpClient();
        await Assert.ThrowsAnyAsync<SocketException>(() => late.ConnectAsync(gate.Address.Host, gate.Address.Port));
    }

    [Fact]
    public async Task While_it_drains_the_gate_says_that_it_is_not_ready_and_still_answers()
    {
        await using var gate = await RunningGate.StartAsync(options: options => options with { Drain = TimeSpan.FromSeconds(1) });
        var image = await gate.SignedImageAsync();

        var stopping = gate.App.StopAsync();

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "stopping\n"), await gate.GetAsync("/health/ready"));
        Assert.Equal((HttpStatusCode.OK, "live\n"), await gate.GetAsync("/health/live"));
        Assert.True((await gate.AskAsync(image)).Allowed);
        await stopping;
    }
}
