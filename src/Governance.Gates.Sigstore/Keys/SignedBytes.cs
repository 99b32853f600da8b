using System.Security.Cryptography;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>What a signature is over, hashed at most once per algorithm however many keys and signatures are tried.</summary>
internal ref struct SignedBytes
{
    private byte[]? sha256;
    private byte[]? sha384;
    private byte[]? sha512;

    private SignedBytes(ReadOnlySpan<byte> data, byte[]? onlyDigest)
    {
        Data = data;
        sha256 = onlyDigest;
        IsDigestOnly = onlyDigest is not null;
    }

    public ReadOnlySpan<byte> Data { get; }

    /// <summary>The bytes themselves are elsewhere, and only their SHA-256 is known.</summary>
    public bool IsDigestOnly { get; }

    public static SignedBytes Of(ReadOnlySpan<byte> data) => new(data, null);

    public static SignedBytes OfSha256(ReadOnlySpan<byte> digest) => new([], digest.ToArray());

    /// <summary>Null where only the SHA-256 is known and another hash is asked for.</summary>
    public byte[]? Hash(HashAlgorithmName algorithm)
    {
        if (algorithm == HashAlgorithmName.SHA256)
        {
            return sha256 ??= SHA256.HashData(Data);
        }

        if (IsDigestOnly)
        {
            return null;
        }

        return algorithm == HashAlgorithmName.SHA384 ? sha384 ??= SHA384.HashData(Data) : sha512 ??= SHA512.HashData(Data);
    }
}
