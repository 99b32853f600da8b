using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>How one key checks a signature. Safe for concurrent use; answers false, and never throws, for any input.</summary>
internal abstract class SignatureCheck
{
    public abstract bool Holds(ref SignedBytes signed, ReadOnlySpan<byte> signature);

    /// <summary>Whether <see cref="Holds"/> can ever say yes where only the SHA-256 of the signed bytes is known.</summary>
    public virtual bool WorksOnSha256 => true;
}

/// <summary>A key object is not documented as safe for concurrent use, and importing one costs more than twice a verification: imported ones are kept and lent out.</summary>
internal abstract class PooledCheck<TKey>(TKey first) : SignatureCheck
    where TKey : AsymmetricAlgorithm
{
    // What a burst may leave behind is bounded; a key object beyond it is disposed of.
    private const int MostKept = 32;
    private readonly ConcurrentQueue<TKey> idle = new([first]);

    public override bool Holds(ref SignedBytes signed, ReadOnlySpan<byte> signature)
    {
        if (!idle.TryDequeue(out var key))
        {
            key = Import();
        }

        try
        {
            return Holds(key, ref signed, signature);
        }
        catch (CryptographicException)
        {
            // The platform's library answers some malformed signatures with an error instead of "no".
            return false;
        }
        finally
        {
            if (idle.Count < MostKept)
            {
                idle.Enqueue(key);
            }
            else
            {
                key.Dispose();
            }
        }
    }

    protected abstract TKey Import();

    protected abstract bool Holds(TKey key, ref SignedBytes signed, ReadOnlySpan<byte> signature);
}

/// <summary>ECDSA with signatures in DER (RFC 3279, section 2.2.3), by any of the hashes given.</summary>
internal sealed class EcdsaCheck(ECDsa key, byte[] spki, HashAlgorithmName[] hashes) : PooledCheck<ECDsa>(key)
{
    protected override ECDsa Import()
    {
        var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        return key;
    }

    protected override bool Holds(ECDsa key, ref SignedBytes signed, ReadOnlySpan<byte> signature)
    {
        foreach (var hash in hashes)
        {
            if (signed.Hash(hash) is { } digest && key.VerifyHash(digest, signature, DSASignatureFormat.Rfc3279DerSequence))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>RSA with SHA-256, by PKCS #1 v1.5 and by PSS.</summary>
internal sealed class RsaCheck(RSA key, byte[] spki) : PooledCheck<RSA>(key)
{
    protected override RSA Import()
    {
        var key = RSA.Create();
        key.ImportSubjectPublicKeyInfo(spki, out _);
        return key;
    }

    protected override bool Holds(RSA key, ref SignedBytes signed, ReadOnlySpan<byte> signature)
    {
        var digest = signed.Hash(HashAlgorithmName.SHA256)!;
        return key.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            || key.VerifyHash(digest, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
    }
}

/// <summary>Ed25519, which needs the bytes themselves: it hashes them twice over.</summary>
internal sealed class Ed25519Check(Ed25519 key) : SignatureCheck
{
    public override bool WorksOnSha256 => false;

    public override bool Holds(ref SignedBytes signed, ReadOnlySpan<byte> signature) => !signed.IsDigestOnly && key.Verify(signed.Data, signature);
}
