using System.Security.Cryptography;

namespace Governance.Gates.Sigstore.Logs;

/// <summary>The hashes of a transparency log's tree (RFC 6962, section 2.1).</summary>
internal static class MerkleTree
{
    /// <summary>A tree of 2^63 leaves is the highest that there is.</summary>
    public const int MostSiblings = 64;

    /// <summary>The hash of a leaf: SHA-256 over 0x00 and its bytes.</summary>
    public static byte[] LeafHash(ReadOnlySpan<byte> leaf) => SHA256.HashData([0, .. leaf]);

    /// <summary>Whether a leaf stands at an index of a tree (RFC 9162, section 2.1.3.2). False for whatever is malformed.</summary>
    public static bool Includes(byte[] leafHash, InclusionProof proof)
    {
        if (proof.LogIndex >= proof.TreeSize || proof.Hashes.Any(sibling => sibling.Length != SHA256.HashSizeInBytes))
        {
            return false;
        }

        var (node, last) = (proof.LogIndex, proof.TreeSize - 1);
        var hash = leafHash;
        foreach (var sibling in proof.Hashes)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = SHA256.HashData([1, .. sibling, .. hash]);
                while ((node & 1) == 0 && node != 0)
                {
                    (node, last) = (node >> 1, last >> 1);
                }
            }
            else
            {
                hash = SHA256.HashData([1, .. hash, .. sibling]);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && hash.AsSpan().SequenceEqual(proof.RootHash);
    }
}
