using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>What a command line printed and how it ended.</summary>
internal sealed record Ended(int ExitCode, string Output, string Error)
{
    /// <summary>The JSON output, held against the schema that it names.</summary>
    public JsonElement Json()
    {
        var root = JsonDocument.Parse(Output).RootElement;
        PublishedSchema.Of(root.GetProperty("$schema").GetString()!).Check(root);
        Assert.Equal(ExitCode, root.GetProperty("exitCode").GetInt32());
        return root;
    }
}

/// <summary>A temporary folder with throw-away keys, a layout and policies, and <c>gates</c> run in this process.</summary>
internal sealed class Workbench : IDisposable
{
    public const string Repository = "registry.example.com/shop/app";
    private readonly Dictionary<string, string> variables = [];

    public TemporaryFolder Folder { get; } = new();

    /// <summary>A folder that holds an image layout, once <see cref="AddImageAsync"/> made it.</summary>
    public string Layout => Folder.PathOf("layout");

    /// <summary>Whether somebody sits at the terminal.</summary>
    public bool CanAsk { get; set; }

    /// <summary>The clock of the commands.</summary>
    public ForwardClock Clock { get; } = new();

    /// <summary>Runs <c>gates</c>.</summary>
    public Task<Ended> GatesAsync(params string[] arguments) => GatesAsync(arguments, "", default);

    public async Task<Ended> GatesAsync(string[] arguments, string input, CancellationToken cancellation)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var read = new MemoryStream(Encoding.UTF8.GetBytes(input));
        var exitCode = await GatesCommand.RunAsync(arguments, new Terminal(read, output, error) { CanAsk = CanAsk, Clock = Clock, Variable = name => variables.GetValueOrDefault(name) }, cancellation);
        return new(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Sets a variable of the command's environment.</summary>
    public void Set(string name, string value) => variables[name] = value;

    /// <summary>Makes a key pair and gives its two files.</summary>
    public (string Private, string Public) Key(string name, string? password = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = password is null ? key.ExportPkcs8PrivateKeyPem() : key.ExportEncryptedPkcs8PrivateKeyPem(password, new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000));
        return (Folder.Write($"{name}.pem", pem), Folder.Write($"{name}.pub", key.ExportSubjectPublicKeyInfoPem()));
    }

    /// <summary>Adds an image to the layout.</summary>
    public async Task<Digest> AddImageAsync(string? tag = "v1") =>
        await TestImage.AddToAsync(Directory.Exists(Layout) ? OciLayout.Open(Layout) : OciLayout.Create(Layout), tag);

    /// <summary>A policy whose rule for <see cref="Repository"/>'s registry asks for a signature by the key in a file of this folder.</summary>
    public string Policy(string publicKey, string repository = Repository, string admission = "", string scope = "")
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(publicKey));
        return Folder.Write($"governance-{Guid.NewGuid():N}.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: shop, version: 1 }
            spec:
              environments:
                production: { clusters: [3f0c7a52-0000-4000-8000-000000000001], namespaces: [trading] }
              robots:
                builder: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: {{Path.GetFileName(publicKey)}} }
              artifacts:
                images:
                  - match: ["registry.example.com/old/**"]
                    verdict: warn
                    why: leaves in May
                  - match: ["{{repository}}"]
                    {{scope}}
                    require: { signed: { by: [builder] } }
              admission:
                mode: enforce
                {{admission}}

            """);
    }

    public void Dispose() => Folder.Dispose();
}
