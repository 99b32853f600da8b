using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Approvals;

/// <summary>A small firm: people with throw-away keys, its policy, and what they sign. Ann asks; two operators must agree.</summary>
internal static class Firm
{
    public const string Primary = "3f0c7a52-0000-4000-8000-000000000001";
    public const string Standby = "3f0c7a52-0000-4000-8000-000000000002";
    private static readonly Dictionary<string, (EcdsaSigner Signer, byte[] Pem)> Made =
        ((string[])["ann", "ann-2", "ben", "ben-2", "cem", "dan", "eve", "fay", "gus", "robot", "reviewer", "stranger"]).ToDictionary(name => name, _ => NewKey());

    /// <summary>The bytes of every policy that was read here and of its key files, as a gate keeps them.</summary>
    public static ConcurrentDictionary<Digest, ReadOnlyMemory<byte>> Files { get; } = [];

    /// <summary>The document that names the key files.</summary>
    public static ReadOnlyMemory<byte> KeyFiles { get; } = PolicyFiles.Write(Made.Select(made => (made.Key, new ReadOnlyMemory<byte>(made.Value.Pem))));

    public static DateTimeOffset Now { get; } = new(2026, 6, 15, 12, 0, 0, TimeSpan.Zero);

    public static Policy Policy { get; } = Read(Yaml);

    /// <summary>The digest of the image that is to run.</summary>
    public static Digest Image { get; } = Digest.Of("image"u8);

    public static Digest Template { get; } = Digest.Of("template"u8);

