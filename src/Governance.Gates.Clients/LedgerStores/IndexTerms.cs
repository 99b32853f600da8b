using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>What an entry is found by: 63 bits of the SHA-256 over a field and its value, or its hour. Two values that share them cost time and nothing else.</summary>
public static class IndexTerms
{
    // Part of the format: a change of these makes every index another one's.
    private const byte CorrelationField = 1;
    private const byte ChangeField = 2;
    private const byte DigestField = 3;
    private const byte ResourceField = 4;
    private const byte ActorField = 5;
    private const byte VerdictField = 6;
    private const byte EventTypeField = 7;
    private const byte NamespaceField = 8;
    private const byte HiddenField = 9;

    private const ulong HourBit = 1UL << 63;
    private const int OnStack = 1024;

    /// <summary>Entries that cannot be read: each may be any.</summary>
    public static ulong Unreadable { get; } = Of(HiddenField, "entry");

    /// <summary>Entries that do not tell all their actors, which are encrypted.</summary>
    public static ulong HiddenActor { get; } = Of(HiddenField, "actor");

    /// <summary>Entries that do not tell all their digests, which are kept beside the log.</summary>
    public static ulong HiddenDigest { get; } = Of(HiddenField, "digest");

    /// <summary>Entries with this <c>correlation_id</c>.</summary>
    public static ulong Correlation(string value) => Of(CorrelationField, value);

    /// <summary>Entries with this <c>change_id</c>.</summary>
    public static ulong Change(string value) => Of(ChangeField, value);

    /// <summary>Entries in which this digest stands.</summary>
    public static ulong Digest(Digest value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return Of(DigestField, value.Hex);
    }

    /// <summary>Entries about a resource of this kind and name, of any group.</summary>
    public static ulong Resource(string kind, string name) => Of(ResourceField, $"{kind}/{name}");

    /// <summary>Entries of this actor, or of whom it stands for or really is.</summary>
    public static ulong Actor(string value) => Of(ActorField, value);

    /// <summary>Entries with this <c>verdict</c>.</summary>
    public static ulong VerdictOf(Verdict value) => Of(VerdictField, value.ToString());

    /// <summary>Entries with this <c>event_type</c>.</summary>
    public static ulong EventType(string value) => Of(EventTypeField, value);

    /// <summary>Entries with this <c>namespace</c>.</summary>
    public static ulong Namespace(string value) => Of(NamespaceField, value);

    /// <summary>Entries of the hour of a time. These terms are no hashes: they stand in the order of time, behind all others.</summary>
    internal static ulong Hour(DateTimeOffset time) => HourBit | (ulong)(time.UtcTicks / TimeSpan.TicksPerHour);

    /// <summary>Everything that an entry is found by, each once.</summary>
    /// <param name="stored">The entry as it is stored.</param>
    public static IReadOnlyCollection<ulong> Of(ReadOnlyMemory<byte> stored)
    {
        if (!LedgerEntry.Read(stored).Try(out var entry, out _))
        {
            return [Unreadable];
        }

        var terms = new HashSet<ulong> { EventType(entry.EventType), Hour(entry.Timestamp) };
        Add(terms, entry.CorrelationId, CorrelationField);
        Add(terms, entry.ChangeId, ChangeField);
        Add(terms, entry.Namespace, NamespaceField);
        if (entry.Verdict is { } verdict)
        {
            terms.Add(VerdictOf(verdict));
        }

        if (entry.Resource is { Name: { } name, Kind: var kind })
        {
            terms.Add(Resource(kind, name));
        }

        foreach (var text in (PersonalText?[])[entry.Actor?.Id, entry.Actor?.OnBehalfOf, entry.Actor?.ImpersonatedBy])
        {
            if (text is not null)
            {
                terms.Add(text is PersonalText.Plain(var plain) ? Actor(plain) : HiddenActor);
            }
        }

        terms.UnionWith(EntryDigests.Of(entry).Select(one => Digest(one.Digest)));
        if (EntryDigests.AreHidden(entry))
        {
            terms.Add(HiddenDigest);
        }

        return terms;
    }

    private static void Add(HashSet<ulong> terms, string? value, byte field)
    {
        if (value is not null)
        {
            terms.Add(Of(field, value));
        }
    }

    private static ulong Of(byte field, string value)
    {
        var length = 1 + Encoding.UTF8.GetMaxByteCount(value.Length);
        var bytes = length <= OnStack ? stackalloc byte[OnStack] : new byte[length];
        bytes[0] = field;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..(1 + Encoding.UTF8.GetBytes(value, bytes[1..]))], hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash) & ~HourBit;
    }
}
