using System.Collections.Immutable;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Evidence;

/// <summary>The keys of a policy, and the digest that names exactly this set.</summary>
public sealed class TrustedKeys
{
    /// <summary>The keys that <paramref name="policy"/> trusts.</summary>
    public TrustedKeys(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Keys = [.. policy.Keys.Values.Select(key => key.PublicKey)];
        Version = Digest.Of([.. policy.Keys.Values.Select(key => key.Identity.Spki.Hex).Order(StringComparer.Ordinal).SelectMany(Convert.FromHexString)]);
    }

    /// <summary>The keys.</summary>
    public ImmutableArray<PublicKey> Keys { get; }

    /// <summary>The same for the same set of keys only.</summary>
    public Digest Version { get; }
}
