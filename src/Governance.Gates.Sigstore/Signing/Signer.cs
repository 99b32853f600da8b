namespace Governance.Gates.Sigstore;

/// <summary>Makes signatures with one private key, wherever that is kept.</summary>
public abstract class Signer
{
    /// <summary>The key that verifies what this signs.</summary>
    public abstract PublicKey PublicKey { get; }

    /// <summary>Signs the exact bytes given, as <see cref="PublicKey.Verify(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> checks them: ECDSA in DER with the curve's hash.</summary>
    public abstract ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation);
}
