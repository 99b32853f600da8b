using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Demo;

/// <summary>Keys, a policy, and an image layout with signed and unsigned images, made the way a user makes them.</summary>
internal sealed record DemoWorld
{
    public required string Folder { get; init; }

    public string Policy => Path.Combine(Folder, "governance.yaml");

    public string Layout => Path.Combine(Folder, "images");

    /// <summary>Signed with the release key, for the repository from which it is deployed.</summary>
    public required string Signed { get; init; }

    public required string Unsigned { get; init; }

    /// <summary>Signed with a key that the policy does not know.</summary>
    public required string WrongKey { get; init; }

    /// <summary>Signed with the release key, but for another repository.</summary>
    public required string Moved { get; init; }

    public static async Task<DemoWorld> MakeAsync(string bin, string folder, CancellationToken cancellation)
    {
        var spki = WriteKey(folder, "release");
        WriteKey(folder, "stranger");
        await File.WriteAllTextAsync(Path.Combine(folder, "governance.yaml"), $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata:
              name: demo
              version: 1
            spec:
              robots:
                release-workflow: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "{{spki}}", file: release.pub }
              artifacts:
                images:
                  - match: ["registry.example.com/trading/**"]
                    require:
                      signed: { by: [release-workflow] }
                  - match: ["**"]
                    verdict: deny
                    why: not a registry of ours
              admission:
                mode: enforce

            """, cancellation);
        var layout = Path.Combine(folder, "images");
        OciLayout.Create(layout);
        return new()
        {
            Folder = folder,
            Signed = await ImageAsync("signed", "trading/strategy", "release"),
            Unsigned = await ImageAsync("unsigned", "trading/unsigned", null),
            WrongKey = await ImageAsync("wrong-key", "trading/wrong-key", "stranger"),
            Moved = await ImageAsync("moved", "lab/experiment", "release", deployedAs: "trading/strategy"),
        };

        async Task<string> ImageAsync(string content, string repository, string? key, string? deployedAs = null)
        {
            var digest = await AddImageAsync(OciLayout.Open(layout), content, cancellation);
            if (key is not null)
            {
                await RunAsync(Path.Combine(bin, "gates"), ["sign", $"oci:{layout}@{digest}", "--as", $"registry.example.com/{repository}", "--key", Path.Combine(folder, $"{key}.key")], cancellation);
            }

            return $"registry.example.com/{deployedAs ?? repository}@{digest}";
        }
    }

    // Returns the digest of the public key.
    private static string WriteKey(string folder, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(Path.Combine(folder, $"{name}.key"), key.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(Path.Combine(folder, $"{name}.pub"), key.ExportSubjectPublicKeyInfoPem() + "\n");
        return Digest.Of(key.ExportSubjectPublicKeyInfo()).ToString();
    }

    private static async Task<Digest> AddImageAsync(OciLayout layout, string content, CancellationToken cancellation)
    {
        var config = Encoding.UTF8.GetBytes($$$"""{"architecture":"amd64","os":"linux","config":{"Labels":{"demo":"{{{content}}}"}},"rootfs":{"type":"layers","diff_ids":[]}}""");
        Read(await layout.AddBlobAsync(config, cancellation));
        var manifest = Encoding.UTF8.GetBytes($$$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{{Digest.Of(config)}}}","size":{{{config.Length}}}},"layers":[]}""");
        return Read(await layout.AddManifestAsync(manifest, "application/vnd.oci.image.manifest.v1+json", tag: null, cancellation));
    }

    private static Digest Read(Reading<Digest> reading) => reading is Reading<Digest>.Found(var digest) ? digest : throw new InvalidOperationException(reading.ToString());

    private static async Task RunAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(cancellation), process.StandardError.ReadToEndAsync(cancellation));
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {string.Join(' ', said)}");
        }
    }
}
