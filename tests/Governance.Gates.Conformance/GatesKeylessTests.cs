using System.Security.Cryptography;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Conformance;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

[assembly: AssemblyFixture(typeof(RunningSigstore))]

namespace Governance.Gates.Conformance;

/// <summary>One Sigstore instance for all tests.</summary>
public sealed class RunningSigstore : IAsyncLifetime
{
    private SigstoreServers? instance;

    /// <summary>It.</summary>
    public SigstoreServers Instance => instance ?? throw new InvalidOperationException(WhyNot ?? "it was not started");

    /// <summary>Skips the calling test where a program is missing.</summary>
    public static void SkipWhereMissing() => Assert.SkipWhen(WhyNot is not null, WhyNot ?? "");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => instance = WhyNot is null ? await SigstoreServers.StartAsync() : null;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => instance?.DisposeAsync() ?? default;

    private static string? WhyNot => Peers.WhyNot(Peers.Cosign, Peers.DockerRegistry, Peers.Node, Peers.SigstoreInstance);
}

/// <summary>What <c>gates</c> signs without a key, real cosign and sigstore-js verify; what they sign, <c>gates</c> verifies. All against one instance on loopback.</summary>
public sealed class GatesKeylessTests(RunningSigstore running, CosignFixtures made) : IDisposable
{
    private const string Approval = "https://example.test/approval/v1";
    private readonly TemporaryFolder folder = new();

    private SigstoreServers Instance => running.Instance;

    private string[] Keyless => ["--keyless", "--fulcio", Instance.Address, "--rekor", Instance.Address, "--trusted-root", Instance.Root, "--identity-token", Instance.Token];

    private static string[] Who => ["--certificate-identity", SigstoreServers.Identity, "--certificate-oidc-issuer", SigstoreServers.Issuer];

    [Fact]
    public async Task Cosign_verifies_an_image_that_was_signed_and_attested()
    {
        RunningSigstore.SkipWhereMissing();
        var image = $"{made.Registry}/keyless/app@{await TestImage.PushAsync(new(made.Registry, "keyless/app"), "v1")}";
        var predicate = folder.Write("predicate.json", """{"approved":true}""");
        await GatesAsync(["sign", image, .. Keyless]);
        await GatesAsync(["attest", image, "--type", Approval, "--predicate", predicate, .. Keyless, "--tsa", Instance.Tsa]);
        foreach (var type in (string[])[PredicateTypes.CosignSign, Approval])
        {
            Task<Command> VerifyAsync(params string[] who) => made.Cosign.RunAsync(["verify-attestation", "--new-bundle-format", "--trusted-root", Instance.Root, "--allow-http-registry", .. who, "--type", type, image], Instance.CosignTrust);
            var verified = await VerifyAsync(Who);
            Assert.True(verified.ExitCode == 0, verified.Error);
            Assert.NotEqual(0, (await VerifyAsync("--certificate-identity", "https://evil.test", "--certificate-oidc-issuer", SigstoreServers.Issuer)).ExitCode);
        }
    }

    public static TheoryData<int, bool> Bundles => new() { { 1, false }, { 1, true }, { 2, false }, { 2, true } };