    public static string Yaml => $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: firm, version: 1 }
        spec:
          environments:
            production: { clusters: [{{Primary}}, {{Standby}}], namespaces: [pay] }
            staging: { clusters: [{{Primary}}], namespaces: [try] }
          people:
            ann: { id: p-1, keys: [ann, ann-2] }
            ben: { id: p-2, keys: [ben, ben-2] }
            cem: { id: p-3, keys: [cem] }
            dan: { id: p-4, keys: [dan] }
            eve: { id: p-5, until: 2026-06-20, keys: [eve] }
            fay: { id: p-6, keys: [fay] }
            gus: { id: p-7, keys: [gus] }
          roles:
            operator: { people: [ann, ben, cem, dan, eve, fay] }
            risk: { people: [ben, cem, dan], conflictsWith: [auditor] }
            auditor: { people: [ben, fay, gus] }
          robots:
            builder: { keys: [robot], why: builds }
            reviewer: { keys: [reviewer], why: says what was reviewed }
          trust:
            keys:
              ann: { spki: "{{Key("ann").Spki}}", file: ann }
              ann-2: { spki: "{{Key("ann-2").Spki}}", file: ann-2 }
              ben: { spki: "{{Key("ben").Spki}}", file: ben }
              ben-2: { spki: "{{Key("ben-2").Spki}}", file: ben-2 }
              cem: { spki: "{{Key("cem").Spki}}", file: cem }
              dan: { spki: "{{Key("dan").Spki}}", file: dan }
              eve: { spki: "{{Key("eve").Spki}}", file: eve }
              fay: { spki: "{{Key("fay").Spki}}", file: fay, validFrom: 2026-06-10, validUntil: 2026-06-20 }
              gus: { spki: "{{Key("gus").Spki}}", file: gus }
              robot: { spki: "{{Key("robot").Spki}}", file: robot }
              reviewer: { spki: "{{Key("reviewer").Spki}}", file: reviewer }
          approvals:
            deploy: { require: [{ role: operator, count: 2 }], useBy: 7d, runUntil: 26w, maxUses: 3 }
            rotate: { require: [{ role: operator, count: 2 }], useBy: 7d }
            mixed: { require: [{ role: operator, count: 1 }, { role: risk, count: 1 }], useBy: 7d }
            watched: { require: [{ role: risk, count: 1 }, { role: auditor, count: 1 }], useBy: 7d }
            policy-change: { require: [{ role: operator, count: 2 }], useBy: 7d }
          artifacts:
            images:
              - { match: ["**"], verdict: deny }

        """;

    public static Identity.Key Key(string name) => new(Digest.FromHash(Made[name].Signer.PublicKey.SpkiSha256.Span));

    public static Signer Signer(string name) => Made[name].Signer;

    public static string Id(string person) => Policy.People[person].Id;

    public static Policy Read(string yaml) => PolicyReader.Read(Kept(Encoding.UTF8.GetBytes(yaml)), name => Kept(Made[name].Pem)) switch
    {
        PolicyReading.Accepted accepted => accepted.Policy,
        PolicyReading.Refused(var mistakes) => throw new Xunit.Sdk.XunitException(string.Join('\n', mistakes)),
        var other => throw new InvalidOperationException(other.ToString()),
    };

    private static ReadOnlyMemory<byte> Kept(byte[] file) => Files[Digest.Of(file)] = file;

    public static Policy PolicyWith(string from, string to)
    {
        Assert.Contains(from, Yaml, StringComparison.Ordinal);
        return Read(Yaml.Replace(from, to, StringComparison.Ordinal));
    }

    public static ApprovalNeed Need(string action = "deploy") =>
        new(Policy.Approvals[action], "artifacts.images[0].approved", "the image", [new(CoveredKind.Artifact, "shop", Image, default), new(CoveredKind.Template, null, Template, default)], "production", Primary, "pay", "Deployment/shop");

    public static ApprovalRequest Request(string by = "ann", string action = "deploy") => new()
    {
        Id = $"request-{action}",
        ChangeId = "change-1",
        Action = action,
        Category = "normal",
        Requester = new(Id(by), Key(by)),
        Scope = new(["production"], [], [], []),
        Covers = [new(CoveredKind.Artifact, "shop", Image, default), new(CoveredKind.Template, null, Template, default)],
        CreatedAt = Now.AddHours(-3),
    };

    public static Approval Approval(SignedStatement request, string by, string role = "operator")
    {
        var asked = (ApprovalRequest)request.Statement;
        return new()
        {
            Id = $"{by} as {role}",
            RequestId = asked.Id,
            RequestDigest = request.Digest,
            ChangeId = asked.ChangeId,
            Decision = ApprovalDecision.Approve,
            Action = asked.Action,
            Scope = asked.Scope,
            Covers = asked.Covers,
            Approver = new(Id(by), role, Key(by), null, null),
            Requester = asked.Requester,
            Contributors = asked.Contributors,
            IssuedAt = Now.AddHours(-2),
            UseBy = Now.AddDays(3),
        };
    }

    /// <summary>What a verifier makes of a statement that was signed with these keys.</summary>
    public static SignedStatement Sign(ApprovalStatement statement, params string[] keys) =>
        new(statement, [.. keys.Select(Key)], Digest.Of(ApprovalStatements.WriteStatement(statement, [("shop", Image)])), string.Join('+', keys));

    public static SignedStatement Asked(ApprovalRequest? request = null) => Sign(request ?? Request(), "ann");

    public static SignedStatement Yes(SignedStatement request, string by, string role = "operator") => Sign(Approval(request, by, role), by);

    public static SignedStatement No(SignedStatement request, string by) => Sign(Approval(request, by) with { Id = $"no of {by}", Decision = ApprovalDecision.Reject }, by);

    public static SignedStatement Withdrawal(SignedStatement request, string by, string of, string? key = null) =>
        Sign(Approval(request, by) with { Id = $"{by} withdraws {of}", Decision = ApprovalDecision.Withdraw, Withdraws = of, Approver = new(Id(by), "operator", Key(key ?? by), null, null) }, key ?? by);

    public static QuorumOutcome Decide(IReadOnlyCollection<SignedStatement> statements, ApprovalNeed? need = null, Policy? policy = null, RevocationList? revocations = null, long used = 0, DateTimeOffset? now = null) =>
        Quorum.Decide(need ?? Need(), statements, policy ?? Policy, revocations ?? RevocationList.Empty, statements.Select(signed => signed.Statement.Id).Distinct().ToDictionary(id => id, _ => used), now ?? Now);

    public static Grant AssertAllowed(QuorumOutcome outcome)
    {
        Assert.True(outcome.Decision.Verdict == Verdict.Allow, string.Join('\n', outcome.Decision.Reasons));
        return outcome.Grant!;
    }

    /// <summary>Denied, with a reason that says this, on one line and with a remedy.</summary>
    public static void AssertDenied(QuorumOutcome outcome, string message)
    {
        Assert.Equal(Verdict.Deny, outcome.Decision.Verdict);
        Assert.Null(outcome.Grant);
        Assert.Contains(outcome.Decision.Reasons, reason => reason.Message.Contains(message, StringComparison.Ordinal));
        Assert.All(outcome.Decision.Reasons, reason => Assert.True(reason.Remedy is not null && !reason.ToString().Contains('\n', StringComparison.Ordinal)));
    }

    public static ImmutableHashSet<T> Set<T>(params T[] items) => [.. items];

    private static (EcdsaSigner Signer, byte[] Pem) NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), ""), Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()));
    }
}
