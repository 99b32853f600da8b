using Governance.Gates.Clients.Registries;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Signing;

/// <summary>The addresses of a Sigstore instance's services.</summary>
/// <param name="Fulcio">The certificate authority.</param>
/// <param name="Rekor">The transparency log; null: none.</param>
/// <param name="TimestampAuthority">The timestamp authority, with the path of its API; null: none.</param>
public sealed record SigningAddresses(Uri Fulcio, Uri? Rekor, Uri? TimestampAuthority)
{
    /// <summary>Whether an address may be asked: https, or plain http on loopback, with nothing that could hold a secret.</summary>
    public static bool TryParse(string text, out Uri address) =>
        Uri.TryCreate(text, UriKind.Absolute, out address!)
        && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        && address is { UserInfo.Length: 0, Query.Length: 0, Fragment.Length: 0 };
}

/// <summary>Asks the services of a Sigstore instance over HTTP: no redirects, no retries, bounded in bytes and time. Safe for concurrent use.</summary>
public sealed class SigningServices : IDisposable
{
    private readonly SigningAddresses addresses;
    private readonly HttpMessageInvoker client;
    private readonly Dictionary<SigningService, RegistryHttp> http;

    /// <param name="addresses">Who is asked.</param>
    /// <param name="limits">How long an answer may take; the rest of it does not count here.</param>
    /// <param name="time">The clock.</param>
    public SigningServices(SigningAddresses addresses, RegistryLimits limits, TimeProvider time)
    {
        this.addresses = addresses;
        var options = new RegistryOptions { Limits = limits with { Redirects = 0 } };
        client = RegistryConnections.Open(options);
        http = Enum.GetValues<SigningService>().ToDictionary(service => service, service => new RegistryHttp(client, new(options), options.Limits, time, NameOf(service)));
    }

    /// <summary>A service's answer to one request.</summary>
    /// <exception cref="KeylessSigningException">There was none of success, or more than was asked for.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> SendAsync(SigningRequest request, CancellationToken cancellation)
    {
        var address = AddressOf(request.Service) ?? throw new KeylessSigningException($"no {NameOf(request.Service)} is named", "name it, or sign without it");
        var message = new RegistryRequest(HttpMethod.Post, request.Path.Length == 0 ? address : new Uri(address.AbsoluteUri.TrimEnd('/') + request.Path), request.MostAnswerBytes)
        {
            Accept = request.Service == SigningService.TimestampAuthority ? "application/timestamp-reply" : "application/json",
            Content = request.Body,
            ContentType = request.ContentType,
        };
        return await http[request.Service].SendAsync(message, null, cancellation) switch
        {
            Reading<RegistryAnswer>.Found({ Succeeded: true } answer) => answer.Body,
            Reading<RegistryAnswer>.Found(var answer) => throw new KeylessSigningException(
                $"{NameOf(request.Service)} {address.Authority} answered {(int)answer.Status}",
                RemedyFor(request.Service, (int)answer.Status)),
            Reading<RegistryAnswer>.Unread(var reason) => throw new KeylessSigningException(reason.Message, reason.Remedy ?? "try again"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private Uri? AddressOf(SigningService service) => service switch
    {
        SigningService.CertificateAuthority => addresses.Fulcio,
        SigningService.TransparencyLog => addresses.Rekor,
        _ => addresses.TimestampAuthority,
    };

    private static string NameOf(SigningService service) => service switch
    {
        SigningService.CertificateAuthority => "certificate authority",
        SigningService.TransparencyLog => "transparency log",
        _ => "timestamp authority",
    };

    private static string RemedyFor(SigningService service, int status) => (service, status) switch
    {
        (_, 404 or 405) => "check its address, and for a log the version of its API",
        (_, 429 or >= 500) => "try again later",
        (SigningService.CertificateAuthority, _) => "get a new identity token, from an issuer that this authority knows and for its audience",
        _ => "look at the service",
    };
}
