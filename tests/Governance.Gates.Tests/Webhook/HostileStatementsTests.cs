using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Webhook;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>What anybody may write beside the policy, where requests and approvals are read.</summary>
[Trait("attack", "approvals")]
public sealed class HostileStatementsTests : IDisposable
{
    private static readonly string First = Firm.Yaml;

    private static readonly string Next = First.Replace("version: 1 }", $"version: 2, previous: \"{Digest.Of(Encoding.UTF8.GetBytes(First))}\" }}", StringComparison.Ordinal);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task No_bytes_beside_the_policy_end_the_gate()
    {
        await using var gate = await StartAsync(options => options with { ReloadEvery = TimeSpan.FromHours(1) });
        var live = gate.App.Services.GetRequiredService<LivePolicy>();
        RunningGate.Replace(gate.PolicyFile, Next);
        Agree(gate, Next, "policy-change", "ben");
        var file = gate.PolicyFile + ".approvals.jsonl";
        var valid = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        string[] lines = ["""{"payloadTyp\ud800":1}""", """{"payloadType\udfff":1,"payloadType":2}""", """{"\ud800":1,"payloadType":"x"}""", "[1]", "null", "\"\\ud800\"", "{", "\0", """{"payloadType":"\ud800","payload":"\ud800","signatures":[]}""", """{"dsseEnvelope":{"\udc00":1},"mediaType":"\ud800"}""", new('[', 100_000)];
        var random = new Random(8);
        foreach (var bytes in lines.Select(Encoding.UTF8.GetBytes).Concat(Enumerable.Range(0, 300).Select(_ => Mutated(valid, random))))
        {
            await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
            await live.ReloadAsync(TestContext.Current.CancellationToken);
            Assert.Equal(1, live.Current.Policy.Version);
            Assert.Contains("policy-change", live.Mistake, StringComparison.Ordinal);
            Assert.DoesNotContain("report this defect", live.Mistake, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_lone_surrogate_beside_the_policy_neither_ends_a_running_gate_nor_keeps_it_from_starting()
    {
        await using var gate = await StartAsync();
        RunningGate.Replace(gate.PolicyFile + ".approvals.jsonl", """{"payloadTyp\ud800":1}""");
        RunningGate.Replace(gate.PolicyFile, Next);
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        await gate.RestartAsync();
        Assert.StartsWith("degraded: ", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
        await InForceAsync(gate, First);
    }

    [Fact]
    public async Task A_defect_while_a_policy_is_judged_is_told_and_the_old_one_stays()
    {
        await using var gate = await StartAsync();
        var services = gate.App.Services;
        var live = new LivePolicy(
            services.GetRequiredService<WebhookOptions>(),
            state: null,
            (_, _, _) => throw new InvalidOperationException("a defect"),
            services.GetRequiredService<GateLedger>(),
            services.GetRequiredService<GateMetrics>(),
            gate.Clock,
            NullLogger<LivePolicy>.Instance);
        live.Load();
        RunningGate.Replace(gate.PolicyFile, Next);
        await live.ReloadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, live.Current.Policy.Version);
        Assert.Contains("report this defect", live.Mistake, StringComparison.Ordinal);
    }

    private static byte[] Mutated(byte[] valid, Random random)
    {
        if (random.Next(4) == 0)
        {
            var noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            return noise;
        }

        List<byte> bytes = [.. valid];
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at));
                    bytes.Add((byte)'\n');
                    break;
                case 2:
                    bytes.InsertRange(at, "\\ud800"u8.ToArray());
                    break;
                case 3:
                    // In a name, where nothing but the name changes.
                    var quote = bytes.IndexOf((byte)'"', at);
                    bytes.InsertRange(quote < 0 ? at : quote + 1, "\\udc00"u8.ToArray());
                    break;
                default:
                    bytes.InsertRange(at, bytes[at..Math.Min(at + random.Next(1, 60), bytes.Count)]);
                    break;
            }
        }

        return [.. bytes];
    }

    private Task<RunningGate> StartAsync(Func<WebhookOptions, WebhookOptions>? change = null) => FirmGate.StartAsync(First, folder.PathOf("state"), change);
}
