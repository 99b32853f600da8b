using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Policies;

/// <summary>A whole policy with throw-away keys, and small changes to it.</summary>
internal static class PolicyDocuments
{
    private static readonly Dictionary<string, byte[]> Files = Enumerable.Range(1, 9).ToDictionary(i => $"keys/{i}.pub", _ => Key());

    /// <summary>A trusted root, under which name it lies too: <c>root.json</c>.</summary>
    private static readonly byte[] Root1 = SigstoreInstance.PublicGood.Json.ToArray();

    /// <summary>Another that says the same in other bytes: <c>other-root.json</c>.</summary>
    private static readonly byte[] Root2 = [.. Root1, (byte)'\n'];

    /// <summary>One without logs and without timestamp authorities: <c>no-logs.json</c>.</summary>
    private static readonly byte[] Root3 = RootWithout("tlogs", "ctlogs", "timestampAuthorities");

    /// <summary>An OpenPGP public key, the same with a name, and another: <c>keys/1.pgp</c> to <c>keys/3.pgp</c>.</summary>
    private static readonly byte[] Pgp1 = [0x98, 1, 4], Pgp2 = [0x98, 1, 4, 0xB4, 0], Pgp3 = [0x98, 2, 4, 1];

    public static string Sound { get; } = Filled("""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: shop, version: 2, previous: "sha256:1111111111111111111111111111111111111111111111111111111111111111", earlier: ["sha256:4444444444444444444444444444444444444444444444444444444444444444"] }
        spec:
          environments:
            production: { clusters: [3f0c7a52-0000-4000-8000-000000000001], namespaces: [shop, pay] }
            staging: { clusters: [3f0c7a52-0000-4000-8000-000000000002], namespaces: ["*"] }
          people:
            ann: { id: p-1, from: 2026-01-01, until: 2027-12-31, github: { login: ann, id: 101 }, keys: [ann-key] }
            ben: { id: p-2, github: { login: ben, id: 102 }, keys: [ben-key] }
            cem: { id: p-3 }
            dan: { id: p-4, keys: [dan-key], oidc: [{ issuer: https://accounts.example.com, subject: dan@example.com }] }
            eve: { id: p-5, keys: [eve-key] }
          roles:
            releaser: { people: [ann, ben], githubTeams: [example/releasers], conflictsWith: [author] }
            author: { people: [cem, ben] }
            approver: { people: [dan, eve] }
          robots:
            builder: { keys: [build-key], why: builds and signs }
            flow: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*", repositoryId: 123, ownerId: 45, runner: github-hosted }], why: tags of this form are protected }
            reviewer: { keys: [review-key], why: says what was reviewed }
            insider: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: https://github.com/Example/app/.github/workflows/review.yml@refs/heads/main, repositoryId: 123 }] }
          trust:
            keys:
              ann-key: { spki: "SPKI-1", file: keys/1.pub, validFrom: 2026-01-01, validUntil: 2027-01-31 }
              ben-key: { spki: "SPKI-2", file: keys/2.pub }
              build-key: { spki: "SPKI-3", file: keys/3.pub }
              dan-key: { spki: "SPKI-4", file: keys/4.pub }
              eve-key: { spki: "SPKI-5", file: keys/5.pub }
              review-key: { spki: "SPKI-9", file: keys/9.pub }
            roots: { sigstore: { file: root.json, sha256: "ROOT-1", logs: promise } }
            revocations: { from: revocations.json, maxAge: 1h, by: [builder] }
          artifacts:
            images:
              - match: [registry.example.com/shop/**]
                mode: warn
                require: { signed: { by: [builder, ann], repository: same, mirrors: [mirror.example.com/shop/**] } }
              - match: [registry.k8s.io/**]
                in: { namespaces: [kube-system], environments: [staging] }
                require: { pinned: ["registry.k8s.io/pause@sha256:2222222222222222222222222222222222222222222222222222222222222222"] }
              - match: [tools.example.com/**]
                require: { signed: { by: { role: releaser }, repository: any } }
              - match: [apps.example.com/**]
                require: { signed: { by: [builder] }, approved: { action: deploy, in: { environments: [production] }, covers: [artifact, template] }, provenance: { by: [flow], builder: "https://builder.example.com/*", source: https://github.com/example/app, ref: refs/tags/v*, runner: github-hosted }, tagged: { by: { role: approver } }, reviewed: { by: [reviewer] } }
              - match: ["**"]
                verdict: deny
                why: not a registry of ours
          admission:
            mode: enforce
            namespaces: { audit: [kube-system], own: gates }
            unknownKinds: deny
            sidecars: [istio-proxy]
            customResources:
              - { resource: rollouts.argoproj.io, images: [/spec/template/spec/containers/*/image] }
          approvals:
            deploy: { require: [{ role: approver, count: 1 }], useBy: 7d, runUntil: 26w, maxUses: 3 }
            policy-change: { require: [{ role: approver, count: 1 }], useBy: 7d }
          signing: { publicLogs: refuse, private: [https://rekor.example.com] }

        """);

