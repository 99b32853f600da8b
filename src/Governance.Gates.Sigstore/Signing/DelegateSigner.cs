using System.Security.Cryptography;

namespace Governance.Gates.Sigstore;

/// <summary>Signs with a key that is kept elsewhere: a token, a key management service, an agent.</summary>
/// <param name="publicKey">The key that verifies its answers.</param>
/// <param name="sign">Asks for a signature over the bytes given.</param>
public sealed class DelegateSigner(PublicKey publicKey, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<byte[]>> sign) : Signer
{
    /// <inheritdoc/>
    public override PublicKey PublicKey => publicKey;

    /// <inheritdoc/>
    /// <exception cref="CryptographicException">The answer does not verify with <see cref="PublicKey"/>: nothing that could not be checked later leaves here.</exception>
    public override async ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        var signature = await sign(data, cancellation);
        return publicKey.Verify(data.Span, signature)
            ? signature
            : throw new CryptographicException($"the signature that came back was not made by {publicKey}; name the public key that belongs to the signing key");
    }
}
