using System.Buffers.Binary;
using System.Numerics;

namespace Governance.Gates.Sigstore.Ssh;

/// <summary>Reads the data types of SSH (RFC 4251, section 5), one after the other.</summary>
internal ref struct SshReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> left = data;

    public readonly bool IsAtEnd => left.IsEmpty;

    /// <summary><c>string</c>: its length and as many bytes.</summary>
    public bool TryString(out ReadOnlySpan<byte> value)
    {
        if (left.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32BigEndian(left) is var length && length > (uint)(left.Length - sizeof(uint)))
        {
            value = default;
            return false;
        }

        value = left.Slice(sizeof(uint), (int)length);
        left = left[(sizeof(uint) + (int)length)..];
        return true;
    }

    /// <summary><c>mpint</c>, above zero and in its one shortest form.</summary>
    public bool TryNumber(out BigInteger number)
    {
        number = default;
        if (!TryString(out var bytes) || bytes is [] or [>= 0x80, ..] or [0] or [0, < 0x80, ..])
        {
            return false;
        }

        number = new(bytes, isUnsigned: true, isBigEndian: true);
        return true;
    }
}
