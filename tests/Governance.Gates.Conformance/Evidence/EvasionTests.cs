using System.Text;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>Ways around the gate, tried with what real cosign makes.</summary>
public sealed class EvasionTests(CosignFixtures fixtures)
{
    private PublicKey Key => PublicKey.Parse(fixtures.Key.PublicKeyPem);

    public static TheoryData<CosignForm, Lie> Lies
    {
        get
        {
            var lies = new TheoryData<CosignForm, Lie>();
            foreach (var form in (CosignForm[])[CosignForm.Legacy, CosignForm.Referred, CosignForm.Bundled])
            {
                foreach (var lie in Enum.GetValues<Lie>())
                {
                    lies.Add(form, lie);
                }
            }

            return lies;
        }
    }

    [Theory, MemberData(nameof(Lies)), Trait("evasion", "45")]
    public async Task A_registry_that_shows_a_signed_image_at_one_get_and_another_at_the_next_gets_none_in(CosignForm form, Lie lie)
    {
        CosignFixtures.SkipWhereMissing();
        // CVE-2022-47633: one manifest was verified and another one was admitted.
        await using var lying = await LyingRegistry.StartAsync(fixtures[form], lie);
        using var client = SignedGate.Client();
        var gate = new SignedGate(SignedRepository.Any, Key);
        for (var admission = 0; admission < 3; admission++)
        {
            var decision = await gate.DecideAsync(lying.Unsigned.Reference, client);
            Assert.True(decision.Verdict is Verdict.Unknown or Verdict.Deny, string.Join('\n', decision.Notes));
            // A tag is what such a registry can move: no workload gets in by one.
            Assert.Equal(Verdict.Deny, (await gate.DecideAsync($"{lying.Unsigned.Repository}:v1", client)).Verdict);
        }

        Assert.True(lying.Told > 0);
        // What is really signed may run, whatever else the registry says of it.
        Assert.Equal(Verdict.Allow, (await gate.DecideAsync(lying.Signed.Reference, client)).Verdict);
    }

    [Theory, MemberData(nameof(Lies)), Trait("evasion", "45")]
    public async Task On_the_command_line_only_the_digest_that_was_verified_is_ever_named_as_allowed(CosignForm form, Lie lie)
    {
        CosignFixtures.SkipWhereMissing();
        await using var lying = await LyingRegistry.StartAsync(fixtures[form], lie);
        for (var run = 0; run < 3; run++)
        {
            var (exitCode, output) = await VerifyAsync(lying.Unsigned.Reference);
            Assert.True(exitCode is 1 or 2, output);
            (exitCode, output) = await VerifyAsync($"{lying.Unsigned.Repository}:v1");
            Assert.True(output.Contains(exitCode == 0 ? $"allow: {lying.Signed.Reference}" : lying.Unsigned.Digest.ToString(), StringComparison.Ordinal), output);
        }
    }

    [Fact, Trait("evasion", "44")]
    public async Task A_signature_on_the_index_covers_its_children_only_where_cosign_signed_them_too()
    {
        CosignFixtures.SkipWhereMissing();
        var (index, amd64, arm64) = await PushIndexAsync("index/signed");
        await fixtures.Cosign.SignAsync(fixtures.Key, index);
        await DecidesAsync((index, Verdict.Allow), (amd64, Verdict.Deny), (arm64, Verdict.Deny));

        (index, amd64, arm64) = await PushIndexAsync("index/recursive");
        (await fixtures.Cosign.RunAsync(["sign", "--key", fixtures.Key.PrivateKeyFile, "--tlog-upload=false", "--allow-http-registry", "--recursive", index])).Succeeded();
        await DecidesAsync((index, Verdict.Allow), (amd64, Verdict.Allow), (arm64, Verdict.Allow));
    }

