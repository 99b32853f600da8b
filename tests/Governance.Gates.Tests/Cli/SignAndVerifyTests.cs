using System.Text.Json;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.Registries;
using MediaTypes = Governance.Gates.Sigstore.MediaTypes;

namespace Governance.Gates.Tests.Cli;

public sealed class SignAndVerifyTests : IDisposable
{
    private readonly Workbench bench = new();

    public static TheoryData<string> Formats => ["cosign", "bundle"];

    [Theory, MemberData(nameof(Formats))]
    public async Task What_is_signed_in_a_layout_verifies_there(string format)
    {
        var (secret, key) = bench.Key("release");
        var digest = await bench.AddImageAsync();
        var signed = await bench.GatesAsync("sign", $"oci:{bench.Layout}:v1", "--as", Workbench.Repository, "--key", secret, "--format", format, "--output", "json");
        Assert.Equal(0, signed.ExitCode);
        Assert.Equal(digest.ToString(), signed.Json().GetProperty("digest").GetString());
        Assert.Contains($"signing {Workbench.Repository}@{digest}", signed.Error, StringComparison.Ordinal);

        var verified = await bench.GatesAsync("verify", $"oci:{bench.Layout}:v1", "--as", Workbench.Repository, "--key", key);
        Assert.Equal(0, verified.ExitCode);
        Assert.StartsWith($"allow: {Workbench.Repository}@{digest}\n", verified.Output, StringComparison.Ordinal);
        Assert.Contains("accepted: ", verified.Output, StringComparison.Ordinal);
        Assert.Contains($"resolved: oci:{bench.Layout}:v1 is {digest}", verified.Output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task What_is_signed_in_a_registry_verifies_there_by_tag_and_by_digest(string format)
    {
        var (secret, key) = bench.Key("release");
        await using var registry = await LoopbackRegistry.StartAsync();
        var digest = await TestImage.PushAsync(registry.Repository("shop/app"), "v1");
        var image = $"{registry.Host}/shop/app";
        Assert.Equal(0, (await bench.GatesAsync("sign", $"{image}:v1", "--key", secret, "--format", format)).ExitCode);
        foreach (var name in (string[])[$"{image}:v1", $"{image}@{digest}"])
        {
            var verified = await bench.GatesAsync("verify", name, "--key", key, "--output", "json");
            Assert.Equal(0, verified.ExitCode);
            var json = verified.Json();
            Assert.Equal("allow", json.GetProperty("verdict").GetString());
            Assert.Equal(digest.ToString(), json.GetProperty("subjects")[0].GetProperty("digest").GetString());
            Assert.True(json.GetProperty("evidence")[0].GetProperty("accepted").GetBoolean());
        }
    }

    [Fact]
    public async Task An_image_that_is_not_there_is_not_signed()
    {
        var (secret, _) = bench.Key("release");
        await using var registry = await LoopbackRegistry.StartAsync();
        await TestImage.PushAsync(registry.Repository("shop/app"), "v1");
        var absent = Digest.Of("never pushed"u8);

        var run = await bench.GatesAsync("sign", $"{registry.Host}/shop/app@{absent}", "--key", secret);

        Assert.Equal(ExitCode.Unknown, run.ExitCode);
        Assert.Contains(absent.ToString(), run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("signed:", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_verdict_that_cannot_be_written_is_no_allow()
    {
        using var full = new FullDisk();
        var terminal = new Terminal(Stream.Null, full, TextWriter.Null);
        Assert.Equal(ExitCode.Unknown, await GatesCommand.RunAsync(["version"], terminal, TestContext.Current.CancellationToken));
    }

    private sealed class FullDisk : StringWriter
    {
        public override void Write(string? value) => throw new IOException("No space left on device");

        public override void Write(char value) => throw new IOException("No space left on device");

        public override void Flush() => throw new IOException("No space left on device");
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Another_key_is_refused_with_its_code_and_one_of_several_suffices(string format)
    {
        var (secret, key) = bench.Key("release");
        var (_, other) = bench.Key("other");
        await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret, "--format", format);
        var refused = await bench.GatesAsync("verify", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", other, "--output", "json");
        Assert.Equal(1, refused.ExitCode);
        var evidence = refused.Json().GetProperty("evidence")[0];
        Assert.False(evidence.GetProperty("accepted").GetBoolean());
        Assert.Contains(evidence.GetProperty("code").GetString(), (string[])[nameof(RejectionCode.SignatureMismatch), nameof(RejectionCode.UnknownKey)]);
        Assert.Equal(0, (await bench.GatesAsync("verify", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", other, "--key", key)).ExitCode);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_signature_moved_from_another_repository_is_refused_unless_any_is_asked_for(string format)
    {
        var (secret, key) = bench.Key("release");
        await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", "registry.example.com/elsewhere/app", "--key", secret, "--format", format);
        string[] verify = ["verify", $"oci:{bench.Layout}", "--key", key];
        var moved = await bench.GatesAsync([.. verify, "--as", Workbench.Repository]);
        Assert.Equal(1, moved.ExitCode);
        Assert.Contains("is for registry.example.com/elsewhere/app", moved.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await bench.GatesAsync([.. verify, "--as", Workbench.Repository, "--repository", "any"])).ExitCode);
        var unknown = await bench.GatesAsync(verify);
        Assert.Equal(0, unknown.ExitCode);
        Assert.Contains("the repository of a layout is not known", unknown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unsigned_image_is_denied_with_a_remedy()
    {
        var (_, key) = bench.Key("release");
        await bench.AddImageAsync();
        var ended = await bench.GatesAsync("verify", $"oci:{bench.Layout}", "--key", key);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("has no signature; have it signed by", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_that_is_not_there_and_a_registry_that_is_not_there_are_unknown()
    {
        var (secret, key) = bench.Key("release");
        await bench.AddImageAsync();
        var noTag = await bench.GatesAsync("verify", $"oci:{bench.Layout}:other", "--key", key, "--output", "json");
        Assert.Equal(2, noTag.ExitCode);
        Assert.Equal("unknown", noTag.Json().GetProperty("verdict").GetString());
        var closed = await bench.GatesAsync("verify", "127.0.0.1:1/shop/app@sha256:" + new string('1', 64), "--key", key);
        Assert.Equal(2, closed.ExitCode);
        Assert.StartsWith("unknown: ", closed.Output, StringComparison.Ordinal);
        var unsignable = await bench.GatesAsync("sign", $"oci:{bench.Layout}:other", "--as", Workbench.Repository, "--key", secret);
        Assert.Equal(2, unsignable.ExitCode);
        Assert.Empty(unsignable.Output);
    }

    [Fact]
    public async Task An_attestation_of_exactly_the_asked_type_is_needed()
    {
        var (secret, key) = bench.Key("release");
        var digest = await bench.AddImageAsync();
        await AttestAsync(digest, secret, PredicateTypes.SlsaProvenance);
        string[] verify = ["verify", $"oci:{bench.Layout}", "--key", key, "--type"];
        Assert.Equal(0, (await bench.GatesAsync([.. verify, "slsaprovenance1"])).ExitCode);
        Assert.Equal(0, (await bench.GatesAsync([.. verify, PredicateTypes.SlsaProvenance])).ExitCode);
        var other = await bench.GatesAsync([.. verify, "slsaprovenance"]);
        Assert.Equal(1, other.ExitCode);
        Assert.Contains($"not a {PredicateTypes.SlsaProvenanceV02}", other.Output, StringComparison.Ordinal);
        var signature = await bench.GatesAsync("verify", $"oci:{bench.Layout}", "--key", key);
        Assert.Equal(1, signature.ExitCode);
    }

    [Fact]
    public async Task A_signature_is_no_attestation()
    {
        var (secret, key) = bench.Key("release");
        await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret);
        var ended = await bench.GatesAsync("verify", $"oci:{bench.Layout}", "--key", key, "--type", "cyclonedx");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("is a signature, not a https://cyclonedx.org/bom", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encrypted_key_takes_its_password_from_the_environment_or_a_file()
    {
        var word = Guid.NewGuid().ToString("N");
        var (secret, _) = bench.Key("release", word);
        await bench.AddImageAsync();
        string[] sign = ["sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret];
        var without = await bench.GatesAsync(sign);
        Assert.Equal(2, without.ExitCode);
        Assert.Contains("GATES_KEY_PASSWORD", without.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await bench.GatesAsync([.. sign, "--password-file", bench.Folder.Write("word", word + "\n")])).ExitCode);
        bench.Set("GATES_KEY_PASSWORD", "wrong-" + word);
        var wrong = await bench.GatesAsync(sign);
        Assert.Equal(2, wrong.ExitCode);
        Assert.DoesNotContain(word, wrong.Error, StringComparison.Ordinal);
        bench.Set("GATES_KEY_PASSWORD", word);
        Assert.Equal(0, (await bench.GatesAsync(sign)).ExitCode);
    }

    [Fact]
    public async Task Annotations_are_signed()
    {
        var (secret, _) = bench.Key("release");
        var digest = await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret, "--annotation", "team=ml", "--annotation", "note=a=b");
        var found = await OciLayout.Open(bench.Layout).FindEvidenceAsync(ImageReference.Parse(Workbench.Repository).Repository, digest, default);
        var item = Assert.Single(Assert.IsType<Reading<Gates.Evidence.AttachedEvidence>.Found>(found).Value.Items);
        var payload = JsonDocument.Parse(Assert.IsType<SignedEntity.CosignSignature>(item.Entity).Payload).RootElement;
        Assert.Equal("a=b", payload.GetProperty("optional").GetProperty("note").GetString());
    }

    [Fact]
    public async Task A_policy_decides_by_repository_namespace_and_signature()
    {
        var (secret, key) = bench.Key("release");
        var (_, other) = bench.Key("other");
        await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret);
        async Task<Ended> VerifyAsync(string policy, string repository, params string[] more) =>
            await bench.GatesAsync(["verify", $"oci:{bench.Layout}", "--as", repository, "--policy", policy, "--output", "json", .. more]);

        var good = bench.Policy(key);
        var allowed = (await VerifyAsync(good, Workbench.Repository)).Json();
        Assert.Equal("allow", allowed.GetProperty("verdict").GetString());
        Assert.Equal("shop", allowed.GetProperty("policy").GetProperty("name").GetString());
        Assert.Equal("deny", (await VerifyAsync(good, "registry.example.com/unnamed/app")).Json().GetProperty("verdict").GetString());
        Assert.Equal("warn", (await VerifyAsync(good, "registry.example.com/old/app")).Json().GetProperty("verdict").GetString());
        Assert.Equal("deny", (await VerifyAsync(bench.Policy(other), Workbench.Repository)).Json().GetProperty("verdict").GetString());

        var scoped = bench.Policy(key, scope: "in: { environments: [production] }");
        Assert.Equal(2, (await VerifyAsync(scoped, Workbench.Repository, "--namespace", "trading")).ExitCode);
        Assert.Equal(0, (await VerifyAsync(scoped, Workbench.Repository, "--namespace", "trading", "--cluster-uid", "3f0c7a52-0000-4000-8000-000000000001")).ExitCode);
        Assert.Equal(1, (await VerifyAsync(scoped, Workbench.Repository, "--namespace", "other", "--cluster-uid", "3f0c7a52-0000-4000-8000-000000000001")).ExitCode);
    }

    [Fact]
    public async Task A_layout_stands_in_for_the_registry_that_a_reference_names()
    {
        var (secret, key) = bench.Key("release");
        var digest = await bench.AddImageAsync();
        await bench.GatesAsync("sign", $"oci:{bench.Layout}", "--as", Workbench.Repository, "--key", secret);
        var ended = await bench.GatesAsync("verify", $"{Workbench.Repository}@{digest}", "--key", key, "--layout", bench.Layout, "--output", "markdown");
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("### allow: ", ended.Output, StringComparison.Ordinal);
    }

    private async Task AttestAsync(Digest digest, string secret, string type)
    {
        using var signer = EcdsaSigner.FromPem(await File.ReadAllTextAsync(secret), "");
        var statement = InTotoStatement.Write([Subject.OfSha256(Workbench.Repository, Convert.FromHexString(digest.Hex))], type, "{}"u8);
        var bundle = await SigstoreBundle.SignStatementAsync(statement, signer, default);
        await OciLayout.Open(bench.Layout).AttachReferrerAsync(ImageReference.Parse(Workbench.Repository).Repository, digest, MediaTypes.Bundle, new(MediaTypes.Bundle, bundle.Json, new Dictionary<string, string>()), default);
    }

    public void Dispose() => bench.Dispose();
}
