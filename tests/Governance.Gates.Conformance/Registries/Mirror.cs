using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Conformance.Registries;

/// <summary>Copies what real cosign left in a real registry into one whose answers a test can watch and change.</summary>
internal static class Mirror
{
    /// <summary>Copies every tag of a repository, with all that hangs below it.</summary>
    public static async Task CopyAsync(Repository from, LoopbackRegistry to)
    {
        using var http = new HttpClient { BaseAddress = new($"http://{from.Host}/v2/{from.Path}/") };
        var list = await http.GetFromJsonAsync<JsonElement>(new Uri("tags/list", UriKind.Relative));
        foreach (var tag in list.GetProperty("tags").EnumerateArray())
        {
            await CopyManifestAsync(http, from.Path, tag.GetString()!, to, tag.GetString());
        }
    }

    private static async Task CopyManifestAsync(HttpClient http, string path, string reference, LoopbackRegistry to, string? tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"manifests/{reference}", UriKind.Relative));
        request.Headers.Accept.ParseAdd($"{TestImage.ManifestType}, {TestImage.IndexType}");
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        to.AddManifest(path, bytes, answer.Content.Headers.ContentType!.ToString(), tag);
        using var json = JsonDocument.Parse(bytes);
        foreach (var child in Descriptors(json.RootElement, "manifests"))
        {
            await CopyManifestAsync(http, path, child, to, tag: null);
        }

        foreach (var blob in Descriptors(json.RootElement, "layers").Concat(Descriptors(json.RootElement, "config")))
        {
            to.AddBlob(path, await http.GetByteArrayAsync(new Uri($"blobs/{blob}", UriKind.Relative)));
        }
    }

    private static IEnumerable<string> Descriptors(JsonElement manifest, string name) => manifest.TryGetProperty(name, out var found)
        ? (found.ValueKind == JsonValueKind.Array ? [.. found.EnumerateArray()] : (JsonElement[])[found]).Select(one => one.GetProperty("digest").GetString()!)
        : [];
}
