using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The events that were recorded last, by their ids: what is asked for again is answered with where it stands, also after a crash in between.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
internal sealed class RecentEvents
{
    private const int Most = 65_536;

    // Of what the tiles hold already; whatever the journal holds beyond them comes on top.
    private const int MostOfTiles = 8_192;

    private const int Slots = 2 * Most;

    // The oldest one's place is the next one's. Without a reference in them the collector never walks through these.
    private readonly Place[] places = new Place[Most];

    // Where the newest place of each slot is, from 1; 0 where it has none.
    private readonly int[] slots = new int[Slots];
    private int next;
    private bool isFull;

    /// <summary>What stands here for an id: its SHA-256.</summary>
    public static TreeHash KeyOf(string eventId) => TreeHash.Read(SHA256.HashData(Encoding.UTF8.GetBytes(eventId)));

    /// <summary>Where an event stands; null where it is not among the last ones.</summary>
    public AppendedEntry? Find(TreeHash key)
    {
        for (var at = SlotOf(key); at > 0; at = places[at - 1].Next)
        {
            ref readonly var place = ref places[at - 1];
            if (place.Key == key)
            {
                return new(place.Sequence, place.Hash, default);
            }
        }

        return null;
    }

    /// <summary>Remembers where an event stands.</summary>
    public void Add(TreeHash key, long sequence, TreeHash hash)
    {
        if (Find(key) is not null)
        {
            return;
        }

        if (isFull)
        {
            ForgetOldest();
        }

        ref var slot = ref SlotOf(key);
        places[next] = new(key, sequence, hash) { Next = slot };
        slot = ++next;
        if (next == Most)
        {
            (next, isFull) = (0, true);
        }
    }

    /// <summary>Remembers an entry as it is stored. What is no entry is not remembered.</summary>
    public void Add(long sequence, ReadOnlyMemory<byte> stored)
    {
        if (EventId(stored.Span) is { } eventId)
        {
            Add(KeyOf(eventId), sequence, TreeHash.OfLeaf(stored.Span));
        }
    }

    /// <summary>Remembers the last entries of a log.</summary>
    /// <param name="size">How many it has.</param>
    /// <param name="source">Where its bundles are.</param>
    /// <returns>Why they could not be read; null where they could.</returns>
    public Reason? AddLast(long size, TileSource source)
    {
        for (var index = Math.Max(0, size - MostOfTiles) / TileAddress.FullWidth; TileAddress.OfEntries(index, size) is { } bundle; index++)
        {
            if (!source(bundle).Try(out var bytes, out var why) || !EntryBundle.Read(bytes).Try(out var entries, out why))
            {
                return why;
            }

            var sequence = index * TileAddress.FullWidth;
            foreach (var entry in entries.Take(bundle.Width))
            {
                Add(sequence++, entry);
            }
        }

        return null;
    }

    private ref int SlotOf(TreeHash key) => ref slots[key.GetHashCode() & (Slots - 1)];

    private void ForgetOldest()
    {
        ref var link = ref SlotOf(places[next].Key);
        while (link != next + 1)
        {
            link = ref places[link - 1].Next;
        }

        link = places[next].Next;
    }

    private static string? EventId(ReadOnlySpan<byte> entry)
    {
        try
        {
            var reader = new Utf8JsonReader(entry);
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("event_id"u8))
                {
                    return reader.Read() && reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Whether the log is what it was is told by its hashes.
        }

        return null;
    }

    private record struct Place(TreeHash Key, long Sequence, TreeHash Hash)
    {
        // The place before it in its slot, from 1; 0 where it is the last.
        public int Next;
    }
}
