using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Admission;

/// <summary>What a certificate says of the workflow that signed; by default the one that the policy names.</summary>
public sealed record Certified
{
    public string Subject { get; init; } = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1";

    public string Issuer { get; init; } = ThrowAwaySigstore.Issuer;

    public string? RepositoryId { get; init; } = "123";

    public string? OwnerId { get; init; } = "45";

    public string? Runner { get; init; } = "github-hosted";

    public string? Repository { get; init; } = "https://github.com/example/app";

    public string? Ref { get; init; } = "refs/tags/v1";

    public string? Commit { get; init; } = KeylessWorld.Commit;

    public X509Extension[] Extensions => Subject.Contains("://", StringComparison.Ordinal)
        ? [.. ThrowAwaySigstore.SignerExtensions(Subject, Issuer).Where(extension => extension.Oid!.Value is not ("1.3.6.1.4.1.57264.1.11" or "1.3.6.1.4.1.57264.1.15")), .. Of(11, Runner), .. Of(12, Repository), .. Of(13, Commit), .. Of(14, Ref), .. Of(15, RepositoryId), .. Of(17, OwnerId)]
        : [.. ThrowAwaySigstore.SignerExtensions(Subject, Issuer).Where(extension => extension.Oid!.Value is not ("1.3.6.1.4.1.57264.1.11" or "1.3.6.1.4.1.57264.1.15"))];

    private static X509Extension[] Of(int number, string? value) => value is null ? [] : [TestAuthority.Fulcio(number, value)];
}

/// <summary>A policy whose people and robots sign without keys, by the word of a Sigstore instance in the test's process, and what they sign.</summary>
internal static class KeylessWorld
{
    public const string Commit = "0123456789012345678901234567890123456789";
    public const string Accounts = "https://accounts.example.com";

