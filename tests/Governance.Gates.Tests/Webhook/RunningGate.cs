using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Testing.Registries;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Webhook;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The webhook as it runs, in this process: real TLS, a registry on loopback, images signed with a key of the policy.</summary>
internal sealed class RunningGate : IAsyncDisposable
{
    /// <summary>The variable that silences the gate's console; a process that a test reads is started without it.</summary>
    public const string ConsoleLevel = "Logging__Console__LogLevel__Default";

    private readonly ThrowAwayCa authority = new();
    private readonly EcdsaSigner signer = NewSigner();
    private readonly RecordedLog log = new();
    private readonly HttpClient http;
    private readonly OciRegistry pusher = RegistryReadings.Client();
    private readonly List<TaskCompletionSource> held = [];
    private WebApplication? app;
    private WebhookOptions? settings;

    // What the tests look at is in Log; on the console of the test run it would only be in the way.
    static RunningGate() => Environment.SetEnvironmentVariable(ConsoleLevel, "None");

    private RunningGate(LoopbackRegistry registry)
    {
        Registry = registry;
        http = authority.CreateHttpClient();
    }

    public TemporaryFolder Folder { get; } = new();

    public LoopbackRegistry Registry { get; }

    public ForwardClock Clock { get; } = new();

    public ThrowAwayCa Authority => authority;

    public Uri Address { get; private set; } = new("https://127.0.0.1");

    public WebApplication App => app!;

    public string PolicyFile => Folder.PathOf("governance.yaml");

    /// <summary>What was logged so far.</summary>
    public IReadOnlyCollection<RecordedLog.Entry> Log => log.Entries;

    /// <summary>The images of the release team, which must be signed.</summary>
    public Repository Repository => Registry.Repository("team/app");

    /// <summary>Starts a gate.</summary>
    /// <param name="policy">Changes the policy text before it is written.</param>
    /// <param name="options">Changes how the gate runs.</param>
    public static async Task<RunningGate> StartAsync(Func<string, string>? policy = null, Func<WebhookOptions, WebhookOptions>? options = null)
    {
        var gate = new RunningGate(await LoopbackRegistry.StartAsync());
        gate.WriteKey("release", gate.signer);
        gate.WritePolicy(policy);
        var settings = gate.Options();
        await gate.RunAsync(options?.Invoke(settings) ?? settings);
        return gate;
    }

    /// <summary>Stops the gate and starts it again beside the same registry, with the same files and the same clock.</summary>
    /// <param name="options">Changes how it runs.</param>
    public async Task RestartAsync(Func<WebhookOptions, WebhookOptions>? options = null)
    {
        await StopAsync();
        await StartAgainAsync(options);
    }

    /// <summary>Stops the gate.</summary>
    public async Task StopAsync()
    {
        settings = app!.Services.GetRequiredService<WebhookOptions>();
        await app.StopAsync();
        await app.DisposeAsync();
        app = null;
    }

    /// <summary>Starts a gate again that was stopped.</summary>
    /// <param name="options">Changes how it runs.</param>
    public Task StartAgainAsync(Func<WebhookOptions, WebhookOptions>? options = null) => RunAsync(options?.Invoke(settings!) ?? settings!);

    public WebhookOptions Options()
    {
        var (certificate, key) = authority.IssueServerCertificate("127.0.0.1").WriteTo(Folder.Path);
        return new() { Policy = PolicyFile, Certificate = certificate, Key = key, Listen = new(IPAddress.Loopback, 0), ReloadEvery = TimeSpan.FromMilliseconds(50) };
    }

