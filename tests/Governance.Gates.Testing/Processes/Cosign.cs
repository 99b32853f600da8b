namespace Governance.Gates.Testing.Processes;

/// <summary>The real cosign with a home of its own, signing and verifying with keys on a loopback registry: no log, no network.</summary>
public sealed class Cosign : IDisposable
{
    private static readonly string[] Quiet = ["--tlog-upload=false", "--allow-http-registry"];
    private readonly TemporaryFolder folder = new();
    private readonly Dictionary<string, string?> environment;

    /// <summary>Makes a home for cosign; nothing is shared with the user's own.</summary>
    public Cosign() => environment = new()
    {
        ["HOME"] = folder.Folder("home"),
        ["TUF_ROOT"] = folder.PathOf("home", "tuf"),
        ["DOCKER_CONFIG"] = folder.Folder("docker"),
        ["COSIGN_PASSWORD"] = "",
        ["COSIGN_YES"] = "true",
        ["SIGSTORE_NO_CACHE"] = "true",
        ["KUBECONFIG"] = folder.PathOf("no-kubeconfig"),
    };

    /// <summary>Makes a key pair as cosign writes it: ECDSA P-256, the private key encrypted with the empty password.</summary>
    public async Task<CosignKey> GenerateKeyPairAsync(string name, CancellationToken cancellation = default)
    {
        var prefix = folder.PathOf(name);
        (await RunAsync(["generate-key-pair", "--output-key-prefix", prefix], cancellation: cancellation)).Succeeded();
        return new($"{prefix}.key", $"{prefix}.pub", await File.ReadAllTextAsync($"{prefix}.pub", cancellation));
    }

    /// <summary>Makes cosign take over a private key in PEM, of any kind that it knows.</summary>
    public async Task<CosignKey> ImportKeyPairAsync(string name, string privateKeyPem, CancellationToken cancellation = default)
    {
        var prefix = folder.PathOf(name);
        (await RunAsync(["import-key-pair", "--key", folder.Write($"{name}.pem", privateKeyPem), "--output-key-prefix", prefix], cancellation: cancellation)).Succeeded();
        return new($"{prefix}.key", $"{prefix}.pub", await File.ReadAllTextAsync($"{prefix}.pub", cancellation));
    }

    /// <summary>Signs an image; <paramref name="form"/> says where the signature goes.</summary>
    public async Task SignAsync(
        CosignKey key,
        string image,
        SignatureForm form = SignatureForm.Tag,
        IReadOnlyDictionary<string, string>? annotations = null,
        CancellationToken cancellation = default)
    {
        List<string> arguments = ["sign", "--key", key.PrivateKeyFile, .. Quiet];
        foreach (var (name, value) in annotations ?? new Dictionary<string, string>())
        {
            arguments.AddRange(["-a", $"{name}={value}"]);
        }

        if (form == SignatureForm.Referrer)
        {
            arguments.AddRange(["--registry-referrers-mode", "oci-1-1"]);
        }

        (await RunAsync([.. arguments, image], Experimental(form), cancellation)).Succeeded();
    }

    /// <summary>Attests a predicate (JSON text) about an image; <paramref name="type"/> is cosign's word for a type, or a URI.</summary>
    public async Task AttestAsync(
        CosignKey key,
        string image,
        string type,
        string predicate,
        AttestationForm form = AttestationForm.Tag,
        CancellationToken cancellation = default)
    {
        var file = folder.Write($"{Guid.NewGuid():N}.json", predicate);
        string[] bundle = form == AttestationForm.Bundle ? ["--new-bundle-format"] : [];
        (await RunAsync(["attest", "--key", key.PrivateKeyFile, .. Quiet, "--type", type, "--predicate", file, .. bundle, image], cancellation: cancellation)).Succeeded();
    }

