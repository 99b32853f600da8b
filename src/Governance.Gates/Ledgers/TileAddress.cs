using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Governance.Gates.Ledgers;

/// <summary>Which tile, or bundle of entries, of a log (C2SP tlog-tiles).</summary>
/// <remarks>The default value is no tile: addresses come from <see cref="Of"/>, <see cref="OfEntries"/> and <see cref="TryParse"/>.</remarks>
public readonly record struct TileAddress
{
    /// <summary>How many hashes, or entries, a full tile has.</summary>
    public const int FullWidth = 256;

    /// <summary>The highest level of a tree whose size fits 63 bits.</summary>
    public const int HighestLevel = 7;

    // Eight bits of a leaf's index for each level.
    internal const int Bits = 8;
    private const int BundleLevel = -1;
    private const string Prefix = "tile/";

    private TileAddress(int level, long index, int width)
    {
        Level = level;
        Index = index;
        Width = width;
    }

    /// <summary>0 for hashes of leaves, each level above for hashes of full tiles below it; -1 for entries.</summary>
    public int Level { get; }

    /// <summary>Its place in the level, from 0.</summary>
    public long Index { get; }

    /// <summary>How many hashes, or entries, it has: 256, or fewer at the right edge of the tree.</summary>
    public int Width { get; }

    /// <summary>Whether it holds entries and no hashes.</summary>
    public bool IsEntries => Level == BundleLevel;

    /// <summary>Where it is under the log's prefix, such as <c>tile/0/x001/x234/067.p/8</c> or <c>tile/entries/000</c>.</summary>
    public string Path
    {
        get
        {
            var path = new StringBuilder(Prefix).Append(IsEntries ? "entries" : Level.ToString(CultureInfo.InvariantCulture)).Append('/');
            var digits = Index.ToString("D3", CultureInfo.InvariantCulture);
            digits = digits.PadLeft((digits.Length + 2) / 3 * 3, '0');
            for (var at = 0; at < digits.Length; at += 3)
            {
                path.Append(at + 3 < digits.Length ? "x" : "").Append(digits, at, 3).Append(at + 3 < digits.Length ? "/" : "");
            }

            return (Width == FullWidth ? path : path.Append(CultureInfo.InvariantCulture, $".p/{Width}")).ToString();
        }
    }

    /// <summary>The tile of hashes in a tree of <paramref name="treeSize"/> leaves; null where that tree has none there.</summary>
    public static TileAddress? Of(int level, long index, long treeSize) =>
        level is >= 0 and <= HighestLevel && treeSize >= 0 ? WithWidth(level, index, treeSize >> (Bits * level)) : null;

    /// <summary>The bundle of entries in a log of <paramref name="treeSize"/> entries; null where that log has none there.</summary>
    public static TileAddress? OfEntries(long index, long treeSize) => WithWidth(BundleLevel, index, treeSize);

    /// <summary>The address whose <see cref="Path"/> is <paramref name="path"/>, or null: every address has one spelling.</summary>
    public static TileAddress? TryParse(string path)
    {
        var parts = path.Split('/');
        if (path.Length > 64 || parts.Length < 3)
        {
            return null;
        }

        var isPartial = parts[^2].EndsWith(".p", StringComparison.Ordinal);
        var width = FullWidth;
        var level = BundleLevel;
        if ((isPartial && !TryRead(parts[^1], out width)) || width is < 1 or > FullWidth || (parts[1] != "entries" && !TryRead(parts[1], out level)))
        {
            return null;
        }

        var digits = string.Concat(parts[2..(isPartial ? ^1 : ^0)].Select(part => part.TrimStart('x').Replace(".p", "", StringComparison.Ordinal)));
        if (level > HighestLevel || !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return null;
        }

        // What was read leniently is right when it is spelled the same again.
        var address = new TileAddress(level, index, width);
        return address.Path == path ? address : null;
    }

    /// <summary>The <see cref="Path"/>.</summary>
    public override string ToString() => Path;

    /// <summary>The same place in a tree of another size, which may have a wider tile there.</summary>
    internal TileAddress? InTreeOf(long treeSize) => IsEntries ? OfEntries(Index, treeSize) : Of(Level, Index, treeSize);

    private static TileAddress? WithWidth(int level, long index, long hashes)
    {
        // Before any multiplication: the index may come from outside.
        if (index < 0 || index > hashes >> Bits)
        {
            return null;
        }

        var width = (int)Math.Min(hashes - (index * FullWidth), FullWidth);
        return width > 0 ? new(level, index, width) : null;
    }

    private static bool TryRead(string digits, out int number) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}

/// <summary>A tile or bundle with what it holds: what a store writes, once, under the address's path.</summary>
/// <param name="Address">Which.</param>
/// <param name="Pieces">One after another: 32 bytes for each hash; for a bundle each entry's length in two bytes, big-endian, and the entry.</param>
public sealed record Tile(TileAddress Address, ImmutableArray<ReadOnlyMemory<byte>> Pieces)
{
    /// <summary>A tile in one piece.</summary>
    public Tile(TileAddress address, ReadOnlyMemory<byte> bytes)
        : this(address, [bytes])
    {
    }

    /// <summary>Where the pieces of a bundle stand.</summary>
    internal ImmutableArray<EntryBlock> Blocks { get; init; } = [];

    /// <summary>Gives the memory of the pieces back. Nobody reads them any more, nor an entry that was appended into them. Once at most; where it is never called, the collector does it.</summary>
    public void Release()
    {
        foreach (var block in Blocks)
        {
            block.Release();
        }
    }

    /// <summary>All of it.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            if (Pieces.Length == 1)
            {
                return Pieces[0];
            }

            var (bytes, at) = (new byte[Pieces.Sum(piece => piece.Length)], 0);
            foreach (var piece in Pieces)
            {
                piece.CopyTo(bytes.AsMemory(at));
                at += piece.Length;
            }

            return bytes;
        }
    }
}

/// <summary>Reads a tile or bundle from wherever a log is kept. Nothing that it answers is trusted.</summary>
/// <param name="address">Which.</param>
/// <returns>Its bytes; more hashes or entries than asked for are welcome, as when the full tile stands there by now. Or why there are none.</returns>
public delegate Reading<ReadOnlyMemory<byte>> TileSource(TileAddress address);
