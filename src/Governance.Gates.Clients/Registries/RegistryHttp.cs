using System.Buffers;
using System.Net;
using System.Net.Http.Headers;

namespace Governance.Gates.Clients.Registries;

/// <summary>One response, read to its end under a cap and a deadline.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Uri">The address that answered, after redirects.</param>
/// <param name="Redirected">Whether another address than the one asked answered.</param>
/// <param name="Body">Its bytes; empty unless the status is one of success.</param>
/// <param name="Headers">Its headers.</param>
internal sealed record RegistryAnswer(HttpStatusCode Status, Uri Uri, bool Redirected, ReadOnlyMemory<byte> Body, HttpResponseHeaders Headers)
{
    /// <summary>Whether the status is 200 to 299.</summary>
    public bool Succeeded => (int)Status is >= 200 and < 300;

    /// <summary>A header that stands exactly once.</summary>
    public string? Header(string name) => Headers.TryGetValues(name, out var values) && values.ToArray() is [var only] ? only : null;
}

/// <summary>One request as it goes out.</summary>
/// <param name="Method">The method.</param>
/// <param name="Uri">The address.</param>
/// <param name="BodyLimit">The most bytes of body that are read.</param>
internal sealed record RegistryRequest(HttpMethod Method, Uri Uri, long BodyLimit)
{
    /// <summary>Media types that are accepted.</summary>
    public string? Accept { get; init; }

    /// <summary>What is sent.</summary>
    public ReadOnlyMemory<byte>? Content { get; init; }

    /// <summary>Its media type.</summary>
    public string? ContentType { get; init; }

    /// <summary>The state that a write replaces.</summary>
    public string? IfMatch { get; init; }
}

/// <summary>Sends one request: follows redirects, bounds bytes and time. Knows nothing of authentication and retries.</summary>
/// <param name="http">The connections.</param>
/// <param name="addresses">Where a redirect may lead.</param>
/// <param name="limits">How much is read, and for how long.</param>
/// <param name="time">The clock.</param>
/// <param name="peer">What is asked, in words.</param>
internal sealed class RegistryHttp(HttpMessageInvoker http, RegistryAddress addresses, RegistryLimits limits, TimeProvider time, string peer = "registry")
{
    /// <summary>The response, or why there is none. <paramref name="authorization"/> goes to the authority that was asked and to no other.</summary>
    public async Task<Reading<RegistryAnswer>> SendAsync(RegistryRequest request, string? authorization, CancellationToken cancellation)
    {
        var host = request.Uri.Authority;
        using var deadline = new CancellationTokenSource(limits.RequestTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            return await FollowAsync(request, authorization, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failed(host, $"did not send a whole response within {limits.RequestTimeout.TotalSeconds:0.###} s", $"check the {peer}'s load and the network, then try again");
        }
        catch (HttpRequestException e)
        {
            return e.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => Failed(host, "does not resolve, or to no address that may be used", "check the host name and the DNS of this machine"),
                HttpRequestError.SecureConnectionError => Failed(host, "could not be reached over TLS, or its certificate is not trusted", "give its certificate authority as a CA file; a registry that speaks plain http must be named as such"),
                HttpRequestError.ConfigurationLimitExceeded => Failed(host, $"sent headers beyond {limits.HeaderKibibytes} KiB", $"look at the {peer} or the proxy before it"),
                HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError => Failed(host, "could not be connected to", "check that it runs and that the network and the proxy let it be reached"),
                _ => Failed(host, $"broke off its response ({e.HttpRequestError})", $"check the {peer} and the network, then try again"),
            };
        }
        catch (IOException)
        {
            return Failed(host, "broke off its response", $"check the {peer} and the network, then try again");
        }
    }

    private async Task<Reading<RegistryAnswer>> FollowAsync(RegistryRequest request, string? authorization, CancellationToken cancellation)
    {
        var (asked, uri) = (request.Uri, request.Uri);
        for (var redirects = 0; ; redirects++)
        {
            var sameOrigin = IsSameOrigin(asked, uri);
            using var message = Message(request, uri, sameOrigin ? authorization : null);
            using var response = await http.SendAsync(message, cancellation);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
            {
                return await ReadAsync(request, uri, !sameOrigin, response, cancellation);
            }

            if (request.Method != HttpMethod.Get)
            {
                return Failed(asked.Authority, $"answered {request.Method} with a redirect", $"name the {peer} under the host that it redirects to");
            }

            if (redirects == limits.Redirects)
            {
                return Failed(asked.Authority, $"redirects more than {limits.Redirects} times", $"look at the {peer} and the proxy before it");
            }

            if (response.Headers.Location is not { } location || !Uri.TryCreate(uri, location, out var next))
            {
                return Failed(asked.Authority, "redirects to no address", $"look at the {peer} and the proxy before it");
            }

            if (addresses.RedirectMistake(asked, uri, next) is { } mistake)
            {
                return Failed(asked.Authority, $"redirects {mistake}, which is not followed", "let the registry redirect to https addresses, or serve its blobs itself");
            }

            uri = next;
        }
    }

    private static HttpRequestMessage Message(RegistryRequest request, Uri uri, string? authorization)
    {
        var message = new HttpRequestMessage(request.Method, uri) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        AddHeader("User-Agent", "governance-gates");
        AddHeader("Authorization", authorization);
        AddHeader("Accept", request.Accept);
        AddHeader("If-Match", request.IfMatch);
        AddHeader("Accept-Encoding", "identity");
        if (request.Content is { } content)
        {
            message.Content = new ReadOnlyMemoryContent(content);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }

        return message;

        void AddHeader(string name, string? value)
        {
            if (value is not null)
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }

    private async Task<Reading<RegistryAnswer>> ReadAsync(RegistryRequest request, Uri uri, bool redirected, HttpResponseMessage response, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> body = default;
        if (response.IsSuccessStatusCode && request.Method != HttpMethod.Head)
        {
            // A hash of compressed bytes names other content than the digest does.
            if (response.Content.Headers.ContentEncoding.Any(encoding => !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase)))
            {
                return Failed(request.Uri.Authority, "sent a compressed response although it was asked not to", "turn off compression in the proxy before it");
            }

            if (await ReadCappedAsync(response, request.BodyLimit, cancellation) is not { } read)
            {
                return Failed(request.Uri.Authority, $"sent more than {request.BodyLimit} bytes where no more are expected", $"look at the {peer}: it sends other content than is expected");
            }

            body = read;
        }

        return new Reading<RegistryAnswer>.Found(new(response.StatusCode, uri, redirected, body, response.Headers));
    }

    // Memory grows with what arrives: Content-Length is a claim.
    private static async Task<ReadOnlyMemory<byte>?> ReadCappedAsync(HttpResponseMessage response, long limit, CancellationToken cancellation)
    {
        const int chunk = 16 * 1024;
        if (response.Content.Headers.ContentLength > limit)
        {
            return null;
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await stream.ReadAsync(buffer.GetMemory(chunk), cancellation);
            if (read == 0)
            {
                return buffer.WrittenMemory;
            }

            buffer.Advance(read);
            if (buffer.WrittenCount > limit)
            {
                return null;
            }
        }
    }

    public static bool IsSameOrigin(Uri left, Uri right) =>
        left.Scheme == right.Scheme && left.Port == right.Port && string.Equals(left.IdnHost, right.IdnHost, StringComparison.OrdinalIgnoreCase);

    private Reading<RegistryAnswer>.Unread Failed(string host, string what, string remedy) => new(Readings.Reason($"{peer} {host} {what}", remedy));
}
