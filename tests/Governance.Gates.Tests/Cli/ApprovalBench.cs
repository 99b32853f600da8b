using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>A firm whose deployments two releasers must approve, an image in a loopback registry, and <c>gates</c> run in this process. Ann asks.</summary>
internal sealed class ApprovalBench : IAsyncDisposable
{
    public const string Cluster = "3f0c7a52-0000-4000-8000-000000000001";
    private static readonly string[] Keys = ["ann", "ben", "ben-2", "cem", "dan", "robby"];
    private readonly LoopbackRegistry registry;

    private ApprovalBench(LoopbackRegistry registry) => this.registry = registry;

    public Workbench Bench { get; } = new();

    public LoopbackRegistry Registry => registry;

    public Digest Digest { get; private set; } = null!;

    /// <summary>The image, by digest.</summary>
    public string Image => $"{registry.Host}/shop/app@{Digest}";

    public string PolicyFile { get; private set; } = "";

    public static async Task<ApprovalBench> StartAsync()
    {
        var made = new ApprovalBench(await LoopbackRegistry.StartAsync());
        made.Digest = await TestImage.PushAsync(made.registry.Repository("shop/app"), "v1");
        foreach (var key in Keys)
        {
            made.Bench.Key(key);
        }

        made.PolicyFile = made.Policy();
        return made;
    }

    /// <summary>Writes the policy, with more under <c>trust</c>, and another demand than the approval of the artifact.</summary>
    public string Policy(string trust = "", string covers = "[artifact]", string name = "governance.yaml") => Bench.Folder.Write(name, $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: firm, version: 1 }
        spec:
          environments:
            production: { clusters: [{{Cluster}}], namespaces: [pay] }
            staging: { clusters: [{{Cluster}}], namespaces: [try] }
          people:
            ann: { id: p-1, keys: [ann] }
            ben: { id: p-2, keys: [ben, ben-2] }
            cem: { id: p-3, keys: [cem] }
            dan: { id: p-4, keys: [dan] }
          roles:
            releaser: { people: [ann, ben, cem] }
          robots:
            robby: { keys: [robby], why: builds }
          trust:
            keys:
              {{string.Join("\n      ", Keys.Select(key => $"{key}: {{ spki: \"{Spki(key)}\", file: {key}.pub }}"))}}
            {{trust}}
          approvals:
            deploy: { require: [{ role: releaser, count: 2 }], useBy: 7d, runUntil: 26w }
            key-rotation: { require: [{ role: releaser, count: 1 }], useBy: 1d }
            policy-change: { require: [{ role: releaser, count: 2 }], useBy: 7d }
            policy-weakening: { require: [{ role: releaser, count: 1 }], useBy: 1d }
          artifacts:
            images:
              - { match: ["**"], require: { approved: { action: deploy, covers: {{covers}} } } }
          admission:
            mode: enforce
            statements: {{registry.Host}}/governance/statements
            sessions: { exec: { require: [{ role: releaser, count: 1 }] } }
            objects:
              - { resource: configmaps, names: [limits*], require: { approved: { action: deploy } } }

        """);

    public string Key(string name) => Bench.Folder.PathOf($"{name}.pem");

    public string Spki(string name) => Digest.FromHash(Governance.Gates.Sigstore.PublicKey.Parse(File.ReadAllBytes(Bench.Folder.PathOf($"{name}.pub"))).SpkiSha256.Span).ToString();

    /// <summary>What plain ECDSA over SHA-256 says of bytes: what any key store makes.</summary>
    public byte[] Sign(string key, byte[] bytes)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportFromPem(File.ReadAllText(Key(key)));
        return ecdsa.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>What was shown before signing, with the JSON in it on one line.</summary>
    public static string OnOneLine(string shown) => string.Concat(shown.Split('\n').Select(line => line.Trim())).Replace("\": ", "\":", StringComparison.Ordinal);

    public Task<Ended> GatesAsync(params string[] arguments) => Bench.GatesAsync(arguments);

    /// <summary>Ann, unless another key is named, asks for the image in production.</summary>
    public async Task<string> RequestAsync(params string[] more)
    {
        var asked = await GatesAsync(["request", Image, "--action", "deploy", "--environment", "production", "--policy", PolicyFile, "--key", Key("ann"), "--yes", "--output", "json", .. more]);
        Assert.True(asked.ExitCode == 0, asked.Error);
        return asked.Json().GetProperty("id").GetString()!;
    }

    public Task<Ended> AnswerAsync(string key, params string[] more) => AnswerAsync(Image, key, more);

    public async Task<Ended> AnswerAsync(string target, string key, string[] more) =>
        await GatesAsync(["approve", target, "--policy", PolicyFile, "--key", Key(key), "--yes", .. more]);

    /// <summary>An answer that is accepted.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> ApproveAsync(string key, params string[] more)
    {
        var signed = await AnswerAsync(key, ["--output", "json", .. more]);
        Assert.True(signed.ExitCode == 0, signed.Error);
        return signed.Json().GetProperty("id").GetString()!;
    }

    public Task<Ended> StandingAsync(params string[] more) => GatesAsync(["approvals", Image, "--environment", "production", "--policy", PolicyFile, .. more]);

    /// <summary>The one request as <c>gates approvals</c> tells it.</summary>
    public async Task<JsonElement> RequestNowAsync(int exitCode, params string[] more)
    {
        var told = await StandingAsync(["--output", "json", .. more]);
        Assert.True(told.ExitCode == exitCode, told.Output + told.Error);
        return Assert.Single(told.Json().GetProperty("requests").EnumerateArray());
    }

    public async ValueTask DisposeAsync()
    {
        await registry.DisposeAsync();
        Bench.Dispose();
    }
}
