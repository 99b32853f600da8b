using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>The tags that stand for a digest.</summary>
internal static class Tags
{
    /// <summary>The tag in which cosign keeps signatures or attestations.</summary>
    public static string Name(Digest subject, CosignTag tag) => $"{Fallback(subject)}.{(tag == CosignTag.Signatures ? "sig" : "att")}";

    /// <summary>The tag of the index of referrers (OCI distribution specification 1.1, "Referrers Tag Schema").</summary>
    public static string Fallback(Digest subject) => $"sha256-{subject.Hex}";
}
