using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing;

namespace Governance.Gates.Conformance;

/// <summary>The public suite sigstore-conformance, <c>test_verify</c>: each bundle with the artifact's file and with its digest, on the suite's own command line.</summary>
public sealed class SigstoreConformanceTests
{
    private const string Identity = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
    private const string Issuer = "https://token.actions.githubusercontent.com";

    private static readonly string Folder = Path.Combine(ProjectTree.Cases, "sigstore", "conformance");

    /// <summary>The folders of the suite, or one row that is skipped where they are not there.</summary>
    public static TheoryData<string> Bundles => ProjectTree.WhyNoCases("sigstore/conformance") is null
        ? [.. Directory.GetDirectories(Folder).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)]
        : ["(none)"];

    [Theory, MemberData(nameof(Bundles))]
    public async Task A_bundle_of_the_public_suite_is_judged_as_the_suite_says(string name)
    {
        Assert.SkipWhen(ProjectTree.WhyNoCases("sigstore/conformance") is not null, ProjectTree.WhyNoCases("sigstore/conformance") ?? "");
        var folder = Path.Combine(Folder, name);
        var artifact = Given(folder, "artifact") ?? Path.Combine(Folder, "a.txt");
        var root = Given(folder, "trusted_root.json") ?? Path.Combine(ProjectTree.Cases, "sigstore", "trusted-roots", "public-good.json");
        string[] signer = Given(folder, "key.pub") is { } key
            ? ["--key", key]
            : ["--certificate-identity", Text(folder, "identity") ?? Identity, "--certificate-oidc-issuer", Text(folder, "issuer") ?? Issuer];
        var digest = $"sha256:{Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(artifact, TestContext.Current.CancellationToken)))}";
        foreach (var given in (string[])[artifact, digest])
        {
            var (exitCode, output) = await GatesAsync(["sigstore", "verify-bundle", "--bundle", Path.Combine(folder, "bundle.sigstore.json"), .. signer, "--trusted-root", root, given]);
            Assert.True(exitCode == 0 == !name.EndsWith("_fail", StringComparison.Ordinal), $"{given}: {output}");
            // A usage mistake would refuse everything, and so pass half of the suite.
            Assert.True(exitCode is 0 or 1 || name.StartsWith("trust-root-", StringComparison.Ordinal), output);
        }
    }

    [Fact]
    public async Task Another_artifact_and_another_key_are_refused_and_half_a_command_line_is_a_mistake()
    {
        Assert.SkipWhen(ProjectTree.WhyNoCases("sigstore/conformance") is not null, ProjectTree.WhyNoCases("sigstore/conformance") ?? "");
        string[] verify = ["sigstore", "verify-bundle", "--bundle", Path.Combine(Folder, "happy-path-v0.3", "bundle.sigstore.json")];
        string[] root = ["--trusted-root", Path.Combine(ProjectTree.Cases, "sigstore", "trusted-roots", "public-good.json")];
        string[] signer = ["--certificate-identity", Identity, "--certificate-oidc-issuer", Issuer];
        var artifact = Path.Combine(Folder, "a.txt");
        Assert.Equal(0, (await GatesAsync([.. verify, .. signer, .. root, artifact])).ExitCode);
        Assert.Equal(1, (await GatesAsync([.. verify, .. signer, .. root, Path.Combine(Folder, "README.md")])).ExitCode);
        Assert.Equal(1, (await GatesAsync([.. verify, .. signer, .. root, $"sha256:{new string('0', 64)}"])).ExitCode);
        Assert.Equal(1, (await GatesAsync([.. verify, "--key", Path.Combine(Folder, "managed-key-happy-path", "key.pub"), .. root, artifact])).ExitCode);
        Assert.Equal(2, (await GatesAsync([.. verify, .. signer, .. root, "no-such-file"])).ExitCode);
        Assert.Equal(0, (await GatesAsync([.. verify, .. signer, artifact])).ExitCode);
        Assert.Equal(64, (await GatesAsync([.. verify, .. signer[..2], .. root, artifact])).ExitCode);
        Assert.Equal(64, (await GatesAsync([.. verify, .. root, artifact])).ExitCode);
    }

    /// <summary>OpenSSF's reference implementation signs models into the same bundles, about the digest of all files.</summary>
    [Theory]
    [InlineData("v0.3.1")]
    [InlineData("v1.0.0")]
    [InlineData("v1.0.1")]
    [InlineData("v1.1.0")]
    public async Task A_model_signed_without_a_key_is_verified_for_its_signer(string version)
    {
        Assert.SkipWhen(ProjectTree.WhyNoCases("sigstore/model-signing") is not null, ProjectTree.WhyNoCases("sigstore/model-signing") ?? "");
        var signature = Path.Combine(ProjectTree.Cases, "sigstore", "model-signing", "reference", "scripts", "tests", $"{version}-sigstore", "model.sig");
        var payload = JsonNode.Parse(await File.ReadAllBytesAsync(signature, TestContext.Current.CancellationToken))!["dsseEnvelope"]!["payload"]!.GetValue<string>();
        var digest = JsonNode.Parse(Convert.FromBase64String(payload))!["subject"]![0]!["digest"]!["sha256"]!.GetValue<string>();
        foreach (var (name, expected) in ((string, int)[])[("stefanb@us.ibm.com", 0), ("someone@us.ibm.com", 1)])
        {
            var (exitCode, output) = await GatesAsync(
                "sigstore", "verify-bundle", "--bundle", signature, "--certificate-identity", name, "--certificate-oidc-issuer", "https://sigstore.verify.ibm.com/oauth2",
                "--trusted-root", Path.Combine(ProjectTree.Cases, "sigstore", "trusted-roots", "public-good.json"), $"sha256:{digest}");
            Assert.True(exitCode == expected, output);
        }
    }

    private static string? Given(string folder, string file) => Path.Combine(folder, file) is var path && File.Exists(path) ? path : null;

    private static string? Text(string folder, string file) => Given(folder, file) is { } path ? File.ReadAllText(path).Trim() : null;

    private static async Task<(int ExitCode, string Output)> GatesAsync(params string[] arguments)
    {
        using var text = new StringWriter();
        return (await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, text, text)), text.ToString());
    }
}
