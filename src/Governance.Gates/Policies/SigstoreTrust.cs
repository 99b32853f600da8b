using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>By whose word signatures without a key count.</summary>
/// <param name="Source">The name of a public instance, or the file that the policy names by digest.</param>
/// <param name="Logs">What a transparency log must have shown.</param>
/// <param name="Root">The trusted root.</param>
/// <param name="Json">The bytes from which it was read.</param>
public sealed record SigstoreTrust(string Source, LogRule Logs, TrustedRoot Root, ReadOnlyMemory<byte> Json)
{
    // No path of a policy holds a ':', so no file can pass for an instance.
    private const string InstancePrefix = "sigstore:";

    /// <summary>Whether the policy names a file; else a public instance, whose copy comes with the program.</summary>
    public required bool IsFile { get; init; }

    /// <summary>Under which name its bytes stand among the policy's files.</summary>
    public string FileName => IsFile ? Source : InstancePrefix + Source;

    /// <summary>SHA-256 of its bytes.</summary>
    public Digest Digest { get; } = Digest.FromHash(Root.Sha256.Span);

    /// <summary>What must stand beside a signature.</summary>
    public EvidenceRequirement Evidence { get; } = new(Root)
    {
        Logs = Logs == LogRule.None ? 0 : 1,
        CertificateTimestamps = Logs == LogRule.None ? 0 : 1,
        Proof = Logs == LogRule.Promise ? LogProof.Promise : LogProof.Inclusion,
    };

    /// <summary>The name of an instance's bytes among the files of a policy.</summary>
    public static string FileNameOf(string instance) => InstancePrefix + instance;
}

/// <summary>What a transparency log must have shown of a signature without a key, from the mildest.</summary>
public enum LogRule
{
    /// <summary>Nothing: the instance has no logs, and a timestamp authority says when.</summary>
    None,

    /// <summary>That it has the signature, or its signed promise where the form holds nothing else (cosign's annotations, bundles 0.1).</summary>
    Promise,

    /// <summary>That it has the signature.</summary>
    Inclusion,
}
