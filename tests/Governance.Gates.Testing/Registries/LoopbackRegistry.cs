using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Testing.Registries;

/// <summary>How a loopback registry asks who is there.</summary>
public enum RegistryAuthentication
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>User and password with each request.</summary>
    Basic,

    /// <summary>A token from its own <c>/token</c>.</summary>
    Bearer,
}

/// <summary>An OCI registry in memory, on loopback: distribution 1.1 with the referrers API, or without it.</summary>
public sealed class LoopbackRegistry : IAsyncDisposable
{
    /// <summary>The only user that it knows.</summary>
    public const string User = "robot";

    private readonly WebApplication app;
    private readonly ConcurrentDictionary<(string Repository, string Digest), (byte[] Bytes, string MediaType)> manifests = new();
    private readonly ConcurrentDictionary<(string Repository, string Digest), byte[]> blobs = new();
    private readonly ConcurrentDictionary<(string Repository, string Tag), string> tags = new();
    private readonly ConcurrentDictionary<string, byte[]> uploads = new();
    private readonly ConcurrentDictionary<string, string> tokens = new();

    private LoopbackRegistry(WebApplication app) => this.app = app;

    /// <summary>Its password, made for this run.</summary>
    public string Password { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Host and port.</summary>
    public string Host { get; private set; } = "";

    /// <summary>Whether it has the referrers API.</summary>
    public bool ReferrersApi { get; set; } = true;

    /// <summary>Referrers on one page of its API.</summary>
    public int PageSize { get; set; } = 100;

    /// <summary>How it asks who is there.</summary>
    public RegistryAuthentication Authentication { get; set; }

    /// <summary>Added before each response.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Asked first for each request; answers it by returning true.</summary>
    public Func<HttpContext, Task<bool>>? Override { get; set; }

    /// <summary>Every request: method, path and query, in the order of arrival.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>The values of <c>Authorization</c> that came with the requests.</summary>
    public ConcurrentQueue<string> Authorizations { get; } = new();

    /// <summary>Starts a registry.</summary>
    /// <param name="certificate">Makes it speak https.</param>
    /// <param name="address">The address that it listens on; loopback unless given.</param>
    public static async Task<LoopbackRegistry> StartAsync(X509Certificate2? certificate = null, IPAddress? address = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 64 << 20;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(address ?? IPAddress.Loopback, 0, listen =>
            {
                if (certificate is not null)
                {
                    listen.UseHttps(certificate);
                }
            });
        });
        var app = builder.Build();
        var registry = new LoopbackRegistry(app);
        app.Run(registry.AnswerAsync);
        await app.StartAsync();
        registry.Host = new Uri(app.Urls.Single()).Authority;
        return registry;
    }

    /// <summary>A repository of it.</summary>
    public Repository Repository(string path) => new(Host, path);

    /// <summary>Tokens given out so far.</summary>
    public int TokensMade => Log.Count(line => line.Contains(" /token?", StringComparison.Ordinal));

    /// <summary>Makes every token given out worthless.</summary>
    public void RevokeTokens() => tokens.Clear();

    /// <summary>Stores a blob without HTTP.</summary>
    public Digest AddBlob(string repository, byte[] bytes)
    {
        var digest = Digest.Of(bytes);
        blobs[(repository, digest.ToString())] = bytes;
        return digest;
    }

    /// <summary>Stores a manifest without HTTP.</summary>
    public Digest AddManifest(string repository, byte[] bytes, string mediaType, string? tag = null)
    {
        var digest = Digest.Of(bytes);
        manifests[(repository, digest.ToString())] = (bytes, mediaType);
        if (tag is not null)
        {
            tags[(repository, tag)] = digest.ToString();
        }

        return digest;
    }

    /// <summary>The bytes behind a tag or digest; null where there are none.</summary>
    public byte[]? Manifest(string repository, string reference) =>
        manifests.TryGetValue((repository, tags.GetValueOrDefault((repository, reference), reference)), out var manifest) ? manifest.Bytes : null;

    /// <summary>The bytes of a blob; null where there are none.</summary>
    public byte[]? Blob(string repository, string digest) => blobs.GetValueOrDefault((repository, digest));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Log.Enqueue($"{context.Request.Method} {context.Request.GetEncodedPathAndQuery()}");
        if (context.Request.Headers.Authorization is [{ } authorization])
        {
            Authorizations.Enqueue(authorization);
        }

        if (Delay > TimeSpan.Zero)
        {
            await Task.Delay(Delay, context.RequestAborted);
        }

        if (Override is { } answer && await answer(context))
        {
            return;
        }

        var path = context.Request.Path.Value ?? "";
        if (path == "/token")
        {
            await MakeTokenAsync(context);
        }
        else if (!IsAdmitted(context))
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = Authentication == RegistryAuthentication.Basic
                ? "Basic realm=\"registry\""
                : $"Bearer realm=\"{context.Request.Scheme}://{Host}/token\",service=\"loopback\",scope=\"ignored\"";
        }
        else if (path is "/v2/" or "/v2")
        {
            await WriteAsync(context, "{}"u8.ToArray(), "application/json");
        }
        else if (path.StartsWith("/v2/", StringComparison.Ordinal))
        {
            await RouteAsync(context, path["/v2/".Length..]);
        }
        else
        {
            context.Response.StatusCode = 404;
        }
    }

    private Task RouteAsync(HttpContext context, string path)
    {
        foreach (var kind in (string[])["/blobs/uploads/", "/blobs/", "/manifests/", "/referrers/", "/tags/list"])
        {
            if (path.LastIndexOf(kind, StringComparison.Ordinal) is > 0 and var at)
            {
                var (repository, rest) = (path[..at], path[(at + kind.Length)..]);
                return kind switch
                {
                    "/blobs/uploads/" => UploadAsync(context, repository, rest),
                    "/blobs/" => BlobAsync(context, repository, rest),
                    "/manifests/" => ManifestAsync(context, repository, rest),
                    "/referrers/" => ReferrersAsync(context, repository, rest),
                    _ => TagsAsync(context, repository),
                };
            }
        }

        context.Response.StatusCode = 404;
        return Task.CompletedTask;
    }

    private async Task UploadAsync(HttpContext context, string repository, string session)
    {
        var body = await BodyAsync(context);
        switch (context.Request.Method)
        {
            case "POST" when context.Request.Query["digest"] is not [{ }]:
                var opened = Guid.NewGuid().ToString("n");
                uploads[opened] = [];
                context.Response.Headers.Location = $"/v2/{repository}/blobs/uploads/{opened}?_state=a%2Fb";
                context.Response.StatusCode = 202;
                break;
            case "PATCH" when uploads.ContainsKey(session):
                uploads[session] = [.. uploads[session], .. body];
                context.Response.Headers.Location = $"/v2/{repository}/blobs/uploads/{session}?_state=a%2Fb";
                context.Response.Headers.Range = $"0-{uploads[session].Length - 1}";
                context.Response.StatusCode = 202;
                break;
            case "PUT" or "POST" when context.Request.Query["digest"] is [{ } digest]:
                byte[] whole = [.. uploads.TryRemove(session, out var part) ? part : [], .. body];
                if (Digest.Of(whole).ToString() != digest)
                {
                    context.Response.StatusCode = 400;
                    break;
                }

                AddBlob(repository, whole);
                context.Response.Headers.Location = $"/v2/{repository}/blobs/{digest}";
                context.Response.Headers["Docker-Content-Digest"] = digest;
                context.Response.StatusCode = 201;
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    private Task BlobAsync(HttpContext context, string repository, string digest)
    {
        if (!blobs.TryGetValue((repository, digest), out var bytes))
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        }

        context.Response.Headers["Docker-Content-Digest"] = digest;
        return WriteAsync(context, bytes, "application/octet-stream");
    }

    private async Task ManifestAsync(HttpContext context, string repository, string reference)
    {
        if (context.Request.Method == "PUT")
        {
            var body = await BodyAsync(context);
            var isDigest = reference.StartsWith("sha256:", StringComparison.Ordinal);
            if (JsonNode.Parse(body) is not JsonObject manifest || (isDigest && Digest.Of(body).ToString() != reference) || !HasParts(repository, manifest))
            {
                context.Response.StatusCode = 400;
                return;
            }

            var stored = AddManifest(repository, body, context.Request.ContentType ?? "", isDigest ? null : reference);
            if (ReferrersApi && manifest["subject"]?["digest"] is { } subject)
            {
                context.Response.Headers["OCI-Subject"] = subject.GetValue<string>();
            }

            context.Response.Headers["Docker-Content-Digest"] = stored.ToString();
            context.Response.Headers.Location = $"/v2/{repository}/manifests/{stored}";
            context.Response.StatusCode = 201;
            return;
        }

        var digest = tags.GetValueOrDefault((repository, reference), reference);
        if (!manifests.TryGetValue((repository, digest), out var found))
        {
            context.Response.StatusCode = 404;
            return;
        }

        context.Response.Headers["Docker-Content-Digest"] = digest;
        await WriteAsync(context, found.Bytes, found.MediaType);
    }

    // A registry refuses manifests whose layers it lacks.
    private bool HasParts(string repository, JsonObject manifest) =>
        (manifest["layers"] as JsonArray ?? []).Append(manifest["config"]).OfType<JsonObject>().All(one => blobs.ContainsKey((repository, one["digest"]!.GetValue<string>())))
        && (manifest["manifests"] as JsonArray ?? []).OfType<JsonObject>().All(one => manifests.ContainsKey((repository, one["digest"]!.GetValue<string>())));

    private Task ReferrersAsync(HttpContext context, string repository, string subject)
    {
        if (!ReferrersApi)
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        }

        var wantedType = context.Request.Query["artifactType"].FirstOrDefault();
        var all = manifests.Where(one => one.Key.Repository == repository)
            .Select(one => (one.Key.Digest, one.Value.Bytes, Json: JsonNode.Parse(one.Value.Bytes)!.AsObject()))
            .Where(one => one.Json["subject"]?["digest"]?.GetValue<string>() == subject)
            .OrderBy(one => one.Digest, StringComparer.Ordinal)
            .Select(one => new JsonObject
            {
                ["mediaType"] = one.Json["mediaType"]?.GetValue<string>(),
                ["digest"] = one.Digest,
                ["size"] = one.Bytes.Length,
                ["artifactType"] = (one.Json["artifactType"] ?? one.Json["config"]?["mediaType"])?.GetValue<string>(),
                ["annotations"] = one.Json["annotations"]?.DeepClone(),
            })
            .Where(one => wantedType is null || one["artifactType"]?.GetValue<string>() == wantedType)
            .ToList();
        var page = int.Parse(context.Request.Query["page"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture);
        if (all.Count > (page + 1) * PageSize)
        {
            context.Response.Headers.Link = $"</v2/{repository}/referrers/{subject}?page={page + 1}>; rel=\"next\"";
        }

        if (wantedType is not null)
        {
            context.Response.Headers["OCI-Filters-Applied"] = "artifactType";
        }

        var index = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.index.v1+json",
            ["manifests"] = new JsonArray([.. all.Skip(page * PageSize).Take(PageSize)]),
        };
        return WriteAsync(context, Encoding.UTF8.GetBytes(index.ToJsonString()), "application/vnd.oci.image.index.v1+json");
    }

    private Task TagsAsync(HttpContext context, string repository)
    {
        var names = tags.Keys.Where(one => one.Repository == repository).Select(one => (JsonNode)one.Tag).ToArray();
        var list = new JsonObject { ["name"] = repository, ["tags"] = new JsonArray(names) };
        return WriteAsync(context, Encoding.UTF8.GetBytes(list.ToJsonString()), "application/json");
    }

    private Task MakeTokenAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization != BasicOf(User, Password))
        {
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        }

        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        tokens[token] = context.Request.Query["scope"].FirstOrDefault() ?? "";
        return WriteAsync(context, Encoding.UTF8.GetBytes($$"""{"token":"{{token}}","expires_in":300}"""), "application/json");
    }

    private bool IsAdmitted(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        return Authentication switch
        {
            RegistryAuthentication.None => true,
            RegistryAuthentication.Basic => authorization == BasicOf(User, Password),
            _ => authorization.StartsWith("Bearer ", StringComparison.Ordinal)
                && tokens.TryGetValue(authorization["Bearer ".Length..], out var scope)
                && (context.Request.Method is "GET" or "HEAD" || scope.EndsWith("push", StringComparison.Ordinal)),
        };
    }

    private static string BasicOf(string user, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    private static async Task<byte[]> BodyAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    /// <summary>Answers with these bytes.</summary>
    public static async Task WriteAsync(HttpContext context, byte[] bytes, string mediaType)
    {
        context.Response.ContentType = mediaType;
        context.Response.ContentLength = bytes.Length;
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        if (context.Request.Method != "HEAD")
        {
            await context.Response.Body.WriteAsync(bytes);
        }
    }
}
