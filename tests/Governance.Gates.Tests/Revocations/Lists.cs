using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Revocations;

/// <summary>A policy with a list of revocations that ann, ben or dan may sign, and such lists, signed by whomever a test wants.</summary>
internal static class Lists
{
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    /// <summary>In office for ever, with a key until the end of May.</summary>
    public static Signer Ann { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    /// <summary>In office until the end of April.</summary>
    public static Signer Ben { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    /// <summary>A robot that may sign images, and no list.</summary>
    public static Signer Builder { get; } = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);

    private static readonly Dictionary<string, Signer> Signers = new() { ["ann"] = Ann, ["ben"] = Ben, ["builder"] = Builder };

    public static Policy Policy(string name = "shop", string from = "revocations.json", string maxAge = "1h", string by = "[ann, ben]")
    {
        var reading = PolicyReader.Read(Encoding.UTF8.GetBytes(Yaml(name, from, maxAge, by)), file => Encoding.ASCII.GetBytes(Signers[file[..^4]].PublicKey.ToPem()));
        return reading is PolicyReading.Accepted accepted ? accepted.Policy : throw new InvalidOperationException(string.Join('\n', ((PolicyReading.Refused)reading).Mistakes));
    }

    private static string Yaml(string name, string from, string maxAge, string by) => $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: {{name}}, version: 1 }
        spec:
          people:
            ann: { id: p-1, keys: [ann-key] }
            ben: { id: p-2, until: 2026-04-30, keys: [ben-key] }
          robots:
            builder: { keys: [builder-key] }
          trust:
            keys:
              ann-key: { spki: "{{Spki(Ann)}}", file: ann.pub, validUntil: 2026-05-31 }
              ben-key: { spki: "{{Spki(Ben)}}", file: ben.pub }
              builder-key: { spki: "{{Spki(Builder)}}", file: builder.pub }
            revocations: { from: "{{from}}", maxAge: {{maxAge}}, by: {{by}} }

        """;

    public static Digest Spki(Signer signer) => Digest.FromHash(signer.PublicKey.SpkiSha256.Span);

    public static RevocationList List(long number = 1, DateTimeOffset? issuedAt = null) => RevocationList.Empty with
    {
        Number = number,
        IssuedAt = issuedAt ?? Now,
        People = ["p-9"],
        Keys = [Digest.Of("a key"u8)],
        Artifacts = [Digest.Of("an image"u8), Digest.Of("another"u8)],
        Approvals = ["01JNK7", "01JNK8"],
    };

    public static byte[] Sign(RevocationList list, Signer? signer = null, string policyName = "shop") =>
        Bundle(RevocationStatement.Write(list, policyName), signer ?? Ann);

    public static byte[] SignPredicate(string predicate, Signer? signer = null, string policyName = "shop") =>
        Bundle(InTotoStatement.Write([Named(policyName)], RevocationStatement.PredicateType, Encoding.UTF8.GetBytes(predicate)), signer ?? Ann);

    public static Subject Named(string policyName) => Subject.OfSha256("list", SHA256.HashData(Encoding.UTF8.GetBytes($"https://governance.gates/revocations/{policyName}")));

    public static byte[] Bundle(byte[] statement, Signer signer) => Wait(SigstoreBundle.SignStatementAsync(statement, signer, CancellationToken.None)).Json.ToArray();

    public static byte[] Envelope(byte[] statement, Signer signer) => Wait(Dsse.SignAsync(statement, signer, CancellationToken.None)).Json.ToArray();

    public static ImmutableArray<string> Entries(RevocationList list) =>
        [.. list.People, .. list.Keys.Select(one => one.ToString()), .. list.Artifacts.Select(one => one.ToString()).Order(StringComparer.Ordinal), .. list.Approvals.Order(StringComparer.Ordinal)];

    private static T Wait<T>(ValueTask<T> answer) => answer.AsTask().GetAwaiter().GetResult();
}
