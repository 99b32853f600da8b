using System.Net;
using System.Net.Sockets;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Where a registry is reached, and where it may send us.</summary>
internal sealed class RegistryAddress(RegistryOptions options)
{
    /// <summary>Scheme and authority of a registry: https, but for loopback and the hosts that the options name.</summary>
    public Uri For(Repository repository)
    {
        var host = repository.Host == "docker.io" ? "registry-1.docker.io" : repository.Host;
        return new($"{(MayBePlain(host) && !options.HttpsHosts.Contains(host, StringComparer.OrdinalIgnoreCase) ? "http" : "https")}://{host}/");
    }

    /// <summary>Why a redirect is not followed; null where it may be.</summary>
    /// <remarks>A registry must not make us ask what only we can reach: metadata endpoints on link-local addresses, and our own loopback.</remarks>
    public string? RedirectMistake(Uri registry, Uri from, Uri to)
    {
        if (to.UserInfo.Length > 0)
        {
            return "to an address with a user name";
        }

        if (IsLinkLocal(to))
        {
            return "to a link-local address";
        }

        if (to.IsLoopback && !registry.IsLoopback)
        {
            return "to a loopback address";
        }

        return to.Scheme == Uri.UriSchemeHttps ? null
            : to.Scheme != Uri.UriSchemeHttp ? "to something that is not https"
            : MayBePlain(to.Authority) && (from.Scheme == Uri.UriSchemeHttp || to.IsLoopback) ? null
            : "from https to plain http";
    }

    /// <summary>Why no token is asked for at a realm; null where one may be.</summary>
    public string? RealmMistake(Uri registry, Uri realm) =>
        IsLinkLocal(realm) ? "is a link-local address"
        : realm.IsLoopback && !registry.IsLoopback ? "is a loopback address"
        : realm.Scheme == Uri.UriSchemeHttps || (realm.Scheme == Uri.UriSchemeHttp && MayBePlain(realm.Authority)) ? null
        : "is not https";

    /// <summary>Whether an address is link-local, where clouds serve credentials to whoever asks.</summary>
    public static bool IsLinkLocal(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetworkV6 ? plain.IsIPv6LinkLocal || plain.Equals(Ec2Metadata) : plain.GetAddressBytes() is [169, 254, ..];
    }

    private static readonly IPAddress Ec2Metadata = IPAddress.Parse("fd00:ec2::254");

    private static bool IsLinkLocal(Uri uri) => IPAddress.TryParse(uri.IdnHost, out var address) && IsLinkLocal(address);

    private bool MayBePlain(string authority) =>
        options.PlainHttpHosts.Contains(authority, StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate($"http://{authority}/", UriKind.Absolute, out var uri) && uri.IsLoopback);
}
