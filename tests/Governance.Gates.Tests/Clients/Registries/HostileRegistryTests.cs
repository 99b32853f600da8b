using System.IO.Compression;
using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Testing.Registries;
using Microsoft.AspNetCore.Http;
using static Governance.Gates.Tests.Clients.Registries.RegistryReadings;

namespace Governance.Gates.Tests.Clients.Registries;

/// <summary>A registry that lies, floods or stalls is an answer, never an exception; what the rest of it says is kept.</summary>
public sealed class HostileRegistryTests
{
    private static readonly RegistryLimits Limits = new() { Referrers = 32 };

    public static TheoryData<string, string> Lies => new()
    {
        { "other bytes for a layer", "other bytes than sha256:" },
        { "other bytes for a manifest", "other bytes than sha256:" },
        { "a digest header that differs", "than its Docker-Content-Digest names" },
        { "a digest header that is none", "than its Docker-Content-Digest names" },
        { "pages without end", "pages" },
        { "one page for ever", "one page twice" },
        { "pages elsewhere", "at another address" },
        { "a layer of 1 GiB", "sent more than" },
        { "a layer that drips", "within 1 s" },
        { "a layer cut short", "broke off" },
        { "a layer of another size", "other bytes than sha256:" },
        { "redirects without end", "redirects more than 5 times" },
        { "a redirect to a metadata endpoint", "to a link-local address" },
        { "a redirect to a file", "to something that is not https" },
        { "gzip", "compressed" },
        { "gzip without saying so", "other bytes than sha256:" },
        { "headers without end", "headers beyond" },
        { "ten thousand referrers", "more than 32 referrers" },
        { "ten thousand layers", "has 10000 layers, more than 128" },
        { "a property twice", "has a property twice" },
        { "JSON without end", "is not JSON" },
        { "a manifest that is an index too", "both layers and manifests" },
        { "500", "answered 500" },
        { "403", "answered 403" },
        { "a descriptor that claims 1 TiB", "more than the" },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task A_lie_is_reported_and_the_other_evidence_is_kept(string lie, string reported)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);

        // Only what drips waits for its limit: elsewhere a busy machine would be taken for it.
        using var client = Client(lie == "a layer that drips" ? Limits with { RequestTimeout = TimeSpan.FromSeconds(1) } : Limits);
        (await client.AttachToTagAsync(repository, image, CosignTag.Signatures, Signature("honest", "a"), CancellationToken.None)).Found();
        var bundle = Layer(Bundle, "{\"bundle\":" + new string('1', 2000) + "}");
        (await client.AttachReferrerAsync(repository, image, Bundle, bundle, CancellationToken.None)).Found();

