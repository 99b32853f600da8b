using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>Reads JSON that a client sent without ever throwing for it.</summary>
internal static class JsonElementExtensions
{
    private const int LongestLabel = 256;
    private static readonly SearchValues<char> Plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._$:");

    extension(JsonElement element)
    {
        /// <summary>The string, or null for any other type and for a string that is no valid Unicode text.</summary>
        public string? Text()
        {
            if (element.ValueKind != JsonValueKind.String)
            {
                return null;
            }

            try
            {
                return element.GetString();
            }
            catch (InvalidOperationException)
            {
                // An escaped lone surrogate: JSON's grammar allows it, and no name or reference can be one.
                return null;
            }
        }
    }

    extension(JsonProperty member)
    {
        /// <summary>Whether the member has this name, which is ASCII.</summary>
        /// <remarks>Regardless of case means as Go's encoding/json takes it, which many controllers read with: U+017F for s, U+212A for k.</remarks>
        public bool Is(string name, StringComparison comparison = StringComparison.Ordinal)
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(member);
            if (raw.Length <= name.Length)
            {
                // An escape, and a letter beyond ASCII, take more bytes than the ASCII letter that they stand for.
                return raw.Length == name.Length && (comparison == StringComparison.Ordinal ? Ascii.Equals(raw, name) : Ascii.EqualsIgnoreCase(raw, name));
            }

            return (raw.Contains((byte)'\\') || !Ascii.IsValid(raw))
                && (comparison == StringComparison.Ordinal ? member.Text() == name : string.Equals(member.Text()?.Replace('\u017F', 's').Replace('\u212A', 'k'), name, comparison));
        }

        /// <summary>The name; null where it is no valid Unicode text.</summary>
        public string? Text()
        {
            try
            {
                return member.Name;
            }
            catch (InvalidOperationException)
            {
                // A name with a lone surrogate equals no name that anybody looks for.
                return null;
            }
        }

        /// <summary>The member's name as a segment of a path.</summary>
        public string Label() => Segment(member.Text() ?? "\uFFFD");
    }

    /// <summary>A name as a segment of a path: printable, cut where it is long, and with <c>/</c> escaped (RFC 6901), so that no name looks like two.</summary>
    public static string Segment(string name)
    {
        if (name.Length <= LongestLabel && !name.AsSpan().ContainsAnyExcept(Plain))
        {
            return name;
        }

        var segment = new StringBuilder();
        foreach (var c in name.AsSpan(0, Math.Min(name.Length, LongestLabel)))
        {
            _ = c switch
            {
                '~' => segment.Append("~0"),
                '/' => segment.Append("~1"),
                >= ' ' and <= '~' => segment.Append(c),
                _ => segment.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
            };
        }

        return name.Length <= LongestLabel ? segment.ToString() : segment.Append(CultureInfo.InvariantCulture, $"…({name.Length})").ToString();
    }
}
