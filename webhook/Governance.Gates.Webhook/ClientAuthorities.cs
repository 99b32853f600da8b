using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;

namespace Governance.Gates.Webhook;

/// <summary>
/// Whose client certificates the API server may show. The file is read again when it changes, for new connections; a broken one is reported, and the
/// authorities before stay.
/// </summary>
/// <remarks>A certificate is asked for on every connection and demanded on none: kubelets and scrapers, which have none, share the port.</remarks>
internal sealed partial class ClientAuthorities(string? path, ILogger<ClientAuthorities> log)
{
    // Extended key usage "TLS Web Client Authentication" (RFC 5280, section 4.2.1.12).
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private volatile X509Certificate2Collection authorities = [];
    private byte[]? seen;
    private string? told;

    /// <summary>Loads the file for the first time.</summary>
    /// <exception cref="GateException">It cannot be read, or holds no certificate.</exception>
    public void Load()
    {
        if (path is not null)
        {
            Take(Read(path));
        }
    }

    /// <summary>Looks at the file again.</summary>
    public void Reload()
    {
        if (path is null)
        {
            return;
        }

        try
        {
            Take(Read(path));
            told = null;
        }
        catch (GateException exception)
        {
            if (exception.Message != told)
            {
                told = exception.Message;
                LogRefused(told);
            }
        }
    }

    /// <summary>Asks for a client certificate in a handshake, and notes at the connection whether it is one of these authorities.</summary>
    public void Ask(SslServerAuthenticationOptions tls, IFeatureCollection connection)
    {
        if (path is null)
        {
            return;
        }

        // Only these authorities count, and nothing is fetched from where a stranger's certificate says.
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        trust.CustomTrustStore.AddRange(authorities);
        trust.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        tls.ClientCertificateRequired = true;
        tls.CertificateChainPolicy = trust;
        tls.CertificateRevocationCheckMode = X509RevocationMode.NoCheck;
#pragma warning disable CA5359 // Who shows no certificate of the authorities may still ask for health and metrics; what they may not, the note at the connection decides.
        tls.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            if (errors == SslPolicyErrors.None && certificate is X509Certificate2 shown && IsForClients(shown))
            {
                connection.Set(new KnownClient());
            }

            return true;
        };
#pragma warning restore CA5359
    }

    /// <summary>Whether who sent a request may have a review decided.</summary>
    public bool Know(HttpContext context) => path is null || context.Features.Get<KnownClient>() is not null;

    // A chain takes a certificate that names no usage for one of every usage; here it must say so.
    private static bool IsForClients(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(usage => usage.EnhancedKeyUsages.Cast<Oid>().Any(oid => oid.Value == ClientAuthentication));

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"the client authorities {path} cannot be read", "name a readable PEM file", exception);
        }
    }

    private void Take(byte[] bytes)
    {
        if (seen is not null && bytes.AsSpan().SequenceEqual(seen))
        {
            return;
        }

        var read = new X509Certificate2Collection();
        try
        {
            read.ImportFromPem(System.Text.Encoding.ASCII.GetString(bytes));
        }
        catch (CryptographicException exception)
        {
            throw new GateException($"{path} holds a certificate that cannot be read", "name a PEM file of certificate authorities", exception);
        }

        if (read.Count == 0)
        {
            throw new GateException($"{path} holds no certificate", "name a PEM file of certificate authorities");
        }

        (authorities, seen) = (read, bytes);
        LogLoaded(read.Count);
    }

    [LoggerMessage(1021, LogLevel.Information, "Reviews are taken from clients of {Count} certificate authorities")]
    private partial void LogLoaded(int count);

    [LoggerMessage(1022, LogLevel.Error, "The changed client authorities were refused, and the old ones stay: {Mistake}")]
    private partial void LogRefused(string mistake);

    /// <summary>Stands at a connection whose client certificate is one of the authorities.</summary>
    private sealed class KnownClient;
}
