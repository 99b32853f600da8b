using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Tests.Admission;

/// <summary>A policy with throw-away keys, the images that it speaks about, and what hangs on them.</summary>
internal static class TestPolicy
{
    public static readonly DateTimeOffset Now = new(2026, 6, 15, 12, 0, 0, TimeSpan.Zero);

    public static readonly Digest SignedDigest = Digest.Of("a signed image"u8);
    public static readonly Digest UnsignedDigest = Digest.Of("an unsigned image"u8);

    /// <summary>An image that the builder signed.</summary>
    public static readonly string Good = $"registry.example.com/shop/api@{SignedDigest}";

    /// <summary>An image of the same repository that nobody signed.</summary>
    public static readonly string Bad = $"registry.example.com/shop/api@{UnsignedDigest}";

    /// <summary>An unsigned image under a rule in warn mode.</summary>
    public static readonly string Watched = $"registry.example.com/watched/api@{UnsignedDigest}";

    public static Signer Builder { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    public static Signer OtherRobot { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    public static Signer Ann { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    private static readonly Dictionary<string, Signer> Signers = new() { ["builder"] = Builder, ["other"] = OtherRobot, ["ann"] = Ann };

    private const string Head = """
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: shop, version: 1 }
        spec:
          environments:
            production: { clusters: [3f0c7a52-0000-4000-8000-00000000000a], namespaces: ["*"] }
          people:
            ann: { id: p-1, keys: [ann-key] }
          robots:
            builder: { keys: [builder-key] }
            other: { keys: [other-key] }
          trust:
            keys:
              builder-key: { spki: "SPKI-builder", file: builder.pub, validUntil: 2026-12-31 }
              other-key: { spki: "SPKI-other", file: other.pub }
              ann-key: { spki: "SPKI-ann", file: ann.pub }

        """;

    private const string Rules = """
          artifacts:
            images:
              - match: [registry.example.com/shop/**]
                require: { signed: { by: [builder] } }
              - match: [registry.example.com/watched/**]
                mode: warn
                require: { signed: { by: [builder] } }
              - match: [docker.io/library/nginx]
                verdict: allow
                why: the one image that needs no evidence here
              - match: [docker.io/library/sha256, docker.io/localhost/**]
                verdict: allow
                why: names that some clients read as something else
              - match: ["**"]
                verdict: deny
                why: not a registry of ours
          admission:
            namespaces: { audit: [kube-system], own: gates }
            customResources:
              - { resource: rollouts.argoproj.io, images: [/spec/template/spec/containers/*/image] }
              - { resource: maps.example.com, images: [/spec/containers/*/image, /spec/templates/*/image] }

        """;

    public static Policy Standard { get; } = With(Rules);

    /// <summary>The keys and parties of the test with these rules.</summary>
    public static Policy With(string rules)
    {
        var yaml = Signers.Aggregate(Head + rules, (text, signer) => text.Replace($"SPKI-{signer.Key}", $"sha256:{Convert.ToHexStringLower(signer.Value.PublicKey.SpkiSha256.Span)}", StringComparison.Ordinal));
        var reading = PolicyReader.Read(Encoding.UTF8.GetBytes(yaml), file => Encoding.ASCII.GetBytes(Signers[file[..^4]].PublicKey.ToPem()));
        return reading is PolicyReading.Accepted accepted ? accepted.Policy : throw new InvalidOperationException(reading is PolicyReading.Refused refused ? string.Join('\n', refused.Mistakes) : "unread");
    }

    /// <summary>Only these image rules, with the other settings left out.</summary>
    public static Policy WithImages(string images, string admission = "") => With("  artifacts:\n    images:\n" + images + (admission.Length == 0 ? "" : "  admission:\n" + admission));

    /// <summary>What a registry that holds the builder's signature of <see cref="Good"/> and nothing else comes down to.</summary>
    public static Claims Known(Subject subject, Policy policy) =>
        Verify(subject.Digest, policy, subject.Digest == SignedDigest ? [SignatureOf(Good, Builder)] : []);

    public static Claims Verify(Digest subject, Policy policy, params SignedEntity[] entities) =>
        Claims.Verify(subject, new([.. entities.Select((entity, i) => Item(entity, $"layer {i + 1}"))], []), new TrustedSigners(policy));

    /// <summary>Evidence under the digest of its bytes, as a registry has it.</summary>
    public static EvidenceItem Item(SignedEntity entity, string where) => new EvidenceItem(entity, SignedDigest, where) is var item ? item with { Digest = Digest.Of(item.Bytes.Span) } : throw new InvalidOperationException();

    /// <summary>cosign's signature over a digest, in the name of the repository of a reference.</summary>
    public static SignedEntity.CosignSignature SignatureOf(string image, Signer signer)
    {
        var reference = ImageReference.Parse(image);
        return Wait(SimpleSigning.SignAsync(SimpleSigning.Payload(reference.Repository.ToString(), reference.Digest!.ToString()), signer, CancellationToken.None));
    }

    public static SignedEntity.Bundle BundleOf(Digest digest, string predicateType, Signer signer, string? name = null) =>
        Wait(SigstoreBundle.SignStatementAsync(InTotoStatement.Write([Governance.Gates.Sigstore.Subject.OfSha256(name, Convert.FromHexString(digest.Hex))], predicateType, "{}"u8), signer, CancellationToken.None));

    public static T Wait<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();
}