    /// <summary>Writes the policy: images of team/ must be signed by the release key, warned/ only warns, audited/ is only recorded, open/ is allowed.</summary>
    public void WritePolicy(Func<string, string>? change = null, int version = 1)
    {
        var text = $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata:
              name: test
              version: {{version}}{{(version > 1 ? $"\n  previous: \"sha256:{Digest.Of(File.ReadAllBytes(PolicyFile)).Hex}\"" : "")}}
            spec:
              robots:
                release-workflow: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "sha256:{{Convert.ToHexStringLower(signer.PublicKey.SpkiSha256.Span)}}", file: release.pub }
              artifacts:
                images:
                  - match: ["{{Registry.Host}}/team/**"]
                    require:
                      signed: { by: [release-workflow] }
                  - match: ["{{Registry.Host}}/warned/**"]
                    mode: warn
                    require:
                      signed: { by: [release-workflow] }
                  - match: ["{{Registry.Host}}/audited/**"]
                    mode: audit
                    require:
                      signed: { by: [release-workflow] }
                  - match: ["{{Registry.Host}}/open/**"]
                    verdict: allow
                    why: nothing is asked of these
                  - match: ["**"]
                    verdict: deny
                    why: not a registry of ours
              admission:
                mode: enforce
                namespaces:
                  own: governance-gates
                  audit: [sandbox]

