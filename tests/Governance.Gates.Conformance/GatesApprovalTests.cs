using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Conformance;

/// <summary>What <c>gates request</c> and <c>gates approve</c> push to a real registry, real cosign verifies; what real cosign signs, counts.</summary>
public sealed class GatesApprovalTests(CosignFixtures made) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Types => [ApprovalStatement.RequestType, ApprovalStatement.ApprovalType];

    [Theory, MemberData(nameof(Types))]
    public async Task Cosign_verifies_what_is_pushed_about_an_image(string type)
    {
        CosignFixtures.SkipWhereMissing();
        var (ann, ben, cem) = (Key("ann"), Key("ben"), Key("cem"));
        var (policy, image) = (Policy(ann, ben, cem), await PushAsync("gates/approved"));
        await RequestAsync(image, policy, ann);
        await GatesAsync(0, "approve", image, "--policy", policy, "--key", ben.PrivateKeyFile, "--yes");
        var (signer, other) = type == ApprovalStatement.RequestType ? (ann, ben) : (ben, ann);
        var verified = await made.Cosign.VerifyAttestationAsync(signer, image, type, AttestationForm.Bundle);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.NotEqual(0, (await made.Cosign.VerifyAttestationAsync(other, image, type, AttestationForm.Bundle)).ExitCode);
        Assert.NotEqual(0, (await made.Cosign.VerifyAttestationAsync(cem, image, type, AttestationForm.Bundle)).ExitCode);
    }

    [Fact]
    public async Task A_real_registry_keeps_what_is_said_of_an_object_that_it_does_not_hold()
    {
        CosignFixtures.SkipWhereMissing();
        var (ann, ben, cem) = (Key("ann"), Key("ben"), Key("cem"));
        var policy = Policy(ann, ben, cem);
        var manifest = folder.Write("limits.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: limits, namespace: pay }\ndata: { max: \"20\" }\n");
        var asked = await GatesAsync(0, "request", "--object", manifest, "--action", "deploy", "--environment", "production", "--policy", policy, "--key", ann.PrivateKeyFile, "--yes", "--output", "json");
        var document = JsonDocument.Parse(asked).RootElement.GetProperty("subject").GetString()!;
        foreach (var key in (CosignKey[])[ben, cem])
        {
            await GatesAsync(0, "approve", document, "--policy", policy, "--key", key.PrivateKeyFile, "--yes");
        }

        await GatesAsync(0, "approvals", document, "--environment", "production", "--policy", policy);
    }

    [Fact]
    public async Task What_cosign_signs_as_a_blob_is_attached_and_counts()
    {
        CosignFixtures.SkipWhereMissing();
        var (ann, ben, cem) = (Key("ann"), Key("ben"), await made.Cosign.GenerateKeyPairAsync($"cem-{Guid.NewGuid():N}"));
        var (policy, image) = (Policy(ann, ben, cem), await PushAsync("gates/blob"));
        await RequestAsync(image, policy, ann);
        await GatesAsync(0, "approve", image, "--policy", policy, "--key", ben.PrivateKeyFile, "--yes");
        var payload = folder.PathOf("payload");
        await GatesAsync(0, "approve", image, "--policy", policy, "--signer", "cem", "--payload", payload);
        await StandsAsync(1, image, policy);

        var signed = await made.Cosign.RunAsync(["sign-blob", "--key", cem.PrivateKeyFile, "--tlog-upload=false", "--output-signature", payload + ".sig", payload], cancellation: TestContext.Current.CancellationToken);
        Assert.True(signed.ExitCode == 0, signed.Error);
        await GatesAsync(0, "approve", image, "--policy", policy, "--payload", payload, "--signature", payload + ".sig", "--yes");
        await StandsAsync(0, image, policy);
        var verified = await made.Cosign.VerifyAttestationAsync(cem, image, ApprovalStatement.ApprovalType, AttestationForm.Bundle);
        Assert.True(verified.ExitCode == 0, verified.Error);
    }

    [Theory, InlineData(AttestationForm.Tag), InlineData(AttestationForm.Bundle)]
    public async Task What_cosign_attests_on_the_image_itself_counts(AttestationForm form)
    {
        CosignFixtures.SkipWhereMissing();
        var (ann, ben, cem) = (Key("ann"), Key("ben"), await made.Cosign.GenerateKeyPairAsync($"cem-{Guid.NewGuid():N}"));
        var (policy, image) = (Policy(ann, ben, cem), await PushAsync("gates/attested"));
        await RequestAsync(image, policy, ann);
        await GatesAsync(0, "approve", image, "--policy", policy, "--key", ben.PrivateKeyFile, "--yes");
        await made.Cosign.AttestAsync(cem, image, ApprovalStatement.ApprovalType, await PredicateAsync(image, policy), form, TestContext.Current.CancellationToken);
        await StandsAsync(0, image, policy);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task What_cosign_attests_about_a_file_is_attached_and_counts(bool asBundle)
    {
        CosignFixtures.SkipWhereMissing();
        var (ann, ben, cem) = (Key("ann"), Key("ben"), await made.Cosign.GenerateKeyPairAsync($"cem-{Guid.NewGuid():N}"));
        var (policy, next) = (Policy(ann, ben, cem), folder.Write("next.yaml", "the next version\n"));
        await GatesAsync(0, "request", next, "--action", "deploy", "--policy", policy, "--key", ann.PrivateKeyFile, "--yes");
        await GatesAsync(0, "approve", next, "--policy", policy, "--key", ben.PrivateKeyFile, "--yes");
        var predicate = folder.Write("predicate.json", await PredicateAsync(next, policy));
        var signature = folder.PathOf("signature");
        string[] output = asBundle ? ["--new-bundle-format", "--bundle", signature] : ["--output-signature", signature];
        var signed = await made.Cosign.RunAsync(["attest-blob", "--key", cem.PrivateKeyFile, "--tlog-upload=false", "--type", ApprovalStatement.ApprovalType, "--predicate", predicate, .. output, next], cancellation: TestContext.Current.CancellationToken);
        Assert.True(signed.ExitCode == 0, signed.Error);
        await GatesAsync(1, "approvals", next, "--policy", policy);
        await GatesAsync(0, "approve", next, "--policy", policy, "--signature", signature, "--yes");
        await GatesAsync(0, "approvals", next, "--policy", policy);
    }

    public void Dispose() => folder.Dispose();

    // What cem would say, as a predicate: cosign makes the statement around it.
    private async Task<string> PredicateAsync(string target, string policy)
    {
        var payload = folder.PathOf("payload");
        await GatesAsync(0, "approve", target, "--policy", policy, "--signer", "cem", "--payload", payload);
        using var statement = JsonDocument.Parse(await File.ReadAllBytesAsync(payload + ".json"));
        return statement.RootElement.GetProperty("predicate").GetRawText();
    }

    // Each case has a repository of its own: what hangs on one image is not another's.
    private async Task<string> PushAsync(string prefix)
    {
        var repository = $"{prefix}-{Guid.NewGuid():N}";
        return $"{made.Registry}/{repository}@{await TestImage.PushAsync(new(made.Registry, repository), "v1")}";
    }

    private Task<string> RequestAsync(string image, string policy, CosignKey key) =>
        GatesAsync(0, "request", image, "--action", "deploy", "--environment", "production", "--policy", policy, "--key", key.PrivateKeyFile, "--yes");

    private Task<string> StandsAsync(int exitCode, string image, string policy) => GatesAsync(exitCode, "approvals", image, "--environment", "production", "--policy", policy);

    private CosignKey Key(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var spki = key.ExportSubjectPublicKeyInfoPem();
        return new(folder.Write($"{name}.pem", key.ExportPkcs8PrivateKeyPem()), folder.Write($"{name}.pub", spki), spki);
    }

    private string Policy(CosignKey ann, CosignKey ben, CosignKey cem)
    {
        string Named(string name, CosignKey key)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportFromPem(key.PublicKeyPem);
            folder.Write($"{name}.pub", key.PublicKeyPem);
            return $"{name}: {{ spki: \"{Digest.Of(ecdsa.ExportSubjectPublicKeyInfo())}\", file: {name}.pub }}";
        }

        return folder.Write("governance.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: firm, version: 1 }
            spec:
              environments:
                production: { clusters: [3f0c7a52-0000-4000-8000-000000000001], namespaces: [pay] }
              people:
                ann: { id: p-1, keys: [ann] }
                ben: { id: p-2, keys: [ben] }
                cem: { id: p-3, keys: [cem] }
              roles:
                releaser: { people: [ann, ben, cem] }
              trust:
                keys:
                  {{Named("ann", ann)}}
                  {{Named("ben", ben)}}
                  {{Named("cem", cem)}}
              approvals:
                deploy: { require: [{ role: releaser, count: 2 }], useBy: 7d }
              artifacts:
                images:
                  - { match: ["**"], require: { approved: { action: deploy } } }
              admission:
                statements: {{made.Registry}}/governance/statements
                objects:
                  - { resource: configmaps, names: [limits], require: { approved: { action: deploy } } }

            """);
    }

    private static async Task<string> GatesAsync(int exitCode, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var ended = await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, output, error));
        Assert.True(ended == exitCode, $"exit code {ended}\n{output}\n{error}");
        return output.ToString();
    }
}
