using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Governance.Gates.Ledgers;

/// <summary>A hash of a Merkle tree (RFC 6962, section 2.1): of a leaf, of an inner node, or the root. 32 bytes, SHA-256.</summary>
/// <remarks>The hash of a leaf is the record hash of an entry too. The default value is all zeros: what stands before the first entry.</remarks>
public readonly record struct TreeHash
{
    /// <summary>How many bytes it has.</summary>
    public const int Size = 32;

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;
    private const int OnStack = 1_024;

    // Used again, a hash object takes a quarter less time for a node than the static method, which makes one for each call.
    // One for each thread, as it holds what is being hashed.
    [ThreadStatic]
    private static IncrementalHash? sha256;

    // Only to hold 32 bytes in their order: no number is ever made of them.
    private readonly ulong first;
    private readonly ulong second;
    private readonly ulong third;
    private readonly ulong fourth;

    private TreeHash(ReadOnlySpan<byte> bytes)
    {
        first = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        second = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        third = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        fourth = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
    }

    /// <summary>The root of the tree without leaves: SHA-256 of nothing.</summary>
    public static TreeHash OfEmptyTree { get; } = Read(SHA256.HashData([]));

    /// <summary>The hash of the leaf that an entry is: SHA-256(0x00 || entry).</summary>
    public static TreeHash OfLeaf(ReadOnlySpan<byte> entry)
    {
        // One call over bytes that stand together costs less than two.
        var rented = entry.Length < OnStack ? null : ArrayPool<byte>.Shared.Rent(entry.Length + 1);
        var bytes = rented is null ? stackalloc byte[OnStack] : rented;
        bytes[0] = LeafPrefix;
        entry.CopyTo(bytes[1..]);
        var hash = OfBytes(bytes[..(entry.Length + 1)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return hash;
    }

    /// <summary>The hash of a node over its two children: SHA-256(0x01 || left || right).</summary>
    public static TreeHash OfNode(TreeHash left, TreeHash right)
    {
        Span<byte> bytes = stackalloc byte[1 + (2 * Size)];
        bytes[0] = NodePrefix;
        left.CopyTo(bytes[1..]);
        right.CopyTo(bytes[(1 + Size)..]);
        return OfBytes(bytes);
    }

    /// <summary>The hash whose bytes stand at the beginning of <paramref name="bytes"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than 32.</exception>
    public static TreeHash Read(ReadOnlySpan<byte> bytes) => new(bytes);

    /// <summary>The hash that 64 lower-case hex digits spell, or null.</summary>
    public static TreeHash? TryParseHex(ReadOnlySpan<char> hex)
    {
        Span<byte> bytes = stackalloc byte[Size];
        return hex.Length == 2 * Size && !hex.ContainsAnyInRange('A', 'F') && Convert.FromHexString(hex, bytes, out _, out _) == OperationStatus.Done ? Read(bytes) : null;
    }

    /// <summary>The hash that base64 spells, in its one canonical spelling; or null.</summary>
    public static TreeHash? TryParseBase64(string base64) => NoteText.TryDecode(base64) is { Length: Size } bytes ? Read(bytes) : null;

    /// <summary>Writes the 32 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="destination"/> has no room for them.</exception>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination[24..], fourth);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], third);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], second);
        BinaryPrimitives.WriteUInt64LittleEndian(destination, first);
    }

    /// <summary>The bytes in base64, as checkpoints and proofs write them.</summary>
    public string ToBase64()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>The bytes as 64 lower-case hex digits, as entries write them.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    private static TreeHash OfBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Size];
        sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha256.AppendData(bytes);
        sha256.GetHashAndReset(hash);
        return Read(hash);
    }
}
