using System.Text.Json;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Testing.Registries;
using static Governance.Gates.Tests.Clients.Registries.RegistryReadings;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class ConcurrentAttachTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("gates-layout-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Eight_pushers_at_a_time_lose_no_referrer_without_the_referrers_api()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.ReferrersApi = false;
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        var pushed = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            // A client each: eight processes share no lock.
            using var client = Client();
            return (await client.AttachReferrerAsync(repository, image, Bundle, Layer(Bundle, $"{{\"n\":{i}}}"), CancellationToken.None)).Found();
        }));

        using var index = JsonDocument.Parse(registry.Manifest("app", $"sha256-{image.Hex}")!);
        Assert.Equal(
            pushed.Select(one => (one.ToString(), Bundle)).Order(),
            index.RootElement.GetProperty("manifests").EnumerateArray().Select(one => (one.GetProperty("digest").GetString()!, one.GetProperty("artifactType").GetString()!)).Order());
    }

    [Fact]
    public async Task Eight_signers_at_a_time_lose_no_signature()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        using var shared = Client();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            using var own = Client();
            (await (i % 2 == 0 ? own : shared).AttachToTagAsync(repository, image, CosignTag.Signatures, Signature("payload", $"signature {i}"), CancellationToken.None)).Found();
        }));
        Assert.Equal(8, (await shared.EvidenceAsync(repository, image)).Items.Length);
    }

    [Fact]
    public async Task Eight_writers_at_a_time_lose_nothing_in_a_layout()
    {
        var image = await TestImage.AddToAsync(OciLayout.Create(Path.Combine(folder, "l")));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            var layout = OciLayout.Open(Path.Combine(folder, "l"));
            (await layout.AttachToTagAsync(new("oci-layout.invalid", "l"), image, CosignTag.Signatures, Signature("payload", $"signature {i}"), CancellationToken.None)).Found();
            (await layout.AttachReferrerAsync(new("oci-layout.invalid", "l"), image, Bundle, Layer(Bundle, $"{{\"n\":{i}}}"), CancellationToken.None)).Found();
        }));
        Assert.Equal(16, (await OciLayout.Open(Path.Combine(folder, "l")).EvidenceAsync(new("oci-layout.invalid", "l"), image)).Items.Length);
    }
}
