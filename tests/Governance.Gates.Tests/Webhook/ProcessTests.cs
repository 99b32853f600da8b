using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The program <c>gates-webhook</c> itself: how it starts, what it prints, how it ends.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_start_tells_every_mistake_at_once_and_ends_with_2()
    {
        using var folder = new Testing.TemporaryFolder();
        var policy = folder.Write("governance.yaml", "apiVersion: governance.gates/v1alpha1\nkind: Other\nmetadata: { name: x, version: none }\nspec: {}\n");

        var run = await RunAsync("serve", "--policy", policy, "--certificate", folder.PathOf("tls.crt"), "--key", folder.PathOf("tls.key"), "--layout", folder.PathOf("images"));

        Assert.Equal(ExitCode.Unknown, run.ExitCode);
        Assert.Empty(run.Output);
        foreach (var said in new[] { $"{policy}:2:", $"{policy}:3:", folder.PathOf("tls.crt"), folder.PathOf("images"), "mend all 3 and start again" })
        {
            Assert.Contains(said, run.Error, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string[], string> WrongUsage => new()
    {
        { ["serve"], "--policy" },
        { ["serve", "--policy", "p", "--certificate", "c", "--key", "k", "--listen", "localhost:8443"], "--listen" },
        { ["serve", "--policy", "p", "--certificate", "c", "--key", "k", "--drain-seconds", "61"], "--drain-seconds" },
        { ["serve", "--policy", "p", "--certificate", "c", "--key", "k", "--unsafe"], "--unsafe" },
        { ["obey"], "obey" },
    };

    [Theory, MemberData(nameof(WrongUsage))]
    public async Task Wrong_usage_names_its_mistake_and_ends_with_64(string[] arguments, string says)
    {
        var (code, _, error) = await Commands.RunAsync(arguments);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_in_words_and_ends_with_2()
    {
        await using var gate = await RunningGate.StartAsync();

        var run = await RunAsync(Serve(gate, gate.Address.Port));

        Assert.Equal(ExitCode.Unknown, run.ExitCode);
        Assert.Contains($"cannot listen on 127.0.0.1:{gate.Address.Port}: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("report this defect", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_is_one_JSON_object_a_line_with_time_and_correlation_id_and_no_credential_of_a_registry()
    {
        await using var gate = await RunningGate.StartAsync();
        gate.Registry.Authentication = RegistryAuthentication.Basic;
        var (good, refused) = (gate.Registry.Password, "refused-" + Guid.NewGuid().ToString("n"));
        var port = FreePort.Next();
        await using var webhook = ChildProcess.Start(Program, Serve(gate, port), Environment(gate, good));
        using var http = gate.Authority.CreateHttpClient();
        await webhook.WaitForHttpAsync(http, new($"https://127.0.0.1:{port}/health/ready"), Patience);
        var review = RunningGate.Review(gate.UnsignedImage(), "evil.example/a:1");
        await AskAsync(http, port, review);

        var port2 = FreePort.Next();
        await using var other = ChildProcess.Start(Program, Serve(gate, port2), Environment(gate, refused));
        await other.WaitForHttpAsync(http, new($"https://127.0.0.1:{port2}/health/ready"), Patience);
        await AskAsync(http, port2, review);

        Assert.Equal(ExitCode.Allowed, await webhook.StopAsync());
        await other.StopAsync();
        var lines = webhook.Lines.Concat(other.Lines).ToArray();
        var objects = lines.Select(line => JsonNode.Parse(line)!.AsObject()).ToArray();
        Assert.All(objects, line => Assert.True(DateTimeOffset.TryParse(line["Timestamp"]?.GetValue<string>(), null, out _), line.ToJsonString()));
        var denials = objects.Where(line => line["State"]?["CorrelationId"]?.GetValue<string>() == review["request"]!["uid"]!.GetValue<string>()).ToArray();
        Assert.Equal(2, denials.Length);
        Assert.Equal("shop", denials[0]["State"]!["Namespace"]!.GetValue<string>());
        Assert.Contains("has no signature", denials[0]["Message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains(gate.Registry.Host, denials[1]["Message"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var secret in new[] { good, refused })
        {
            Assert.DoesNotContain(lines, line => line.Contains(secret, StringComparison.Ordinal) || line.Contains(Convert.ToBase64String(Encoding.UTF8.GetBytes($"{LoopbackRegistry.User}:{secret}")), StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task After_SIGTERM_a_request_under_way_is_finished_however_long_the_drain_and_the_exit_code_is_0()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        var port = FreePort.Next();
        await using var webhook = ChildProcess.Start(Program, [.. Serve(gate, port), "--drain-seconds", "3"], Environment(gate, ""));
        using var http = gate.Authority.CreateHttpClient();
        var ready = new Uri($"https://127.0.0.1:{port}/health/ready");
        await webhook.WaitForHttpAsync(http, ready, Patience);
        var release = gate.HoldRegistry();
        var asked = AskAsync(http, port, RunningGate.Review(image));
        await RunningGate.UntilAsync(() => Task.FromResult(!gate.Registry.Log.IsEmpty));

        webhook.Terminate();
        await RunningGate.UntilAsync(async () => !(await http.GetAsync(ready)).IsSuccessStatusCode);
        var draining = DateTime.UtcNow;
        await RunningGate.UntilAsync(() => Task.FromResult(webhook.HasExited || DateTime.UtcNow - draining > TimeSpan.FromSeconds(2.5)));
        Assert.False(webhook.HasExited);
        release.SetResult();

        Assert.True((await asked).Allowed);
        Assert.Equal(ExitCode.Allowed, await webhook.WaitForExitAsync());
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "gates-webhook");

    private static string[] Serve(RunningGate gate, int port) =>
        ["serve", "--policy", gate.PolicyFile, "--certificate", gate.Folder.PathOf("tls.crt"), "--key", gate.Folder.PathOf("tls.key"), "--listen", $"127.0.0.1:{port}"];

    private static Dictionary<string, string?> Environment(RunningGate gate, string password)
    {
        var folder = gate.Folder.Folder("docker-" + Guid.NewGuid().ToString("n"));
        File.WriteAllText(Path.Combine(folder, "config.json"), password.Length == 0 ? "{}" : JsonSerializer.Serialize(new
        {
            auths = new Dictionary<string, object> { [gate.Registry.Host] = new { auth = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{LoopbackRegistry.User}:{password}")) } },
        }));
        return new() { ["DOCKER_CONFIG"] = folder, [RunningGate.ConsoleLevel] = null };
    }

    private static Task<Command> RunAsync(params string[] arguments) => Command.RunAsync(Program, arguments, new Dictionary<string, string?> { [RunningGate.ConsoleLevel] = "None" });

    private static async Task<GateAnswer> AskAsync(HttpClient http, int port, JsonObject review)
    {
        using var content = new StringContent(review.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri($"https://127.0.0.1:{port}/validate?timeout=10s"), content);
        return await GateAnswer.ReadAsync(answer, review["request"]!["uid"]!.GetValue<string>());
    }
}
