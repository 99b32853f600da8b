using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Tests.Cli;

/// <summary>Throw-away OpenPGP keys, made and used by GnuPG itself.</summary>
internal sealed class GpgHome : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>Makes a key and gives the fingerprint of its primary key, which only certifies; a subkey signs.</summary>
    /// <param name="name">Whose.</param>
    /// <param name="clock">When, as GnuPG writes times; null for now.</param>
    /// <param name="expires">When it ends, as GnuPG writes it.</param>
    public async Task<string> MakeAsync(string name, string? clock = null, string expires = "never")
    {
        await GpgAsync([.. Clock(clock), "--quick-generate-key", name, "ed25519", "cert", expires]);
        var fingerprint = (await GpgAsync(["--with-colons", "--list-keys", $"={name}"])).Split('\n').First(line => line.StartsWith("fpr:", StringComparison.Ordinal)).Split(':')[9];
        await GpgAsync([.. Clock(clock), "--quick-add-key", fingerprint, "ed25519", "sign", expires]);
        return fingerprint;
    }

    /// <summary>The public key, armored.</summary>
    public Task<string> ExportAsync(string fingerprint) => GpgAsync(["--armor", "--export", fingerprint]);

    /// <summary>A detached signature, armored, as git has GnuPG make it.</summary>
    public async Task<string> SignAsync(string fingerprint, string text, params string[] options)
    {
        var path = folder.Write("signed", text);
        File.Delete($"{path}.asc");
        await GpgAsync(["--armor", "--local-user", fingerprint, .. options, .. options.Contains("--clear-sign") || options.Contains("--sign") ? (string[])[] : ["--detach-sign"], path]);
        return await File.ReadAllTextAsync($"{path}.asc");
    }

    /// <summary>Revokes a key.</summary>
    public async Task RevokeAsync(string fingerprint)
    {
        var certificate = await File.ReadAllTextAsync(folder.PathOf("openpgp-revocs.d", $"{fingerprint}.rev"));
        await GpgAsync(["--import", folder.Write("revocation", certificate.Replace(":-----BEGIN", "-----BEGIN", StringComparison.Ordinal))]);
    }

    public async ValueTask DisposeAsync()
    {
        // The agent that gpg has started for its secret keys.
        await Command.RunAsync("gpgconf", ["--homedir", folder.Path, "--kill", "all"]);
        folder.Dispose();
    }

    private static string[] Clock(string? clock) => clock is null ? [] : ["--faked-system-time", clock];

    private async Task<string> GpgAsync(IEnumerable<string> arguments) => (await Command.RunAsync("gpg", ["--homedir", folder.Path, "--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", .. arguments])).Succeeded().Output;
}
