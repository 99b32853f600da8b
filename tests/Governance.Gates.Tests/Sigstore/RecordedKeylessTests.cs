using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>What real cosign and sigstore-js signed without a key (testdata/keyless).</summary>
public sealed class RecordedKeylessTests
{
    private static readonly string Folder = Path.Combine(ProjectTree.Root, "tests", "Governance.Gates.Tests", "Sigstore", "testdata", "keyless");
    private static readonly CertificateIdentity Signer = CertificateIdentity.Exactly("https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com");
    private static readonly byte[] Artifact = File.ReadAllBytes(Path.Combine(Folder, "artifact"));

    public static TheoryData<string> Bundles => [.. Directory.GetFiles(Folder, "*.sigstore.json").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Bundles))]
    public void A_bundle_is_verified_for_its_signer_and_its_artifact_alone(string file)
    {
        var bundle = new SignedEntity.Bundle(File.ReadAllBytes(Path.Combine(Folder, file)));
        foreach (var policy in (VerificationPolicy[])[VerificationPolicy.ForArtifact(Artifact, []), VerificationPolicy.For(SHA256.HashData(Artifact), [])])
        {
            var verified = Signed.AssertVerified(SigstoreVerifier.Verify(bundle, policy with { Keyless = KeylessSigners.Of(Root(), Signer) }));
            Assert.Equal("https://token.actions.githubusercontent.com", verified.Certificate!.Issuer);
            Signed.AssertRejected(RejectionCode.IdentityMismatch, SigstoreVerifier.Verify(bundle, policy with { Keyless = KeylessSigners.Of(Root(), CertificateIdentity.Exactly("https://github.com/fork", "https://token.actions.githubusercontent.com")) }));
            Signed.AssertRejected(RejectionCode.UnknownLog, SigstoreVerifier.Verify(bundle, policy with { Keyless = KeylessSigners.Of(Root("tlogs"), Signer) }));
        }

        Signed.AssertRejected(RejectionCode.SubjectMismatch, SigstoreVerifier.Verify(bundle, VerificationPolicy.For(new byte[32], []) with { Keyless = KeylessSigners.Of(Root(), Signer) }));
    }

    [Theory]
    [InlineData("sig")]
    [InlineData("att")]
    public void An_images_layer_is_verified_by_its_annotations(string tag)
    {
        var layer = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Folder, $"image.{tag}.manifest.json")))!["layers"]![0]!["annotations"]!;
        var payload = File.ReadAllBytes(Path.Combine(Folder, $"image.{tag}.payload"));
        var annotations = new CosignAnnotations((string?)layer["dev.sigstore.cosign/certificate"], (string?)layer["dev.sigstore.cosign/bundle"], null);
        SignedEntity entity = tag == "sig"
            ? new SignedEntity.CosignSignature(payload, (string?)layer["dev.cosignproject.cosign/signature"]) { Annotations = annotations }
            : new SignedEntity.Envelope(payload) { Annotations = annotations };
        var policy = VerificationPolicy.For(Convert.FromHexString("2a0368e76ea8d1af467db1e82605257a1a560a22e030bff17cab784ee98cac79"), []) with
        {
            Keyless = KeylessSigners.Of(new EvidenceRequirement(Root()) { Proof = LogProof.Promise }, [Signer]),
        };
        var verified = Signed.AssertVerified(SigstoreVerifier.Verify(entity, policy));
        Assert.True(tag == "sig" ? verified.Content is SignedContent.ImageSignature : verified.Content is SignedContent.Statement { PredicateType: PredicateTypes.SlsaProvenance });
        Signed.AssertRejected(RejectionCode.InclusionProofMissing, SigstoreVerifier.Verify(entity, policy with { Keyless = KeylessSigners.Of(Root(), Signer) }));
    }

    [Fact]
    public void One_policy_serves_many_verifications_at_once()
    {
        var bundles = Bundles.Select(row => new SignedEntity.Bundle(File.ReadAllBytes(Path.Combine(Folder, row.Data)))).ToArray();
        var policy = VerificationPolicy.For(SHA256.HashData(Artifact), []) with { Keyless = KeylessSigners.Of(Root(), Signer) };
        var outcomes = Enumerable.Range(0, 20 * bundles.Length).AsParallel().WithDegreeOfParallelism(8).Select(place => SigstoreVerifier.Verify(bundles[place % bundles.Length], policy)).ToArray();
        Assert.All(outcomes, outcome => Signed.AssertVerified(outcome));
    }

    private static TrustedRoot Root(string? without = null)
    {
        var json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Folder, "trusted_root.json")))!.AsObject();
        if (without is not null)
        {
            json.Remove(without);
        }

        return TrustedRoot.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }
}
