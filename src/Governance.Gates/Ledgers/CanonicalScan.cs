using System.Buffers;
using System.Text;

namespace Governance.Gates.Ledgers;

/// <summary>Whether a JSON document is in the spelling of RFC 8785 already, found in one pass over its bytes.</summary>
/// <remarks>
/// Sure where it says yes. It says no as well to what it does not look into: characters beyond ASCII, escapes, and numbers of more digits than all readers take. Such a document has to be parsed.
/// </remarks>
internal ref struct CanonicalScan
{
    private const int MostDigits = 15;
    private static readonly SearchValues<byte> AsItStands = SearchValues.Create(Encoding.ASCII.GetBytes(CanonicalText.AsItStands));

    private readonly ReadOnlySpan<byte> json;
    private int at;

    private CanonicalScan(ReadOnlySpan<byte> json) => this.json = json;

    /// <summary>Whether this is one object, in that spelling, and nothing else.</summary>
    public static bool IsObject(ReadOnlySpan<byte> json)
    {
        var scan = new CanonicalScan(json);
        return scan.Takes('{') && scan.RestOfObject(1) && scan.at == json.Length;
    }

    private bool Value(int depth) =>
        Takes('"') ? RestOfText(out _)
        : Takes('{') ? depth < EntryReader.MaxDepth && RestOfObject(depth + 1)
        : Takes('[') ? depth < EntryReader.MaxDepth && RestOfArray(depth + 1)
        : Number() || Takes("true"u8) || Takes("false"u8) || Takes("null"u8);

    // Names stand in the order of their code units, which in ASCII is that of their bytes, and each once.
    private bool RestOfObject(int depth)
    {
        if (Takes('}'))
        {
            return true;
        }

        var before = ReadOnlySpan<byte>.Empty;
        var isFirst = true;
        do
        {
            if (!Takes('"') || !RestOfText(out var name) || !(isFirst || before.SequenceCompareTo(name) < 0) || !Takes(':') || !Value(depth))
            {
                return false;
            }

            before = name;
            isFirst = false;
        }
        while (Takes(','));
        return Takes('}');
    }

    private bool RestOfArray(int depth)
    {
        if (Takes(']'))
        {
            return true;
        }

        do
        {
            if (!Value(depth))
            {
                return false;
            }
        }
        while (Takes(','));
        return Takes(']');
    }

    private bool RestOfText(out ReadOnlySpan<byte> text)
    {
        text = json[at..];
        if (text.IndexOfAnyExcept(AsItStands) is var length && length < 0)
        {
            return false;
        }

        text = text[..length];
        at += length;
        return Takes('"');
    }

    // Whole, without zeros before it, and without a sign where it is zero.
    private bool Number()
    {
        var begin = at;
        var isNegative = Takes('-');
        var first = at;
        while (at < json.Length && json[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        var digits = at - first;
        if (digits is > 0 and <= MostDigits && (json[first] != '0' || (digits == 1 && !isNegative)))
        {
            return true;
        }

        at = begin;
        return false;
    }

    private bool Takes(char one)
    {
        if (at < json.Length && json[at] == one)
        {
            at++;
            return true;
        }

        return false;
    }

    private bool Takes(ReadOnlySpan<byte> word)
    {
        if (json[at..].StartsWith(word))
        {
            at += word.Length;
            return true;
        }

        return false;
    }
}
