namespace Governance.Gates.Sigstore;

/// <summary>What must stand beside a signature, by whose word. Whatever stands there and belongs to somebody that the root trusts must hold, whether it is needed or not.</summary>
/// <param name="Root">Whose word counts.</param>
public sealed record EvidenceRequirement(TrustedRoot Root)
{
    /// <summary>How many distinct transparency logs must have the signature.</summary>
    public int Logs { get; init; } = 1;

    /// <summary>How many distinct parties, logs or timestamp authorities, must say when it was made; authorities whose certificates one key issued are one party. A certificate needs one in any case.</summary>
    public int Times { get; init; } = 1;

    /// <summary>How many distinct logs must have promised to show the certificate (RFC 6962). Of no meaning with a key.</summary>
    public int CertificateTimestamps { get; init; } = 1;

    /// <summary>What shows that a log has an entry.</summary>
    public LogProof Proof { get; init; } = LogProof.Inclusion;
}

/// <summary>What shows that a transparency log has an entry.</summary>
public enum LogProof
{
    /// <summary>A proof that it is in the tree whose root the log signed.</summary>
    Inclusion,

    /// <summary>The log's signed word that it will be (Rekor v1's signed entry timestamp) suffices in those forms that have nothing else: bundles of version 0.1 and cosign's annotations.</summary>
    Promise,
}
