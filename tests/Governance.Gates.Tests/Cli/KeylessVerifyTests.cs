using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Cli;

/// <summary>What the command line tells of images that were signed without a key.</summary>
public sealed class KeylessVerifyTests : IDisposable
{
    private const string Rules = "  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [flow] } }\n";
    private readonly Workbench bench = new();

    [Fact]
    public async Task Verify_says_which_workflow_signed_and_refuses_that_of_a_repository_made_again()
    {
        var policy = Policy();
        var good = await SignedAsync("v1", new());
        var told = await bench.GatesAsync("verify", $"oci:{bench.Layout}@{good}", "--policy", policy, "--as", "registry.example.com/shop/app");
        Assert.True(told.ExitCode == 0, told.Output + told.Error);
        Assert.Contains("signed by flow as https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1", told.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("verify", $"oci:{bench.Layout}@{good}", "--policy", policy, "--as", "registry.example.com/shop/app", "--output", "json")).Json();
        Assert.Contains("oidc:https://token.actions.githubusercontent.com#https://github.com/example/app/", json.GetProperty("evidence")[0].GetProperty("signers")[0].GetString(), StringComparison.Ordinal);

        var again = await bench.GatesAsync("verify", $"oci:{bench.Layout}@{await SignedAsync("v2", new() { RepositoryId = "999" })}", "--policy", policy, "--as", "registry.example.com/shop/app");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("SourceRepositoryIdentifier is '999', not '123' (ExtensionMismatch)", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_policy_that_names_subjects_passes_its_check_and_is_explained()
    {
        var policy = Policy();
        var check = await bench.GatesAsync("policy", "check", policy);
        Assert.True(check.ExitCode == 0, check.Output);
        var explained = await bench.GatesAsync("policy", "explain", policy, "registry.example.com/shop/app");
        Assert.Contains("by the word of root.json", explained.Output, StringComparison.Ordinal);
    }

    public void Dispose() => bench.Dispose();

    private string Policy()
    {
        bench.Folder.Write("root.json", Encoding.UTF8.GetString(KeylessWorld.Root));
        bench.Folder.Write("keyed.pub", TestPolicy.Builder.PublicKey.ToPem());
        return bench.Folder.Write("governance.yaml", KeylessWorld.Yaml(Rules));
    }

    private async Task<Digest> SignedAsync(string tag, Certified certified)
    {
        var image = await bench.AddImageAsync(tag);
        var statement = InTotoStatement.Write([Subject.OfSha256(null, Convert.FromHexString(image.Hex))], PredicateTypes.CosignSign, "{}"u8);
        var layer = new EvidenceLayer(RegistryReadings.Bundle, KeylessWorld.Bytes(KeylessWorld.Sign(certified, statement)), new Dictionary<string, string>());
        (await OciLayout.Open(bench.Layout).AttachReferrerAsync(new("oci-layout.invalid", "app"), image, RegistryReadings.Bundle, layer, CancellationToken.None)).Found();
        return image;
    }
}
