using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.Registries;
using Microsoft.AspNetCore.Http;
using static Governance.Gates.Tests.Clients.Registries.RegistryReadings;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class EvidenceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("gates-layout-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_registry_gives_back_every_form_that_was_attached(bool referrersApi)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = referrersApi;
        using var client = Client();
        await GivesBackEveryForm(client, registry.Repository("team/app"), await TestImage.PushAsync(registry.Repository("team/app")));
    }

    [Fact]
    public async Task A_layout_gives_back_every_form_that_was_attached()
    {
        var layout = OciLayout.Create(Path.Combine(folder, "layout"));
        await GivesBackEveryForm(layout, new("oci-layout.invalid", "app"), await TestImage.AddToAsync(layout));
        Assert.Empty(Directory.EnumerateFiles(folder, "*.tmp", SearchOption.AllDirectories));
    }

    private static async Task GivesBackEveryForm(IRegistry registry, Repository repository, Digest image)
    {
        var none = CancellationToken.None;
        Assert.Empty((await registry.EvidenceAsync(repository, image)).Items);

        (await registry.AttachToTagAsync(repository, image, CosignTag.Signatures, Signature("payload", "MEUC+a=="), none)).Found();
        (await registry.AttachToTagAsync(repository, image, CosignTag.Signatures, Signature("payload", "MEUC+b=="), none)).Found();
        (await registry.AttachToTagAsync(repository, image, CosignTag.Attestations, Layer(DsseType, "{\"envelope\":1}", ("predicateType", "anything")), none)).Found();
        (await registry.AttachReferrerAsync(repository, image, Bundle, Layer(Bundle, "{\"bundle\":1}", ("org.opencontainers.image.created", "2026-01-02T03:04:05Z")), none)).Found();
        (await registry.AttachReferrerAsync(repository, image, "application/vnd.cyclonedx+json", Layer("application/vnd.cyclonedx+json", "{\"bom\":1}"), none)).Found();

        var evidence = await registry.EvidenceAsync(repository, image);
        Assert.Empty(evidence.Unread);
        Assert.Equal(["MEUC+a==", "MEUC+b=="], evidence.Items.Select(item => item.Entity).OfType<SignedEntity.CosignSignature>().Select(one => one.Signature));
        var envelope = Assert.Single(evidence.Items, item => item.Entity is SignedEntity.Envelope);
        Assert.Equal(Digest.Of("{\"envelope\":1}"u8), envelope.Digest);
        Assert.Equal($"tag sha256-{image.Hex}.att, layer 1", envelope.Where);
        var bundle = Assert.Single(evidence.Items, item => item.Entity is SignedEntity.Bundle);
        Assert.Equal("{\"bundle\":1}", Encoding.UTF8.GetString(((SignedEntity.Bundle)bundle.Entity).Json.Span));
        Assert.Equal(4, evidence.Items.Length);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_signature_made_in_the_referrers_mode_of_cosign_is_found(bool referrersApi)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = referrersApi;
        var image = await TestImage.PushAsync(registry.Repository("app"));
        Refer(registry, "app", image, SimpleSigningType, "payload", config: "application/vnd.dev.cosign.artifact.sig.v1+json", annotations: ",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"MEUC\"}");
        using var client = Client();

        var evidence = await client.EvidenceAsync(registry.Repository("app"), image);
        Assert.Equal("MEUC", Assert.IsType<SignedEntity.CosignSignature>(Assert.Single(evidence.Items).Entity).Signature);
    }

    [Theory]
    [InlineData("application/vnd.dev.sigstore.bundle.v0.3+json")]
    [InlineData("application/vnd.dev.sigstore.bundle+json;version=0.3")]
    [InlineData("application/vnd.dev.sigstore.bundle+json;version=0.2")]
    [InlineData("application/vnd.dev.sigstore.bundle+json;version=0.1")]
    public async Task A_bundle_of_any_version_is_found(string mediaType)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        Refer(registry, "app", image, mediaType, "{}", config: "application/vnd.oci.empty.v1+json");
        using var client = Client();
        Assert.IsType<SignedEntity.Bundle>(Assert.Single((await client.EvidenceAsync(registry.Repository("app"), image)).Items).Entity);
    }

    [Fact]
    public async Task What_cosign_wrote_beside_a_signature_is_read_with_it_and_its_chain_is_not()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        using var client = Client();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        (string, string)[] beside = [("dev.sigstore.cosign/certificate", "a"), ("dev.sigstore.cosign/chain", "b"), ("dev.sigstore.cosign/bundle", "c"), ("dev.sigstore.cosign/rfc3161timestamp", "d")];
        (await client.AttachToTagAsync(repository, image, CosignTag.Signatures, Layer(SimpleSigningType, "payload", [("dev.cosignproject.cosign/signature", "MEUC"), .. beside]), CancellationToken.None)).Found();
        (await client.AttachToTagAsync(repository, image, CosignTag.Attestations, Layer(DsseType, "{}", beside), CancellationToken.None)).Found();
        var items = (await client.EvidenceAsync(repository, image)).Items;
        Assert.Equal(new CosignAnnotations("a", "c", "d"), items.Select(item => item.Entity).OfType<SignedEntity.CosignSignature>().Single().Annotations);
        Assert.Equal(new CosignAnnotations("a", "c", "d"), items.Select(item => item.Entity).OfType<SignedEntity.Envelope>().Single().Annotations);
    }

    [Fact]
    public async Task A_bundle_is_found_although_the_fallback_index_calls_it_empty()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = false;
        var image = await TestImage.PushAsync(registry.Repository("app"));
        Refer(registry, "app", image, Bundle, "{}", config: "application/vnd.oci.empty.v1+json", artifactTypeInIndex: "application/vnd.oci.empty.v1+json");
        using var client = Client();
        Assert.IsType<SignedEntity.Bundle>(Assert.Single((await client.EvidenceAsync(registry.Repository("app"), image)).Items).Entity);
    }

    [Fact]
    public async Task A_listed_manifest_with_another_subject_is_no_evidence_and_is_reported()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = false;
        var image = await TestImage.PushAsync(registry.Repository("app"));
        Refer(registry, "app", image, Bundle, "{}", subject: Digest.Of("another"u8));
        using var client = Client();
        var evidence = await client.EvidenceAsync(registry.Repository("app"), image);
        Assert.Empty(evidence.Items);
        Assert.Contains("its own subject is another", Assert.Single(evidence.Unread).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_cosign_tag_has_the_shape_that_cosign_writes()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        using var client = Client();
        await client.AttachToTagAsync(registry.Repository("app"), image, CosignTag.Signatures, Signature("one", "a"), CancellationToken.None);
        var manifest = (await client.AttachToTagAsync(registry.Repository("app"), image, CosignTag.Signatures, Signature("two", "b"), CancellationToken.None)).Found();

        var text = Encoding.UTF8.GetString(registry.Manifest("app", $"sha256-{image.Hex}.sig")!);
        Assert.Equal(manifest, Digest.Of(Encoding.UTF8.GetBytes(text)));

        // 342 bytes of configuration for two layers, as cosign 2.5 leaves behind.
        Assert.StartsWith("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":342,", text, StringComparison.Ordinal);
        Assert.Contains("\"layers\":[{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"size\":3,\"digest\":\"sha256:", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attaching_the_same_signature_twice_keeps_it_once()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        using var client = Client();
        var first = (await client.AttachToTagAsync(registry.Repository("app"), image, CosignTag.Signatures, Signature("one", "a"), CancellationToken.None)).Found();
        Assert.Equal(first, (await client.AttachToTagAsync(registry.Repository("app"), image, CosignTag.Signatures, Signature("one", "a"), CancellationToken.None)).Found());
    }

    [Fact]
    public async Task Evidence_is_found_in_three_rounds_of_requests()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        using var client = Client();
        await client.AttachToTagAsync(repository, image, CosignTag.Signatures, Signature("one", "a"), CancellationToken.None);
        await client.AttachToTagAsync(repository, image, CosignTag.Attestations, Layer(DsseType, "{}"), CancellationToken.None);
        for (var i = 0; i < 3; i++)
        {
            await client.AttachReferrerAsync(repository, image, Bundle, Layer(Bundle, $"{{\"n\":{i}}}"), CancellationToken.None);
        }

        // Each round is held until all of its requests are there: a client that asked for them in turn would never be answered.
        int[] rounds = [4, 2 + 3, 3];
        var arrived = 0;
        var open = rounds.Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        registry.Override = async context =>
        {
            var number = Interlocked.Increment(ref arrived);
            var round = number <= 4 ? 0 : number <= 9 ? 1 : 2;
            if (number == rounds.Take(round + 1).Sum())
            {
                open[round].SetResult();
            }

            await open[round].Task.WaitAsync(context.RequestAborted);
            return false;
        };
        var evidence = await client.EvidenceAsync(repository, image);
        Assert.Empty(evidence.Unread);
        Assert.Equal(5, evidence.Items.Length);
        Assert.Equal(rounds.Sum(), arrived);
    }

    [Theory, InlineData(400), InlineData(404), InlineData(405), InlineData(501)]
    public async Task A_registry_without_the_referrers_api_is_read_completely(int status)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        registry.Override = context =>
        {
            var referrers = context.Request.Path.Value!.Contains("/referrers/", StringComparison.Ordinal);
            context.Response.StatusCode = referrers ? status : 200;
            return Task.FromResult(referrers);
        };
        using var client = Client();
        Assert.Empty((await client.EvidenceAsync(registry.Repository("app"), image)).Unread);
    }

    /// <summary>GHCR sends who asks for referrers to another host, and cosign's fallback tag holds them.</summary>
    [Theory]
    [InlineData(404, "", 0)]
    [InlineData(200, "<html>", 1)]
    public async Task A_registry_that_sends_who_asks_for_referrers_elsewhere_is_read_by_its_fallback_tag(int status, string answer, int unread)
    {
        await using var elsewhere = await LoopbackRegistry.StartAsync();
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = false;
        var image = await TestImage.PushAsync(registry.Repository("app"));
        Refer(registry, "app", image, Bundle, "{}");
        registry.Override = context =>
        {
            var referrers = context.Request.Path.Value!.Contains("/referrers/", StringComparison.Ordinal);
            if (referrers)
            {
                context.Response.StatusCode = 303;
                context.Response.Headers.Location = $"http://{elsewhere.Host}/login";
            }

            return Task.FromResult(referrers);
        };
        elsewhere.Override = async context =>
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(answer);
            return true;
        };
        using var client = Client();
        var evidence = await client.EvidenceAsync(registry.Repository("app"), image);
        Assert.IsType<SignedEntity.Bundle>(Assert.Single(evidence.Items).Entity);
        Assert.Equal(unread, evidence.Unread.Length);
    }

    [Fact]
    public async Task A_list_of_referrers_is_read_to_its_last_page()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.PageSize = 2;
        var image = await TestImage.PushAsync(registry.Repository("app"));
        for (var i = 0; i < 7; i++)
        {
            Refer(registry, "app", image, Bundle, $"{{\"n\":{i}}}");
        }

        using var client = Client();
        var evidence = await client.EvidenceAsync(registry.Repository("app"), image);
        Assert.Empty(evidence.Unread);
        Assert.Equal(7, evidence.Items.Length);
    }

    [Fact]
    public async Task A_tag_resolves_to_the_hash_of_its_manifest_and_an_index_to_its_own()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var (index, amd64, _) = await TestImage.PushIndexAsync(registry.Repository("app"), "v1");
        using var client = Client();
        Assert.Equal(index, (await client.ResolveAsync(ImageReference.Parse($"{registry.Host}/app:v1"), CancellationToken.None)).Found());
        Assert.Equal(amd64, Digest.Of((await client.ReadManifestAsync(registry.Repository("app"), amd64, CancellationToken.None)).Found().Span));
        Assert.Contains("has no tag 'v2'", (await client.ResolveAsync(ImageReference.Parse($"{registry.Host}/app:v2"), CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
    }

    /// <summary>Stores a referrer, and lists it in the fallback index where there is no API.</summary>
    internal static Digest Refer(
        LoopbackRegistry registry, string repository, Digest image, string layerType, string content,
        string config = "application/vnd.oci.empty.v1+json", string annotations = "", string artifactTypeInIndex = Bundle, Digest? subject = null)
    {
        var layer = registry.AddBlob(repository, Encoding.UTF8.GetBytes(content));
        var empty = registry.AddBlob(repository, "{}"u8.ToArray());
        var manifest = Encoding.UTF8.GetBytes(
            "{\"schemaVersion\":2,\"mediaType\":\"" + TestImage.ManifestType + "\",\"config\":{\"mediaType\":\"" + config + "\",\"digest\":\"" + empty + "\",\"size\":2},"
            + "\"layers\":[{\"mediaType\":\"" + layerType + "\",\"digest\":\"" + layer + "\",\"size\":" + Encoding.UTF8.GetByteCount(content) + annotations + "}],"
            + "\"subject\":{\"mediaType\":\"" + TestImage.ManifestType + "\",\"digest\":\"" + (subject ?? image) + "\",\"size\":10}}");
        var digest = registry.AddManifest(repository, manifest, TestImage.ManifestType);
        if (!registry.ReferrersApi)
        {
            var index = "{\"schemaVersion\":2,\"mediaType\":\"" + TestImage.IndexType + "\",\"manifests\":[{\"mediaType\":\"" + TestImage.ManifestType + "\",\"digest\":\"" + digest
                + "\",\"size\":" + manifest.Length + ",\"artifactType\":\"" + artifactTypeInIndex + "\"}]}";
            registry.AddManifest(repository, Encoding.UTF8.GetBytes(index), TestImage.IndexType, $"sha256-{image.Hex}");
        }

        return digest;
    }
}
