using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>Every form that real cosign leaves in a real registry verifies, and with any one thing wrong is refused for that one thing.</summary>
public sealed class CosignFormsTests(CosignFixtures fixtures)
{
    private static readonly CosignForm[] Simple = [CosignForm.Legacy, CosignForm.Annotated, CosignForm.TwoSigners, CosignForm.Referred];
    private static readonly CosignForm[] Signatures = [.. Simple, CosignForm.Bundled];
    private static readonly CosignForm[] Json = [CosignForm.Attested, CosignForm.Bundled];
    private static readonly CosignForm[] All = [.. Simple, .. Json];

    private static readonly (Defect Defect, CosignForm[] Forms, RejectionCode Code)[] Table =
    [
        (Defect.PayloadByte, All, RejectionCode.SignatureMismatch),
        (Defect.SignatureByte, All, RejectionCode.SignatureMismatch),
        (Defect.SignatureAlphabet, All, RejectionCode.MalformedBase64),
        (Defect.NoSignature, Simple, RejectionCode.NoSignature),
        (Defect.FirstByte, Json, RejectionCode.MalformedJson),
        (Defect.PayloadTypeByte, Json, RejectionCode.UnsupportedPayloadType),
        (Defect.MediaTypeByte, [CosignForm.Bundled], RejectionCode.UnsupportedMediaType),
        (Defect.WrongKey, [.. Simple, CosignForm.Attested], RejectionCode.SignatureMismatch),
        // A bundle says which key made it, so that a user can be told that it is another one.
        (Defect.WrongKey, [CosignForm.Bundled], RejectionCode.UnknownKey),
        (Defect.WrongDigest, All, RejectionCode.SubjectMismatch),
        (Defect.WrongPredicateType, All, RejectionCode.PredicateTypeMismatch),
    ];

    private PublicKey[] Keys => [PublicKey.Parse(fixtures.Key.PublicKeyPem), PublicKey.Parse(fixtures.OtherKey.PublicKeyPem)];

    public static TheoryData<CosignForm> Forms => [.. All];

    public static TheoryData<CosignForm> SignatureForms => [.. Signatures];

    public static TheoryData<CosignForm, Defect, RejectionCode> Defective
    {
        get
        {
            var rows = new TheoryData<CosignForm, Defect, RejectionCode>();
            foreach (var (defect, forms, code) in Table)
            {
                foreach (var form in forms)
                {
                    rows.Add(form, defect, code);
                }
            }

            return rows;
        }
    }

