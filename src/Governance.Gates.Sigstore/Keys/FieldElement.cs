using System.Numerics;

namespace Governance.Gates.Sigstore.Keys;

/// <summary>An integer modulo 2^255 - 19 in five limbs of 51 bits, which any operation leaves below 2^52.</summary>
internal readonly struct FieldElement
{
    private const ulong Mask = (1UL << 51) - 1;
    private readonly ulong l0, l1, l2, l3, l4;

    private FieldElement(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4)
    {
        this.l0 = l0;
        this.l1 = l1;
        this.l2 = l2;
        this.l3 = l3;
        this.l4 = l4;
    }

    /// <summary>The element of a value in [0, 2^255 - 19).</summary>
    public FieldElement(BigInteger value)
    {
        l0 = (ulong)(value & Mask);
        l1 = (ulong)(value >> 51 & Mask);
        l2 = (ulong)(value >> 102 & Mask);
        l3 = (ulong)(value >> 153 & Mask);
        l4 = (ulong)(value >> 204 & Mask);
    }

    public static FieldElement Zero => default;

    public static FieldElement One => new(1, 0, 0, 0, 0);

    public bool IsZero
    {
        get
        {
            Span<byte> bytes = stackalloc byte[32];
            Write(bytes);
            return !bytes.ContainsAnyExcept((byte)0);
        }
    }

    public static FieldElement operator +(in FieldElement a, in FieldElement b) =>
        Carry(a.l0 + b.l0, a.l1 + b.l1, a.l2 + b.l2, a.l3 + b.l3, a.l4 + b.l4);

    // Sixteen times the modulus is added first, so that no limb falls below zero.
    public static FieldElement operator -(in FieldElement a, in FieldElement b) => Carry(
        a.l0 + (16 * (Mask - 18)) - b.l0,
        a.l1 + (16 * Mask) - b.l1,
        a.l2 + (16 * Mask) - b.l2,
        a.l3 + (16 * Mask) - b.l3,
        a.l4 + (16 * Mask) - b.l4);

    // Limbs below 2^52 and 19 times them below 2^57: a column of five products stays below 2^112.
    public static FieldElement operator *(in FieldElement a, in FieldElement b)
    {
        ulong b1 = b.l1 * 19, b2 = b.l2 * 19, b3 = b.l3 * 19, b4 = b.l4 * 19;
        var c0 = Product(a.l0, b.l0) + Product(a.l1, b4) + Product(a.l2, b3) + Product(a.l3, b2) + Product(a.l4, b1);
        var c1 = Product(a.l0, b.l1) + Product(a.l1, b.l0) + Product(a.l2, b4) + Product(a.l3, b3) + Product(a.l4, b2);
        var c2 = Product(a.l0, b.l2) + Product(a.l1, b.l1) + Product(a.l2, b.l0) + Product(a.l3, b4) + Product(a.l4, b3);
        var c3 = Product(a.l0, b.l3) + Product(a.l1, b.l2) + Product(a.l2, b.l1) + Product(a.l3, b.l0) + Product(a.l4, b4);
        var c4 = Product(a.l0, b.l4) + Product(a.l1, b.l3) + Product(a.l2, b.l2) + Product(a.l3, b.l1) + Product(a.l4, b.l0);
        c1 += c0 >> 51;
        c2 += c1 >> 51;
        c3 += c2 >> 51;
        c4 += c3 >> 51;
        // What overflows 2^255 comes back times 19; it is below 2^61 + 2^9, so it is spread before it is a limb.
        var back = (c4 >> 51) * 19 + (c0 & Mask);
        return new((ulong)(back & Mask), (ulong)((c1 & Mask) + (back >> 51)), (ulong)(c2 & Mask), (ulong)(c3 & Mask), (ulong)(c4 & Mask));
    }

    /// <summary>The inverse by Fermat: this to the power 2^255 - 21. Zero for zero.</summary>
    public FieldElement Invert()
    {
        // Every bit of 2^255 - 21 is set but bits 2 and 4.
        var result = One;
        for (var bit = 254; bit >= 0; bit--)
        {
            result *= result;
            if (bit is not (2 or 4))
            {
                result *= this;
            }
        }

        return result;
    }

    /// <summary>Writes the canonical encoding: 32 bytes, little-endian, the value below the modulus.</summary>
    public void Write(Span<byte> bytes)
    {
        var value = ((((BigInteger)l4 << 51) + l3 << 51) + l2 << 51) + l1;
        value = ((value << 51) + l0) % ((BigInteger.One << 255) - 19);
        bytes[..32].Clear();
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
    }

    private static UInt128 Product(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return new UInt128(high, low);
    }

    private static FieldElement Carry(ulong l0, ulong l1, ulong l2, ulong l3, ulong l4) => new(
        (l0 & Mask) + ((l4 >> 51) * 19),
        (l1 & Mask) + (l0 >> 51),
        (l2 & Mask) + (l1 >> 51),
        (l3 & Mask) + (l2 >> 51),
        (l4 & Mask) + (l3 >> 51));
}
