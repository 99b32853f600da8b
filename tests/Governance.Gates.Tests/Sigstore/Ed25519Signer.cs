using System.Numerics;
using System.Security.Cryptography;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Signs with Ed25519 by the letter of RFC 8032, section 5.1.6, slowly and in plain affine coordinates: a second opinion on the verifier's arithmetic.</summary>
internal static class Ed25519Signer
{
    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger L = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", null);
    private static readonly BigInteger D = Mod(-121665 * Invert(121666));
    private static readonly (BigInteger X, BigInteger Y) B = (
        BigInteger.Parse("15112221349535400772501151409588531511454012693041857206046113283949847762202", null),
        BigInteger.Parse("46316835694926478169428394003475163141307993866256225615783033603165251855960", null));

    public static byte[] PublicKey(byte[] secret) => Encode(Multiply(Scalar(SHA512.HashData(secret)), B));

    public static byte[] Sign(byte[] secret, byte[] message)
    {
        var hash = SHA512.HashData(secret);
        var a = Scalar(hash);
        var r = Number(SHA512.HashData([.. hash[32..], .. message])) % L;
        var encodedR = Encode(Multiply(r, B));
        var k = Number(SHA512.HashData([.. encodedR, .. Encode(Multiply(a, B)), .. message])) % L;
        return [.. encodedR, .. Bytes((r + k * a) % L)];
    }

    /// <summary>The signature with the group order added to S: the same equation holds, and RFC 8032 refuses it.</summary>
    public static byte[] WithOrderAdded(byte[] signature) => [.. signature[..32], .. Bytes(Number(signature[32..]) + L)];

    private static BigInteger Scalar(byte[] hash)
    {
        var bytes = hash[..32];
        bytes[0] &= 248;
        bytes[31] = (byte)(bytes[31] & 63 | 64);
        return Number(bytes);
    }

    private static (BigInteger X, BigInteger Y) Multiply(BigInteger scalar, (BigInteger X, BigInteger Y) point)
    {
        (BigInteger X, BigInteger Y) sum = (0, 1);
        for (; !scalar.IsZero; scalar >>= 1, point = Add(point, point))
        {
            sum = scalar.IsEven ? sum : Add(sum, point);
        }

        return sum;
    }

    private static (BigInteger X, BigInteger Y) Add((BigInteger X, BigInteger Y) a, (BigInteger X, BigInteger Y) b)
    {
        var product = D * a.X % P * b.X % P * a.Y % P * b.Y % P;
        return (Mod((a.X * b.Y + b.X * a.Y) * Invert(1 + product)), Mod((a.Y * b.Y + a.X * b.X) * Invert(Mod(1 - product))));
    }

    private static byte[] Encode((BigInteger X, BigInteger Y) point)
    {
        var bytes = Bytes(point.Y);
        bytes[31] |= point.X.IsEven ? (byte)0 : (byte)0x80;
        return bytes;
    }

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = new byte[32];
        number.TryWriteBytes(bytes, out _, isUnsigned: true);
        return bytes;
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true);

    private static BigInteger Invert(BigInteger number) => BigInteger.ModPow(number, P - 2, P);

    private static BigInteger Mod(BigInteger number) => (number % P + P) % P;
}
