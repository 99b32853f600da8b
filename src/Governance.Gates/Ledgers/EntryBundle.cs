using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Governance.Gates.Ledgers;

/// <summary>Entries one after another, each behind its length in two bytes, big-endian (C2SP tlog-tiles, "Log entries").</summary>
public static class EntryBundle
{
    /// <summary>How many bytes stand before an entry.</summary>
    internal const int LengthSize = sizeof(ushort);

    /// <summary>The entries of a bundle, as they are stored; not verified. Never throws for what it is given.</summary>
    public static Reading<ImmutableArray<ReadOnlyMemory<byte>>> Read(ReadOnlyMemory<byte> bundle)
    {
        var entries = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        for (var rest = bundle; !rest.IsEmpty;)
        {
            if (!TryTake(rest.Span, out var entry) || entries.Count == TileAddress.FullWidth)
            {
                var mistake = $"the bundle does not go on with a whole entry after {entries.Count}, or has more than {TileAddress.FullWidth}";
                return new Reading<ImmutableArray<ReadOnlyMemory<byte>>>.Unread(new("ledger", mistake, "restore it from a copy of the log"));
            }

            entries.Add(rest.Slice(LengthSize, entry.Length));
            rest = rest[(LengthSize + entry.Length)..];
        }

        return new Reading<ImmutableArray<ReadOnlyMemory<byte>>>.Found(entries.ToImmutable());
    }

    /// <summary>The entries of a bundle up to where it does not go on with a whole one.</summary>
    internal static ImmutableArray<ReadOnlyMemory<byte>> ReadAsFarAs(ReadOnlyMemory<byte> bundle)
    {
        var entries = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        for (var rest = bundle; entries.Count < TileAddress.FullWidth && TryTake(rest.Span, out var entry); rest = rest[(LengthSize + entry.Length)..])
        {
            entries.Add(rest.Slice(LengthSize, entry.Length));
        }

        return entries.ToImmutable();
    }

    /// <summary>The entry at the beginning of these bytes; false where they do not hold it to its end.</summary>
    internal static bool TryTake(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> entry)
    {
        entry = default;
        if (bytes.Length < LengthSize || bytes.Length - LengthSize < BinaryPrimitives.ReadUInt16BigEndian(bytes))
        {
            return false;
        }

        entry = bytes.Slice(LengthSize, BinaryPrimitives.ReadUInt16BigEndian(bytes));
        return true;
    }
}
