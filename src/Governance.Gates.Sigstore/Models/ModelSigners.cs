using System.Collections.Immutable;

namespace Governance.Gates.Sigstore.Models;

/// <summary>Whose signature over a model counts; any of them suffices. Without any, everything is refused.</summary>
public sealed record ModelSigners
{
    /// <summary>Trusted keys (the method <c>key</c>).</summary>
    public ImmutableArray<PublicKey> Keys { get; init; } = [];

    /// <summary>Who may sign with a certificate of an authority of one's own (the method <c>certificate</c>).</summary>
    public AuthoritySigners? Authority { get; init; }

    /// <summary>Who may sign without a key (the method <c>sigstore</c>).</summary>
    public KeylessSigners? Keyless { get; init; }
}