    [Fact, Trait("evasion", "44")]
    public async Task A_signature_on_one_child_covers_neither_the_index_nor_the_other_child()
    {
        CosignFixtures.SkipWhereMissing();
        var (index, amd64, arm64) = await PushIndexAsync("index/child");
        await fixtures.Cosign.SignAsync(fixtures.Key, amd64);
        await DecidesAsync((index, Verdict.Deny), (amd64, Verdict.Allow), (arm64, Verdict.Deny));
    }

    [Fact, Trait("evasion", "46")]
    public async Task A_tag_that_moves_after_it_was_verified_takes_no_verdict_along()
    {
        CosignFixtures.SkipWhereMissing();
        var first = await fixtures.PushAsync("moving/tag");
        var tag = $"{first.Repository}:v1";
        await fixtures.Cosign.SignAsync(fixtures.Key, first.Reference);
        var (exitCode, output) = await VerifyAsync(tag);
        Assert.True(exitCode == 0 && output.Contains($"allow: {first.Reference}", StringComparison.Ordinal), output);

        var second = await fixtures.PushAsync("moving/tag");
        (exitCode, output) = await VerifyAsync(tag);
        Assert.True(exitCode == 1 && output.Contains($"deny: {second.Reference}", StringComparison.Ordinal), output);
        await DecidesAsync((first.Reference, Verdict.Allow), (second.Reference, Verdict.Deny), (tag, Verdict.Deny), ($"{tag}@{second.Digest}", Verdict.Deny));
    }

    [Fact, Trait("evasion", "48")]
    public async Task A_referrer_that_calls_itself_an_attestation_and_is_not_signed_by_the_key_proves_nothing()
    {
        CosignFixtures.SkipWhereMissing();
        var byStranger = await fixtures.PushAsync("referrer/stranger");
        await fixtures.Cosign.AttestAsync(fixtures.StrangersKey, byStranger.Reference, CosignFixtures.SignPredicate, "{}", AttestationForm.Bundle);
        await fixtures.Cosign.SignAsync(fixtures.StrangersKey, byStranger.Reference, SignatureForm.Referrer);

        var byNobody = await fixtures.PushAsync("referrer/nobody");
        using var client = SignedGate.Client();
        var statement = Encoding.UTF8.GetBytes($$"""{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"{{byNobody.Digest.Hex}}"} }],"predicateType":"{{CosignFixtures.SignPredicate}}","predicate":{} }""");
        foreach (var mediaType in (string[])[MediaTypes.InTotoPayload, MediaTypes.DsseEnvelope, MediaTypes.Bundle, MediaTypes.SimpleSigning])
        {
            var attached = await client.AttachReferrerAsync(byNobody.Repository, byNobody.Digest, MediaTypes.InTotoPayload, new EvidenceLayer(mediaType, statement, new Dictionary<string, string>()), CancellationToken.None);
            Assert.IsType<Reading<Digest>.Found>(attached);
        }

        await DecidesAsync((byStranger.Reference, Verdict.Deny), (byNobody.Reference, Verdict.Deny));
    }

    private async Task DecidesAsync(params (string Image, Verdict Expected)[] table)
    {
        using var client = SignedGate.Client();
        var gate = new SignedGate(SignedRepository.Same, Key);
        foreach (var (image, expected) in table)
        {
            Assert.Equal((image, expected), (image, (await gate.DecideAsync(image, client)).Verdict));
        }
    }

    private async Task<(string Index, string Amd64, string Arm64)> PushIndexAsync(string path)
    {
        var repository = new Repository(fixtures.Registry, path);
        var (index, amd64, arm64) = await TestImage.PushIndexAsync(repository);
        return ($"{repository}@{index}", $"{repository}@{amd64}", $"{repository}@{arm64}");
    }

    private async Task<(int ExitCode, string Output)> VerifyAsync(string image)
    {
        using var text = new StringWriter();
        var exitCode = await GatesCommand.RunAsync(["verify", image, "--key", fixtures.Key.PublicKeyFile, "--repository", "any"], new Terminal(Stream.Null, text, text));
        return (exitCode, text.ToString());
    }
}
