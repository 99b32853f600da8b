using System.Collections.Immutable;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>The trusted material of a verification with keys: says which of them signed.</summary>
internal readonly struct TrustedKeys(ImmutableArray<PublicKey> keys)
{
    public bool IsEmpty => keys.IsEmpty;

    /// <summary>Whether there are keys, and none of them can check a signature where only the artifact's SHA-256 is known.</summary>
    public bool NeedBytes => !keys.IsEmpty && !keys.Any(key => key.WorksOnSha256);

    public bool Has(string hint) => keys.Any(key => key.IsNamedBy(hint));

    /// <summary>The keys that made any of these signatures, each once. Nothing that a signature says about its key is asked.</summary>
    public ImmutableArray<PublicKey> Signers(SignedBytes signed, ReadOnlySpan<byte[]> signatures)
    {
        var signers = ImmutableArray.CreateBuilder<PublicKey>();
        foreach (var key in keys)
        {
            foreach (var signature in signatures)
            {
                if (key.Verify(ref signed, signature))
                {
                    signers.Add(key);
                    break;
                }
            }
        }

        return signers.ToImmutable();
    }
}
