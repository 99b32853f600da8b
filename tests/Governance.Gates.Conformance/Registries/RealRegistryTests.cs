using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Conformance.Registries;

/// <summary>The client against a real registry, and the loopback registry against a real client, so that both do not share one mistake.</summary>
public sealed class RealRegistryTests
{
    private const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";

    private static EvidenceLayer Layer(string content) => new(Bundle, Encoding.UTF8.GetBytes(content), new Dictionary<string, string>());

    private static T Found<T>(Reading<T> reading) => reading is Reading<T>.Found(var value) ? value : throw new InvalidOperationException(((Reading<T>.Unread)reading).Reason.ToString());

    private static OciRegistry Client() => new(new(), DockerCredentials.Anonymous, TimeProvider.System);

    [Fact]
    public async Task What_is_attached_to_an_image_in_docker_registry_is_found_there()
    {
        SkipWithout(Peers.DockerRegistry);
        await using var registry = await DockerRegistry.StartAsync();
        var repository = registry.Repository("team/app");
        var (index, amd64, _) = await TestImage.PushIndexAsync(repository, "v1");
        using var client = Client();
        Assert.Equal(index, Found(await client.ResolveAsync(ImageReference.Parse($"{registry.Host}/team/app:v1"), CancellationToken.None)));
        var signature = new EvidenceLayer("application/vnd.dev.cosign.simplesigning.v1+json", "payload"u8.ToArray(), new Dictionary<string, string> { ["dev.cosignproject.cosign/signature"] = "MEUC" });
        Found(await client.AttachToTagAsync(repository, index, CosignTag.Signatures, signature, CancellationToken.None));
        Found(await client.AttachReferrerAsync(repository, index, Bundle, Layer("{}"), CancellationToken.None));

        var evidence = Found(await client.FindEvidenceAsync(repository, index, CancellationToken.None));
        Assert.Empty(evidence.Unread);
        Assert.Equal(2, evidence.Items.Length);
        Assert.Empty(Found(await client.FindEvidenceAsync(repository, amd64, CancellationToken.None)).Items);
    }

    [Fact]
    public async Task Eight_pushers_at_a_time_lose_no_referrer_in_docker_registry()
    {
        SkipWithout(Peers.DockerRegistry);
        await using var registry = await DockerRegistry.StartAsync();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            using var client = Client();
            var attached = await client.AttachReferrerAsync(repository, image, Bundle, Layer($"{{\"n\":{i}}}"), CancellationToken.None);
            Assert.True(attached is Reading<Digest>.Found, $"{attached}\n{registry.Output}");
        }));
        using var reader = Client();
        Assert.Equal(8, Found(await reader.FindEvidenceAsync(repository, image, CancellationToken.None)).Items.Length);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Oras_discovers_what_the_client_attached_to_the_loopback_registry(bool referrersApi)
    {
        SkipWithout(Peers.Oras);
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = referrersApi;
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        using var client = Client();
        var referrer = Found(await client.AttachReferrerAsync(repository, image, Bundle, Layer("{}"), CancellationToken.None));
        var printed = await OrasAsync("discover", "--plain-http", "--format", "json", "--artifact-type", Bundle, $"{repository}@{image}");
        Assert.Contains(referrer.ToString(), printed, StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task What_oras_attaches_to_the_loopback_registry_is_found(bool referrersApi)
    {
        SkipWithout(Peers.Oras);
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = referrersApi;
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        using var folder = new TemporaryFolder();
        await OrasAsync("attach", "--plain-http", "--disable-path-validation", "--artifact-type", Bundle, $"{repository}@{image}", $"{folder.Write("bundle.json", "{\"bundle\":1}")}:{Bundle}");

        using var client = Client();
        Assert.Equal(Digest.Of("{\"bundle\":1}"u8), Assert.Single(Found(await client.FindEvidenceAsync(repository, image, CancellationToken.None)).Items).Digest);
    }

    [Fact]
    public async Task Oras_reads_a_layout_that_was_made_here()
    {
        SkipWithout(Peers.Oras);
        using var folder = new TemporaryFolder();
        var layout = OciLayout.Create(folder.PathOf("layout"));
        var image = await TestImage.AddToAsync(layout, "v1");
        var referrer = Found(await layout.AttachReferrerAsync(new("oci-layout.invalid", "l"), image, Bundle, Layer("{}"), CancellationToken.None));
        Assert.Contains(referrer.ToString(), await OrasAsync("discover", "--oci-layout", "--format", "json", $"{folder.PathOf("layout")}:v1"), StringComparison.Ordinal);
    }

    private static void SkipWithout(Peer peer) => Assert.SkipWhen(!peer.IsInstalled, peer.WhyNot);

    private static async Task<string> OrasAsync(params string[] arguments) => (await Command.RunAsync(Peers.Oras.Require(), arguments)).Succeeded().Output;
}
