#pragma warning disable RS0030 // This is the one file in which chains are built.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Sigstore.Certificates;

/// <summary>What an authority issues with: its intermediates, each issued by the next, and its anchor. The one place where certificate paths are built.</summary>
/// <remarks>Only these certificates stand behind a path: none of the machine's, none from a network. The anchor is never one that a bundle brings.</remarks>
internal sealed class AuthorityChain
{
    private const int MostRemembered = 4_096;

    private readonly X509Certificate2[] certificates;

    // That it certified a leaf never changes, and most leaves come again: those of timestamps with every token, an image's with every look at it. A failure may be the machine's, and is not remembered.
    private readonly ConcurrentDictionary<(UInt128 Low, UInt128 High, string Usage), bool> certified = new();

    private AuthorityChain(ImmutableArray<CertificateFields> fields, X509Certificate2[] certificates)
    {
        Certificates = fields;
        this.certificates = certificates;
    }

    /// <summary>The intermediates and the anchor.</summary>
    public ImmutableArray<CertificateFields> Certificates { get; }

    /// <summary>How many leaves it is known to have certified without building their paths again.</summary>
    public int Remembered => certified.Count;

    /// <summary>The chain, or null where the platform cannot read a certificate, or one of them may not issue.</summary>
    public static AuthorityChain? TryCreate(ImmutableArray<CertificateFields> fields)
    {
        if (fields.IsEmpty || !fields.All(certificate => certificate.IsAuthority))
        {
            return null;
        }

        try
        {
            return new(fields, [.. fields.Select(certificate => X509CertificateLoader.LoadCertificate(certificate.Der.Span))]);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Whether a certificate that may issue no others was issued, for this use, along exactly this chain. Time is not looked at: see <see cref="OutOfValidity"/>.</summary>
    public bool Issued(CertificateFields leaf, string usage) => !leaf.IsAuthority && Certified(leaf, usage);

    /// <summary>The same, of a certificate that may issue others too.</summary>
    /// <remarks>Names, signatures, constraints and unknown critical extensions are the platform's to check (RFC 5280, section 6).</remarks>
    public bool Certified(CertificateFields leaf, string usage)
    {
        // The cheap rule first: most authorities of a root issued another time's certificates.
        if (!leaf.Issuer.Span.SequenceEqual(Certificates[0].Subject.Span) || !leaf.MaySign(usage) || !leaf.Usages.Contains(usage))
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(leaf.Der.Span, hash);
        var key = (MemoryMarshal.Read<UInt128>(hash), MemoryMarshal.Read<UInt128>(hash[16..]), usage);
        if (certified.ContainsKey(key))
        {
            return true;
        }

        if (!Builds(leaf, usage))
        {
            return false;
        }

        if (certified.Count >= MostRemembered)
        {
            certified.Clear();
        }

        return certified[key] = true;
    }

    private bool Builds(CertificateFields leaf, string usage)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.Add(certificates[^1]);
        policy.ExtraStore.AddRange(certificates[..^1]);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(new Oid(usage));
        // The platform compares with local time, and not for each of several instants: validity is compared here, with the times in the DER.
        policy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        policy.VerificationTime = leaf.NotBefore.UtcDateTime;
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(leaf.Der.Span);
            return chain.Build(certificate) && IsExactly(chain.ChainElements);
        }
        catch (CryptographicException)
        {
            return false;
        }
        finally
        {
            foreach (var element in chain.ChainElements)
            {
                element.Certificate.Dispose();
            }
        }
    }

    /// <summary>The first certificate of a path that is not valid at an instant; null where all are.</summary>
    public CertificateFields? OutOfValidity(CertificateFields leaf, DateTimeOffset time) =>
        leaf.IsValidAt(time) ? Certificates.FirstOrDefault(certificate => !certificate.IsValidAt(time)) : leaf;

    private bool IsExactly(X509ChainElementCollection elements) =>
        elements.Count == Certificates.Length + 1
        && Certificates.Select((certificate, place) => certificate.Der.Span.SequenceEqual(elements[place + 1].Certificate.RawDataMemory.Span)).All(same => same);
}
