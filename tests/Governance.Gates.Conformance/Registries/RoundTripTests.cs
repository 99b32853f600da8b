using Governance.Gates.Conformance.Evidence;
using Governance.Gates.Evidence;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;
using Microsoft.AspNetCore.Http;

namespace Governance.Gates.Conformance.Registries;

/// <summary>How often the client waits for the registry before it has everything that cosign left there.</summary>
/// <remarks>Nothing is timed: the registry answers none of a wave's requests until all of them have come, so that a request which
/// waits for the answer to another can only be in a later wave.</remarks>
public sealed class RoundTripTests(CosignFixtures fixtures)
{
    // Both tags, the referrers API and the fallback tag.
    private const int Places = 4;

    /// <summary>Requests of each wave; the third is only there where a referrer's manifest has to name its layer first.</summary>
    public static TheoryData<CosignForm, int[]> Waves => new()
    {
        { CosignForm.Legacy, [Places, 1] },
        { CosignForm.Annotated, [Places, 1] },
        // Two signatures over one payload, which is fetched once.
        { CosignForm.TwoSigners, [Places, 1] },
        { CosignForm.Attested, [Places, CosignFixtures.AttestedTypes.Count] },
        { CosignForm.Referred, [Places, 1, 1] },
        { CosignForm.Bundled, [Places, CosignFixtures.BundledTypes.Count, CosignFixtures.BundledTypes.Count] },
    };

    [Theory, MemberData(nameof(Waves))]
    public async Task Evidence_of_each_form_takes_three_round_trips_at_most(CosignForm form, int[] waves)
    {
        CosignFixtures.SkipWhereMissing();
        await ReadsAllInAsync(fixtures[form], waves);
    }

    [Fact]
    public async Task Evidence_of_all_forms_on_one_image_takes_no_more()
    {
        CosignFixtures.SkipWhereMissing();
        var image = await fixtures.PushAsync("fix/everything");
        await fixtures.Cosign.SignAsync(fixtures.Key, image.Reference);
        await fixtures.Cosign.AttestAsync(fixtures.Key, image.Reference, "custom", "{}");
        await fixtures.Cosign.SignAsync(fixtures.Key, image.Reference, SignatureForm.Referrer);
        await fixtures.Cosign.AttestAsync(fixtures.Key, image.Reference, "custom", "{}", AttestationForm.Bundle);
        // A layer of each tag beside both referrers' manifests, then the referrers' layers; the payload of both signatures is one blob.
        await ReadsAllInAsync(image, [Places, 4, 1]);
    }

    private static async Task ReadsAllInAsync(SignedImage image, int[] waves)
    {
        var expected = await image.EvidenceAsync();
        await using var registry = await LoopbackRegistry.StartAsync();
        await Mirror.CopyAsync(image.Repository, registry);
        foreach (var referrersApi in (bool[])[true, false])
        {
            var gate = new WaveGate(waves);
            registry.ReferrersApi = referrersApi;
            registry.Override = gate.HoldAsync;
            using var client = SignedGate.Client();
            var found = await client.FindEvidenceAsync(registry.Repository(image.Repository.Path), image.Digest, CancellationToken.None);
            var evidence = Assert.IsType<Reading<AttachedEvidence>.Found>(found).Value;
            Assert.Empty(evidence.Unread);
            Assert.Equal(DigestsOf(expected), DigestsOf(evidence));
            Assert.Equal(waves.Sum(), gate.Arrived);
        }
    }

    private static IEnumerable<string> DigestsOf(AttachedEvidence evidence) => evidence.Items.Select(item => item.Digest.ToString()).Order(StringComparer.Ordinal);

    private sealed class WaveGate(int[] waves)
    {
        private readonly Lock counting = new();
        private readonly TaskCompletionSource[] complete = [.. waves.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private int wave;
        private int inWave;

        public int Arrived { get; private set; }

        public async Task<bool> HoldAsync(HttpContext context)
        {
            Task open;
            lock (counting)
            {
                Arrived++;
                if (wave == waves.Length)
                {
                    // More than was announced, which the count tells; whoever asks is not held.
                    return false;
                }

                open = complete[wave].Task;
                if (++inWave == waves[wave])
                {
                    complete[wave].SetResult();
                    (wave, inWave) = (wave + 1, 0);
                }
            }

            await open.WaitAsync(context.RequestAborted);
            return false;
        }
    }
}
