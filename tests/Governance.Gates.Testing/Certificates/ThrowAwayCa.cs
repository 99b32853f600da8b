using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Testing.Certificates;

/// <summary>A certificate authority for one test: ECDSA P-256, valid for an hour on either side of now, its key never written.</summary>
public sealed class ThrowAwayCa : IDisposable
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private readonly X509Certificate2 certificate;

    /// <summary>Makes a new authority with a new key.</summary>
    public ThrowAwayCa(string name = "throw-away CA")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForCertificateAuthority());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        // The leaves stand within the authority's own validity.
        certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow - Hour - Hour, DateTimeOffset.UtcNow + Hour + Hour);
    }

    /// <summary>The authority's certificate, as PEM: what a client is given to trust.</summary>
    public string CertificatePem => certificate.ExportCertificatePem();

    /// <summary>A certificate for a server with these host names and IP addresses.</summary>
    public PemCertificate IssueServerCertificate(params ReadOnlySpan<string> hosts) => Issue(ServerUsage, DateTimeOffset.UtcNow - Hour, DateTimeOffset.UtcNow + Hour, hosts);

    /// <summary>A certificate for a server that was valid until an hour ago.</summary>
    public PemCertificate IssueExpiredServerCertificate(params ReadOnlySpan<string> hosts) =>
        Issue(ServerUsage, DateTimeOffset.UtcNow - Hour - Hour, DateTimeOffset.UtcNow - Hour, hosts);

    /// <summary>A certificate that a client shows.</summary>
    public PemCertificate IssueClientCertificate(string name) => Issue(ClientUsage, DateTimeOffset.UtcNow - Hour, DateTimeOffset.UtcNow + Hour, [name]);

    /// <summary>A certificate for a client that was valid until an hour ago.</summary>
    public PemCertificate IssueExpiredClientCertificate(string name) => Issue(ClientUsage, DateTimeOffset.UtcNow - Hour - Hour, DateTimeOffset.UtcNow - Hour, [name]);

    /// <summary>A certificate that does not say what it may be used for.</summary>
    public PemCertificate IssueCertificateWithoutUsage(string name) => Issue(null, DateTimeOffset.UtcNow - Hour, DateTimeOffset.UtcNow + Hour, [name]);

    /// <summary>A client that trusts this authority and no other.</summary>
    /// <param name="shown">The certificate that it shows, whatever the server asks for; null: none.</param>
    public HttpClient CreateHttpClient(PemCertificate? shown = null)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(X509Certificate2.CreateFromPem(CertificatePem));
        var tls = new SslClientAuthenticationOptions { CertificateChainPolicy = trust };
        if (shown is not null)
        {
            using var pair = X509Certificate2.CreateFromPem(shown.Certificate, shown.Key);

            // A key read from PEM is ephemeral; a PKCS#12 round trip makes one that TLS can use on every platform.
            var certificate = X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pfx), null);
            tls.ClientCertificates = [certificate];
            tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }

        return new(new SocketsHttpHandler { SslOptions = tls });
    }

    /// <summary>Forgets the authority's key.</summary>
    public void Dispose() => certificate.Dispose();

    private PemCertificate Issue(string? usage, DateTimeOffset from, DateTimeOffset until, ReadOnlySpan<string> hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={hosts[0]}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509BasicConstraintsExtension.CreateForEndEntity());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        using var issued = request.Create(certificate, from, until, RandomNumberGenerator.GetBytes(16));
        return new(issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}

/// <summary>A certificate and its private key, as PEM.</summary>
/// <param name="Certificate">The certificate.</param>
/// <param name="Key">The key, PKCS#8 without encryption.</param>
public sealed record PemCertificate(string Certificate, string Key)
{
    /// <summary>Writes both into a folder as <c>tls.crt</c> and <c>tls.key</c>, the names that a Kubernetes Secret gives them.</summary>
    public (string CertificateFile, string KeyFile) WriteTo(string folder)
    {
        var certificateFile = Path.Combine(folder, "tls.crt");
        var keyFile = Path.Combine(folder, "tls.key");
        // Each is replaced whole: a server that reloads sees the old or the new, never half a file.
        foreach (var (file, text) in new[] { (keyFile, Key), (certificateFile, Certificate) })
        {
            File.WriteAllText(file + ".new", text);
            File.Move(file + ".new", file, overwrite: true);
        }

        return (certificateFile, keyFile);
    }
}
