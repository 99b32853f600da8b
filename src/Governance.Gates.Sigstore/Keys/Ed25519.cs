using System.Numerics;
using System.Security.Cryptography;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>Verifies Ed25519 signatures (RFC 8032, section 5.1.7). Everything here is public, so nothing needs to run in constant time.</summary>
/// <remarks>Strict: S below the group order, canonical encodings only, no key of small order, and the equation without the cofactor.</remarks>
internal sealed class Ed25519
{
    public const int KeySize = 32;
    private const int SignatureSize = 64;

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger Order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", null);
    private static readonly BigInteger D = Mod(-121665 * BigInteger.ModPow(121666, P - 2, P));
    private static readonly BigInteger SqrtMinusOne = BigInteger.ModPow(2, (P - 1) / 4, P);
    private static readonly Point Base = Decode(Mod(4 * BigInteger.ModPow(5, P - 2, P)), isOdd: false)!.Value;

    private readonly byte[] encodedKey;
    private readonly Point minusKey;
    private readonly Point baseMinusKey;

    private Ed25519(byte[] encodedKey, Point key)
    {
        this.encodedKey = encodedKey;
        minusKey = key.Negate();
        baseMinusKey = Base.Add(minusKey);
    }

    /// <summary>The verifier of a 32-byte public key, or null where the key is not canonical, not on the curve, or of small order.</summary>
    public static Ed25519? TryCreate(ReadOnlySpan<byte> key)
    {
        if (key.Length != KeySize)
        {
            return null;
        }

        var encoded = key.ToArray();
        Span<byte> y = [.. encoded];
        y[31] &= 0x7f;
        return Decode(new BigInteger(y, isUnsigned: true), isOdd: (encoded[31] & 0x80) != 0) is { } point && !point.Double().Double().Double().IsIdentity
            ? new(encoded, point)
            : null;
    }

    /// <summary>Whether this key signed <paramref name="message"/>. False for anything malformed.</summary>
    public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureSize)
        {
            return false;
        }

        var r = signature[..32];
        var s = new BigInteger(signature[32..], isUnsigned: true);
        // RFC 8032, section 5.1.7: S outside [0, L) is refused, or a second signature could be made from the first.
        if (s >= Order)
        {
            return false;
        }

        using var sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        sha512.AppendData(r);
        sha512.AppendData(encodedKey);
        sha512.AppendData(message);
        var k = new BigInteger(sha512.GetHashAndReset(), isUnsigned: true) % Order;

        // [S]B = R + [k]A, checked as R = [S]B - [k]A. Comparing encodings refuses an R that is not canonical.
        Span<byte> expected = stackalloc byte[32];
        MultiplyBoth(s, k).Encode(expected);
        return expected.SequenceEqual(r);
    }

    /// <summary>[s]B - [k]A, walking both scalars at once.</summary>
    private Point MultiplyBoth(BigInteger s, BigInteger k)
    {
        Span<byte> left = stackalloc byte[32];
        Span<byte> right = stackalloc byte[32];
        left.Clear();
        right.Clear();
        s.TryWriteBytes(left, out _, isUnsigned: true);
        k.TryWriteBytes(right, out _, isUnsigned: true);
        var sum = Point.Identity;
        for (var bit = 252; bit >= 0; bit--)
        {
            sum = sum.Double();
            var inLeft = (left[bit >> 3] >> (bit & 7) & 1) != 0;
            var inRight = (right[bit >> 3] >> (bit & 7) & 1) != 0;
            sum = (inLeft, inRight) switch
            {
                (true, true) => sum.Add(baseMinusKey),
                (true, false) => sum.Add(Base),
                (false, true) => sum.Add(minusKey),
                _ => sum,
            };
        }

        return sum;
    }

    /// <summary>RFC 8032, section 5.1.3: x is recovered from y and the parity of x.</summary>
    private static Point? Decode(BigInteger y, bool isOdd)
    {
        if (y >= P)
        {
            return null;
        }

        var u = Mod(y * y - 1);
        var v = Mod(D * y % P * y + 1);
        var v3 = v * v % P * v % P;
        var x = u * v3 % P * BigInteger.ModPow(u * v3 % P * v3 % P * v % P, (P - 5) / 8, P) % P;
        var check = v * x % P * x % P;
        if (check != u)
        {
            if (check != Mod(-u))
            {
                return null;
            }

            x = x * SqrtMinusOne % P;
        }

        if (x.IsZero && isOdd)
        {
            return null;
        }

        x = x.IsEven == isOdd ? P - x : x;
        return new Point(new FieldElement(x), new FieldElement(y), FieldElement.One, new FieldElement(x * y % P));
    }

    private static BigInteger Mod(BigInteger value) => (value % P + P) % P;

    /// <summary>A point of the curve in extended coordinates: x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, section 5.1.4).</summary>
    private readonly record struct Point(FieldElement X, FieldElement Y, FieldElement Z, FieldElement T)
    {
        private static readonly FieldElement TwiceD = new(2 * D % P);

        public static Point Identity => new(FieldElement.Zero, FieldElement.One, FieldElement.One, FieldElement.Zero);

        public bool IsIdentity => X.IsZero && (Y - Z).IsZero;

        public Point Negate() => new(FieldElement.Zero - X, Y, Z, FieldElement.Zero - T);

        public Point Add(in Point other)
        {
            var a = (Y - X) * (other.Y - other.X);
            var b = (Y + X) * (other.Y + other.X);
            var c = T * TwiceD * other.T;
            var zz = Z * other.Z;
            var d = zz + zz;
            return FromParts(b - a, d - c, d + c, b + a);
        }

        public Point Double()
        {
            var a = X * X;
            var b = Y * Y;
            var zz = Z * Z;
            var h = a + b;
            var sum = X + Y;
            var g = a - b;
            return FromParts(h - sum * sum, zz + zz + g, g, h);
        }

        public void Encode(Span<byte> encoding)
        {
            var inverse = Z.Invert();
            (Y * inverse).Write(encoding);
            Span<byte> x = stackalloc byte[32];
            (X * inverse).Write(x);
            encoding[31] |= (byte)((x[0] & 1) << 7);
        }

        private static Point FromParts(in FieldElement e, in FieldElement f, in FieldElement g, in FieldElement h) => new(e * f, g * h, f * g, e * h);
    }
}
