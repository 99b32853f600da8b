using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The webhook under the policy of the small firm: Ann asks, operators agree, and a state folder outlives the gate.</summary>
internal static class FirmGate
{
    /// <summary>The rule that every image needs an approval with its template.</summary>
    public const string Asking = "- { match: [\"**\"], require: { approved: { action: deploy, covers: [artifact, template] } } }";

    private const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
    private static int reviews;

    /// <summary>The firm's policy, under which every image needs an approval.</summary>
    public static string AskingPolicy { get; } = Firm.Yaml.Replace("- { match: [\"**\"], verdict: deny }", Asking, StringComparison.Ordinal);

    public static Task<RunningGate> StartAsync(string policy, string state, Func<WebhookOptions, WebhookOptions>? change = null) => RunningGate.StartAsync(options: options =>
    {
        var beside = Path.GetDirectoryName(options.Policy)!;
        foreach (var key in (string[])["ann", "ann-2", "ben", "ben-2", "cem", "dan", "eve", "fay", "gus", "robot", "reviewer"])
        {
            File.WriteAllText(Path.Combine(beside, key), Firm.Signer(key).PublicKey.ToPem() + "\n");
        }

        RunningGate.Replace(options.Policy, policy);
        options = options with { State = state, ClusterUid = Firm.Primary };
        return change?.Invoke(options) ?? options;
    });

    /// <summary>Ann asks for a version of the policy, and these agree; all of it stands beside the policy.</summary>
    public static void Agree(RunningGate gate, string policy, string action, params string[] people)
    {
        var digest = Digest.Of(Encoding.UTF8.GetBytes(policy));
        var now = gate.Clock.GetUtcNow();
        var request = Firm.Request(action: action) with { Scope = new([], [], [], []), Covers = [new(CoveredKind.Artifact, "governance.yaml", digest, default)], CreatedAt = now };
        var lines = new List<string>();
        var asked = new SignedStatement(request, [Firm.Key("ann")], Add(request, "ann"), "line 1");
        foreach (var person in people)
        {
            Add(Firm.Approval(asked, person) with { IssuedAt = now, UseBy = now.AddDays(1) }, person);
        }

        RunningGate.Replace(gate.PolicyFile + ".approvals.jsonl", string.Concat(lines.Select(line => line + "\n")));

        Digest Add(ApprovalStatement statement, string key)
        {
            var payload = ApprovalStatements.WriteStatement(statement, [("governance.yaml", digest)]);
            lines.Add(Encoding.UTF8.GetString(TestPolicy.Wait(SigstoreBundle.SignStatementAsync(payload, Firm.Signer(key), CancellationToken.None)).Json.Span));
            return Digest.Of(payload);
        }
    }

    /// <summary>Waits until this text of the policy is in force.</summary>
    public static Task InForceAsync(RunningGate gate, string policy)
    {
        var digest = $"digest=\"{Digest.Of(Encoding.UTF8.GetBytes(policy))}\"";
        return RunningGate.UntilAsync(async () => (await gate.GetAsync("/metrics")).Text.Split('\n')
            .Any(line => line.StartsWith("gates_policy_info{", StringComparison.Ordinal) && line.Contains(digest, StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal)));
    }

    /// <summary>A workload in the namespace pay, which is production, as nobody asked about it before.</summary>
    public static Review Workload(string kind, string image, Action<JsonObject>? change = null)
    {
        var spec = Workloads.Spec(image);
        change?.Invoke((JsonObject)spec["containers"]![0]!);
        return Workloads.Review(kind, spec) with { Namespace = "pay" };
    }

    /// <summary>Asks the gate about a workload.</summary>
    public static Task<GateAnswer> AskAsync(RunningGate gate, Review review) =>
        gate.AskAsync(JsonNode.Parse((review with { Uid = $"review-{Interlocked.Increment(ref reviews)}" }).Json())!.AsObject());

    /// <summary>Ann asks for a workload, Ben and Cem agree for a day, and all of it hangs on the image.</summary>
    /// <returns>What Ann asked.</returns>
    public static async Task<SignedStatement> ApproveAsync(RunningGate gate, Review review, string image)
    {
        using var json = JsonDocument.Parse(review.Object!.ToJsonString());
        var template = TemplateProjection.OfObject(review.Group, review.Kind, json.RootElement, [])!.Found();
        var now = gate.Clock.GetUtcNow();
        var request = Firm.Request() with
        {
            Covers = [new(CoveredKind.Artifact, null, ImageReference.Parse(image).Digest!, default), new(CoveredKind.Template, null, template.Digest, template.Json)],
            CreatedAt = now,
        };
        var asked = await AttachAsync(request, "ann", image);
        foreach (var by in (string[])["ben", "cem"])
        {
            await AttachAsync(Firm.Approval(asked, by) with { IssuedAt = now, UseBy = now.AddDays(1) }, by, image);
        }

        return asked;
    }

    /// <summary>Signs a statement and hangs it on an image.</summary>
    public static async Task<SignedStatement> AttachAsync(ApprovalStatement statement, string by, string image)
    {
        var reference = ImageReference.Parse(image);
        var payload = ApprovalStatements.WriteStatement(statement, [("image", reference.Digest!)]);
        var bundle = await SigstoreBundle.SignStatementAsync(payload, Firm.Signer(by), CancellationToken.None);
        using var registry = RegistryReadings.Client();
        (await registry.AttachReferrerAsync(reference.Repository, reference.Digest!, BundleType, new(BundleType, bundle.Json, new Dictionary<string, string>()), CancellationToken.None)).Found();
        return new(statement, [Firm.Key(by)], Digest.Of(payload), by);
    }

    /// <summary>Refused with this verdict, for a reason that says this.</summary>
    public static async Task RefusedAsync(RunningGate gate, Review review, string because, string verdict = "deny")
    {
        var answer = await AskAsync(gate, review);
        Assert.Equal((false, verdict), (answer.Allowed, answer.Verdict));
        Assert.Contains(because, answer.Message, StringComparison.Ordinal);
    }

    public static async Task AllowedAsync(RunningGate gate, Review review)
    {
        var answer = await AskAsync(gate, review);
        Assert.True(answer.Allowed, answer.Message);
    }
}