            """;
        Replace(PolicyFile, change?.Invoke(text) ?? text);
    }

    public static void Replace(string file, string text)
    {
        File.WriteAllText(file + ".new", text);
        File.Move(file + ".new", file, overwrite: true);
    }

    /// <summary>Writes the public half of a key that the policy may name.</summary>
    public string WriteKey(string name, EcdsaSigner? key = null)
    {
        using var made = key is null ? NewSigner() : null;
        var publicKey = (key ?? made!).PublicKey;
        Replace(Folder.PathOf(name + ".pub"), publicKey.ToPem() + "\n");
        return "sha256:" + Convert.ToHexStringLower(publicKey.SpkiSha256.Span);
    }

    /// <summary>A new image without a signature, as a Pod names it.</summary>
    public string UnsignedImage(string path = "team/app")
    {
        var image = new TestImage();
        Registry.AddManifest(path, image.Manifest, TestImage.ManifestType);
        return $"{Registry.Host}/{path}@{image.Digest}";
    }

    /// <summary>A new image with a signature of the release key.</summary>
    public async Task<string> SignedImageAsync(string path = "team/app")
    {
        var image = UnsignedImage(path);
        await SignAsync(image);
        return image;
    }

    public async Task SignAsync(string image)
    {
        var asked = Registry.Override;
        Registry.Override = null;
        var reference = ((Reading<ImageReference>.Found)ImageReference.Read(image)).Value;
        var payload = SimpleSigning.Payload(reference.Repository.ToString(), reference.Digest!.ToString());
        var signature = await SimpleSigning.SignAsync(payload, signer, CancellationToken.None);
        var layer = new EvidenceLayer(RegistryReadings.SimpleSigningType, payload, new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = signature.Signature! });
        (await pusher.AttachToTagAsync(reference.Repository, reference.Digest!, CosignTag.Signatures, layer, CancellationToken.None)).Found();
        Registry.Override = asked;
        Registry.Log.Clear();
    }

    /// <summary>Holds back each answer of the registry until the source is completed.</summary>
    public TaskCompletionSource HoldRegistry()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        held.Add(release);
        Registry.Override = async context =>
        {
            await release.Task.WaitAsync(context.RequestAborted);
            return false;
        };
        return release;
    }

    /// <summary>An AdmissionReview that creates a Pod with these images.</summary>
    public static JsonObject Review(params ReadOnlySpan<string> images)
    {
        var containers = new JsonArray();
        foreach (var image in images)
        {
            containers.Add(new JsonObject { ["name"] = $"c{containers.Count}", ["image"] = image });
        }

        return new()
        {
            ["apiVersion"] = "admission.k8s.io/v1",
            ["kind"] = "AdmissionReview",
            ["request"] = new JsonObject
            {
                ["uid"] = Guid.NewGuid().ToString(),
                ["kind"] = new JsonObject { ["group"] = "", ["version"] = "v1", ["kind"] = "Pod" },
                ["resource"] = new JsonObject { ["group"] = "", ["version"] = "v1", ["resource"] = "pods" },
                ["operation"] = "CREATE",
                ["namespace"] = "shop",
                ["name"] = "web",
                ["object"] = new JsonObject
                {
                    ["apiVersion"] = "v1",
                    ["kind"] = "Pod",
                    ["metadata"] = new JsonObject { ["name"] = "web", ["namespace"] = "shop" },
                    ["spec"] = new JsonObject { ["containers"] = containers },
                },
            },
        };
    }

    /// <summary>Asks about a Pod with these images.</summary>
    public Task<GateAnswer> AskAsync(params ReadOnlySpan<string> images) => AskAsync(Review(images));

    /// <summary>Asks, and holds the answer to the protocol: status 200, JSON, the request's uid, no patch.</summary>
    public async Task<GateAnswer> AskAsync(JsonObject review, string query = "?timeout=10s", CancellationToken cancellation = default)
    {
        using var answer = await PostAsync(Encoding.UTF8.GetBytes(review.ToJsonString()), query, cancellation: cancellation);
        return await GateAnswer.ReadAsync(answer, review["request"]!["uid"]!.GetValue<string>());
    }

    public async Task<HttpResponseMessage> PostAsync(byte[] body, string query = "?timeout=10s", string? contentType = "application/json", CancellationToken cancellation = default)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = contentType is null ? null : new(contentType);
        return await http.PostAsync(new Uri(Address, "/validate" + query), content, cancellation);
    }

    /// <summary>A connection of its own, to send what no client would.</summary>
    public async Task<SslStream> ConnectAsync()
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authority.CertificatePem));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address.Host, Address.Port);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Address.Host, CertificateChainPolicy = trust });
        return stream;
    }

    public async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using var answer = await http.GetAsync(new Uri(Address, path));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>The value of a series as <c>/metrics</c> writes it, such as <c>name{label="x"}</c>; null where there is none.</summary>
    public async Task<double?> MetricAsync(string series)
    {
        var (_, text) = await GetAsync("/metrics");
        return text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
            ? double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>Waits until something comes true that nobody tells.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await isSo())
        {
            await interval.WaitForNextTickAsync(limit.Token);
        }
    }

    public static EcdsaSigner NewSigner()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), []);
    }

    private async Task RunAsync(WebhookOptions options)
    {
        app = WebhookHost.Build(options, Clock);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);
        await app.StartAsync();
        Address = new Uri(app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        foreach (var release in held)
        {
            release.TrySetResult();
        }

        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        await Registry.DisposeAsync();
        pusher.Dispose();
        signer.Dispose();
        authority.Dispose();
        Folder.Dispose();
    }
}

/// <summary>The answer to one review.</summary>
internal sealed record GateAnswer(bool Allowed, int? Code, string Message, IReadOnlyList<string> Warnings, JsonObject Response)
{
    public string Verdict => Response["auditAnnotations"]!["verdict"]!.GetValue<string>();

    public static async Task<GateAnswer> ReadAsync(HttpResponseMessage answer, string uid)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{answer.StatusCode}: {text}");
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        var review = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(("AdmissionReview", "admission.k8s.io/v1"), (review["kind"]!.GetValue<string>(), review["apiVersion"]!.GetValue<string>()));
        var response = review["response"]!.AsObject();
        Assert.Equal(uid, response["uid"]!.GetValue<string>());
        Assert.DoesNotContain(response, member => member.Key.StartsWith("patch", StringComparison.OrdinalIgnoreCase));
        return new(
            response["allowed"]!.GetValue<bool>(),
            response["status"]?["code"]?.GetValue<int>(),
            response["status"]?["message"]?.GetValue<string>() ?? "",
            [.. (response["warnings"]?.AsArray() ?? []).Select(warning => warning!.GetValue<string>())],
            response);
    }
}

/// <summary>Keeps what is logged, beside wherever else it goes.</summary>
internal sealed class RecordedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<Entry> entries = new();

    public IReadOnlyCollection<Entry> Entries => entries;

    public ILogger CreateLogger(string categoryName) => new Logger(entries);

    public void Dispose()
    {
    }

    internal sealed record Entry(LogLevel Level, int Id, string Message);

    private sealed class Logger(ConcurrentQueue<Entry> entries) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue(new(logLevel, eventId.Id, formatter(state, exception)));
    }
}

/// <summary>One gate for the tests of a class that leave it as it was.</summary>
public sealed class SharedGate : IAsyncLifetime
{
    internal RunningGate Gate { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Gate = await RunningGate.StartAsync();

    public ValueTask DisposeAsync() => Gate.DisposeAsync();
}
