using System.Buffers.Text;
using System.Text.Json;

namespace Governance.Gates.Ledgers;

/// <summary>Follows the entries of one log: each names the hash of the one before it, and its own place. Looks at stored bytes, never at what they say otherwise.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
public sealed class EntryChain
{
    private const int HexSize = 2 * TreeHash.Size;

    /// <summary>A chain that goes on after an entry.</summary>
    /// <param name="next">The sequence of the entry that comes next; 0 at the beginning of a log.</param>
    /// <param name="last">The hash of the entry before it; the default value at the beginning of a log.</param>
    /// <param name="isClosed">Whether that entry closed the log.</param>
    public EntryChain(long next = 0, TreeHash last = default, bool isClosed = false)
    {
        Next = next;
        Last = last;
        IsClosed = isClosed;
    }

    /// <summary>The sequence of the entry that comes next.</summary>
    public long Next { get; private set; }

    /// <summary>The hash of the entry that came last.</summary>
    public TreeHash Last { get; private set; }

    /// <summary>Whether the entry that came last closed the log: nothing follows it.</summary>
    public bool IsClosed { get; private set; }

    // The link stands at a fixed place, so that comparing it needs no JSON.
    private static ReadOnlySpan<byte> Head => "{\"previous_hash\":\""u8;

    // In valid JSON these bytes are a member's name wherever they stand: within a text its quotes would be escaped.
    private static ReadOnlySpan<byte> SequenceMember => ",\"sequence\":"u8;

    /// <summary>Takes the next entry. Never throws for what it is given.</summary>
    /// <param name="entry">The entry as it is stored.</param>
    /// <returns>Why it cannot follow, and then nothing was taken; null where it does.</returns>
    public string? Add(ReadOnlySpan<byte> entry)
    {
        if (entry.Length > LedgerEntry.MostBytes || !entry.StartsWith(Head) || entry.Length < Head.Length + HexSize + 1 || entry[Head.Length + HexSize] != '"')
        {
            return "is no entry: it does not begin with previous_hash";
        }

        if (!Links(entry, Last))
        {
            return Next == 0 ? "does not begin a log: its previous_hash is not zero" : $"does not follow entry {Next - 1}: its previous_hash is of another";
        }

        if (!IsAt(entry, Next))
        {
            return $"has another sequence than {Next}, or none";
        }

        if (IsClosed)
        {
            return $"follows entry {Next - 1}, which closed the log";
        }

        IsClosed = EntryReader.Closes(entry);
        Last = TreeHash.OfLeaf(entry);
        Next++;
        return null;
    }

    /// <summary>Whether an entry names this hash as that of the one before it.</summary>
    internal static bool Links(ReadOnlySpan<byte> entry, TreeHash previous)
    {
        Span<byte> bytes = stackalloc byte[TreeHash.Size];
        Span<byte> hex = stackalloc byte[HexSize];
        previous.CopyTo(bytes);
        return Convert.TryToHexStringLower(bytes, hex, out _) && entry.Length > Head.Length + HexSize && entry.StartsWith(Head) && entry.Slice(Head.Length, HexSize).SequenceEqual(hex);
    }

    /// <summary>Makes an entry name this hash as that of the one before it.</summary>
    internal static void Link(Span<byte> entry, TreeHash previous)
    {
        Span<byte> bytes = stackalloc byte[TreeHash.Size];
        previous.CopyTo(bytes);
        Convert.TryToHexStringLower(bytes, entry.Slice(Head.Length, HexSize), out _);
    }

    private static bool IsAt(ReadOnlySpan<byte> entry, long sequence)
    {
        // In canonical order few members stand after this one: searched from the end it is found at once.
        var at = entry.LastIndexOf(SequenceMember);
        if (at < 0)
        {
            return false;
        }

        var value = entry[(at + SequenceMember.Length)..];
        return ClosesOneObject(value)
            ? Utf8Parser.TryParse(value, out long number, out var length) && number == sequence && value[0] is not ((byte)'+' or (byte)'-') && value[length] is (byte)',' or (byte)'}'
            : IsAtSlowly(entry, sequence);
    }

    /// <summary>Whether as much of an entry as follows a member closes the entry itself and nothing else: then the member is the entry's own.</summary>
    private static bool ClosesOneObject(ReadOnlySpan<byte> rest)
    {
        var depth = 1;
        for (var i = 0; i < rest.Length; i++)
        {
            switch (rest[i])
            {
                case (byte)'"':
                    do
                    {
                        i += rest[i] == '\\' ? 2 : 1;
                    }
                    while (i < rest.Length && rest[i] != '"');
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                case (byte)'}' or (byte)']':
                    if (--depth == 0)
                    {
                        return i == rest.Length - 1;
                    }

                    break;
            }
        }

        return false;
    }

    // Where a member that is not known here and stands after it has one of the same name inside.
    private static bool IsAtSlowly(ReadOnlySpan<byte> entry, long sequence)
    {
        try
        {
            var found = false;
            var reader = new Utf8JsonReader(entry, new JsonReaderOptions { MaxDepth = EntryReader.MaxDepth });
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("sequence"u8))
                {
                    found = reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) && number == sequence;
                }
            }

            return found;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