    /// <summary>The beginning of a policy, whose people are ann and ben so far.</summary>
    public const string AnnAndBen = $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: shop, version: 1 }
        spec:
          environments:
            production: { clusters: [3f0c7a52-0000-4000-8000-00000000000a], namespaces: ["*"] }
          people:
            ann: { id: p-1, oidc: [{ issuer: {{Accounts}}, subject: ann@example.com }] }
            ben: { id: p-2, oidc: [{ issuer: {{Accounts}}, subject: ben@example.com }] }

        """;

    private const string Rules = """
          artifacts:
            images:
              - match: [registry.example.com/shop/**]
                require: { signed: { by: [flow] } }

        """;

    public static ThrowAwaySigstore Instance => ThrowAwaySigstore.Shared;

    /// <summary>The image that is signed.</summary>
    public static Digest Image => TestPolicy.SignedDigest;

    public static byte[] Root { get; } = Bytes(Instance.RootJson());

    /// <summary>The same instance without its logs, as GitHub's is.</summary>
    public static byte[] RootWithoutLogs { get; } = RootWithout("tlogs", "ctlogs");

    public static Policy Standard { get; } = With(Rules);

    public static byte[] RootWithout(params string[] parts)
    {
        var root = Instance.RootJson();
        foreach (var part in parts)
        {
            root.Remove(part);
        }

        return Bytes(root);
    }

    public static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    public static string Yaml(string rules, byte[]? root = null, string logs = "inclusion", string trust = "") => AnnAndBen + $$"""
            cem: { id: p-3, until: 2026-06-20, oidc: [{ issuer: {{Accounts}}, subject: cem@example.com }] }
            dan: { id: p-4, oidc: [{ issuer: {{Accounts}}, subject: dan@example.com }] }
          roles:
            operator: { people: [ann, ben, cem, dan] }
          robots:
            flow:
              oidc: [{ issuer: {{ThrowAwaySigstore.Issuer}}, subject: "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*", repositoryId: 123, ownerId: 45, runner: github-hosted }]
              why: tags of this form are protected
            other: { oidc: [{ issuer: {{ThrowAwaySigstore.Issuer}}, subject: https://github.com/example/app/.github/workflows/test.yml@refs/heads/main, repositoryId: 123 }] }
            keyed: { keys: [keyed] }
            control: { oidc: [{ issuer: {{ThrowAwaySigstore.Issuer}}, subject: https://github.com/example/gates-control/.github/workflows/review.yml@refs/heads/main, repositoryId: 124 }] }
          trust:
            keys:
              keyed: { spki: "sha256:{{Convert.ToHexStringLower(TestPolicy.Builder.PublicKey.SpkiSha256.Span)}}", file: keyed.pub }
            roots: { sigstore: { file: root.json, sha256: "{{Digest.Of(root ?? Root)}}", logs: {{logs}} } }
        {{trust}}  approvals:
            deploy: { require: [{ role: operator, count: 2 }], useBy: 7d, runUntil: 26w }

        """ + rules;

    /// <summary>The parties of the test with these rules and this root.</summary>
    public static Policy With(string rules, byte[]? root = null, string logs = "inclusion", string trust = "") =>
        PolicyReader.Read(Encoding.UTF8.GetBytes(Yaml(rules, root, logs, trust)), name => File(name, root)) switch
        {
            PolicyReading.Accepted accepted => accepted.Policy,
            PolicyReading.Refused(var mistakes) => throw new InvalidOperationException(string.Join('\n', mistakes)),
            _ => throw new InvalidOperationException("unread"),
        };

    public static Policy StandardWith(byte[] root, string logs = "inclusion") => With(Rules, root, logs);

    public static ReadOnlyMemory<byte>? File(string name, byte[]? root = null) => name switch
    {
        "root.json" => root ?? Root,
        "keyed.pub" => Encoding.ASCII.GetBytes(TestPolicy.Builder.PublicKey.ToPem()),
        _ => null,
    };

    public static byte[] Statement(string predicateType, string predicate = "{}", Digest? digest = null) =>
        InTotoStatement.Write([Gates.Sigstore.Subject.OfSha256("registry.example.com/shop/api", Convert.FromHexString((digest ?? Image).Hex))], predicateType, Encoding.UTF8.GetBytes(predicate));

    /// <summary>A bundle with a certificate, as its JSON for a test to spoil.</summary>
    public static JsonObject Sign(Certified certified, byte[]? payload = null, Signing? how = null) =>
        Instance.Sign((how ?? new()) with { Extensions = certified.Extensions, Payload = payload ?? Statement(PredicateTypes.CosignSign) });

    public static SignedEntity.Bundle Bundle(Certified? certified = null, byte[]? payload = null, Signing? how = null) => ThrowAwaySigstore.Entity(Sign(certified ?? new(), payload, how));

    /// <summary>An image signed as cosign does before its bundles.</summary>
    public static SignedEntity.CosignSignature Layer(Certified? certified = null) =>
        Instance.SignImage(SimpleSigning.Payload("registry.example.com/shop/api", Image.ToString()), (certified ?? new()).Extensions);

    public static Decision Decide(Policy policy, params SignedEntity[] entities) => Decide(policy, TestPolicy.Verify(Image, policy, entities));

    public static Decision Decide(Policy policy, Claims claims) =>
        ImageGate.Decide(Assert.IsType<ImageRuling.NeedsEvidence>(ImageGate.Rule(TestPolicy.Good, new("shop", null), policy)), claims, policy, new Circumstances(TestPolicy.Now)).Decision;

    public static void AssertAllowed(Decision decision) => Assert.True(decision.Verdict == Verdict.Allow, string.Join('\n', decision.Reasons));

    /// <summary>Denied for a reason that says this, on one line and with a remedy.</summary>
    public static Reason AssertDenied(Decision decision, string message)
    {
        Assert.Equal(Verdict.Deny, decision.Verdict);
        Assert.All(decision.Reasons, reason => Assert.True(reason.Remedy is not null && !reason.ToString().Contains('\n', StringComparison.Ordinal)));
        return decision.Reasons.FirstOrDefault(reason => reason.Message.Contains(message, StringComparison.Ordinal)) ?? throw new Xunit.Sdk.XunitException($"no reason says '{message}':\n{string.Join('\n', decision.Reasons)}");
    }
}
