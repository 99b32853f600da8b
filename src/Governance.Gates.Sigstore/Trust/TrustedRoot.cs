using System.Collections.Immutable;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Whom a Sigstore instance trusts: its certificate and timestamp authorities, and its logs, each with the time in which it counts.</summary>
/// <remarks>Comes from a <c>trusted_root.json</c> (sigstore_trustroot.proto) that the caller holds; nothing is ever fetched. Safe for concurrent use.</remarks>
public sealed class TrustedRoot
{
    /// <summary>The most bytes that are read.</summary>
    public const int MaxSize = 1024 * 1024;

    internal TrustedRoot(
        ReadOnlySpan<byte> json,
        ImmutableArray<CertificateAuthority> certificateAuthorities,
        ImmutableArray<CertificateAuthority> timestampAuthorities,
        ImmutableArray<TransparencyLog> transparencyLogs,
        ImmutableArray<TransparencyLog> certificateLogs)
    {
        Sha256 = SHA256.HashData(json);
        CertificateAuthorities = certificateAuthorities;
        TimestampAuthorities = timestampAuthorities;
        TransparencyLogs = transparencyLogs;
        CertificateLogs = certificateLogs;
    }

    /// <summary>SHA-256 of the JSON that it was read from: 32 bytes, by which a policy names it.</summary>
    public ReadOnlyMemory<byte> Sha256 { get; }

    /// <summary>Who certifies identities.</summary>
    public ImmutableArray<CertificateAuthority> CertificateAuthorities { get; }

    /// <summary>Who signs timestamps.</summary>
    public ImmutableArray<CertificateAuthority> TimestampAuthorities { get; }

    /// <summary>Logs of signatures (Rekor, versions 1 and 2).</summary>
    public ImmutableArray<TransparencyLog> TransparencyLogs { get; }

    /// <summary>Logs of certificates (RFC 6962).</summary>
    public ImmutableArray<TransparencyLog> CertificateLogs { get; }

    /// <summary>Reads a trusted root. Fields that are not known are ignored; what is known and malformed refuses the whole.</summary>
    /// <param name="json">At most <see cref="MaxSize"/> bytes, media type version 0.1 or 0.2.</param>
    /// <param name="mistake">What is wrong, on one line; empty where a root is returned.</param>
    /// <returns>The root, or null.</returns>
    public static TrustedRoot? TryParse(ReadOnlyMemory<byte> json, out string mistake) => TrustedRootReader.Read(json, out mistake);

    /// <summary>Reads a trusted root as <see cref="TryParse"/> does.</summary>
    /// <exception cref="FormatException">It is none that is accepted here; the message says why.</exception>
    public static TrustedRoot Parse(ReadOnlyMemory<byte> json) => TryParse(json, out var mistake) ?? throw new FormatException(mistake);

    /// <summary>Its digest.</summary>
    public override string ToString() => $"trusted root sha256:{Convert.ToHexStringLower(Sha256.Span)}";
}
