using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Testing.Processes;

/// <summary>An image of one small layer, pushed with plain HTTP calls so that no code under test has a part in it.</summary>
public static class TinyImage
{
    private const string ManifestType = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>Pushes the image to a registry on loopback and gives the digest of its manifest, <c>sha256:…</c>.</summary>
    /// <param name="registry">Host and port.</param>
    /// <param name="repository">The repository's path.</param>
    /// <param name="tag">The tag to set.</param>
    /// <param name="content">What the layer holds: other content, other digest.</param>
    /// <param name="cancellation">Ends the calls.</param>
    public static async Task<string> PushAsync(string registry, string repository, string tag, string content, CancellationToken cancellation = default)
    {
        using var client = new HttpClient { BaseAddress = new($"http://{registry}/v2/{repository}/") };
        var layer = Encoding.UTF8.GetBytes(content);
        var config = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64",
            os = "linux",
            config = new { },
            rootfs = new { type = "layers", diff_ids = new[] { DigestOf(layer) } },
        });
        await PushBlobAsync(client, layer, cancellation);
        await PushBlobAsync(client, config, cancellation);
        var manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2,
            mediaType = ManifestType,
            config = new { mediaType = "application/vnd.oci.image.config.v1+json", size = config.Length, digest = DigestOf(config) },
            layers = new[] { new { mediaType = "application/vnd.oci.image.layer.v1.tar", size = layer.Length, digest = DigestOf(layer) } },
        });
        using var body = new ByteArrayContent(manifest) { Headers = { ContentType = new(ManifestType) } };
        using var answer = await client.PutAsync(new Uri($"manifests/{tag}", UriKind.Relative), body, cancellation);
        answer.EnsureSuccessStatusCode();
        return DigestOf(manifest);
    }

    private static async Task PushBlobAsync(HttpClient client, byte[] blob, CancellationToken cancellation)
    {
        using var started = await client.PostAsync(new Uri("blobs/uploads/", UriKind.Relative), null, cancellation);
        started.EnsureSuccessStatusCode();
        var upload = new Uri(client.BaseAddress!, started.Headers.Location ?? throw new InvalidOperationException("the registry names no upload location"));
        var separator = upload.Query.Length == 0 ? '?' : '&';
        using var body = new ByteArrayContent(blob) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var answer = await client.PutAsync(new Uri($"{upload}{separator}digest={DigestOf(blob)}"), body, cancellation);
        answer.EnsureSuccessStatusCode();
    }

    private static string DigestOf(byte[] bytes) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(bytes))}";
}
