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

    // Entries are written by the thousand a second: each thread has one buffer that has its size already.
    [ThreadStatic]
    private static CanonicalWriter? spare;

    private readonly ArrayBufferWriter<byte> buffer = new(1_024);
    private bool needsComma;

    private CanonicalWriter()
    {
    }

    /// <summary>What cannot be written; null while all can.</summary>
    public string? Fault { get; private set; }

    public ReadOnlySpan<byte> Written => buffer.WrittenSpan;

    /// <summary>A writer with nothing written. What it wrote is gone with <see cref="Dispose"/>.</summary>
    public static CanonicalWriter Rent()
    {
        var writer = spare ?? new();
        spare = null;
        return writer;
    }

    public void Dispose()
    {
        if (buffer.Capacity <= MostKept)
        {
            buffer.ResetWrittenCount();
            (Fault, needsComma) = (null, false);
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
        Separate();
        Put((byte)'"');
        buffer.Write(name);
        buffer.Write("\":"u8);
        needsComma = false;
    }

    public void Text(string text, int longest = LedgerText.Longest)
    {
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
        var span = buffer.GetSpan(20);
        Utf8Formatter.TryFormat(number, span, out var written);
        buffer.Advance(written);
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
        Separate();
        buffer.Write("true"u8);
        needsComma = true;
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
            Raw(instant.UtcDateTime.ToString(Instant, CultureInfo.InvariantCulture));
        }
    }

    public void Digest(ReadOnlySpan<byte> name, Digest? digest)
    {
        if (digest is not null)
        {
            Name(name);
            Raw(digest.ToString());
        }
    }

    public void Hash(ReadOnlySpan<byte> name, TreeHash? hash)
    {
        if (hash is { } value)
        {
            Name(name);
            Raw(value.ToString());
        }
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
                Separate();
                buffer.Write(value.ValueKind switch { JsonValueKind.True => "true"u8, JsonValueKind.False => "false"u8, _ => "null"u8 });
                needsComma = true;
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
        Put((byte)'"');
        buffer.Write(raw);
        Put((byte)'"');
        needsComma = true;
        return true;
    }

    // RFC 8785, section 3.2.3: by UTF-16 code units.
    private static int Compare(string one, string other, string? first) => one == other ? 0 : one == first ? -1 : other == first ? 1 : string.CompareOrdinal(one, other);

    private void Raw(ReadOnlySpan<char> text)
    {
        Separate();
        CanonicalText.Write(buffer, text);
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
        buffer.GetSpan(1)[0] = one;
        buffer.Advance(1);
    }
}
