using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>Writes JSON in the spelling of RFC 8785; whoever calls it names members in their order. Remembers the first value that cannot be written.</summary>
internal sealed class CanonicalWriter : IDisposable
{
    private const int MostKept = 256 * 1024;

    // RFC 8259, section 6: the whole numbers on which all readers agree.
    public const long LargestNumber = (1L << 53) - 1;

    // RFC 3339 in UTC, without zeros that say nothing: one way to write an instant.
    public const string Instant = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
    private const int MostOfInstant = 32;

    // Entries are written by the thousand a second: each thread has one buffer that has its size already.
    [ThreadStatic]
    private static CanonicalWriter? spare;

    private static readonly SearchValues<char> AsItStands = SearchValues.Create(CanonicalText.AsItStands);

    private byte[] bytes = new byte[1_024];
    private int length;
    private bool needsComma;

    private CanonicalWriter()
    {
    }

    /// <summary>What cannot be written; null while all can.</summary>
    public string? Fault { get; private set; }

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, length);

    /// <summary>A writer with nothing written. What it wrote is gone with <see cref="Dispose"/>.</summary>
    public static CanonicalWriter Rent()
    {
        var writer = spare ?? new();
        spare = null;
        return writer;
    }

    public void Dispose()
    {
        if (bytes.Length <= MostKept)
        {
            (Fault, length, needsComma) = (null, 0, false);
            spare = this;
        }
    }

    public void Fail(string fault) => Fault ??= fault;

    public void Begin(char bracket)
    {
        Separate();
        Put((byte)bracket);
        needsComma = false;
    }

    public void End(char bracket)
    {
        Put((byte)bracket);
        needsComma = true;
    }

    public void Name(ReadOnlySpan<byte> name)
    {
        var room = Room(name.Length + 4);
        var at = 0;
        if (needsComma)
        {
            room[at++] = (byte)',';
        }

        room[at++] = (byte)'"';
        name.CopyTo(room[at..]);
        at += name.Length;
        room[at++] = (byte)'"';
        room[at++] = (byte)':';
        length += at;
        needsComma = false;
    }

    public void Text(string text, int longest = LedgerText.Longest)
    {
        if (text.Length > 0 && text.Length <= longest && !text.AsSpan().ContainsAnyExcept(AsItStands))
        {
            Plain(text);
            return;
        }

        if (!LedgerText.IsLine(text, longest))
        {
            Fail($"a text is empty, longer than {longest} characters or not one line");
            return;
        }

        Raw(text);
    }

    public void Text(ReadOnlySpan<byte> name, string? text)
    {
        if (text is not null)
        {
            Name(name);
            Text(text);
        }
    }

    public void Number(long number)
    {
        Separate();
        Utf8Formatter.TryFormat(number, Room(20), out var written);
        length += written;
        needsComma = true;
    }

    public void Count(ReadOnlySpan<byte> name, long? count, long least)
    {
        if (count is { } number)
        {
            if (number < least || number > LargestNumber)
            {
                Fail($"'{Encoding.UTF8.GetString(name)}' is {number}, and not from {least} to {LargestNumber}");
            }

            Name(name);
            Number(number);
        }
    }

    public void True()
    {
        Json("true"u8);
    }

    /// <summary>A text of base64 that was checked already.</summary>
    public void Base64(ReadOnlySpan<byte> name, string base64)
    {
        Name(name);
        Raw(base64);
    }

    public void Time(ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        if (time is { } instant)
        {
            Name(name);
            var room = Room(MostOfInstant);
            room[0] = (byte)'"';
            instant.UtcDateTime.TryFormat(room[1..], out var written, "O", CultureInfo.InvariantCulture);

            // What Instant leaves out: zeros at the end of the fraction, and the point where nothing follows it.
            var end = room[..written].LastIndexOfAnyExcept((byte)'0') + 1;
            end = room[end - 1] == (byte)'.' ? end - 1 : end;
            "Z\""u8.CopyTo(room[end..]);
            length += end + 2;
            needsComma = true;
        }
    }

    public void Digest(ReadOnlySpan<byte> name, Digest? digest)
    {
        if (digest is not null)
        {
            Name(name);
            Plain(digest.ToString());
        }
    }

    public void Hash(ReadOnlySpan<byte> name, TreeHash? hash)
    {
        if (hash is { } value)
        {
            Name(name);
            Plain(value.ToString());
        }
    }

    /// <summary>A value that is in its one spelling already.</summary>
    public void Json(ReadOnlySpan<byte> value)
    {
        Separate();
        value.CopyTo(Room(value.Length));
        length += value.Length;
        needsComma = true;
    }

    public void Texts(ReadOnlySpan<byte> name, ImmutableArray<string> texts) => List(name, texts, static (json, text) => json.Text(text));

    public void List<T>(ReadOnlySpan<byte> name, ImmutableArray<T> items, Action<CanonicalWriter, T> write)
    {
        if (items.Length > JsonFields.MostInList)
        {
            Fail($"'{Encoding.UTF8.GetString(name)}' has {items.Length} members, more than {JsonFields.MostInList}");
        }

        if (!items.IsEmpty)
        {
            Name(name);
            Items(items, write);
        }
    }

    public void Items<T>(ImmutableArray<T> items, Action<CanonicalWriter, T> write)
    {
        Begin('[');
        foreach (var item in items)
        {
            write(this, item);
        }

        End(']');
    }

    /// <summary>Any JSON value, its objects' members in the order of their UTF-16 code units.</summary>
    /// <param name="value">The value.</param>
    /// <param name="first">A member that stands before all others.</param>
    public void Element(JsonElement value, string? first = null)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Members(value, first);
                break;
            case JsonValueKind.Array:
                Begin('[');
                foreach (var item in value.EnumerateArray())
                {
                    Element(item);
                }

                End(']');
                break;
            case JsonValueKind.String:
                if (!TryCopy(JsonMarshal.GetRawUtf8Value(value)[1..^1]))
                {
                    Raw(value.GetString()!);
                }

                break;
            case JsonValueKind.Number:
                if (value.TryGetInt64(out var number) && number is >= -LargestNumber and <= LargestNumber)
                {
                    Number(number);
                    break;
                }

                Fail("a number is not whole, or too large for all readers to agree on it");
                break;
            default:
                Json(value.ValueKind switch { JsonValueKind.True => "true"u8, JsonValueKind.False => "false"u8, _ => "null"u8 });
                break;
        }
    }

    private void Members(JsonElement value, string? first)
    {
        if (first is null && AreInOrder(value))
        {
            Begin('{');
            foreach (var member in value.EnumerateObject())
            {
                TryCopy(JsonMarshal.GetRawUtf8PropertyName(member));
                Put((byte)':');
                needsComma = false;
                Element(member.Value);
            }

            End('}');
            return;
        }

        var members = new (string Name, JsonElement Value)[value.GetPropertyCount()];
        var (count, isSorted) = (0, true);
        foreach (var member in value.EnumerateObject())
        {
            members[count] = (member.Name, member.Value);
            isSorted &= count == 0 || Compare(members[count - 1].Name, member.Name, first) < 0;
            count++;
        }

        if (!isSorted)
        {
            Array.Sort(members, (one, other) => Compare(one.Name, other.Name, first));
        }

        Begin('{');
        foreach (var (name, member) in members)
        {
            Raw(name);
            Put((byte)':');
            needsComma = false;
            Element(member);
        }

        End('}');
    }

    // Most documents are in canonical form already: no name of them is made a string, or looked at twice.
    private static bool AreInOrder(JsonElement value)
    {
        ReadOnlySpan<byte> before = default;
        foreach (var member in value.EnumerateObject())
        {
            var name = JsonMarshal.GetRawUtf8PropertyName(member);
            if (!IsAsIs(name) || (!before.IsEmpty && before.SequenceCompareTo(name) > 0))
            {
                return false;
            }

            before = name;
        }

        return true;
    }

    // In ASCII without escapes a text has one spelling, and its code units are its bytes.
    private static bool IsAsIs(ReadOnlySpan<byte> raw) => raw.IndexOf((byte)'\\') < 0 && Ascii.IsValid(raw);

    private bool TryCopy(ReadOnlySpan<byte> raw)
    {
        if (!IsAsIs(raw))
        {
            return false;
        }

        Separate();
        var room = Room(raw.Length + 2);
        room[0] = (byte)'"';
        raw.CopyTo(room[1..]);
        room[raw.Length + 1] = (byte)'"';
        length += raw.Length + 2;
        needsComma = true;
        return true;
    }

    // RFC 8785, section 3.2.3: by UTF-16 code units.
    private static int Compare(string one, string other, string? first) => one == other ? 0 : one == first ? -1 : other == first ? 1 : string.CompareOrdinal(one, other);

    private void Raw(ReadOnlySpan<char> text)
    {
        Separate();
        length += CanonicalText.Write(Room(CanonicalText.MostBytes(text)), text);
        needsComma = true;
    }

    // A text of characters that stand for themselves.
    private void Plain(ReadOnlySpan<char> text)
    {
        Separate();
        var room = Room(text.Length + 2);
        room[0] = (byte)'"';
        Ascii.FromUtf16(text, room[1..], out var written);
        room[written + 1] = (byte)'"';
        length += written + 2;
        needsComma = true;
    }

    private void Separate()
    {
        if (needsComma)
        {
            Put((byte)',');
        }
    }

    private void Put(byte one)
    {
        Room(1)[0] = one;
        length++;
    }

    private Span<byte> Room(int size)
    {
        if (bytes.Length - length < size)
        {
            Array.Resize(ref bytes, Math.Max(2 * bytes.Length, checked(length + size)));
        }

        return bytes.AsSpan(length);
    }
}
