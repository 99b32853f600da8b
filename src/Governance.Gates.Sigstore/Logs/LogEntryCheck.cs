using System.Text;
using Governance.Gates.Sigstore.Formats;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Logs;

/// <summary>Holds one log entry against the log that it names and the signature that carries it.</summary>
internal static class LogEntryCheck
{
    private const string Step = "log entry";

    // The last second of the year 9999, beyond which the platform has no time.
    private const long LastSecond = 253402300799;

    /// <summary>Why an entry proves nothing; null where all of it holds.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="log">The log that it names.</param>
    /// <param name="version">The bundle's version.</param>
    /// <param name="accepted">What shows that the log has it.</param>
    /// <param name="signed">What it must be about.</param>
    /// <param name="time">When the log took it, where the log signed for that.</param>
    /// <param name="proof">What showed it.</param>
    public static Rejected? Fault(LogEntry entry, TransparencyLog log, BundleVersion version, LogProof accepted, LoggedSignature signed, out DateTimeOffset? time, out LogProof proof)
    {
        time = null;
        proof = LogProof.Inclusion;
        if (signed.Mismatch(entry) is { } mismatch)
        {
            return mismatch;
        }

        if (entry.IsOfSecondVersion && entry.Proof is { } only && only.LogIndex != entry.LogIndex)
        {
            return new(RejectionCode.LogIndexMismatch, Step, $"the entry has index {entry.LogIndex}, and its proof is of {only.LogIndex}");
        }

        // What a bundle calls itself must not decide how much it has to prove: the policy does.
        if (entry.Proof?.Checkpoint is null && version == BundleVersion.V01 && accepted == LogProof.Promise && !entry.IsOfSecondVersion)
        {
            proof = LogProof.Promise;
        }
        else if (NotIncluded(entry, log) is { } absent)
        {
            return absent;
        }

        if (entry.Promise is null)
        {
            // Without the log's signature the time beside it is anybody's word.
            return version == BundleVersion.V01 ? new(RejectionCode.InclusionPromiseMissing, Step, "the entry has no signed entry timestamp, which a bundle of version 0.1 must have") : null;
        }

        if (entry.IntegratedTime > LastSecond || !log.Key.Verify(PromisedBytes(entry), entry.Promise))
        {
            return new(RejectionCode.InclusionPromiseInvalid, Step, $"{log} did not sign for this entry, index and time");
        }

        if (!entry.IsOfSecondVersion && entry.IntegratedTime > 0)
        {
            time = DateTimeOffset.FromUnixTimeSeconds(entry.IntegratedTime);
        }

        return null;
    }

    private static Rejected? NotIncluded(LogEntry entry, TransparencyLog log)
    {
        if (entry.Proof is not { } proof)
        {
            return new(RejectionCode.InclusionProofMissing, Step, "the entry has no inclusion proof");
        }

        if (proof.Checkpoint is null)
        {
            return new(RejectionCode.CheckpointMissing, Step, "the inclusion proof has no checkpoint, so nobody signed its root");
        }

        if (LogCheckpoint.TryRead(proof.Checkpoint) is not { } checkpoint)
        {
            return new(RejectionCode.CheckpointMalformed, Step, "the checkpoint is no signed note over an origin, a size and a root");
        }

        // C2SP names a log by its host; the checkpoints of Rekor v1 carry what its operator once configured.
        if (!checkpoint.IsSignedBy(log, name => !entry.IsOfSecondVersion || log.IsNamed(name)))
        {
            return new(RejectionCode.CheckpointInvalid, Step, $"{log} did not sign the checkpoint of '{OneLine.Show(checkpoint.Origin)}'");
        }

        if (checkpoint.TreeSize != proof.TreeSize || !checkpoint.RootHash.AsSpan().SequenceEqual(proof.RootHash))
        {
            return new(RejectionCode.CheckpointMismatch, Step, "the checkpoint is about another tree than the inclusion proof");
        }

        return MerkleTree.Includes(MerkleTree.LeafHash(entry.Body), proof)
            ? null
            : new(RejectionCode.InclusionProofInvalid, Step, $"the entry does not stand at index {proof.LogIndex} of the tree of {proof.TreeSize}");
    }

    /// <summary>What a signed entry timestamp is over: four fields as RFC 8785 orders and spells them.</summary>
    private static byte[] PromisedBytes(LogEntry entry) => Encoding.ASCII.GetBytes(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $$"""{"body":"{{Convert.ToBase64String(entry.Body)}}","integratedTime":{{entry.IntegratedTime}},"logID":"{{Convert.ToHexStringLower(entry.LogId)}}","logIndex":{{entry.LogIndex}}}"""));
}
