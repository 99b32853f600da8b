using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Clients.Registries;

namespace Governance.Gates.Clients.GitHub;

/// <summary>One request as it goes out.</summary>
/// <param name="Method">The method.</param>
/// <param name="Uri">The address.</param>
/// <param name="Authorization">The value of <c>Authorization</c>; null for none.</param>
internal sealed record GitHubRequest(HttpMethod Method, Uri Uri, string? Authorization)
{
    /// <summary>JSON that is sent; null for none.</summary>
    public ReadOnlyMemory<byte>? Content { get; init; }

    /// <summary>The ETag of what is known already.</summary>
    public string? IfNoneMatch { get; init; }
}

/// <summary>One response, read to its end under a cap and a deadline.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Body">Its bytes, decompressed; those of a refusal too.</param>
/// <param name="Headers">Its headers.</param>
internal sealed record GitHubResponse(int Status, ReadOnlyMemory<byte> Body, HttpResponseHeaders Headers)
{
    /// <summary>A header that stands exactly once.</summary>
    public string? Header(string name) => Headers.TryGetValues(name, out var values) && values.ToArray() is [var only] ? only : null;
}

/// <summary>What one request came to.</summary>
internal abstract record GitHubSent
{
    private GitHubSent()
    {
    }

    /// <summary>A response, whatever its status.</summary>
    public sealed record Answered(GitHubResponse Response) : GitHubSent;

    /// <summary>None; <paramref name="MayPass"/> says whether another try may fare better.</summary>
    public sealed record Failed(string What, string Remedy, bool MayPass) : GitHubSent;
}

/// <summary>Sends one request: follows redirects on the API's own origin, bounds bytes and time. Knows nothing of tokens and of patience.</summary>
internal sealed class GitHubHttp(GitHubOptions options) : IDisposable
{
    /// <summary>The version that the wire types follow (GitHub REST API, "API Versions").</summary>
    public const string Version = "2022-11-28";

    private readonly HttpMessageInvoker http = RegistryConnections.Open(new RegistryOptions { Limits = new() { RequestTimeout = options.Limits.RequestTimeout } });

    /// <summary>The response. Only the caller's cancellation throws.</summary>
    public async Task<GitHubSent> SendAsync(GitHubRequest request, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(options.Limits.RequestTimeout);
        try
        {
            return await FollowAsync(request, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new GitHubSent.Failed($"did not send a whole response within {options.Limits.RequestTimeout.TotalSeconds:0.###} s", "try again; if it lasts, look at GitHub's status and the network", MayPass: true);
        }
        catch (HttpRequestException broken)
        {
            return broken.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => new GitHubSent.Failed("does not resolve, or to no address that may be used", "check GITHUB_API_URL and the DNS of this machine", MayPass: false),
                HttpRequestError.SecureConnectionError => new GitHubSent.Failed("could not be reached over TLS, or its certificate is not trusted", "check GITHUB_API_URL, and let this machine trust the certificate's authority", MayPass: false),
                HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError => new GitHubSent.Failed("could not be connected to", "check GITHUB_API_URL, the network and the proxy", MayPass: false),
                _ => BrokenOff(),
            };
        }
        catch (Exception broken) when (broken is IOException or InvalidDataException)
        {
            return BrokenOff();
        }
    }

    /// <summary>Whether two addresses have scheme, host and port in common.</summary>
    public static bool IsSameOrigin(Uri left, Uri right) => RegistryHttp.IsSameOrigin(left, right);

    /// <summary>Whether an address that GitHub gives may be asked with our token: one of the API itself.</summary>
    public bool IsOfApi(Uri uri) => uri is { UserInfo: "" } && IsSameOrigin(options.Api, uri) && uri.AbsolutePath.StartsWith(options.Api.AbsolutePath, StringComparison.Ordinal);

    public void Dispose() => http.Dispose();

    private async Task<GitHubSent> FollowAsync(GitHubRequest request, CancellationToken cancellation)
    {
        var uri = request.Uri;
        for (var redirects = 0; ; redirects++)
        {
            using var message = Message(request, uri);
            using var response = await http.SendAsync(message, cancellation);
            if ((int)response.StatusCode is not (301 or 302 or 307 or 308))
            {
                return await ReadAsync(response, cancellation) is { } body
                    ? new GitHubSent.Answered(new((int)response.StatusCode, body, response.Headers))
                    : new GitHubSent.Failed($"sent more than {options.Limits.BodyBytes} bytes in one response", "split the pull request, or remove what is so large", MayPass: false);
            }

            if (request.Method != HttpMethod.Get || redirects == options.Limits.Redirects)
            {
                return new GitHubSent.Failed(redirects == 0 ? $"answered {request.Method} with a redirect" : $"redirects more than {options.Limits.Redirects} times", "name the repository as it is called now", MayPass: false);
            }

            // A renamed repository redirects to its number, on the same origin (GitHub REST API, "Best practices": follow redirects).
            if (response.Headers.Location is not { } location || !Uri.TryCreate(uri, location, out var next) || !IsOfApi(next))
            {
                return new GitHubSent.Failed("redirects to an address that is not its own, which is not followed", "check GITHUB_API_URL and the proxy before it", MayPass: false);
            }

            uri = next;
        }
    }

    private static HttpRequestMessage Message(GitHubRequest request, Uri uri)
    {
        var message = new HttpRequestMessage(request.Method, uri) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        message.Headers.TryAddWithoutValidation("User-Agent", "governance-gates");
        message.Headers.TryAddWithoutValidation("Accept", "application/vnd.github+json");
        message.Headers.TryAddWithoutValidation("X-GitHub-Api-Version", Version);
        message.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        if (request.Authorization is { } authorization)
        {
            message.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        if (request.IfNoneMatch is { } tag)
        {
            message.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }

        if (request.Content is { } content)
        {
            message.Content = new ReadOnlyMemoryContent(content);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        }

        return message;
    }

    // Null where there is more than may be. The cap is on what comes out of the decompression.
    private async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        switch (response.Content.Headers.ContentEncoding.ToArray())
        {
            case [] or ["identity"]:
                return await Bounded.ReadAsync(stream, options.Limits.BodyBytes, cancellation);
            case ["gzip"]:
                await using (var plain = new GZipStream(stream, CompressionMode.Decompress))
                {
                    return await Bounded.ReadAsync(plain, options.Limits.BodyBytes, cancellation);
                }

            default:
                throw new InvalidDataException("an encoding that was not asked for");
        }
    }

    private static GitHubSent.Failed BrokenOff() => new("broke off its response", "try again; if it lasts, look at GitHub's status and the network", MayPass: true);
}
