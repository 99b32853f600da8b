using Governance.Gates.Revocations;

namespace Governance.Gates.Clients.Revocations;

/// <summary>A list of revocations that was accepted, to be kept: a gate that begins again knows whom it revokes.</summary>
/// <param name="Signed">The signed bytes, as they came.</param>
/// <param name="List">What they say; its number is at least 1.</param>
public sealed record AcceptedRevocations(ReadOnlyMemory<byte> Signed, RevocationList List);
