using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Trust;

/// <summary>Somebody whose word counts by a trusted root.</summary>
/// <param name="Kind">What kind of word.</param>
/// <param name="Address">The address.</param>
/// <param name="Name">Who: the subject of the certificate that issues, or the kind of the key.</param>
/// <param name="Id">What tells it from others: SHA-256 of the certificate, or of the key.</param>
/// <param name="Window">When it counts.</param>
internal sealed record RootParty(string Kind, string Address, string Name, Digest Id, TimeWindow Window)
{
    /// <summary>All of a root, in its order.</summary>
    public static ImmutableArray<RootParty> Of(TrustedRoot root) =>
    [
        .. root.CertificateAuthorities.Select(authority => Of("certificate authority", authority)),
        .. root.TransparencyLogs.Select(log => Of("log of signatures", log)),
        .. root.CertificateLogs.Select(log => Of("log of certificates", log)),
        .. root.TimestampAuthorities.Select(authority => Of("timestamp authority", authority)),
    ];

    private static RootParty Of(string kind, CertificateAuthority authority)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(authority.Chain[0].Span);
        return new(kind, authority.Uri, certificate.Subject, Digest.Of(authority.Chain[0].Span), authority.Window);
    }

    private static RootParty Of(string kind, TransparencyLog log) => new(kind, log.BaseUrl, log.Key.Algorithm.ToString(), Digest.FromHash(log.Key.SpkiSha256.Span), log.Window);

    /// <summary>Who, and when they count.</summary>
    public override string ToString() => $"{Address}, {Name}, {Id}, counts from {Window}";
}