    [Theory, MemberData(nameof(Defective))]
    public async Task What_cosign_made_is_refused_for_the_one_thing_that_is_wrong(CosignForm form, Defect defect, RejectionCode code)
    {
        CosignFixtures.SkipWhereMissing();
        var image = fixtures[form];
        var asked = defect == Defect.WrongDigest ? fixtures.Unsigned : image;
        var keys = defect == Defect.WrongKey ? [PublicKey.Parse(fixtures.StrangersKey.PublicKeyPem)] : Keys;
        var policy = PolicyFor(asked.Digest, keys) with { PredicateType = defect == Defect.WrongPredicateType ? "https://example.test/not-this/v1" : null };
        var found = await image.EvidenceAsync();
        ImmutableArray<EvidenceItem> items = [.. found.Items.Select(item => item with { Entity = defect.In(item.Entity) })];
        Assert.NotEmpty(items);
        Assert.All(items, item => Assert.Equal(code, Assert.IsType<Rejected>(SigstoreVerifier.Verify(item.Entity, policy)).Code));

        // The gate asks for a signature, not for a predicate type: its own test is below.
        if (defect != Defect.WrongPredicateType)
        {
            var claims = Claims.Verify(asked.Digest, new(items, []), TrustedSigners.OfKeys(keys));
            Assert.Empty(claims.Proven);
            var decision = new SignedGate(SignedRepository.Any, keys).Decide(asked, claims);
            Assert.Equal(Verdict.Deny, decision.Verdict);
            Assert.All(decision.Reasons, reason => Assert.Contains($"({code})", reason.Message, StringComparison.Ordinal));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public async Task What_cosign_made_for_another_image_and_somebody_attached_to_this_one_is_refused(CosignForm form)
    {
        CosignFixtures.SkipWhereMissing();
        var image = await fixtures.PushAsync($"moved/{form.ToString().ToLowerInvariant()}");
        using var client = SignedGate.Client();
        foreach (var item in (await fixtures[form].EvidenceAsync()).Items)
        {
            Assert.IsType<Reading<Digest>.Found>(await AttachAsync(client, image, item.Entity, form));
        }

        var evidence = await image.EvidenceAsync();
        Assert.NotEmpty(evidence.Items);
        Assert.All(Claims.Verify(image.Digest, evidence, TrustedSigners.OfKeys(Keys)).Refused, refused => Assert.Equal(RejectionCode.SubjectMismatch, refused.Code));
        Assert.Equal(Verdict.Deny, (await new SignedGate(SignedRepository.Any, Keys).DecideAsync(image.Reference, client)).Verdict);
    }

    [Theory, MemberData(nameof(Forms))]
    public async Task What_cosign_made_verifies_and_says_who_signed(CosignForm form)
    {
        CosignFixtures.SkipWhereMissing();
        var image = fixtures[form];
        var claims = Claims.Verify(image.Digest, await image.EvidenceAsync(), TrustedSigners.OfKeys(Keys));
        Assert.Empty(claims.Refused);
        var signers = claims.Proven.SelectMany(claim => claim.Signers).OfType<Identity.Key>().Select(signer => signer.Spki).Distinct();
        var expected = Keys.Take(form == CosignForm.TwoSigners ? 2 : 1).Select(key => Digest.FromHash(key.SpkiSha256.Span));
        Assert.Equal(expected.ToHashSet(), signers.ToHashSet());
        var types = form switch
        {
            CosignForm.Attested => CosignFixtures.AttestedTypes.Values,
            CosignForm.Bundled => CosignFixtures.BundledTypes.Values,
            CosignForm.TwoSigners => [null, null],
            _ => (IEnumerable<string?>)[null],
        };
        Assert.Equal(types.Order(), claims.Proven.Select(claim => claim.PredicateType).Order());
    }

    [Theory, MemberData(nameof(SignatureForms))]
    public async Task The_gate_allows_what_cosign_signed(CosignForm form)
    {
        CosignFixtures.SkipWhereMissing();
        using var client = SignedGate.Client();
        var decision = await new SignedGate(SignedRepository.Same, Keys[0]).DecideAsync(fixtures[form].Reference, client);
        Assert.True(decision.Verdict == Verdict.Allow, string.Join('\n', decision.Reasons));
    }

    [Fact]
    public async Task The_gate_takes_no_attestation_of_another_type_for_a_signature()
    {
        CosignFixtures.SkipWhereMissing();
        // CVE-2022-35929 and CVE-2022-35930: any valid attestation satisfied a requirement for another one.
        using var client = SignedGate.Client();
        Assert.Equal(Verdict.Deny, (await new SignedGate(SignedRepository.Any, Keys).DecideAsync(fixtures.Attested.Reference, client)).Verdict);
    }

    [Fact]
    public async Task The_annotations_that_cosign_signed_are_read()
    {
        CosignFixtures.SkipWhereMissing();
        var item = Assert.Single((await fixtures.Annotated.EvidenceAsync()).Items);
        var verified = Assert.IsType<Verified>(SigstoreVerifier.Verify(item.Entity, PolicyFor(fixtures.Annotated.Digest, Keys)));
        var annotations = Assert.IsType<SignedContent.ImageSignature>(verified.Content).Annotations;
        Assert.Equal(new Dictionary<string, string> { ["team"] = "ml", ["approved"] = "yes" }, annotations);
    }

    [Theory, InlineData(CosignForm.Attested), InlineData(CosignForm.Bundled)]
    public async Task Each_predicate_type_selects_its_own_statement_alone(CosignForm form)
    {
        CosignFixtures.SkipWhereMissing();
        var image = fixtures[form];
        var items = (await image.EvidenceAsync()).Items;
        foreach (var type in (form == CosignForm.Attested ? CosignFixtures.AttestedTypes : CosignFixtures.BundledTypes).Values)
        {
            var outcomes = items.Select(item => SigstoreVerifier.Verify(item.Entity, PolicyFor(image.Digest, Keys) with { PredicateType = type })).ToArray();
            var statement = Assert.IsType<SignedContent.Statement>(Assert.Single(outcomes.OfType<Verified>()).Content);
            Assert.Equal(type, statement.PredicateType);
            using var predicate = JsonDocument.Parse(statement.Predicate);
            Assert.Equal(JsonValueKind.Object, predicate.RootElement.ValueKind);
            Assert.All(outcomes.OfType<Rejected>(), rejected => Assert.Equal(RejectionCode.PredicateTypeMismatch, rejected.Code));
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public async Task No_byte_can_be_changed_so_that_anything_else_verifies(CosignForm form)
    {
        CosignFixtures.SkipWhereMissing();
        var image = fixtures[form];
        var policy = PolicyFor(image.Digest, Keys);
        foreach (var item in (await image.EvidenceAsync()).Items)
        {
            var meant = Assert.IsType<Verified>(SigstoreVerifier.Verify(item.Entity, policy));
            foreach (var (changed, isSigned) in Changed(item.Entity))
            {
                switch (SigstoreVerifier.Verify(changed, policy))
                {
                    // An envelope and a bundle have bytes that nobody signed, such as the key's hint: they may change, and nothing with them.
                    case Verified verified when !isSigned:
                        Assert.Equal(meant.Signers, verified.Signers);
                        Assert.Equal(Payload(meant.Content), Payload(verified.Content));
                        break;
                    case var outcome:
                        Assert.IsType<Rejected>(outcome);
                        break;
                }
            }
        }
    }

    private static IEnumerable<(SignedEntity Entity, bool IsSigned)> Changed(SignedEntity entity)
    {
        switch (entity)
        {
            case SignedEntity.CosignSignature signature:
                foreach (var payload in Changed(signature.Payload))
                {
                    yield return (signature with { Payload = payload }, true);
                }

                foreach (var text in Changed(Encoding.ASCII.GetBytes(signature.Signature!)))
                {
                    yield return (signature with { Signature = Encoding.Latin1.GetString(text) }, true);
                }

                break;
            case SignedEntity.Envelope envelope:
                foreach (var json in Changed(envelope.Json))
                {
                    yield return (new SignedEntity.Envelope(json), false);
                }

                break;
            case SignedEntity.Bundle bundle:
                foreach (var json in Changed(bundle.Json))
                {
                    yield return (new SignedEntity.Bundle(json), false);
                }

                break;
        }
    }

    private static IEnumerable<byte[]> Changed(ReadOnlyMemory<byte> bytes) =>
        Enumerable.Range(0, bytes.Length).SelectMany(at => (byte[][])[Defects.Flipped(bytes, at), Defects.Flipped(bytes, at, 0x20), Defects.Flipped(bytes, at, 0x80)]);

    private static byte[] Payload(SignedContent content) => content switch
    {
        SignedContent.ImageSignature signature => signature.Payload.ToArray(),
        SignedContent.Statement statement => statement.Payload.ToArray(),
        _ => [],
    };

    private static Task<Reading<Digest>> AttachAsync(OciRegistry client, SignedImage image, SignedEntity entity, CosignForm form)
    {
        var layer = entity switch
        {
            SignedEntity.CosignSignature signature => new EvidenceLayer(MediaTypes.SimpleSigning, signature.Payload, new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = signature.Signature! }),
            SignedEntity.Envelope envelope => new EvidenceLayer(MediaTypes.DsseEnvelope, envelope.Json, new Dictionary<string, string>()),
            SignedEntity.Bundle bundle => new EvidenceLayer(MediaTypes.Bundle, bundle.Json, new Dictionary<string, string>()),
            _ => throw new ArgumentException($"no layer holds a {entity.GetType().Name}", nameof(entity)),
        };
        return form == CosignForm.Bundled
            ? client.AttachReferrerAsync(image.Repository, image.Digest, layer.MediaType, layer, CancellationToken.None)
            : client.AttachToTagAsync(image.Repository, image.Digest, form == CosignForm.Attested ? CosignTag.Attestations : CosignTag.Signatures, layer, CancellationToken.None);
    }

    private static VerificationPolicy PolicyFor(Digest digest, IReadOnlyCollection<PublicKey> keys) => VerificationPolicy.For(Convert.FromHexString(digest.Hex), keys);
}
