using System.Text;
using Governance.Gates.Clients.Evidence;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The deadline of the API server, and registries and clients that do not keep theirs.</summary>
public sealed class SlowRegistryTests
{
    [Fact]
    public async Task What_is_not_verified_in_time_is_refused_and_the_retry_finds_it_verified()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        var release = gate.HoldRegistry();

        // The API server gives up after the second that it names.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var refused = await gate.AskAsync(RunningGate.Review(image), "?timeout=1s", patience.Token);
        Assert.False(refused.Allowed);
        Assert.Equal("unknown", refused.Verdict);
        Assert.Contains("was not verified in time; try again", refused.Message, StringComparison.Ordinal);

        release.SetResult();
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_claims_under_way") == 0);
        gate.Registry.Log.Clear();

        Assert.True((await gate.AskAsync(image)).Allowed);
        Assert.Empty(gate.Registry.Log);
    }

    [Fact]
    public async Task A_hundred_images_of_a_silent_registry_are_refused_in_time_and_asked_for_a_few_at_a_time()
    {
        await using var gate = await RunningGate.StartAsync();
        var images = Enumerable.Range(0, 100).Select(_ => gate.UnsignedImage()).ToArray();
        var release = gate.HoldRegistry();

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var answer = await gate.AskAsync(RunningGate.Review(images), "?timeout=1s", patience.Token);

        Assert.False(answer.Allowed);
        Assert.Equal("unknown", answer.Verdict);
        Assert.True(answer.Message.Length <= 2_000);
        Assert.InRange(gate.Registry.Log.Count, 1, 16);
        release.SetResult();
    }

    [Fact]
    public async Task A_hundred_images_of_a_registry_that_answers_are_judged_each()
    {
        await using var gate = await RunningGate.StartAsync();
        var images = Enumerable.Range(0, 99).Select(_ => gate.UnsignedImage("warned/app")).Append(gate.UnsignedImage()).ToArray();
        var answer = await gate.AskAsync(images);
        Assert.False(answer.Allowed);
        Assert.Equal("deny", answer.Verdict);
        Assert.Contains(images[^1], answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fifty_reviews_of_one_unseen_image_ask_the_registry_once()
    {
        await using var gate = await RunningGate.StartAsync();
        var (first, second) = (await gate.SignedImageAsync(), await gate.SignedImageAsync());
        gate.Registry.Log.Clear();
        Assert.True((await gate.AskAsync(first)).Allowed);
        var once = gate.Registry.Log.Count;
        gate.Registry.Log.Clear();

        var release = gate.HoldRegistry();
        var asked = Enumerable.Range(0, 50).Select(_ => gate.AskAsync(second)).ToArray();
        release.SetResult();

        Assert.All(await Task.WhenAll(asked), answer => Assert.True(answer.Allowed, answer.Message));
        Assert.Equal(once, gate.Registry.Log.Count);
    }

    [Fact]
    public async Task A_signature_made_after_a_refusal_is_found_seconds_later()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = gate.UnsignedImage();
        Assert.False((await gate.AskAsync(image)).Allowed);

        await gate.SignAsync(image);
        gate.Clock.Advance(ClaimCache.Absent);

        Assert.True((await gate.AskAsync(image)).Allowed);
    }

    [Fact]
    public async Task A_registry_that_refuses_and_then_recovers_is_asked_again_seconds_later()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        gate.Registry.Override = context =>
        {
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        var refused = await gate.AskAsync(image);
        Assert.False(refused.Allowed);
        Assert.Equal("unknown", refused.Verdict);

        gate.Registry.Override = null;
        gate.Clock.Advance(ClaimCache.Absent);

        Assert.True((await gate.AskAsync(image)).Allowed);
    }

    [Theory, InlineData("in the middle of its body"), InlineData("while it waits")]
    public async Task A_client_that_goes_away_harms_nobody(string when)
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        var release = gate.HoldRegistry();
        var body = RunningGate.Review(image).ToJsonString();
        await using (var stream = await gate.ConnectAsync())
        {
            var whole = when == "while it waits";
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /validate?timeout=10s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{(whole ? body : body[..^5])}"));
            if (whole)
            {
                await RunningGate.UntilAsync(() => Task.FromResult(!gate.Registry.Log.IsEmpty));
            }
        }

        release.SetResult();
        Assert.True((await gate.AskAsync(image)).Allowed);
        Assert.Equal(0, await gate.MetricAsync("gates_admission_failures_total"));
        Assert.DoesNotContain(gate.Log, entry => entry.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }
}
