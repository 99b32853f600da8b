using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>Reads JSON that a client sent without ever throwing for it.</summary>
internal static class JsonElementExtensions
{
    private const int LongestLabel = 256;

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
        public bool Is(string name, StringComparison comparison = StringComparison.Ordinal)
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(member);
            if (raw.Contains((byte)'\\'))
            {
                return member.Label().Equals(name, comparison);
            }

            return raw.Length == name.Length && (comparison == StringComparison.Ordinal ? Ascii.Equals(raw, name) : Ascii.EqualsIgnoreCase(raw, name));
        }

        /// <summary>The member's name for a path: printable, and cut where it is long.</summary>
        public string Label()
        {
            try
            {
                var name = member.Name;
                return name.Length <= LongestLabel ? name : name[..LongestLabel] + $"…({name.Length})";
            }
            catch (InvalidOperationException)
            {
                // A name with a lone surrogate equals no name that anybody looks for.
                return "\uFFFD";
            }
        }
    }
}
