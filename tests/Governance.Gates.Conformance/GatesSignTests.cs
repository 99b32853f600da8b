using System.Security.Cryptography;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Conformance;

/// <summary>What <c>gates sign</c> pushes to a real registry, real cosign verifies; what real cosign signs, <c>gates verify</c> accepts.</summary>
public sealed class GatesSignTests(CosignFixtures made) : IDisposable
{
    private const string Password = "GATES_KEY_PASSWORD";
    private readonly TemporaryFolder folder = new();
    private readonly string word = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Cosign_verifies_a_signature_in_the_cosign_form_with_its_annotations()
    {
        CosignFixtures.SkipWhereMissing();
        var (key, image) = (Key("release"), await PushAsync("gates/simple"));
        Assert.Equal(0, (await GatesAsync("sign", image, "--key", key.PrivateKeyFile, "--annotation", "team=ml", "--annotation", "html=<&>")).ExitCode);
        Assert.Equal(0, (await made.Cosign.VerifyAsync(key, image, annotations: new Dictionary<string, string> { ["team"] = "ml", ["html"] = "<&>" })).ExitCode);
        Assert.NotEqual(0, (await made.Cosign.VerifyAsync(key, image, annotations: new Dictionary<string, string> { ["team"] = "ops" })).ExitCode);
        Assert.NotEqual(0, (await made.Cosign.VerifyAsync(Key("other"), image)).ExitCode);
    }

    [Fact]
    public async Task Cosign_verifies_a_signature_in_the_bundle_form()
    {
        CosignFixtures.SkipWhereMissing();
        var (key, image) = (Key("release"), await PushAsync("gates/bundle"));
        Assert.Equal(0, (await GatesAsync("sign", image, "--key", key.PrivateKeyFile, "--format", "bundle")).ExitCode);
        var verified = await made.Cosign.VerifyAttestationAsync(key, image, CosignFixtures.SignPredicate, AttestationForm.Bundle);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.NotEqual(0, (await made.Cosign.VerifyAttestationAsync(Key("other"), image, CosignFixtures.SignPredicate, AttestationForm.Bundle)).ExitCode);
    }

    [Fact]
    public async Task A_second_signature_stands_beside_the_one_that_cosign_made()
    {
        CosignFixtures.SkipWhereMissing();
        var (ours, theirs, image) = (Key("ours"), await made.Cosign.GenerateKeyPairAsync("theirs"), await PushAsync("gates/both"));
        await made.Cosign.SignAsync(theirs, image);
        Assert.Equal(0, (await GatesAsync("sign", image, "--key", ours.PrivateKeyFile)).ExitCode);
        foreach (var key in (CosignKey[])[ours, theirs])
        {
            Assert.Equal(0, (await made.Cosign.VerifyAsync(key, image)).ExitCode);
            Assert.Equal(0, (await GatesAsync("verify", image, "--key", key.PublicKeyFile)).ExitCode);
        }
    }

    [Fact]
    public async Task Gates_verifies_every_signature_that_cosign_made()
    {
        CosignFixtures.SkipWhereMissing();
        foreach (var image in (SignedImage[])[made.Legacy, made.Annotated, made.TwoSigners, made.Referred])
        {
            var verified = await GatesAsync("verify", image.Reference, "--key", made.Key.PublicKeyFile);
            Assert.True(verified.ExitCode == 0, verified.Text);
        }

        Assert.Equal(0, (await GatesAsync("verify", made.TwoSigners.Reference, "--key", made.OtherKey.PublicKeyFile)).ExitCode);
        Assert.Equal(1, (await GatesAsync("verify", made.Legacy.Reference, "--key", made.OtherKey.PublicKeyFile)).ExitCode);
        Assert.Equal(1, (await GatesAsync("verify", made.Unsigned.Reference, "--key", made.Key.PublicKeyFile)).ExitCode);
    }

    [Fact]
    public async Task Gates_knows_predicate_types_by_the_words_of_cosign()
    {
        CosignFixtures.SkipWhereMissing();
        foreach (var (image, types) in ((SignedImage, IReadOnlyDictionary<string, string>)[])[(made.Attested, CosignFixtures.AttestedTypes), (made.Bundled, CosignFixtures.BundledTypes)])
        {
            foreach (var type in types.SelectMany(pair => (string[])[pair.Key, pair.Value]))
            {
                var verified = await GatesAsync("verify", image.Reference, "--key", made.Key.PublicKeyFile, "--type", type);
                Assert.True(verified.ExitCode == 0, verified.Text);
            }

            Assert.Equal(1, (await GatesAsync("verify", image.Reference, "--key", made.Key.PublicKeyFile, "--type", "vuln")).ExitCode);
        }
    }

    public void Dispose() => folder.Dispose();

    private async Task<string> PushAsync(string repository) => $"{made.Registry}/{repository}@{await TestImage.PushAsync(new(made.Registry, repository), "v1")}";

    // Encrypted, as a release key would be kept.
    private CosignKey Key(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var pem = key.ExportEncryptedPkcs8PrivateKeyPem(word, new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000));
        var spki = key.ExportSubjectPublicKeyInfoPem();
        return new(folder.Write($"{name}.pem", pem), folder.Write($"{name}.pub", spki), spki);
    }

    private async Task<(int ExitCode, string Text)> GatesAsync(params string[] arguments)
    {
        using var text = new StringWriter();
        var exitCode = await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, text, text) { Variable = name => name == Password ? word : null });
        return (exitCode, text.ToString());
    }
}
