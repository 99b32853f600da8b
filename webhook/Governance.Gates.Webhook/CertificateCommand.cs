using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Webhook;

/// <summary><c>gates-webhook certificate</c>: a certificate authority of its own for clusters without an issuer.</summary>
internal static class CertificateCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("folder") { Description = "Where ca.crt, tls.crt and tls.key are written." };
        var name = new Option<string[]>("--name") { Description = "A DNS name or IP address of the webhook.", Required = true };
        var days = new Option<int>("--days") { Description = "How long both certificates last.", DefaultValueFactory = _ => 365 };
        days.Validators.Add(result =>
        {
            if (result.GetValue(days) is < 1 or > 3650)
            {
                result.AddError("--days is 1 to 3650");
            }
        });
        name.Validators.Add(result =>
        {
            foreach (var wrong in result.GetRequiredValue(name).Where(text => Uri.CheckHostName(text) == UriHostNameType.Unknown))
            {
                result.AddError($"--name '{wrong}' is no DNS name and no IP address");
            }
        });
        var command = new Command("certificate", "Makes a server certificate and its authority, whose key is thrown away. Example: gates-webhook certificate tls --name governance-gates.governance-gates.svc") { folder, name, days };
        command.SetAction(parsed =>
        {
            Write(parsed.GetRequiredValue(folder), parsed.GetRequiredValue(name), TimeSpan.FromDays(parsed.GetValue(days)), TimeProvider.System.GetUtcNow());
            return ExitCode.Allowed;
        });
        return command;
    }

    private static void Write(string folder, string[] names, TimeSpan lifetime, DateTimeOffset now)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=governance-gates webhook authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        authority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        authority.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authority.PublicKey, false));
        using var issuer = authority.CreateSelfSigned(now.AddMinutes(-5), now + lifetime);

        using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=governance-gates webhook", serverKey, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        server.CertificateExtensions.Add(alternatives.Build());
        server.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        server.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], false));
        server.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer, true, false));
        using var leaf = server.Create(issuer, now.AddMinutes(-5), now + lifetime, RandomNumberGenerator.GetBytes(16));

        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "ca.crt"), issuer.ExportCertificatePem() + "\n");
            File.WriteAllText(Path.Combine(folder, "tls.crt"), leaf.ExportCertificatePem() + "\n");
            var keyFile = Path.Combine(folder, "tls.key");
            File.Delete(keyFile);
            var mode = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var key = new FileStream(keyFile, mode);
            key.Write(System.Text.Encoding.ASCII.GetBytes(serverKey.ExportPkcs8PrivateKeyPem() + "\n"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"the certificate cannot be written to {folder}: {exception.Message}", "name a folder that can be written", exception);
        }
    }
}
