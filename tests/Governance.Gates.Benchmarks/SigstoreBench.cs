using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Benchmarks;

/// <summary>Verifications of bundles on one core, beside the bare signature check of openssl and beside sigstore's own JavaScript.</summary>
internal static class SigstoreBench
{
    private const double Seconds = 2;
    private const string Name = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main";
    private const string Issuer = "https://token.actions.githubusercontent.com";
    private static readonly string Folder = Path.Combine(ProjectTree.Root, "tests", "Governance.Gates.Tests", "Sigstore", "testdata", "keyless");

    public static async Task<IReadOnlyList<Row>> MeasureAsync()
    {
        var artifact = await File.ReadAllBytesAsync(InFolder("artifact"));
        var json = await File.ReadAllBytesAsync(InFolder("trusted_root.json"));
        (string What, string File)[] kinds = [("keyless with Rekor v1", "cosign-blob.sigstore.json"), ("keyless with Rekor v2 and a timestamp", "rekor2-blob.sigstore.json")];

        // Warm with a root that stays; cold with one that is read again, and with it keys and chains, for each verification.
        var root = TrustedRoot.Parse(json);
        VerificationPolicy By(TrustedRoot trusted) => VerificationPolicy.ForArtifact(artifact, []) with { Keyless = KeylessSigners.Of(trusted, CertificateIdentity.Exactly(Name, Issuer)) };
        var warm = By(root);
        using var signing = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signer = EcdsaSigner.FromPem(signing.ExportPkcs8PrivateKeyPem(), "");
        var keyed = await SigstoreBundle.SignArtifactAsync(artifact, signer, CancellationToken.None);
        var key = VerificationPolicy.ForArtifact(artifact, [PublicKey.Parse(signing.ExportSubjectPublicKeyInfoPem())]);
        var openssl = await OpenSslAsync();
        var withKey = PerSecond(() => SigstoreVerifier.Verify(keyed, key));
        List<Row> rows = [new("bundles with a P-256 key, one core: verifications/s", $"{withKey:0}", $"`openssl speed ecdsap256`, verify: {openssl:0}", $"at least 0.7 of it: {withKey / openssl:0.00}", withKey >= 0.7 * openssl)];
        var js = await SigstoreJsAsync([.. kinds.Select(kind => InFolder(kind.File))]);
        foreach (var ((what, file), place) in kinds.Zip(Enumerable.Range(0, kinds.Length)))
        {
            var bundle = new SignedEntity.Bundle(await File.ReadAllBytesAsync(InFolder(file)));
            var (once, again) = (PerSecond(() => SigstoreVerifier.Verify(bundle, By(TrustedRoot.Parse(json)))), PerSecond(() => SigstoreVerifier.Verify(bundle, warm)));
            var ratio = js is null ? 0 : again / js[place];
            rows.Add(new($"bundles {what}, one core, warm: verifications/s (keys and chains read anew each time: {once:0})", $"{again:0}", js is null ? "" : $"sigstore-js in one process: {js[place]:0}", js is null ? "" : $"at least 3 times it: {ratio:0.0}", js is null || ratio >= 3));
        }

        return rows;
    }

    private static string InFolder(string name) => Path.Combine(Folder, name);

    private static double PerSecond(Func<VerificationOutcome> verify)
    {
        double Run(double seconds)
        {
            var (began, count) = (Stopwatch.GetTimestamp(), 0);
            for (; Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; count++)
            {
                if (verify() is not VerificationOutcome.Verified)
                {
                    throw new InvalidOperationException($"{verify()}");
                }
            }

            return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        Run(Seconds / 2);
        return Run(Seconds);
    }

    // The line ` 256 bits ecdsa (nistp256)   0.0000s   0.0001s  38460.5  12861.2`: signs and verifications a second.
    private static async Task<double> OpenSslAsync()
    {
        var speed = (await Command.RunAsync("openssl", ["speed", "-seconds", "2", "ecdsap256"])).Succeeded();
        return double.Parse(speed.Output.Split('\n').Single(line => line.Contains("nistp256", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture);
    }

    private static async Task<double[]?> SigstoreJsAsync(string[] bundles)
    {
        if (Peers.WhyNot(Peers.Node, Peers.SigstoreJs) is not null)
        {
            return null;
        }

        var script = Path.Combine(ProjectTree.Root, "tests/peers/sigstore-js/time.mjs");
        var said = (await Command.RunAsync(Peers.Node.Require(), [script, Peers.SigstoreJs.Require(), $"{Seconds}", InFolder("trusted_root.json"), InFolder("artifact"), Name, Issuer, .. bundles])).Succeeded().Output;
        return [.. said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))];
    }
}
