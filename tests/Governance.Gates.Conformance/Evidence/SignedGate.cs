using System.Text;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>The gate under a policy with one rule, "signed by one of these keys", for every repository.</summary>
internal sealed class SignedGate(SignedRepository repository, params PublicKey[] keys)
{
    private readonly Policy policy = Read(repository, keys);

    /// <summary>A client for whatever registry the tests started.</summary>
    public static OciRegistry Client() => new(new(), DockerCredentials.Anonymous, TimeProvider.System);

    /// <summary>What the gate answers to a review of a new Pod with this image, as the webhook does; nothing is kept from one call to the next.</summary>
    public async Task<Decision> DecideAsync(string image, OciRegistry registry)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new
        {
            apiVersion = "admission.k8s.io/v1",
            kind = "AdmissionReview",
            request = new
            {
                uid = "1",
                kind = new { group = "", version = "v1", kind = "Pod" },
                resource = new { group = "", version = "v1", resource = "pods" },
                @namespace = "default",
                operation = "CREATE",
                @object = new { apiVersion = "v1", kind = "Pod", metadata = new { name = "app" }, spec = new { containers = new[] { new { name = "app", image } } } },
            },
        });
        var request = Assert.IsType<ReviewReading.Request>(AdmissionReview.Read(body)).Value;
        using var claims = new ClaimCache(registry, TimeProvider.System);
        var outcome = await new AdmissionJudge(claims, new MemoryAdmittedRecords(), (_, _, _) => throw new InvalidOperationException("the policy names no list"), TimeProvider.System).JudgeAsync(AdmissionGate.Open(request, policy, cluster: null), new(policy), CancellationToken.None);
        Assert.Equal(outcome.Decision.Verdict == Verdict.Allow, outcome.Admitted);
        return outcome.Decision;
    }

    /// <summary>What the gate decides about an image of which this is known.</summary>
    public Decision Decide(SignedImage image, Claims claims) =>
        ImageGate.Decide((ImageRuling.NeedsEvidence)ImageGate.Rule(image.Reference, new(null, null), policy), claims, policy, new Circumstances(DateTimeOffset.UtcNow)).Decision;

    private static Policy Read(SignedRepository repository, PublicKey[] keys)
    {
        var names = Enumerable.Range(0, keys.Length).Select(number => $"key-{number}").ToArray();
        var yaml = new StringBuilder().Append($$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: conformance, version: 1 }
            spec:
              robots:
                builder: { keys: [{{string.Join(", ", names)}}], why: signs }
              trust:
                keys:

            """);
        foreach (var (name, key) in names.Zip(keys))
        {
            yaml.Append($"      {name}: {{ spki: \"sha256:{Convert.ToHexStringLower(key.SpkiSha256.Span)}\", file: {name}.pub }}\n");
        }

        yaml.Append($$"""
              artifacts:
                images:
                  - match: ["**"]
                    require: { signed: { by: [builder], repository: {{(repository == SignedRepository.Any ? "any" : "same")}} } }
              admission: { mode: enforce, namespaces: { own: gates } }

            """);
        var reading = PolicyReader.Read(Encoding.UTF8.GetBytes(yaml.ToString()), file => Encoding.ASCII.GetBytes(keys[Array.IndexOf(names, file[..^".pub".Length])].ToPem()));
        return reading is PolicyReading.Accepted accepted ? accepted.Policy : throw new InvalidOperationException($"{reading}: {string.Join('\n', ((PolicyReading.Refused)reading).Mistakes)}");
    }
}

internal static class SignedImageExtensions
{
    /// <summary>All that hangs on an image, read from its registry without anything unread.</summary>
    public static async Task<AttachedEvidence> EvidenceAsync(this SignedImage image)
    {
        using var client = SignedGate.Client();
        var evidence = Assert.IsType<Reading<AttachedEvidence>.Found>(await client.FindEvidenceAsync(image.Repository, image.Digest, CancellationToken.None)).Value;
        Assert.Empty(evidence.Unread);
        return evidence;
    }
}
