using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Testing.Registries;

/// <summary>A tiny image, new each time, or an index of two; pushed to a registry or put into a layout.</summary>
public sealed class TestImage
{
    /// <summary>The media type of its manifest.</summary>
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>The media type of an index.</summary>
    public const string IndexType = "application/vnd.oci.image.index.v1+json";

    private readonly byte[] layer = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
    private readonly byte[] config;

    /// <summary>Makes an image for an architecture.</summary>
    public TestImage(string architecture = "amd64")
    {
        Architecture = architecture;
        config = Encoding.ASCII.GetBytes($$"""{"architecture":"{{architecture}}","os":"linux","rootfs":{"type":"layers","diff_ids":["{{Digest.Of(layer)}}"]} }""");
        Manifest = Encoding.ASCII.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{ManifestType}}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{Digest.Of(config)}}","size":{{config.Length}} },"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{Digest.Of(layer)}}","size":{{layer.Length}} }]}""");
    }

    /// <summary>The architecture.</summary>
    public string Architecture { get; }

    /// <summary>The manifest's bytes.</summary>
    public byte[] Manifest { get; }

    /// <summary>The manifest's digest.</summary>
    public Digest Digest => Digest.Of(Manifest);

    /// <summary>An index of images.</summary>
    public static byte[] Index(params ReadOnlySpan<TestImage> images)
    {
        var entries = new List<string>();
        foreach (var image in images)
        {
            entries.Add($$"""{"mediaType":"{{ManifestType}}","digest":"{{image.Digest}}","size":{{image.Manifest.Length}},"platform":{"architecture":"{{image.Architecture}}","os":"linux"} }""");
        }

        return Encoding.ASCII.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{IndexType}}","manifests":[{{string.Join(',', entries)}}]}""");
    }

    /// <summary>Pushes a new image over plain http.</summary>
    public static async Task<Digest> PushAsync(Repository repository, string tag = "latest", AuthenticationHeaderValue? authorization = null)
    {
        var image = new TestImage();
        await image.PushToAsync(repository, tag, authorization);
        return image.Digest;
    }

    /// <summary>Pushes a new index of two platforms over plain http.</summary>
    /// <returns>The index and its children.</returns>
    public static async Task<(Digest Index, Digest Amd64, Digest Arm64)> PushIndexAsync(Repository repository, string tag = "latest")
    {
        var (amd64, arm64) = (new TestImage(), new TestImage("arm64"));
        await amd64.PushToAsync(repository, null);
        await arm64.PushToAsync(repository, null);
        using var http = new HttpClient();
        var index = Index(amd64, arm64);
        await PutAsync(http, repository, tag, index, IndexType);
        return (Digest.Of(index), amd64.Digest, arm64.Digest);
    }

    /// <summary>Puts a new image into a layout.</summary>
    public static async Task<Digest> AddToAsync(OciLayout layout, string? tag = "latest")
    {
        var image = new TestImage();
        await image.AddPartsAsync(layout);
        return Found(await layout.AddManifestAsync(image.Manifest, ManifestType, tag, CancellationToken.None));
    }

    /// <summary>Puts a new index of two platforms into a layout.</summary>
    public static async Task<(Digest Index, Digest Amd64, Digest Arm64)> AddIndexToAsync(OciLayout layout, string? tag = "latest")
    {
        var (amd64, arm64) = (new TestImage(), new TestImage("arm64"));
        foreach (var image in (TestImage[])[amd64, arm64])
        {
            await image.AddPartsAsync(layout);
            Found(await layout.AddBlobAsync(image.Manifest, CancellationToken.None));
        }

        return (Found(await layout.AddManifestAsync(Index(amd64, arm64), IndexType, tag, CancellationToken.None)), amd64.Digest, arm64.Digest);
    }

    /// <summary>Pushes this image over plain http.</summary>
    public async Task PushToAsync(Repository repository, string? tag, AuthenticationHeaderValue? authorization = null)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = authorization;
        foreach (var blob in (byte[][])[config, layer])
        {
            using var begun = await http.PostAsync($"http://{repository.Host}/v2/{repository.Path}/blobs/uploads/", null);
            begun.EnsureSuccessStatusCode();
            var upload = new Uri(begun.RequestMessage!.RequestUri!, begun.Headers.Location!);
            using var content = new ByteArrayContent(blob) { Headers = { ContentType = new("application/octet-stream") } };
            using var put = await http.PutAsync($"{upload}{(upload.Query.Length > 0 ? "&" : "?")}digest={Digest.Of(blob)}", content);
            put.EnsureSuccessStatusCode();
        }

        await PutAsync(http, repository, tag ?? Digest.ToString(), Manifest, ManifestType);
    }

    private async Task AddPartsAsync(OciLayout layout)
    {
        Found(await layout.AddBlobAsync(config, CancellationToken.None));
        Found(await layout.AddBlobAsync(layer, CancellationToken.None));
    }

    private static async Task PutAsync(HttpClient http, Repository repository, string reference, byte[] manifest, string mediaType)
    {
        using var content = new ByteArrayContent(manifest) { Headers = { ContentType = new(mediaType) } };
        using var put = await http.PutAsync($"http://{repository.Host}/v2/{repository.Path}/manifests/{reference}", content);
        put.EnsureSuccessStatusCode();
    }

    private static Digest Found(Reading<Digest> reading) => reading switch
    {
        Reading<Digest>.Found(var digest) => digest,
        Reading<Digest>.Unread(var why) => throw new InvalidOperationException(why.ToString()),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