    [Theory, MemberData(nameof(Bundles))]
    public async Task Others_verify_the_bundles_of_the_public_suites_command_line(int version, bool isStatement)
    {
        RunningSigstore.SkipWhereMissing();
        var (artifact, bundle) = (folder.Write("a.txt", "the model's weights"), folder.PathOf("bundle.json"));
        var statement = folder.Write("statement.json", $$$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a.txt","digest":{"sha256":"{{{Convert.ToHexStringLower(SHA256.HashData("the model's weights"u8))}}}"}}],"predicateType":"{{{Approval}}}","predicate":{"approved":true}}""");
        await GatesAsync(["sigstore", "sign-bundle", .. isStatement ? (string[])["--in-toto"] : [], "--identity-token", await File.ReadAllTextAsync(Instance.Token, TestContext.Current.CancellationToken), "--bundle", bundle, "--trusted-root", Instance.Root, "--signing-config", Config(version), isStatement ? statement : artifact]);
        await GatesAsync(["sigstore", "verify-bundle", "--bundle", bundle, .. Who, "--trusted-root", Instance.Root, artifact]);
        var verified = await Instance.VerifyWithSigstoreJsAsync(bundle, isStatement ? null : artifact, isStamped: true);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.NotEqual(0, (await Instance.VerifyWithSigstoreJsAsync(bundle, isStatement ? null : artifact, "https://evil.test", isStamped: true)).ExitCode);

        // cosign 2.5 is older than Rekor v2.
        if (version == 1)
        {
            string[] verb = isStatement ? ["verify-blob-attestation", "--type", Approval] : ["verify-blob"];
            var byCosign = await made.Cosign.RunAsync([.. verb, "--new-bundle-format", "--use-signed-timestamps", "--trusted-root", Instance.Root, "--bundle", bundle, .. Who, artifact]);
            Assert.True(byCosign.ExitCode == 0, byCosign.Error);
        }
    }

    [Fact]
    public async Task Gates_verifies_what_cosign_and_sigstore_js_signed()
    {
        RunningSigstore.SkipWhereMissing();
        var artifact = folder.Write("a.txt", "the model's weights");
        string[] services = ["--fulcio-url", Instance.Address, "--rekor-url", Instance.Address, "--identity-token", Instance.Token];
        (await made.Cosign.RunAsync(["sign-blob", .. services, "--new-bundle-format", "--bundle", folder.PathOf("cosign.json"), artifact], Instance.CosignTrust)).Succeeded();
        (await made.Cosign.RunAsync(["sign-blob", .. services, "--new-bundle-format", "--timestamp-server-url", Instance.Tsa, "--rfc3161-timestamp", folder.PathOf("stamp"), "--bundle", folder.PathOf("stamped.json"), artifact], Instance.CosignTrust)).Succeeded();
        (await made.Cosign.RunAsync(["attest-blob", .. services, "--new-bundle-format", "--type", Approval, "--predicate", folder.Write("predicate.json", "{}"), "--bundle", folder.PathOf("attested.json"), artifact], Instance.CosignTrust)).Succeeded();
        await Instance.SignWithSigstoreJsAsync(artifact, folder.PathOf("js.json"));
        foreach (var bundle in (string[])["cosign.json", "stamped.json", "attested.json", "js.json"])
        {
            string[] verify = ["sigstore", "verify-bundle", "--bundle", folder.PathOf(bundle), .. Who, "--trusted-root", Instance.Root];
            await GatesAsync([.. verify, artifact]);
            await GatesAsync([.. verify, folder.Write("b.txt", "other weights")], 1);
        }
    }

    public void Dispose() => folder.Dispose();

    private string Config(int version) => folder.Write("config.json", $$$"""
        {"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json",
         "caUrls":[{"url":"{{{Instance.Address}}}","majorApiVersion":1,"validFor":{"start":"2024-01-01T00:00:00Z"},"operator":"test"}],
         "rekorTlogUrls":[{"url":"{{{Instance.Address}}}","majorApiVersion":{{{version}}},"validFor":{"start":"2024-01-01T00:00:00Z"},"operator":"test"}],
         "tsaUrls":[{"url":"{{{Instance.Tsa}}}","majorApiVersion":1,"validFor":{"start":"2024-01-01T00:00:00Z"},"operator":"test"}],
         "rekorTlogConfig":{"selector":"ANY"},"tsaConfig":{"selector":"ANY"}}
        """);

    private static async Task GatesAsync(string[] arguments, int expected = 0)
    {
        using var text = new StringWriter();
        var exitCode = await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, text, text));
        Assert.True(exitCode == expected, text.ToString());
    }
}