        registry.Override = context => LieAsync(context, lie, image, Digest.Of(bundle.Content.Span));
        var evidence = await client.EvidenceAsync(repository, image);
        Assert.Contains(evidence.Items, item => item.Digest == Digest.Of("honest"u8));
        Assert.Contains(evidence.Unread, why => why.Message.Contains(reported, StringComparison.Ordinal) && why.Remedy is { Length: > 0 });
        Assert.DoesNotContain(evidence.Unread, why => why.Message.Contains('\n', StringComparison.Ordinal));
    }

    private static async Task<bool> LieAsync(HttpContext context, string lie, Digest image, Digest bundle)
    {
        var (path, response) = (context.Request.Path.Value!, context.Response);
        var layer = path.EndsWith($"/blobs/{bundle}", StringComparison.Ordinal);
        var referrers = path.Contains("/referrers/", StringComparison.Ordinal);
        var fallback = path.EndsWith($"/manifests/sha256-{image.Hex}", StringComparison.Ordinal);
        var manifest = path.Contains("/manifests/sha256:", StringComparison.Ordinal);
        const string emptyIndex = "{\"schemaVersion\":2,\"manifests\":[]}";
        switch (lie)
        {
            case "other bytes for a layer" when layer:
            case "other bytes for a manifest" when manifest:
                return await Send(Encoding.UTF8.GetBytes("{}" + new string(' ', 2000 + "{\"bundle\":}".Length - 2)));
            case "a digest header that differs" when fallback:
                response.Headers["Docker-Content-Digest"] = image.ToString();
                return await Send(Encoding.UTF8.GetBytes(emptyIndex));
            case "a digest header that is none" when fallback:
                response.Headers["Docker-Content-Digest"] = "yes";
                return await Send(Encoding.UTF8.GetBytes(emptyIndex));
            case "pages without end" when referrers:
                response.Headers.Link = $"<{path}?n={Guid.NewGuid():n}>; rel=\"next\"";
                return await Send(Encoding.UTF8.GetBytes(emptyIndex));
            case "one page for ever" when referrers:
                response.Headers.Link = $"<{path}>; rel=\"next\"";
                return await Send(Encoding.UTF8.GetBytes(emptyIndex));
            case "pages elsewhere" when referrers:
                response.Headers.Link = "<http://127.0.0.2/v2/>; rel=\"next\"";
                return await Send(Encoding.UTF8.GetBytes(emptyIndex));
            case "a layer of 1 GiB" when layer:
                for (var chunk = new byte[1 << 20]; !context.RequestAborted.IsCancellationRequested && response.HttpContext.Items.Count < 1024; response.HttpContext.Items[response.HttpContext.Items.Count] = 1)
                {
                    await response.Body.WriteAsync(chunk, context.RequestAborted);
                }

                return true;
            case "a layer that drips" when layer:
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await response.Body.WriteAsync(" "u8.ToArray(), context.RequestAborted);
                    await response.Body.FlushAsync(context.RequestAborted);
                    await Task.Delay(20, context.RequestAborted);
                }

                return true;
            case "a layer cut short" when layer:
                response.ContentLength = 2000;
                await response.Body.WriteAsync("{"u8.ToArray());
                context.Abort();
                return true;
            case "a layer of another size" when layer:
                return await Send("{}"u8.ToArray());
            case "redirects without end" when layer:
                return Redirect($"{path}?{Guid.NewGuid():n}");
            case "a redirect to a metadata endpoint" when layer:
                return Redirect("https://169.254.169.254/latest/meta-data/");
            case "a redirect to a file" when layer:
                return Redirect("file:///etc/passwd");
            case "gzip" when layer:
                response.Headers.ContentEncoding = "gzip";
                return await Send(Bomb());
            case "gzip without saying so" when layer:
                return await Send(Bomb());
            case "headers without end" when layer:
                for (var i = 0; i < 100; i++)
                {
                    response.Headers[$"X-{i}"] = new string('a', 1000);
                }

                return await Send("{}"u8.ToArray());
            case "ten thousand referrers" when referrers:
                var many = Enumerable.Range(0, 10_000).Select(i => $"{{\"mediaType\":\"{TestImage.ManifestType}\",\"digest\":\"sha256:{i:x64}\",\"size\":10}}");
                return await Send(Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"manifests\":[{string.Join(',', many)}]}}"));
            case "ten thousand layers" when path.EndsWith($"/manifests/sha256-{image.Hex}.att", StringComparison.Ordinal):
                var layers = Enumerable.Range(0, 10_000).Select(i => $"{{\"mediaType\":\"{DsseType}\",\"digest\":\"sha256:{i:x64}\",\"size\":10}}");
                return await Send(Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"layers\":[{string.Join(',', layers)}]}}"));
            case "a property twice" when fallback:
                return await Send("{\"manifests\":[],\"manifests\":[]}"u8.ToArray());
            case "JSON without end" when fallback:
                return await Send(Encoding.UTF8.GetBytes(new string('[', 1 << 20)));
            case "a manifest that is an index too" when fallback:
                return await Send("{\"manifests\":[],\"layers\":[]}"u8.ToArray());
            case "500" when layer:
                response.StatusCode = 500;
                return true;
            case "403" when layer:
                response.StatusCode = 403;
                return true;
            case "a descriptor that claims 1 TiB" when referrers:
                return await Send(Encoding.UTF8.GetBytes($"{{\"manifests\":[{{\"digest\":\"{image}\",\"size\":1099511627776}}]}}"));
            default:
                return false;
        }

        async Task<bool> Send(byte[] bytes)
        {
            await LoopbackRegistry.WriteAsync(context, bytes, "application/json");
            return true;
        }

        bool Redirect(string location)
        {
            response.StatusCode = 307;
            response.Headers.Location = location;
            return true;
        }
    }

    private static byte[] Bomb()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(new byte[1 << 20]);
        }

        return packed.ToArray();
    }

    [Fact]
    public async Task A_registry_that_is_not_there_is_unread_as_a_whole()
    {
        var registry = await LoopbackRegistry.StartAsync();
        await registry.DisposeAsync();
        using var client = Client(Limits);
        var why = (await client.FindEvidenceAsync(registry.Repository("app"), Digest.Of("x"u8), CancellationToken.None)).Unread();
        Assert.Contains("could not be connected to", why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_fetched_twice_with_other_bytes_is_never_believed()
    {
        // CVE-2022-47633: a registry answered the second fetch with another manifest.
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        using var client = Client(Limits);
        (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Found();
        registry.Override = async context =>
        {
            await LoopbackRegistry.WriteAsync(context, new TestImage().Manifest, TestImage.ManifestType);
            return true;
        };
        Assert.Contains("other bytes", (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(6, "sent more than 6 bytes"), InlineData(8, "which is listed with 8"), InlineData(long.MaxValue, "more than the")]
    public async Task A_layer_listed_with_a_wrong_size_is_unread(long size, string because)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        var layer = registry.AddBlob("app", "{\"a\":1}"u8.ToArray());
        var manifest = $"{{\"layers\":[{{\"mediaType\":\"{DsseType}\",\"digest\":\"{layer}\",\"size\":{size}}}]}}";
        registry.AddManifest("app", Encoding.UTF8.GetBytes(manifest), TestImage.ManifestType, $"sha256-{image.Hex}.att");
        using var client = Client(Limits);
        var evidence = await client.EvidenceAsync(registry.Repository("app"), image);
        Assert.Empty(evidence.Items);
        Assert.Contains(because, Assert.Single(evidence.Unread).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evidence_beyond_the_total_is_not_fetched()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var repository = registry.Repository("app");
        var image = await TestImage.PushAsync(repository);
        using var client = Client(Limits with { TotalEvidenceBytes = 1500 });
        foreach (var letter in "ab")
        {
            await client.AttachToTagAsync(repository, image, CosignTag.Attestations, Layer(DsseType, new string(letter, 1000)), CancellationToken.None);
        }

        var evidence = await client.EvidenceAsync(repository, image);
        Assert.Single(evidence.Items);
        Assert.Contains("more evidence", Assert.Single(evidence.Unread).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_is_the_only_thing_that_throws()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        using var ended = new CancellationTokenSource();
        registry.Override = async context =>
        {
            await ended.CancelAsync();
            return false;
        };
        using var client = Client();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.FindEvidenceAsync(registry.Repository("app"), Digest.Of("x"u8), ended.Token));
    }
}
