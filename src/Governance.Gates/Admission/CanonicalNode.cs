using System.Buffers;
using System.Text;

namespace Governance.Gates.Admission;

/// <summary>A JSON value that has one spelling: RFC 8785, with integers of 64 bits written in full and no other numbers.</summary>
internal abstract record CanonicalNode
{
    /// <summary>The deepest value that is read or written.</summary>
    public const int MaxDepth = 64;

    private CanonicalNode()
    {
    }

    /// <summary>Whether this is an object without members, or a list without items.</summary>
    public virtual bool IsEmpty => false;

    /// <summary>The canonical bytes; null where they are more than <paramref name="most"/>.</summary>
    public byte[]? Write(int most)
    {
        var buffer = new ArrayBufferWriter<byte>(4_096);
        return TryWrite(buffer, most) ? buffer.WrittenSpan.ToArray() : null;
    }

    /// <summary>The canonical text of a value whose size is known to be bounded.</summary>
    public sealed override string ToString()
    {
        var buffer = new ArrayBufferWriter<byte>();
        TryWrite(buffer, int.MaxValue);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Whether its canonical text is this one.</summary>
    public virtual bool Is(string json) => ToString() == json;

    /// <summary>Writes the value.</summary>
    /// <returns>Whether all of it was written; not once the buffer holds more than <paramref name="most"/> bytes.</returns>
    protected abstract bool TryWrite(ArrayBufferWriter<byte> buffer, int most);

    private static bool TryWriteText(ArrayBufferWriter<byte> buffer, int most, string text)
    {
        if (text.Length > most - buffer.WrittenCount)
        {
            return false;
        }

        CanonicalText.Write(buffer, text);
        return buffer.WrittenCount <= most;
    }

    private static void WriteUtf8(ArrayBufferWriter<byte> buffer, ReadOnlySpan<char> text) =>
        buffer.Advance(Encoding.UTF8.GetBytes(text, buffer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));

    /// <summary>An object, written with its members in the order of their UTF-16 code units.</summary>
    public sealed record Members : CanonicalNode
    {
        /// <summary>An object without members.</summary>
        /// <param name="count">About how many it will have.</param>
        public Members(int count = 0) => All = new(count, StringComparer.Ordinal);

        /// <summary>The members, in any order.</summary>
        public Dictionary<string, CanonicalNode> All { get; }

        /// <inheritdoc/>
        public override bool IsEmpty => All.Count == 0;

        /// <summary>A member; null where there is none.</summary>
        public CanonicalNode? this[string name] => All.GetValueOrDefault(name);

        /// <summary>A member that is text; null where there is none.</summary>
        public string? TextOf(string name) => (this[name] as Text)?.Value;

        /// <summary>The objects in the list that a member is.</summary>
        public IEnumerable<Members> Each(string name) => this[name] is Items list ? list.All.OfType<Members>() : [];

        /// <summary>Keeps those items of a list for which this holds; a list that has none left goes too.</summary>
        public void Keep(string name, Func<Members, bool> which)
        {
            if (this[name] is Items list)
            {
                list.All.RemoveAll(item => item is Members members && !which(members));
                if (list.IsEmpty)
                {
                    All.Remove(name);
                }
            }
        }

        /// <inheritdoc/>
        protected override bool TryWrite(ArrayBufferWriter<byte> buffer, int most)
        {
            var members = All.ToArray();
            members.AsSpan().Sort(static (one, other) => string.CompareOrdinal(one.Key, other.Key));
            buffer.Write("{"u8);
            for (var i = 0; i < members.Length; i++)
            {
                buffer.Write(i == 0 ? ""u8 : ","u8);
                if (!TryWriteText(buffer, most, members[i].Key))
                {
                    return false;
                }

                buffer.Write(":"u8);
                if (!members[i].Value.TryWrite(buffer, most))
                {
                    return false;
                }
            }

            buffer.Write("}"u8);
            return buffer.WrittenCount <= most;
        }
    }

    /// <summary>A list.</summary>
    public sealed record Items : CanonicalNode
    {
        /// <summary>A list without items.</summary>
        /// <param name="count">About how many it will have.</param>
        public Items(int count = 0) => All = new(count);

        /// <summary>The items.</summary>
        public List<CanonicalNode> All { get; }

        /// <inheritdoc/>
        public override bool IsEmpty => All.Count == 0;

        /// <inheritdoc/>
        protected override bool TryWrite(ArrayBufferWriter<byte> buffer, int most)
        {
            buffer.Write("["u8);
            for (var i = 0; i < All.Count; i++)
            {
                buffer.Write(i == 0 ? ""u8 : ","u8);
                if (!All[i].TryWrite(buffer, most))
                {
                    return false;
                }
            }

            buffer.Write("]"u8);
            return buffer.WrittenCount <= most;
        }
    }

    /// <summary>Text without lone surrogates.</summary>
    public sealed record Text(string Value) : CanonicalNode
    {
        /// <inheritdoc/>
        public override bool Is(string json) => json.Length == Value.Length + 2 && json[0] == '"' && json.AsSpan(1..^1).SequenceEqual(Value) && !CanonicalText.NeedsEscape(Value);

        /// <inheritdoc/>
        protected override bool TryWrite(ArrayBufferWriter<byte> buffer, int most) => TryWriteText(buffer, most, Value);
    }

    /// <summary><c>true</c>, <c>false</c>, <c>null</c> or an integer, as it is spelled.</summary>
    public sealed record Literal(string Json) : CanonicalNode
    {
        /// <inheritdoc/>
        protected override bool TryWrite(ArrayBufferWriter<byte> buffer, int most)
        {
            WriteUtf8(buffer, Json);
            return buffer.WrittenCount <= most;
        }
    }
}
