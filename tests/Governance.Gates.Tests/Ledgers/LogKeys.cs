using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>Keys of logs that are the same in every run.</summary>
internal static class LogKeys
{
    /// <summary>The Ed25519 key whose seed is 32 times this byte.</summary>
    public static NoteSigner Ed25519(string name, byte seed)
    {
        byte[] secret = [.. Enumerable.Repeat(seed, 32)];
        var key = PublicKey.Parse(TestSigners.Ed25519Spki(Ed25519Signer.PublicKey(secret)));
        return new(NoteKey.TryCreate(name, key)!, new DelegateSigner(key, (data, _) => new(Ed25519Signer.Sign(secret, data.ToArray()))));
    }
}
