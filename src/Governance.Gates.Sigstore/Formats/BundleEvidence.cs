using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Governance.Gates.Sigstore.Logs;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>What stands beside a signature to prove when and where it was made: log entries and timestamps, decoded and not yet trusted.</summary>
/// <param name="Version">The version of the bundle, which says what an entry must have.</param>
/// <param name="Entries">Entries of transparency logs.</param>
/// <param name="Timestamps">RFC 3161 TimeStampResp in DER.</param>
internal sealed record BundleEvidence(BundleVersion Version, ImmutableArray<LogEntry> Entries, ImmutableArray<byte[]> Timestamps)
{
    /// <summary>A form that carries none.</summary>
    public static BundleEvidence None { get; } = new(BundleVersion.V03, [], []);

    public static bool TryRead(JsonElement bundle, BundleVersion version, [NotNullWhen(true)] out BundleEvidence? evidence, [NotNullWhen(false)] out Rejected? rejected)
    {
        var shape = new JsonShape("evidence");
        var entries = shape.Optional(bundle, JsonValueKind.Array, "verificationMaterial", "tlogEntries");
        var timestamps = shape.Optional(bundle, JsonValueKind.Array, "verificationMaterial", "timestampVerificationData", "rfc3161Timestamps");
        Bound(shape, entries, RejectionCode.TooManyLogEntries, "log entries");
        Bound(shape, timestamps, RejectionCode.TooManyTimestamps, "timestamps");
        ImmutableArray<LogEntry> read = shape.Fault is null && entries.ValueKind == JsonValueKind.Array ? [.. entries.EnumerateArray().Select(entry => LogEntry.Read(shape, entry))] : [];
        ImmutableArray<byte[]> tokens = shape.Fault is null && timestamps.ValueKind == JsonValueKind.Array
            ? [.. timestamps.EnumerateArray().Select(timestamp => shape.Base64(timestamp, "signedTimestamp"))]
            : [];
        rejected = shape.Fault;
        evidence = rejected is null ? new(version, read, tokens) : null;
        return rejected is null;
    }

    private static void Bound(JsonShape shape, JsonElement list, RejectionCode code, string what)
    {
        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() is > Limits.EvidenceOfAKind and var count)
        {
            shape.Fail(code, $"the bundle has {count} {what} and at most {Limits.EvidenceOfAKind} are read");
        }
    }
}
