using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>GET requests to one API server, over TLS that is checked against the cluster's own roots and the server's name.</summary>
internal sealed class ApiConnection : IDisposable
{
    // Pages are parsed strictly; custom resources may nest, and a page adds two levels of its own.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 128 };

    private readonly ClusterAccess access;
    private readonly ClusterLimits limits;
    private readonly string root;
    private readonly HttpClient http;

    public ApiConnection(ClusterAccess access, ClusterLimits limits)
    {
        this.access = access;
        this.limits = limits;
        root = access.Server.AbsoluteUri.TrimEnd('/');
        // A redirect would carry the token elsewhere; compression would let few bytes become many.
        http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(10), SslOptions = Tls(access) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        http.DefaultRequestHeaders.UserAgent.Add(new("governance-gates", typeof(ApiConnection).Assembly.GetName().Version?.ToString(3)));
        http.DefaultRequestHeaders.Accept.Add(new("application/json"));
    }

    /// <summary>The answer to a GET of <paramref name="path"/>, which begins with a slash. Only the caller's cancellation throws.</summary>
    /// <param name="path">The path and query.</param>
    /// <param name="asked">What is asked for, for people: <c>list deployments.apps</c>.</param>
    public async Task<ApiAnswer> GetAsync(string path, string asked, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limits.RequestTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, root + path);
            if (await access.ReadTokenAsync(deadline.Token) is { } token)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            await using var stream = await response.Content.ReadAsStreamAsync(deadline.Token);
            if (await Bounded.ReadAsync(stream, limits.MaxPageBytes, deadline.Token) is not { } body)
            {
                return Failed($"answered with more than {limits.MaxPageBytes >> 20} MiB", "remove what is so large from the cluster, or leave the resource out");
            }

            return response.IsSuccessStatusCode
                ? new ApiAnswer.Ok(JsonDocument.Parse(body, Strict))
                : new ApiAnswer.Refused((int)response.StatusCode, StatusMessage(body));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Failed($"did not answer within {limits.RequestTimeout.TotalSeconds:0} s", "check that the cluster is well and reachable from here");
        }
        catch (HttpRequestException broken) when (Find<AuthenticationException>(broken) is { } tls)
        {
            return Failed($"could not be trusted: {OneLine.Of(tls.Message)}", "compare certificate-authority and server of the kubeconfig with the cluster's certificate");
        }
        catch (JsonException)
        {
            return Failed("answered with something that is not JSON", "check that the server of the kubeconfig is a Kubernetes API server");
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            return Failed($"cannot be reached: {OneLine.Of(broken.Message)}", "check the server of the kubeconfig, and that it is reachable from here");
        }

        ApiAnswer.Failed Failed(string what, string remedy) => new(ApiAnswer.Because($"could not {asked}: the cluster of {access.Origin} {what}", remedy));
    }

    public void Dispose() => http.Dispose();

    private static SslClientAuthenticationOptions Tls(ClusterAccess access)
    {
        var options = new SslClientAuthenticationOptions();
        if (access.Authorities is not [])
        {
            // The name of the server is still checked; clusters' own authorities publish no revocation.
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(access.Authorities.ToArray());
            options.CertificateChainPolicy = policy;
        }

        if (access.ClientCertificate is { } client)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(client.Leaf, client.Intermediates, offline: true);
        }

        return options;
    }

    private static T? Find<T>(Exception? from) where T : Exception
    {
        for (; from is not null; from = from.InnerException)
        {
            if (from is T found)
            {
                return found;
            }
        }

        return null;
    }

    // metav1.Status carries the server's own words; they help, and are only shown.
    private static string? StatusMessage(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var status = JsonDocument.Parse(body, Strict);
            return status.RootElement.ValueKind == JsonValueKind.Object && status.RootElement.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String
                ? OneLine.Of(message.GetString()!)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What came back from the API server.</summary>
internal abstract record ApiAnswer
{
    private ApiAnswer()
    {
    }

    /// <summary>A body of JSON; the receiver disposes it.</summary>
    public sealed record Ok(JsonDocument Body) : ApiAnswer;

    /// <summary>A status other than 2xx, with the server's words.</summary>
    public sealed record Refused(int Status, string? Message) : ApiAnswer;

    /// <summary>No answer that can be used.</summary>
    public sealed record Failed(Reason Reason) : ApiAnswer;

    /// <summary>A reason under the rule's name that all readings of a cluster have.</summary>
    public static Reason Because(string message, string remedy) => new("cluster", message, remedy);
}

/// <summary>What one reading of a cluster may cost.</summary>
internal sealed record ClusterLimits
{
    public int MaxPageBytes { get; init; } = 32 << 20;

    public int MaxPages { get; init; } = 2_000;

    public int MaxObjects { get; init; } = 200_000;

    public long MaxBytes { get; init; } = 2L << 30;

    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
