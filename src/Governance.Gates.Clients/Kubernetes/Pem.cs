using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Certificates and keys in PEM, with mistakes that name where the text stood. No message shows the text.</summary>
internal static class Pem
{
    /// <summary>The certificates of a PEM text; at least one.</summary>
    public static ImmutableArray<X509Certificate2> Certificates(string text, string at)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(text);
        }
        catch (CryptographicException broken)
        {
            throw new GateException($"{at} holds a certificate that cannot be read", "give certificates in PEM", broken);
        }

        return found.Count > 0 ? [.. found] : throw new GateException($"{at} holds no certificate", "give certificates in PEM");
    }

    /// <summary>A client's certificate, ECDSA or RSA, with its key.</summary>
    public static ClientCertificate ClientCertificate(string certificate, string key, string certificateAt, string keyAt)
    {
        var chain = Certificates(certificate, certificateAt);
        try
        {
            var leaf = X509Certificate2.CreateFromPem(certificate, key);
            return new(OperatingSystem.IsWindows() ? Persisted(leaf) : leaf, [.. chain.Skip(1)]);
        }
        catch (Exception broken) when (broken is CryptographicException or ArgumentException)
        {
            throw new GateException($"{keyAt} is not the private key of {certificateAt}", "give the unencrypted key in PEM that belongs to the certificate", broken);
        }
    }

    // Windows does TLS outside the process and cannot use a key that lives only in its memory.
    private static X509Certificate2 Persisted(X509Certificate2 leaf) => X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), password: null);
}
