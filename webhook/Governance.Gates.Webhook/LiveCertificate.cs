using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Webhook;

/// <summary>The server certificate, taken anew when its files change. A broken pair is reported, and the old one stays.</summary>
internal sealed partial class LiveCertificate(string certificatePath, string keyPath, GateMetrics metrics, ILogger<LiveCertificate> log)
{
    private volatile SslStreamCertificateContext? context;
    private byte[] loaded = [];
    private byte[] refused = [];
    private string? told;

    /// <summary>What new connections are served with.</summary>
    public SslStreamCertificateContext Current => context ?? throw new InvalidOperationException("no certificate was loaded");

    /// <summary>Loads the pair for the first time.</summary>
    /// <exception cref="GateException">It cannot be read, or certificate and key do not belong together.</exception>
    public void Load() => Take(Read(), announce: false);

    /// <summary>Looks at the files again.</summary>
    public void Reload()
    {
        (byte[] Certificate, byte[] Key) files;
        try
        {
            files = Read();
        }
        catch (GateException exception)
        {
            if (exception.Message != told)
            {
                told = exception.Message;
                LogUnreadable(told);
            }

            return;
        }

        told = null;
        var seen = Fingerprint(files);
        if (seen.AsSpan().SequenceEqual(loaded) || seen.AsSpan().SequenceEqual(refused))
        {
            return;
        }

        try
        {
            Take(files, announce: true);
        }
        catch (GateException exception)
        {
            // The two files are not swapped at one instant: the next look finds the pair, or the same mistake, which is told once.
            refused = seen;
            LogUnreadable(exception.Message);
        }
    }

    private static byte[] Fingerprint((byte[] Certificate, byte[] Key) files) => SHA256.HashData([.. SHA256.HashData(files.Certificate), .. SHA256.HashData(files.Key)]);

    private (byte[] Certificate, byte[] Key) Read()
    {
        try
        {
            return (File.ReadAllBytes(certificatePath), File.ReadAllBytes(keyPath));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"the certificate {certificatePath} or its key {keyPath} cannot be read", "name two readable PEM files", exception);
        }
    }

    private void Take((byte[] Certificate, byte[] Key) files, bool announce)
    {
        var certificatePem = System.Text.Encoding.ASCII.GetString(files.Certificate);
        try
        {
            using var pair = X509Certificate2.CreateFromPem(certificatePem, System.Text.Encoding.ASCII.GetString(files.Key));
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificatePem);

            // A key read from PEM is ephemeral; a PKCS#12 round trip makes one that TLS can use on every platform.
            var served = X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pfx), null);
            context = SslStreamCertificateContext.Create(served, [.. chain.Skip(1)], offline: true);
            loaded = Fingerprint(files);
            metrics.CertificateExpires(served.NotAfter.ToUniversalTime());
            if (announce)
            {
                LogLoaded(served.Thumbprint, served.NotAfter.ToUniversalTime());
            }
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new GateException($"{certificatePath} and {keyPath} are no certificate with its key", "name a PEM certificate and the PEM key that belongs to it", exception);
        }
    }

    [LoggerMessage(1011, LogLevel.Information, "New connections are served with certificate {Thumbprint}, which ends {NotAfter:o}")]
    private partial void LogLoaded(string thumbprint, DateTime notAfter);

    [LoggerMessage(1012, LogLevel.Error, "The changed certificate was refused, and the old one stays: {Mistake}")]
    private partial void LogUnreadable(string mistake);
}