    /// <summary>Puts the throw-away keys' SPKI digests where <c>SPKI-1</c> to <c>SPKI-9</c> stand.</summary>
    public static string Filled(string yaml)
    {
        for (var i = 1; i <= 9; i++)
        {
            yaml = yaml.Replace($"SPKI-{i}", Spki(i), StringComparison.Ordinal);
        }

        return yaml.Replace("ROOT-1", $"{Digest.Of(Root1)}", StringComparison.Ordinal).Replace("ROOT-2", $"{Digest.Of(Root2)}", StringComparison.Ordinal).Replace("ROOT-3", $"{Digest.Of(Root3)}", StringComparison.Ordinal)
            .Replace("PGP-1", $"{Digest.Of(Pgp1)}", StringComparison.Ordinal).Replace("PGP-2", $"{Digest.Of(Pgp2)}", StringComparison.Ordinal).Replace("PGP-3", $"{Digest.Of(Pgp3)}", StringComparison.Ordinal);
    }

    public static string Spki(int key)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportFromPem(Encoding.ASCII.GetString(Files[$"keys/{key}.pub"]));
        return Digest.Of(ecdsa.ExportSubjectPublicKeyInfo()).ToString();
    }

    /// <summary>The sound policy with one change; '§' in the new text marks the place where a mistake is expected, and is removed.</summary>
    public static (string Yaml, int Line, int Column) Changed(string from, string to)
    {
        var yaml = Filled(Replaced(Sound, from, to));
        var mark = yaml.IndexOf('§', StringComparison.Ordinal);
        Assert.True(mark >= 0, "the change marks no place");
        var before = yaml[..mark];
        return (yaml.Remove(mark, 1), before.Count(c => c == '\n') + 1, mark - before.LastIndexOf('\n'));
    }

    public static string Replaced(string yaml, string from, string to)
    {
        Assert.Contains(from, yaml, StringComparison.Ordinal);
        var at = yaml.IndexOf(from, StringComparison.Ordinal);
        return yaml[..at] + to + yaml[(at + from.Length)..];
    }

    public static PolicyReading Read(string yaml) => Read(Encoding.UTF8.GetBytes(yaml));

    /// <remarks>Every key file lies below <c>moved/</c> too.</remarks>
    public static PolicyReading Read(byte[] yaml) => PolicyReader.Read(yaml, File);

    /// <summary>What lies beside the policy.</summary>
    public static ReadOnlyMemory<byte>? File(string name) => name.Replace("moved/", "", StringComparison.Ordinal) switch
    {
        "keys/broken.pub" => "no key"u8.ToArray(),
        "keys/1.pgp" => Pgp1,
        "keys/2.pgp" => Pgp2,
        "keys/3.pgp" => Pgp3,
        "keys/two.pgp" => (byte[])[.. Pgp1, .. Pgp3],
        "keys/cut.pgp" => Pgp1.AsMemory(..^1),
        "keys/armored.pgp" => System.Text.Encoding.ASCII.GetBytes($"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{Convert.ToBase64String(Pgp1)}\n-----END PGP PUBLIC KEY BLOCK-----\n"),
        "keys/empty.pgp" => "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"u8.ToArray(),
        "root.json" => Root1,
        "other-root.json" => Root2,
        "no-logs.json" => Root3,
        var other => Files.TryGetValue(other, out var bytes) ? new ReadOnlyMemory<byte>(bytes) : null,
    };

    public static PolicyReading.Accepted Accepted(string yaml)
    {
        var reading = Read(yaml);
        return reading is PolicyReading.Refused(var mistakes) ? throw new Xunit.Sdk.XunitException(string.Join('\n', mistakes)) : (PolicyReading.Accepted)reading;
    }

    public static IReadOnlyList<PolicyMistake> Mistakes(string yaml) => Mistakes(Encoding.UTF8.GetBytes(yaml));

    public static IReadOnlyList<PolicyMistake> Mistakes(byte[] yaml) => Assert.IsType<PolicyReading.Refused>(Read(yaml)).Mistakes;

    /// <summary>The folder of the solution.</summary>
    public static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder.FullName, "Governance.Gates.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests do not run below the solution's folder");
        }

        return folder.FullName;
    }

    private static byte[] RootWithout(params string[] parts)
    {
        var root = JsonNode.Parse(SigstoreInstance.PublicGood.Json.Span)!.AsObject();
        foreach (var part in parts)
        {
            root.Remove(part);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static byte[] Key()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem());
    }
}
