using System.Text;
using Governance.Gates.Admission;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Ledgers;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The webhook with a policy whose robot signs without a key: what hangs on the image in a real registry decides, and the trusted root may change.</summary>
public sealed class KeylessTests : IDisposable
{
    private readonly TemporaryFolder state = new();
    private readonly OciRegistry pusher = RegistryReadings.Client();

    public void Dispose()
    {
        pusher.Dispose();
        state.Dispose();
    }

    [Fact]
    public async Task A_bundle_that_refers_to_the_image_admits_the_right_workflow_and_no_fork_or_other_issuer()
    {
        await using var gate = await StartAsync(KeylessWorld.Root, "inclusion");
        Assert.True((await gate.AskAsync(await BundledAsync(gate, new()))).Allowed);
        foreach (var (stranger, code) in ((Certified, string)[])
        [
            (new() { RepositoryId = "999" }, "ExtensionMismatch"),
            (new() { Subject = "https://github.com/mallory/app/.github/workflows/release.yml@refs/tags/v1" }, "IdentityMismatch"),
            (new() { Issuer = "https://token.actions.example.com" }, "IssuerMismatch"),
        ])
        {
            var answer = await gate.AskAsync(await BundledAsync(gate, stranger));
            Assert.False(answer.Allowed);
            Assert.Contains(code, answer.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_attestation_as_GitHub_makes_it_counts_by_its_timestamp_alone()
    {
        await using var gate = await StartAsync(KeylessWorld.RootWithoutLogs, "none");
        var signing = new Signing { Kind = "none", IsStamped = true, CertificateLogs = [] };
        Assert.True((await gate.AskAsync(await BundledAsync(gate, new(), signing))).Allowed);
        Assert.Contains("NoVerifiedTime", (await gate.AskAsync(await BundledAsync(gate, new(), signing with { IsStamped = false }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_stands_in_cosigns_annotations_is_kept_and_every_decision_is_made_again_from_the_ledger()
    {
        await using var gate = await StartAsync(KeylessWorld.Root, "promise");
        Assert.True((await gate.AskAsync(await LayeredAsync(gate, new()))).Allowed);
        Assert.False((await gate.AskAsync(await LayeredAsync(gate, new() { OwnerId = "66" }))).Allowed);
        Assert.True((await gate.AskAsync(await BundledAsync(gate, new()))).Allowed);
        var decisions = await DecisionsAsync(gate);
        Assert.Equal([Verdict.Allow, Verdict.Deny, Verdict.Allow], decisions.Select(decision => decision.Verdict!.Value));
        Assert.All(decisions, decision => AssertReplays(gate, decision));
    }

    [Fact]
    public async Task A_root_that_drops_the_log_refuses_what_was_admitted_and_earlier_decisions_are_still_made_again_with_the_old_one()
    {
        await using var gate = await StartAsync(KeylessWorld.Root, "inclusion");
        var image = await BundledAsync(gate, new());
        Assert.True((await gate.AskAsync(image)).Allowed);

        var root = KeylessWorld.Instance.RootJson();
        root["tlogs"]!.AsArray().RemoveAt(0);
        var changed = KeylessWorld.Bytes(root);
        File.WriteAllBytes(gate.Folder.PathOf("changed.json"), changed);
        gate.WritePolicy(text => Keyless(text, "changed.json", changed, "inclusion"), version: 2);
        await RunningGate.UntilAsync(async () => !(await gate.AskAsync(image)).Allowed);
        Assert.Contains("UnknownLog", (await gate.AskAsync(image)).Message, StringComparison.Ordinal);

        // Remembered with the policy that was accepted: what lies beside the file now decides nothing after a restart.
        File.WriteAllBytes(gate.Folder.PathOf("changed.json"), KeylessWorld.Root);
        await gate.RestartAsync();
        Assert.Contains("UnknownLog", (await gate.AskAsync(image)).Message, StringComparison.Ordinal);
        var decisions = await DecisionsAsync(gate);
        Assert.Equal((Verdict.Allow, Verdict.Deny), (decisions[0].Verdict, decisions[^1].Verdict));
        Assert.All(decisions, decision => AssertReplays(gate, decision));
    }

    [Fact]
    public async Task A_public_instances_copy_is_kept_beside_the_log_though_no_file_is_named()
    {
        await using var gate = await StartAsync(KeylessWorld.Root, "inclusion", text => text.Replace($"{{ file: root.json, sha256: \"{Digest.Of(KeylessWorld.Root)}\", logs: inclusion }}", "public-good", StringComparison.Ordinal));
        Assert.Contains("UnknownLog", (await gate.AskAsync(await BundledAsync(gate, new()))).Message, StringComparison.Ordinal);
        Assert.True(new EvidenceStore(gate.Folder.PathOf("ledger")).Read(Digest.Of(SigstoreInstance.PublicGood.Json.Span)).Try(out _, out _));
        var decision = Assert.Single(await DecisionsAsync(gate));
        AssertReplays(gate, decision);
    }

    [Fact]
    public async Task A_root_that_is_exchanged_beside_the_policy_is_refused()
    {
        await using var gate = await StartAsync(KeylessWorld.Root, "inclusion");
        File.WriteAllBytes(gate.Folder.PathOf("root.json"), KeylessWorld.Bytes(new ThrowAwaySigstore().RootJson()));
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        Assert.True((await gate.AskAsync(await BundledAsync(gate, new()))).Allowed);
    }

    private async Task<RunningGate> StartAsync(byte[] root, string logs, Func<string, string>? change = null)
    {
        // The key's robot stays in the policy, which every image of team/ needs no more.
        var file = state.Write("root.json", Encoding.UTF8.GetString(root));
        return await RunningGate.StartAsync(
            text => (change ?? (same => same))(Keyless(text, "root.json", root, logs)),
            options =>
            {
                File.Copy(file, Path.Combine(Path.GetDirectoryName(options.Policy)!, "root.json"));
                return options with { State = state.PathOf("state"), Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = "test/production/c1/gate-0" };
            });
    }

    private static string Keyless(string text, string file, byte[] root, string logs) => text
        .Replace("  robots:\n", $"  robots:\n    flow: {{ oidc: [{{ issuer: {ThrowAwaySigstore.Issuer}, subject: \"https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*\", repositoryId: 123, ownerId: 45, runner: github-hosted }}], why: tags of this form are protected }}\n", StringComparison.Ordinal)
        .Replace("  trust:\n", $"  trust:\n    roots: {{ sigstore: {{ file: {file}, sha256: \"{Digest.Of(root)}\", logs: {logs} }} }}\n", StringComparison.Ordinal)
        .Replace("by: [release-workflow]", "by: [flow]", StringComparison.Ordinal);

    private async Task<string> BundledAsync(RunningGate gate, Certified certified, Signing? how = null)
    {
        var image = ImageReference.Parse(gate.UnsignedImage());
        var statement = InTotoStatement.Write([Subject.OfSha256(image.Repository.ToString(), Convert.FromHexString(image.Digest!.Hex))], PredicateTypes.CosignSign, "{}"u8);
        var bundle = KeylessWorld.Sign(certified, statement, how);
        (await pusher.AttachReferrerAsync(image.Repository, image.Digest!, RegistryReadings.Bundle, new(RegistryReadings.Bundle, KeylessWorld.Bytes(bundle), new Dictionary<string, string>()), CancellationToken.None)).Found();
        return image.ToString();
    }

    private async Task<string> LayeredAsync(RunningGate gate, Certified certified)
    {
        var image = ImageReference.Parse(gate.UnsignedImage());
        var signed = KeylessWorld.Instance.SignImage(SimpleSigning.Payload(image.Repository.ToString(), image.Digest!.ToString()), certified.Extensions);
        var annotations = new Dictionary<string, string>
        {
            ["dev.cosignproject.cosign/signature"] = signed.Signature!,
            ["dev.sigstore.cosign/certificate"] = signed.Annotations.Certificate!,
            ["dev.sigstore.cosign/chain"] = "-----BEGIN CERTIFICATE-----\nbm9ib2R5IHJlYWRzIHRoaXM=\n-----END CERTIFICATE-----\n",
            ["dev.sigstore.cosign/bundle"] = signed.Annotations.Bundle!,
        };
        (await pusher.AttachToTagAsync(image.Repository, image.Digest!, CosignTag.Signatures, new(RegistryReadings.SimpleSigningType, signed.Payload, annotations), CancellationToken.None)).Found();
        return image.ToString();
    }

    private static async Task<IReadOnlyList<LedgerEntry>> DecisionsAsync(RunningGate gate)
    {
        await gate.StopAsync();
        return [.. VerifiedLog.Read(gate.Folder.PathOf("ledger")).Where(entry => entry.EventType == LedgerEvents.Decision)];
    }

    private static void AssertReplays(RunningGate gate, LedgerEntry decision) =>
        Assert.True(DecisionReplay.Of(decision, new EvidenceStore(gate.Folder.PathOf("ledger")).Read).Try(out var again, out var why) && again.Differences.IsEmpty, why?.ToString() ?? string.Join(' ', again?.Differences ?? []));
}
