using System.Net.Http.Json;
using System.Text.Json;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance;

/// <summary>The fixtures are what they say: real cosign verifies them, and refuses what it should.</summary>
public sealed class CosignFixturesTests(CosignFixtures fixtures)
{
    [Fact]
    public async Task Cosign_verifies_its_own_signatures_in_every_form()
    {
        CosignFixtures.SkipWhereMissing();
        var annotations = new Dictionary<string, string> { ["team"] = "ml" };
        (await fixtures.Cosign.VerifyAsync(fixtures.Key, fixtures.Legacy.Reference)).Succeeded();
        (await fixtures.Cosign.VerifyAsync(fixtures.Key, fixtures.Annotated.Reference, annotations: annotations)).Succeeded();
        (await fixtures.Cosign.VerifyAsync(fixtures.Key, fixtures.TwoSigners.Reference)).Succeeded();
        (await fixtures.Cosign.VerifyAsync(fixtures.OtherKey, fixtures.TwoSigners.Reference)).Succeeded();
        (await fixtures.Cosign.VerifyAsync(fixtures.Key, fixtures.Referred.Reference, SignatureForm.Referrer)).Succeeded();
    }

    [Fact]
    public async Task Cosign_verifies_its_own_attestations_of_every_type()
    {
        CosignFixtures.SkipWhereMissing();
        foreach (var type in CosignFixtures.AttestedTypes.Keys)
        {
            (await fixtures.Cosign.VerifyAttestationAsync(fixtures.Key, fixtures.Attested.Reference, type)).Succeeded();
        }

        foreach (var type in CosignFixtures.BundledTypes.Keys)
        {
            (await fixtures.Cosign.VerifyAttestationAsync(fixtures.Key, fixtures.Bundled.Reference, type, AttestationForm.Bundle)).Succeeded();
        }
    }

    [Fact]
    public async Task Cosign_refuses_another_key_an_absent_type_and_an_unsigned_image()
    {
        CosignFixtures.SkipWhereMissing();
        Assert.NotEqual(0, (await fixtures.Cosign.VerifyAsync(fixtures.OtherKey, fixtures.Legacy.Reference)).ExitCode);
        Assert.NotEqual(0, (await fixtures.Cosign.VerifyAsync(fixtures.Key, fixtures.Unsigned.Reference)).ExitCode);
        Assert.NotEqual(0, (await fixtures.Cosign.VerifyAttestationAsync(fixtures.Key, fixtures.Attested.Reference, "vuln")).ExitCode);
    }

    [Fact]
    public async Task The_registry_holds_the_tags_of_each_form()
    {
        CosignFixtures.SkipWhereMissing();
        await HoldsAsync(fixtures.Legacy, ".sig");
        await HoldsAsync(fixtures.Annotated, ".sig");
        await HoldsAsync(fixtures.TwoSigners, ".sig");
        await HoldsAsync(fixtures.Attested, ".att");
        // The fallback tag of the referrers API has no suffix.
        await HoldsAsync(fixtures.Referred, "");
        await HoldsAsync(fixtures.Bundled, "");
        await HoldsAsync(fixtures.Unsigned);
    }

    private static async Task HoldsAsync(SignedImage image, params string[] suffixes)
    {
        using var client = new HttpClient();
        var list = await client.GetFromJsonAsync<JsonElement>(new Uri($"http://{image.Repository.Host}/v2/{image.Repository.Path}/tags/list"));
        var tags = list.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!);
        Assert.Equal(suffixes.Select(suffix => image.DigestTag + suffix).Append("v1").Order(StringComparer.Ordinal), tags.Order(StringComparer.Ordinal));
    }
}
