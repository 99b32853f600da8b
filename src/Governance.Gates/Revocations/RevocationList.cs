using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Revocations;

/// <summary>What no longer counts, whatever else is signed: the content of a signed, numbered list.</summary>
/// <remarks>
/// A registry that hides a "no" changes nothing: a "no" counts from this list, which a gate refuses to see go backwards or grow stale.
/// </remarks>
/// <param name="Number">Rises with every list.</param>
/// <param name="IssuedAt">When its signer says it was made.</param>
/// <param name="People">Ids of persons.</param>
/// <param name="Keys">SHA-256 of the SPKI of keys.</param>
/// <param name="Artifacts">Digests of artifacts: never started, whatever was approved.</param>
/// <param name="Approvals">Ids of requests and approvals.</param>
public sealed record RevocationList(
    long Number,
    DateTimeOffset IssuedAt,
    ImmutableHashSet<string> People,
    ImmutableHashSet<Digest> Keys,
    ImmutableHashSet<Digest> Artifacts,
    ImmutableHashSet<string> Approvals)
{
    /// <summary>Nothing is revoked: what stands where a policy names no list.</summary>
    public static RevocationList Empty { get; } = new(0, DateTimeOffset.MinValue, [], [], [], []);

    /// <summary>The signed bytes from which it was read; null where it was not read from any.</summary>
    public KeptBytes? Signed { get; init; }
}
