using System.Security.Cryptography;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>The other kind of key that cosign 2.5 takes over; its import refuses RSA and the larger curves.</summary>
public sealed class CosignKeysTests(CosignFixtures fixtures)
{
    [Fact]
    public async Task What_cosign_signs_with_an_ed25519_key_verifies_in_every_form()
    {
        CosignFixtures.SkipWhereMissing();
        // RFC 8410, section 7: the seed in its PKCS#8 wrapping; the platform makes no such key.
        byte[] der = [.. Convert.FromHexString("302e020100300506032b657004220420"), .. RandomNumberGenerator.GetBytes(32)];
        var key = await fixtures.Cosign.ImportKeyPairAsync("ed25519", PemEncoding.WriteString("PRIVATE KEY", der));
        var publicKey = PublicKey.Parse(key.PublicKeyPem);
        Assert.Equal(KeyAlgorithm.Ed25519, publicKey.Algorithm);
        var images = await Task.WhenAll(Enumerable.Range(1, 4).Select(number => fixtures.PushAsync($"ed25519/{number}")));
        await fixtures.Cosign.SignAsync(key, images[0].Reference);
        await fixtures.Cosign.SignAsync(key, images[1].Reference, SignatureForm.Referrer);
        await fixtures.Cosign.AttestAsync(key, images[2].Reference, CosignFixtures.SignPredicate, "{}");
        await fixtures.Cosign.AttestAsync(key, images[3].Reference, CosignFixtures.SignPredicate, "{}", AttestationForm.Bundle);
        using var client = SignedGate.Client();
        foreach (var image in images)
        {
            var decision = await new SignedGate(SignedRepository.Same, publicKey).DecideAsync(image.Reference, client);
            Assert.True(decision.Verdict == Verdict.Allow, $"{image.Reference}: {string.Join('\n', decision.Reasons)}");
        }
    }
}
