using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Conformance;

/// <summary>What <c>gates verify</c> says of what real cosign made, on its command line.</summary>
public sealed class GatesVerifyTests(CosignFixtures fixtures)
{
    /// <summary>Each form, and the predicate type to ask for where it is no signature.</summary>
    public static TheoryData<CosignForm, string?> Questions
    {
        get
        {
            var questions = new TheoryData<CosignForm, string?>();
            foreach (var form in Enum.GetValues<CosignForm>().Where(form => form != CosignForm.Attested))
            {
                questions.Add(form, null);
            }

            foreach (var (form, types) in ((CosignForm, IReadOnlyDictionary<string, string>)[])[(CosignForm.Attested, CosignFixtures.AttestedTypes), (CosignForm.Bundled, CosignFixtures.BundledTypes)])
            {
                foreach (var type in types.Keys)
                {
                    questions.Add(form, type);
                }
            }

            return questions;
        }
    }

    [Theory, MemberData(nameof(Questions))]
    public async Task It_allows_with_the_key_and_denies_with_another(CosignForm form, string? type)
    {
        CosignFixtures.SkipWhereMissing();
        var image = fixtures[form];
        string[] asked = type is null ? [] : ["--type", type];
        foreach (var name in (string[])[image.Reference, $"{image.Repository}:v1"])
        {
            var (exitCode, output) = await GatesAsync(["verify", name, "--key", fixtures.Key.PublicKeyFile, .. asked]);
            Assert.True(exitCode == 0, output);
            Assert.Contains(image.Digest.ToString(), output, StringComparison.Ordinal);
            (exitCode, output) = await GatesAsync(["verify", name, "--key", fixtures.StrangersKey.PublicKeyFile, .. asked]);
            Assert.True(exitCode == 1, output);
            Assert.Contains(form == CosignForm.Bundled ? "UnknownKey" : "SignatureMismatch", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_allows_by_either_of_two_signers_and_by_both()
    {
        CosignFixtures.SkipWhereMissing();
        var (image, first, second) = (fixtures.TwoSigners.Reference, fixtures.Key.PublicKeyFile, fixtures.OtherKey.PublicKeyFile);
        Assert.Equal(0, (await GatesAsync("verify", image, "--key", second)).ExitCode);
        Assert.Equal(0, (await GatesAsync("verify", image, "--key", first, "--key", second)).ExitCode);
    }

    [Theory]
    [InlineData(CosignForm.Legacy, "custom", "is a signature, not a https://cosign.sigstore.dev/attestation/v1")]
    [InlineData(CosignForm.Attested, "vuln", "not a https://cosign.sigstore.dev/attestation/vuln/v1")]
    [InlineData(CosignForm.Bundled, "vuln", "not a https://cosign.sigstore.dev/attestation/vuln/v1")]
    [InlineData(CosignForm.Attested, null, "no signature")]
    public async Task It_denies_what_is_not_there_and_says_what_is(CosignForm form, string? type, string because)
    {
        CosignFixtures.SkipWhereMissing();
        string[] asked = type is null ? [] : ["--type", type];
        var (exitCode, output) = await GatesAsync(["verify", fixtures[form].Reference, "--key", fixtures.Key.PublicKeyFile, .. asked]);
        Assert.True(exitCode == 1, output);
        Assert.Contains(because, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_denies_an_image_on_which_nothing_hangs()
    {
        CosignFixtures.SkipWhereMissing();
        var (exitCode, output) = await GatesAsync("verify", fixtures.Unsigned.Reference, "--key", fixtures.Key.PublicKeyFile);
        Assert.True(exitCode == 1, output);
    }

    private static async Task<(int ExitCode, string Output)> GatesAsync(params string[] arguments)
    {
        using var text = new StringWriter();
        return (await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, text, text)), text.ToString());
    }
}
