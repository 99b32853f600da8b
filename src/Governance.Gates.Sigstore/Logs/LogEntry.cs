using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore.Logs;

/// <summary>An entry of a transparency log as a bundle carries it (sigstore_rekor.proto, TransparencyLogEntry), not yet trusted.</summary>
/// <param name="LogId">Which log.</param>
/// <param name="LogIndex">Its index over all of the log's trees; nobody signed for it but where there is a promise.</param>
/// <param name="Kind">What kind of entry, such as <c>hashedrekord</c>, in which version; null where the form leaves that to the body, as cosign's annotations do.</param>
/// <param name="IntegratedTime">Seconds since 1970 that the log claims; 0 where it claims none.</param>
/// <param name="Promise">The signed entry timestamp; null where there is none.</param>
/// <param name="Proof">The inclusion proof; null where there is none.</param>
/// <param name="Body">The logged bytes.</param>
internal sealed record LogEntry(byte[] LogId, long LogIndex, (string Name, string Version)? Kind, long IntegratedTime, byte[]? Promise, InclusionProof? Proof, byte[] Body)
{
    /// <summary>Whether it is of Rekor v2, which has one tree, no promise and no clock of its own.</summary>
    public bool IsOfSecondVersion => Kind is ("hashedrekord" or "dsse", "0.0.2");

    public static LogEntry Read(JsonShape shape, JsonElement json)
    {
        var promise = shape.Optional(json, JsonValueKind.Object, "inclusionPromise");
        var proof = shape.Optional(json, JsonValueKind.Object, "inclusionProof");
        return new(
            shape.Base64(json, "logId", "keyId"),
            shape.Count(json, "logIndex"),
            (shape.Text(json, "kindVersion", "kind"), shape.Text(json, "kindVersion", "version")),
            shape.Count(json, "integratedTime"),
            promise.ValueKind == JsonValueKind.Object ? shape.Base64(promise, "signedEntryTimestamp") : null,
            proof.ValueKind == JsonValueKind.Object ? InclusionProof.Read(shape, proof) : null,
            shape.Base64(json, "canonicalizedBody"));
    }
}

/// <summary>A proof that an entry is in a tree (sigstore_rekor.proto, InclusionProof).</summary>
/// <param name="LogIndex">The entry's index in that tree.</param>
/// <param name="TreeSize">The tree's size.</param>
/// <param name="RootHash">The root that the bundle claims.</param>
/// <param name="Hashes">The siblings, from the leaf up.</param>
/// <param name="Checkpoint">The signed note over size and root; null where there is none.</param>
internal sealed record InclusionProof(long LogIndex, long TreeSize, byte[] RootHash, ImmutableArray<byte[]> Hashes, string? Checkpoint)
{
    public static InclusionProof Read(JsonShape shape, JsonElement json)
    {
        var hashes = shape.Optional(json, JsonValueKind.Array, "hashes");
        var checkpoint = shape.Optional(json, JsonValueKind.String, "checkpoint", "envelope");
        if (hashes.ValueKind == JsonValueKind.Array && hashes.GetArrayLength() > MerkleTree.MostSiblings)
        {
            shape.Fail(RejectionCode.InclusionProofInvalid, $"the inclusion proof has {hashes.GetArrayLength()} hashes, and no tree is that high");
            hashes = default;
        }

        return new(
            shape.Count(json, "logIndex"),
            shape.Count(json, "treeSize"),
            shape.Base64(json, "rootHash"),
            hashes.ValueKind == JsonValueKind.Array ? [.. hashes.EnumerateArray().Select(hash => shape.Base64(hash))] : [],
            checkpoint.ValueKind == JsonValueKind.String ? checkpoint.GetString() : null);
    }
}
