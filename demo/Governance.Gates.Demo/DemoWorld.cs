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

    public string PolicyDigest => Digest.Of(File.ReadAllBytes(Policy)).ToString();

    public string Layout => Path.Combine(Folder, "images");

    /// <summary>The folder of the ledger.</summary>
    public string Ledger => Path.Combine(Folder, "ledger");

    /// <summary>Signed with the release key, for the repository from which it is deployed.</summary>
    public required string Signed { get; init; }

    public required string Unsigned { get; init; }

    /// <summary>Signed with a key that the policy does not know.</summary>
    public required string WrongKey { get; init; }

    /// <summary>Signed with the release key, but for another repository.</summary>
    public required string Moved { get; init; }

    /// <summary>Asked for by alice, approved by bob and carol, with the template of <see cref="Manifest"/>.</summary>
    public required string Approved { get; init; }

    /// <summary>Asked for, and approved by bob twice.</summary>
    public required string ApprovedTwice { get; init; }

    /// <summary>Approved for staging.</summary>
    public required string ForStaging { get; init; }

    /// <summary>Approved, and taken back by bob.</summary>
    public required string Withdrawn { get; init; }

    /// <summary>What <c>gates approve</c> says to who approves their own request.</summary>
    public required string OwnApproval { get; init; }

    /// <summary>The cluster that this demo stands in for.</summary>
    public const string Cluster = "3f0c7a52-0000-4000-8000-000000000001";

    /// <summary>The Deployment of an approved image, as its requester wrote it.</summary>
    public static string Manifest(string image, string command = "trade") => $$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"demo","namespace":"trading"},
        "spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"main","image":"{{image}}","command":["{{command}}"]}] } } } }
        """;

    public static async Task<DemoWorld> MakeAsync(string bin, string folder, CancellationToken cancellation)
    {
        var spki = WriteKey(folder, "release");
        WriteKey(folder, "stranger");
        var (alice, bob, carol) = (WriteKey(folder, "alice"), WriteKey(folder, "bob"), WriteKey(folder, "carol"));
        await File.WriteAllTextAsync(Path.Combine(folder, "governance.yaml"), $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata:
              name: demo
              version: 1
            spec:
              environments:
                production: { clusters: [{{Cluster}}], namespaces: [trading] }
                staging: { clusters: [{{Cluster}}], namespaces: [lab] }
              people:
                alice: { id: p-0001, keys: [alice] }
                bob: { id: p-0002, keys: [bob] }
                carol: { id: p-0003, keys: [carol] }
              roles:
                system-admin: { people: [alice, bob, carol] }
              robots:
                release-workflow: { keys: [release], why: builds and signs }
              trust:
                keys:
                  release: { spki: "{{spki}}", file: release.pub }
                  alice: { spki: "{{alice}}", file: alice.pub }
                  bob: { spki: "{{bob}}", file: bob.pub }
                  carol: { spki: "{{carol}}", file: carol.pub }
              approvals:
                production-deployment: { require: [{ role: system-admin, count: 2 }], useBy: 7d, runUntil: 180d }
                policy-change: { require: [{ role: system-admin, count: 2 }], useBy: 7d }
              artifacts:
                images:
                  - match: ["registry.example.com/live/**"]
                    require:
                      signed: { by: [release-workflow] }
                      approved: { action: production-deployment, in: { environments: [production] }, covers: [artifact, template] }
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
        var (approved, twice, staging, withdrawn, own) = (await LiveAsync("approved"), await LiveAsync("twice"), await LiveAsync("staging"), await LiveAsync("withdrawn"), await LiveAsync("own"));
        await RequestAsync(approved, "production");
        await ApproveAsync(approved, "bob");
        await ApproveAsync(approved, "carol");
        await RequestAsync(twice, "production");
        await ApproveAsync(twice, "bob");
        await ApproveAsync(twice, "bob");
        await RequestAsync(staging, "staging");
        await ApproveAsync(staging, "bob");
        await ApproveAsync(staging, "carol");
        await RequestAsync(withdrawn, "production");
        await ApproveAsync(withdrawn, "bob", "--id", "a-bob");
        await ApproveAsync(withdrawn, "carol");
        await ApproveAsync(withdrawn, "bob", "--withdraw", "a-bob");
        await RequestAsync(own, "production");
        return new()
        {
            Folder = folder,
            Approved = approved,
            ApprovedTwice = twice,
            ForStaging = staging,
            Withdrawn = withdrawn,
            OwnApproval = await TryAsync(bin, Approving(own, "alice"), cancellation),
            Signed = await ImageAsync("signed", "trading/strategy", "release"),
            Unsigned = await ImageAsync("unsigned", "trading/unsigned", null),
            WrongKey = await ImageAsync("wrong-key", "trading/wrong-key", "stranger"),
            Moved = await ImageAsync("moved", "lab/experiment", "release", deployedAs: "trading/strategy"),
        };

        Task<string> LiveAsync(string name) => ImageAsync(name, $"live/{name}", "release");

        string[] On(string verb, string image, string person) =>
            [verb, $"oci:{layout}@{image[(image.IndexOf('@', StringComparison.Ordinal) + 1)..]}", "--as", image[..image.IndexOf('@', StringComparison.Ordinal)], "--policy", Path.Combine(folder, "governance.yaml"), "--key", Path.Combine(folder, $"{person}.key"), "--yes"];

        string[] Approving(string image, string person, params string[] more) => [.. On("approve", image, person), .. more];

        Task ApproveAsync(string image, string person, params string[] more) => RunAsync(Path.Combine(bin, "gates"), Approving(image, person, more), cancellation);

        async Task RequestAsync(string image, string environment)
        {
            var manifest = Path.Combine(folder, "deployment.json");
            await File.WriteAllTextAsync(manifest, Manifest(image), cancellation);
            await RunAsync(Path.Combine(bin, "gates"), [.. On("request", image, "alice"), "--action", "production-deployment", "--environment", environment, "--template", manifest], cancellation);
        }

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

    /// <summary>Writes a next version of the policy in which one person suffices, and which nobody approved.</summary>
    public async Task WeakenAsync(CancellationToken cancellation)
    {
        var inForce = PolicyDigest;
        var yaml = await File.ReadAllTextAsync(Policy, cancellation);
        await File.WriteAllTextAsync(Policy, yaml.Replace("  version: 1\n", $"  version: 2\n  previous: \"{inForce}\"\n", StringComparison.Ordinal).Replace("count: 2", "count: 1", StringComparison.Ordinal), cancellation);
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

    // What a command that is expected to refuse says.
    private static async Task<string> TryAsync(string bin, string[] arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(bin, "gates"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(process.StandardError.ReadToEndAsync(cancellation), process.StandardOutput.ReadToEndAsync(cancellation));
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0 ? "" : said[0].Trim().ReplaceLineEndings(" ");
    }

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
