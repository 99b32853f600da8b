namespace Governance.Gates.Sigstore;

/// <summary>An entry of a transparency log that is about exactly this signature.</summary>
/// <param name="Log">The log.</param>
/// <param name="Index">The index that was shown: in the tree of an inclusion proof, or over all of the log's trees where a promise had to do.</param>
/// <param name="Proof">What showed it.</param>
public sealed record VerifiedLogEntry(TransparencyLog Log, long Index, LogProof Proof);

/// <summary>When a signature existed, by the word of a trusted party.</summary>
/// <param name="Time">The instant.</param>
/// <param name="Source">What kind of party says so.</param>
/// <param name="Authority">Its address.</param>
public sealed record VerifiedTime(DateTimeOffset Time, TimeSource Source, string Authority);

/// <summary>Who says when something was signed.</summary>
public enum TimeSource
{
    /// <summary>A transparency log, in its signed entry timestamp.</summary>
    TransparencyLog,

    /// <summary>A timestamp authority (RFC 3161).</summary>
    TimestampAuthority,
}