    /// <summary>What <c>cosign verify</c> says of an image.</summary>
    public Task<Command> VerifyAsync(
        CosignKey key,
        string image,
        SignatureForm form = SignatureForm.Tag,
        IReadOnlyDictionary<string, string>? annotations = null,
        CancellationToken cancellation = default)
    {
        List<string> arguments = ["verify", "--key", key.PublicKeyFile, "--allow-http-registry", "--insecure-ignore-tlog=true"];
        foreach (var (name, value) in annotations ?? new Dictionary<string, string>())
        {
            arguments.AddRange(["-a", $"{name}={value}"]);
        }

        if (form == SignatureForm.Referrer)
        {
            arguments.Add("--experimental-oci11");
        }

        return RunAsync([.. arguments, image], Experimental(form), cancellation);
    }

    /// <summary>What <c>cosign verify-attestation</c> says of an image.</summary>
    public async Task<Command> VerifyAttestationAsync(
        CosignKey key,
        string image,
        string type,
        AttestationForm form = AttestationForm.Tag,
        CancellationToken cancellation = default)
    {
        // Without a trusted root cosign refreshes one over the network for a bundle, even when a key decides.
        string[] bundle = form == AttestationForm.Bundle ? ["--new-bundle-format", "--trusted-root", await EmptyTrustedRootAsync(cancellation)] : [];
        return await RunAsync(
            ["verify-attestation", "--key", key.PublicKeyFile, "--allow-http-registry", "--insecure-ignore-tlog=true", "--type", type, .. bundle, image],
            cancellation: cancellation);
    }

    /// <summary>What <c>cosign verify-blob-attestation</c> says of a file and a bundle about it.</summary>
    public async Task<Command> VerifyBlobAttestationAsync(string publicKeyFile, string bundle, string file, string type, CancellationToken cancellation = default) =>
        await RunAsync(
            ["verify-blob-attestation", "--key", publicKeyFile, "--new-bundle-format", "--trusted-root", await EmptyTrustedRootAsync(cancellation), "--insecure-ignore-tlog=true", "--type", type, "--bundle", bundle, file],
            cancellation: cancellation);

    /// <summary>Runs cosign with any arguments, in its own home.</summary>
    public Task<Command> RunAsync(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string?>? more = null,
        CancellationToken cancellation = default) =>
        Command.RunAsync(Peers.Cosign.Require(), arguments, new Dictionary<string, string?>(environment.Concat(more ?? new Dictionary<string, string?>())), cancellation: cancellation);

    /// <summary>Removes the home and the keys.</summary>
    public void Dispose() => folder.Dispose();

    private async Task<string> EmptyTrustedRootAsync(CancellationToken cancellation)
    {
        var file = folder.PathOf("trusted-root.json");
        if (!File.Exists(file))
        {
            (await RunAsync(["trusted-root", "create", "--out", file], cancellation: cancellation)).Succeeded();
        }

        return file;
    }

    private static Dictionary<string, string?> Experimental(SignatureForm form) =>
        form == SignatureForm.Referrer ? new() { ["COSIGN_EXPERIMENTAL"] = "1" } : [];
}

/// <summary>Where cosign puts a signature.</summary>
public enum SignatureForm
{
    /// <summary>A layer under the tag <c>sha256-….sig</c>.</summary>
    Tag,

    /// <summary>A manifest with a subject, as OCI 1.1 referrer.</summary>
    Referrer,
}

/// <summary>Where and how cosign puts an attestation.</summary>
public enum AttestationForm
{
    /// <summary>A DSSE envelope under the tag <c>sha256-….att</c>.</summary>
    Tag,

    /// <summary>A Sigstore bundle v0.3 as referrer.</summary>
    Bundle,
}

/// <summary>A key pair that cosign made.</summary>
/// <param name="PrivateKeyFile">Where the encrypted private key is.</param>
/// <param name="PublicKeyFile">Where the public key is.</param>
/// <param name="PublicKeyPem">The public key, SPKI as PEM.</param>
public sealed record CosignKey(string PrivateKeyFile, string PublicKeyFile, string PublicKeyPem);
