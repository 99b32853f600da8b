using System.Collections.Immutable;
using System.Security.Cryptography;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Logs;
using Governance.Gates.Sigstore.Timestamps;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>What independent parties proved of a signature: logs and times.</summary>
/// <param name="Logs">The entries that hold.</param>
/// <param name="Times">The times that hold, log entries first.</param>
internal sealed record ProvenEvidence(ImmutableArray<VerifiedLogEntry> Logs, ImmutableArray<VerifiedTime> Times)
{
    public static ProvenEvidence None { get; } = new([], []);
}

/// <summary>Verifies what stands beside a signature. What names a trusted party must hold, or everything is refused; what names others is not evidence and is not counted.</summary>
internal static class EvidenceVerifier
{
    /// <summary>Why the evidence does not suffice; null where it does.</summary>
    public static Rejected? Fault(BundleEvidence evidence, EvidenceRequirement requirement, LoggedSignature signed, out ProvenEvidence proven)
    {
        proven = ProvenEvidence.None;
        var logs = ImmutableArray.CreateBuilder<VerifiedLogEntry>();
        var times = ImmutableArray.CreateBuilder<VerifiedTime>();
        var ownTimes = new List<DateTimeOffset?>();
        var parties = new HashSet<string>(StringComparer.Ordinal);
        Rejected? passedOver = null;
        foreach (var entry in evidence.Entries)
        {
            if (requirement.Root.TransparencyLogs.FirstOrDefault(log => log.LogId.Span.SequenceEqual(entry.LogId)) is not { } log)
            {
                passedOver ??= new(RejectionCode.UnknownLog, "log entry", $"the entry is of the log {Convert.ToHexStringLower(entry.LogId.AsSpan(0, Math.Min(entry.LogId.Length, 32)))}, which the trusted root does not name");
                continue;
            }

            if (LogEntryCheck.Fault(entry, log, evidence.Version, requirement.Proof, signed, out var time, out var proof) is { } fault)
            {
                return fault;
            }

            var index = proof == LogProof.Inclusion ? entry.Proof!.LogIndex : entry.LogIndex;
            if (logs.Any(other => ReferenceEquals(other.Log, log) && other.Index == index))
            {
                return new(RejectionCode.DuplicateLogEntry, "log entry", $"the bundle has the entry {index} of {log} twice");
            }

            logs.Add(new(log, index, proof));
            ownTimes.Add(time);
            if (time is { } integrated)
            {
                times.Add(new(integrated, TimeSource.TransparencyLog, log.BaseUrl));
                parties.Add(log.Party);
            }
        }

        var distinct = logs.DistinctBy(entry => entry.Log.Party).Count();
        if (distinct < requirement.Logs)
        {
            return passedOver ?? new(RejectionCode.LogEntryMissing, "log entry", $"{distinct} trusted logs have the signature, and {requirement.Logs} must");
        }

        passedOver = null;
        if (StampedTimes(evidence, requirement, signed, times, parties, ref passedOver) is { } wrong)
        {
            return wrong;
        }

        if (parties.Count < requirement.Times)
        {
            return passedOver ?? new(RejectionCode.NoVerifiedTime, "time", $"{parties.Count} trusted parties say when it was signed, and {requirement.Times} must");
        }

        proven = new(logs.ToImmutable(), times.ToImmutable());
        return OutsideLogs(proven, ownTimes);
    }

    private static Rejected? StampedTimes(
        BundleEvidence evidence, EvidenceRequirement requirement, LoggedSignature signed, ImmutableArray<VerifiedTime>.Builder times, HashSet<string> parties, ref Rejected? passedOver)
    {
        if (evidence.Timestamps.DistinctBy(response => Convert.ToHexString(SHA256.HashData(response))).Count() != evidence.Timestamps.Length)
        {
            return new(RejectionCode.DuplicateTimestamp, "timestamp", "the bundle has one timestamp twice");
        }

        foreach (var response in evidence.Timestamps)
        {
            if (TimestampToken.TryRead(response, out var mistake) is not { } token)
            {
                return new(RejectionCode.TimestampMalformed, "timestamp", mistake);
            }

            // Each authority is held to its own window and its own certificates; one that does not know the token says nothing of it.
            var verdicts = requirement.Root.TimestampAuthorities.Select(authority => (Authority: authority, Fault: TimestampCheck.Fault(token, authority, signed.Stamped.Span))).ToList();
            if (verdicts.FirstOrDefault(verdict => verdict.Fault is null).Authority is { } authority)
            {
                times.Add(new(token.Time, TimeSource.TimestampAuthority, authority.Uri));
                parties.Add(authority.Party);
            }
            else if (verdicts.FirstOrDefault(verdict => verdict.Fault!.Code != RejectionCode.TimestampUntrusted).Fault is { } fault)
            {
                return fault;
            }
            else
            {
                passedOver ??= TimestampCheck.Untrusted;
            }
        }

        return null;
    }

    /// <summary>A log's key counts in its window only. Where the log itself gives no time, as Rekor v2 does not, those of others say when that was.</summary>
    private static Rejected? OutsideLogs(ProvenEvidence proven, List<DateTimeOffset?> ownTimes)
    {
        for (var place = 0; place < proven.Logs.Length; place++)
        {
            var log = proven.Logs[place].Log;
            IEnumerable<DateTimeOffset> times = ownTimes[place] is { } own ? [own] : proven.Times.Select(time => time.Time);
            if (times.Where(time => !log.Window.Contains(time)).Select(time => (DateTimeOffset?)time).FirstOrDefault() is { } outside)
            {
                return new(RejectionCode.OutsideLogValidity, "log entry", $"{log} counts from {log.Window}, and the entry is of {outside.UtcDateTime:O}");
            }

            if (!times.Any() && log.Window.Until is not null)
            {
                return new(RejectionCode.OutsideLogValidity, "log entry", $"{log} counts from {log.Window}, and nobody says when the entry was made");
            }
        }

        return null;
    }
}
